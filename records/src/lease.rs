//! The lease that each gateway pod holds in the config namespace: what it runs, and what it could not take up.
//!
//! A pod takes it once its first config is linked, renews it on an interval and at once when what it says changes, and
//! deletes it when it drains. The operator concludes from it what is live; `weir status` shows it. What a gateway says
//! stands in annotations, since a `coordination.k8s.io` Lease has no field for it.
//!
//! Strings in, strings out: no Kubernetes type is here, so that each side may use its own.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The label that tells a gateway's lease from others; its value is [`LABEL_VALUE`].
pub const LABEL: &str = "weir.dev/lease";
/// The value of [`LABEL`].
pub const LABEL_VALUE: &str = "gateway";
/// Who writes the lease, to server-side apply.
pub const FIELD_MANAGER: &str = "weir-gateway";
/// How long a lease holds after it was renewed; `spec.leaseDurationSeconds`.
pub const DURATION: Duration = Duration::from_secs(15);
/// How often a gateway renews it.
pub const RENEW: Duration = Duration::from_secs(5);

/// The annotation with the revision that the pod runs.
pub const REVISION: &str = "weir.dev/revision";
/// The annotation with the formats of shards that the pod reads, as in `1,2`.
pub const FORMATS: &str = "weir.dev/formats";
/// The annotation with the version of the pod's binary.
pub const VERSION: &str = "weir.dev/version";
/// The annotation with what the pod could not take up, as JSON.
pub const REFUSED: &str = "weir.dev/refused";

/// How many refusals a lease tells at most.
pub const MAX_REFUSED: usize = 20;
/// How long [`REFUSED`] is at most, in bytes.
pub const MAX_REFUSED_BYTES: usize = 8 << 10;
/// How long the message of one refusal is at most, in bytes.
const MAX_MESSAGE_BYTES: usize = 512;

/// What a gateway says of itself in its lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The highest revision that it has fully taken up.
    pub revision: u64,
    /// The formats of shards that it reads, in rising order.
    pub formats: Vec<u32>,
    /// The version of its binary.
    pub version: String,
    /// What it could not take up; its last good version of these serves.
    pub refused: Vec<Refused>,
}

/// Something that a gateway could not take up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// The namespace whose config it is.
    pub namespace: String,
    /// Which object of it, as `AIRoute/chat`; none where it is the namespace's config as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Why. Neither a secret nor anything that was sent stands in it.
    pub message: String,
}

/// What is wrong with the annotations of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The annotation that is missing or not written as it must be.
    pub annotation: &'static str,
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the annotation {} is missing or wrong", self.annotation)
    }
}

impl std::error::Error for ReadError {}

