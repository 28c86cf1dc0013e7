//! What providers are called with: how each request is authorised, and how that is kept fresh.
//!
//! An [`Authorizer`] belongs to one provider and writes headers. What it writes is either fixed (an API key), made for
//! each request (a signature by fixed keys), or rests on a credential that expires. Such a one has a [`keeper`]: a task
//! that fetches it from a [`source`], renews it ahead of time, and ends when nothing uses it. Requests read what the
//! keeper holds; only those that come before there is anything wait for it, and not for long.
//!
//! The services that give credentials are called at addresses that the environment of the process or a file that it
//! names gives. What a team writes into a Secret is trusted with less: see [`http::Trust`].

mod aws;
mod azure;
mod encode;
mod environment;
mod gcp;
mod http;
mod keeper;
mod sigv4;
mod source;

use std::sync::Arc;
use std::time::SystemTime;

use ::http::header::AUTHORIZATION;
use ::http::uri::PathAndQuery;
use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use weir_config::credential::{AwsCredential, GoogleCredential};
use weir_config::snapshot::{Credential, Dialect, Provider, Secret};
use weir_llm::dialect;
use weir_llm::provider::CredentialHeader;
use weir_llm::scrub::Scrubber;

use aws::Keys;
use keeper::Keeper;
use source::{Material, Source};

pub use environment::Environment;
pub use keeper::{Keepers, Status};

/// How a provider wants to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// With a token in `Authorization: Bearer`.
    Bearer,
    /// With a key in a header of its own.
    Header(HeaderName),
    /// As Google Cloud wants it: an access token, or an API key in `x-goog-api-key`. A secret may be either, or the JSON
    /// of a service account or of an external account.
    Google,
    /// As Amazon Bedrock wants it: signed (SigV4) for a region, or with a Bedrock API key. A secret may be either that, an
    /// AWS credentials file, or the JSON that the AWS command line prints.
    Bedrock {
        /// The region; a Bedrock API key needs none.
        region: Option<String>,
    },
}

/// A request as it is about to be sent, but for what authorises it.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'a> {
    /// The method.
    pub method: &'a Method,
    /// What `host` or `:authority` will say.
    pub authority: &'a HeaderValue,
    /// Path and query, encoded as they will be sent.
    pub path: &'a PathAndQuery,
    /// All of the body; none where it is streamed, which can't be signed.
    pub body: Option<&'a [u8]>,
}

/// Why a request can't be authorised. Says nothing of the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unauthorised {
    /// There is no credential that has not expired, and none was to be had in time.
    #[error("the provider's credential can't be had")]
    Unavailable,
    /// A part of the request can't stand in a signature.
    #[error("the request can't be signed")]
    Unsignable,
}

/// Authorises the requests to one provider.
#[derive(Debug)]
pub struct Authorizer {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Nothing,
    Fixed {
        header: HeaderName,
        value: HeaderValue,
        scrubber: Arc<Scrubber>,
    },
    /// Signed by keys that do not expire.
    Signed {
        keys: Keys,
        region: String,
        scrubber: Arc<Scrubber>,
    },
    /// By what a keeper holds; keys sign for the region.
    Kept {
        keeper: Arc<Keeper>,
        region: String,
    },
}

impl Scheme {
    /// How this provider wants to be called.
    #[must_use]
    pub fn of(provider: &Provider) -> Self {
        match provider.dialect {
            Dialect::Vertex => Self::Google,
            Dialect::Bedrock => Self::Bedrock {
                region: provider.settings.bedrock_region.clone(),
            },
            dialect => match dialect::provider(dialect).credential() {
                CredentialHeader::Key(name) => Self::Header(HeaderName::from_static(name)),
                CredentialHeader::Bearer => Self::Bearer,
            },
        }
    }
}

impl Authorizer {
    /// Authorises by `scheme` with a credential. What expires is fetched from now on.
    ///
    /// # Errors
    /// The credential is not what the scheme takes; the message quotes nothing of it.
    pub fn new(
        scheme: &Scheme,
        credential: Option<&Credential>,
        keepers: &Keepers,
    ) -> Result<Self, String> {
        let kind = match credential {
            None => Ok(Kind::Nothing),
            Some(Credential::Secret(secret)) => of_secret(scheme, secret, keepers),
            Some(Credential::Identity(identity)) => {
                Source::of_identity(identity, scheme).map(|source| kept(source, scheme, keepers))
            }
        };
        let kind = kind.map_err(|error| format!("credentials: {error}"))?;
        Ok(Self { kind })
    }

