//! Callers that flood HTTP/2 with what costs them nothing.

use std::time::Duration;

use weir_tests::limits::resident_bytes;
use weir_tests::{Caller, Gateway};

use crate::common::{KEY, folder_of_mock};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The most that a flood may cost, in bytes of memory.
const COST: u64 = 256 << 20;
/// The most that is sent in one flood.
const SENT: usize = 64 << 20;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

/// A frame (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head[..], payload].concat()
}

/// `POST http://weir/`, in fields of the static table and a literal (RFC 7541 appendix A).
fn request() -> Vec<u8> {
    [&[0x83, 0x86, 0x84, 0x01, 4][..], b"weir"].concat()
}

/// Floods a connection with what `next` gives, until it is closed or there was enough; then the
/// gateway has to serve on, and its memory to be bounded.
async fn flood(what: &str, next: impl Fn(u32) -> Vec<u8>) {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    gateway.assert_serves(KEY, "fast").await;
    let before = resident_bytes(gateway.pid());
    let mut caller = gateway.connect().await;
    let start = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    caller.send_bytes(&start).await.unwrap();
    let mut sent = 0;
    let mut number = 0;
    while sent < SENT {
        let mut block = Vec::new();
        while block.len() < 64 << 10 {
            block.extend(next(number));
            number += 1;
        }
        // Nothing is read back: who floods does not listen.
        let sending = tokio::time::timeout(Duration::from_secs(1), try_send(&mut caller, &block));
        match sending.await {
            Ok(true) => sent += block.len(),
            // It was closed, or the gateway reads no more of it.
            Ok(false) | Err(_) => break,
        }
    }
    gateway.assert_serves(KEY, "fast").await;
    let after = resident_bytes(gateway.pid());
    let grown = after.saturating_sub(before);
    println!(
        "{what}: {sent} bytes, {number} times; memory grew by {} KiB",
        grown >> 10
    );
    assert!(grown < COST, "{what}: {grown}");
    drop(caller);
    gateway.assert_serves(KEY, "fast").await;
}

async fn try_send(caller: &mut Caller, bytes: &[u8]) -> bool {
    caller.send_bytes(bytes).await.is_ok()
}

#[tokio::test]
async fn requests_that_are_reset_at_once() {
    flood("rapid reset", |number| {
        let stream = 2 * number + 1;
        let open = frame(HEADERS, 0x4, stream, &request());
        [open, frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    })
    .await;
}

#[tokio::test]
async fn settings_and_pings_that_want_answers() {
    flood("settings", |_| frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0])).await;
    flood("pings", |_| frame(PING, 0, 0, b"12345678")).await;
}

#[tokio::test]
async fn a_head_that_is_continued_without_end() {
    flood("continuation", |number| {
        if number == 0 {
            return frame(HEADERS, 0, 1, &request());
        }
        // A literal field that is not indexed: "x: yyyy…".
        let field = [&[0, 1, b'x', 100][..], &[b'y'; 100]].concat();
        frame(CONTINUATION, 0, 1, &field.repeat(100))
    })
    .await;
}

#[tokio::test]
async fn streams_that_are_opened_and_left() {
    flood("open streams", |number| {
        let stream = 2 * number + 1;
        let open = frame(HEADERS, 0x4, stream, &request());
        [open, frame(WINDOW_UPDATE, 0, stream, &[0, 0, 0, 1])].concat()
    })
    .await;
}

#[tokio::test]
async fn frames_that_hold_nothing() {
    flood("empty data", |number| {
        if number == 0 {
            return frame(HEADERS, 0x4, 1, &request());
        }
        frame(DATA, 0, 1, &[])
    })
    .await;
}

#[tokio::test]
async fn frames_that_make_no_sense() {
    let folder = folder_of_mock("hello");
    let gateway = Gateway::serving(&folder).await;
    for bad in [
        frame(DATA, 0, 0, b"x"),
        frame(HEADERS, 0x4, 2, &request()),
        frame(HEADERS, 0x4, 1, &[0xff; 40]),
        frame(SETTINGS, 0, 1, &[]),
        frame(SETTINGS, 0, 0, &[0; 5]),
        frame(PING, 0, 0, b"short"),
        frame(RST_STREAM, 0, 99, &[0; 4]),
        frame(WINDOW_UPDATE, 0, 0, &[0; 4]),
        frame(CONTINUATION, 0, 1, &[]),
        vec![0xff; 200],
    ] {
        let mut caller = gateway.connect().await;
        let bytes = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &bad].concat();
        caller.send_bytes(&bytes).await.unwrap();
        caller.closed(Duration::from_secs(15)).await;
    }
    gateway.assert_serves(KEY, "fast").await;
}
