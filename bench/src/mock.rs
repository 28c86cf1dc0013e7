//! The provider that both proxies talk to: as little work as HTTP/1.1 allows, on a thread of its own.
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::http::{content_length, head_end};

/// How a streamed answer goes out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Streaming {
    /// Chunks of an answer, `[DONE]` not counted.
    pub(crate) chunks: usize,
    /// Between two chunks.
    pub(crate) interval: Duration,
}

/// What the mock has served.
#[derive(Debug, Default)]
pub(crate) struct Served {
    pub(crate) requests: AtomicU64,
    pub(crate) chunks: AtomicU64,
}

/// The running mock.
#[derive(Debug)]
pub(crate) struct Mock {
    pub(crate) address: SocketAddr,
    pub(crate) served: Arc<Served>,
}

/// Starts it on a free port.
pub(crate) fn start(streaming: Streaming) -> io::Result<Mock> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let served = Arc::new(Served::default());
    let counts = served.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("mock".to_owned())
        .spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = TcpListener::from_std(listener) else {
                    return;
                };
                while let Ok((tcp, _)) = listener.accept().await {
                    let counts = counts.clone();
                    tokio::spawn(async move {
                        // A proxy that closes a connection ends it; there is nothing to report.
                        let _ = serve(tcp, streaming, &counts).await;
                    });
                }
            });
        })?;
    Ok(Mock { address, served })
}

async fn serve(mut tcp: TcpStream, streaming: Streaming, served: &Served) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let plain = [plain_answer(), plain_message()];
    let mut input = BytesMut::with_capacity(64 * 1024);
    loop {
        let end = loop {
            if let Some(end) = head_end(&input) {
                break end;
            }
            if tcp.read_buf(&mut input).await? == 0 {
                return Ok(());
            }
        };
        let length = content_length(&input[..end]).unwrap_or(0);
        while input.len() < end + length {
            if tcp.read_buf(&mut input).await? == 0 {
                return Ok(());
            }
        }
        let (head, body) = input[..end + length].split_at(end);
        let messages = head.starts_with(b"POST /v1/messages");
        let streams = memmem::find(body, b"\"stream\":true").is_some();
        // As OpenAI does, it tells what was used where that is asked for.
        let tells = memmem::find(body, b"\"include_usage\":true").is_some();
        input.advance(end + length);
        input.reserve(64 * 1024);
        served.requests.fetch_add(1, Ordering::Relaxed);
        if streams {
            let events = if messages {
                Events::messages()
            } else {
                Events::chat(tells)
            };
            stream(&mut tcp, &events, streaming, served).await?;
        } else {
            tcp.write_all(&plain[usize::from(messages)]).await?;
        }
    }
}

/// The events of a stream, as they are sent.
struct Events {
    first: Vec<u8>,
    /// The one that is repeated.
    each: Vec<u8>,
    last: Vec<u8>,
}

impl Events {
    fn chat(tells: bool) -> Self {
        let usage = "data: {\"id\":\"chatcmpl-0123456789abcdefghijklmn\",\"object\":\"chat.completion.chunk\",\
            \"created\":1760000000,\"model\":\"bench\",\"choices\":[],\"usage\":{\"prompt_tokens\":250,\
            \"completion_tokens\":100,\"total_tokens\":350}}\n\n";
        let last = if tells {
            [&*coded(usage.as_bytes()), &*coded(b"data: [DONE]\n\n")].concat()
        } else {
            coded(b"data: [DONE]\n\n")
        };
        Self {
            first: Vec::new(),
            each: coded(&event()),
            last,
        }
    }

    /// As <https://docs.claude.com/en/docs/build-with-claude/streaming> shows them.
    fn messages() -> Self {
        let event = |kind: &str, rest: &str| {
            format!("event: {kind}\ndata: {{\"type\":\"{kind}\",{rest}}}\n\n").into_bytes()
        };
        let start = "\"message\":{\"id\":\"msg_0123456789abcdefghijklmn\",\"type\":\"message\",\"role\":\"assistant\",\
            \"content\":[],\"model\":\"claude\",\"stop_reason\":null,\"stop_sequence\":null,\
            \"usage\":{\"input_tokens\":250,\"output_tokens\":1}}";
        let block = "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}";
        let delta = "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" word\"}";
        let stop = "\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":100}";
        let end = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        Self {
            first: [
                coded(&event("message_start", start)),
                coded(&event("content_block_start", block)),
            ]
            .concat(),
            each: coded(&event("content_block_delta", delta)),
            last: [
                coded(&event("content_block_stop", "\"index\":0")),
                coded(&event("message_delta", stop)),
                coded(end),
            ]
            .concat(),
        }
    }
}

async fn stream(
    tcp: &mut TcpStream,
    events: &Events,
    streaming: Streaming,
    served: &Served,
) -> io::Result<()> {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\
        x-request-id: req_0123456789abcdef\r\ntransfer-encoding: chunked\r\n\r\n";
    tcp.write_all(head).await?;
    tcp.write_all(&events.first).await?;
    let mut ticks = tokio::time::interval(streaming.interval.max(Duration::from_micros(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for _ in 0..streaming.chunks {
        if !streaming.interval.is_zero() {
            ticks.tick().await;
        }
        tcp.write_all(&events.each).await?;
        served.chunks.fetch_add(1, Ordering::Relaxed);
    }
    tcp.write_all(&[&*events.last, b"0\r\n\r\n"].concat()).await
}

/// A chunk of a chat as OpenAI sends it, about 200 bytes.
fn event() -> Vec<u8> {
    b"data: {\"id\":\"chatcmpl-0123456789abcdefghijklmn\",\"object\":\"chat.completion.chunk\",\
      \"created\":1760000000,\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\
      \"finish_reason\":null}]}\n\n"
        .to_vec()
}

fn coded(data: &[u8]) -> Vec<u8> {
    let mut coded = format!("{:x}\r\n", data.len()).into_bytes();
    coded.extend_from_slice(data);
    coded.extend_from_slice(b"\r\n");
    coded
}

/// A plain answer of about 1 KB.
fn plain_answer() -> Vec<u8> {
    let content = "A weir holds water back and lets it through. ".repeat(16);
    let body = format!(
        "{{\"id\":\"chatcmpl-0123456789abcdefghijklmn\",\"object\":\"chat.completion\",\
         \"created\":1760000000,\"model\":\"bench\",\"choices\":[{{\"index\":0,\"message\":\
         {{\"role\":\"assistant\",\"content\":\"{content}\"}},\"finish_reason\":\"stop\"}}],\
         \"usage\":{{\"prompt_tokens\":20,\"completion_tokens\":160,\"total_tokens\":180}}}}"
    );
    answer(&body)
}

/// The same as one of Anthropic's.
fn plain_message() -> Vec<u8> {
    let content = "A weir holds water back and lets it through. ".repeat(16);
    answer(&format!(
        "{{\"id\":\"msg_0123456789abcdefghijklmn\",\"type\":\"message\",\"role\":\"assistant\",\
         \"model\":\"claude\",\"content\":[{{\"type\":\"text\",\"text\":\"{content}\"}}],\
         \"stop_reason\":\"end_turn\",\"stop_sequence\":null,\
         \"usage\":{{\"input_tokens\":20,\"output_tokens\":160}}}}"
    ))
}

fn answer(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_0123456789abcdef\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
