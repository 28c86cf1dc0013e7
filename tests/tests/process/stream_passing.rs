//! What a provider streams reaches the caller at once, and unchanged.

use std::time::{Duration, Instant};

use weir_tests::upstream::{DONE, chunk, completion, event};
use weir_tests::{Gateway, Provider, Request, Upstream};

use crate::common::{KEY, fields, folder_for, folder_to, record_of};

#[tokio::test]
async fn each_chunk_arrives_before_the_next_is_sent() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    caller.send(&Request::stream(KEY, "fast")).await;
    let mut call = upstream.call().await;
    call.begin_stream().await;
    let mut head = None;
    let mut took = Vec::new();
    for number in 0..50 {
        let event = event(&format!("word {number}"));
        let sent = Instant::now();
        call.chunk(&event).await;
        if head.is_none() {
            head = Some(caller.head().await);
        }
        // Only now does the provider go on.
        let arrived = caller.exactly(event.len()).await;
        took.push(sent.elapsed());
        assert_eq!(String::from_utf8(arrived).unwrap(), event);
    }
    took.sort_unstable();
    println!(
        "from provider to caller: median {:?}, most {:?}",
        took[25], took[49]
    );
    assert!(took[25] < Duration::from_millis(20), "{took:?}");
    call.chunk(DONE).await;
    assert_eq!(caller.exactly(DONE.len()).await, DONE.as_bytes());
    call.end().await;
    assert_eq!(caller.rest().await, b"");

    let head = head.unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(head.header("x-weir-route"), Some("team/chat"));
    assert_eq!(head.header("x-weir-provider"), Some("team/openai"));
    let record = record_of(&gateway, &head).await;
    assert_eq!(
        fields(&record, &["stream", "status", "attempts", "outcome"]),
        serde_json::json!([true, 200, 1, "complete"])
    );
}

/// Everything that the format of events allows, and some that it does not know.
const ODD: &str = concat!(
    "\u{feff}: a comment\n\n",
    "data: {\"id\":\"1\", \"choices\":[{\"delta\":{\"content\":\"a\"}}], \"new_field\": {\"x\": [1,2 ,3]}}\n\n",
    ":keep-alive\r\n\r\n",
    "event: message\r\nid: 7\r\nretry: 10\r\ndata: {\"choices\":[]}\r\n\r\n",
    "data: {\"choices\":\ndata: []}\n\n",
    "data:{\"choices\":[{\"delta\":{\"content\":\"\\u00e4 ä 🦦\"}}]}\r\r",
    "unknown: field\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":22,\"total_tokens\":33}}\n\n",
    "data: [DONE]\n\n",
);

#[tokio::test]
async fn events_cut_at_any_byte_pass_unchanged() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    for cut in 1..ODD.len() {
        caller.send(&Request::stream_with_usage(KEY, "fast")).await;
        let mut call = upstream.call().await;
        call.begin_stream().await;
        call.chunk(&ODD.as_bytes()[..cut]).await;
        if cut % 7 == 0 {
            // Some cuts are sure to be seen as cuts; the others may be read in one piece.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        call.chunk(&ODD.as_bytes()[cut..]).await;
        call.end().await;
        let answer = caller.answer().await;
        assert_eq!(answer.text(), ODD, "cut at byte {cut}");
    }
    caller.send(&Request::stream_with_usage(KEY, "fast")).await;
    let mut call = upstream.call().await;
    call.begin_stream().await;
    for byte in ODD.as_bytes() {
        call.chunk([*byte]).await;
    }
    call.end().await;
    let answer = caller.answer().await;
    assert_eq!(answer.text(), ODD);
    let record = record_of(&gateway, &answer).await;
    assert_eq!(
        fields(&record, &["inputTokens", "outputTokens", "outcome"]),
        serde_json::json!([11, 22, "complete"])
    );
}

