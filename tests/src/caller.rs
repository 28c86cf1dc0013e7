//! A caller on HTTP/1.1 that sends what a test says and sees each piece of an answer as it comes.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::wait::{soon, within};

/// A request; see [`Request::bytes`] for what goes over the wire.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The target.
    pub path: String,
    /// Headers, apart from `host` and `content-length`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Without headers and body.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self {
            method: "GET".into(),
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// With a body of JSON, and a key as OpenAI's SDKs send it.
    #[must_use]
    pub fn post(path: &str, key: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut request = Self::get(path).key(key);
        request.method = "POST".into();
        request.body = body.into();
        request.header("content-type", "application/json")
    }

    /// A plain chat.
    #[must_use]
    pub fn chat(key: &str, model: &str) -> Self {
        Self::post("/v1/chat/completions", key, chat(model).to_string())
    }

    /// A streamed chat.
    #[must_use]
    pub fn stream(key: &str, model: &str) -> Self {
        let mut body = chat(model);
        body["stream"] = true.into();
        Self::post("/v1/chat/completions", key, body.to_string())
    }

    /// A streamed chat whose caller wants to know its usage.
    #[must_use]
    pub fn stream_with_usage(key: &str, model: &str) -> Self {
        let mut body = chat(model);
        body["stream"] = true.into();
        body["stream_options"] = serde_json::json!({"include_usage": true});
        Self::post("/v1/chat/completions", key, body.to_string())
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With a key as OpenAI's SDKs send it.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    /// What goes over the wire.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: weir\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.method != "GET" {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

/// The body of a chat.
#[must_use]
pub fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hello?"}]})
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, its chunks joined. Empty where only the head was read.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// The `code` of the error in the body.
    ///
    /// # Panics
    /// The body is no error of OpenAI's shape.
    #[must_use]
    pub fn code(&self) -> String {
        let json = self.json();
        let error = json["error"].as_object().unwrap();
        let fields: Vec<&str> = error.keys().map(String::as_str).collect();
        assert_eq!(fields, ["code", "message", "param", "type"], "{json}");
        json["error"]["code"].as_str().unwrap_or("null").to_owned()
    }
}

/// An answer that broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer broke off")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Head,
    Length(usize),
    /// Bytes left of the chunk, if one has begun.
    Chunked(Option<usize>),
    Close,
}

/// A connection to the gateway.
#[derive(Debug)]
pub struct Caller {
    stream: TcpStream,
    buffer: Vec<u8>,
    framing: Framing,
}

impl Caller {
    /// A new connection.
    ///
    /// # Panics
    /// It is refused.
    pub async fn connect(to: SocketAddr) -> Self {
        Self::try_connect(to).await.unwrap()
    }

