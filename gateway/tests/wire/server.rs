//! HTTP/1.1 with a caller, where all goes well, and where the caller leaves.
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use tokio::sync::{Mutex, mpsc};
use weir_gateway::wire::{Abort, Request, Response, ServerConfig};

use crate::support::{Caller, Feeder, config, fed, full, serve, soon, undated, until};

const GET: &str = "GET /a HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn a_connection_carries_one_request_after_another() {
    let server = serve(config(), |request| async move {
        full(request.head.uri.to_string())
    });
    let mut caller = Caller::connect(server.local_addr()).await;
    for path in ["/a", "http://b/c?d"] {
        caller
            .send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        let answer = caller.read_to(path).await;
        let length = path.len();
        assert_eq!(
            undated(&answer),
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{path}")
        );
    }
    until(|| (server.connections(), server.requests()) == (1, 0)).await;
}

#[tokio::test]
async fn requests_that_are_sent_ahead_are_answered_in_order() {
    let server = serve(config(), |mut request| async move {
        let body = request.body.collect(100).await.unwrap();
        full(format!(
            "{} {}",
            request.head.uri,
            String::from_utf8_lossy(&body)
        ))
    });
    let mut caller = Caller::connect(server.local_addr()).await;
    caller
        .send(
            "POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab\
             POST /2 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n\
             GET /3 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        )
        .await;
    let answers = undated(&caller.rest().await.unwrap());
    assert_eq!(
        answers,
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n/1 ab\
         HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n/2 c\
         HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\n/3 "
    );
}

#[tokio::test]
async fn an_answer_has_the_form_that_its_request_can_take() {
    let server = serve(config(), |request| async move {
        let (pulled, feeder) = fed(None);
        feeder.chunk("ab");
        feeder.chunk("c");
        match request.head.uri.path() {
            "/full" => full("abc"),
            "/none" => Response {
                status: StatusCode::NO_CONTENT,
                ..full("abc")
            },
            _ => pulled,
        }
    });
    let cases = [
        (
            "HEAD /full HTTP/1.1\r\nhost: a\r\nconnection: close",
            "content-length: 3\r\nconnection: close\r\n\r\n",
        ),
        (
            "GET /none HTTP/1.1\r\nhost: a\r\nconnection: close",
            "connection: close\r\n\r\n",
        ),
        (
            "GET /full HTTP/1.0",
            "content-length: 3\r\nconnection: close\r\n\r\nabc",
        ),
        (
            "GET /pull HTTP/1.0\r\nconnection: keep-alive",
            "connection: close\r\n\r\nabc",
        ),
        (
            "GET /pull HTTP/1.1\r\nhost: a\r\nconnection: close",
            "transfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        ),
        (
            "HEAD /pull HTTP/1.1\r\nhost: a\r\nconnection: close",
            "transfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        ),
    ];
    for (head, expected) in cases {
        let mut caller = Caller::connect(server.local_addr()).await;
        let answer = caller
            .send(format!("{head}\r\n\r\n"))
            .await
            .rest()
            .await
            .unwrap();
        let (status, rest) = answer.split_once("\r\n").unwrap();
        let wanted = if head.contains("/none") {
            "HTTP/1.1 204 No Content"
        } else {
            "HTTP/1.1 200 OK"
        };
        assert_eq!(
            (status, undated(rest).as_str()),
            (wanted, expected),
            "{head}"
        );
    }
}

#[tokio::test]
async fn http_1_0_keeps_a_connection_where_it_asks_to() {
    let server = serve(config(), |_| async { full("abc") });
    let mut caller = Caller::connect(server.local_addr()).await;
    for _ in 0..2 {
        caller
            .send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
            .await;
        assert_eq!(
            undated(&caller.read_to("abc").await),
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\nabc"
        );
    }
}

#[tokio::test]
async fn headers_pass_but_not_those_that_frame_the_message() {
    let server = serve(config(), |_| async {
        let mut response = full("abc");
        for (name, value) in [("x-a", "1"), ("content-length", "7"), ("connection", "x-a")] {
            response
                .headers
                .append(name, HeaderValue::from_static(value));
        }
        response
            .headers
            .append("x-a", HeaderValue::from_static("2"));
        response
    });
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(GET).await;
    assert_eq!(
        undated(&caller.read_to("abc").await),
        "HTTP/1.1 200 OK\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 3\r\n\r\nabc"
    );
}

/// A server whose answers are fed by the test, one after another.
fn feeding(
    config: ServerConfig,
    length: Option<u64>,
) -> (
    weir_gateway::wire::ServerHandle,
    mpsc::UnboundedReceiver<Feeder>,
) {
    let (feeders, fed_by) = mpsc::unbounded_channel();
    let server = serve(config, move |_| {
        let feeders = feeders.clone();
        async move {
            let (response, feeder) = fed(length);
            feeders.send(feeder).unwrap();
            response
        }
    });
    (server, fed_by)
}

#[tokio::test]
async fn each_chunk_arrives_before_the_next_is_made() {
    let (server, mut feeders) = feeding(config(), None);
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(GET).await;
    assert_eq!(caller.status().await, "HTTP/1.1 200 OK");
    let feeder = soon(feeders.recv()).await.unwrap();
    for text in ["one", "two", "three"] {
        feeder.chunk(text);
        assert_eq!(
            caller.read_to(&format!("{text}\r\n")).await,
            format!("{:x}\r\n{text}\r\n", text.len())
        );
    }
    let large = "x".repeat(100_000);
    feeder.chunk(&large);
    assert_eq!(
        caller.read_to("x\r\n").await,
        format!("186a0\r\n{large}\r\n")
    );
    drop(feeder);
    assert_eq!(caller.read_to("0\r\n\r\n").await, "0\r\n\r\n");
}

#[tokio::test]
async fn a_body_of_known_length_has_to_keep_to_it() {
    for (chunks, body, complete) in [
        (["abc", "de"], "abcde", true),
        (["abc", ""], "abc", false),
        (["abc", "def"], "abc", false),
    ] {
        let (server, mut feeders) = feeding(config(), Some(5));
        let mut caller = Caller::connect(server.local_addr()).await;
        caller
            .send("GET /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .await;
        let feeder = soon(feeders.recv()).await.unwrap();
        for chunk in chunks {
            feeder.chunk(chunk);
        }
        drop(feeder);
        let answer = caller.rest().await.unwrap();
        let (head, rest) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-length: 5"), "{head}");
        assert_eq!((rest, rest.len() == 5), (body, complete));
    }
}

#[tokio::test]
async fn an_aborted_answer_is_not_taken_for_whole() {
    let (server, mut feeders) = feeding(config(), None);
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(GET).await;
    let feeder = soon(feeders.recv()).await.unwrap();
    feeder.chunk("abc");
    feeder.feed.send(Err(Abort)).unwrap();
    let answer = caller.rest().await.unwrap();
    assert!(answer.ends_with("\r\n\r\n3\r\nabc\r\n"), "{answer:?}");

    let mut old = Caller::connect(server.local_addr()).await;
    old.send("GET / HTTP/1.0\r\n\r\n").await;
    let feeder = soon(feeders.recv()).await.unwrap();
    feeder.chunk("abc");
    old.read_to("abc").await;
    feeder.feed.send(Err(Abort)).unwrap();
    let end = old.rest().await.map_err(|error| error.kind());
    assert_eq!(end, Err(std::io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_caller_that_leaves_takes_the_answer_with_it() {
    let (server, mut feeders) = feeding(config(), None);
    // Before the first byte of the body, and between two.
    for before in [&[][..], &["one"]] {
        let mut caller = Caller::connect(server.local_addr()).await;
        caller.send(GET).await;
        caller.status().await;
        let mut feeder = soon(feeders.recv()).await.unwrap();
        for text in before {
            feeder.chunk(text);
            caller.read_to(&format!("{text}\r\n")).await;
        }
        drop(caller);
        feeder.dropped().await;
    }
}

#[tokio::test]
async fn a_caller_that_leaves_takes_the_handler_with_it() {
    let (alive, mut gone) = mpsc::channel::<()>(1);
    let (started, mut starts) = mpsc::unbounded_channel();
    let alive = Arc::new(Mutex::new(Some(alive)));
    let server = serve(config(), move |_| {
        let (alive, started) = (alive.clone(), started.clone());
        async move {
            let _held = alive.lock().await.take();
            started.send(()).unwrap();
            std::future::pending().await
        }
    });
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(GET).await;
    soon(starts.recv()).await.unwrap();
    assert_eq!(server.requests(), 1);
    drop(caller);
    let dropped = tokio::time::timeout(Duration::from_secs(1), gone.recv()).await;
    assert_eq!(dropped, Ok(None));
}

#[tokio::test]
async fn a_caller_that_takes_nothing_is_left_after_a_while() {
    let config = ServerConfig {
        write_idle: Duration::from_millis(200),
        ..config()
    };
    let (server, mut feeders) = feeding(config, None);
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(GET).await;
    let mut feeder = soon(feeders.recv()).await.unwrap();
    for _ in 0..64 {
        feeder
            .feed
            .send(Ok(Bytes::from(vec![b'x'; 1 << 20])))
            .unwrap();
    }
    feeder.dropped().await;
}

#[tokio::test]
async fn connections_are_dealt_out_to_all_workers() {
    let server = serve(
        ServerConfig {
            workers: 3,
            ..config()
        },
        |_| async { full(std::thread::current().name().unwrap_or_default().to_owned()) },
    );
    let mut callers = Vec::new();
    let mut workers = std::collections::BTreeSet::new();
    for _ in 0..6 {
        let mut caller = Caller::connect(server.local_addr()).await;
        caller.send(GET).await;
        caller.status().await;
        workers.insert(caller.read_to("weir-worker-").await + &caller.read_to_one().await);
        callers.push(caller);
    }
    assert_eq!(
        workers.into_iter().collect::<Vec<_>>(),
        ["weir-worker-0", "weir-worker-1", "weir-worker-2"]
    );
}

#[tokio::test]
async fn an_upgrade_is_an_ordinary_request_that_says_so() {
    let server = serve(config(), |mut request: Request| async move {
        let head = &request.head;
        let named = |name: &str| head.headers[name].to_str().unwrap().to_owned();
        let asked = ["connection", "upgrade"].map(named).join(", ");
        let line = format!("{} {} {asked}", head.method, head.uri);
        let body = request.body.collect(10).await.unwrap();
        full(format!("{line} {}", body.len()))
    });
    let mut caller = Caller::connect(server.local_addr()).await;
    // Whoever asks for one speaks plain HTTP until it is told to do otherwise.
    for (path, upgrade) in [("/v1/realtime?model=m", "websocket"), ("/any", "h2c")] {
        caller
            .send(format!(
                "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: {upgrade}\r\n\
                 sec-websocket-version: 13\r\nsec-websocket-key: x\r\n\r\n"
            ))
            .await;
        let expected = format!("GET {path} Upgrade, {upgrade} 0");
        let answer = caller.read_to(&expected).await;
        assert_eq!(
            undated(&answer),
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{expected}",
                expected.len()
            )
        );
    }
}
