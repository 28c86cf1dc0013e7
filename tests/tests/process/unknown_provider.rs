//! A provider that nobody has heard of, and that is compatible with OpenAI, takes YAML and nothing else.

use serde_json::json;
use weir_tests::upstream::{DONE, answer, completion, event, stream};
use weir_tests::{Folder, Gateway, Request, Upstream};

use crate::common::{KEY, fields, record_of};

/// All that is said of it: where it is and what its key is.
fn yaml(address: impl std::fmt::Display) -> String {
    format!(
        "
apiVersion: weir.dev/v1alpha1
kind: AIProvider
metadata: {{name: zephyr-labs, namespace: team}}
spec:
  dialect: OpenAI
  endpoint: http://{address}/inference/openai/v3
  credentials:
    secretRef: {{name: zephyr-labs, key: token}}
---
apiVersion: v1
kind: Secret
metadata: {{name: zephyr-labs, namespace: team}}
stringData: {{token: zl-0123456789}}
---
apiVersion: weir.dev/v1alpha1
kind: AIRoute
metadata: {{name: chat, namespace: team}}
spec:
  models: [zephyr-9]
  rules:
  - backends:
    - provider: {{name: zephyr-labs}}
---
apiVersion: v1
kind: Secret
metadata: {{name: app, namespace: team}}
type: weir.dev/api-key
stringData: {{key: {KEY}}}
"
    )
}

#[tokio::test]
async fn a_made_up_compatible_provider_takes_yaml_only() {
    let mut upstream = Upstream::scripted().await;
    let folder = Folder::new();
    folder.write("zephyr.yaml", &yaml(upstream.address));
    let gateway = Gateway::serving(&folder).await;

    let mut caller = gateway.connect().await;
    caller.send(&Request::chat(KEY, "zephyr-9")).await;
    let call = upstream.call().await;
    let seen = call.seen.clone();
    assert!(
        seen.head
            .starts_with("POST /inference/openai/v3/chat/completions HTTP/1.1\r\n"),
        "{}",
        seen.head
    );
    assert_eq!(seen.header("authorization"), Some("Bearer zl-0123456789"));
    assert_eq!(seen.json()["model"], "zephyr-9");
    let said = completion("a light wind");
    call.answer(200, &said).await;
    let plain = caller.answer().await;
    assert_eq!((plain.status, plain.text()), (200, said));
    assert_eq!(plain.header("x-weir-provider"), Some("team/zephyr-labs"));

    caller
        .send(&Request::stream_with_usage(KEY, "zephyr-9"))
        .await;
    let mut call = upstream.call().await;
    let events = [event("a light"), event(" wind"), DONE.to_owned()];
    call.send(stream(&events)).await;
    call.keep();
    let streamed = caller.answer().await;
    assert_eq!(streamed.text(), events.concat());
    let record = record_of(&gateway, &streamed).await;
    assert_eq!(
        fields(&record, &["provider", "stream", "status", "outcome"]),
        json!(["team/zephyr-labs", true, 200, "complete"])
    );

    // And for the callers of another SDK, through the canonical form.
    let body = json!({
        "model": "zephyr-9", "max_tokens": 50,
        "messages": [{"role": "user", "content": "How is the weather?"}],
    });
    caller
        .send(
            &Request::post("/v1/messages", KEY, body.to_string())
                .header("anthropic-version", "2023-06-01"),
        )
        .await;
    let mut call = upstream.call().await;
    assert_eq!(
        call.seen.json()["messages"],
        json!([{"role": "user", "content": "How is the weather?"}])
    );
    call.send(answer(200, &[], &completion("a light wind")))
        .await;
    call.keep();
    let message = caller.answer().await.json();
    assert_eq!(
        (&message["type"], &message["content"][0]["text"]),
        (&json!("message"), &json!("a light wind"))
    );
}
