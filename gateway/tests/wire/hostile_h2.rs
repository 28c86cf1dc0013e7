//! HTTP/2 in raw frames: floods and dribbles.
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use weir_gateway::wire::{ServerConfig, ServerHandle};

use crate::support::{Caller, config, full, post, serve, soon, target, until, upstreams, whole};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:method GET`, `:scheme http`, `:path /` of HPACK's static table, and an authority of "a".
const GET: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'a'];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

async fn open(server: &ServerHandle) -> Caller {
    let mut caller = Caller::connect(server.local_addr()).await;
    caller
        .send(PREFACE)
        .await
        .send(frame(SETTINGS, 0, 0, &[]))
        .await;
    caller
}

/// Writes frames until the server has had enough and closes the connection.
async fn flood(mut caller: Caller, mut next: impl FnMut(u32) -> Vec<u8>) {
    let (mut read, mut write) = caller.tcp.split();
    let writing = async {
        for number in 0..2_000_000 {
            if write.write_all(&next(number)).await.is_err() {
                return;
            }
        }
        panic!("the server takes everything");
    };
    let reading = async {
        // A reset says the same as an end here.
        let _ = read.read_to_end(&mut Vec::new()).await;
    };
    soon(async {
        tokio::select! {
            () = writing => {}
            () = reading => {}
        }
    })
    .await;
}

async fn serves_on(server: &ServerHandle) {
    let answer = soon(upstreams().send(&target(server.local_addr()), post("")))
        .await
        .unwrap();
    assert_eq!(whole(answer.body).await.as_deref(), Ok("served"));
}

#[tokio::test]
async fn streams_that_are_reset_at_once_end_the_connection() {
    let server = serve(config(), |_| async { std::future::pending().await });
    let caller = open(&server).await;
    flood(caller, |number| {
        let stream = 2 * number + 1;
        let open = frame(HEADERS, END_STREAM | END_HEADERS, stream, GET);
        [open, frame(RST_STREAM, 0, stream, &8u32.to_be_bytes())].concat()
    })
    .await;
}

#[tokio::test]
async fn a_head_without_end_ends_the_connection() {
    let server = serve(config(), |_| async { full("served") });
    let mut caller = open(&server).await;
    caller.send(frame(HEADERS, END_STREAM, 1, GET)).await;
    let field = [&[0x00, 1, b'x', 100][..], &[b'y'; 100]]
        .concat()
        .repeat(10);
    flood(caller, |_| frame(CONTINUATION, 0, 1, &field)).await;
    serves_on(&server).await;
}

#[tokio::test]
async fn streams_beyond_the_bound_are_refused() {
    let config = ServerConfig {
        max_streams: 3,
        ..config()
    };
    let server = serve(config, |_| async { std::future::pending().await });
    let mut caller = open(&server).await;
    for stream in [1, 3, 5, 7] {
        caller
            .send(frame(HEADERS, END_STREAM | END_HEADERS, stream, GET))
            .await;
    }
    // REFUSED_STREAM for the fourth, and for no other.
    let refused = frame(RST_STREAM, 0, 7, &7u32.to_be_bytes());
    let mut came = Vec::new();
    while !came.windows(refused.len()).any(|window| window == refused) {
        assert_ne!(
            soon(caller.tcp.read_buf(&mut came)).await.unwrap(),
            0,
            "{came:?}"
        );
    }
    until(|| server.requests() == 3).await;
}

#[tokio::test]
async fn a_preface_that_comes_in_parts_is_one() {
    let server = serve(config(), |_| async { full("served") });
    let mut caller = Caller::connect(server.local_addr()).await;
    // All that a head of HTTP/1.1 would end with, and some more.
    caller.send(&PREFACE[..19]).await;
    for at in 19..PREFACE.len() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        caller.send(&PREFACE[at..=at]).await;
    }
    caller.send(frame(SETTINGS, 0, 0, &[])).await;
    // The server's own settings, which its preface begins with.
    let mut head = [0; 5];
    soon(caller.tcp.read_exact(&mut head)).await.unwrap();
    assert_eq!(head[3..], [SETTINGS, 0]);
}

#[tokio::test]
async fn a_preface_or_a_head_that_dribbles_is_cut_off() {
    let header_timeout = Duration::from_millis(200);
    let server = serve(
        ServerConfig {
            header_timeout,
            ..config()
        },
        |_| async { full("served") },
    );
    let mut caller = Caller::connect(server.local_addr()).await;
    caller.send(&PREFACE[..20]).await;
    assert_eq!(caller.rest().await.unwrap(), "");

    let mut caller = open(&server).await;
    // Never answers a ping, for it would have to finish its frame first.
    caller
        .send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, GET)[..12])
        .await;
    let mut came = Vec::new();
    let _ = soon(caller.tcp.read_to_end(&mut came)).await;
    serves_on(&server).await;
}

/// An answer of which its caller takes nothing holds neither its connection nor a drain.
#[tokio::test]
async fn a_caller_without_a_window_is_left() {
    let moment = Duration::from_millis(200);
    let config = ServerConfig {
        write_idle: moment,
        idle_timeout: moment,
        ..config()
    };
    let server = serve(config, |_| async { full(vec![b'x'; 100_000]) });
    let mut caller = Caller::connect(server.local_addr()).await;
    let no_window = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    caller.send(PREFACE).await.send(no_window).await;
    caller
        .send(frame(HEADERS, END_STREAM | END_HEADERS, 1, GET))
        .await;
    until(|| server.requests() == 1).await;
    until(|| server.requests() == 0).await;
    let _ = soon(caller.tcp.read_to_end(&mut Vec::new())).await;
    until(|| server.connections() == 0).await;
}

/// Neither the one that is told to leave, nor the one that comes while the server drains.
#[tokio::test]
async fn callers_that_answer_nothing_do_not_hold_a_drain_for_long() {
    let config = ServerConfig {
        linger: Duration::from_millis(500),
        ..config()
    };
    let server = serve(config, |_| async { full("served") });
    let address = server.local_addr();
    let mut known = open(&server).await;
    known
        .send(frame(HEADERS, END_STREAM | END_HEADERS, 1, GET))
        .await;
    let mut came = Vec::new();
    while !came.windows(6).any(|window| window == b"served") {
        assert_ne!(soon(known.tcp.read_buf(&mut came)).await.unwrap(), 0);
    }
    let draining = tokio::spawn(server.drain(std::future::pending()));
    let mut late = Caller::connect(address).await;
    late.send(PREFACE)
        .await
        .send(frame(SETTINGS, 0, 0, &[]))
        .await;
    for caller in [&mut known, &mut late] {
        let _ = soon(caller.tcp.read_to_end(&mut Vec::new())).await;
    }
    assert_eq!(soon(draining).await.unwrap().cut, 0);
}

#[tokio::test]
async fn a_body_of_empty_frames_is_given_up() {
    const DATA: u8 = 0;
    let config = ServerConfig {
        body_idle: Duration::from_millis(300),
        ..config()
    };
    let server = serve(config, |mut request| async move {
        full(format!("{:?}", request.body.collect(1000).await))
    });
    let mut caller = open(&server).await;
    caller.send(frame(HEADERS, END_HEADERS, 1, GET)).await;
    let (mut read, mut write) = caller.tcp.split();
    let dribble = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(60));
        loop {
            ticks.tick().await;
            let _ = write.write_all(&frame(DATA, 0, 1, &[])).await;
        }
    };
    let mut came = Vec::new();
    let reading = soon(async {
        while !came.windows(8).any(|window| window == b"TimedOut") {
            assert_ne!(read.read_buf(&mut came).await.unwrap(), 0);
        }
    });
    tokio::select! {
        () = dribble => {}
        () = reading => {}
    }
}
