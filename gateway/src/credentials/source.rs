//! Where credentials that expire come from.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::HeaderValue;
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use weir_config::snapshot::WorkloadIdentity;
use weir_llm::scrub::Scrubber;

use super::aws::{self, Keys};
use super::http::Client;
use super::{Environment, NO_REGION, Scheme, azure, gcp};

/// Bytes of the longest token, or other file, that is read.
const MAX_FILE: u64 = 64 << 10;

/// One credential that expires. Those that are equal have one keeper.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// The pod's identity at AWS, and the role to assume by it.
    Aws {
        role_arn: Option<String>,
        /// Of the provider: for the token service where the environment names none.
        region: String,
    },
    /// Google's application default credentials.
    Google,
    /// The JSON of a service account or of an external account.
    GoogleSecret(String),
    /// Workload identity at Microsoft Entra.
    Azure {
        tenant_id: Option<String>,
        client_id: Option<String>,
    },
}

/// What was fetched.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) material: Material,
    /// What must not be echoed.
    pub(super) secrets: Vec<String>,
    /// How long it is good for.
    pub(super) lifetime: Duration,
}

/// What requests are authorised with.
#[derive(Debug)]
pub(super) enum Material {
    /// The value of `Authorization`.
    Token(HeaderValue),
    /// Keys to sign by.
    Keys(Keys),
}

/// Why a credential can't be fetched. It names hosts, files and variables, and repeats what a service says of an error;
/// it has no credential in it, and no more of a URL than its host.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{0} is not set")]
    Unset(&'static str),
    #[error("{0}")]
    Setting(String),
    #[error("{0}: {1}")]
    File(String, io::Error),
    #[error("{0}")]
    Unreachable(String),
    #[error("{host} {problem}")]
    Service { host: String, problem: String },
}

impl FetchError {
    pub(super) fn service(host: &str, problem: impl Into<String>) -> Self {
        Self::Service {
            host: host.into(),
            problem: problem.into(),
        }
    }
}

impl Source {
    /// That of an identity of the gateway's pods, for a provider that wants to be called by `scheme`.
    pub(super) fn of_identity(
        identity: &WorkloadIdentity,
        scheme: &Scheme,
    ) -> Result<Self, String> {
        let signed = match scheme {
            Scheme::Bedrock { region } => Some(region.clone().ok_or(NO_REGION)),
            _ => None,
        };
        match (identity, signed) {
            (WorkloadIdentity::Aws { role_arn }, Some(region)) => Ok(Self::Aws {
                role_arn: role_arn.clone(),
                region: region?,
            }),
            (WorkloadIdentity::Gcp {}, None) => Ok(Self::Google),
            (
                WorkloadIdentity::Azure {
                    tenant_id,
                    client_id,
                },
                None,
            ) => Ok(Self::Azure {
                tenant_id: tenant_id.clone(),
                client_id: client_id.clone(),
            }),
            _ => Err("workloadIdentity is of another cloud than the dialect".into()),
        }
    }

    /// What the log calls it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Aws { .. } => "workload identity at AWS",
            Self::Google => "workload identity at Google Cloud",
            Self::GoogleSecret(_) => "account at Google Cloud",
            Self::Azure { .. } => "workload identity at Microsoft Entra",
        }
    }

    /// Fetches it now.
    pub(super) async fn fetch(
        &self,
        client: &Client,
        environment: &Environment,
    ) -> Result<Fetched, FetchError> {
        match self {
            Self::Aws { role_arn, region } => {
                aws::identity(client, environment, role_arn.as_deref(), region).await
            }
            Self::Google => gcp::default_credentials(client, environment).await,
            Self::GoogleSecret(json) => gcp::of_secret(client, json).await,
            Self::Azure {
                tenant_id,
                client_id,
            } => {
                let ids = (tenant_id.as_deref(), client_id.as_deref());
                azure::workload_identity(client, environment, ids).await
            }
        }
    }
}

impl Fetched {
    /// An access token for `Authorization: Bearer`.
    pub(super) fn token(host: &str, token: &str, lifetime: Duration) -> Result<Self, FetchError> {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| FetchError::service(host, "gave a token that can't stand in a header"))?;
        value.set_sensitive(true);
        Ok(Self {
            material: Material::Token(value),
            secrets: vec![token.to_owned()],
            lifetime,
        })
    }

    /// The answer of an OAuth token endpoint (RFC 6749, section 5.1).
    pub(super) fn of_token_endpoint(host: &str, body: &Bytes) -> Result<Self, FetchError> {
        let answer = TokenAnswer::read(host, body)?;
        Self::token(host, &answer.access_token, answer.expires_in)
    }

    pub(super) fn scrubber(&self, before: &[String]) -> Scrubber {
        Scrubber::new(self.secrets.iter().chain(before))
    }
}

/// What an OAuth token endpoint gives.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    pub(super) access_token: String,
    #[serde(deserialize_with = "seconds")]
    pub(super) expires_in: Duration,
}

impl TokenAnswer {
    pub(super) fn read(host: &str, body: &Bytes) -> Result<Self, FetchError> {
        serde_json::from_slice(body)
            .map_err(|_| FetchError::service(host, "gave no access_token with its expires_in"))
    }
}

/// Seconds, as a number, or as a text, which some write.
fn seconds<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seconds {
        Number(u32),
        Text(String),
    }
    match Seconds::deserialize(from)? {
        Seconds::Number(number) => Ok(number),
        Seconds::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
    .map(|seconds: u32| Duration::from_secs(seconds.into()))
}

/// How long it is until a time in RFC 3339; none where that is past.
pub(super) fn until(text: &str, now: SystemTime) -> Option<Duration> {
    let time: jiff::Timestamp = text.parse().ok()?;
    let since_epoch = Duration::try_from(time.as_duration()).ok()?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    since_epoch.checked_sub(now).filter(|left| !left.is_zero())
}

/// Reads a small file of text, without the white space around it. They are read anew each time: the kubelet and the
/// clouds' agents replace them.
pub(super) async fn file(path: impl AsRef<Path>) -> Result<String, FetchError> {
    let path = path.as_ref();
    let failed = |error| FetchError::File(path.display().to_string(), error);
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut text = String::new();
    let mut bounded = file.take(MAX_FILE + 1);
    bounded.read_to_string(&mut text).await.map_err(failed)?;
    if text.len() as u64 > MAX_FILE {
        return Err(failed(io::Error::other("larger than 64 KiB")));
    }
    let text = text.trim();
    if text.is_empty() {
        return Err(failed(io::Error::other("empty")));
    }
    Ok(text.to_owned())
}
