//! The key of a service account: a signed assertion for a token.
//! See <https://developers.google.com/identity/protocols/oauth2/service-account#httprest>.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use weir_config::credential::ServiceAccount;

use super::SCOPE;
use crate::credentials::encode::base64url;
use crate::credentials::http::{Call, Client, Place, Trust};
use crate::credentials::source::{FetchError, Fetched};

/// As RFC 7523, section 2.1, has it.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_URI: &str = "token_uri";
/// Seconds that an assertion is good for; Google takes no more.
const ASSERTION_LIFE: u64 = 3600;

/// Says what is wrong with it, without asking anybody.
pub(super) fn check(account: &ServiceAccount) -> Result<(), FetchError> {
    Place::of(TOKEN_URI, &account.token_uri)?;
    key(account).map(|_| ())
}

/// A token for the account. `token_uri` may be a team's word, and is called as its providers' endpoints are: it gets no
/// more than a signature by the team's own key.
pub(super) async fn fetch(
    client: &Client,
    trust: Trust,
    account: &ServiceAccount,
) -> Result<Fetched, FetchError> {
    let assertion = assertion(account, SystemTime::now())?;
    let fields = [("grant_type", GRANT), ("assertion", &assertion)];
    let secrets = [assertion.as_str()];
    let call = Call::form(trust, &account.token_uri, &fields).hiding(&secrets);
    let body = client.call(TOKEN_URI, call).await?;
    Fetched::of_token_endpoint(&Place::of(TOKEN_URI, &account.token_uri)?.host, &body)
}

fn assertion(account: &ServiceAccount, now: SystemTime) -> Result<String, FetchError> {
    let wrong = |problem: &str| FetchError::Setting(problem.to_owned());
    let now = now
        .duration_since(UNIX_EPOCH)
        .map_err(|_| wrong("the clock is before 1970"))?
        .as_secs();
    let mut header = json!({"alg": "RS256", "typ": "JWT"});
    if let Some(id) = &account.private_key_id {
        header["kid"] = json!(id);
    }
    let claims = json!({
        "iss": account.client_email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": now,
        "exp": now + ASSERTION_LIFE,
    });
    let [header, claims] = [header, claims].map(|part| base64url(part.to_string().as_bytes()));
    let signed = format!("{header}.{claims}");
    let key = key(account)?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .map_err(|_| wrong("private_key does not sign"))?;
    Ok(format!("{signed}.{}", base64url(&signature)))
}

fn key(account: &ServiceAccount) -> Result<RsaKeyPair, FetchError> {
    let wrong = || FetchError::Setting("private_key is no RSA key in PEM".into());
    let pem = account.private_key.expose().as_bytes();
    match PrivateKeyDer::from_pem_slice(pem).map_err(|_| wrong())? {
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        _ => return Err(wrong()),
    }
    .map_err(|_| wrong())
}
