//! A call fails over while nothing has reached the caller, and never after.

use serde_json::json;
use weir_tests::resources::secret_with;
use weir_tests::upstream::{DONE, STREAM_HEAD, answer, completion, event};
use weir_tests::{Folder, Gateway, Key, Provider, Request, Route, Upstream};

use crate::common::{KEY, error_event, fields, record_of, said};

fn two(first: &Upstream, second: &Upstream, route: impl Fn(Route) -> Route) -> Folder {
    Folder::with(&[
        &Provider::at("first", first.address).timeout("firstToken", "300ms"),
        &Provider::at("second", second.address),
        &route(
            Route::named("chat")
                .models(&["fast"])
                .to("first")
                .falls_back_to("second"),
        ),
        &Key::named("app", KEY),
    ])
}

#[tokio::test]
async fn a_call_that_fails_before_its_first_byte_goes_to_the_next_provider() {
    let mut first = Upstream::scripted().await;
    let second = Upstream::replying(|seen| {
        if seen.json()["stream"] == true {
            weir_tests::upstream::stream(&[event("second"), DONE.into()])
        } else {
            answer(200, &[], &completion("second"))
        }
    })
    .await;
    let folder = two(&first, &second, |route| route);
    let gateway = Gateway::serving(&folder).await;
    let error = r#"{"error":{"message":"no","type":"server_error","param":null,"code":null}}"#;
    let failures: [Vec<u8>; 6] = [
        answer(500, &[], error),
        answer(429, &[("retry-after", "7")], error),
        answer(503, &[], "<html>"),
        Vec::new(),
        b"HTTP/1.1 200 OK\r\ncontent-le".to_vec(),
        STREAM_HEAD.into(),
    ];
    for failure in failures {
        let shown = String::from_utf8_lossy(&failure).into_owned();
        let mut caller = gateway.connect().await;
        caller.send(&Request::stream(KEY, "fast")).await;
        let mut call = first.call().await;
        call.send(&failure).await;
        call.hang_up();
        let answer = caller.answer().await;
        assert_eq!(answer.text(), event("second") + DONE, "after {shown:?}");
        assert_eq!(answer.header("x-weir-provider"), Some("team/second"));
        let record = record_of(&gateway, &answer).await;
        assert_eq!(
            fields(&record, &["attempts", "provider", "outcome"]),
            json!([2, "team/second", "complete"])
        );
    }
    // A stream whose first token does not come.
    let mut caller = gateway.connect().await;
    caller.send(&Request::stream(KEY, "fast")).await;
    let _call = first.call().await;
    assert_eq!(caller.answer().await.text(), event("second") + DONE);
    // A plain answer that breaks off while it is gathered.
    let mut caller = gateway.connect().await;
    caller.send(&Request::chat(KEY, "fast")).await;
    let mut call = first.call().await;
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{")
        .await;
    call.reset();
    assert_eq!(said(&caller.answer().await), "second");
    // A provider that is not there.
    drop(first);
    assert_eq!(said(&gateway.chat(KEY, "fast").await), "second");
    let text = gateway.metrics().await;
    for line in [
        r#"weir_attempts_total{provider="team/first",outcome="rate_limited"} 1"#,
        r#"weir_attempts_total{provider="team/first",outcome="server_error"} 2"#,
        r#"weir_attempts_total{provider="team/first",outcome="timeout"} 1"#,
        r#"weir_attempts_total{provider="team/first",outcome="connection_error"} 5"#,
        r#"weir_attempts_total{provider="team/second",outcome="answered"} 9"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn a_stream_that_has_begun_is_not_begun_again() {
    let mut first = Upstream::scripted().await;
    let mut second = Upstream::scripted().await;
    let folder = two(&first, &second, |route| route);
    let gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    caller.send(&Request::stream(KEY, "fast")).await;
    let mut call = first.call().await;
    call.begin_stream().await;
    call.chunk(event("first")).await;
    assert_eq!(caller.head().await.status, 200);
    call.reset();
    let rest = String::from_utf8(caller.rest().await).unwrap();
    let error = error_event(
        "The provider's stream broke off before its end.",
        "provider_broken",
    );
    assert_eq!(rest, event("first") + &error);
    assert!(!second.was_called());
}

#[tokio::test]
async fn what_another_provider_would_say_too_is_not_asked_twice() {
    let first = Upstream::replying(|_| answer(400, &[], r#"{"error":{"message":"bad","type":"invalid_request_error","param":"messages","code":"x"}}"#)).await;
    let mut second = Upstream::scripted().await;
    let folder = two(&first, &second, |route| route);
    let gateway = Gateway::serving(&folder).await;
    let answer = gateway.chat(KEY, "fast").await;
    assert_eq!((answer.status, answer.code()), (400, "x".into()));
    assert!(!second.was_called());
}

#[tokio::test]
async fn attempts_and_causes_are_those_of_the_route() {
    let first = Upstream::replying(|_| answer(500, &[], "{}")).await;
    let second = Upstream::replying(|_| answer(429, &[("retry-after", "9")], r#"{"error":{"message":"slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#)).await;
    for (retry, attempts, status, provider) in [
        (json!({"attempts": 1}), 1, 500, "team/first"),
        (json!({"attempts": 4}), 4, 429, "team/second"),
        (
            json!({"attempts": 4, "retryOn": ["ServerError"]}),
            2,
            429,
            "team/second",
        ),
        (
            json!({"attempts": 4, "retryOn": ["Timeout"]}),
            1,
            500,
            "team/first",
        ),
    ] {
        let folder = two(&first, &second, |route| {
            route.with("/spec/retry", retry.clone())
        });
        let gateway = Gateway::serving(&folder).await;
        let answer = gateway.chat(KEY, "fast").await;
        assert_eq!(answer.status, status, "{retry}");
        let record = record_of(&gateway, &answer).await;
        assert_eq!(
            fields(&record, &["attempts", "provider"]),
            json!([attempts, provider]),
            "{retry}"
        );
        if status == 429 {
            // The provider's own error is what the caller's SDK can act on.
            assert_eq!(answer.header("retry-after"), Some("9"));
            assert_eq!(answer.code(), "rate_limit_exceeded");
        }
    }
}

#[tokio::test]
async fn when_all_fail_the_caller_learns_what_was_tried() {
    let first = Upstream::scripted().await;
    let second = Upstream::scripted().await;
    let folder = two(&first, &second, |route| route);
    drop((first, second));
    let gateway = Gateway::serving(&folder).await;
    let answer = gateway.chat(KEY, "fast").await;
    assert_eq!(answer.status, 502);
    assert_eq!(
        answer.json(),
        json!({"error": {
            "message": "No provider could be reached: team/first could not be reached, team/second could not be reached.",
            "type": "server_error",
            "param": null,
            "code": "provider_unreachable",
        }})
    );
}

#[tokio::test]
async fn the_first_byte_is_that_of_the_answer_which_is_passed_on() {
    let folder = Folder::with(&[
        &Provider::mock("first", json!({"faults": [{"every": 1, "status": 503}]})),
        &Provider::mock("second", json!({"text": "late", "latency": "300ms"})),
        &Route::named("chat")
            .models(&["fast"])
            .to("first")
            .falls_back_to("second"),
        &Key::named("app", KEY),
    ]);
    let gateway = Gateway::serving(&folder).await;
    let answer = gateway.chat(KEY, "fast").await;
    assert_eq!(said(&answer), "late");
    let record = record_of(&gateway, &answer).await;
    let first_byte = record["firstByteMs"].as_f64().unwrap();
    assert!(first_byte >= 300.0, "{record}");
}

#[tokio::test]
async fn a_provider_that_can_not_be_asked_takes_no_attempt() {
    let unusable = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
    let first = Provider::at("first", "127.0.0.1:1")
        .with("/spec/endpoint", "https://127.0.0.1:1/v1".into())
        .with(
            "/spec/tls",
            json!({"caSecretRef": {"name": "ca", "key": "ca.crt"}}),
        );
    let route = Route::named("chat").models(&["fast"]).to("first");
    let once = |route: Route| route.with("/spec/retry", json!({"attempts": 1}));
    for (route, attempts, status) in [
        (once(route.clone().falls_back_to("second")), 1, 200),
        (once(route), 0, 503),
    ] {
        let folder = Folder::with(&[
            &first,
            &Provider::mock("second", json!({})),
            &secret_with("ca", "ca.crt", unusable),
            &route,
            &Key::named("app", KEY),
        ]);
        let gateway = Gateway::serving(&folder).await;
        let answer = gateway.chat(KEY, "fast").await;
        let record = record_of(&gateway, &answer).await;
        assert_eq!(
            fields(&record, &["status", "attempts"]),
            json!([status, attempts])
        );
    }
}
