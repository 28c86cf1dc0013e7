//! What is withdrawn is gone at once, even where the rest of its resource or file is refused.

use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::wait::eventually;
use weir_tests::{Folder, Gateway, Key, Provider, Route, Upstream, secret};

use crate::common::{CREDENTIAL, KEY, chat_route, mock, said};

const SECOND_KEY: &str = "the-key-of-another-app-0123456789-0123456789";

/// Files with one resource each, a route that two keys may use, and another namespace.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write_all("provider.yaml", &[&provider()]);
    folder.write_all("route.yaml", &[&route()]);
    folder.write_all("app.yaml", &[&Key::named("app", KEY)]);
    folder.write_all("second.yaml", &[&Key::named("second", SECOND_KEY)]);
    folder
}

fn provider() -> Provider {
    mock("hello")
}

fn route() -> Route {
    chat_route()
        .with("/spec/models", json!(["fast", "smart"]))
        .admits(&["app", "second"])
}

/// The same, refused for a reason of its own.
fn refused(route: Route) -> Route {
    route.with("/spec/rules/0/when", "request.model ==".into())
}

/// Waits until a chat is answered with this status and code; gives how long that took.
async fn answers(gateway: &Gateway, key: &str, model: &str, status: u16, code: &str) {
    let ((), took) = eventually(
        &format!("{model} is answered {status} {code}"),
        async || {
            let answer = gateway.chat(key, model).await;
            (answer.status == status).then(|| assert_eq!(answer.code(), code))
        },
    )
    .await;
    assert!(took < Duration::from_secs(2), "{took:?}");
}

async fn is_refused(gateway: &Gateway, resource: &str) {
    gateway
        .log
        .record(&format!("{resource} is refused"), |record| {
            record["resource"] == resource && record["level"] == "ERROR"
        })
        .await;
}

#[tokio::test]
async fn a_key_that_is_deleted_beside_a_refused_route() {
    let folder = folder();
    let gateway = Gateway::serving(&folder).await;
    folder.write_all("route.yaml", &[&refused(route())]);
    folder.remove("second.yaml");
    answers(&gateway, SECOND_KEY, "fast", 401, "invalid_api_key").await;
    is_refused(&gateway, "AIRoute team/chat").await;
    assert_eq!(said(&gateway.chat(KEY, "fast").await), "hello");
}

#[tokio::test]
async fn a_consumer_and_a_model_that_a_refused_route_no_longer_names() {
    let folder = folder();
    let gateway = Gateway::serving(&folder).await;
    assert_eq!(said(&gateway.chat(SECOND_KEY, "smart").await), "hello");
    let narrowed = route()
        .admits(&["app"])
        .with("/spec/models", json!(["fast"]));
    folder.write_all("route.yaml", &[&refused(narrowed)]);
    answers(&gateway, SECOND_KEY, "fast", 404, "model_not_found").await;
    answers(&gateway, KEY, "smart", 404, "model_not_found").await;
    is_refused(&gateway, "AIRoute team/chat").await;
    assert_eq!(said(&gateway.chat(KEY, "fast").await), "hello");
}

#[tokio::test]
async fn a_key_that_changes_or_expires_in_a_refused_secret() {
    let folder = folder();
    let gateway = Gateway::serving(&folder).await;
    // The value is good, the annotation is not.
    let changed = Key::named("app", "a-value-that-is-new-0123456789-0123456789").until("soon");
    folder.write_all("app.yaml", &[&changed]);
    answers(&gateway, KEY, "fast", 401, "invalid_api_key").await;
    is_refused(&gateway, "Secret team/app").await;
    // The value is too short, the expiry has come.
    let expired = Key::named("second", SECOND_KEY)
        .and_next("short")
        .until("2020-01-01T00:00:00Z");
    folder.write_all("second.yaml", &[&expired]);
    answers(&gateway, SECOND_KEY, "fast", 401, "expired_api_key").await;
    is_refused(&gateway, "Secret team/second").await;
}

