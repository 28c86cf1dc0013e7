//! Callers that mean harm: what they send is refused or cut off, reaches no handler, and the server
//! serves on.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use weir_gateway::wire::{ServerConfig, ServerHandle};

use crate::support::{Caller, config, full, serve};

/// A server that counts what reaches its handler and reads every body to its end.
fn counting(config: ServerConfig) -> (ServerHandle, Arc<AtomicUsize>) {
    let handled = Arc::new(AtomicUsize::new(0));
    let count = handled.clone();
    let server = serve(config, move |mut request| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            match request.body.collect(1 << 20).await {
                Ok(_) => full("served"),
                Err(error) => full(format!("{error:?}")),
            }
        }
    });
    (server, handled)
}

async fn serves_on(server: &ServerHandle) {
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    caller.read_to("served").await;
}

#[tokio::test]
async fn heads_that_are_not_clearly_one_request_are_refused() {
    let (server, handled) = counting(config());
    let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    let framings = [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding:\u{b}chunked\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding: chunked\r\n folded\r\n",
        "content-length: 5\r\ncontent-length: 5\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: 5, 5\r\n",
        "content-length: +5\r\n",
        "content-length : 5\r\n",
        "content-length: 5\n",
        "x: a\0b\r\n",
        "x: a\rb\r\n",
        " x: y\r\n",
        "x\r\n",
        "host: b\r\n",
    ];
    for framing in framings {
        let mut caller = Caller::connect(server.local_addr()).await;
        caller
            .send(format!(
                "POST / HTTP/1.1\r\nhost: a\r\n{framing}\r\n{smuggled}"
            ))
            .await;
        let answer = caller.rest().await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{framing:?}: {answer:?}"
        );
        assert_eq!(
            answer.matches("HTTP/1.1").count(),
            1,
            "{framing:?}: {answer:?}"
        );
        assert!(
            answer.contains("\r\nconnection: close\r\n"),
            "{framing:?}: {answer:?}"
        );
    }
    for start in [
        "POST / HTTP/3.0\r\nhost: a\r\n\r\n",
        "POST / HTTP/1.1\r\n\r\n",
        "POST  / HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST / HTTP/1.1 \r\nhost: a\r\n\r\n",
        "POST /\r\n\r\n",
        "\r\n\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
        "PRI * HTTP/2.0\r\nhost: a\r\n\r\n",
    ] {
        let mut caller = Caller::connect(server.local_addr()).await;
        let answer = caller.send(start).await.rest().await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{start:?}: {answer:?}"
        );
    }
    assert_eq!(handled.load(Ordering::SeqCst), 0);
    serves_on(&server).await;
}

#[tokio::test]
async fn bodies_in_bad_chunks_end_the_connection() {
    let (server, _) = counting(config());
    let endless_extension = format!("5;{}", "a".repeat(8_000));
    let endless_trailer = format!("0\r\n{}", "x: y\r\n".repeat(8_000));
    let many_extensions = "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n".repeat(1_000);
    for body in [
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "-1\r\n",
        "fffffffffffffffff\r\n",
        "5 x\r\nhello\r\n0\r\n\r\n",
        "\r\n",
        &endless_extension,
        &endless_trailer,
        &many_extensions,
    ] {
        let mut caller = Caller::connect(server.local_addr()).await;
        caller
            .send(format!(
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{body}"
            ))
            .await;
        let answer = caller.rest().await.unwrap();
        assert!(
            answer.ends_with("connection: close\r\n\r\nMalformed"),
            "{answer:?}"
        );
    }
    serves_on(&server).await;
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let (server, handled) = counting(ServerConfig {
        max_head_bytes: 8_000,
        ..config()
    });
    let many = format!(
        "GET / HTTP/1.1\r\nhost: a\r\n{}\r\n",
        "a: b\r\n".repeat(200)
    );
    let large = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "y".repeat(9_000)
    );
    let endless = format!("GET /{}", "y".repeat(9_000));
    for head in [many, large, endless] {
        let mut caller = Caller::connect(server.local_addr()).await;
        let answer = caller.send(head).await.rest().await.unwrap();
        let status = "HTTP/1.1 431 Request Header Fields Too Large\r\n";
        assert!(answer.starts_with(status), "{answer:?}");
    }
    assert_eq!(handled.load(Ordering::SeqCst), 0);
    serves_on(&server).await;
}

