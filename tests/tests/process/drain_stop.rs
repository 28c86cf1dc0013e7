//! SIGTERM: what is under way finishes, who has not heard of it is answered and told, and then the
//! process ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Mutex;
use weir_tests::gateway::Start;
use weir_tests::modern::{self, Client};
use weir_tests::upstream::{DONE, event};
use weir_tests::wait::eventually;
use weir_tests::{Caller, Gateway, Request, Upstream};

use crate::common::{KEY, begun_over_http2, folder_of_mock, folder_to};

/// From the end of the last request to that of the process.
const SOON: Duration = Duration::from_secs(3);

/// How long a connection without a request is kept, and the listener, as the docs say.
const LINGER: Duration = Duration::from_secs(5);

/// A stream of which one event has arrived.
async fn stream(gateway: &Gateway, upstream: &mut Upstream) -> (Caller, weir_tests::Call) {
    let mut caller = gateway.connect().await;
    caller.send(&Request::stream(KEY, "fast")).await;
    let mut call = upstream.call().await;
    call.begin_stream().await;
    let first = event("first");
    call.chunk(&first).await;
    assert_eq!(caller.head().await.status, 200);
    caller.exactly(first.len()).await;
    (caller, call)
}

async fn refuses_connections(gateway: &Gateway) {
    eventually("new connections are refused", async || {
        Caller::try_connect(gateway.listen).await.err()
    })
    .await;
}

/// Asks once more: a whole answer, and the connection closes.
async fn is_told_to_be_the_last(caller: &mut Caller) {
    caller.send(&Request::get("/v1/models").key(KEY)).await;
    let answer = caller.answer().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(caller.closed(SOON).await, b"");
}

