//! How streams end: when the caller leaves, when the provider dies, when time is up.

use std::time::Duration;

use serde_json::json;
use weir_tests::upstream::{DONE, STREAM_HEAD, chunk, event};
use weir_tests::{Answer, Caller, Gateway, Provider, Request, Upstream};

use crate::common::{KEY, error_event, fields, folder_for, folder_to, record_of};

const BROKE_OFF: &str = "The provider's stream broke off before its end.";

/// Begins a stream with one event, which has arrived.
async fn begun(gateway: &Gateway, upstream: &mut Upstream) -> (Caller, weir_tests::Call, Answer) {
    let mut caller = gateway.connect().await;
    caller.send(&Request::stream(KEY, "fast")).await;
    let mut call = upstream.call().await;
    call.begin_stream().await;
    let first = event("first");
    call.chunk(&first).await;
    let head = caller.head().await;
    assert_eq!(head.status, 200);
    assert_eq!(caller.exactly(first.len()).await, first.as_bytes());
    (caller, call, head)
}

#[tokio::test]
async fn a_caller_that_leaves_stops_the_call_within_a_second() {
    const SECOND: Duration = Duration::from_secs(1);
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    // Between two events, by closing and by a reset.
    let (caller, call, head) = begun(&gateway, &mut upstream).await;
    drop(caller);
    call.closed(SECOND).await;
    let record = record_of(&gateway, &head).await;
    assert_eq!(
        fields(&record, &["status", "outcome"]),
        json!([200, "client_left"])
    );
    let (caller, call, _) = begun(&gateway, &mut upstream).await;
    caller.reset();
    call.closed(SECOND).await;
    // Before the provider has said anything: of a stream, and of a plain answer.
    for request in [Request::stream(KEY, "fast"), Request::chat(KEY, "fast")] {
        let mut caller = gateway.connect().await;
        let address = caller.address();
        caller.send(&request).await;
        let call = upstream.call().await;
        drop(caller);
        call.closed(SECOND).await;
        let record = gateway.access.with("peer", &address).await;
        assert_eq!(
            fields(&record, &["status", "outcome"]),
            json!([0, "client_left"])
        );
    }
    // While a long plain answer is on its way.
    let mut caller = gateway.connect().await;
    caller.send(&Request::chat(KEY, "fast")).await;
    let mut call = upstream.call().await;
    call.send(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n",
    )
    .await;
    call.send(vec![b' '; 300_000]).await;
    caller.head().await;
    drop(caller);
    call.closed(SECOND).await;
    // While the provider sends faster than the caller reads.
    let (caller, mut call, _) = begun(&gateway, &mut upstream).await;
    let large = chunk(event(&"x".repeat(100_000)));
    while let Ok(sent) =
        tokio::time::timeout(Duration::from_millis(300), call.try_send(&large)).await
    {
        sent.unwrap();
    }
    drop(caller);
    call.closed(SECOND).await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_at_the_last_event_had_it_all() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    let (mut caller, mut call, head) = begun(&gateway, &mut upstream).await;
    call.chunk(DONE).await;
    assert_eq!(caller.exactly(DONE.len()).await, DONE.as_bytes());
    drop(caller);
    // The provider's own end has not come by then.
    call.closed(Duration::from_secs(1)).await;
    let record = record_of(&gateway, &head).await;
    assert_eq!(
        fields(&record, &["status", "outcome"]),
        json!([200, "complete"])
    );
}

#[tokio::test]
async fn a_provider_that_dies_mid_stream_ends_in_an_error_event() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    let expected = error_event(BROKE_OFF, "provider_broken");

    // A reset.
    let (mut caller, call, head) = begun(&gateway, &mut upstream).await;
    call.reset();
    assert_eq!(String::from_utf8(caller.rest().await).unwrap(), expected);
    let record = record_of(&gateway, &head).await;
    assert_eq!(
        fields(&record, &["status", "outcome", "code", "attempts"]),
        json!([200, "upstream_error", "provider_broken", 1])
    );
    // The end of the connection between two chunks, inside a chunk, and inside an event: what was
    // not a whole event does not come.
    let half = &event("torn")[..20];
    for last in [
        "",
        &String::from_utf8(chunk(half)).unwrap(),
        "40\r\ndata: {\"ch",
    ] {
        let (mut caller, mut call, _) = begun(&gateway, &mut upstream).await;
        call.send(last).await;
        call.hang_up();
        let rest = String::from_utf8(caller.rest().await).unwrap();
        assert_eq!(rest, expected, "after {last:?}");
    }
    // Bytes that are no chunk.
    let (mut caller, mut call, _) = begun(&gateway, &mut upstream).await;
    call.send("zzzz\r\n").await;
    assert_eq!(String::from_utf8(caller.rest().await).unwrap(), expected);
    call.closed(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_stream_without_a_marked_end_is_complete_only_with_its_last_event() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let whole = event("one") + DONE;
    let broken = event("one") + &error_event(BROKE_OFF, "provider_broken");
    for (sent, arrives) in [(&whole, &whole), (&event("one"), &broken)] {
        let mut caller = gateway.connect().await;
        caller.send(&Request::stream(KEY, "fast")).await;
        let mut call = upstream.call().await;
        call.send(head.to_owned() + sent).await;
        call.hang_up();
        assert_eq!(&caller.answer().await.text(), arrives);
    }
    // A length that is not kept.
    let mut caller = gateway.connect().await;
    caller.send(&Request::stream(KEY, "fast")).await;
    let mut call = upstream.call().await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 5000\r\n\r\n";
    call.send(head.to_owned() + &event("one")).await;
    call.hang_up();
    assert_eq!(caller.answer().await.text(), broken);
}

