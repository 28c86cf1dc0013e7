use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::{Duration, PositiveDuration};

/// How a Mock provider answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Mock {
    /// How long it thinks before it answers. None without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Duration>,
    /// In how many pieces a streamed answer comes. 8 without it.
    #[schemars(range(min = 1, max = 10000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunks: Option<i32>,
    /// How long it waits between two pieces. Not at all without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk_interval: Option<Duration>,
    /// The usage that it reports. Without it, usage follows from the texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<MockTokens>,
    /// What it says. Without it, a sentence that names the model.
    #[schemars(length(max = 16384))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What goes wrong, and how often. Of several that are due, the first counts.
    #[schemars(length(min = 1, max = 16))]
    #[cfg_attr(feature = "crd", x_kube(merge_strategy = ListMerge::Atomic))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<Vec<MockFault>>,
}

/// The usage that a Mock provider reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MockTokens {
    /// The tokens of the prompt.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<i32>,
    /// The tokens of the answer.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<i32>,
}

/// A fault and how often it strikes; exactly one of status, disconnect and stall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("[has(self.status), has(self.disconnect), has(self.stall)].filter(given, given).size() == 1")
        .message("must have exactly one of: status, disconnect, stall"),
    validation = Rule::new("!has(self.retryAfter) || has(self.status)")
        .message("retryAfter goes with status alone")
        .field_path(".retryAfter"),
))]
#[serde(rename_all = "camelCase")]
pub struct MockFault {
    /// Strikes every so many requests: 1 strikes each of them, 3 the third, the sixth and so on.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub every: i32,
    /// Answers with this HTTP status and an error in OpenAI's shape.
    #[schemars(range(min = 400, max = 599))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
    /// Breaks the connection: BeforeAnswer sends nothing, MidStream sends half of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disconnect: Option<MockDisconnect>,
    /// Halts midway through the answer for this long, and then goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall: Option<PositiveDuration>,
    /// Sent as `Retry-After`, in whole seconds. Goes with status alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<PositiveDuration>,
}

/// Breaks the connection: BeforeAnswer sends nothing, MidStream sends half of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MockDisconnect {
    /// Before anything is sent.
    BeforeAnswer,
    /// Halfway through the answer.
    MidStream,
}
