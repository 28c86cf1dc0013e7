//! Callers that break the rules of HTTP/1.1: a 4xx or a closed connection, and it serves on.

use std::time::{Duration, Instant};

use weir_tests::caller::find;
use weir_tests::gateway::Start;
use weir_tests::{Caller, Gateway, Request};

use crate::common::{KEY, folder_of_mock, said};

/// What an attack may take before the connection is closed.
const SOON: Duration = Duration::from_secs(5);

/// What stands behind a message whose end is unclear; nobody may take it for a request.
const SMUGGLED: &str = "GET /v1/models/smuggled HTTP/1.1\r\nhost: weir\r\n\r\n";

/// Sends bytes on a connection of their own; gives the statuses of what comes back until the
/// gateway closes it.
async fn attack(gateway: &Gateway, bytes: &[u8]) -> Vec<u16> {
    let mut caller = gateway.connect().await;
    // The gateway may close before it has read all.
    let _ = caller.send_bytes(bytes).await;
    statuses(&caller.closed(SOON).await)
}

fn statuses(mut bytes: &[u8]) -> Vec<u16> {
    let mut statuses = Vec::new();
    while let Some(at) = find(bytes, b"HTTP/1.1 ") {
        bytes = &bytes[at + 9..];
        statuses.push(std::str::from_utf8(&bytes[..3]).unwrap().parse().unwrap());
    }
    statuses
}

/// Asserts that nothing smuggled was served, and that it serves on.
async fn unharmed(gateway: &Gateway) {
    gateway.assert_serves(KEY, "fast").await;
    let access = gateway.access.text();
    assert!(!access.contains("smuggled"), "{access}");
    assert!(!access.contains("\"models\""), "{access}");
}

/// A chat with these lines in its head and this body.
fn chat(lines: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: weir\r\nauthorization: Bearer {KEY}\r\n{lines}\r\n{body}"
    )
    .into_bytes()
}

fn body() -> String {
    String::from_utf8(Request::chat(KEY, "fast").body).unwrap()
}

#[tokio::test]
async fn two_framings_are_refused_or_answered_once_and_closed() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    let body = body();
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n{SMUGGLED}", body.len());
    let length = body.len();
    for lines in [
        format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
        format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
        "content-length: 4\r\ntransfer-encoding: chunked\r\n".into(),
        "transfer-encoding: chunked\r\ncontent-length: 0\r\n".into(),
    ] {
        let seen = attack(&gateway, &chat(&lines, &chunked)).await;
        assert!(seen == [400] || seen == [200], "{seen:?} to {lines:?}");
    }
    unharmed(&gateway).await;
}

#[tokio::test]
async fn a_framing_that_is_unclear_is_refused() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    let body = body();
    let length = body.len();
    let more = format!("{body}{SMUGGLED}");
    for lines in [
        format!(
            "content-length: {length}\r\ncontent-length: {}\r\n",
            length + 5
        ),
        format!("content-length: {length}, {}\r\n", length + 5),
        format!("content-length: +{length}\r\n"),
        format!("content-length: -{length}\r\n"),
        format!("content-length: 0x{length:x}\r\n"),
        format!("content-length: {length} {length}\r\n"),
        "content-length: \r\n".into(),
        "content-length: 99999999999999999999999\r\n".into(),
        format!("content-length : {length}\r\n"),
        format!("content-length\t: {length}\r\n"),
        format!("content-length: {length}\r\n x: folded\r\n"),
        "transfer-encoding: xchunked\r\n".into(),
        "transfer-encoding: gzip\r\n".into(),
        "transfer-encoding: chunked, identity\r\n".into(),
        "transfer-encoding: identity, chunked\r\n".into(),
        "transfer-encoding: chunked, chunked\r\n".into(),
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n".into(),
        "transfer-encoding: chunked\r\ntransfer-encoding: x\r\n".into(),
        "transfer-encoding: \x0bchunked\r\n".into(),
        "transfer-encoding:\r\n chunked\r\n".into(),
    ] {
        let seen = attack(&gateway, &chat(&lines, &more)).await;
        assert!(
            matches!(seen[..], [400 | 411 | 413 | 501]),
            "{seen:?} to {lines:?}"
        );
    }
    // HTTP/1.0 has no transfer coding.
    let old = String::from_utf8(chat("transfer-encoding: chunked\r\n", &more)).unwrap();
    let seen = attack(
        &gateway,
        old.replace("HTTP/1.1\r\nhost", "HTTP/1.0\r\nhost")
            .as_bytes(),
    )
    .await;
    assert_eq!(seen, [400]);
    unharmed(&gateway).await;
}

