//! What passes between the wire and the pipeline.
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, Version};

use super::body::RequestBody;

/// The head of a request as the caller sent it, hop-by-hop headers included.
#[derive(Debug, Clone)]
pub struct Head {
    /// The method; never `CONNECT`.
    pub method: Method,
    /// The request target: origin form, or absolute form where the caller sent that (and over HTTP/2).
    pub uri: Uri,
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`.
    pub version: Version,
    /// The headers in the order in which they came.
    pub headers: HeaderMap,
}

/// One request of a caller.
#[derive(Debug)]
pub struct Request {
    /// Its head.
    pub head: Head,
    /// Its body, to be pulled.
    pub body: RequestBody,
    /// The address at the other end of the connection.
    pub peer: SocketAddr,
    /// Whether it came through TLS.
    pub tls: bool,
}

/// Why a request's body could not be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The caller left before the end.
    #[error("the request body ended early")]
    Truncated,
    /// No byte came for as long as the server waits for one.
    #[error("the request body stopped coming")]
    TimedOut,
    /// The framing of the body is not HTTP.
    #[error("the request body is not framed as HTTP asks")]
    Malformed,
    /// More bytes than [`RequestBody::collect`] was told to take.
    #[error("the request body is too large")]
    TooLarge,
    /// What looks on ([`RequestBody::watch`]) saw what may not pass.
    #[error("the request body was refused")]
    Refused,
}

/// The answer to one request.
#[derive(Debug)]
pub struct Response {
    /// The status; not 1xx.
    pub status: StatusCode,
    /// The headers. Those that frame the message (`content-length`, `transfer-encoding`,
    /// `connection` and the like) are the wire's and are ignored here; so is `date`, unless absent.
    pub headers: HeaderMap,
    /// The body.
    pub body: ResponseBody,
}

/// The body of an answer.
pub enum ResponseBody {
    /// All of it, sent with a `content-length`.
    Full(Bytes),
    /// Pulled as the caller takes it. Dropped when the caller leaves: within a second, also while
    /// it waits for its first byte or between chunks.
    Pull(Pin<Box<dyn Pull>>),
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(bytes) => f.debug_tuple("Full").field(&bytes.len()).finish(),
            Self::Pull(_) => f.debug_tuple("Pull").finish(),
        }
    }
}

/// A body that is made while it is sent.
pub trait Pull: Send {
    /// The next chunk. Each leaves as soon as it is handed out, except that chunks which are ready
    /// at the same moment may share a write. `None` ends the body cleanly; [`Abort`] ends it so
    /// that no caller can take it for whole. Not polled again after either.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Abort>>>;

    /// The exact number of bytes to come, where it is known before the first: the answer then has
    /// a `content-length`. A body that turns out shorter or longer aborts.
    fn length(&self) -> Option<u64> {
        None
    }
}

/// The answer can't be completed: its stream is reset, or its connection closed mid-body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer was aborted")]
pub struct Abort;

/// What the wire refuses on its own, before there is a request to hand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// 400: the head is not HTTP, or not unambiguous; says what is wrong with it.
    BadRequest(&'static str),
    /// 405: a method that a gateway of this kind has no use for (`CONNECT`).
    MethodNotAllowed,
    /// 408: the head did not come in time.
    HeadTimedOut,
    /// 431: the head is larger, or has more headers, than the server takes.
    HeadTooLarge,
    /// 503: more connections than the server takes.
    TooManyConnections,
}

impl Fault {
    /// The status that it is answered with.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::HeadTimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooManyConnections => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// What answers requests. There is one for each worker; its futures run on that worker.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. The future is dropped, wherever it is, when the caller leaves.
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send;

    /// The answer to what the wire refuses on its own; the connection is closed after it. A
    /// [`ResponseBody::Pull`] is not taken here and counts as empty.
    fn refuse(&self, fault: Fault) -> Response {
        Response {
            status: fault.status(),
            headers: HeaderMap::new(),
            body: ResponseBody::Full(Bytes::new()),
        }
    }
}
