//! Beyond its bounds the gateway refuses, with when to come back, and serves on.

use serde_json::json;
use tokio::task::JoinSet;
use weir_tests::gateway::Start;
use weir_tests::limits::{open_files, resident_bytes};
use weir_tests::upstream::{DONE, answer, completion, event};
use weir_tests::wait::eventually;
use weir_tests::{Answer, Caller, Gateway, Request, Upstream};

use crate::common::{KEY, folder_of_mock, folder_to, said};

const MIB: u64 = 1 << 20;

fn busy(answer: &Answer, code: &str) {
    assert_eq!((answer.status, answer.code()), (503, code.into()));
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn requests_beyond_their_number_are_told_to_come_back() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Start::on(folder.path())
        .flag("--max-requests", "2")
        .ready()
        .await;
    let mut callers = Vec::new();
    let mut calls = Vec::new();
    for _ in 0..2 {
        let mut caller = gateway.connect().await;
        caller.send(&Request::stream(KEY, "fast")).await;
        let mut call = upstream.call().await;
        call.begin_stream().await;
        call.chunk(event("one")).await;
        caller.head().await;
        callers.push(caller);
        calls.push(call);
    }
    busy(&gateway.chat(KEY, "fast").await, "overloaded");
    assert_eq!(gateway.metric("weir_requests_in_flight").await, Some(2.0));
    for mut call in calls {
        call.chunk(DONE).await;
        call.end().await;
    }
    for caller in &mut callers {
        caller.rest().await;
    }
    let mut caller = gateway.connect().await;
    caller.send(&Request::chat(KEY, "fast")).await;
    upstream
        .call()
        .await
        .answer(200, &completion("again"))
        .await;
    assert_eq!(said(&caller.answer().await), "again");
    eventually("every seat is free", async || {
        (gateway.metric("weir_requests_in_flight").await == Some(0.0)).then_some(())
    })
    .await;
}

/// A chat whose body has this many bytes.
fn chat_of(bytes: usize) -> Request {
    let start = r#"{"model":"fast","messages":[{"role":"user","content":""#;
    let end = r#""}]}"#;
    let text = "x".repeat(bytes - start.len() - end.len());
    Request::post("/v1/chat/completions", KEY, format!("{start}{text}{end}"))
}

#[tokio::test]
async fn bodies_beyond_what_may_be_held_are_told_to_come_back() {
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Start::on(folder.path())
        .flag("--max-body-bytes", "100Ki")
        .flag("--max-buffered-bytes", "128Ki")
        .ready()
        .await;
    let mut caller = gateway.connect().await;
    caller.send(&chat_of(100 << 10)).await;
    let call = upstream.call().await;
    assert_eq!(call.seen.body.len(), 100 << 10);
    busy(&gateway.ask(&chat_of(100 << 10)).await, "buffers_full");
    // What fits is served meanwhile.
    let mut small = gateway.connect().await;
    small.send(&chat_of(1 << 10)).await;
    upstream
        .call()
        .await
        .answer(200, &completion("small"))
        .await;
    assert_eq!(said(&small.answer().await), "small");
    call.answer(200, &completion("large")).await;
    assert_eq!(said(&caller.answer().await), "large");
    eventually("nothing is held", async || {
        (gateway.metric("weir_buffered_bytes").await == Some(0.0)).then_some(())
    })
    .await;
    caller.send(&chat_of(100 << 10)).await;
    upstream
        .call()
        .await
        .answer(200, &completion("large again"))
        .await;
    assert_eq!(said(&caller.answer().await), "large again");
}

