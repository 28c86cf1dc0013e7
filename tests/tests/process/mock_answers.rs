//! The mock provider: what teams use for game days, and for CI without spending.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::wait::eventually;
use weir_tests::{Gateway, Provider, Request};

use crate::common::{KEY, error_event, fields, folder_for, record_of, said};

async fn gateway(settings: Value) -> (weir_tests::Folder, Gateway) {
    let folder = folder_for(Provider::mock("openai", settings));
    let gateway = Gateway::serving(&folder).await;
    (folder, gateway)
}

/// The JSON of each event but the last, which has to be `[DONE]`.
fn events(text: &str) -> Vec<Value> {
    let mut events: Vec<&str> = text.split_terminator("\n\n").collect();
    assert_eq!(events.pop(), Some("data: [DONE]"));
    events
        .iter()
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn text_chunks_and_tokens_are_as_set() {
    let (_folder, gateway) = gateway(json!({
        "text": "one two three four",
        "chunks": 3,
        "tokens": {"input": 1000, "output": 50},
    }))
    .await;
    let answer = gateway.chat(KEY, "fast").await;
    assert_eq!(said(&answer), "one two three four");
    assert_eq!(answer.json()["model"], "fast");
    let usage = &answer.json()["usage"];
    assert_eq!(
        fields(
            usage,
            &["prompt_tokens", "completion_tokens", "total_tokens"]
        ),
        json!([1000, 50, 1050])
    );
    let record = record_of(&gateway, &answer).await;
    assert_eq!(
        fields(&record, &["inputTokens", "outputTokens"]),
        json!([1000, 50])
    );

    let body = json!({
        "model": "fast",
        "stream": true,
        "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "Hello?"}],
    });
    let request = Request::post("/v1/chat/completions", KEY, body.to_string());
    let answer = gateway.ask(&request).await;
    let events = events(&answer.text());
    let texts: Vec<&str> = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
        .filter(|text| !text.is_empty())
        .collect();
    assert_eq!(texts.len(), 3);
    assert_eq!(texts.concat(), "one two three four");
    assert_eq!(events.last().unwrap()["usage"]["total_tokens"], 1050);
    let record = record_of(&gateway, &answer).await;
    assert_eq!(
        fields(&record, &["inputTokens", "outputTokens"]),
        json!([1000, 50])
    );
    let tokens = r#"weir_tokens_total{route="team/chat",provider="team/openai",operation="chat",type="input"}"#;
    assert_eq!(gateway.metric(tokens).await, Some(2000.0));
}

#[tokio::test]
async fn the_same_request_has_the_same_answer() {
    let (_folder, gateway) = gateway(json!({})).await;
    let first = gateway.chat(KEY, "fast").await;
    assert!(said(&first).contains("fast"), "{}", first.text());
    assert_eq!(gateway.chat(KEY, "fast").await.text(), first.text());
    for (path, body) in [
        (
            "/v1/completions",
            json!({"model": "fast", "prompt": "Once"}),
        ),
        (
            "/v1/embeddings",
            json!({"model": "fast", "input": ["a", "b"]}),
        ),
    ] {
        let request = Request::post(path, KEY, body.to_string());
        let answer = gateway.ask(&request).await;
        assert_eq!(answer.status, 200);
        assert_eq!(gateway.ask(&request).await.text(), answer.text());
        assert!(answer.json()["usage"]["prompt_tokens"].as_u64().unwrap() > 0);
    }
}

#[tokio::test]
async fn latency_and_intervals_are_kept() {
    let (_folder, gateway) =
        gateway(json!({"latency": "200ms", "chunks": 5, "chunkInterval": "50ms"})).await;
    let started = Instant::now();
    said(&gateway.chat(KEY, "fast").await);
    assert!(started.elapsed() >= Duration::from_millis(200));
    let started = Instant::now();
    let answer = gateway.ask(&Request::stream(KEY, "fast")).await;
    events(&answer.text());
    assert!(started.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn faults_strike_in_their_turn() {
    let (_folder, gateway) = gateway(json!({
        "text": "fine",
        "faults": [
            {"every": 5, "status": 503},
            {"every": 3, "status": 429, "retryAfter": "7s"},
            {"every": 4, "disconnect": "BeforeAnswer"},
        ],
    }))
    .await;
    let mut seen = Vec::new();
    for _ in 0..10 {
        let answer = gateway.chat(KEY, "fast").await;
        let retry = answer.header("retry-after").map(str::to_owned);
        let code = if answer.status == 200 {
            String::new()
        } else {
            answer.code()
        };
        seen.push((answer.status, code, retry));
    }
    let fine = || (200, String::new(), None);
    let limited = || (429, "rate_limit_exceeded".to_owned(), Some("7".to_owned()));
    let broken = || (502, "provider_broken".to_owned(), None);
    let failed = || (503, "null".to_owned(), None);
    assert_eq!(
        seen,
        [
            fine(),
            fine(),
            limited(),
            broken(),
            failed(),
            limited(),
            fine(),
            broken(),
            limited(),
            failed(),
        ]
    );
}

#[tokio::test]
async fn a_disconnect_mid_stream_ends_in_an_error_event() {
    let (_folder, gateway) =
        gateway(json!({"faults": [{"every": 1, "disconnect": "MidStream"}]})).await;
    let answer = gateway.ask(&Request::stream(KEY, "fast")).await;
    assert_eq!(answer.status, 200);
    let error = error_event(
        "The provider's stream broke off before its end.",
        "provider_broken",
    );
    let text = answer.text();
    let events = text
        .strip_suffix(&error)
        .unwrap_or_else(|| panic!("{text}"));
    assert!(events.matches("data: ").count() >= 3, "{events}");
    assert!(!events.contains("[DONE]"));
    // Of a plain answer half is nothing.
    let answer = gateway.chat(KEY, "fast").await;
    assert_eq!(
        (answer.status, answer.code()),
        (502, "provider_broken".into())
    );
}

#[tokio::test]
async fn a_stall_is_what_timeouts_are_for() {
    let provider = Provider::mock("openai", json!({"faults": [{"every": 1, "stall": "1h"}]}))
        .timeout("idle", "200ms")
        .timeout("total", "300ms");
    let folder = folder_for(provider);
    let gateway = Gateway::serving(&folder).await;
    let answer = gateway.ask(&Request::stream(KEY, "fast")).await;
    let error = error_event(
        "The provider's stream stood still for too long.",
        "provider_timeout",
    );
    assert!(answer.text().ends_with(&error), "{}", answer.text());
    let answer = gateway.chat(KEY, "fast").await;
    assert_eq!(
        (answer.status, answer.code()),
        (504, "provider_timeout".into())
    );
}

#[tokio::test]
async fn a_request_that_openai_would_refuse_is_refused() {
    let (_folder, gateway) = gateway(json!({})).await;
    let request = Request::post(
        "/v1/chat/completions",
        KEY,
        r#"{"model":"fast","messages":[]}"#,
    );
    let answer = gateway.ask(&request).await;
    assert_eq!((answer.status, answer.code()), (400, "empty_array".into()));
    eventually("it is counted as an answer of the provider", async || {
        let series = r#"weir_requests_total{route="team/chat",provider="team/openai",operation="chat",status="400",outcome="complete"}"#;
        (gateway.metric(series).await == Some(1.0)).then_some(())
    })
    .await;
}
