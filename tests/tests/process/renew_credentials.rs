//! Credentials that expire are fetched and renewed off the path of requests, and never leave.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use weir_tests::gateway::Start;
use weir_tests::upstream::{Seen, answer, completion};
use weir_tests::wait::eventually;
use weir_tests::{Folder, Gateway, Upstream};

use crate::common::{KEY, said};

/// A provider of the gateway's own namespace, a route to it and a key.
fn config(spec: &Value) -> String {
    let metadata = |name: &str| json!({"name": name, "namespace": "weir-system"});
    let documents = [
        json!({
            "apiVersion": "weir.dev/v1alpha1", "kind": "AIProvider", "metadata": metadata("cloud"), "spec": spec,
        }),
        json!({
            "apiVersion": "weir.dev/v1alpha1", "kind": "AIRoute", "metadata": metadata("chat"),
            "spec": {"models": ["fast"], "rules": [{"backends": [{"provider": {"name": "cloud"}}]}]},
        }),
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": metadata("app"), "type": "weir.dev/api-key",
            "stringData": {"key": KEY},
        }),
    ];
    let text: Vec<String> = documents.iter().map(Value::to_string).collect();
    text.join("\n---\n")
}

fn folder(spec: &Value) -> Folder {
    let folder = Folder::new();
    folder.write("config.yaml", &config(spec));
    folder
}

fn azure(at: &Upstream) -> Value {
    json!({
        "dialect": "AzureOpenAI",
        "endpoint": format!("http://{}", at.address),
        "credentials": {"workloadIdentity": {"azure": {}}},
    })
}

/// What Entra says next, and how often it was asked.
struct Entra {
    /// Seconds that the next token is good for; none is an error.
    life: Mutex<Option<u64>>,
    asked: AtomicU64,
}

impl Entra {
    async fn start(life: Option<u64>) -> (Arc<Self>, Upstream) {
        let entra = Arc::new(Self {
            life: Mutex::new(life),
            asked: AtomicU64::new(0),
        });
        let state = Arc::clone(&entra);
        let upstream = Upstream::replying(move |seen| state.say(seen)).await;
        (entra, upstream)
    }

