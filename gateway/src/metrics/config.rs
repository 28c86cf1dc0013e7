use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

/// What is known of the configuration that serves.
#[derive(Debug, Default, Clone)]
pub struct ConfigState {
    /// Rises with each configuration that is put to work.
    pub revision: u64,
    /// The revision of what was published that serves; none where a folder is served.
    pub published: Option<u64>,
    /// Namespaces whose newest publication, or something in it, can't be taken up.
    pub namespaces_refused: u64,
    /// Resources of each kind that serve at their newest.
    pub accepted: BTreeMap<String, u64>,
    /// Resources that are refused: kind, namespace, name, reason.
    pub refused: Vec<[String; 4]>,
    /// Files and documents that can't be read.
    pub unreadable: u64,
}

#[derive(Debug)]
pub(super) struct Config {
    pub(super) state: Arc<Mutex<ConfigState>>,
}

impl Collector for Config {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let state = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut gauge = |name, help, value: u64| {
            encoder
                .encode_descriptor(name, help, None, MetricType::Gauge)?
                .encode_gauge(&value)
        };
        gauge(
            "config_revision",
            "Configurations put to work since the start",
            state.revision,
        )?;
        if let Some(published) = state.published {
            gauge(
                "config_published_revision",
                "The highest revision of the published configuration that serves",
                published,
            )?;
        }
        gauge(
            "config_refused_namespaces",
            "Namespaces whose newest publication, or something in it, can't be taken up",
            state.namespaces_refused,
        )?;
        gauge(
            "config_unreadable_files",
            "Files and documents of the configuration that can't be read",
            state.unreadable,
        )?;
        let mut family = encoder.encode_descriptor(
            "config_resources",
            "Resources that serve at their newest, by kind",
            None,
            MetricType::Gauge,
        )?;
        for (kind, count) in &state.accepted {
            family
                .encode_family(&[("kind", kind.as_str())])?
                .encode_gauge(count)?;
        }
        let mut family = encoder.encode_descriptor(
            "config_refused",
            "Resources whose newest version is refused",
            None,
            MetricType::Gauge,
        )?;
        for [kind, namespace, name, reason] in &state.refused {
            let labels = [
                ("kind", kind.as_str()),
                ("namespace", namespace.as_str()),
                ("name", name.as_str()),
                ("reason", reason.as_str()),
            ];
            family.encode_family(&labels)?.encode_gauge(&1u64)?;
        }
        Ok(())
    }
}
