//! HTTP/2 from end to end: our client, by prior knowledge, with our server.
use bytes::Bytes;
use http::Version;
use tokio::sync::mpsc;
use weir_gateway::wire::{Abort, HttpVersion, ServerConfig, ServerHandle, Target, UpstreamError};

use crate::support::{
    Feeder, Provider, config, fed, full, post, serve, soon, target, upstreams, whole,
};

fn prior_knowledge(server: &ServerHandle) -> Target {
    Target {
        http: HttpVersion::Http2,
        ..target(server.local_addr())
    }
}

fn feeding() -> (ServerHandle, mpsc::UnboundedReceiver<Feeder>) {
    let (feeders, fed_by) = mpsc::unbounded_channel();
    let server = serve(config(), move |_| {
        let feeders = feeders.clone();
        async move {
            let (response, feeder) = fed(None);
            feeders.send(feeder).unwrap();
            response
        }
    });
    (server, fed_by)
}

#[tokio::test]
async fn requests_share_a_connection() {
    let server = serve(config(), |mut request| async move {
        let body = request.body.collect(1 << 20).await.unwrap();
        let (uri, version) = (request.head.uri, request.head.version);
        full(format!(
            "{version:?} {} {} {}",
            uri.path(),
            request.head.method,
            body.len()
        ))
    });
    let (upstreams, target) = (upstreams(), prior_knowledge(&server));
    for size in [0, 3, 500_000] {
        let answer = soon(upstreams.send(&target, post("x".repeat(size))))
            .await
            .unwrap();
        assert_eq!(answer.version, Version::HTTP_2);
        assert_eq!(
            whole(answer.body).await,
            Ok(format!("HTTP/2.0 /v1/x POST {size}"))
        );
    }
    assert_eq!((server.connections(), upstreams.idle()), (1, 1));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let server = serve(config(), |mut request| async move {
        full(format!("{:?}", request.body.collect(10).await))
    });
    let answer = soon(upstreams().send(&prior_knowledge(&server), post("x".repeat(100)))).await;
    assert_eq!(
        whole(answer.unwrap().body).await.as_deref(),
        Ok("Err(TooLarge)")
    );
}

#[tokio::test]
async fn each_chunk_arrives_before_the_next_is_made() {
    let (server, mut feeders) = feeding();
    let answer = soon(upstreams().send(&prior_knowledge(&server), post("")))
        .await
        .unwrap();
    let feeder = soon(feeders.recv()).await.unwrap();
    let mut body = answer.body;
    for text in ["one", "two", "three"] {
        feeder.chunk(text);
        assert_eq!(soon(body.next()).await, Some(Ok(Bytes::from(text))));
    }
    drop(feeder);
    assert_eq!(soon(body.next()).await, None);
}

#[tokio::test]
async fn an_aborted_answer_is_not_taken_for_whole() {
    let (server, mut feeders) = feeding();
    let answer = soon(upstreams().send(&prior_knowledge(&server), post("")))
        .await
        .unwrap();
    let feeder = soon(feeders.recv()).await.unwrap();
    feeder.chunk("one");
    let mut body = answer.body;
    assert_eq!(soon(body.next()).await, Some(Ok(Bytes::from("one"))));
    feeder.feed.send(Err(Abort)).unwrap();
    assert_eq!(whole(body).await, Err(UpstreamError::Truncated));
}