#[tokio::test]
async fn a_namespace_that_a_refused_provider_no_longer_allows() {
    let labels = |labels: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": labels}});
    let shared = |namespaces: Value| {
        Provider::mock("shared", json!({"text": "hello"}))
            .in_namespace("platform")
            .with("/spec/allowedRoutes", json!({ "namespaces": namespaces }))
    };
    let selector = json!({"from": "Selector", "selector": {"matchLabels": {"ai": "yes"}}});
    let folder = Folder::with(&[
        &Key::named("app", KEY),
        &chat_route().with(
            "/spec/rules/0/backends/0/provider",
            json!({"name": "shared", "namespace": "platform"}),
        ),
    ]);
    folder.write_all("namespace.yaml", &[&labels(json!({"ai": "yes"}))]);
    folder.write_all("provider.yaml", &[&shared(selector.clone())]);
    let gateway = Gateway::serving(&folder).await;
    assert_eq!(said(&gateway.chat(KEY, "fast").await), "hello");
    // The label goes, and comes back.
    folder.write_all("namespace.yaml", &[&labels(json!({"ai": "no"}))]);
    answers(&gateway, KEY, "fast", 503, "no_backend").await;
    assert_eq!(
        gateway.chat(KEY, "fast").await.header("retry-after"),
        Some("30")
    );
    folder.write_all("namespace.yaml", &[&labels(json!({"ai": "yes"}))]);
    eventually("the provider is allowed again", async || {
        (gateway.chat(KEY, "fast").await.status == 200).then_some(())
    })
    .await;
    // The provider narrows itself, in a version that is refused.
    let narrowed = shared(json!({"from": "Same"})).with("/spec/mock/chunks", 0.into());
    folder.write_all("provider.yaml", &[&narrowed]);
    answers(&gateway, KEY, "fast", 503, "no_backend").await;
    is_refused(&gateway, "AIProvider platform/shared").await;
}

#[tokio::test]
async fn a_credential_whose_secret_is_deleted() {
    let mut upstream = Upstream::scripted().await;
    let folder = Folder::with(&[
        &Provider::at("openai", upstream.address).credential("credential"),
        &chat_route(),
        &Key::named("app", KEY),
    ]);
    folder.write("credential.yaml", &secret("credential", CREDENTIAL));
    let gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    caller.send(&weir_tests::Request::chat(KEY, "fast")).await;
    let call = upstream.call().await;
    call.answer(200, &weir_tests::upstream::completion("hello"))
        .await;
    assert_eq!(said(&caller.answer().await), "hello");

    folder.remove("credential.yaml");
    is_refused(&gateway, "AIProvider team/openai").await;
    answers(&gateway, KEY, "fast", 503, "no_backend").await;
    // Not called with the old credential, and not without any.
    assert!(!upstream.was_called());
    folder.write("credential.yaml", &secret("credential", CREDENTIAL));
    gateway
        .log
        .record("the provider is well again", |record| {
            record["resource"] == "AIProvider team/openai"
                && record["message"] == "no longer refused"
        })
        .await;
}

#[tokio::test]
async fn a_provider_that_is_deleted_leaves_the_other_backends() {
    let folder = folder();
    folder.write_all(
        "spare.yaml",
        &[&Provider::mock("spare", json!({"text": "spare"}))],
    );
    folder.write_all("route.yaml", &[&route().falls_back_to("spare")]);
    let gateway = Gateway::serving(&folder).await;
    assert_eq!(said(&gateway.chat(KEY, "fast").await), "hello");
    folder.remove("provider.yaml");
    eventually("the spare answers", async || {
        (said(&gateway.chat(KEY, "fast").await) == "spare").then_some(())
    })
    .await;
    folder.remove("spare.yaml");
    answers(&gateway, KEY, "fast", 503, "no_backend").await;
}

#[tokio::test]
async fn a_key_that_is_deleted_while_another_file_cannot_be_read() {
    let folder = folder();
    let gateway = Gateway::serving(&folder).await;
    folder.write("route.yaml", "spec: [");
    folder.remove("second.yaml");
    answers(&gateway, SECOND_KEY, "fast", 401, "invalid_api_key").await;
    assert_eq!(said(&gateway.chat(KEY, "fast").await), "hello");
    // Its file gone, the route is gone: last good is for what is broken, not for what is deleted.
    folder.remove("route.yaml");
    answers(&gateway, KEY, "fast", 404, "model_not_found").await;
}
