//! Secrets and bodies stay where they belong: not in a log, not in an error, not in a metric.

use std::sync::Arc;

use serde_json::json;
use weir_tests::gateway::Start;
use weir_tests::modern::{Client, Server, Speaks};
use weir_tests::upstream::{DONE, answer, chunk, completion, event};
use weir_tests::wait::eventually;
use weir_tests::{Folder, Gateway, Key, Provider, Request, Route, Upstream, secret};

use crate::common::{CREDENTIAL, KEY, basics, folder_to};

const ASKED: &str = "canary-in-what-is-asked";
const SAID: &str = "canary-in-what-is-said";
const OLD: &str = "canary-of-an-expired-key-0123456789-0123456789";
const UNKNOWN: &str = "canary-of-an-unknown-key-0123456789-0123456789";
const SHORT: &str = "canary-too-short";
const LINE: &str = "canary-with-a-line-break-0123456789-0123456789";
const FROM_ENV: &str = "canary-from-the-environment-0123456789";
const TORN: &str = "canary-in-a-torn-file-0123456789-0123456789";

/// Asserts that no canary is in a text.
fn assert_clean(place: &str, text: &str) {
    for canary in [
        KEY, CREDENTIAL, ASKED, SAID, OLD, UNKNOWN, SHORT, LINE, FROM_ENV, TORN,
    ] {
        for form in [canary.to_owned(), base64(canary)] {
            let found = text.lines().find(|line| line.contains(&form));
            assert_eq!(found, None, "{canary} is in {place}");
        }
    }
}

/// RFC 4648 §4, without the end, which depends on the length.
fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    text.as_bytes()
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|[a, b, c]| {
            let bits = u32::from_be_bytes([0, *a, *b, *c]);
            [18, 12, 6, 0].map(|shift| char::from(LETTERS[(bits >> shift) as usize & 63]))
        })
        .collect()
}

fn asked(stream: bool) -> Vec<u8> {
    json!({"model": "fast", "stream": stream, "messages": [{"role": "user", "content": ASKED}]})
        .to_string()
        .into_bytes()
}

