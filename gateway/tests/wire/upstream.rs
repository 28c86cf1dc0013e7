//! HTTP/1.1 with a provider.
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use weir_gateway::wire::{
    DenyList, HttpVersion, SendErrorKind, Target, UpstreamError, UpstreamLimits, UpstreamRequest,
    Upstreams,
};

use crate::support::{Provider, post, soon, target, upstreams, whole};

#[tokio::test]
async fn a_request_goes_out_with_the_wires_own_framing() {
    let (provider, address) = Provider::listen().await;
    let mut request = post("{}");
    for (name, value) in [
        ("x-a", "1"),
        ("host", "evil"),
        ("content-length", "99"),
        ("te", "trailers"),
    ] {
        request
            .headers
            .append(name, HeaderValue::from_static(value));
    }
    let (upstreams, target) = (upstreams(), target(address));
    let (answer, ()) = tokio::join!(upstreams.send(&target, request), async {
        let mut caller = provider.accept().await;
        assert_eq!(
            caller.read_to("{}").await,
            format!(
                "POST /v1/x?y HTTP/1.1\r\nhost: {address}\r\nx-a: 1\r\ncontent-length: 2\r\n\r\n{{}}"
            )
        );
        caller
            .send("HTTP/1.1 201 Made\r\nX-B: 2\r\ncontent-length: 3\r\n\r\nabc")
            .await;
    });
    let answer = answer.unwrap();
    assert_eq!(
        (answer.status, &answer.headers["x-b"]),
        (StatusCode::CREATED, &HeaderValue::from_static("2"))
    );
    assert_eq!(
        (answer.body.remaining(), answer.body.framed()),
        (Some(3), true)
    );
    assert_eq!(whole(answer.body).await.as_deref(), Ok("abc"));
}

#[tokio::test]
async fn a_connection_is_used_again_once_its_answer_is_read() {
    let (provider, address) = Provider::listen().await;
    let (upstreams, target) = (upstreams(), target(address));
    let mut connection = None;
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\na: b\r\n\r\n\
         HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n2;x\r\nbc\r\n0\r\nt: u\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
    ] {
        let (got, ()) = tokio::join!(soon(upstreams.send(&target, post("{}"))), async {
            let mut caller = match connection.take() {
                Some(kept) => kept,
                None => provider.accept().await,
            };
            caller.read_to("{}").await;
            caller.send(answer).await;
            connection = Some(caller);
        });
        assert_eq!(whole(got.unwrap().body).await.as_deref(), Ok("abc"));
        assert_eq!(upstreams.idle(), 1);
    }
}

#[tokio::test]
async fn a_connection_that_can_not_be_trusted_is_not_used_again() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc",
        "HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nabc",
    ] {
        let (provider, address) = Provider::listen().await;
        let (upstreams, target) = (upstreams(), target(address));
        // Those that the provider closes are told apart elsewhere; here it holds on to all.
        let mut held = Vec::new();
        for _ in 0..2 {
            let (got, caller) = tokio::join!(soon(upstreams.send(&target, post("{}"))), async {
                let mut caller = provider.accept().await;
                caller.read_to("{}").await;
                caller.send(answer).await;
                caller
            });
            held.push(caller);
            assert_eq!(whole(got.unwrap().body).await.as_deref(), Ok("abc"));
        }
    }
}

#[tokio::test]
async fn a_connection_that_the_provider_closed_is_replaced() {
    let (provider, address) = Provider::listen().await;
    let (upstreams, target) = (upstreams(), target(address));
    for round in 0..20 {
        let (got, ()) = tokio::join!(soon(upstreams.send(&target, post("{}"))), async {
            let mut caller = provider.accept().await;
            caller.read_to("{}").await;
            caller
                .send("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc")
                .await;
        });
        // The provider's side was closed before the answer was read here, so the kernel knows.
        let got = got.unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(whole(got.body).await.as_deref(), Ok("abc"));
    }
}

#[tokio::test]
async fn a_kept_connection_that_closes_on_a_call_without_a_word_is_replaced_where_that_is_asked() {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc";
    for (resend, half_an_answer) in [(true, ""), (false, ""), (true, "HTTP/1.1 200")] {
        let (provider, address) = Provider::listen().await;
        let (upstreams, target) = (upstreams(), target(address));
        let (first, mut kept) = tokio::join!(soon(upstreams.send(&target, post("{}"))), async {
            let mut caller = provider.accept().await;
            caller.read_to("{}").await;
            caller.send(ANSWER).await;
            caller
        });
        assert_eq!(whole(first.unwrap().body).await.as_deref(), Ok("abc"));
        let request = UpstreamRequest {
            resend,
            ..post("{}")
        };
        let again = resend && half_an_answer.is_empty();
        let (second, ()) = tokio::join!(soon(upstreams.send(&target, request)), async {
            kept.read_to("{}").await;
            kept.send(half_an_answer).await;
            drop(kept);
            if again {
                let mut caller = provider.accept().await;
                caller.read_to("{}").await;
                caller.send(ANSWER).await;
            }
        });
        match second {
            Ok(got) => assert_eq!(whole(got.body).await.as_deref(), Ok("abc")),
            Err(error) => assert_eq!((error.kind, error.sent), (SendErrorKind::Reset, true)),
        }
    }
}