    /// A new connection, or why there is none.
    ///
    /// # Errors
    /// As the operating system says.
    pub async fn try_connect(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            framing: Framing::Head,
        })
    }

    /// The address of this end, as the access log's `peer` has it.
    ///
    /// # Panics
    /// The connection is gone.
    #[must_use]
    pub fn address(&self) -> String {
        self.stream.local_addr().unwrap().to_string()
    }

    /// Sends a request.
    ///
    /// # Panics
    /// The connection does not take it.
    pub async fn send(&mut self, request: &Request) {
        self.send_bytes(&request.bytes()).await.unwrap();
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The connection does not take them.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        soon("the gateway reads", self.stream.write_all(bytes)).await
    }

    /// Says that nothing more comes, and goes on reading.
    ///
    /// # Panics
    /// The connection is gone.
    pub async fn finish_sending(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// The head of the next answer.
    ///
    /// # Panics
    /// There is none; see [`Caller::try_head`].
    pub async fn head(&mut self) -> Answer {
        let head = self.try_head().await;
        head.expect("a head of an answer")
    }

    /// The head of the next answer, or nothing if the connection ended before.
    ///
    /// # Panics
    /// What comes is not HTTP, or does not come.
    pub async fn try_head(&mut self) -> Option<Answer> {
        assert_eq!(self.framing, Framing::Head, "the last body is not read yet");
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
            if !soon("a head of an answer", self.fill()).await {
                assert!(
                    self.buffer.is_empty(),
                    "half a head: {:?}",
                    String::from_utf8_lossy(&self.buffer)
                );
                return None;
            }
        };
        let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap();
        let status: u16 = status.split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        if status == 100 {
            return Box::pin(self.try_head()).await;
        }
        self.framing = match (
            answer.header("transfer-encoding"),
            answer.header("content-length"),
        ) {
            (Some("chunked"), None) => Framing::Chunked(None),
            (None, Some(length)) => Framing::Length(length.parse().unwrap()),
            (None, None) => Framing::Close,
            both => panic!("ambiguous framing: {both:?}"),
        };
        Some(answer)
    }

    /// The next piece of the body; `None` at its proper end.
    ///
    /// # Errors
    /// [`Broken`] where it ends otherwise.
    ///
    /// # Panics
    /// Nothing comes.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        soon("a piece of an answer", self.piece()).await
    }

    async fn piece(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        loop {
            match self.framing {
                Framing::Head => return Ok(None),
                Framing::Length(0) => self.framing = Framing::Head,
                Framing::Length(left) if !self.buffer.is_empty() => {
                    let take = left.min(self.buffer.len());
                    self.framing = Framing::Length(left - take);
                    return Ok(Some(self.buffer.drain(..take).collect()));
                }
                Framing::Close if !self.buffer.is_empty() => {
                    return Ok(Some(std::mem::take(&mut self.buffer)));
                }
                Framing::Chunked(None) if find(&self.buffer, b"\r\n").is_some() => {
                    let end = find(&self.buffer, b"\r\n").unwrap();
                    let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
                    let size = String::from_utf8(line).unwrap();
                    let size = usize::from_str_radix(size.trim(), 16).unwrap();
                    self.framing = Framing::Chunked(Some(size));
                }
                // A chunk ends with an empty line; so does the body, which has no trailers.
                Framing::Chunked(Some(0)) if self.buffer.len() >= 2 => {
                    let end: Vec<u8> = self.buffer.drain(..2).collect();
                    assert_eq!(end, b"\r\n");
                    self.framing = Framing::Head;
                }
                Framing::Chunked(Some(size)) if size > 0 && self.buffer.len() >= size + 2 => {
                    let mut chunk: Vec<u8> = self.buffer.drain(..size + 2).collect();
                    assert_eq!(chunk.split_off(size), b"\r\n");
                    self.framing = Framing::Chunked(None);
                    return Ok(Some(chunk));
                }
                _ => {
                    if !self.fill().await {
                        let clean = self.framing == Framing::Close;
                        self.framing = Framing::Head;
                        return if clean { Ok(None) } else { Err(Broken) };
                    }
                }
            }
        }
    }

    /// The rest of the body.
    ///
    /// # Panics
    /// It breaks off.
    pub async fn rest(&mut self) -> Vec<u8> {
        let (rest, end) = self.rest_or_broken().await;
        end.unwrap();
        rest
    }

    /// The rest of the body, up to its end or to where it breaks off.
    pub async fn rest_or_broken(&mut self) -> (Vec<u8>, Result<(), Broken>) {
        let mut rest = Vec::new();
        loop {
            match self.next().await {
                Ok(Some(piece)) => rest.extend_from_slice(&piece),
                Ok(None) => return (rest, Ok(())),
                Err(broken) => return (rest, Err(broken)),
            }
        }
    }

    /// Exactly the next `count` bytes of the body.
    ///
    /// # Panics
    /// They do not come, or others come with them.
    pub async fn exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < count {
            bytes.extend(self.next().await.unwrap().expect("more of the body"));
        }
        assert_eq!(bytes.len(), count, "{:?}", String::from_utf8_lossy(&bytes));
        bytes
    }

    /// The next `count` bytes, whatever they are.
    ///
    /// # Panics
    /// The connection ends before.
    pub async fn raw(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            assert!(
                soon("some bytes", self.fill()).await,
                "the connection ended"
            );
        }
        self.buffer.drain(..count).collect()
    }

    /// The next answer as a whole.
    ///
    /// # Panics
    /// There is none, or it breaks off.
    pub async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        answer.body = self.rest().await;
        answer
    }

    /// Waits until the gateway closes the connection; gives what it sent before.
    ///
    /// # Panics
    /// It does not within `most`.
    pub async fn closed(&mut self, most: Duration) -> Vec<u8> {
        within(most, "the gateway closes the connection", async {
            while self.fill().await {}
        })
        .await;
        std::mem::take(&mut self.buffer)
    }

    /// Leaves with a reset.
    ///
    /// # Panics
    /// The connection is gone.
    pub fn reset(self) {
        let socket = SockRef::from(&self.stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Reads more; false at the end of the connection.
    async fn fill(&mut self) -> bool {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(count) => count > 0,
            Err(_) => false,
        }
    }
}

/// Where `needle` first is.
#[must_use]
pub fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes
        .windows(needle.len())
        .position(|window| window == needle)
}
