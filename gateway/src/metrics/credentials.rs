use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use super::count_of;
use crate::credentials::Status;
use crate::live::Live;

/// How it stands with the credentials that expire, by provider. Providers with one credential have the same numbers.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) live: Arc<Live>,
}

impl Collector for Credentials {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(generation) = self.live.load() else {
            return Ok(());
        };
        let statuses: BTreeMap<&Arc<str>, Status> = generation.credentials().collect();
        if statuses.is_empty() {
            return Ok(());
        }
        let mut family = encoder.encode_descriptor(
            "credential_expiry_seconds",
            "Time until the credential of a provider expires; 0 where there is none",
            None,
            MetricType::Gauge,
        )?;
        for (provider, status) in &statuses {
            family
                .encode_family(&[("provider", provider.as_ref())])?
                .encode_gauge(&status.seconds_left)?;
        }
        type Pick = fn(&Status) -> u64;
        let counters: [(&str, &str, Pick); 2] = [
            (
                "credential_renewals",
                "Times that the credential of a provider was fetched",
                |status| status.renewals,
            ),
            (
                "credential_failures",
                "Times that the credential of a provider could not be fetched",
                |status| status.failures,
            ),
        ];
        for (name, help, pick) in counters {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (provider, status) in &statuses {
                count_of(
                    &mut family,
                    &[("provider", provider.as_ref())],
                    pick(status),
                )?;
            }
        }
        Ok(())
    }
}