#[tokio::test]
async fn chunks_that_are_none_are_refused() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    for chunks in [
        "zz\r\n",
        "-1\r\n",
        "0x5\r\nhello\r\n",
        "\r\n",
        " 5\r\nhello\r\n",
        "fffffffffffffffff\r\n",
        "ffffffffffffffff\r\n",
        "5\r\nhelloX\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\nhello\n0\n\n",
        "5 5\r\nhello\r\n",
    ] {
        let body = format!("{chunks}{SMUGGLED}");
        let seen = attack(&gateway, &chat("transfer-encoding: chunked\r\n", &body)).await;
        assert!(matches!(seen[..], [400 | 413]), "{seen:?} to {chunks:?}");
    }
    // Extensions and trailers without end.
    let endless = "x".repeat(2 << 20);
    for chunks in [
        format!("5;{endless}\r\nhello\r\n0\r\n\r\n"),
        format!("0\r\nx: {endless}\r\n\r\n"),
        format!("0{endless}"),
    ] {
        let seen = attack(&gateway, &chat("transfer-encoding: chunked\r\n", &chunks)).await;
        assert!(matches!(seen[..], [] | [400 | 413 | 431]), "{seen:?}");
    }
    unharmed(&gateway).await;
}

#[tokio::test]
async fn heads_that_are_none_are_refused() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    let host = "host: weir\r\n";
    for head in [
        "GET /v1/models HTTP/1.1\r\n".to_owned(),
        format!("GET /v1/models HTTP/1.1\r\n{host}{host}"),
        "GET /v1/models HTTP/1.1\r\nhost: a b\r\n".into(),
        format!("GET /v1/models HTTP/1.1\r\n{host}x\0y: 1\r\n"),
        format!("GET /v1/models HTTP/1.1\r\n{host}x: a\0b\r\n"),
        format!("GET /v1/models HTTP/1.1\r\n{host}x: a\rb: c\r\n"),
        format!("GET /v1/models HTTP/1.1\r\n{host}: empty\r\n"),
        format!("GET /v1/models HTTP/1.1\r\n{host}no colon\r\n"),
        format!("GET /v1/models HTTP/1.1\r\n x: first\r\n{host}"),
        format!("GET  /v1/models HTTP/1.1\r\n{host}"),
        format!("GET /v1/mod els HTTP/1.1\r\n{host}"),
        format!("GET v1/models HTTP/1.1\r\n{host}"),
        format!("GET /v1/models HTTP/3.0\r\n{host}"),
        format!("GET /v1/models HTTP/1.2.3\r\n{host}"),
        format!("GET /v1/models\r\n{host}"),
        format!("G\u{e4}T /v1/models HTTP/1.1\r\n{host}"),
        format!("\u{1}\u{2}\u{3}\u{4} /v1/models HTTP/1.1\r\n{host}"),
        "SSH-2.0-OpenSSH_9.7\r\n".into(),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}\r\n".into(),
        "PRI * HTTP/2.0\r\n".into(),
    ] {
        let seen = attack(&gateway, format!("{head}\r\n{SMUGGLED}").as_bytes()).await;
        assert!(matches!(seen[..], [] | [400 | 505]), "{seen:?} to {head:?}");
    }
    let connect = "CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n";
    assert_eq!(attack(&gateway, connect.as_bytes()).await, [405]);
    unharmed(&gateway).await;
}

#[tokio::test]
async fn huge_and_endless_heads_are_cut_off() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    let long = "x".repeat(1 << 20);
    let line = "GET /v1/models HTTP/1.1\r\nhost: weir\r\n";
    for head in [
        format!("{line}x: {long}\r\n\r\n"),
        format!("{line}{long}: x\r\n\r\n"),
        format!("{line}{}\r\n", "x: y\r\n".repeat(10_000)),
        format!("GET /{long} HTTP/1.1\r\nhost: weir\r\n\r\n"),
    ] {
        let seen = attack(&gateway, head.as_bytes()).await;
        assert!(matches!(seen[..], [] | [414 | 431]), "{seen:?}");
    }
    // The answer is there for those who read before they have sent everything.
    let mut caller = gateway.connect().await;
    caller
        .send_bytes(format!("{line}{}\r\n", "x: y\r\n".repeat(200)).as_bytes())
        .await
        .unwrap();
    let answer = caller.answer().await;
    assert_eq!(
        (answer.status, answer.code()),
        (431, "headers_too_large".into())
    );
    // Without end: the connection goes long before a gigabyte.
    let mut caller = gateway.connect().await;
    caller.send_bytes(line.as_bytes()).await.unwrap();
    let mut sent = 0;
    let block = "x: y\r\n".repeat(10_000);
    while caller.send_bytes(block.as_bytes()).await.is_ok() {
        sent += block.len();
        assert!(sent < 1 << 30);
    }
    println!("an endless head was cut off after at most {sent} bytes");
    unharmed(&gateway).await;
}

