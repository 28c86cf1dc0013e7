//! Bodies of requests: whole, in pieces, in chunks, and those that break off.
use std::time::Duration;

use bytes::BytesMut;
use weir_gateway::wire::{Request, Response, ServerConfig};

use crate::support::{Caller, config, full, serve, undated};

/// Pulls piece by piece.
async fn pieces(mut request: Request) -> Response {
    let declared = request.body.declared_length();
    let mut all = BytesMut::new();
    let mut end = "end".to_owned();
    while let Some(piece) = request.body.next().await {
        match piece {
            Ok(piece) => all.extend_from_slice(&piece),
            Err(error) => end = error.to_string(),
        }
    }
    full(format!(
        "{declared:?} {} {end}",
        String::from_utf8_lossy(&all)
    ))
}

/// Takes the whole, up to 10 bytes.
async fn at_once(mut request: Request) -> Response {
    match request.body.collect(10).await {
        Ok(all) => full(all),
        Err(error) => full(error.to_string()),
    }
}

async fn answer(caller: &mut Caller) -> String {
    let answer = caller.rest().await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

const CHUNKED: &str =
    "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
const LENGTH: &str =
    "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 10\r\n\r\n";

#[tokio::test]
async fn a_body_is_the_same_in_one_piece_and_in_many() {
    let server = serve(config(), pieces);
    let chunked = format!("{CHUNKED}3\r\nabc\r\n7;x=y\r\ndefghij\r\n0\r\nx: y\r\n\r\n");
    for (request, expected) in [
        (format!("{LENGTH}abcdefghij"), "Some(10) abcdefghij end"),
        (chunked, "None abcdefghij end"),
    ] {
        let mut caller = Caller::connect(server.local_addr()).await;
        assert_eq!(answer(caller.send(&request).await).await, expected);
        let mut caller = Caller::connect(server.local_addr()).await;
        for byte in request.as_bytes() {
            caller.send([*byte]).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(answer(&mut caller).await, expected);
    }
}

#[tokio::test]
async fn a_large_body_is_collected_whole() {
    let server = serve(config(), |mut request: Request| async move {
        full(request.body.collect(1 << 20).await.unwrap())
    });
    let body: String = ('a'..='z').cycle().take(300_000).collect();
    let plain = format!(
        "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 300000\r\n\r\n{body}"
    );
    let chunked = format!("{CHUNKED}493e0\r\n{body}\r\n0\r\n\r\n");
    for request in [plain, chunked] {
        let mut caller = Caller::connect(server.local_addr()).await;
        assert!(answer(caller.send(request).await).await == body);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_the_answer_arrives() {
    let server = serve(config(), at_once);
    let long = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 300000\r\n\r\n";
    let body = "x".repeat(300_000);
    let in_chunks = CHUNKED.replace("connection: close\r\n", "");
    for request in [
        format!("{long}{body}"),
        format!("{in_chunks}493e0\r\n{body}\r\n0\r\n\r\n"),
    ] {
        let mut caller = Caller::connect(server.local_addr()).await;
        caller.send(request).await;
        assert_eq!(
            undated(&caller.rest().await.unwrap()),
            "HTTP/1.1 200 OK\r\ncontent-length: 29\r\nconnection: close\r\n\r\nthe request body is too large"
        );
    }
}

#[tokio::test]
async fn what_breaks_off_is_an_error() {
    let config = ServerConfig {
        body_idle: Duration::from_millis(100),
        ..config()
    };
    let server = serve(config, pieces);
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(format!("{LENGTH}abc")).await;
    assert_eq!(
        answer(&mut caller).await,
        "Some(10) abc the request body stopped coming"
    );

    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(format!("{CHUNKED}3\r\nabcX")).await;
    assert_eq!(
        answer(&mut caller).await,
        "None abc the request body is not framed as HTTP asks"
    );
}

#[tokio::test]
async fn a_caller_that_shuts_its_side_early_has_sent_too_little() {
    use tokio::io::AsyncWriteExt as _;
    let server = serve(config(), pieces);
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(format!("{LENGTH}abc")).await;
    caller.tcp.shutdown().await.unwrap();
    assert_eq!(
        answer(&mut caller).await,
        "Some(10) abc the request body ended early"
    );
}

#[tokio::test]
async fn a_caller_that_asks_first_is_told_to_go_on_when_the_body_is_wanted() {
    let server = serve(config(), |request: Request| async move {
        if request.head.uri.path() == "/no" {
            full("no")
        } else {
            at_once(request).await
        }
    });
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n"
        )
    };
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(head("/yes")).await;
    assert_eq!(
        caller.read_to("\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    caller.send("abc").await;
    assert_eq!(caller.status().await, "HTTP/1.1 200 OK");
    assert_eq!(caller.read_to("abc").await, "abc");

    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(head("/no")).await;
    assert_eq!(
        undated(&caller.rest().await.unwrap()),
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"
    );
}

#[tokio::test]
async fn a_body_that_nobody_reads_does_not_become_the_next_request() {
    let server = serve(config(), |request: Request| async move {
        full(request.head.uri.to_string())
    });
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut caller = Caller::connect(server.local_addr()).await;
    caller
        .send(format!(
            "POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{smuggled}\
             POST /2 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{smuggled}\r\n0\r\n\r\n\
             GET /3 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            smuggled.len(),
            smuggled.len()
        ))
        .await;
    let answers = caller.rest().await.unwrap();
    let bodies: Vec<&str> = answers
        .lines()
        .filter(|line| line.starts_with('/'))
        .collect();
    assert_eq!(bodies, ["/1HTTP/1.1 200 OK", "/2HTTP/1.1 200 OK", "/3"]);
}
