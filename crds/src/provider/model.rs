use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::{ExactModel, ModelName, Usd};

/// A model that a provider serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderModel {
    /// What routes and clients call the model.
    pub name: ExactModel,
    /// What the provider calls it, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_name: Option<ModelName>,
    /// What it costs here, where that is not what Weir's own list of prices has
    /// (`weir prices MODEL` shows it). What is given replaces the list's rate of that kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<ModelPrice>,
}

/// What a model costs, in USD per million tokens, each kind of token by itself; one rate at least.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("[has(self.input), has(self.output), has(self.cacheRead), has(self.cacheWrite), has(self.cacheWrite1h), has(self.reasoning), has(self.audioInput), has(self.audioOutput)].exists(given, given)")
        .message("must have a rate at least, such as input: \"3\"; remove price for that of Weir's list"),
))]
#[serde(rename_all = "camelCase")]
pub struct ModelPrice {
    /// Tokens of the request, in USD per million, as a text: `"3"` or `"0.25"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Usd>,
    /// Tokens of the answer, in USD per million.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Usd>,
    /// Tokens of the request that the provider had in its cache, in USD per million. As `input`
    /// without it, unless Weir's list has a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Usd>,
    /// Tokens of the request that the provider put into its cache, in USD per million.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Usd>,
    /// Those of them that it keeps for an hour, in USD per million. As `cacheWrite` without it.
    #[serde(rename = "cacheWrite1h", skip_serializing_if = "Option::is_none")]
    pub cache_write_hour: Option<Usd>,
    /// Tokens of the answer that were spent on reasoning, in USD per million. As `output` without
    /// it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Usd>,
    /// Tokens of the request that are audio, in USD per million. As `input` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<Usd>,
    /// Tokens of the answer that are audio, in USD per million. As `output` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<Usd>,
}
