//! SIGTERM: nothing new is taken, what is under way finishes, and then the process ends.

use std::time::{Duration, Instant};

use serde_json::json;
use weir_tests::gateway::Start;
use weir_tests::modern::{self, Client};
use weir_tests::upstream::{DONE, event};
use weir_tests::wait::eventually;
use weir_tests::{Caller, Gateway, Request, Upstream};

use crate::common::{KEY, begun_over_http2, folder_of_mock, folder_to};

/// From the end of the last request to that of the process.
const SOON: Duration = Duration::from_secs(3);

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

#[tokio::test]
async fn what_is_under_way_finishes_and_nothing_new_begins() {
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
    let last = Instant::now();
    assert_eq!(caller.closed(SOON).await, b"");
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
    refuses_connections(&gateway).await;
    assert_eq!(gateway.ended(), None);
    gateway.terminate();
    let (status, took) = gateway.wait_for_end().await;
    assert!(status.success() && took < SOON, "{status} {took:?}");
}

#[tokio::test]
async fn with_nothing_under_way_it_ends_at_once() {
    let folder = folder_of_mock("hello");
    let mut gateway = Gateway::serving(&folder).await;
    gateway.assert_serves(KEY, "fast").await;
    let _idle = gateway.connect().await;
    gateway.terminate();
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
