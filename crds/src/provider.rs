use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::{Duration, EntryName, ExactModel, ModelName, PositiveDuration, ResourceName};
use crate::namespaces::Namespaces;

/// One account at one endpoint that speaks one dialect of LLM traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::CustomResource, kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(
    feature = "crd",
    kube(
        group = "weir.dev",
        version = "v1alpha1",
        kind = "AIProvider",
        plural = "aiproviders",
        namespaced,
        shortname = "aip",
        category = "ai",
        status = "crate::status::Status",
        doc = "An AIProvider is one account at one endpoint that speaks one dialect of LLM traffic. Routes refer to it by name.",
        printcolumn = r#"{"name": "Dialect", "type": "string", "jsonPath": ".spec.dialect", "description": "The wire format that it speaks"}"#,
        printcolumn = r#"{"name": "Endpoint", "type": "string", "jsonPath": ".spec.endpoint", "description": "The base URL, where it is not the dialect's own", "priority": 1}"#,
        printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].status", "description": "Whether every gateway pod serves it as it is written"}"#,
        printcolumn = r#"{"name": "Reason", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].reason", "description": "Why it is or is not"}"#,
        printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": "Since when it is there"}"#,
        printcolumn = r#"{"name": "Message", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].message", "description": "The same in words", "priority": 1}"#,
    )
)]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("self.dialect != 'Mock' || !has(self.endpoint)")
        .message("a Mock provider calls no endpoint: remove endpoint, or choose another dialect")
        .field_path(".endpoint"),
    validation = Rule::new("self.dialect != 'Mock' || !has(self.credentials)")
        .message("a Mock provider needs no credentials: remove credentials, or choose another dialect")
        .field_path(".credentials"),
    validation = Rule::new("self.dialect != 'Mock' || !has(self.tls)")
        .message("a Mock provider makes no connection: remove tls, or choose another dialect")
        .field_path(".tls"),
    validation = Rule::new("self.dialect != 'Mock' || !has(self.httpVersion)")
        .message("a Mock provider makes no connection: remove httpVersion, or choose another dialect")
        .field_path(".httpVersion"),
    validation = Rule::new("self.dialect == 'Mock' || !has(self.mock)")
        .message("mock goes with dialect Mock alone: set dialect to Mock, or remove mock")
        .field_path(".mock"),
    validation = Rule::new("!has(self.tls) || !has(self.endpoint) || !self.endpoint.startsWith('http://')")
        .message("tls goes with an https endpoint: write https in endpoint, or remove tls")
        .field_path(".tls"),
))]
#[serde(rename_all = "camelCase")]
pub struct AIProviderSpec {
    /// The wire format that the endpoint speaks. OpenAI is spoken by OpenAI and by everything that
    /// is compatible with it. Mock has no endpoint: Weir itself makes up answers in OpenAI's
    /// format, for CI and for game days, and `mock` says how.
    pub dialect: Dialect,
    /// The base URL, exactly as the provider's own SDK takes it, with the version in its path:
    /// `http://vllm.models.svc:8000/v1`. Without it, OpenAI means `https://api.openai.com/v1`.
    #[schemars(length(min = 1, max = 2048))]
    #[cfg_attr(feature = "crd", x_kube(
        validation = Rule::new(r"self.matches('^https?://[^/?#@\\s]+(/[^?#\\s]*)?$')")
            .message("must be an http or https URL with a host and without user, query and fragment, such as https://api.openai.com/v1"),
        validation = Rule::new("!self.matches('/(chat/completions|completions|embeddings)/?$')")
            .message("must be the base URL, which the paths of the operations are added to: leave off /chat/completions and the like"),
    ))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What the provider is called with. Leave it out for a self-hosted model that asks for
    /// nothing. Exactly one member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// Whom to trust at an https endpoint. Without it, the certificates that the system trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Which HTTP to speak. Auto, the default, lets TLS negotiate and speaks HTTP/1.1 without TLS.
    /// HTTP2 on an http endpoint begins with HTTP/2 at once (prior knowledge).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_version: Option<HttpVersion>,
    /// The models that this provider serves, and nothing else; without it, every name is passed on
    /// as it is.
    #[schemars(length(min = 1, max = 256))]
    #[cfg_attr(feature = "crd", x_kube(merge_strategy = ListMerge::Map(vec!["name".to_owned()])))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<ProviderModel>>,
    /// How long to wait for what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// Which routes may use this provider. Without it, those of its own namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_routes: Option<AllowedRoutes>,
    /// How a Mock provider answers. Goes with dialect Mock alone; without it, a Mock provider
    /// answers at once and without faults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mock: Option<Mock>,
}

/// A wire format of LLM traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Dialect {
    /// OpenAI and what is compatible with it.
    OpenAI,
    /// Answers that Weir makes up.
    Mock,
}

/// Which HTTP to speak. Auto, the default, lets TLS negotiate and speaks HTTP/1.1 without TLS.
/// HTTP2 on an http endpoint begins with HTTP/2 at once (prior knowledge).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HttpVersion {
    /// What TLS negotiates.
    Auto,
    /// HTTP/1.1.
    #[serde(rename = "HTTP1")]
    Http1,
    /// HTTP/2.
    #[serde(rename = "HTTP2")]
    Http2,
}

/// What a provider is called with; exactly one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("has(self.secretRef)").message("must have exactly one of: secretRef"),
))]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// An API key in a Secret of this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,
}

/// An entry of a Secret of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// The name of the Secret.
    pub name: ResourceName,
    /// The entry of its data that holds the API key.
    pub key: EntryName,
}

/// Whom to trust.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// A bundle of PEM certificates in a Secret of this namespace. It replaces the certificates
    /// that the system trusts, for this provider.
    pub ca_secret_ref: CaSecretRef,
}

/// A bundle of certificates in a Secret of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaSecretRef {
    /// The name of the Secret.
    pub name: ResourceName,
    /// The entry of its data that holds the certificates; `ca.crt` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<EntryName>,
}

/// A model that a provider serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderModel {
    /// What routes and clients call the model.
    pub name: ExactModel,
    /// What the provider calls it, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_name: Option<ModelName>,
}

/// How long to wait for what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timeouts {
    /// For a connection, TLS included. 5s without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<PositiveDuration>,
    /// For the first byte of a streamed answer. 2m without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token: Option<PositiveDuration>,
    /// Between two pieces of a streamed answer. 5m without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<PositiveDuration>,
    /// For a plain answer from the request to its last byte, and for all attempts up to the first
    /// byte of a stream. 10m without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<PositiveDuration>,
    /// For a streamed answer as a whole. No bound without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_stream: Option<PositiveDuration>,
}

/// Which routes may use a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllowedRoutes {
    /// The namespaces whose routes may use it.
    pub namespaces: Namespaces,
}

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
