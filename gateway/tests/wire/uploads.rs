//! Bodies that stream from a caller through to a provider.
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use weir_gateway::wire::{
    Abort, BodyError, HttpVersion, Pull, Request, RequestPayload, Response, ResponseBody,
    SendErrorKind, ServerConfig, ServerHandle, Target, UpstreamBody, UpstreamError,
    UpstreamRequest,
};

use crate::support::{
    Caller, PATIENCE, Provider, config, full, post, serve, soon, target, undated, until, upstreams,
    whole,
};

/// The answer of a provider, passed on; how it broke off goes behind what came of it.
struct Answer(Option<UpstreamBody>);

impl Pull for Answer {
    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Abort>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let item = std::task::ready!(body.poll_next(cx));
        Poll::Ready(item.map(|item| match item {
            Ok(bytes) => Ok(bytes),
            Err(error) => {
                self.0 = None;
                Ok(format!("{error:?}").into())
            }
        }))
    }
}

/// Reads one piece of the body, and sends it on with all the rest behind it.
async fn relay(mut request: Request, target: Target) -> Response {
    let head = request.body.next().await.unwrap().unwrap();
    let upstream = UpstreamRequest {
        body: RequestPayload::stream(head, request.body),
        resend: true,
        ..post("")
    };
    match upstreams().send(&target, upstream).await {
        Err(error) => full(format!("{:?} {}", error.kind, error.sent)),
        Ok(answer) => Response {
            status: answer.status,
            headers: HeaderMap::new(),
            body: ResponseBody::Pull(Box::pin(Answer(Some(answer.body)))),
        },
    }
}

fn relaying(config: ServerConfig, target: Target) -> ServerHandle {
    serve(config, move |request| relay(request, target.clone()))
}

fn prior_knowledge(address: SocketAddr) -> Target {
    Target {
        http: HttpVersion::Http2,
        ..target(address)
    }
}

const LENGTH: &str = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc";
const CHUNKED: &str =
    "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";

fn head_with(address: SocketAddr, framing: &str) -> String {
    format!("POST /v1/x?y HTTP/1.1\r\nhost: {address}\r\n{framing}\r\n\r\n")
}

#[tokio::test]
async fn each_piece_arrives_before_the_next_is_sent() {
    let (provider, address) = Provider::listen().await;
    let server = relaying(config(), target(address));
    for (request, framing, pieces) in [
        (
            LENGTH,
            "content-length: 6",
            &[("abc", ""), ("d", "d"), ("ef", "ef")][..],
        ),
        (
            CHUNKED,
            "transfer-encoding: chunked",
            &[
                ("3\r\nabc\r\n", ""),
                ("3\r\ndef\r\n", "3;x=y\r\ndef\r\n"),
                ("0\r\n\r\n", "0\r\nx: y\r\n\r\n"),
            ],
        ),
    ] {
        let mut caller = Caller::connect(server.local_addr()).await;
        // The connection is used again, on both sides.
        for _ in 0..2 {
            caller.send(request).await;
            let mut upstream = provider.accept().await;
            assert_eq!(
                upstream.read_to("\r\n\r\n").await,
                head_with(address, framing)
            );
            for (arrives, sent) in pieces {
                caller.send(sent).await;
                assert_eq!(&upstream.read_to(arrives).await, arrives);
            }
            upstream
                .send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .await;
            assert_eq!(caller.status().await, "HTTP/1.1 200 OK");
            assert_eq!(caller.read_to("0\r\n\r\n").await, "2\r\nok\r\n0\r\n\r\n");
        }
    }
}

