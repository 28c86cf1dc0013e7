use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::{AwsRegion, AzureApiVersion};

/// A wire format of LLM traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Dialect {
    /// OpenAI and what is compatible with it.
    OpenAI,
    /// OpenAI's models on Azure.
    AzureOpenAI,
    /// Anthropic's Messages.
    Anthropic,
    /// Gemini by its own API (AI Studio).
    Gemini,
    /// Gemini's and Anthropic's models on Google Cloud.
    Vertex,
    /// Amazon Bedrock by Converse.
    Bedrock,
    /// Cohere.
    Cohere,
    /// Answers that Weir makes up.
    Mock,
}

/// A provider that speaks OpenAI's format, of which Weir knows the endpoint and the quirks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Preset {
    /// Mistral's La Plateforme.
    Mistral,
    /// Groq.
    Groq,
    /// DeepSeek.
    DeepSeek,
    /// xAI.
    XAI,
    /// Together AI.
    Together,
    /// Fireworks AI.
    Fireworks,
    /// OpenRouter.
    OpenRouter,
    /// Perplexity.
    Perplexity,
    /// Cerebras.
    Cerebras,
    /// NVIDIA NIM, in NVIDIA's cloud where no endpoint is given.
    NIM,
    /// A vLLM server.
    VLLM,
    /// An SGLang server.
    SGLang,
    /// An Ollama server.
    Ollama,
}

/// What goes with the dialects OpenAI and AzureOpenAI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("has(self.responses)").message("must have responses; remove openai for the default"),
))]
#[serde(rename_all = "camelCase")]
pub struct OpenAI {
    /// How a caller of the Responses API is served. Native passes it on to the provider's
    /// `/responses`; ChatCompletions translates it, for providers that have none. Without it,
    /// Native is tried, and a provider that answers it with 404 is served by ChatCompletions from
    /// then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responses: Option<Responses>,
}

/// How a caller of the Responses API is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Responses {
    /// By the provider's `/responses`.
    Native,
    /// By its chat completions.
    ChatCompletions,
}

/// What goes with the dialect AzureOpenAI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("has(self.apiVersion)").message("must have apiVersion; remove azure for the default"),
))]
#[serde(rename_all = "camelCase")]
pub struct AzureOpenAI {
    /// The `api-version` that each call names. Without it `2024-10-21`, and none at all where the
    /// endpoint ends in `/openai/v1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<AzureApiVersion>,
}

/// What goes with the dialect Bedrock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("has(self.region)").message("must have region; remove bedrock for the default"),
))]
#[serde(rename_all = "camelCase")]
pub struct Bedrock {
    /// The AWS region, such as `us-east-1`: that of the default endpoint, and the one that requests
    /// are signed for. Without it, the region in the endpoint's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<AwsRegion>,
}
