//! An identity of another cloud, or of a cluster, for one of Google's: workload identity federation.
//! See <https://google.aip.dev/auth/4117>.

use std::collections::BTreeMap;
use std::time::SystemTime;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::SCOPE;
use crate::credentials::http::{Call, Client, Place, Trust};
use crate::credentials::source::{FetchError, Fetched, TokenAnswer, file, until};

/// As RFC 8693, section 2.1, has it.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

const TOKEN_URL: &str = "token_url";
const IMPERSONATION_URL: &str = "service_account_impersonation_url";
const SOURCE_URL: &str = "credential_source.url";

/// What is needed of the JSON.
#[derive(Deserialize)]
pub(super) struct ExternalAccount {
    audience: String,
    subject_token_type: String,
    #[serde(default = "google")]
    token_url: String,
    credential_source: CredentialSource,
    #[serde(default)]
    service_account_impersonation_url: Option<String>,
    #[serde(default)]
    service_account_impersonation: Impersonation,
}

fn google() -> String {
    "https://sts.googleapis.com/v1/token".into()
}

/// Where the token of the other cloud is.
#[derive(Deserialize)]
struct CredentialSource {
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    format: Format,
}

/// How the token is written there.
#[derive(Default, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format {
    #[default]
    Text,
    Json {
        subject_token_field_name: String,
    },
}

#[derive(Default, Deserialize)]
struct Impersonation {
    #[serde(default)]
    token_lifetime_seconds: Option<u32>,
}

impl ExternalAccount {
    /// Says why a Secret may not have it: a team's Secret may have the gateway read none of its own files, and send what
    /// an address says to nobody but Google.
    pub(super) fn check_untrusted(&self) -> Result<(), FetchError> {
        let wrong = |problem: String| Err(FetchError::Setting(problem));
        let from = &self.credential_source;
        if from.file.is_some() || from.url.is_none() {
            return wrong("credential_source: in a Secret it may have a url, and nothing else; use spec.credentials.workloadIdentity.gcp with GOOGLE_APPLICATION_CREDENTIALS for a file".into());
        }
        let theirs = [
            (TOKEN_URL, Some(&self.token_url)),
            (
                IMPERSONATION_URL,
                self.service_account_impersonation_url.as_ref(),
            ),
        ];
        for (what, url) in theirs {
            let Some(url) = url else { continue };
            let place = Place::of(what, url)?;
            if !place.secure || !place.host.ends_with(".googleapis.com") {
                return wrong(format!(
                    "{what}: in a Secret it has to be an https:// URL of googleapis.com"
                ));
            }
        }
        match &from.url {
            Some(url) if !Place::of(SOURCE_URL, url)?.secure => {
                wrong(format!("{SOURCE_URL}: in a Secret it has to be https://"))
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn fetch(&self, client: &Client, trust: Trust) -> Result<Fetched, FetchError> {
        if trust == Trust::Team {
            self.check_untrusted()?;
        }
        let subject = self.subject_token(client, trust).await?;
        let token = self.exchange(client, trust, &subject).await?;
        match &self.service_account_impersonation_url {
            Some(url) => self.impersonate(client, trust, url, &token).await,
            None => {
                let host = Place::of(TOKEN_URL, &self.token_url)?.host;
                Fetched::token(&host, &token.access_token, token.expires_in)
            }
        }
    }

    async fn subject_token(&self, client: &Client, trust: Trust) -> Result<String, FetchError> {
        let from = &self.credential_source;
        let text = match (&from.file, &from.url) {
            (Some(path), _) => file(path).await?,
            (None, Some(url)) => {
                let mut call = Call::get(trust, url);
                call.headers = headers(&from.headers)?;
                let body = client.call(SOURCE_URL, call).await?;
                String::from_utf8_lossy(&body).trim().to_owned()
            }
            (None, None) => {
                return Err(FetchError::Setting(
                    "credential_source: it has neither a file nor a url".into(),
                ));
            }
        };
        match &from.format {
            Format::Text => Ok(text),
            Format::Json {
                subject_token_field_name: name,
            } => serde_json::from_str::<Value>(&text)
                .ok()
                .and_then(|said| Some(said.get(name)?.as_str()?.to_owned()))
                .ok_or_else(|| {
                    FetchError::Setting(format!("credential_source: it gives no JSON with {name}"))
                }),
        }
    }

    async fn exchange(
        &self,
        client: &Client,
        trust: Trust,
        subject: &str,
    ) -> Result<TokenAnswer, FetchError> {
        let fields = [
            ("grant_type", GRANT),
            ("audience", &self.audience),
            ("scope", SCOPE),
            ("requested_token_type", ACCESS_TOKEN),
            ("subject_token_type", &self.subject_token_type),
            ("subject_token", subject),
        ];
        let secrets = [subject];
        let call = Call::form(trust, &self.token_url, &fields).hiding(&secrets);
        let body = client.call(TOKEN_URL, call).await?;
        TokenAnswer::read(&Place::of(TOKEN_URL, &self.token_url)?.host, &body)
    }

    /// See <https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken>.
    async fn impersonate(
        &self,
        client: &Client,
        trust: Trust,
        url: &str,
        token: &TokenAnswer,
    ) -> Result<Fetched, FetchError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            access_token: String,
            expire_time: String,
        }
        let seconds = self.service_account_impersonation.token_lifetime_seconds;
        let lifetime = format!("{}s", seconds.unwrap_or(3600));
        let body = json!({"scope": [SCOPE], "lifetime": lifetime}).to_string();
        let secrets = [token.access_token.as_str()];
        let call = Call::post(trust, url, "application/json", body)
            .hiding(&secrets)
            .with(AUTHORIZATION, &format!("Bearer {}", token.access_token))?;
        let body = client.call(IMPERSONATION_URL, call).await?;
        let host = Place::of(IMPERSONATION_URL, url)?.host;
        let wrong = || FetchError::service(&host, "gave no accessToken with its expireTime");
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| wrong())?;
        let lifetime = until(&answer.expire_time, SystemTime::now()).ok_or_else(wrong)?;
        Fetched::token(&host, &answer.access_token, lifetime)
    }
}

fn headers(from: &BTreeMap<String, String>) -> Result<HeaderMap, FetchError> {
    from.iter()
        .map(|(name, value)| {
            let name = HeaderName::try_from(name).ok()?;
            Some((name, HeaderValue::try_from(value).ok()?))
        })
        .collect::<Option<HeaderMap>>()
        .ok_or_else(|| FetchError::Setting("credential_source.headers: not of HTTP".into()))
}