#[tokio::test]
async fn a_stream_that_is_dropped_ends_at_the_other_side_and_alone() {
    let (server, mut feeders) = feeding();
    let (upstreams, target) = (upstreams(), prior_knowledge(&server));
    let left = soon(upstreams.send(&target, post(""))).await.unwrap();
    let mut left_feeder = soon(feeders.recv()).await.unwrap();
    let stays = soon(upstreams.send(&target, post(""))).await.unwrap();
    let feeder = soon(feeders.recv()).await.unwrap();
    drop(left);
    left_feeder.dropped().await;
    feeder.chunk("still here");
    drop(feeder);
    assert_eq!(whole(stays.body).await.as_deref(), Ok("still here"));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_caller_that_leaves_before_the_answer_takes_the_handler_with_it() {
    let (started, mut starts) = mpsc::unbounded_channel();
    let server = serve(config(), move |_| {
        let started = started.clone();
        async move {
            let (alive, gone) = mpsc::channel::<()>(1);
            started.send(gone).unwrap();
            std::future::pending::<()>().await;
            drop(alive);
            full("")
        }
    });
    let (upstreams, target) = (upstreams(), prior_knowledge(&server));
    let call = tokio::spawn(async move { upstreams.send(&target, post("")).await.map(|_| ()) });
    let mut gone = soon(starts.recv()).await.unwrap();
    call.abort();
    let dropped = tokio::time::timeout(std::time::Duration::from_secs(1), gone.recv()).await;
    assert_eq!(dropped, Ok(None));
}

#[tokio::test]
async fn a_connection_that_ended_is_replaced() {
    let (upstreams, first) = (upstreams(), serve(config(), |_| async { full("first") }));
    let target = prior_knowledge(&first);
    let answer = soon(upstreams.send(&target, post(""))).await.unwrap();
    assert_eq!(whole(answer.body).await.as_deref(), Ok("first"));
    let address = first.local_addr();
    soon(first.drain(tokio::time::sleep(crate::support::PATIENCE))).await;
    let again = weir_gateway::wire::ServerConfig::new(address);
    let _second = serve(again, |_| async { full("second") });
    let answer = soon(upstreams.send(&target, post(""))).await.unwrap();
    assert_eq!(whole(answer.body).await.as_deref(), Ok("second"));
}

#[tokio::test]
async fn a_stream_of_which_nothing_is_taken_is_left_after_a_while_and_no_other() {
    let (feeders, mut fed_by) = mpsc::unbounded_channel();
    let write_idle = std::time::Duration::from_millis(200);
    let server = serve(
        ServerConfig {
            write_idle,
            ..config()
        },
        move |_| {
            let feeders = feeders.clone();
            async move {
                let (response, feeder) = fed(None);
                feeders.send(feeder).unwrap();
                response
            }
        },
    );
    let (upstreams, target) = (upstreams(), prior_knowledge(&server));
    let quiet = soon(upstreams.send(&target, post(""))).await.unwrap();
    let quiet_feeder = soon(fed_by.recv()).await.unwrap();
    let stalled = soon(upstreams.send(&target, post(""))).await.unwrap();
    let mut feeder = soon(fed_by.recv()).await.unwrap();
    for _ in 0..64 {
        feeder
            .feed
            .send(Ok(Bytes::from(vec![b'x'; 1 << 20])))
            .unwrap();
    }
    feeder.dropped().await;
    // The one that has waited for its provider all along is none of those.
    quiet_feeder.chunk("here");
    drop(quiet_feeder);
    assert_eq!(whole(quiet.body).await.as_deref(), Ok("here"));
    assert_eq!(whole(stalled.body).await, Err(UpstreamError::Truncated));
}

#[tokio::test]
async fn an_end_that_is_not_the_answers_own_is_not_taken_for_it() {
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let status_200 = [0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88];
    let data = [0, 0, 3, 0, 0, 0, 0, 0, 1, b'a', b'b', b'c'];
    let last_data = [0, 0, 3, 0, 1, 0, 0, 0, 1, b'a', b'b', b'c'];
    let reset = |reason: u8| vec![0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, reason];
    let goodbye = vec![0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    let (no_error, internal, cancel) = (reset(0), reset(2), reset(8));
    for (answer, expected) in [
        (
            [&data[..], &no_error].concat(),
            Err(UpstreamError::Truncated),
        ),
        (
            [&data[..], &internal].concat(),
            Err(UpstreamError::Truncated),
        ),
        ([&data[..], &cancel].concat(), Err(UpstreamError::Truncated)),
        (
            [&data[..], &goodbye].concat(),
            Err(UpstreamError::Truncated),
        ),
        (data.to_vec(), Err(UpstreamError::Truncated)),
        (last_data.to_vec(), Ok("abc".to_owned())),
        ([&last_data[..], &no_error].concat(), Ok("abc".to_owned())),
        ([&last_data[..], &goodbye].concat(), Ok("abc".to_owned())),
    ] {
        let (provider, address) = Provider::listen().await;
        let target = Target {
            http: HttpVersion::Http2,
            ..target(address)
        };
        let upstreams = upstreams();
        let (got, provider) = tokio::join!(soon(upstreams.send(&target, post(""))), async {
            let mut caller = provider.accept().await;
            caller.send(settings).await.send(status_200).await;
            caller
        });
        let mut provider = provider;
        provider.send(&answer).await;
        tokio::io::AsyncWriteExt::shutdown(&mut provider.tcp)
            .await
            .unwrap();
        assert_eq!(whole(got.unwrap().body).await, expected, "{answer:?}");
    }
}

#[tokio::test]
async fn callers_that_take_nothing_leave_room_for_the_answers_of_others() {
    let server = serve(config(), |mut request| async move {
        let size = request.body.collect(100).await.unwrap();
        full(vec![
            b'x';
            std::str::from_utf8(&size).unwrap().parse().unwrap()
        ])
    });
    let (upstreams, target) = (upstreams(), prior_knowledge(&server));
    let mut untaken = Vec::new();
    for _ in 0..20 {
        untaken.push(
            soon(upstreams.send(&target, post("1000000")))
                .await
                .unwrap(),
        );
    }
    let answer = soon(upstreams.send(&target, post("1000000")))
        .await
        .unwrap();
    assert_eq!(
        whole(answer.body).await.map(|body| body.len()),
        Ok(1_000_000)
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_answer_that_can_have_no_body_has_none() {
    let server = serve(config(), |request| async move {
        let mut response = full("body");
        if request.head.method == http::Method::POST {
            response.status = http::StatusCode::NO_CONTENT;
        }
        response
    });
    let (upstreams, target) = (upstreams(), prior_knowledge(&server));
    for method in [http::Method::HEAD, http::Method::POST] {
        let request = weir_gateway::wire::UpstreamRequest { method, ..post("") };
        let answer = soon(upstreams.send(&target, request)).await.unwrap();
        assert_eq!(whole(answer.body).await.as_deref(), Ok(""));
    }
}
