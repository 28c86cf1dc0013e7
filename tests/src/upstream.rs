//! A provider that does what a test says, byte for byte, over HTTP/1.1 in plain text.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::caller::find;
use crate::wait::{soon, within};

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// From the request line to the empty line.
    pub head: String,
    /// The body, which has to have a content-length.
    pub body: Vec<u8>,
}

impl Seen {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The provider. It listens as long as this value lives.
#[derive(Debug)]
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    calls: UnboundedReceiver<Call>,
    connections: Arc<AtomicUsize>,
    listening: JoinHandle<()>,
}

/// A request that waits for its answer. Dropping it closes the connection.
#[derive(Debug)]
pub struct Call {
    /// The request.
    pub seen: Seen,
    connection: Connection,
    calls: UnboundedSender<Call>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What answers requests without a test's hand.
type Reply = Arc<dyn Fn(&Seen) -> Vec<u8> + Send + Sync>;

impl Upstream {
    /// One whose requests wait for the test.
    ///
    /// # Panics
    /// There is no port.
    pub async fn scripted() -> Self {
        Self::listen(None).await
    }

    /// One that answers by itself: `reply` gives the bytes that go over the wire.
    ///
    /// # Panics
    /// There is no port.
    pub async fn replying(reply: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::listen(Some(Arc::new(reply))).await
    }

    async fn listen(reply: Option<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (send, calls) = unbounded_channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let _ = stream.set_nodelay(true);
                let connection = Connection {
                    stream,
                    buffer: Vec::new(),
                };
                match reply.clone() {
                    None => connection.wait_for_call(send.clone()),
                    Some(reply) => {
                        tokio::spawn(connection.reply(reply));
                    }
                }
            }
        });
        Self {
            address,
            calls,
            connections,
            listening,
        }
    }

    /// The next request.
    ///
    /// # Panics
    /// None comes.
    pub async fn call(&mut self) -> Call {
        soon("the provider is called", self.calls.recv())
            .await
            .unwrap()
    }

    /// Connections that were made so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Whether a request waits that no test took.
    pub fn was_called(&mut self) -> bool {
        self.calls.try_recv().is_ok()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Connection {
    fn wait_for_call(mut self, calls: UnboundedSender<Call>) {
        tokio::spawn(async move {
            if let Some(seen) = self.read().await {
                // The test may be over.
                let _ = calls.clone().send(Call {
                    seen,
                    connection: self,
                    calls,
                });
            }
        });
    }

    async fn reply(mut self, reply: Reply) {
        while let Some(seen) = self.read().await {
            if self.stream.write_all(&reply(&seen)).await.is_err() {
                return;
            }
        }
    }

    async fn read(&mut self) -> Option<Seen> {
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
                break String::from_utf8(head).unwrap();
            }
            self.fill().await?;
        };
        let mut seen = Seen {
            head,
            body: Vec::new(),
        };
        let length = seen
            .header("content-length")
            .map_or(0, |n| n.parse().unwrap());
        while self.buffer.len() < length {
            self.fill().await?;
        }
        seen.body = self.buffer.drain(..length).collect();
        Some(seen)
    }

    async fn fill(&mut self) -> Option<()> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(()),
        }
    }
}

impl Call {
    /// Sends bytes as they are.
    ///
    /// # Panics
    /// The gateway does not take them.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.unwrap();
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The gateway has left.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let sending = self.connection.stream.write_all(bytes.as_ref());
        soon("the gateway reads", sending).await
    }

    /// Begins a chunked stream of events.
    ///
    /// # Panics
    /// As [`Call::send`].
    pub async fn begin_stream(&mut self) {
        self.send(STREAM_HEAD).await;
    }

    /// Sends one chunk.
    ///
    /// # Panics
    /// As [`Call::send`].
    pub async fn chunk(&mut self, bytes: impl AsRef<[u8]>) {
        self.send(chunk(bytes)).await;
    }

    /// Ends a chunked body, and keeps the connection for the next request.
    ///
    /// # Panics
    /// As [`Call::send`].
    pub async fn end(mut self) {
        self.send("0\r\n\r\n").await;
        self.keep();
    }

    /// Answers with a body of JSON, and keeps the connection.
    ///
    /// # Panics
    /// As [`Call::send`].
    pub async fn answer(mut self, status: u16, body: &str) {
        self.send(answer(status, &[], body)).await;
        self.keep();
    }

    /// Keeps the connection for the next request.
    pub fn keep(self) {
        self.connection.wait_for_call(self.calls);
    }

    /// Waits until the gateway closes the connection.
    ///
    /// # Panics
    /// It does not within `most`, or sends something more.
    pub async fn closed(mut self, most: Duration) {
        within(most, "the gateway ends the call", async {
            while self.connection.fill().await.is_some() {}
        })
        .await;
        assert_eq!(self.connection.buffer, b"");
    }

    /// Cuts the connection with a reset.
    ///
    /// # Panics
    /// It is gone.
    pub fn reset(self) {
        let socket = SockRef::from(&self.connection.stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Closes the connection, as a process that ends does.
    pub fn hang_up(self) {}
}

/// The head of a chunked stream of events.
pub const STREAM_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// A chunk as it goes over the wire.
#[must_use]
pub fn chunk(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    let size = format!("{:x}\r\n", bytes.len());
    [size.as_bytes(), bytes, b"\r\n"].concat()
}

/// An answer of JSON as it goes over the wire.
#[must_use]
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {status} Because\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.push_str(body);
    head.into_bytes()
}

/// A stream of these events as it goes over the wire, each in a chunk of its own.
#[must_use]
pub fn stream(events: &[String]) -> Vec<u8> {
    let mut bytes = STREAM_HEAD.as_bytes().to_vec();
    for event in events {
        bytes.extend(chunk(event));
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// A plain chat's answer that says this.
#[must_use]
pub fn completion(text: &str) -> String {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "upstream",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    })
    .to_string()
}

/// An event of a streamed chat that says this.
#[must_use]
pub fn event(text: &str) -> String {
    let delta = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "upstream",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}],
    });
    format!("data: {delta}\n\n")
}

/// The event that ends a stream.
pub const DONE: &str = "data: [DONE]\n\n";
