//! Handlers, callers and providers to test with.
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use weir_gateway::wire::{
    Abort, DenyList, Fault, Handler, HttpVersion, Pull, Request, RequestPayload, Response,
    ResponseBody, Server, ServerConfig, ServerHandle, Target, UpstreamLimits, UpstreamRequest,
    Upstreams,
};

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it takes too long")
}

/// Waits for what another thread is about to do.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    soon(async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A handler made of a function.
pub(crate) struct Answer<F>(F);

impl<F: Fn(Request) -> Answering + Send + Sync + 'static> Handler for Answer<F> {
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send {
        (self.0)(request)
    }

    fn refuse(&self, fault: Fault) -> Response {
        Response {
            status: fault.status(),
            ..full(format!("{fault:?}"))
        }
    }
}

pub(crate) fn config() -> ServerConfig {
    ServerConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)))
}

/// A server that answers every request with what the function makes of it.
pub(crate) fn serve<F, A>(config: ServerConfig, answer: F) -> ServerHandle
where
    F: Fn(Request) -> A + Send + Sync + Clone + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    Server::start(config, move |_| {
        let answer = answer.clone();
        Answer(move |request| -> Answering { Box::pin(answer(request)) })
    })
    .unwrap()
}

pub(crate) fn full(body: impl Into<Bytes>) -> Response {
    Response {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: ResponseBody::Full(body.into()),
    }
}

/// A body that is fed through a channel; closing that without a word ends it.
pub(crate) struct Fed {
    chunks: mpsc::UnboundedReceiver<Result<Bytes, Abort>>,
    length: Option<u64>,
    /// Closed when the body is dropped.
    _alive: mpsc::Sender<()>,
}

/// The other end of it.
pub(crate) struct Feeder {
    pub(crate) feed: mpsc::UnboundedSender<Result<Bytes, Abort>>,
    alive: mpsc::Receiver<()>,
}

impl Feeder {
    pub(crate) fn chunk(&self, text: &str) {
        self.feed
            .send(Ok(Bytes::copy_from_slice(text.as_bytes())))
            .unwrap();
    }

    /// Waits until the body is dropped; within a second, as the wire promises.
    pub(crate) async fn dropped(&mut self) {
        let dropped = tokio::time::timeout(Duration::from_secs(1), self.alive.recv()).await;
        assert_eq!(dropped.expect("the body outlives its caller"), None);
    }
}

impl Pull for Fed {
    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Abort>>> {
        self.chunks.poll_recv(cx)
    }

    fn length(&self) -> Option<u64> {
        self.length
    }
}

pub(crate) fn fed(length: Option<u64>) -> (Response, Feeder) {
    let (feed, chunks) = mpsc::unbounded_channel();
    let (_alive, alive) = mpsc::channel(1);
    let body = ResponseBody::Pull(Box::pin(Fed {
        chunks,
        length,
        _alive,
    }));
    (Response { body, ..full("") }, Feeder { feed, alive })
}

/// A caller that speaks in raw bytes.
pub(crate) struct Caller {
    pub(crate) tcp: TcpStream,
}

impl Caller {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self {
            tcp: soon(TcpStream::connect(address)).await.unwrap(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.tcp.write_all(bytes.as_ref()).await.unwrap();
        self
    }

    /// Reads until what came ends in `end`.
    pub(crate) async fn read_to(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            let mut byte = [0];
            let n = soon(self.tcp.read(&mut byte)).await.unwrap();
            assert_eq!(
                n,
                1,
                "ended before {end:?}: {:?}",
                String::from_utf8_lossy(&read)
            );
            read.push(byte[0]);
        }
        String::from_utf8(read).unwrap()
    }

    pub(crate) async fn read_to_one(&mut self) -> String {
        let mut byte = [0];
        soon(self.tcp.read_exact(&mut byte)).await.unwrap();
        char::from(byte[0]).to_string()
    }

    /// Reads a head, and gives its status line.
    pub(crate) async fn status(&mut self) -> String {
        self.read_to("\r\n\r\n")
            .await
            .lines()
            .next()
            .unwrap()
            .to_owned()
    }

    /// Reads to the end of the connection.
    pub(crate) async fn rest(&mut self) -> std::io::Result<String> {
        let mut read = Vec::new();
        soon(self.tcp.read_to_end(&mut read)).await?;
        Ok(String::from_utf8_lossy(&read).into_owned())
    }
}

/// An answer without the date, which changes.
pub(crate) fn undated(answer: &str) -> String {
    let lines = answer
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("date: "));
    lines.collect()
}

pub(crate) fn upstreams() -> Upstreams {
    Upstreams::new(Arc::new(DenyList::default()), UpstreamLimits::default())
}

pub(crate) fn target(address: SocketAddr) -> Target {
    Target {
        key: u64::from(address.port()),
        tls: None,
        host: address.ip().to_string(),
        port: address.port(),
        authority: HeaderValue::from_str(&address.to_string()).unwrap(),
        http: HttpVersion::Auto,
        connect_timeout: PATIENCE,
    }
}

pub(crate) fn post(body: impl Into<Bytes>) -> UpstreamRequest {
    UpstreamRequest {
        method: Method::POST,
        path: "/v1/x?y".parse().unwrap(),
        headers: HeaderMap::new(),
        body: RequestPayload::Full(body.into()),
        resend: false,
    }
}

/// A provider that speaks in raw bytes: the test takes its connections one by one.
pub(crate) struct Provider {
    listener: TcpListener,
}

impl Provider {
    pub(crate) async fn listen() -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Self { listener }, address)
    }

    pub(crate) async fn accept(&self) -> Caller {
        Caller {
            tcp: soon(self.listener.accept()).await.unwrap().0,
        }
    }

    /// Whether nobody waits to be accepted.
    pub(crate) fn is_left_alone(&self) -> bool {
        let waker = std::task::Waker::noop();
        self.listener
            .poll_accept(&mut Context::from_waker(waker))
            .is_pending()
    }
}

/// The rest of an answer's body, or how it broke off.
pub(crate) async fn whole(
    mut body: weir_gateway::wire::UpstreamBody,
) -> Result<String, weir_gateway::wire::UpstreamError> {
    let mut all = Vec::new();
    while let Some(part) = soon(body.next()).await {
        all.extend_from_slice(&part?);
    }
    Ok(String::from_utf8(all).unwrap())
}
