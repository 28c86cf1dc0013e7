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

#[cfg(test)]
mod tests {
    use super::super::tests::fake::Fake;
    use super::super::tests::{client, environment, file_of, token};
    use super::*;

    #[tokio::test]
    async fn the_pods_token_is_exchanged_for_the_tenant_of_the_provider() {
        let entra = Fake::saying(
            200,
            r#"{"token_type":"Bearer","expires_in":3599,"access_token":"eyJ0"}"#,
        )
        .await;
        let (_folder, path) = file_of("pod.token.here\n");
        let authority = entra.url("");
        let variables = [
            ("AZURE_AUTHORITY_HOST", authority.as_str()),
            ("AZURE_CLIENT_ID", "app"),
            ("AZURE_FEDERATED_TOKEN_FILE", &path),
            ("AZURE_TENANT_ID", "tenant"),
        ];
        for (ids, line, client_id) in [
            ((None, None), "POST /tenant/oauth2/v2.0/token", "app"),
            (
                (Some("other/tenant"), Some("other")),
                "POST /other%2Ftenant/oauth2/v2.0/token",
                "other",
            ),
        ] {
            let fetched = workload_identity(&client(), &environment(&variables), ids)
                .await
                .unwrap();
            assert_eq!(token(fetched), ("Bearer eyJ0".into(), 3599));
            let seen = entra.seen().pop().unwrap();
            assert_eq!(seen.line, line);
            for (name, value) in [
                ("client_id", client_id),
                ("scope", "https://cognitiveservices.azure.com/.default"),
                (
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                ),
                ("client_assertion", "pod.token.here"),
                ("grant_type", "client_credentials"),
            ] {
                assert_eq!(seen.field(name).as_deref(), Some(value));
            }
        }
        for missing in [
            "AZURE_CLIENT_ID",
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_TENANT_ID",
        ] {
            let rest: Vec<_> = variables
                .into_iter()
                .filter(|(name, _)| *name != missing)
                .collect();
            let error = workload_identity(&client(), &environment(&rest), (None, None)).await;
            assert_eq!(
                error.unwrap_err().to_string(),
                format!("{missing} is not set")
            );
        }
    }
}