#[tokio::test]
async fn a_large_body_arrives_whole_however_it_is_framed() {
    let provider = serve(config(), |mut request: Request| async move {
        let declared = request.body.declared_length();
        let (mut length, mut sum) = (0, 0);
        while let Some(piece) = request.body.next().await {
            for byte in piece.unwrap() {
                length += 1;
                sum = (sum * 31 + usize::from(byte)) % 1_000_003;
            }
        }
        full(format!("{declared:?} {length} {sum}"))
    });
    let body: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let sum = body
        .iter()
        .fold(0, |sum, byte| (sum * 31 + usize::from(*byte)) % 1_000_003);
    let declared = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3000000\r\n\r\n";
    let declared = [declared.as_bytes(), &body].concat();
    let mut chunked = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let mut rest = &body[..];
    for size in [1, 100_000, 17, 9_000, 16_384, 2_000_000, 874_598] {
        let (chunk, after) = rest.split_at(size);
        chunked.extend_from_slice(format!("{size:x}\r\n").as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
        rest = after;
    }
    assert_eq!(rest.len(), 0);
    chunked.extend_from_slice(b"0\r\n\r\n");
    let address = provider.local_addr();
    for target in [target(address), prior_knowledge(address)] {
        let server = relaying(config(), target);
        for (request, length) in [(&declared, Some(3_000_000)), (&chunked, None)] {
            let mut caller = Caller::connect(server.local_addr()).await;
            caller.send(request).await;
            assert_eq!(caller.status().await, "HTTP/1.1 200 OK");
            let expected = format!("{length:?} 3000000 {sum}");
            assert_eq!(
                caller.read_to("0\r\n\r\n").await,
                format!("{:x}\r\n{expected}\r\n0\r\n\r\n", expected.len())
            );
        }
    }
}

#[tokio::test]
async fn a_body_over_http_2_streams_on_too() {
    let (provider, address) = Provider::listen().await;
    let server = relaying(config(), target(address));
    // A caller of HTTP/2 that is itself a gateway, which streams from a caller of its own.
    let front = relaying(config(), prior_knowledge(server.local_addr()));
    let mut caller = Caller::connect(front.local_addr()).await;
    caller.send(LENGTH).await;
    let mut upstream = provider.accept().await;
    let head = head_with(address, "content-length: 6");
    assert_eq!(upstream.read_to("abc").await, head + "abc");
    caller.send("def").await;
    assert_eq!(upstream.read_to("def").await, "def");
    upstream
        .send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        .await;
    assert_eq!(caller.status().await, "HTTP/1.1 200 OK");
}

/// Writes without end, and counts what was taken.
fn pour(mut tcp: TcpStream, taken: &'static std::sync::atomic::AtomicUsize) {
    let piece = vec![b'x'; 64 * 1024];
    tokio::spawn(async move {
        while let Ok(n) = tcp.write(&piece).await {
            taken.fetch_add(n, Ordering::SeqCst);
        }
    });
}

#[tokio::test]
async fn a_provider_that_takes_nothing_holds_its_caller_up() {
    const LONG: &str = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\n";
    let (provider, address) = Provider::listen().await;
    let untaking = serve(config(), |request: Request| async move {
        std::future::pending::<()>().await;
        drop(request);
        full("")
    });
    let mut servers = Vec::new();
    for target in [target(address), prior_knowledge(untaking.local_addr())] {
        let server = relaying(config(), target);
        let mut caller = Caller::connect(server.local_addr()).await;
        servers.push(server);
        caller.send(LONG).await;
        let taken = &*Box::leak(Box::default());
        pour(caller.tcp, taken);
        // What the kernel buffers on two connections is a few megabytes; it ends somewhere.
        let mut before = usize::MAX;
        while before != taken.load(Ordering::SeqCst) {
            before = taken.load(Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert!(before < 100 << 20, "all of it is taken");
        }
    }
    let mut upstream = provider.accept().await;
    let mut all = 0;
    let mut buffer = vec![0; 1 << 20];
    while all < 50 << 20 {
        let n = soon(upstream.tcp.read(&mut buffer)).await.unwrap();
        assert_ne!(n, 0, "the upload ends after {all} bytes");
        all += n;
    }
}

#[tokio::test]
async fn an_answer_that_refuses_the_body_ends_the_upload() {
    let (provider, address) = Provider::listen().await;
    let server = relaying(config(), target(address));
    for request in [LENGTH, CHUNKED] {
        let mut caller = Caller::connect(server.local_addr()).await;
        caller.send(request).await;
        let mut upstream = provider.accept().await;
        upstream.read_to("abc").await;
        upstream
            .send("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
            .await;
        assert_eq!(
            undated(&caller.read_to("0\r\n\r\n").await),
            "HTTP/1.1 413 Payload Too Large\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\
             \r\n3\r\nbig\r\n0\r\n\r\n"
        );
        upstream.rest().await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_may_come_while_the_body_does() {
    let (provider, address) = Provider::listen().await;
    let server = relaying(config(), target(address));
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(LENGTH).await;
    let mut upstream = provider.accept().await;
    upstream.read_to("abc").await;
    upstream
        .send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n1")
        .await;
    assert_eq!(caller.status().await, "HTTP/1.1 200 OK");
    assert_eq!(caller.read_to("1\r\n1\r\n").await, "1\r\n1\r\n");
    for (piece, answer) in [("d", "2"), ("e", "3"), ("f", "4")] {
        caller.send(piece).await;
        assert_eq!(upstream.read_to(piece).await, piece);
        upstream.send(answer).await;
        let chunk = format!("1\r\n{answer}\r\n");
        assert_eq!(caller.read_to(&chunk).await, chunk);
    }
    assert_eq!(caller.rest().await.unwrap(), "0\r\n\r\n");
}

/// What a caller is told whose body breaks off once the provider has `begun` to take it.
async fn broken(
    target: Target,
    (request, more, shut): (&str, &str, bool),
    begun: impl Future<Output = ()>,
) -> String {
    let config = ServerConfig {
        body_idle: Duration::from_millis(300),
        ..config()
    };
    let server = relaying(config, target);
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(request).await;
    begun.await;
    caller.send(more).await;
    if shut {
        caller.tcp.shutdown().await.unwrap();
    }
    let answer = caller.rest().await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Callers' bodies that break off: in which way, by shutting the connection, and what that is called.
const BROKEN: [(&str, &str, bool, &str); 4] = [
    (LENGTH, "", true, "Truncated"),
    (LENGTH, "d", false, "TimedOut"),
    (CHUNKED, "", true, "Truncated"),
    (CHUNKED, "x\r\n", false, "Malformed"),
];

#[tokio::test]
async fn a_body_that_breaks_off_is_told_from_a_provider_that_does() {
    let (provider, address) = Provider::listen().await;
    for (request, more, shut, error) in BROKEN {
        let mut upstream = None;
        let begun = async {
            let mut accepted = provider.accept().await;
            accepted.read_to("abc").await;
            upstream = Some(accepted);
        };
        let answer = broken(target(address), (request, more, shut), begun).await;
        assert_eq!(answer, format!("RequestBody({error}) true"));
        let came = upstream.unwrap().rest().await.unwrap();
        assert!(!came.ends_with("0\r\n\r\n"), "{came}");
    }
    let leaves = async {
        provider.accept().await.read_to("abc").await;
    };
    let answer = broken(target(address), (LENGTH, "", false), leaves).await;
    assert_eq!(answer, "Reset true");
    // And it was not sent once more, although that was asked for.
    assert!(provider.is_left_alone());
}

/// What came of a body.
struct Came(mpsc::UnboundedReceiver<Option<Result<Bytes, BodyError>>>);

impl Came {
    async fn begins(&mut self) {
        assert_eq!(soon(self.0.recv()).await, Some(Some(Ok("abc".into()))));
    }

    /// How it ends, or breaks off.
    async fn end(&mut self) -> Option<BodyError> {
        loop {
            match soon(self.0.recv()).await.unwrap() {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Some(error),
                None => return None,
            }
        }
    }
}

/// A provider that never answers, and tells what comes of bodies.
fn never_answering() -> (ServerHandle, Came) {
    let (tell, told) = mpsc::unbounded_channel();
    let server = serve(config(), move |mut request: Request| {
        let tell = tell.clone();
        async move {
            // Where the stream is reset its handler is dropped, so another has to look on.
            tokio::spawn(async move {
                let mut goes_on = true;
                while goes_on {
                    let item = request.body.next().await;
                    goes_on = matches!(item, Some(Ok(_)));
                    tell.send(item).unwrap();
                }
            });
            std::future::pending().await
        }
    });
    (server, Came(told))
}

#[tokio::test]
async fn a_body_that_breaks_off_resets_a_stream_of_http_2() {
    for (request, more, shut, error) in BROKEN {
        let (provider, mut came) = never_answering();
        let target = prior_knowledge(provider.local_addr());
        let answer = broken(target, (request, more, shut), came.begins()).await;
        assert_eq!(answer, format!("RequestBody({error}) true"));
        assert_eq!(came.end().await, Some(BodyError::Truncated));
    }
}

#[tokio::test]
async fn a_caller_that_leaves_ends_the_upload() {
    let (provider, address) = Provider::listen().await;
    let (over_http2, mut came) = never_answering();
    let http1 = relaying(config(), target(address));
    let http2 = relaying(config(), prior_knowledge(over_http2.local_addr()));
    for request in [LENGTH, CHUNKED] {
        let mut caller = Caller::connect(http1.local_addr()).await;
        caller.send(request).await;
        let mut upstream = provider.accept().await;
        upstream.read_to("abc").await;
        drop(caller);
        upstream.rest().await.unwrap();

        let mut caller = Caller::connect(http2.local_addr()).await;
        caller.send(request).await;
        came.begins().await;
        drop(caller);
        assert_eq!(came.end().await, Some(BodyError::Truncated));
        until(|| over_http2.requests() == 0).await;
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_ends_the_upload_though_the_caller_stays() {
    let (provider, mut came) = never_answering();
    let target = prior_knowledge(provider.local_addr());
    let server = serve(config(), move |request| {
        let (target, relayed) = (target.clone(), Duration::from_millis(200));
        async move {
            let relayed = tokio::time::timeout(relayed, relay(request, target)).await;
            relayed.unwrap_or_else(|_| full("given up"))
        }
    });
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(LENGTH).await;
    assert_eq!(caller.status().await, "HTTP/1.1 200 OK");
    assert_eq!(came.end().await, Some(BodyError::Truncated));
}

#[tokio::test]
async fn an_answer_over_http_2_may_come_before_the_body_and_ends_the_upload() {
    let (early, mut earlier) = mpsc::unbounded_channel();
    let provider = serve(config(), move |request: Request| {
        let early = early.clone();
        async move {
            early.send(request.body).unwrap();
            Response {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                ..full("big")
            }
        }
    });
    let server = relaying(config(), prior_knowledge(provider.local_addr()));
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(LENGTH).await;
    assert_eq!(caller.status().await, "HTTP/1.1 413 Payload Too Large");
    assert_eq!(caller.rest().await.unwrap(), "3\r\nbig\r\n0\r\n\r\n");
    let mut body = soon(earlier.recv()).await.unwrap();
    let mut last = None;
    while let Some(item) = soon(body.next()).await {
        last = Some(item);
    }
    assert_eq!(last, Some(Err(BodyError::Truncated)));
}

#[tokio::test]
async fn a_body_that_breaks_off_behind_the_start_of_the_answer_breaks_it_off() {
    let (provider, address) = Provider::listen().await;
    let early = serve(config(), |request: Request| async move {
        let (response, feeder) = crate::support::fed(None);
        feeder.chunk("1");
        tokio::spawn(async move {
            let _alive = (feeder, request);
            tokio::time::sleep(PATIENCE).await;
        });
        response
    });
    for target in [target(address), prior_knowledge(early.local_addr())] {
        let over_http1 = target.http == HttpVersion::Auto;
        let server = relaying(config(), target);
        let mut caller = Caller::connect(server.local_addr()).await;
        caller.send(LENGTH).await;
        let mut upstream = None;
        if over_http1 {
            let mut accepted = provider.accept().await;
            accepted
                .send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n1")
                .await;
            upstream = Some(accepted);
        }
        assert_eq!(caller.status().await, "HTTP/1.1 200 OK");
        assert_eq!(caller.read_to("1\r\n1\r\n").await, "1\r\n1\r\n");
        caller.tcp.shutdown().await.unwrap();
        let error = format!("{:?}", UpstreamError::RequestBody(BodyError::Truncated));
        assert_eq!(
            caller.rest().await.unwrap(),
            format!("{:x}\r\n{error}\r\n0\r\n\r\n", error.len())
        );
        if let Some(mut upstream) = upstream {
            upstream.rest().await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_not_sent_can_be_sent_elsewhere() {
    let (provider, address) = Provider::listen().await;
    let (gone, nowhere) = Provider::listen().await;
    drop(gone);
    let server = serve(config(), move |mut request: Request| async move {
        let head = request.body.next().await.unwrap().unwrap();
        let count = request.body.count();
        let sending = |rest| UpstreamRequest {
            body: RequestPayload::stream(head.clone(), rest),
            ..post("")
        };
        let upstreams = upstreams();
        let error = upstreams
            .send(&target(nowhere), sending(request.body))
            .await
            .unwrap_err();
        assert_eq!((error.kind, error.sent), (SendErrorKind::Connect, false));
        let rest = *error.rest.unwrap();
        assert_eq!(
            (rest.declared_length(), rest.remaining()),
            (Some(6), Some(3))
        );
        let answer = upstreams.send(&target(address), sending(rest)).await;
        let answer = whole(answer.unwrap().body).await.unwrap();
        full(format!("{answer} {}", count.load(Ordering::Relaxed)))
    });
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(LENGTH).await;
    let mut upstream = provider.accept().await;
    let head = head_with(address, "content-length: 6");
    assert_eq!(upstream.read_to("abc").await, head + "abc");
    caller.send("def").await;
    assert_eq!(upstream.read_to("def").await, "def");
    upstream
        .send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        .await;
    assert_eq!(caller.status().await, "HTTP/1.1 200 OK");
    assert_eq!(caller.read_to("ok 3").await, "ok 3");
}

#[tokio::test]
async fn a_body_that_is_all_there_is_not_streamed() {
    let (provider, address) = Provider::listen().await;
    let server = relaying(config(), target(address));
    let mut caller = Caller::connect(server.local_addr()).await;
    caller
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc")
        .await;
    let mut upstream = provider.accept().await;
    let head = head_with(address, "content-length: 3");
    assert_eq!(upstream.read_to("abc").await, head + "abc");
}

#[tokio::test]
async fn a_caller_that_asks_first_is_told_when_the_provider_takes_its_body() {
    let (provider, address) = Provider::listen().await;
    let over_http2 = serve(config(), |mut request: Request| async move {
        full(request.body.collect(10).await.unwrap())
    });
    for target in [target(address), prior_knowledge(over_http2.local_addr())] {
        let over_http1 = target.http == HttpVersion::Auto;
        let (go_on, gone_on) = tokio::sync::watch::channel(false);
        let server = serve(config(), move |request: Request| {
            let (target, mut gone_on) = (target.clone(), gone_on.clone());
            async move {
                gone_on.wait_for(|go| *go).await.unwrap();
                let upstream = UpstreamRequest {
                    body: RequestPayload::stream(Bytes::new(), request.body),
                    ..post("")
                };
                let answer = upstreams().send(&target, upstream).await.unwrap();
                full(whole(answer.body).await.unwrap())
            }
        });
        let mut caller = Caller::connect(server.local_addr()).await;
        caller
            .send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n")
            .await;
        until(|| server.requests() == 1).await;
        let waits = caller.tcp.try_read(&mut [0]).unwrap_err();
        assert_eq!(waits.kind(), std::io::ErrorKind::WouldBlock);
        go_on.send(true).unwrap();
        assert_eq!(
            caller.read_to("\r\n\r\n").await,
            "HTTP/1.1 100 Continue\r\n\r\n"
        );
        caller.send("abc").await;
        if over_http1 {
            let mut upstream = provider.accept().await;
            let head = head_with(address, "content-length: 3");
            assert_eq!(upstream.read_to("abc").await, head + "abc");
            upstream
                .send("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc")
                .await;
        }
        assert_eq!(caller.status().await, "HTTP/1.1 200 OK");
        assert_eq!(caller.read_to("abc").await, "abc");
    }
}

#[tokio::test]
async fn what_may_not_pass_breaks_the_upload_off() {
    let (provider, address) = Provider::listen().await;
    let (over_http2, mut came) = never_answering();
    for target in [target(address), prior_knowledge(over_http2.local_addr())] {
        let over_http1 = target.http == HttpVersion::Auto;
        let server = serve(config(), move |mut request: Request| {
            request
                .body
                .watch(|piece| !piece.windows(3).any(|window| window == b"bad"));
            relay(request, target.clone())
        });
        let mut caller = Caller::connect(server.local_addr()).await;
        caller.send(CHUNKED).await;
        let mut upstream = None;
        if over_http1 {
            let mut accepted = provider.accept().await;
            accepted.read_to("abc\r\n").await;
            upstream = Some(accepted);
        } else {
            came.begins().await;
        }
        caller.send("3\r\nbad\r\n0\r\n\r\n").await;
        assert_eq!(caller.status().await, "HTTP/1.1 200 OK");
        let told = "RequestBody(Refused) true";
        assert_eq!(caller.read_to(told).await, told);
        match upstream {
            Some(mut upstream) => assert_eq!(upstream.rest().await.unwrap(), ""),
            None => assert_eq!(came.end().await, Some(BodyError::Truncated)),
        }
    }
}