#[tokio::test]
async fn a_usage_that_nobody_asked_for_is_counted_and_not_told() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    caller.send(&Request::stream(KEY, "fast")).await;
    let mut call = upstream.call().await;
    let asked: serde_json::Value = serde_json::from_slice(&call.seen.body).unwrap();
    assert_eq!(asked["stream_options"]["include_usage"], true);
    call.begin_stream().await;
    call.chunk(ODD).await;
    call.end().await;
    let answer = caller.answer().await;
    let usage = ODD.lines().find(|line| line.contains("prompt_tokens"));
    let without = ODD.replace(&format!("{}\n\n", usage.unwrap()), "");
    assert_eq!(answer.text(), without);
    let record = record_of(&gateway, &answer).await;
    assert_eq!(
        fields(&record, &["inputTokens", "outputTokens", "outcome"]),
        serde_json::json!([11, 22, "complete"])
    );
}

#[tokio::test]
async fn an_event_of_300_kilobytes_passes() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    caller.send(&Request::stream(KEY, "fast")).await;
    let mut call = upstream.call().await;
    let large = event(&"x".repeat(300 * 1024));
    let sending = async {
        call.begin_stream().await;
        for piece in large.as_bytes().chunks(5000) {
            call.chunk(piece).await;
        }
        call.chunk(DONE).await;
        call.end().await;
    };
    let (answer, ()) = tokio::join!(caller.answer(), sending);
    assert_eq!(answer.status, 200);
    assert!(answer.body == [large.as_bytes(), DONE.as_bytes()].concat());
}

#[tokio::test]
async fn a_stream_passes_however_its_end_is_marked() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    let body = event("one") + &event("two") + DONE;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n";
    let by_length = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let by_close = format!("{head}connection: close\r\n\r\n{body}");
    for bytes in [by_length, by_close] {
        let mut caller = gateway.connect().await;
        caller.send(&Request::stream(KEY, "fast")).await;
        let mut call = upstream.call().await;
        call.send(&bytes).await;
        call.hang_up();
        assert_eq!(caller.answer().await.text(), body);
    }
}

#[tokio::test]
async fn bodies_pass_byte_for_byte_but_for_the_name_of_the_model() {
    let mut upstream = Upstream::scripted().await;
    let provider = Provider::at("openai", upstream.address).with(
        "/spec/models",
        serde_json::json!([{"name": "fast"}, {"name": "smart", "upstreamName": "gpt-\"5\""}]),
    );
    let folder = folder_for(provider);
    folder.write_all(
        "smart.yaml",
        &[&weir_tests::Route::named("smart")
            .models(&["smart"])
            .to("openai")],
    );
    let gateway = Gateway::serving(&folder).await;
    let odd = "{ \"messages\" : [ {\"role\":\"user\",\"content\":\"\\u0041\\/ \"} ],\r\n\t\"unknown\": 1.0e+2, \"model\" :\"MODEL\" , \"nested\": {\"model\": \"other\"} }\n";
    let plain = "{ \"id\" : \"x\",\"choices\":[ ],\"new\":1.50, \"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}\n";
    for (asked, model) in [("fast", "fast"), ("smart", "gpt-\\\"5\\\"")] {
        let mut caller = gateway.connect().await;
        let body = odd.replace("MODEL", asked);
        let request = Request::post("/v1/chat/completions?trace=1", KEY, body)
            .header("openai-beta", "x=v1")
            .header("x-custom", "kept")
            .header("cookie", "session=1")
            .header("x-forwarded-for", "10.0.0.1")
            .header("accept-encoding", "gzip");
        caller.send(&request).await;
        let mut call = upstream.call().await;
        assert_eq!(
            String::from_utf8(call.seen.body.clone()).unwrap(),
            odd.replace("MODEL", model)
        );
        let head = call.seen.head.clone();
        assert!(
            head.starts_with("POST /v1/chat/completions?trace=1 HTTP/1.1\r\n"),
            "{head}"
        );
        let seen = |name: &str| call.seen.header(name).map(str::to_owned);
        assert_eq!(seen("host"), Some(upstream.address.to_string()));
        assert_eq!(
            seen("authorization"),
            Some(format!("Bearer {}", crate::common::CREDENTIAL))
        );
        assert_eq!(seen("openai-beta").as_deref(), Some("x=v1"));
        assert_eq!(seen("x-custom").as_deref(), Some("kept"));
        for left_out in ["cookie", "x-forwarded-for", "accept-encoding"] {
            assert_eq!(seen(left_out), None, "{left_out}");
        }
        let headers = [
            ("x-ratelimit-remaining-tokens", "5"),
            ("x-request-id", "req_1"),
            ("set-cookie", "a=b"),
        ];
        call.send(weir_tests::upstream::answer(200, &headers, plain))
            .await;
        let answer = caller.answer().await;
        assert_eq!(answer.text(), plain);
        assert_eq!(answer.header("x-ratelimit-remaining-tokens"), Some("5"));
        assert_eq!(answer.header("x-weir-provider-request-id"), Some("req_1"));
        assert_ne!(answer.header("x-request-id"), Some("req_1"));
        assert_eq!(answer.header("set-cookie"), None);
        call.keep();
    }
}

