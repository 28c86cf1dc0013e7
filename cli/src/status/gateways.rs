//! What the gateways say of themselves in their leases.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use weir_records::lease::{DURATION, Refused, Report};

/// A gateway pod that holds a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Gateway {
    pub(super) pod: String,
    pub(super) state: State,
    /// None where the lease does not say, or speaks of a timeline that is not this cluster's.
    pub(super) revision: Option<u64>,
    pub(super) formats: Vec<u32>,
    pub(super) version: String,
    pub(super) renew_time: Option<Timestamp>,
    /// What the pod could not take up.
    pub(super) refused: Vec<Refused>,
}

/// How a pod stands to what is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum State {
    /// It runs the newest revision.
    Current,
    /// It does not, or does not say.
    Behind,
    /// It has not renewed its lease in time: it is gone, stuck, or can't reach the API server.
    Stale,
}

impl Gateway {
    /// The pods by name. Where it is not known what is published, the pod that is furthest ahead says.
    pub(super) fn read_all(leases: &[Lease], newest: Option<u64>, now: Timestamp) -> Vec<Self> {
        let mut gateways: Vec<_> = leases.iter().map(|lease| Self::read(lease, now)).collect();
        let furthest = gateways.iter().filter_map(|gateway| gateway.revision).max();
        let newest = newest.or(furthest).unwrap_or_default();
        for gateway in &mut gateways {
            let is_behind = gateway.revision.is_none_or(|revision| revision < newest);
            if gateway.state == State::Current && is_behind {
                gateway.state = State::Behind;
            }
        }
        gateways.sort_by(|a, b| a.pod.cmp(&b.pod));
        gateways
    }

    /// Reads one; its state is as if it ran the newest.
    fn read(lease: &Lease, now: Timestamp) -> Self {
        let metadata = &lease.metadata;
        let annotations = metadata.annotations.clone().unwrap_or_default();
        let version = metadata.resource_version.as_deref();
        let version: u64 = version
            .and_then(|version| version.parse().ok())
            .unwrap_or_default();
        let report = Report::read(&annotations).ok();
        let revision = report
            .as_ref()
            .and_then(|report| report.revision_at(version));
        let report = report.unwrap_or_default();
        let spec = lease.spec.clone().unwrap_or_default();
        let renew_time = spec.renew_time.map(|time| time.0);
        let holds = spec.lease_duration_seconds.map_or_else(
            || SignedDuration::try_from(DURATION).unwrap_or_default(),
            |seconds| SignedDuration::from_secs(seconds.into()),
        );
        let is_held = renew_time.is_some_and(|renewed| now.duration_since(renewed) <= holds);
        Self {
            pod: metadata.name.clone().unwrap_or_default(),
            state: if is_held {
                State::Current
            } else {
                State::Stale
            },
            revision,
            formats: report.formats,
            version: report.version,
            renew_time,
            refused: report.refused,
        }
    }

    pub(super) fn formats(&self) -> String {
        let formats: Vec<_> = self.formats.iter().map(u32::to_string).collect();
        formats.join(",")
    }
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Current => "Current",
            Self::Behind => "Behind",
            Self::Stale => "Stale",
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    pub(in crate::status) fn now() -> Timestamp {
        "2026-11-23T16:00:00Z".parse().unwrap()
    }

    /// A pod at this revision that renewed its lease so long ago.
    pub(in crate::status) fn lease(pod: &str, revision: u64, seconds_ago: i64) -> Lease {
        let renewed = now() - SignedDuration::from_secs(seconds_ago);
        let report = Report {
            revision,
            formats: vec![1, 2],
            version: "0.1.0".into(),
            refused: Vec::new(),
        };
        let lease = json!({
            "metadata": {"name": pod, "resourceVersion": "900", "annotations": report.annotations()},
            "spec": {
                "holderIdentity": pod, "leaseDurationSeconds": 15,
                "renewTime": format!("{renewed:.6}"),
            },
        });
        serde_json::from_value(lease).unwrap()
    }

    fn states(leases: &[Lease], newest: Option<u64>) -> Vec<(String, State)> {
        let gateways = Gateway::read_all(leases, newest, now());
        gateways
            .into_iter()
            .map(|gateway| (gateway.pod, gateway.state))
            .collect()
    }

    #[test]
    fn a_pod_below_the_newest_revision_is_behind() {
        let leases = [lease("b", 700, 3), lease("a", 699, 3), lease("c", 701, 3)];
        let expected = [
            ("a".to_owned(), State::Behind),
            ("b".to_owned(), State::Current),
            ("c".to_owned(), State::Current),
        ];
        assert_eq!(states(&leases, Some(700)), expected);
    }

    #[test]
    fn without_what_is_published_the_furthest_pod_says() {
        let leases = [lease("a", 699, 3), lease("b", 700, 3)];
        let expected = [
            ("a".to_owned(), State::Behind),
            ("b".to_owned(), State::Current),
        ];
        assert_eq!(states(&leases, None), expected);
    }

    #[test]
    fn a_lease_that_is_not_renewed_in_time_is_stale_whatever_its_revision() {
        for (seconds, expected) in [
            (15, State::Current),
            (16, State::Stale),
            (-30, State::Current),
        ] {
            let states = states(&[lease("a", 700, seconds)], Some(700));
            assert_eq!(states, [("a".to_owned(), expected)], "{seconds}");
        }
        assert_eq!(
            states(&[lease("a", 1, 16)], Some(700)),
            [("a".to_owned(), State::Stale)]
        );
        let mut never = lease("a", 700, 0);
        never.spec = None;
        assert_eq!(
            states(&[never], Some(700)),
            [("a".to_owned(), State::Stale)]
        );
    }

    #[test]
    fn a_revision_of_another_timeline_counts_as_none() {
        // Above the version that the lease itself was written at: the cluster's store is an older one.
        let [gateway] = &Gateway::read_all(&[lease("a", 901, 3)], Some(700), now())[..] else {
            panic!("one lease, one gateway");
        };
        assert_eq!((gateway.revision, gateway.state), (None, State::Behind));
    }

    #[test]
    fn a_lease_that_says_nothing_is_behind() {
        let mut silent = lease("a", 700, 3);
        silent.metadata.annotations = None;
        let [gateway] = &Gateway::read_all(&[silent], None, now())[..] else {
            panic!("one lease, one gateway");
        };
        assert_eq!((gateway.revision, gateway.state), (None, State::Behind));
        assert_eq!(gateway.formats(), "");
    }
}