#[tokio::test]
async fn a_head_that_dribbles_is_cut_off_within_thirty_seconds() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    let dribble = async |start: &str| {
        let mut caller = gateway.connect().await;
        let started = Instant::now();
        let _ = caller.send_bytes(start.as_bytes()).await;
        let closed = loop {
            tokio::select! {
                closed = caller.closed(Duration::from_secs(60)) => break closed,
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
            }
            // A byte now and then, as a sign of life.
            let _ = caller.send_bytes(b"a").await;
        };
        println!("cut off after {:?}", started.elapsed());
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{:?}",
            started.elapsed()
        );
        statuses(&closed)
    };
    let (a, b, c) = tokio::join!(
        dribble("GET /v1/models HTTP/1.1\r\nhost: weir\r\nx: "),
        dribble("G"),
        dribble("PRI * HTTP/2.0\r\n\r\nSM\r\n\r"),
    );
    for seen in [a, b, c] {
        assert!(matches!(seen[..], [] | [400 | 408]), "{seen:?}");
    }
    unharmed(&gateway).await;
}

#[tokio::test]
async fn a_body_that_stops_coming_is_answered_408() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    caller
        .send_bytes(&chat("content-length: 500\r\n", "{\"model\""))
        .await
        .unwrap();
    let closed = caller.closed(Duration::from_secs(45)).await;
    assert_eq!(statuses(&closed), [408]);
    assert!(String::from_utf8_lossy(&closed).contains("body_timeout"));
    unharmed(&gateway).await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    let requests = [
        Request::chat(KEY, "fast"),
        Request::stream(KEY, "fast"),
        Request::chat(KEY, "nowhere"),
        Request::chat("nobodys", "fast"),
        Request::chat(KEY, "fast"),
    ];
    let bytes: Vec<u8> = requests.iter().flat_map(Request::bytes).collect();
    caller.send_bytes(&bytes).await.unwrap();
    let mut seen = Vec::new();
    for _ in &requests {
        seen.push(caller.answer().await.status);
    }
    assert_eq!(seen, [200, 200, 404, 401, 200]);
    // Garbage behind a good request does not spoil it.
    let mut caller = gateway.connect().await;
    let bytes = [
        &Request::chat(KEY, "fast").bytes()[..],
        b"\0\0garbage\r\n\r\n",
    ]
    .concat();
    caller.send_bytes(&bytes).await.unwrap();
    assert_eq!(said(&caller.answer().await), "hello");
    assert!(matches!(
        statuses(&caller.closed(SOON).await)[..],
        [] | [400]
    ));
    unharmed(&gateway).await;
}

/// What a body is answered with.
async fn body_is(gateway: &Gateway, body: impl Into<Vec<u8>>) -> (u16, String) {
    let request = Request::post("/v1/chat/completions", KEY, body);
    let answer = gateway.ask(&request).await;
    let code = if answer.status == 200 {
        String::new()
    } else {
        answer.code()
    };
    (answer.status, code)
}

