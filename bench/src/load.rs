//! The callers: connections that are kept, each sending its next request when the last is answered.
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::{content_length, head_end, is_chunked, status};

/// What to send, and how often.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// Connections at once.
    pub(crate) connections: usize,
    /// Requests over each.
    pub(crate) requests: usize,
    /// The path that is called.
    pub(crate) path: &'static str,
    /// The request's body.
    pub(crate) body: Vec<u8>,
    /// The key that the caller shows.
    pub(crate) key: String,
}

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Answers that were 200 and whole.
    pub(crate) good: u64,
    /// Answers that were not.
    pub(crate) bad: u64,
    /// Events of streams, `[DONE]` not counted.
    pub(crate) events: u64,
    /// How long each answer took, from the first byte sent to the last received.
    pub(crate) took: Vec<Duration>,
}

/// Runs it to its end, on the calling thread.
pub(crate) fn run(load: &Load, address: SocketAddr) -> io::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..load.connections {
            callers.spawn(call(load.clone(), address));
        }
        let mut all = Outcome::default();
        while let Some(outcome) = callers.join_next().await {
            let outcome = outcome.map_err(io::Error::other)??;
            all.good += outcome.good;
            all.bad += outcome.bad;
            all.events += outcome.events;
            all.took.extend(outcome.took);
        }
        Ok(all)
    })
}

async fn call(load: Load, address: SocketAddr) -> io::Result<Outcome> {
    let mut tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let mut request = format!(
        "POST {} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\naccept: application/json\r\n\
         user-agent: OpenAI/Python 2.0.0\r\ncontent-length: {}\r\n\r\n",
        load.path,
        load.key,
        load.body.len()
    )
    .into_bytes();
    request.extend_from_slice(&load.body);
    let mut outcome = Outcome::default();
    let mut input = BytesMut::with_capacity(64 * 1024);
    for _ in 0..load.requests {
        let start = Instant::now();
        tcp.write_all(&request).await?;
        let (status, events) = answer(&mut tcp, &mut input).await?;
        outcome.took.push(start.elapsed());
        outcome.events += events;
        if status == 200 {
            outcome.good += 1;
        } else {
            outcome.bad += 1;
        }
    }
    Ok(outcome)
}

/// Reads one answer to its end: its status, and how many events were in it.
async fn answer(tcp: &mut TcpStream, input: &mut BytesMut) -> io::Result<(u16, u64)> {
    let end = loop {
        if let Some(end) = head_end(input) {
            break end;
        }
        more(tcp, input).await?;
    };
    let (status, length) = (status(&input[..end]), content_length(&input[..end]));
    let chunked = is_chunked(&input[..end]);
    input.advance(end);
    if let Some(length) = length {
        while input.len() < length {
            more(tcp, input).await?;
        }
        input.advance(length);
        return Ok((status, 0));
    }
    if !chunked {
        return Err(io::Error::other("an answer without a length"));
    }
    let mut events = 0;
    loop {
        let (line, size) = loop {
            if let Some(line) = memchr::memchr(b'\n', input) {
                let size = input[..line].trim_ascii_end();
                let size = std::str::from_utf8(size)
                    .ok()
                    .and_then(|size| usize::from_str_radix(size, 16).ok());
                break (
                    line + 1,
                    size.ok_or_else(|| io::Error::other("a chunk without a size"))?,
                );
            }
            more(tcp, input).await?;
        };
        while input.len() < line + size + 2 {
            more(tcp, input).await?;
        }
        // Events are counted where they begin, so it matters not how a proxy has cut the chunks.
        events += memchr::memmem::find_iter(&input[line..line + size], b"data: {").count() as u64;
        input.advance(line + size + 2);
        if size == 0 {
            return Ok((status, events));
        }
    }
}

async fn more(tcp: &mut TcpStream, input: &mut BytesMut) -> io::Result<()> {
    input.reserve(16 * 1024);
    if tcp.read_buf(input).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}