async fn says_that_it_drains(gateway: &Gateway) {
    eventually("the gateway is not ready any more", async || {
        (gateway.get_admin("/readyz").await?.status == 503).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_has_not_heard_of_it_is_answered_and_told() {
    let folder = folder_of_mock("hello");
    let mut gateway = Gateway::serving(&folder).await;
    let mut idle = gateway.connect().await;
    idle.send(&Request::chat(KEY, "fast")).await;
    assert_eq!(idle.answer().await.header("connection"), None);
    let mut fresh = gateway.connect().await;
    gateway.terminate();
    says_that_it_drains(&gateway).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    is_told_to_be_the_last(&mut idle).await;
    let mut late = gateway.connect().await;
    is_told_to_be_the_last(&mut late).await;
    assert_eq!(gateway.ended(), None);
    is_told_to_be_the_last(&mut fresh).await;
    let (status, took) = gateway.wait_for_end().await;
    assert!(status.success() && took < SOON, "{status} {took:?}");
}

/// Asks again and again until told to stop, on one connection as long as it lasts, with so much time in
/// between. How many answers there were, or what failed.
async fn asks_on(
    ready: Arc<Mutex<Vec<SocketAddr>>>,
    enough: Arc<AtomicBool>,
    pause: Duration,
) -> Result<usize, String> {
    let mut open = None;
    let mut answers = 0;
    while !enough.load(Ordering::Relaxed) {
        let mut caller = match open.take() {
            Some(caller) => caller,
            None => {
                // Nobody is sent to a gateway that has been told to stop.
                let ready = ready.lock().await;
                let to = ready[answers % ready.len()];
                let caller = Caller::try_connect(to).await;
                caller.map_err(|error| format!("{to}: {error}"))?
            }
        };
        let request = Request::chat(KEY, "fast").bytes();
        let sent = caller.send_bytes(&request).await;
        sent.map_err(|error| format!("not sent: {error}"))?;
        let Some(head) = caller.try_head().await else {
            return Err(format!("no answer after {answers}"));
        };
        let (body, end) = caller.rest_or_broken().await;
        if head.status != 200 || end.is_err() {
            let body = String::from_utf8_lossy(&body).into_owned();
            return Err(format!("{} {end:?} {body}", head.status));
        }
        answers += 1;
        if head.header("connection") != Some("close") {
            open = Some(caller);
        }
        tokio::time::sleep(pause).await;
    }
    Ok(answers)
}

#[tokio::test]
async fn restarts_in_turn_fail_no_request() {
    let folder = folder_of_mock("hello");
    let mut gateways = [
        Gateway::serving(&folder).await,
        Gateway::serving(&folder).await,
    ];
    let addresses = gateways.iter().map(|gateway| gateway.listen).collect();
    let ready = Arc::new(Mutex::new(addresses));
    let enough = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..12)
        .map(|number| {
            let pause = Duration::from_millis(1 + 15 * number);
            tokio::spawn(asks_on(ready.clone(), enough.clone(), pause))
        })
        .collect();
    for round in 0..6 {
        let gateway = &mut gateways[round % 2];
        let told = gateway.listen;
        ready.lock().await.retain(|address| *address != told);
        gateway.terminate();
        let (status, _) = gateway.wait_for_end().await;
        assert!(status.success(), "{status}");
        *gateway = Gateway::serving(&folder).await;
        ready.lock().await.push(gateway.listen);
    }
    enough.store(true, Ordering::Relaxed);
    for caller in callers {
        let answers = caller.await.unwrap().unwrap();
        assert!(answers >= 6, "{answers}");
    }
}

#[tokio::test]
async fn what_is_under_way_finishes_and_at_last_nothing_new_begins() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let mut gateway = Gateway::serving(&folder).await;
    let (mut caller, mut call) = stream(&gateway, &mut upstream).await;
    let mut idle = gateway.connect().await;
    idle.send(&Request::get("/v1/models").key(KEY)).await;
    assert_eq!(idle.answer().await.status, 200);
    let mut fresh = gateway.connect().await;

    gateway.terminate();
    refuses_connections(&gateway).await;
    assert_eq!(idle.closed(SOON).await, b"");
    assert_eq!(fresh.closed(SOON).await, b"");
    let ready = gateway.get_admin("/readyz").await.unwrap();
    assert_eq!((ready.status, ready.text()), (503, "draining\n".into()));
    let live = gateway.get_admin("/livez").await.unwrap();
    assert_eq!(live.status, 200);
    for number in 0..5 {
        let event = event(&number.to_string());
        call.chunk(&event).await;
        assert_eq!(caller.exactly(event.len()).await, event.as_bytes());
        assert_eq!(gateway.ended(), None);
    }
    call.chunk(DONE).await;
    call.end().await;
    assert_eq!(caller.rest().await, DONE.as_bytes());
    // The stream's head could not say yet that the connection closes.
    is_told_to_be_the_last(&mut caller).await;
    let last = Instant::now();
    let (status, _) = gateway.wait_for_end().await;
    println!("ended {:?} after the last request", last.elapsed());
    assert!(status.success(), "{status}");
    assert!(last.elapsed() < SOON, "{:?}", last.elapsed());
    // The log is whole.
    let record = gateway.access.with("operation", "chat").await;
    assert_eq!(record["outcome"], "complete");
}

#[tokio::test]
async fn over_http2_too() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let mut gateway = Gateway::serving(&folder).await;
    let mut client = Client::h2c(gateway.listen).await;
    let (answer, mut call) = begun_over_http2(&client, &mut upstream, "first").await;
    let mut body = answer.into_body();
    assert_eq!(
        modern::next(&mut body).await.unwrap().unwrap(),
        event("first")
    );
    gateway.terminate();
    refuses_connections(&gateway).await;
    eventually("the connection takes no new request", async || {
        client
            .send(&Request::get("/v1/models").key(KEY))
            .await
            .err()
    })
    .await;
    call.chunk(DONE).await;
    call.end().await;
    assert_eq!(modern::next(&mut body).await.unwrap().unwrap(), DONE);
    assert_eq!(modern::next(&mut body).await.unwrap(), None);
    let (status, took) = gateway.wait_for_end().await;
    assert!(status.success(), "{status}");
    assert!(took < SOON, "{took:?}");
}

