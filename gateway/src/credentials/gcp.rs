//! Access tokens of Google Cloud: for a service account's key, for the pod's own identity, and for one of another cloud.
//! See <https://cloud.google.com/docs/authentication/application-default-credentials>.

mod external;
mod service_account;

use http::{HeaderName, HeaderValue};
use weir_config::credential::GoogleCredential;

use super::Environment;
use super::http::{Call, Client, Place, Trust};
use super::source::{FetchError, Fetched, file};

/// What tokens are asked for.
/// See <https://cloud.google.com/vertex-ai/docs/authentication>.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
const HOST: &str = "GCE_METADATA_HOST";
/// See <https://cloud.google.com/compute/docs/metadata/querying-metadata>.
const METADATA: &str = "metadata.google.internal";

/// Says why a Secret may not have it, or what of it can't be used, without asking anybody.
pub(super) fn check_secret(account: &GoogleCredential) -> Result<(), FetchError> {
    match account {
        GoogleCredential::ServiceAccount(account) => service_account::check(account),
        GoogleCredential::ExternalAccount(account) => external::check_untrusted(account),
        GoogleCredential::Token(_) => Ok(()),
    }
}

/// A token for what a team wrote into a Secret.
pub(super) async fn of_secret(client: &Client, json: &str) -> Result<Fetched, FetchError> {
    let account = read("the Secret", json)?;
    check_secret(&account)?;
    fetch(client, Trust::Team, &account).await
}

fn read(what: &str, json: &str) -> Result<GoogleCredential, FetchError> {
    let wrong = |problem: String| FetchError::Setting(format!("{what} {problem}"));
    GoogleCredential::read(json).map_err(|error| wrong(error.to_string()))
}

async fn fetch(
    client: &Client,
    trust: Trust,
    account: &GoogleCredential,
) -> Result<Fetched, FetchError> {
    match account {
        GoogleCredential::ServiceAccount(account) => {
            service_account::fetch(client, trust, account).await
        }
        GoogleCredential::ExternalAccount(account) => external::fetch(client, trust, account).await,
        GoogleCredential::Token(_) => Err(FetchError::Setting(format!(
            "the file of {FILE} is no JSON"
        ))),
    }
}

/// A token for the file of `GOOGLE_APPLICATION_CREDENTIALS`, else from the metadata server.
pub(super) async fn default_credentials(
    client: &Client,
    environment: &Environment,
) -> Result<Fetched, FetchError> {
    match environment.get(FILE) {
        Some(path) => {
            let account = read(&format!("the file of {FILE}"), &file(path).await?)?;
            fetch(client, Trust::Admin, &account).await
        }
        None => metadata(client, environment.get(HOST).unwrap_or(METADATA)).await,
    }
}

async fn metadata(client: &Client, host: &str) -> Result<Fetched, FetchError> {
    let url = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
    let mut call = Call::get(Trust::Admin, &url);
    call.headers.insert(
        HeaderName::from_static("metadata-flavor"),
        HeaderValue::from_static("Google"),
    );
    let body = client.call(HOST, call).await?;
    Fetched::of_token_endpoint(&Place::of(HOST, &url)?.host, &body)
}

#[cfg(test)]
mod tests;