#[tokio::test]
async fn bodies_that_make_no_sense_are_refused() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    let deep = |open: &str, close: &str| {
        let (open, close) = (open.repeat(100_000), close.repeat(100_000));
        format!("{{\"model\":\"fast\",\"x\":{open}1{close}}}")
    };
    for (body, code) in [
        (deep("[", "]").into_bytes(), "body_too_deep"),
        (deep("{\"a\":", "}").into_bytes(), "body_too_deep"),
        ("[".repeat(1_000_000).into_bytes(), "body_too_deep"),
        (b"{\"model\":\"fast\xff\"}".to_vec(), "invalid_utf8"),
        (b"\xff\xfe{\0}\0".to_vec(), "invalid_utf8"),
        (b"{\"model\":\"fast\"".to_vec(), "invalid_json"),
        (b"{\"model\":\"fast\"} x".to_vec(), "invalid_json"),
        (b"{\"model\":\"\\ud800\"}".to_vec(), "invalid_type"),
        (b"model=fast".to_vec(), "invalid_json"),
        (b"".to_vec(), "invalid_json"),
        (b"\0".to_vec(), "invalid_json"),
        (b"[]".to_vec(), "invalid_type"),
        (b"\"fast\"".to_vec(), "invalid_type"),
        (b"null".to_vec(), "invalid_type"),
        (b"{}".to_vec(), "missing_model"),
        (b"{\"model\":1}".to_vec(), "invalid_type"),
        (
            b"{\"model\":\"fast\",\"stream\":\"yes\"}".to_vec(),
            "invalid_type",
        ),
        (
            b"{\"model\":\"fast\",\"model\":\"fast\"}".to_vec(),
            "duplicate_parameter",
        ),
        (
            b"{\"model\":\"fast\",\"mod\\u0065l\":\"other\"}".to_vec(),
            "duplicate_parameter",
        ),
        (
            b"{\"stream\":true,\"model\":\"fast\",\"stream\":false}".to_vec(),
            "duplicate_parameter",
        ),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert_eq!(body_is(&gateway, body).await, (400, code.into()), "{shown}");
    }
    let compressed = Request::chat(KEY, "fast").header("content-encoding", "gzip");
    let answer = gateway.ask(&compressed).await;
    assert_eq!(
        (answer.status, answer.code()),
        (415, "unsupported_content_encoding".into())
    );
    unharmed(&gateway).await;
}

#[tokio::test]
async fn bodies_that_are_too_long_or_too_short_are_refused() {
    let folder = folder_of_mock("hello");
    let gateway = Start::on(folder.path())
        .flag("--max-body-bytes", "1Ki")
        .ready()
        .await;
    let padded = |length: usize| {
        let mut body = body();
        body.push_str(&" ".repeat(length - body.len()));
        body
    };
    assert_eq!(body_is(&gateway, padded(1024)).await, (200, String::new()));
    assert_eq!(
        body_is(&gateway, padded(1025)).await,
        (413, "body_too_large".into())
    );
    // Said beforehand, it need not be sent.
    let mut caller = gateway.connect().await;
    caller
        .send_bytes(&chat("content-length: 5000000000\r\n", ""))
        .await
        .unwrap();
    let answer = caller.answer().await;
    assert_eq!(
        (answer.status, answer.code()),
        (413, "body_too_large".into())
    );
    assert_eq!(caller.closed(SOON).await, b"");
    // In chunks, it is found out.
    let chunk = format!("200\r\n{}\r\n", " ".repeat(0x200));
    let mut caller = gateway.connect().await;
    let endless = chat("transfer-encoding: chunked\r\n", &chunk.repeat(3));
    caller.send_bytes(&endless).await.unwrap();
    let answer = caller.answer().await;
    assert_eq!(
        (answer.status, answer.code()),
        (413, "body_too_large".into())
    );
    // Too short: the caller has nothing more to say.
    for (lines, body) in [
        ("content-length: 100\r\n", "{\"model\""),
        ("transfer-encoding: chunked\r\n", "5\r\n{\"mo"),
        ("transfer-encoding: chunked\r\n", "5\r\n{\"mod\r\n"),
    ] {
        let mut caller = gateway.connect().await;
        caller.send_bytes(&chat(lines, body)).await.unwrap();
        caller.finish_sending().await;
        let seen = statuses(&caller.closed(SOON).await);
        assert!(matches!(seen[..], [] | [400]), "{seen:?}");
    }
    unharmed(&gateway).await;
}

#[tokio::test]
async fn noise_is_no_trouble() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    // A generator of its own, so that every run makes the same noise.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = |length: usize| -> Vec<u8> {
        (0..length)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            })
            .collect()
    };
    let mut kept: Vec<Caller> = Vec::new();
    for round in 0..100 {
        let mut caller = gateway.connect().await;
        let _ = caller.send_bytes(&noise(1 + round * 37)).await;
        if round % 3 == 0 {
            caller.reset();
        } else {
            kept.push(caller);
        }
    }
    // Good requests with one byte changed: any answer will do, if it is one.
    let good = Request::chat(KEY, "fast").bytes();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= noise(1)[0] | 1;
        let mut caller = gateway.connect().await;
        let _ = caller.send_bytes(&bad).await;
        caller.finish_sending().await;
        let seen = statuses(&caller.closed(SOON).await);
        // With another length, the rest of the body is a request of its own, and no good one.
        assert!(
            seen.len() <= 2,
            "{seen:?} to {}",
            String::from_utf8_lossy(&bad)
        );
        assert!(
            seen.iter().all(|status| *status < 500 || *status == 505),
            "{seen:?}"
        );
    }
    gateway.assert_serves(KEY, "fast").await;
}