#[tokio::test]
async fn a_request_that_is_answered_while_draining_closes_its_connection() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let mut gateway = Gateway::serving(&folder).await;
    let mut caller = gateway.connect().await;
    caller.send(&Request::chat(KEY, "fast")).await;
    let call = upstream.call().await;
    gateway.terminate();
    refuses_connections(&gateway).await;
    call.answer(200, &weir_tests::upstream::completion("still"))
        .await;
    let answer = caller.answer().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(caller.closed(SOON).await, b"");
    let (status, took) = gateway.wait_for_end().await;
    assert!(status.success() && took < SOON, "{status} {took:?}");
}

#[tokio::test]
async fn the_drain_timeout_cuts_what_is_left() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let mut gateway = Start::on(folder.path())
        .flag("--drain-timeout", "700ms")
        .ready()
        .await;
    let (mut caller, call) = stream(&gateway, &mut upstream).await;
    let told = Instant::now();
    gateway.terminate();
    let (rest, end) = caller.rest_or_broken().await;
    let rest = String::from_utf8(rest).unwrap();
    assert!(
        told.elapsed() >= Duration::from_millis(700),
        "{:?}",
        told.elapsed()
    );
    assert!(
        end.is_err() || rest.contains("\"error\""),
        "a clean end: {rest:?}"
    );
    call.closed(SOON).await;
    let (status, _) = gateway.wait_for_end().await;
    assert!(status.success(), "{status}");
    assert!(
        told.elapsed() < Duration::from_millis(700) + SOON,
        "{:?}",
        told.elapsed()
    );
    gateway
        .log
        .record("what was cut is counted", |record| {
            record["cut"] == json!(1)
        })
        .await;
    gateway.access.with("outcome", "shutdown").await;
}

#[tokio::test]
async fn a_second_signal_cuts_at_once() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let mut gateway = Gateway::serving(&folder).await;
    let (_caller, _call) = stream(&gateway, &mut upstream).await;
    gateway.terminate();
    says_that_it_drains(&gateway).await;
    assert_eq!(gateway.ended(), None);
    gateway.terminate();
    let (status, took) = gateway.wait_for_end().await;
    assert!(status.success() && took < SOON, "{status} {took:?}");
}

#[tokio::test]
async fn with_nobody_connected_it_ends_at_once() {
    let folder = folder_of_mock("hello");
    let mut gateway = Gateway::serving(&folder).await;
    gateway.assert_serves(KEY, "fast").await;
    gateway.terminate();
    let (status, took) = gateway.wait_for_end().await;
    assert!(status.success() && took < SOON, "{status} {took:?}");
}

#[tokio::test]
async fn who_is_connected_and_says_nothing_holds_it_up_for_the_linger() {
    let folder = folder_of_mock("hello");
    let mut gateway = Gateway::serving(&folder).await;
    let mut idle = gateway.connect().await;
    gateway.assert_serves(KEY, "fast").await;
    gateway.terminate();
    assert_eq!(idle.closed(LINGER + SOON).await, b"");
    let (status, took) = gateway.wait_for_end().await;
    assert!(status.success() && took < SOON, "{status} {took:?}");
}

#[tokio::test]
async fn a_stream_that_the_drain_timeout_ends_says_so() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let mut gateway = Start::on(folder.path())
        .flag("--drain-timeout", "2s")
        .ready()
        .await;
    let (mut caller, mut call) = stream(&gateway, &mut upstream).await;
    gateway.terminate();
    refuses_connections(&gateway).await;
    let second = event("second");
    call.chunk(&second).await;
    let (rest, end) = caller.rest_or_broken().await;
    assert_eq!(end, Ok(()));
    let error = r#"data: {"error":{"message":"The gateway stops, and can't wait for the rest of the stream.","type":"server_error","param":null,"code":"shutting_down"}}"#;
    assert_eq!(
        String::from_utf8(rest).unwrap(),
        format!("{second}{error}\n\n")
    );
    call.closed(SOON).await;
    let (status, _) = gateway.wait_for_end().await;
    assert!(status.success(), "{status}");
    gateway.access.with("outcome", "shutdown").await;
}