    fn say(&self, seen: &Seen) -> Vec<u8> {
        assert!(
            seen.head.starts_with("POST /the-tenant/oauth2/v2.0/token "),
            "{}",
            seen.head
        );
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        match *self.life.lock().unwrap() {
            None => answer(
                400,
                &[],
                r#"{"error":"invalid_request","error_description":"AADSTS90002: no tenant for the.pods.token"}"#,
            ),
            Some(seconds) => {
                let token = format!("entra/token+{number}");
                let body =
                    json!({"token_type": "Bearer", "expires_in": seconds, "access_token": token});
                answer(200, &[], &body.to_string())
            }
        }
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    fn will_say(&self, life: Option<u64>) {
        *self.life.lock().unwrap() = life;
    }
}

async fn gateway(folder: &Folder, entra: &Upstream) -> Gateway {
    folder.write("token.txt", "the.pods.token\n");
    let token = folder.path().join("token.txt");
    Start::on(folder.path())
        .env(
            "AZURE_AUTHORITY_HOST",
            &format!("http://{}/", entra.address),
        )
        .env("AZURE_CLIENT_ID", "the-client")
        .env("AZURE_TENANT_ID", "the-tenant")
        .env("AZURE_FEDERATED_TOKEN_FILE", token.to_str().unwrap())
        .ready()
        .await
}

/// Answers with what it was called with.
async fn echo() -> Upstream {
    Upstream::replying(|seen| {
        let credential = seen.header("authorization").unwrap_or("none");
        answer(200, &[("x-echo", credential)], &completion(credential))
    })
    .await
}

#[tokio::test]
async fn a_token_is_renewed_while_requests_go_on_and_is_never_echoed() {
    let provider = Upstream::replying(|seen| {
        let sent = seen.header("authorization").unwrap();
        let number = sent.strip_prefix("Bearer entra/token+").unwrap();
        let encoded = sent.replace('/', "%2F").replace('+', "%2B");
        let said = format!("token {number}: {sent} {encoded}");
        answer(200, &[("x-echo", sent)], &completion(&said))
    })
    .await;
    let (entra, token_service) = Entra::start(Some(3)).await;
    let folder = folder(&azure(&provider));
    let gateway = gateway(&folder, &token_service).await;
    let first = gateway.chat(KEY, "fast").await;
    assert_eq!(said(&first), "token 1: Bearer [redacted] Bearer [redacted]");
    assert_eq!(first.header("x-echo"), None);
    // It is renewed after half of its three seconds, whether anybody calls or not.
    eventually("the token is renewed", async || {
        (entra.asked() >= 3).then_some(())
    })
    .await;
    let later = gateway.chat(KEY, "fast").await;
    assert!(!said(&later).starts_with("token 1:"), "{}", said(&later));
    let provider = r#"{provider="weir-system/cloud"}"#;
    let metric = async |name: &str| gateway.metric(&format!("{name}{provider}")).await.unwrap();
    assert!(metric("weir_credential_renewals_total").await >= 3.0);
    assert!(metric("weir_credential_expiry_seconds").await <= 3.0);
    assert!(metric("weir_credential_failures_total").await < 1.0);
}

#[tokio::test]
async fn without_a_token_calls_fail_once_the_old_one_expires_and_go_on_when_there_is_one() {
    let provider = echo().await;
    let (entra, token_service) = Entra::start(None).await;
    let folder = folder(&azure(&provider));
    let gateway = gateway(&folder, &token_service).await;
    let refused = gateway.chat(KEY, "fast").await;
    assert_eq!(
        (refused.status, refused.json()["error"]["code"].clone()),
        (503, json!("provider_credentials_unavailable"))
    );
    assert_eq!(
        refused.json()["error"]["message"],
        "Weir has no valid credential for the provider at the moment: weir-system/cloud could not be called without a credential."
    );
    assert_eq!(refused.header("retry-after"), Some("5"));
    // It is tried again, and again.
    entra.will_say(Some(4));
    eventually("there is a token", async || {
        (gateway.chat(KEY, "fast").await.status == 200).then_some(())
    })
    .await;
    entra.will_say(None);
    eventually("the token expires", async || {
        (gateway.chat(KEY, "fast").await.status == 503).then_some(())
    })
    .await;
    let log = gateway.log.text();
    assert!(
        log.contains(
            "127.0.0.1 answered 400: invalid_request: AADSTS90002: no tenant for [redacted]"
        ),
        "{log}"
    );
    assert!(
        !log.contains("the.pods.token") && !log.contains("entra/token"),
        "{log}"
    );
}

#[tokio::test]
async fn a_change_of_the_provider_keeps_the_token_which_goes_with_it() {
    let provider = echo().await;
    let (entra, token_service) = Entra::start(Some(3600)).await;
    let mut spec = azure(&provider);
    let folder = folder(&spec);
    let gateway = gateway(&folder, &token_service).await;
    assert_eq!(said(&gateway.chat(KEY, "fast").await), "Bearer [redacted]");
    spec["timeouts"] = json!({"connect": "1s"});
    spec["httpVersion"] = json!("HTTP1");
    let before = gateway.metric("weir_config_revision").await.unwrap();
    folder.write("config.yaml", &config(&spec));
    eventually("the change serves", async || {
        (gateway.metric("weir_config_revision").await? > before).then_some(())
    })
    .await;
    assert_eq!(said(&gateway.chat(KEY, "fast").await), "Bearer [redacted]");
    assert_eq!(entra.asked(), 1);
    folder.write("config.yaml", "");
    let series = r#"weir_credential_expiry_seconds{provider="weir-system/cloud"}"#;
    eventually("the provider is gone", async || {
        gateway.metric(series).await.is_none().then_some(())
    })
    .await;
}