impl Report {
    /// The annotations that say it. Refusals are sorted, and cut to [`MAX_REFUSED`] and [`MAX_REFUSED_BYTES`]; the
    /// annotation is there where nothing is refused too, so that whoever merges annotations clears it.
    #[must_use]
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let mut formats = self.formats.clone();
        formats.sort_unstable();
        formats.dedup();
        let formats: Vec<String> = formats.iter().map(u32::to_string).collect();
        [
            (REVISION, self.revision.to_string()),
            (FORMATS, formats.join(",")),
            (VERSION, self.version.clone()),
            (REFUSED, write_refused(&self.refused)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// Reads what [`annotations`](Self::annotations) wrote, in this or another version.
    ///
    /// # Errors
    /// An annotation is missing or not written as it must be: what the pod runs is not known then.
    pub fn read(annotations: &BTreeMap<String, String>) -> Result<Self, ReadError> {
        let get = |annotation| {
            let value = annotations.get(annotation).map(String::as_str);
            value.ok_or(ReadError { annotation })
        };
        let wrong = |annotation| ReadError { annotation };
        let mut formats = Vec::new();
        for format in get(FORMATS)?.split(',') {
            formats.push(format.trim().parse().map_err(|_| wrong(FORMATS))?);
        }
        formats.sort_unstable();
        formats.dedup();
        Ok(Self {
            revision: get(REVISION)?.parse().map_err(|_| wrong(REVISION))?,
            formats,
            version: annotations.get(VERSION).cloned().unwrap_or_default(),
            refused: match annotations.get(REFUSED) {
                Some(json) => serde_json::from_str(json).map_err(|_| wrong(REFUSED))?,
                None => Vec::new(),
            },
        })
    }

    /// The revision that the pod runs, of the timeline that the lease itself is of.
    ///
    /// A revision above the resourceVersion that the lease was written at can't come from this store: etcd was restored
    /// from an older backup, and the pod has not seen its lists since. None then.
    #[must_use]
    pub fn revision_at(&self, lease_version: u64) -> Option<u64> {
        (self.revision <= lease_version).then_some(self.revision)
    }
}

impl Refused {
    /// Whether it is about this object, or the whole config of its namespace.
    #[must_use]
    pub fn concerns(&self, namespace: &str, kind: &str, name: &str) -> bool {
        self.namespace == namespace
            && self.object.as_deref().is_none_or(|object| {
                object
                    .split_once('/')
                    .is_some_and(|(of, named)| of == kind && named == name)
            })
    }
}

fn write_refused(refused: &[Refused]) -> String {
    let mut sorted: Vec<Refused> = refused.iter().map(short).collect();
    sorted.sort();
    sorted.dedup();
    let mut json = String::from("[");
    for one in sorted.iter().take(MAX_REFUSED) {
        // A struct of texts always can be written.
        let Ok(one) = serde_json::to_string(one) else {
            continue;
        };
        // The comma before it and the bracket at the end.
        if json.len() + one.len() + 2 > MAX_REFUSED_BYTES {
            break;
        }
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&one);
    }
    json.push(']');
    json
}

fn short(refused: &Refused) -> Refused {
    let mut refused = refused.clone();
    if refused.message.len() > MAX_MESSAGE_BYTES {
        let end = refused.message.floor_char_boundary(MAX_MESSAGE_BYTES - 3);
        refused.message.truncate(end);
        refused.message.push('…');
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(object: Option<&str>, message: &str) -> Refused {
        Refused {
            namespace: "team".into(),
            object: object.map(Into::into),
            message: message.into(),
        }
    }

    fn report() -> Report {
        Report {
            revision: 4711,
            formats: vec![1, 2],
            version: "0.1.0".into(),
            refused: vec![
                refused(None, "the shard can't be read"),
                refused(Some("AIRoute/chat"), "spec.rules[0].when: no such function"),
            ],
        }
    }

    #[test]
    fn a_report_stands_in_four_annotations() {
        let refused = r#"[{"namespace":"team","message":"the shard can't be read"},{"namespace":"team","object":"AIRoute/chat","message":"spec.rules[0].when: no such function"}]"#;
        let expected = [
            ("weir.dev/formats", "1,2"),
            ("weir.dev/refused", refused),
            ("weir.dev/revision", "4711"),
            ("weir.dev/version", "0.1.0"),
        ];
        let expected: BTreeMap<String, String> = expected
            .map(|(name, value)| (name.into(), value.into()))
            .into();
        assert_eq!(report().annotations(), expected);
        assert_eq!(Report::read(&expected), Ok(report()));
    }

    #[test]
    fn nothing_refused_is_said() {
        let report = Report {
            refused: Vec::new(),
            ..report()
        };
        assert_eq!(report.annotations()[REFUSED], "[]");
        assert_eq!(Report::read(&report.annotations()), Ok(report));
    }

    #[test]
    fn refusals_stay_within_their_bounds() {
        let report = Report {
            refused: (0..100)
                .map(|n| {
                    refused(
                        Some(&format!("AIRoute/r{n:03}")),
                        &"ä\"".repeat(10 * n + 200),
                    )
                })
                .collect(),
            ..report()
        };
        let annotations = report.annotations();
        assert!(annotations[REFUSED].len() <= MAX_REFUSED_BYTES);
        let read = Report::read(&annotations).unwrap().refused;
        assert!((5..=MAX_REFUSED).contains(&read.len()), "{}", read.len());
        assert!(
            read.iter()
                .all(|one| one.message.len() <= MAX_MESSAGE_BYTES)
        );
        assert_eq!(read[0].object.as_deref(), Some("AIRoute/r000"));
        let few = Report {
            refused: (0..100).map(|n| refused(None, &n.to_string())).collect(),
            ..report
        };
        let read = Report::read(&few.annotations()).unwrap().refused;
        assert_eq!(read.len(), MAX_REFUSED);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (annotation, value) in [
            (REVISION, None),
            (REVISION, Some("-1")),
            (FORMATS, None),
            (FORMATS, Some("")),
            (FORMATS, Some("1,x")),
            (REFUSED, Some("{}")),
        ] {
            let mut annotations = report().annotations();
            match value {
                Some(value) => annotations.insert(annotation.into(), value.into()),
                None => annotations.remove(annotation),
            };
            let error = Report::read(&annotations).unwrap_err();
            assert_eq!(error, ReadError { annotation }, "{value:?}");
        }
    }

    #[test]
    fn another_version_may_say_more_or_less() {
        let mut annotations = report().annotations();
        annotations.insert(
            REFUSED.into(),
            r#"[{"namespace":"a","message":"b","c":1}]"#.into(),
        );
        annotations.remove(VERSION);
        let read = Report::read(&annotations).unwrap();
        let expected = Report {
            version: String::new(),
            refused: vec![Refused {
                namespace: "a".into(),
                object: None,
                message: "b".into(),
            }],
            ..report()
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn a_revision_of_another_timeline_is_none() {
        assert_eq!(report().revision_at(4711), Some(4711));
        assert_eq!(report().revision_at(5000), Some(4711));
        assert_eq!(report().revision_at(4710), None);
    }

    #[test]
    fn a_refusal_concerns_its_object_or_all_of_its_namespace() {
        let whole = refused(None, "");
        assert!(whole.concerns("team", "AIRoute", "chat"));
        assert!(!whole.concerns("teams", "AIRoute", "chat"));
        let one = refused(Some("AIRoute/chat"), "");
        assert!(one.concerns("team", "AIRoute", "chat"));
        assert!(!one.concerns("team", "AIRoute", "chat2"));
        assert!(!one.concerns("team", "AIProvider", "chat"));
        assert!(!one.concerns("team2", "AIRoute", "chat"));
    }
}
