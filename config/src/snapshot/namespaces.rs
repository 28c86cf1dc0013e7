use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The label that Kubernetes sets on every namespace, with its name as the value. Shards carry it
/// as well, so that selectors by name hold on a folder as they do on a cluster.
pub const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Which namespaces a resource lets in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Namespaces {
    /// The resource's own namespace alone.
    Same,
    /// Every namespace.
    All,
    /// The namespaces whose labels meet every one of these requirements.
    Selector(Vec<Requirement>),
}

/// One requirement on a label, as in a Kubernetes label selector.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// What must be true of the label's value.
    pub operator: Operator,
    /// The values to compare with, sorted; empty for [`Operator::Exists`] and [`Operator::DoesNotExist`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a [`Requirement`] judges a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operator {
    /// The label is there and its value is one of those listed.
    In,
    /// The label is absent, or its value is none of those listed.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is absent.
    DoesNotExist,
}

impl Namespaces {
    /// Whether a resource in `own` lets in `other`, a namespace with these labels.
    #[must_use]
    pub fn admits(&self, own: &str, other: &str, labels: &BTreeMap<String, String>) -> bool {
        match self {
            Self::Same => own == other,
            Self::All => true,
            Self::Selector(requirements) => requirements.iter().all(|one| one.holds(labels)),
        }
    }
}

impl Requirement {
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}
