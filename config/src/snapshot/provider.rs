use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_llm::dialect::mock;
use weir_llm::millis;

use super::{Namespaces, Secret};

/// One account at one endpoint that speaks one dialect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provider {
    /// The wire format that it speaks.
    pub dialect: Dialect,
    /// The base URL as its own SDK takes it, with no slash at the end; empty for [`Dialect::Mock`].
    pub endpoint: String,
    /// What it is called with; a provider that needs none has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Secret>,
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

/// A wire format of LLM traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dialect {
    /// OpenAI's chat completions, completions and embeddings.
    OpenAI,
    /// No upstream at all: answers are made up, in OpenAI's shapes.
    Mock,
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