    /// Puts among the `headers` what authorises the request. `headers` are those that will be sent, but for it.
    ///
    /// Waits only while there is no credential yet, or none that has not expired, for 5 s from then.
    ///
    /// # Errors
    /// See [`Unauthorised`].
    pub async fn authorize(
        &self,
        request: Unsigned<'_>,
        headers: &mut HeaderMap,
        now: SystemTime,
    ) -> Result<(), Unauthorised> {
        match &self.kind {
            Kind::Nothing => Ok(()),
            Kind::Fixed { header, value, .. } => {
                headers.insert(header.clone(), value.clone());
                Ok(())
            }
            Kind::Signed { keys, region, .. } => {
                sigv4::sign(request, headers, keys, (region, sigv4::BEDROCK), now)
            }
            Kind::Kept { keeper, region } => match &keeper.current().await?.material {
                Material::Token(value) => {
                    headers.insert(AUTHORIZATION, value.clone());
                    Ok(())
                }
                Material::Keys(keys) => {
                    sigv4::sign(request, headers, keys, (region, sigv4::BEDROCK), now)
                }
            },
        }
    }

    /// Takes the credential out of what the provider says: what requests are authorised with now, and what they were
    /// before it was renewed.
    #[must_use]
    pub fn scrubber(&self) -> Arc<Scrubber> {
        match &self.kind {
            Kind::Nothing => Arc::default(),
            Kind::Fixed { scrubber, .. } | Kind::Signed { scrubber, .. } => Arc::clone(scrubber),
            Kind::Kept { keeper, .. } => keeper.scrubber(),
        }
    }

    /// How it stands with a credential that expires; none where it does not.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        match &self.kind {
            Kind::Kept { keeper, .. } => Some(keeper.status()),
            _ => None,
        }
    }
}

fn of_secret(scheme: &Scheme, secret: &Secret, keepers: &Keepers) -> Result<Kind, String> {
    let bearer = |token: &Secret| fixed(AUTHORIZATION, token, "Bearer ");
    let text = secret.expose();
    match scheme {
        Scheme::Bearer => bearer(secret),
        Scheme::Header(name) => fixed(name.clone(), secret, ""),
        Scheme::Google => match GoogleCredential::read(text).map_err(|error| error.to_string())? {
            GoogleCredential::Token(token) if is_google_key(token.expose()) => {
                fixed(HeaderName::from_static("x-goog-api-key"), &token, "")
            }
            GoogleCredential::Token(token) => bearer(&token),
            account => {
                gcp::check_secret(&account).map_err(|error| error.to_string())?;
                Ok(kept(Source::GoogleSecret(text.to_owned()), scheme, keepers))
            }
        },
        Scheme::Bedrock { region } => {
            match AwsCredential::read(text).map_err(|error| error.to_string())? {
                AwsCredential::ApiKey(key) => bearer(&key),
                AwsCredential::Keys(keys) => {
                    let keys = Keys::from(keys);
                    Ok(Kind::Signed {
                        scrubber: Arc::new(Scrubber::new(keys.secrets())),
                        region: region.clone().ok_or(NO_REGION)?,
                        keys,
                    })
                }
            }
        }
    }
}

/// What is said where requests can't be signed.
const NO_REGION: &str = "requests are signed for a region, and there is none in bedrock.region";

/// Whether this is an API key of Google and no access token: they begin so. Those of service accounts have the newer
/// prefix. See <https://cloud.google.com/docs/authentication/api-keys>.
fn is_google_key(token: &str) -> bool {
    token.starts_with("AIza") || token.starts_with("AQ.")
}

fn fixed(header: HeaderName, secret: &Secret, before: &str) -> Result<Kind, String> {
    let secret = secret.expose();
    let mut value = HeaderValue::try_from(format!("{before}{secret}"))
        .map_err(|_| "the value can't stand in a header")?;
    value.set_sensitive(true);
    Ok(Kind::Fixed {
        header,
        value,
        scrubber: Arc::new(Scrubber::new([secret])),
    })
}

fn kept(source: Source, scheme: &Scheme, keepers: &Keepers) -> Kind {
    let region = match scheme {
        Scheme::Bedrock { region } => region.clone().unwrap_or_default(),
        _ => String::new(),
    };
    Kind::Kept {
        keeper: keepers.keeper(source),
        region,
    }
}

#[cfg(test)]
mod tests;
