use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::{ModelName, ModelPattern, NamespaceName, ResourceName, RuleName};
use crate::namespaces::Namespaces;

/// Who may ask for which models, and who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::CustomResource, kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(
    feature = "crd",
    kube(
        group = "weir.dev",
        version = "v1alpha1",
        kind = "AIRoute",
        plural = "airoutes",
        namespaced,
        shortname = "air",
        category = "ai",
        status = "crate::status::Status",
        doc = "An AIRoute says who may ask for which models, and which providers answer.",
        printcolumn = r#"{"name": "Models", "type": "string", "jsonPath": ".spec.models", "description": "The names that clients ask for"}"#,
        printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].status", "description": "Whether every gateway pod serves it as it is written"}"#,
        printcolumn = r#"{"name": "Reason", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].reason", "description": "Why it is or is not"}"#,
        printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": "Since when it is there"}"#,
        printcolumn = r#"{"name": "Message", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].message", "description": "The same in words", "priority": 1}"#,
    )
)]
#[serde(rename_all = "camelCase")]
pub struct AIRouteSpec {
    /// Who may call: whoever any of the entries names. Without it, every ServiceAccount and every API
    /// key of this namespace.
    #[schemars(length(min = 1, max = 16))]
    #[cfg_attr(feature = "crd", x_kube(merge_strategy = ListMerge::Atomic))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumers: Option<Vec<Consumers>>,
    /// The names that clients ask for. A `*` stands for any text, so that `gpt-*` is every name
    /// that begins with `gpt-`. An exact name goes before a pattern.
    #[schemars(length(min = 1, max = 64))]
    #[cfg_attr(feature = "crd", x_kube(merge_strategy = ListMerge::Set))]
    pub models: Vec<ModelPattern>,
    /// Which providers answer. The rules are tried in order and the first that holds wins.
    #[schemars(length(min = 1, max = 64))]
    #[cfg_attr(feature = "crd", x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = Rule::new("self.all(rule, !has(rule.name) || self.exists_one(other, has(other.name) && other.name == rule.name))")
            .message("must have no two rules of one name"),
    ))]
    pub rules: Vec<RouteRule>,
    /// When to try again. Without it, each backend of the rule is tried once at most, after any of
    /// the four failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// What becomes of the parameters of a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
}

/// Some consumers; exactly one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("has(self.serviceAccounts) != has(self.apiKeys)")
        .message("must have exactly one of: serviceAccounts, apiKeys"),
))]
#[serde(rename_all = "camelCase")]
pub struct Consumers {
    /// Kubernetes ServiceAccounts, whose pods call with their projected tokens. An empty object means
    /// every one of this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_accounts: Option<ServiceAccounts>,
    /// API keys: Secrets of type `weir.dev/api-key`, or with the label `weir.dev/api-key: "true"`.
    /// An empty object means every key of this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_keys: Option<ApiKeys>,
}

/// Some ServiceAccounts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccounts {
    /// Their names. Without it, every ServiceAccount.
    #[schemars(length(min = 1, max = 64))]
    #[cfg_attr(feature = "crd", x_kube(merge_strategy = ListMerge::Set))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<ResourceName>>,
    /// Their namespaces. Without it, the namespace of this route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Namespaces>,
}

/// Some API keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApiKeys {
    /// The names of their Secrets. Without it, every key.
    #[schemars(length(min = 1, max = 64))]
    #[cfg_attr(feature = "crd", x_kube(merge_strategy = ListMerge::Set))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<ResourceName>>,
    /// The namespaces of their Secrets. Without it, the namespace of this route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Namespaces>,
}

/// Which providers answer, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RouteRule {
    /// A name for people, in logs and in explanations. No two rules of a route have the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<RuleName>,
    /// A CEL expression that must be true for the rule to hold; without it, the rule always holds.
    /// It knows `request.model`, `request.stream`, `request.operation` (`chat`, `completions`,
    /// `embeddings`, `rerank`, `images`, `speech`, `transcriptions`, `translations`, `moderations`,
    /// `count_tokens`, `files`, `batches` or `responses`: `chat` is every dialect's chat, and
    /// `responses` are stored ones), `request.inputTokens` (an estimate: a quarter of the bytes of
    /// text) and `consumer` (such as `sa:team-a/web` or `key:team-a/ci`). A request that names no
    /// model, as those of files and batches, has `request.model == ""`.
    #[schemars(length(min = 1, max = 4096))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The providers that may answer.
    #[schemars(length(min = 1, max = 16))]
    #[cfg_attr(feature = "crd", x_kube(merge_strategy = ListMerge::Atomic))]
    pub backends: Vec<Backend>,
}

/// One provider that may answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// The provider that answers.
    pub provider: ProviderReference,
    /// The model to ask it for. Without it, the one that the client asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
    /// Backends with the lowest number go first, others only when all of those failed. 0 without
    /// it.
    #[schemars(range(min = 0, max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// The share of requests among backends of the same priority. 1 without it; with 0 it is tried
    /// only after the others of its priority.
    #[schemars(range(min = 0, max = 1_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
}

/// The AIProvider that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderReference {
    /// The name of the AIProvider.
    pub name: ResourceName,
    /// Its namespace. Without it, the namespace of this route. A provider of another namespace must
    /// allow this one in its `allowedRoutes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<NamespaceName>,
}

/// What becomes of the parameters of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("has(self.unsupported)")
        .message("must have unsupported; remove parameters for the default"),
))]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// What becomes of a part of a request that the provider which answers has no words for, such
    /// as `logit_bias` at a provider of another dialect. Refuse, the default, answers 400 and names
    /// the field; Drop leaves it out and goes on. A request to a provider of the caller's own
    /// dialect is passed on as it is, whatever stands here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<Unsupported>,
}

/// What becomes of what the provider has no words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Unsupported {
    /// The request is refused.
    Refuse,
    /// It is left out.
    Drop,
}

/// When to try again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("has(self.attempts) || has(self.retryOn)")
        .message("must have attempts, retryOn or both; remove retry for the default"),
))]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// How many calls to providers a request may take in all. Without it, one for each backend of
    /// the rule.
    #[schemars(range(min = 1, max = 10))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<i32>,
    /// The failures after which another attempt is made. Without it, all four.
    #[schemars(length(min = 1, max = 4))]
    #[cfg_attr(feature = "crd", x_kube(merge_strategy = ListMerge::Set))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_on: Option<Vec<RetryCause>>,
}

/// A failure of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RetryCause {
    /// The provider answered 429.
    RateLimited,
    /// The provider answered 500 or above.
    ServerError,
    /// The provider did not answer in time.
    Timeout,
    /// There was no connection, or it broke.
    ConnectionError,
}
