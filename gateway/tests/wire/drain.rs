//! The end of a server.
use std::future::Future as _;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use weir_gateway::wire::{DrainReport, HttpVersion, ServerConfig, ServerHandle, Target};

use crate::support::{
    Caller, Feeder, PATIENCE, config, fed, full, post, serve, soon, target, upstreams, whole,
};

fn streaming() -> (
    weir_gateway::wire::ServerHandle,
    mpsc::UnboundedReceiver<Feeder>,
) {
    let (feeders, fed_by) = mpsc::unbounded_channel();
    let server = serve(
        ServerConfig {
            workers: 2,
            linger: BRIEFLY,
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
    (server, fed_by)
}

/// To linger so long ends within a test …
const BRIEFLY: Duration = Duration::from_millis(300);
/// … and this does not.
const LONG: Duration = Duration::from_secs(3600);

/// Answers `done`, and lingers for so long.
fn lingering(linger: Duration) -> ServerHandle {
    let config = ServerConfig {
        workers: 2,
        linger,
        ..config()
    };
    serve(config, |_| async { full("done") })
}

/// Begins to drain before it returns.
async fn drain(server: ServerHandle) -> JoinHandle<DrainReport> {
    let mut draining = Box::pin(server.drain(sleep(PATIENCE)));
    std::future::poll_fn(|cx| {
        assert!(draining.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    tokio::spawn(draining)
}

/// Sends a request, which has to be answered in full and to be the last.
async fn is_told_to_be_the_last(caller: &mut Caller) {
    let answer = caller.send(GET).await.rest().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
    assert!(
        answer.ends_with("connection: close\r\n\r\ndone"),
        "{answer:?}"
    );
}

const GET: &str = "GET /a HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn idle_connections_close_after_a_while_and_answers_under_way_finish() {
    let (server, mut feeders) = streaming();
    let address = server.local_addr();
    let mut fresh = Caller::connect(address).await;
    let mut idle = Caller::connect(address).await;
    idle.send(GET).await;
    drop(soon(feeders.recv()).await);
    idle.read_to("0\r\n\r\n").await;
    let mut busy = Caller::connect(address).await;
    busy.send(GET).await;
    let feeder = soon(feeders.recv()).await.unwrap();
    feeder.chunk("one");
    busy.read_to("one\r\n").await;

    let draining = tokio::spawn(server.drain(sleep(PATIENCE)));
    assert_eq!(fresh.rest().await.unwrap(), "");
    assert_eq!(idle.rest().await.unwrap(), "");
    // The listener may outlive the closed connections by a moment, but not for long.
    soon(async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!draining.is_finished());
    feeder.chunk("two");
    busy.read_to("two\r\n").await;
    drop(feeder);
    // Whoever was told by the head that the connection stays is given as long.
    assert_eq!(busy.rest().await.unwrap(), "0\r\n\r\n");
    assert_eq!(soon(draining).await.unwrap(), DrainReport { cut: 0 });
}

#[tokio::test]
async fn who_has_not_heard_of_the_drain_is_answered_and_told() {
    let server = lingering(LONG);
    let address = server.local_addr();
    let mut idle = Caller::connect(address).await;
    idle.send(GET).await.read_to("done").await;
    let mut fresh = Caller::connect(address).await;
    let draining = drain(server).await;
    sleep(Duration::from_millis(500)).await;
    is_told_to_be_the_last(&mut idle).await;
    let mut late = Caller::connect(address).await;
    is_told_to_be_the_last(&mut late).await;
    assert!(!draining.is_finished());
    is_told_to_be_the_last(&mut fresh).await;
    // It does not linger for nobody.
    assert_eq!(soon(draining).await.unwrap(), DrainReport { cut: 0 });
}

#[tokio::test]
async fn a_connection_whose_answer_was_under_way_may_ask_once_more() {
    let (answers, mut feeders) = mpsc::unbounded_channel();
    let config = ServerConfig {
        linger: LONG,
        ..config()
    };
    let server = serve(config, move |request| {
        let answers = answers.clone();
        async move {
            if request.head.uri.path() == "/a" {
                return full("done");
            }
            let (response, feeder) = fed(None);
            answers.send(feeder).unwrap();
            response
        }
    });
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send("GET /stream HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let feeder: Feeder = soon(feeders.recv()).await.unwrap();
    feeder.chunk("one");
    caller.read_to("one\r\n").await;
    let draining = drain(server).await;
    drop(feeder);
    assert_eq!(caller.read_to("0\r\n\r\n").await, "0\r\n\r\n");
    is_told_to_be_the_last(&mut caller).await;
    assert_eq!(soon(draining).await.unwrap(), DrainReport { cut: 0 });
}

#[tokio::test]
async fn what_has_connected_by_then_is_answered_however_short_the_linger() {
    let server = lingering(Duration::ZERO);
    let mut callers = Vec::new();
    for _ in 0..200 {
        let mut caller = Caller::connect(server.local_addr()).await;
        caller.send(GET).await;
        callers.push(caller);
    }
    let draining = drain(server).await;
    for mut caller in callers {
        let answer = caller.rest().await.unwrap();
        assert!(answer.ends_with("\r\n\r\ndone"), "{answer:?}");
    }
    assert_eq!(soon(draining).await.unwrap(), DrainReport { cut: 0 });
}

#[tokio::test]
async fn over_http_2_too_who_has_not_heard_of_it_is_answered() {
    let server = lingering(LONG);
    let target = Target {
        http: HttpVersion::Http2,
        ..target(server.local_addr())
    };
    let known = upstreams();
    let answer = soon(known.send(&target, post(""))).await.unwrap();
    assert_eq!(whole(answer.body).await.as_deref(), Ok("done"));
    // Keeps the server from its end until the others have asked.
    let mut last = Caller::connect(server.local_addr()).await;
    let draining = drain(server).await;
    for pool in [known, upstreams()] {
        let answer = soon(pool.send(&target, post(""))).await.unwrap();
        assert_eq!(whole(answer.body).await.as_deref(), Ok("done"));
    }
    is_told_to_be_the_last(&mut last).await;
    assert_eq!(soon(draining).await.unwrap(), DrainReport { cut: 0 });
}

#[tokio::test]
async fn a_request_that_is_on_its_way_when_the_drain_begins_is_told_to_be_the_last() {
    let (answer, answers) = mpsc::unbounded_channel::<()>();
    let (started, mut starts) = mpsc::unbounded_channel();
    let answers = std::sync::Arc::new(tokio::sync::Mutex::new(answers));
    let config = ServerConfig {
        linger: BRIEFLY,
        ..config()
    };
    let server = serve(config, move |_| {
        let (answers, started) = (answers.clone(), started.clone());
        async move {
            started.send(()).unwrap();
            answers.lock().await.recv().await;
            crate::support::full("done")
        }
    });
    let mut caller = Caller::connect(server.local_addr()).await;
    let mut idle = Caller::connect(server.local_addr()).await;
    caller.send(GET).await;
    soon(starts.recv()).await.unwrap();
    let draining = tokio::spawn(server.drain(sleep(PATIENCE)));
    assert_eq!(idle.rest().await.unwrap(), "");
    answer.send(()).unwrap();
    let answer = caller.rest().await.unwrap();
    assert!(
        answer.ends_with("connection: close\r\n\r\ndone"),
        "{answer:?}"
    );
    assert_eq!(soon(draining).await.unwrap(), DrainReport { cut: 0 });
}

#[tokio::test]
async fn what_is_not_done_in_time_is_cut_off_and_counted() {
    let (server, mut feeders) = streaming();
    let mut callers = Vec::new();
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut caller = Caller::connect(server.local_addr()).await;
        caller.send(GET).await.status().await;
        held.push(soon(feeders.recv()).await.unwrap());
        callers.push(caller);
    }
    assert_eq!(
        soon(server.drain(sleep(Duration::from_millis(100)))).await,
        DrainReport { cut: 3 }
    );
    for (mut feeder, mut caller) in held.into_iter().zip(callers) {
        feeder.dropped().await;
        assert!(
            !caller
                .rest()
                .await
                .is_ok_and(|rest| rest.ends_with("0\r\n\r\n"))
        );
    }
}

#[tokio::test]
async fn http_2_says_goodbye_and_finishes_its_streams() {
    let (server, mut feeders) = streaming();
    let target = Target {
        http: HttpVersion::Http2,
        ..target(server.local_addr())
    };
    let upstreams = upstreams();
    let answer = soon(upstreams.send(&target, post(""))).await.unwrap();
    let idle = Target {
        key: 0,
        ..target.clone()
    };
    let done = soon(upstreams.send(&idle, post(""))).await.unwrap();
    let feeder = soon(feeders.recv()).await.unwrap();
    drop(soon(feeders.recv()).await);
    assert_eq!(whole(done.body).await.as_deref(), Ok(""));
    let start = Instant::now();
    let draining = tokio::spawn(server.drain(sleep(PATIENCE)));
    soon(async {
        while TcpStream::connect((target.host.as_str(), target.port))
            .await
            .is_ok()
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    feeder.chunk("late");
    drop(feeder);
    assert_eq!(whole(answer.body).await.as_deref(), Ok("late"));
    assert_eq!(soon(draining).await.unwrap(), DrainReport { cut: 0 });
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn an_answer_over_http_2_that_is_taken_slowly_is_not_cut_off() {
    const SIZE: usize = 1 << 20;
    let server = serve(config(), |_| async {
        crate::support::full(vec![b'x'; SIZE])
    });
    let target = Target {
        http: HttpVersion::Http2,
        ..target(server.local_addr())
    };
    let mut body = soon(upstreams().send(&target, post("")))
        .await
        .unwrap()
        .body;
    let draining = tokio::spawn(server.drain(tokio::time::sleep(PATIENCE)));
    // Longer than the server waits for a connection without requests to say goodbye.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let mut got = 0;
    while let Some(part) = soon(body.next()).await {
        got += part.unwrap().len();
    }
    assert_eq!(got, SIZE);
    assert_eq!(soon(draining).await.unwrap(), DrainReport { cut: 0 });
}

#[tokio::test]
async fn a_handle_that_is_dropped_cuts_everything_off() {
    let (server, mut feeders) = streaming();
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(GET).await.status().await;
    let mut feeder = soon(feeders.recv()).await.unwrap();
    drop(server);
    feeder.dropped().await;
}