/// A provider that does all sorts of things, told by a header.
async fn provider() -> Upstream {
    Upstream::replying(|seen| {
        let fails =
            format!(r#"{{"error":{{"message":"{SAID}","type":"t","param":null,"code":"c"}}}}"#);
        match seen.header("x-do") {
            Some("fail") => answer(500, &[], &fails),
            Some("reject") => answer(400, &[], &fails),
            Some("break") => b"HTTP/1.1 200 OK\r\nbro\r\n\r\n".to_vec(),
            Some("stream") => weir_tests::upstream::stream(&[event(SAID), DONE.into()]),
            _ => answer(200, &[], &completion(SAID)),
        }
    })
    .await
}

#[tokio::test]
async fn no_secret_and_no_body_is_in_a_log_a_metric_or_a_refusal() {
    let upstream = provider().await;
    let modern = Server::start(Speaks::Http2).await;
    let folder = folder_to(upstream.address);
    folder.write_all(
        "more.yaml",
        &[
            &Key::named("old", OLD).until("2020-01-01T00:00:00Z"),
            &Key::named("short", SHORT),
            &Key::named("line", &format!("{LINE}\n")),
            &Key::named("doubled", KEY),
            &secret("from-env", "${CANARY}"),
            &Provider::at("modern", modern.address)
                .with("/spec/httpVersion", "HTTP2".into())
                .credential("from-env"),
            &Route::named("modern").models(&["modern"]).to("modern"),
            &Provider::at("gone", "127.0.0.1:1").credential("from-env"),
            &Route::named("gone").models(&["gone"]).to("gone"),
        ],
    );
    folder.write(
        "torn.yaml",
        &format!("kind: Secret\nstringData: {{key: \"{TORN}\n"),
    );
    let gateway = Start::on(folder.path())
        .flag("--log", "trace")
        .flag("--state", folder.file("..state"))
        .env("CANARY", FROM_ENV)
        .ready()
        .await;

    let post = |key: &str, body: Vec<u8>| Request::post("/v1/chat/completions", key, body);
    for (request, status) in [
        (post(KEY, asked(false)), 200),
        (post(KEY, asked(true)).header("x-do", "stream"), 200),
        (post(KEY, asked(false)).header("x-do", "fail"), 500),
        (post(KEY, asked(false)).header("x-do", "reject"), 400),
        (post(KEY, asked(false)).header("x-do", "break"), 502),
        (post(OLD, asked(false)), 401),
        (post(UNKNOWN, asked(false)), 401),
        (post(SHORT, asked(false)), 401),
        (post(LINE, asked(false)), 401),
        (
            post(
                KEY,
                format!("{{\"model\":\"gone\",\"x\":\"{ASKED}\"}}").into_bytes(),
            ),
            502,
        ),
        (post(KEY, format!("{{\"{ASKED}\"").into_bytes()), 400),
        (
            post(KEY, format!("{{\"model\":[\"{ASKED}\"]}}").into_bytes()),
            400,
        ),
        (post(KEY, [ASKED.as_bytes(), b"\xff"].concat()), 400),
        (Request::get(&format!("/v1/{UNKNOWN}")).key(KEY), 404),
    ] {
        let answer = gateway.ask(&request).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        if status != 200 && request.headers.iter().all(|(name, _)| name != "x-do") {
            assert_clean("a refusal", &answer.text());
        }
    }
    let mut client = Client::h2c(gateway.listen).await;
    let body = String::from_utf8(asked(true))
        .unwrap()
        .replace("fast", "modern");
    let (status, _, _) = client.ask(&post(KEY, body.into())).await;
    assert_eq!(status, 200);
    let mut caller = gateway.connect().await;
    let garbage = format!("POST /v1 HTTP/1.1\r\nauthorization Bearer {KEY}\r\n\r\n");
    caller.send_bytes(garbage.as_bytes()).await.unwrap();
    assert_eq!(caller.answer().await.status, 400);

    // A change, so that the source has something to say too.
    folder.write(
        "more.yaml",
        &folder_text(&folder).replace(SHORT, &format!("{SHORT}!")),
    );
    eventually("fifteen requests are in the access log", async || {
        (gateway.access.lines().len() >= 15).then_some(())
    })
    .await;
    let log = gateway.log.text();
    assert!(log.contains("\"TRACE\""), "nothing was logged at trace");
    assert_clean("the log", &log);
    assert_clean("the access log", &gateway.access.text());
    assert_clean("the metrics", &gateway.metrics().await);
    // Of keys the state folder holds hashes alone.
    let kept = std::fs::read_to_string(folder.file("..state/last-good.json")).unwrap();
    for key in [KEY, OLD, SHORT, LINE, TORN, ASKED, SAID] {
        assert!(!kept.contains(key), "{key} is kept");
    }
}

fn folder_text(folder: &Folder) -> String {
    std::fs::read_to_string(folder.file("more.yaml")).unwrap()
}

#[tokio::test]
async fn a_providers_error_that_echoes_its_key_does_not_pass_it_on() {
    let escaped = CREDENTIAL.replace('-', "\\u002d");
    let echo = |text: &str| {
        format!(
            r#"{{"error":{{"message":"Incorrect API key provided: {text}.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}}}"#
        )
    };
    let replies: Arc<Vec<Vec<u8>>> = Arc::new(vec![
        answer(401, &[], &echo(CREDENTIAL)),
        answer(
            401,
            &[("x-debug-key", CREDENTIAL), ("x-kept", "yes")],
            &echo("none"),
        ),
        answer(
            403,
            &[("x-auth", &format!("Bearer {CREDENTIAL}"))],
            &format!("<html>{CREDENTIAL}</html>"),
        ),
        answer(500, &[], &format!(r#"{{"message":"{CREDENTIAL}"}}"#)),
        answer(400, &[], &format!(r#"{{"detail":"got {CREDENTIAL}"}}"#)),
        answer(200, &[], &completion(CREDENTIAL)),
        answer(401, &[], &echo(&escaped)),
        [
            b"HTTP/1.1 401 No\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
            chunk(&echo(CREDENTIAL)[..60]),
            chunk(&echo(CREDENTIAL)[60..]),
            b"0\r\n\r\n".to_vec(),
        ]
        .concat(),
    ]);
    let count = replies.len();
    let upstream = Upstream::replying(move |seen| {
        let number: usize = seen.header("x-number").unwrap().parse().unwrap();
        replies[number].clone()
    })
    .await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    for number in 0..count {
        let request = Request::chat(KEY, "fast").header("x-number", &number.to_string());
        let answer = gateway.ask(&request).await;
        let whole = format!("{:?} {}", answer.headers, answer.text());
        assert!(!whole.contains(CREDENTIAL), "{number}: {whole}");
        // As JSON's other way to write it, too.
        assert!(
            !answer.json().to_string().contains(CREDENTIAL),
            "{number}: {whole}"
        );
        if number == 1 {
            assert_eq!(answer.header("x-kept"), Some("yes"));
        }
        if number == 0 {
            assert_eq!(answer.text(), echo("[redacted]"));
        }
    }
}

#[tokio::test]
async fn an_error_event_that_echoes_the_key_does_not_pass_it_on() {
    let mut upstream = Upstream::scripted().await;
    let folder = Folder::new();
    folder.write(
        "config.yaml",
        &basics(&Provider::at("openai", upstream.address)),
    );
    let gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    caller.send(&Request::stream(KEY, "fast")).await;
    let mut call = upstream.call().await;
    call.begin_stream().await;
    call.chunk(event("one")).await;
    let echo =
        |key: &str| format!("data: {{\"error\":{{\"message\":\"{key} is over its quota\"}}}}\n\n");
    // In two pieces, the key itself torn.
    let event_text = echo(CREDENTIAL);
    call.chunk(&event_text[..40]).await;
    call.chunk(&event_text[40..]).await;
    call.chunk(DONE).await;
    call.end().await;
    let answer = caller.answer().await;
    assert_eq!(answer.text(), event("one") + &echo("[redacted]") + DONE);
}

#[tokio::test]
async fn an_answer_that_is_no_error_does_not_pass_the_key_on_either() {
    // Around the point where one piece of a long answer ends and the next begins, too.
    let long = |at: usize| {
        let mut text = "x".repeat(300_000);
        text.replace_range(at..at + CREDENTIAL.len(), CREDENTIAL);
        completion(&text)
    };
    let told: [(&str, &str); 2] = [
        ("x-debug-key", CREDENTIAL),
        ("x-auth", &format!("Bearer {CREDENTIAL}")),
    ];
    let streamed = [
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-debug-key: {CREDENTIAL}\r\ntransfer-encoding: chunked\r\n\r\n").into_bytes(),
        chunk("data: {\"choices\":[]}\n\n"),
        chunk("data: [DONE]\n\n"),
        b"0\r\n\r\n".to_vec(),
    ]
    .concat();
    let mut replies = vec![answer(200, &told, &completion("hi")), streamed];
    replies.extend(
        [10, 65_500, 65_536, 100_000, 299_000]
            .into_iter()
            .map(|at| answer(200, &told, &long(at))),
    );
    let count = replies.len();
    let upstream = Upstream::replying(move |seen| {
        let number: usize = seen.header("x-number").unwrap().parse().unwrap();
        replies[number].clone()
    })
    .await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    for number in 0..count {
        let mut caller = gateway.connect().await;
        let request = Request::chat(KEY, "fast").header("x-number", &number.to_string());
        caller.send(&request).await;
        let head = caller.head().await;
        assert_eq!(head.status, 200, "{number}");
        assert!(!format!("{:?}", head.headers).contains(CREDENTIAL));
        let (body, end) = caller.rest_or_broken().await;
        let body = String::from_utf8(body).unwrap();
        assert!(!body.contains(CREDENTIAL), "{number}");
        // What is longer than is read at once breaks off before the key, and never ends as if whole.
        assert_eq!(end.is_ok(), number < 2, "{number}");
    }
}
