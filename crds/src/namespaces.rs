use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::{LabelKey, LabelValue};

/// Which namespaces are let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("has(self.selector) == (self.from == 'Selector')")
        .message("selector goes with from: Selector, and only with it")
        .field_path(".selector"),
))]
#[serde(rename_all = "camelCase")]
pub struct Namespaces {
    /// Same lets in the namespace of this object alone, All lets in every namespace, and Selector
    /// those whose labels match `selector`.
    pub from: NamespacesFrom,
    /// Picks namespaces by their labels. Every namespace has the label
    /// `kubernetes.io/metadata.name` with its name as the value. Goes with `from: Selector` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// How namespaces are picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NamespacesFrom {
    /// The namespace of the object alone.
    Same,
    /// Every namespace.
    All,
    /// Those that the selector matches.
    Selector,
}

/// Picks by labels: all of its requirements must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("(has(self.matchLabels) && size(self.matchLabels) > 0) || (has(self.matchExpressions) && size(self.matchExpressions) > 0)")
        .message("must have matchLabels or matchExpressions; for every namespace write from: All"),
))]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels that must be there with exactly these values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<MatchLabels>,
    /// Requirements on labels.
    #[schemars(length(max = 16))]
    #[cfg_attr(feature = "crd", x_kube(merge_strategy = ListMerge::Atomic))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_expressions: Option<Vec<Requirement>>,
}

/// Labels with their values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("maxProperties" = 16))]
pub struct MatchLabels(pub BTreeMap<String, LabelValue>);

/// A requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("has(self.values) == (self.operator in ['In', 'NotIn'])")
        .message("values goes with the operators In and NotIn, and only with them")
        .field_path(".values"),
))]
#[serde(rename_all = "camelCase")]
pub struct Requirement {
    /// The key of the label.
    pub key: LabelKey,
    /// In and NotIn compare the label's value with `values`, Exists and DoesNotExist ask whether
    /// the label is there. NotIn holds where the label is absent, too.
    pub operator: RequirementOperator,
    /// The values to compare with.
    #[schemars(length(min = 1, max = 64))]
    #[cfg_attr(feature = "crd", x_kube(merge_strategy = ListMerge::Set))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<LabelValue>>,
}

/// How a label is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RequirementOperator {
    /// Its value is listed.
    In,
    /// Its value is not listed, or it is absent.
    NotIn,
    /// It is there.
    Exists,
    /// It is absent.
    DoesNotExist,
}