#[tokio::test]
async fn a_head_that_dribbles_is_cut_off_and_an_idle_connection_is_not() {
    let config = ServerConfig {
        header_timeout: Duration::from_millis(300),
        ..config()
    };
    let (server, _) = counting(config);
    let mut idle = Caller::connect(server.local_addr()).await;
    let mut slow = Caller::connect(server.local_addr()).await;
    let start = Instant::now();
    slow.send("GET / HTTP/1.1\r\n").await;
    let dribble = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            if tokio::io::AsyncWriteExt::write_all(&mut slow.tcp, b"x: y\r\n")
                .await
                .is_err()
            {
                return;
            }
        }
    };
    crate::support::soon(dribble).await;
    // It was cut off in time, and not before its time.
    assert!(
        start.elapsed() >= Duration::from_millis(300),
        "{:?}",
        start.elapsed()
    );
    idle.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    idle.read_to("served").await;
    let mut silent = Caller::connect(server.local_addr()).await;
    let answer = silent.send("GET / HTT").await.rest().await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_connection_that_idles_too_long_is_closed_without_a_word() {
    let (server, _) = counting(ServerConfig {
        idle_timeout: Duration::from_millis(100),
        ..config()
    });
    let mut caller = Caller::connect(server.local_addr()).await;
    assert_eq!(caller.rest().await.unwrap(), "");
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    caller.read_to("served").await;
    assert_eq!(caller.rest().await.unwrap(), "");
}

#[tokio::test]
async fn more_connections_than_are_taken_are_refused() {
    let (server, _) = counting(ServerConfig {
        max_connections: 2,
        ..config()
    });
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut caller = Caller::connect(server.local_addr()).await;
        caller.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        caller.read_to("served").await;
        held.push(caller);
    }
    let mut third = Caller::connect(server.local_addr()).await;
    let answer = third.rest().await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
        "{answer:?}"
    );
    held[1].send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    held[1].read_to("served").await;
}

#[tokio::test]
async fn a_flood_of_connections_beyond_the_bound_is_not_held() {
    let (server, handled) = counting(ServerConfig {
        max_connections: 0,
        ..config()
    });
    let mut flood = Vec::new();
    for _ in 0..600 {
        flood.push(Caller::connect(server.local_addr()).await);
    }
    // Sooner than those that are told so are closed.
    let soon = Duration::from_millis(700);
    let closed = crate::support::until(|| server.connections() <= 256);
    assert!(
        tokio::time::timeout(soon, closed).await.is_ok(),
        "{}",
        server.connections()
    );
    assert_eq!(handled.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn connect_is_refused() {
    let (server, handled) = counting(config());
    let mut caller = Caller::connect(server.local_addr()).await;
    caller
        .send("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n")
        .await;
    let answer = caller.rest().await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"),
        "{answer:?}"
    );
    assert_eq!(handled.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_that_dribbles_is_given_up() {
    let (server, _) = counting(ServerConfig {
        body_idle: Duration::from_millis(300),
        ..config()
    });
    for framing in ["content-length: 100000", "transfer-encoding: chunked"] {
        let mut caller = Caller::connect(server.local_addr()).await;
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\n{framing}\r\n\r\n");
        caller.send(head).await;
        let (mut read, mut write) = caller.tcp.split();
        let dribble = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(60));
            loop {
                ticks.tick().await;
                let _ = tokio::io::AsyncWriteExt::write_all(&mut write, b"1\r\nx\r\n").await;
            }
        };
        let mut answer = Vec::new();
        let reading = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut answer);
        let reading = crate::support::soon(reading);
        tokio::select! {
            _ = dribble => {}
            _ = reading => {}
        }
        assert!(answer.ends_with(b"TimedOut"), "{}", answer.escape_ascii());
    }
}

#[tokio::test]
async fn a_body_that_is_slow_but_comes_is_taken() {
    let (server, _) = counting(ServerConfig {
        body_idle: Duration::from_millis(300),
        ..config()
    });
    let mut caller = Caller::connect(server.local_addr()).await;
    caller
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 20000\r\n\r\n")
        .await;
    for _ in 0..20 {
        caller.send([b'x'; 1000]).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    caller.read_to("served").await;
}

#[tokio::test]
async fn a_handler_that_panics_takes_its_own_request_down_and_no_other() {
    let server = serve(config(), |request| async move {
        assert_eq!(request.head.uri.path(), "/good", "a panic that is meant");
        full("served")
    });
    let mut bystander = Caller::connect(server.local_addr()).await;
    bystander
        .send("GET /good HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    bystander.read_to("served").await;
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send("GET /bad HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(caller.rest().await.unwrap(), "");
    bystander
        .send("GET /good HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    bystander.read_to("served").await;
    crate::support::until(|| (server.connections(), server.requests()) == (1, 0)).await;
}
