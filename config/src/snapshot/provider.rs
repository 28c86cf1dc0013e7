use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_llm::dialect::mock;
use weir_llm::millis;
use weir_llm::price::Kind;

use super::{Credential, Dialect, Namespaces, Preset};

/// One account at one endpoint that speaks one dialect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provider {
    /// The wire format that it speaks.
    pub dialect: Dialect,
    /// Which of the known providers it is; only for [`Dialect::OpenAI`]. Since format 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// The base URL as its own SDK takes it, with no slash at the end; empty for [`Dialect::Mock`]. That of
    /// [`Dialect::Vertex`] ends in `/projects/P/locations/L`.
    pub endpoint: String,
    /// What is peculiar to its dialect. Since format 3.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
    /// What it is called with; a provider that needs none has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
    /// PEM certificates that replace the system's roots for this provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Which Secrets `credential` and `ca` were read from: a version that is still served after its
    /// successor was refused follows their changes.
    #[serde(default, skip_serializing_if = "Sources::is_empty")]
    pub sources: Sources,
    /// Which HTTP to speak.
    pub http_version: HttpVersion,
    /// What it serves, in the order of the resource; empty means every name, as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ProviderModel>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// The namespaces whose routes may use it.
    pub allowed: Namespaces,
    /// How the mock answers; only for [`Dialect::Mock`], which always has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mock: Option<mock::Settings>,
}

/// What is peculiar to a dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// How callers of the Responses API are served; none means [`Responses::Native`] until the provider answers that with
    /// 404. Only for [`Dialect::OpenAI`] and [`Dialect::AzureOpenAI`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responses: Option<Responses>,
    /// The `api-version` of each call. Only for [`Dialect::AzureOpenAI`], which always has it, but for an endpoint that
    /// ends in `/openai/v1`: there it is what the resource says, and none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_api_version: Option<String>,
    /// The region that requests are signed for. Only for [`Dialect::Bedrock`], which may have none where it is called with
    /// an API key, which is no signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bedrock_region: Option<String>,
}

/// How callers of the Responses API are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Responses {
    /// By the provider's `/responses`.
    Native,
    /// By its chat completions.
    ChatCompletions,
}

/// Which HTTP to speak to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HttpVersion {
    /// What TLS negotiates (ALPN); HTTP/1.1 without TLS.
    Auto,
    /// HTTP/1.1.
    #[serde(rename = "HTTP1")]
    Http1,
    /// HTTP/2; without TLS with prior knowledge.
    #[serde(rename = "HTTP2")]
    Http2,
}

/// A model that a provider serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderModel {
    /// What routes and callers say.
    pub name: String,
    /// What the provider calls it; the same as `name` where the resource names none.
    pub upstream_name: String,
    /// The rates that go before those of the catalogue, in nano-dollars per million tokens. Since format 3.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub price: BTreeMap<Kind, u64>,
}

/// How long to wait for a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Timeouts {
    /// For a connection, TLS included.
    #[serde(with = "millis")]
    pub connect: Duration,
    /// From the request to the first byte of a stream's body.
    #[serde(with = "millis")]
    pub first_token: Duration,
    /// Between two bytes of a stream.
    #[serde(with = "millis")]
    pub idle: Duration,
    /// For a plain answer as a whole, and for all attempts up to the first byte of a stream.
    #[serde(with = "millis")]
    pub total: Duration,
    /// For a stream as a whole; none where it is not set.
    #[serde(
        default,
        with = "millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_stream: Option<Duration>,
}

/// Which Secrets of the provider's namespace its secrets were read from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sources {
    /// Where the credential stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<SecretRef>,
    /// Where the CA bundle stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretRef>,
}

/// One entry of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRef {
    /// The name of the Secret.
    pub name: String,
    /// The entry of its data.
    pub key: String,
}

impl Provider {
    /// One that speaks this dialect at this endpoint, to routes of its own namespace, and says nothing else of itself.
    #[must_use]
    pub fn new(dialect: Dialect, endpoint: impl Into<String>) -> Self {
        Self {
            dialect,
            preset: None,
            endpoint: endpoint.into(),
            settings: Settings::default(),
            credential: None,
            ca: None,
            sources: Sources::default(),
            http_version: HttpVersion::Auto,
            models: Vec::new(),
            timeouts: Timeouts::default(),
            allowed: Namespaces::Same,
            mock: None,
        }
    }
}

impl Sources {
    /// Whether something of the provider stands in this Secret.
    pub(crate) fn have(&self, secret: &str) -> bool {
        let mut all = self.credential.iter().chain(&self.ca);
        all.any(|from| from.name == secret)
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Settings {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_token: Duration::from_secs(120),
            idle: Duration::from_secs(300),
            total: Duration::from_secs(600),
            max_stream: None,
        }
    }
}
