use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of an object. The operator alone writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The generation that the conditions speak of as a whole. One that is older than
    /// `metadata.generation` says nothing of what was written since.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The generation that serves: the newest that was accepted. Absent where nothing serves.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving_generation: Option<i64>,
    /// What is so and what is not, by type: Accepted, ResolvedRefs, Programmed and Ready, and
    /// Stalled where the newest generation is refused.
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
    )]
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// One aspect of the state of an object, as Kubernetes' own objects have them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which aspect it is.
    #[schemars(length(min = 1, max = 316))]
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is so.
    pub status: ConditionStatus,
    /// The generation that it speaks of.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When it last changed from one status to another, as in RFC 3339.
    #[schemars(length(min = 1, max = 64), extend("format" = "date-time"))]
    pub last_transition_time: String,
    /// Why it is so, in one word for programs.
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
    /// Why it is so, for people: which field is wrong, and what would be right.
    #[schemars(length(max = 32768))]
    pub message: String,
}

/// Whether something is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    /// It is.
    True,
    /// It is not.
    False,
    /// Nobody knows yet.
    Unknown,
}

/// The types of [conditions](Condition).
pub mod condition {
    /// The spec makes sense.
    pub const ACCEPTED: &str = "Accepted";
    /// What the spec refers to is there, and may be used.
    pub const RESOLVED_REFS: &str = "ResolvedRefs";
    /// Every gateway pod runs it.
    pub const PROGRAMMED: &str = "Programmed";
    /// All of these are so: every gateway pod serves this generation.
    pub const READY: &str = "Ready";
    /// The newest generation is refused, and it will stay so until it is changed. Absent otherwise.
    pub const STALLED: &str = "Stalled";
}

/// The reasons of [conditions](Condition), beside those of a problem of the spec (such as
/// `InvalidExpression`), which are the compiler's.
pub mod reason {
    /// Of Accepted: the spec makes sense.
    pub const ACCEPTED: &str = "Accepted";
    /// Of ResolvedRefs: whatever the spec refers to is there.
    pub const RESOLVED_REFS: &str = "ResolvedRefs";
    /// Of Programmed: every gateway pod runs it.
    pub const PROGRAMMED: &str = "Programmed";
    /// Of Programmed and Ready: the operator or the pods have yet to take it up.
    pub const PENDING: &str = "Pending";
    /// Of Programmed and Ready: some pods run an older revision.
    pub const GATEWAYS_BEHIND: &str = "GatewaysBehind";
    /// Of Programmed and Ready: a pod could not take it up.
    pub const GATEWAY_REFUSED: &str = "GatewayRefused";
    /// Of Programmed and Ready: there is no gateway pod.
    pub const NO_GATEWAYS: &str = "NoGateways";
    /// Of Programmed: this generation is refused, so that the last good one serves.
    pub const REFUSED: &str = "Refused";
    /// Of Ready: all is well.
    pub const READY: &str = "Ready";
}

impl Status {
    /// The message of the condition that an object has before the operator has seen it.
    pub const WAITING: &'static str = "Waiting for the operator";

    /// What an object has before the operator has seen it: the default of `status` in the CRDs.
    #[must_use]
    pub fn pending() -> Self {
        Self {
            observed_generation: None,
            serving_generation: None,
            conditions: vec![Condition {
                kind: condition::READY.to_owned(),
                status: ConditionStatus::Unknown,
                observed_generation: None,
                last_transition_time: "1970-01-01T00:00:00Z".to_owned(),
                reason: reason::PENDING.to_owned(),
                message: Self::WAITING.to_owned(),
            }],
        }
    }

    /// The condition of this type.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|one| one.kind == kind)
    }
}

impl ConditionStatus {
    /// `True`, `False` or `Unknown`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}
