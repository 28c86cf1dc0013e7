//! An identity of another cloud, or of a cluster, for one of Google's: workload identity federation.
//! See <https://google.aip.dev/auth/4117>.

use std::time::SystemTime;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use weir_config::credential::{ExternalAccount, SubjectToken};

use super::SCOPE;
use crate::credentials::http::{Call, Client, Place, Trust};
use crate::credentials::source::{FetchError, Fetched, TokenAnswer, file, until};

/// As RFC 8693, section 2.1, has it.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

const TOKEN_URL: &str = "token_url";
const IMPERSONATION_URL: &str = "service_account_impersonation_url";
const SOURCE_URL: &str = "credential_source.url";

/// How long a token of a service account is asked for; Google gives no longer one unless it is allowed to.
const LIFETIME: &str = "3600s";

/// Says why a Secret may not have it: a team's Secret may have the gateway read none of its own files, and send what an
/// address says to nobody but Google.
pub(super) fn check_untrusted(account: &ExternalAccount) -> Result<(), FetchError> {
    let wrong = |problem: String| Err(FetchError::Setting(problem));
    let SubjectToken::Url { url, .. } = &account.source else {
        return wrong("credential_source: in a Secret it may have a url and no file; for a file, mount this JSON and use workloadIdentity.gcp".into());
    };
    let theirs = [
        (TOKEN_URL, Some(&account.token_url)),
        (IMPERSONATION_URL, account.impersonation_url.as_ref()),
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
    if !Place::of(SOURCE_URL, url)?.secure {
        return wrong(format!("{SOURCE_URL}: in a Secret it has to be https://"));
    }
    Ok(())
}

/// A token for the account, or for the service account that it may impersonate.
pub(super) async fn fetch(
    client: &Client,
    trust: Trust,
    account: &ExternalAccount,
) -> Result<Fetched, FetchError> {
    let subject = subject_token(client, trust, account).await?;
    let token = exchange(client, trust, account, &subject).await?;
    match &account.impersonation_url {
        Some(url) => impersonate(client, trust, url, &token).await,
        None => {
            let host = Place::of(TOKEN_URL, &account.token_url)?.host;
            Fetched::token(&host, &token.access_token, token.expires_in)
        }
    }
}

async fn subject_token(
    client: &Client,
    trust: Trust,
    account: &ExternalAccount,
) -> Result<String, FetchError> {
    let text = match &account.source {
        SubjectToken::File(path) => file(path).await?,
        SubjectToken::Url { url, headers } => {
            let mut call = Call::get(trust, url);
            call.headers = of_pairs(headers)?;
            let body = client.call(SOURCE_URL, call).await?;
            String::from_utf8_lossy(&body).trim().to_owned()
        }
    };
    let Some(name) = &account.field else {
        return Ok(text);
    };
    serde_json::from_str::<Value>(&text)
        .ok()
        .and_then(|said| Some(said.get(name)?.as_str()?.to_owned()))
        .ok_or_else(|| {
            FetchError::Setting(format!(
                "credential_source: what it gives is no JSON with {name}"
            ))
        })
}

async fn exchange(
    client: &Client,
    trust: Trust,
    account: &ExternalAccount,
    subject: &str,
) -> Result<TokenAnswer, FetchError> {
    let fields = [
        ("grant_type", GRANT),
        ("audience", &account.audience),
        ("scope", SCOPE),
        ("requested_token_type", ACCESS_TOKEN),
        ("subject_token_type", &account.subject_token_type),
        ("subject_token", subject),
    ];
    let secrets = [subject];
    let call = Call::form(trust, &account.token_url, &fields).hiding(&secrets);
    let body = client.call(TOKEN_URL, call).await?;
    TokenAnswer::read(&Place::of(TOKEN_URL, &account.token_url)?.host, &body)
}

/// See <https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken>.
async fn impersonate(
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
    let body = json!({"scope": [SCOPE], "lifetime": LIFETIME}).to_string();
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

fn of_pairs(from: &[(String, String)]) -> Result<HeaderMap, FetchError> {
    from.iter()
        .map(|(name, value)| {
            let name = HeaderName::try_from(name).ok()?;
            Some((name, HeaderValue::try_from(value).ok()?))
        })
        .collect::<Option<HeaderMap>>()
        .ok_or_else(|| FetchError::Setting("credential_source.headers: not of HTTP".into()))
}
