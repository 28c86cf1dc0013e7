//! Usage that no provider told.

use serde_json::{Value, json};
use weir_tests::folder::documents_of;
use weir_tests::upstream::answer;
use weir_tests::{Folder, Gateway, Key, Provider, Route, Upstream, secret};

use super::callers::{question, request};
use crate::common::{CREDENTIAL, KEY, record_of};

#[tokio::test]
async fn a_translated_answer_tells_what_was_counted_where_its_provider_tells_nothing() {
    let upstream = Upstream::replying(|_| {
        let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Nobody counts these words."}}
        ]});
        answer(200, &[("x-weir-estimated", "false")], &body.to_string())
    })
    .await;
    let folder = Folder::new();
    folder.write(
        "config.yaml",
        &documents_of(&[
            &secret("credential", CREDENTIAL),
            &Key::named("app", KEY),
            &Provider::at("one", upstream.address).credential("credential"),
            &Route::named("only").models(&["fast"]).to("one"),
        ]),
    );
    let gateway = Gateway::serving(&folder).await;
    for (format, input, output) in [
        ("messages", "/usage/input_tokens", "/usage/output_tokens"),
        (
            "gemini",
            "/usageMetadata/promptTokenCount",
            "/usageMetadata/candidatesTokenCount",
        ),
        ("converse", "/usage/inputTokens", "/usage/outputTokens"),
    ] {
        let told = gateway
            .ask(&request(format, "fast", false, question(format)))
            .await;
        assert_eq!(told.status, 200, "{}", told.text());
        assert_eq!(told.header("x-weir-estimated"), Some("true"));
        let body = told.json();
        let count = |pointer| body.pointer(pointer).and_then(Value::as_u64).unwrap();
        let (input, output) = (count(input), count(output));
        assert!(input > 0 && output > 0, "{body}");
        let record = record_of(&gateway, &told).await;
        assert_eq!(
            (
                &record["inputTokens"],
                &record["outputTokens"],
                &record["usageEstimated"]
            ),
            (&json!(input), &json!(output), &json!(true)),
            "{format}"
        );
    }
    // What passes is as the provider sent it.
    let passed = gateway
        .ask(&request("chat", "fast", false, question("chat")))
        .await;
    assert_eq!(passed.json().get("usage"), None);
    assert_eq!(passed.header("x-weir-estimated"), None);
}
