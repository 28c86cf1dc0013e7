//! The AIProvider.

mod credentials;
mod dialect;
mod mock;
mod model;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::{EntryName, PositiveDuration, ResourceName};
use crate::namespaces::Namespaces;

pub use credentials::{
    AwsIdentity, AzureIdentity, Credentials, GcpIdentity, SecretKeyRef, WorkloadIdentity,
};
pub use dialect::{AzureOpenAI, Bedrock, Dialect, OpenAI, Preset, Responses};
pub use mock::{Mock, MockDisconnect, MockFault, MockTokens};
pub use model::{ModelPrice, ProviderModel};

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
    validation = Rule::new("self.dialect == 'OpenAI' || !has(self.preset)")
        .message("preset goes with dialect OpenAI alone: set dialect to OpenAI, or remove preset")
        .field_path(".preset"),
    validation = Rule::new("self.dialect in ['OpenAI', 'AzureOpenAI'] || !has(self.openai)")
        .message("openai goes with the dialects OpenAI and AzureOpenAI alone: remove openai, or choose one of them")
        .field_path(".openai"),
    validation = Rule::new("self.dialect == 'AzureOpenAI' || !has(self.azure)")
        .message("azure goes with dialect AzureOpenAI alone: set dialect to AzureOpenAI, or remove azure")
        .field_path(".azure"),
    validation = Rule::new("self.dialect == 'Bedrock' || !has(self.bedrock)")
        .message("bedrock goes with dialect Bedrock alone: set dialect to Bedrock, or remove bedrock")
        .field_path(".bedrock"),
    validation = Rule::new("!has(self.tls) || !has(self.endpoint) || !self.endpoint.startsWith('http://')")
        .message("tls goes with an https endpoint: write https in endpoint, or remove tls")
        .field_path(".tls"),
    validation = Rule::new("self.dialect != 'AzureOpenAI' || has(self.endpoint)")
        .message("an AzureOpenAI provider has an endpoint of its own: https://RESOURCE.openai.azure.com, or https://RESOURCE.openai.azure.com/openai/v1 for the API without deployments")
        .reason(Reason::FieldValueRequired)
        .field_path(".endpoint"),
    validation = Rule::new("self.dialect != 'Vertex' || has(self.endpoint)")
        .message("a Vertex provider has an endpoint of its own: https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION")
        .reason(Reason::FieldValueRequired)
        .field_path(".endpoint"),
    validation = Rule::new("self.dialect != 'Bedrock' || has(self.endpoint) || has(self.bedrock)")
        .message("a Bedrock provider needs bedrock.region, such as us-east-1, or an endpoint")
        .reason(Reason::FieldValueRequired)
        .field_path(".bedrock"),
    validation = Rule::new("!has(self.preset) || !(self.preset in ['VLLM', 'SGLang', 'Ollama']) || has(self.endpoint)")
        .message("the presets VLLM, SGLang and Ollama are servers of your own: write where it is, such as http://vllm.models.svc:8000/v1")
        .reason(Reason::FieldValueRequired)
        .field_path(".endpoint"),
    validation = Rule::new(r"self.dialect != 'Vertex' || !has(self.endpoint) || self.endpoint.matches('/v1(beta1)?/projects/[^/]+/locations/[^/]+/?$')")
        .message("must end in /v1/projects/PROJECT/locations/LOCATION for Vertex, as in https://us-central1-aiplatform.googleapis.com/v1/projects/acme/locations/us-central1")
        .field_path(".endpoint"),
    validation = Rule::new(r"!(self.dialect in ['Anthropic', 'Cohere']) || !has(self.endpoint) || !self.endpoint.matches('/v[0-9]+/?$')")
        .message("must be without the version, which the SDKs of Anthropic and Cohere add themselves: leave off /v1 or /v2")
        .field_path(".endpoint"),
    validation = Rule::new(r"self.dialect != 'Gemini' || !has(self.endpoint) || !self.endpoint.matches('/v1(alpha|beta)?(/openai)?/?$')")
        .message("must be without the version, which Google's SDK adds itself: leave off /v1beta and what follows, or choose dialect OpenAI for Gemini's OpenAI-compatible API")
        .field_path(".endpoint"),
    validation = Rule::new(r"self.dialect != 'AzureOpenAI' || !has(self.endpoint) || !self.endpoint.matches('/openai(/deployments(/.*)?)?/?$')")
        .message("must be the address of the resource, as in https://RESOURCE.openai.azure.com, or end in /openai/v1: leave off /openai and what follows")
        .field_path(".endpoint"),
    validation = Rule::new("self.dialect == 'Bedrock' || !has(self.credentials) || !has(self.credentials.workloadIdentity) || !has(self.credentials.workloadIdentity.aws)")
        .message("workloadIdentity.aws goes with dialect Bedrock alone: Vertex takes gcp, AzureOpenAI takes azure, and the others take secretRef")
        .field_path(".credentials.workloadIdentity"),
    validation = Rule::new("self.dialect == 'Vertex' || !has(self.credentials) || !has(self.credentials.workloadIdentity) || !has(self.credentials.workloadIdentity.gcp)")
        .message("workloadIdentity.gcp goes with dialect Vertex alone: Bedrock takes aws, AzureOpenAI takes azure, and the others take secretRef")
        .field_path(".credentials.workloadIdentity"),
    validation = Rule::new("self.dialect == 'AzureOpenAI' || !has(self.credentials) || !has(self.credentials.workloadIdentity) || !has(self.credentials.workloadIdentity.azure)")
        .message("workloadIdentity.azure goes with dialect AzureOpenAI alone: Bedrock takes aws, Vertex takes gcp, and the others take secretRef")
        .field_path(".credentials.workloadIdentity"),
))]
#[serde(rename_all = "camelCase")]
pub struct AIProviderSpec {
    /// The wire format that the endpoint speaks. OpenAI is spoken by OpenAI and by everything that
    /// is compatible with it (see `preset`); AzureOpenAI by OpenAI's models on Azure; Gemini by
    /// Google's AI Studio; Vertex by Google Cloud, for Gemini's and for Anthropic's models; Bedrock
    /// by Amazon's, with Converse. Mock has no endpoint: Weir itself makes up answers in OpenAI's
    /// format, for CI and for game days, and `mock` says how.
    pub dialect: Dialect,
    /// A provider that speaks OpenAI's format: gives the endpoint, and says what is peculiar to it.
    /// Goes with dialect OpenAI alone. VLLM, SGLang and Ollama need `endpoint` beside it, and NIM
    /// takes one for a NIM of your own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// The base URL, exactly as the provider's own SDK takes it: with the version in its path for
    /// OpenAI (`http://vllm.models.svc:8000/v1`), without it for Anthropic, Gemini, Cohere and
    /// Bedrock. AzureOpenAI takes `https://RESOURCE.openai.azure.com`, or the same with
    /// `/openai/v1`; Vertex takes
    /// `https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION`; these
    /// two must have it. Without it, the provider's public address: that of the preset, that of
    /// `bedrock.region`, or that of the dialect, such as `https://api.openai.com/v1`.
    #[schemars(length(min = 1, max = 2048))]
    #[cfg_attr(feature = "crd", x_kube(
        validation = Rule::new(r"self.matches('^https?://[^/?#@\\s]+(/[^?#\\s]*)?$')")
            .message("must be an http or https URL with a host and without user, query and fragment, such as https://api.openai.com/v1"),
        validation = Rule::new("!self.matches('/(chat/completions|completions|embeddings|responses|messages|v[12]/(chat|rerank|embed)|v1(beta1?)?/models|converse|converse-stream|invoke)/?$')")
            .message("must be the base URL, which the paths of the operations are added to: leave off the operation, such as /chat/completions or /v1/messages"),
        validation = Rule::new("!self.matches(':[a-zA-Z]+$')")
            .message("must be the base URL, which the paths of the operations are added to: leave off the model and :generateContent and the like"),
    ))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What the provider is called with. Leave it out for a self-hosted model that asks for
    /// nothing. Exactly one member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// What is peculiar to OpenAI's API at this provider. Goes with the dialects OpenAI and
    /// AzureOpenAI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openai: Option<OpenAI>,
    /// What is peculiar to Azure. Goes with dialect AzureOpenAI alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureOpenAI>,
    /// What is peculiar to Bedrock. Goes with dialect Bedrock alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bedrock: Option<Bedrock>,
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
