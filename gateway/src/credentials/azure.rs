//! Workload identity at Microsoft Entra: the pod's token for one that Azure takes.
//! See <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow#third-case-access-token-request-with-a-federated-credential>.

use super::Environment;
use super::encode::percent;
use super::http::{Call, Client, Place, Trust};
use super::source::{FetchError, Fetched, file};

const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";
/// Microsoft Entra's own, in the public cloud.
const DEFAULT_AUTHORITY: &str = "https://login.microsoftonline.com/";
/// What Azure OpenAI wants the token for.
/// See <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/how-to/managed-identity>.
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";
/// As RFC 7523, section 2.2, has it.
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token for the tenant and the application that are given, or else that the webhook of Entra Workload ID tells the pod.
pub(super) async fn workload_identity(
    client: &Client,
    environment: &Environment,
    (tenant_id, client_id): (Option<&str>, Option<&str>),
) -> Result<Fetched, FetchError> {
    let path = environment.require("AZURE_FEDERATED_TOKEN_FILE")?;
    let tenant_id = match tenant_id {
        Some(tenant_id) => tenant_id,
        None => environment.require("AZURE_TENANT_ID")?,
    };
    let client_id = match client_id {
        Some(client_id) => client_id,
        None => environment.require("AZURE_CLIENT_ID")?,
    };
    let authority = environment.get(AUTHORITY).unwrap_or(DEFAULT_AUTHORITY);
    let url = format!(
        "{}/{}/oauth2/v2.0/token",
        authority.trim_end_matches('/'),
        percent(tenant_id)
    );
    let assertion = file(path).await?;
    let fields = [
        ("client_id", client_id),
        ("scope", SCOPE),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", &assertion),
        ("grant_type", "client_credentials"),
    ];
    let secrets = [assertion.as_str()];
    let call = Call::form(Trust::Admin, &url, &fields).hiding(&secrets);
    let body = client.call(AUTHORITY, call).await?;
    Fetched::of_token_endpoint(&Place::of(AUTHORITY, &url)?.host, &body)
}