#[tokio::test]
async fn a_plain_answer_of_two_megabytes_passes() {
    let long = completion(&"lorem ipsum ".repeat(180_000));
    let body = long.clone();
    let upstream = Upstream::replying(move |_| {
        let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for piece in body.as_bytes().chunks(60_000) {
            bytes.extend(chunk(piece));
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    })
    .await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    let answer = gateway.chat(KEY, "fast").await;
    assert!(answer.body == long.as_bytes());
    let record = record_of(&gateway, &answer).await;
    assert_eq!(
        fields(
            &record,
            &["inputTokens", "outputTokens", "bytesOut", "outcome"]
        ),
        serde_json::json!([3, 4, long.len(), "complete"])
    );
}

/// Streams for `length` with an event each `pause`; what counts is that it outlives `total`.
async fn slow_stream(
    provider: Provider,
    length: Duration,
    pause: Duration,
    upstream: &mut Upstream,
) {
    let folder = folder_for(provider);
    let gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    caller.send(&Request::stream(KEY, "fast")).await;
    let mut call = upstream.call().await;
    call.begin_stream().await;
    let first = event("first");
    call.chunk(&first).await;
    assert_eq!(caller.head().await.status, 200);
    assert_eq!(caller.exactly(first.len()).await, first.as_bytes());
    let started = std::time::Instant::now();
    while started.elapsed() < length {
        tokio::time::sleep(pause).await;
        let event = event("still here");
        call.chunk(&event).await;
        assert_eq!(caller.exactly(event.len()).await, event.as_bytes());
    }
    call.chunk(DONE).await;
    call.end().await;
    assert_eq!(caller.rest().await, DONE.as_bytes());
}

#[tokio::test]
async fn a_slow_stream_outlives_every_timeout_but_idle() {
    let mut upstream = Upstream::scripted().await;
    let provider = Provider::at("openai", upstream.address)
        .timeout("firstToken", "1s")
        .timeout("total", "1s")
        .timeout("idle", "1s");
    let (length, pause) = (Duration::from_millis(2500), Duration::from_millis(400));
    slow_stream(provider, length, pause, &mut upstream).await;
}

#[tokio::test]
#[ignore = "takes WEIR_SLOW_STREAM_SECS, half an hour by default"]
async fn a_stream_of_half_an_hour_survives() {
    let length = std::env::var("WEIR_SLOW_STREAM_SECS").map_or(1800, |text| text.parse().unwrap());
    let mut upstream = Upstream::scripted().await;
    let provider = Provider::at("openai", upstream.address);
    let (length, pause) = (Duration::from_secs(length), Duration::from_secs(25));
    slow_stream(provider, length, pause, &mut upstream).await;
}