#[tokio::test]
async fn connections_beyond_their_number_are_told_to_come_back() {
    let folder = folder_of_mock("hello");
    let gateway = Start::on(folder.path())
        .flag("--max-connections", "4")
        .ready()
        .await;
    let mut first = Vec::new();
    for _ in 0..4 {
        let mut caller = gateway.connect().await;
        caller.send(&Request::chat(KEY, "fast")).await;
        assert_eq!(said(&caller.answer().await), "hello");
        first.push(caller);
    }
    let mut further = gateway.connect().await;
    further.send(&Request::chat(KEY, "fast")).await;
    busy(&further.answer().await, "too_many_connections");
    for caller in &mut first {
        caller.send(&Request::chat(KEY, "fast")).await;
        assert_eq!(said(&caller.answer().await), "hello");
    }
    first.pop();
    eventually("there is room again", async || {
        (gateway.chat(KEY, "fast").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_at_the_limit_leave_memory_bounded() {
    let upstream = Upstream::replying(|_| answer(200, &[], &completion("read"))).await;
    let folder = folder_to(upstream.address);
    let gateway = Start::on(folder.path())
        .flag("--max-body-bytes", "8Mi")
        .flag("--max-buffered-bytes", "64Mi")
        .ready()
        .await;
    let before = resident_bytes(gateway.pid());
    let mut callers = JoinSet::new();
    let bytes = std::sync::Arc::new(chat_of(8 << 20).bytes());
    for _ in 0..32 {
        let (listen, bytes) = (gateway.listen, std::sync::Arc::clone(&bytes));
        callers.spawn(async move {
            let mut caller = Caller::connect(listen).await;
            // Who is refused may not be read to the end.
            let _ = caller.send_bytes(&bytes).await;
            caller.try_head().await.map(|answer| answer.status)
        });
    }
    let mut most = before;
    let mut statuses = Vec::new();
    while let Some(status) = callers.join_next().await {
        statuses.push(status.unwrap());
        most = most.max(resident_bytes(gateway.pid()));
    }
    let served = statuses
        .iter()
        .filter(|status| **status == Some(200))
        .count();
    println!(
        "32 bodies of 8 MiB at once, 64 MiB may be held: {served} served, memory from {} to at most {} MiB",
        before / MIB,
        most / MIB
    );
    assert!(served > 0, "{statuses:?}");
    assert!(
        statuses
            .iter()
            .all(|status| matches!(status, Some(200 | 503) | None)),
        "{statuses:?}"
    );
    assert!(most < before + 256 * MIB, "{most}");
    let mut caller = gateway.connect().await;
    caller.send(&Request::chat(KEY, "fast")).await;
    assert_eq!(said(&caller.answer().await), "read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_leave_memory_bounded() {
    let allowed = open_files(20_000);
    // Other tests of this process need some too.
    let count = usize::try_from(allowed.saturating_sub(6_000).min(10_000)).unwrap();
    if count < 10_000 {
        println!(
            "only {allowed} open files are allowed here: {count} connections instead of 10,000"
        );
    }
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    gateway.assert_serves(KEY, "fast").await;
    let before = resident_bytes(gateway.pid());
    let mut callers = Vec::with_capacity(count);
    for number in 0..count {
        let mut caller = gateway.connect().await;
        if number % 2 == 0 {
            // Half of them have asked once, and are kept.
            caller.send(&Request::get("/v1/models").key(KEY)).await;
            assert_eq!(caller.answer().await.status, 200);
        }
        callers.push(caller);
    }
    let open = f64::from(u32::try_from(count).unwrap());
    eventually("every connection is counted", async || {
        (gateway.metric("weir_connections").await? >= open).then_some(())
    })
    .await;
    let after = resident_bytes(gateway.pid());
    let grown = after.saturating_sub(before);
    println!(
        "{count} idle connections: {} to {} MiB, {} bytes each",
        before / MIB,
        after / MIB,
        grown / u64::try_from(count).unwrap()
    );
    assert!(grown < 300 * MIB, "{grown}");
    gateway.assert_serves(KEY, "fast").await;
    let last = callers.last_mut().unwrap();
    last.send(&Request::chat(KEY, "fast")).await;
    assert_eq!(said(&last.answer().await), "hello");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_streams_at_once_leave_memory_bounded() {
    let allowed = open_files(20_000);
    let count = usize::try_from((allowed / 8).min(2_000)).unwrap();
    if count < 2_000 {
        println!("only {allowed} open files are allowed here: {count} streams instead of 2,000");
    }
    let mut upstream = Upstream::scripted().await;
    let folder = folder_to(upstream.address);
    let gateway = Gateway::serving(&folder).await;
    let before = resident_bytes(gateway.pid());
    let mut streams = Vec::with_capacity(count);
    let first = event("first");
    for _ in 0..count {
        let mut caller = gateway.connect().await;
        caller.send(&Request::stream(KEY, "fast")).await;
        let mut call = upstream.call().await;
        call.begin_stream().await;
        call.chunk(&first).await;
        assert_eq!(caller.head().await.status, 200);
        assert_eq!(caller.exactly(first.len()).await, first.as_bytes());
        streams.push((caller, call));
    }
    let all = f64::from(u32::try_from(count).unwrap());
    assert_eq!(gateway.metric("weir_requests_in_flight").await, Some(all));
    let after = resident_bytes(gateway.pid());
    let grown = after.saturating_sub(before);
    println!(
        "{count} streams at once: {} to {} MiB, {} bytes each",
        before / MIB,
        after / MIB,
        grown / u64::try_from(count).unwrap()
    );
    assert!(grown < 300 * MIB, "{grown}");
    // All of them go on, and end.
    for (caller, call) in &mut streams {
        call.chunk(event("second")).await;
        assert_eq!(
            caller.exactly(event("second").len()).await,
            event("second").as_bytes()
        );
    }
    for (mut caller, mut call) in streams {
        call.chunk(DONE).await;
        call.end().await;
        assert_eq!(caller.rest().await, DONE.as_bytes());
    }
    let served = format!(
        "weir_requests_total{{route=\"team/chat\",provider=\"team/openai\",operation=\"chat\",status=\"200\",outcome=\"complete\"}} {count}"
    );
    // No usage was told: each is counted before its request is.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let text = gateway.metrics().await;
        if text.lines().any(|line| line == served) {
            break;
        }
        assert!(std::time::Instant::now() < until, "{}", json!(text));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