#[tokio::test]
async fn a_plain_answer_that_breaks_off_is_never_taken_for_whole() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    // A short one has not begun for the caller.
    for begin in [
        format!("{head}content-length: 500\r\n\r\n{{\"id\":"),
        format!("{head}transfer-encoding: chunked\r\n\r\n5\r\n{{\"id\"\r\n"),
        format!("{head}transfer-encoding: chunked\r\n\r\nx\r\n"),
        head.to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
            .into(),
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello".into(),
        "220 smtp.example.com ESMTP\r\n\r\n".into(),
        String::new(),
    ] {
        let mut caller = gateway.connect().await;
        caller.send(&Request::chat(KEY, "fast")).await;
        let mut call = upstream.call().await;
        call.send(&begin).await;
        call.hang_up();
        let answer = caller.answer().await;
        assert_eq!(
            (answer.status, answer.code()),
            (502, "provider_broken".into()),
            "{begin:?}"
        );
    }
    // A long one has, and its framing tells.
    for framing in ["content-length: 1000000", "transfer-encoding: chunked"] {
        let mut caller = gateway.connect().await;
        caller.send(&Request::chat(KEY, "fast")).await;
        let mut call = upstream.call().await;
        let chunked = framing.starts_with("transfer");
        let body = vec![b' '; 300_000];
        let body = if chunked { chunk(&body) } else { body };
        call.send(format!("{head}{framing}\r\n\r\n")).await;
        call.send(body).await;
        call.hang_up();
        let answer = caller.head().await;
        assert_eq!(answer.status, 200);
        let (_, end) = caller.rest_or_broken().await;
        assert!(end.is_err(), "{framing}");
        let record = record_of(&gateway, &answer).await;
        assert_eq!(record["outcome"], "upstream_error");
    }
}

#[tokio::test]
async fn a_stream_that_stands_still_or_takes_too_long_ends_in_an_error_event() {
    let mut upstream = Upstream::scripted().await;
    for (timeout, message, code) in [
        (
            "idle",
            "The provider's stream stood still for too long.",
            "provider_timeout",
        ),
        (
            "maxStream",
            "The stream took longer than its provider's timeouts.maxStream.",
            "stream_too_long",
        ),
    ] {
        let provider = Provider::at("openai", upstream.address).timeout(timeout, "300ms");
        let folder = folder_for(provider);
        let gateway = Gateway::serving(&folder).await;
        let (mut caller, mut call, head) = begun(&gateway, &mut upstream).await;
        // A part of an event is no event, but it is not nothing either.
        call.chunk("data: {").await;
        let rest = String::from_utf8(caller.rest().await).unwrap();
        assert_eq!(rest, error_event(message, code));
        call.closed(Duration::from_secs(1)).await;
        let record = record_of(&gateway, &head).await;
        assert_eq!(
            fields(&record, &["outcome", "code"]),
            json!(["timeout", code])
        );
    }
}

#[tokio::test]
async fn what_does_not_begin_in_time_is_answered_504() {
    let mut upstream = Upstream::scripted().await;
    let stream = Request::stream(KEY, "fast");
    let plain = Request::chat(KEY, "fast");
    for (timeout, request, begin) in [
        ("firstToken", &stream, ""),
        // A status is no token.
        ("firstToken", &stream, STREAM_HEAD),
        ("total", &stream, ""),
        ("total", &plain, ""),
        (
            "total",
            &plain,
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        ),
    ] {
        let provider = Provider::at("openai", upstream.address).timeout(timeout, "250ms");
        let folder = folder_for(provider);
        let gateway = Gateway::serving(&folder).await;
        let mut caller = gateway.connect().await;
        caller.send(request).await;
        let mut call = upstream.call().await;
        call.send(begin).await;
        let answer = caller.answer().await;
        assert_eq!(answer.status, 504, "{timeout} {begin:?}");
        assert_eq!(
            answer.json()["error"]["message"],
            "No provider answered in time: team/openai took too long."
        );
        assert_eq!(answer.code(), "provider_timeout");
        call.closed(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_connection_that_is_not_taken_in_time_is_answered_504() {
    // A queue that is full: further connections are not answered at all.
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: std::net::SocketAddr = ([127, 0, 0, 1], 0).into();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(
        Duration::from_millis(200),
        tokio::net::TcpStream::connect(address),
    )
    .await
    {
        waiting.push(stream);
    }
    let folder = folder_for(Provider::at("openai", address).timeout("connect", "200ms"));
    let gateway = Gateway::serving(&folder).await;
    let answer = gateway.chat(KEY, "fast").await;
    assert_eq!(
        (answer.status, answer.code()),
        (504, "provider_timeout".into())
    );
}

#[tokio::test]
async fn a_provider_that_never_closes_after_done_is_not_waited_for_as_if_it_had_more_to_say() {
    let mut upstream = Upstream::scripted().await;
    let provider = Provider::at("openai", upstream.address).timeout("idle", "300ms");
    let folder = folder_for(provider);
    let gateway = Gateway::serving(&folder).await;
    let (mut caller, mut call, head) = begun(&gateway, &mut upstream).await;
    call.chunk(DONE).await;
    assert_eq!(String::from_utf8(caller.rest().await).unwrap(), DONE);
    call.closed(Duration::from_secs(1)).await;
    let record = record_of(&gateway, &head).await;
    assert_eq!(
        fields(&record, &["outcome", "code"]),
        json!(["complete", null])
    );
}
