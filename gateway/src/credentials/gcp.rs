//! Access tokens of Google Cloud: for a service account's key, for the pod's own identity, and for one of another cloud.
//! See <https://cloud.google.com/docs/authentication/application-default-credentials>.

mod external;
mod service_account;

use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::Environment;
use super::http::{Call, Client, Place, Trust};
use super::source::{FetchError, Fetched, file};

use external::ExternalAccount;
use service_account::ServiceAccount;

/// What tokens are asked for.
/// See <https://cloud.google.com/vertex-ai/docs/authentication>.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const HOST: &str = "GCE_METADATA_HOST";
/// See <https://cloud.google.com/compute/docs/metadata/querying-metadata>.
const METADATA: &str = "metadata.google.internal";

/// What a file of credentials may be.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Account {
    ServiceAccount(ServiceAccount),
    ExternalAccount(Box<ExternalAccount>),
    #[serde(other)]
    Other,
}

impl Account {
    fn read(json: &str) -> Result<Self, FetchError> {
        let wrong = |problem: &str| FetchError::Setting(format!("credentials: {problem}"));
        let account = serde_json::from_str(json).map_err(|error| {
            // The message of a fault in the data may quote it; the place does not.
            let place = (error.line(), error.column());
            wrong(&format!(
                "not the JSON of a service account or of an external account (line {}, column {})",
                place.0, place.1
            ))
        })?;
        if matches!(account, Self::Other) {
            return Err(wrong(
                "the JSON's type is neither service_account nor external_account",
            ));
        }
        Ok(account)
    }

    async fn fetch(&self, client: &Client, trust: Trust) -> Result<Fetched, FetchError> {
        match self {
            Self::ServiceAccount(account) => account.fetch(client, trust).await,
            Self::ExternalAccount(account) => account.fetch(client, trust).await,
            Self::Other => Err(FetchError::Setting("credentials: unknown type".into())),
        }
    }
}

/// Says what is wrong with what a team wrote into a Secret, where something is.
pub(super) fn check_secret(json: &str) -> Result<(), String> {
    let checked = Account::read(json).and_then(|account| match account {
        Account::ServiceAccount(account) => account.check(),
        Account::ExternalAccount(account) => account.check_untrusted(),
        Account::Other => Ok(()),
    });
    checked.map_err(|error| error.to_string())
}

/// A token for what a team wrote into a Secret.
pub(super) async fn of_secret(client: &Client, json: &str) -> Result<Fetched, FetchError> {
    Account::read(json)?.fetch(client, Trust::Team).await
}

/// A token for the file of `GOOGLE_APPLICATION_CREDENTIALS`, else from the metadata server.
pub(super) async fn default_credentials(
    client: &Client,
    environment: &Environment,
) -> Result<Fetched, FetchError> {
    match environment.get("GOOGLE_APPLICATION_CREDENTIALS") {
        Some(path) => {
            let json = file(path).await?;
            Account::read(&json)?.fetch(client, Trust::Admin).await
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