#[tokio::test]
async fn what_a_connection_says_while_it_idles_is_no_answer() {
    let (provider, address) = Provider::listen().await;
    let (upstreams, target) = (upstreams(), target(address));
    let (first, mut caller) = tokio::join!(soon(upstreams.send(&target, post("{}"))), async {
        let mut caller = provider.accept().await;
        caller.read_to("{}").await;
        caller
            .send("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc")
            .await;
        caller
    });
    assert_eq!(whole(first.unwrap().body).await.as_deref(), Ok("abc"));
    caller
        .send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        .await;
    let (second, ()) = tokio::join!(soon(upstreams.send(&target, post("{}"))), async {
        let mut caller = provider.accept().await;
        caller.read_to("{}").await;
        caller
            .send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood")
            .await;
    });
    assert_eq!(whole(second.unwrap().body).await.as_deref(), Ok("good"));
}

/// The body of an answer that is followed by the end of the connection.
async fn body_of(answer: &str) -> (bool, Result<String, UpstreamError>) {
    let (provider, address) = Provider::listen().await;
    let (upstreams, target) = (upstreams(), target(address));
    let (got, ()) = tokio::join!(soon(upstreams.send(&target, post("{}"))), async {
        let mut caller = provider.accept().await;
        caller.read_to("{}").await;
        caller.send(answer).await;
    });
    let body = got.unwrap().body;
    (body.framed(), whole(body).await)
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (truncated, malformed) = (Err(UpstreamError::Truncated), Err(UpstreamError::Malformed));
    for (answer, expected) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc".to_owned(),
            &truncated,
        ),
        (chunked.to_owned(), &truncated),
        (format!("{chunked}3\r\nabc"), &truncated),
        (format!("{chunked}3\r\nabc\r\n"), &truncated),
        (format!("{chunked}3\r\nabc\r\n0\r\n"), &truncated),
        (format!("{chunked}3\r\nabcd\r\n0\r\n\r\n"), &malformed),
        (format!("{chunked}x\r\n"), &malformed),
        (format!("{chunked}3\nabc\n0\n\n"), &malformed),
    ] {
        assert_eq!(
            body_of(&answer).await,
            (true, expected.clone()),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_only_the_connection_ends_says_so() {
    assert_eq!(
        body_of("HTTP/1.1 200 OK\r\n\r\nabc").await,
        (false, Ok("abc".to_owned()))
    );
}

#[tokio::test]
async fn answers_that_are_not_clearly_one_answer_are_errors() {
    let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(70_000));
    let hints = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100);
    for (answer, kind) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
            SendErrorKind::Protocol,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n",
            SendErrorKind::Protocol,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
            SendErrorKind::Protocol,
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
            SendErrorKind::Protocol,
        ),
        ("HTTP/1.1 200 OK\n\n", SendErrorKind::Protocol),
        ("SSH-2.0-OpenSSH\r\n\r\n", SendErrorKind::Protocol),
        (&large, SendErrorKind::Protocol),
        (&hints, SendErrorKind::Protocol),
        ("HTTP/1.1 200 OK\r\n", SendErrorKind::Reset),
        ("", SendErrorKind::Reset),
    ] {
        let (provider, address) = Provider::listen().await;
        let (upstreams, target) = (upstreams(), target(address));
        let (got, ()) = tokio::join!(soon(upstreams.send(&target, post("{}"))), async {
            let mut caller = provider.accept().await;
            caller.read_to("{}").await;
            caller.send(answer).await;
        });
        let error = got.unwrap_err();
        assert_eq!((error.kind, error.sent), (kind, true), "{answer:?}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_before_the_request_is_read_counts() {
    let (provider, address) = Provider::listen().await;
    let (upstreams, target) = (upstreams(), target(address));
    let request = post("x".repeat(32 << 20));
    let (got, _held) = tokio::join!(soon(upstreams.send(&target, request)), async {
        let mut caller = provider.accept().await;
        caller.read_to("\r\n\r\n").await;
        caller
            .send("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nabc")
            .await;
        caller
    });
    let got = got.unwrap();
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(whole(got.body).await.as_deref(), Ok("abc"));
    assert_eq!(upstreams.idle(), 0);
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connection() {
    let (provider, address) = Provider::listen().await;
    let (upstreams, target) = (upstreams(), target(address));
    let waiting = tokio::spawn({
        let (upstreams, target) = (upstreams.clone(), target.clone());
        async move { upstreams.send(&target, post("{}")).await }
    });
    let mut caller = provider.accept().await;
    caller.read_to("{}").await;
    waiting.abort();
    assert_eq!(caller.rest().await.unwrap(), "");

    let (got, mut caller) = tokio::join!(soon(upstreams.send(&target, post("{}"))), async {
        let mut caller = provider.accept().await;
        caller.read_to("{}").await;
        caller
            .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
            .await;
        caller
    });
    let mut body = got.unwrap().body;
    assert_eq!(soon(body.next()).await, Some(Ok("a".into())));
    drop(body);
    assert_eq!(caller.rest().await.unwrap(), "");
    assert_eq!(upstreams.idle(), 0);
}

#[tokio::test]
async fn each_chunk_passes_before_the_next_is_sent() {
    let (provider, address) = Provider::listen().await;
    let (upstreams, target) = (upstreams(), target(address));
    let (got, mut caller) = tokio::join!(soon(upstreams.send(&target, post("{}"))), async {
        let mut caller = provider.accept().await;
        caller.read_to("{}").await;
        caller
            .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        caller
    });
    let mut body = got.unwrap().body;
    for text in ["one", "two", "six"] {
        caller.send(format!("3\r\n{text}\r\n")).await;
        assert_eq!(soon(body.next()).await, Some(Ok(text.into())));
    }
    caller.send("0\r\n\r\n").await;
    assert_eq!(
        (soon(body.next()).await, soon(body.next()).await),
        (None, None)
    );
}

#[tokio::test]
async fn denied_addresses_are_not_connected_to_under_any_name() {
    let (_provider, address) = Provider::listen().await;
    let deny = Arc::new(DenyList::parse(["127.0.0.0/8", "::1"]).unwrap());
    let upstreams = Upstreams::new(deny, UpstreamLimits::default());
    for host in ["127.0.0.1", "::ffff:127.0.0.1", "localhost"] {
        let target = Target {
            host: host.to_owned(),
            ..target(address)
        };
        let error = soon(upstreams.send(&target, post("{}"))).await.unwrap_err();
        assert_eq!(
            (error.kind, error.sent, error.to_string()),
            (
                SendErrorKind::Denied,
                false,
                format!("connections to the address of {host} are denied")
            )
        );
    }
}

#[tokio::test]
async fn a_connection_that_can_not_be_made_says_why() {
    let (provider, address) = Provider::listen().await;
    let nobody = Target {
        host: "nobody.invalid".to_owned(),
        ..target(address)
    };
    // The handshake of a connection that nobody accepts does not end.
    let silent = Target {
        tls: Some(
            weir_gateway::wire::tls::ClientTls::new(Some(&self_signed()), HttpVersion::Auto)
                .unwrap(),
        ),
        connect_timeout: Duration::from_millis(100),
        ..target(address)
    };
    let mut kinds = Vec::new();
    for target in [nobody, silent] {
        let error = soon(upstreams().send(&target, post("{}")))
            .await
            .unwrap_err();
        kinds.push((error.kind, error.sent));
    }
    drop(provider);
    let error = soon(upstreams().send(&target(address), post("{}")))
        .await
        .unwrap_err();
    kinds.push((error.kind, error.sent));
    assert_eq!(
        kinds,
        [
            (SendErrorKind::Resolve, false),
            (SendErrorKind::ConnectTimeout, false),
            (SendErrorKind::Connect, false)
        ]
    );
}

fn self_signed() -> String {
    rcgen::generate_simple_self_signed(["a".to_owned()])
        .unwrap()
        .cert
        .pem()
}

#[tokio::test]
async fn no_more_connections_are_kept_than_the_bound() {
    let (provider, address) = Provider::listen().await;
    let limits = UpstreamLimits {
        max_idle: 2,
        ..UpstreamLimits::default()
    };
    let upstreams = Upstreams::new(Arc::default(), limits);
    let target = target(address);
    let mut bodies = Vec::new();
    let mut held = Vec::new();
    for _ in 0..4 {
        let (got, caller) = tokio::join!(soon(upstreams.send(&target, post("{}"))), async {
            let mut caller = provider.accept().await;
            caller.read_to("{}").await;
            caller
                .send("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc")
                .await;
            caller
        });
        bodies.push(got.unwrap().body);
        held.push(caller);
    }
    for body in bodies {
        assert_eq!(whole(body).await.as_deref(), Ok("abc"));
    }
    assert_eq!(upstreams.idle(), 2);
}

#[tokio::test]
async fn an_answer_to_head_has_no_body() {
    let (provider, address) = Provider::listen().await;
    let (upstreams, target) = (upstreams(), target(address));
    let request = UpstreamRequest {
        method: http::Method::HEAD,
        ..post("")
    };
    let (got, ()) = tokio::join!(soon(upstreams.send(&target, request)), async {
        let mut caller = provider.accept().await;
        caller.read_to("\r\n\r\n").await;
        caller
            .send("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n")
            .await;
    });
    assert_eq!(whole(got.unwrap().body).await.as_deref(), Ok(""));
}
