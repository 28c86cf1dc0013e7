//! What many of the tests begin with.

use serde_json::json;
use weir_tests::cluster::Namespace;
use weir_tests::{Answer, Key, Provider, Route};

/// A mock that says `first`, the route `chat` to it for the model `fast`, and a key, which is like no
/// other namespace's: of two Secrets with one value the younger is refused. Gives the route's name for
/// kubectl, and the key.
pub(crate) async fn app(team: &Namespace<'_>) -> (String, String) {
    let key = format!("key-of-the-app-0123456789-0123456789-{}", team.name());
    team.apply(&[
        &Provider::mock("mock", json!({"text": "first"})),
        &Route::named("chat").models(&["fast"]).to("mock"),
        &Key::named("app", &key),
    ])
    .await;
    ("airoute/chat".into(), key)
}

/// What a chat said; where it failed, how.
pub(crate) fn said(answer: &Answer) -> String {
    if answer.status != 200 {
        return format!("{} {}", answer.status, answer.text());
    }
    let said = &answer.json()["choices"][0]["message"]["content"];
    said.as_str().unwrap_or_default().to_owned()
}
