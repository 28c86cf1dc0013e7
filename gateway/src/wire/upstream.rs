//! Calls to providers: pools of connections, one set for each worker.
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};

use super::body::RequestBody;
use super::deny::DenyList;
use super::message::BodyError;
use super::tls::ClientTls;

mod body;
mod connect;
mod feed;
mod h1;
mod h2;
mod outgoing;
mod payload;
mod pool;

pub use body::UpstreamBody;
pub use payload::RequestPayload;
use pool::{Lease, Pool};

/// Which HTTP to speak to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HttpVersion {
    /// What ALPN agrees on with TLS; HTTP/1.1 without.
    #[default]
    Auto,
    /// HTTP/1.1 and nothing else.
    Http1,
    /// HTTP/2 and nothing else; without TLS by prior knowledge.
    Http2,
}

/// Where to send a request. Connections are pooled by `key` alone, so two targets with one key
/// must agree in everything that concerns the connection.
#[derive(Debug, Clone)]
pub struct Target {
    /// The identity of the pool.
    pub key: u64,
    /// TLS, and whom it trusts; plain text without.
    pub tls: Option<ClientTls>,
    /// The name or IP address (IPv6 without brackets) to connect to, and to check the certificate
    /// against.
    pub host: String,
    /// The port to connect to.
    pub port: u16,
    /// What goes into `host` or `:authority`.
    pub authority: HeaderValue,
    /// Which HTTP to speak.
    pub http: HttpVersion,
    /// The bound on resolving, connecting and the TLS handshake together.
    pub connect_timeout: Duration,
}

/// A request to a provider.
#[derive(Debug)]
pub struct UpstreamRequest {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: PathAndQuery,
    /// The headers. `host`, those that frame the message and those of a single hop are the wire's
    /// and are ignored here.
    pub headers: HeaderMap,
    /// The body.
    pub body: RequestPayload,
    /// Send it once more, over a new connection, if it was written on one that had been kept and the
    /// provider closed that without a byte of an answer: most likely it was closing it just then. What
    /// is streamed is not sent twice, whatever this says.
    pub resend: bool,
}

/// The head of a provider's answer, and its body to come.
#[derive(Debug)]
pub struct UpstreamResponse {
    /// The status; never 1xx.
    pub status: StatusCode,
    /// The headers as they came.
    pub headers: HeaderMap,
    /// What the provider spoke.
    pub version: Version,
    /// The body.
    pub body: UpstreamBody,
}

/// Bounds on what upstreams may hold.
#[derive(Debug, Clone, Copy)]
pub struct UpstreamLimits {
    /// Idle connections kept for each target and worker.
    pub max_idle: usize,
    /// How long an idle connection is kept. Below what common servers keep theirs (60 s and more).
    pub idle_timeout: Duration,
    /// The largest head of an answer, in bytes.
    pub max_head_bytes: usize,
    /// HTTP/2 streams on one connection, before another is opened.
    pub max_streams: usize,
}

impl Default for UpstreamLimits {
    fn default() -> Self {
        Self {
            max_idle: 64,
            idle_timeout: Duration::from_secs(50),
            max_head_bytes: 64 * 1024,
            max_streams: 100,
        }
    }
}

/// Why there is no answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendErrorKind {
    /// Every address that the name stands for is on the deny list.
    Denied,
    /// The name has no address.
    Resolve,
    /// No address took the connection.
    Connect,
    /// There was no connection within the target's `connect_timeout`.
    ConnectTimeout,
    /// The TLS handshake failed, or agreed on an HTTP that the target does not want.
    Tls,
    /// The connection ended before the head of an answer was there.
    Reset,
    /// What came back is not HTTP, or not unambiguous, or its head is too large.
    Protocol,
    /// The caller's body broke off while it was streamed, before the provider had answered. None of
    /// the provider's doing.
    RequestBody(BodyError),
}

/// No answer. The message names no header and no body.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// What happened.
    pub kind: SendErrorKind,
    /// Whether the request, or a part of it, may have reached the provider.
    pub sent: bool,
    /// The caller's part of a streamed body, where nothing of the request was sent: with what goes
    /// before it, it can be sent elsewhere.
    pub rest: Option<Box<RequestBody>>,
    /// Whether the provider closed the connection without a single byte of an answer.
    silent: bool,
    message: String,
}

impl SendError {
    fn new(kind: SendErrorKind, sent: bool, message: impl Into<String>) -> Self {
        Self {
            kind,
            sent,
            rest: None,
            silent: false,
            message: message.into(),
        }
    }
}

/// The answer broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// The connection or the stream ended before the body did.
    #[error("the provider's answer ended early")]
    Truncated,
    /// The framing of the body is not HTTP.
    #[error("the provider's answer is not framed as HTTP asks")]
    Malformed,
    /// The answer had begun while the request's body was still streamed, and then the caller's body
    /// broke off.
    #[error("{0}")]
    RequestBody(BodyError),
}

/// Connections to providers: those of one worker, to be used inside its runtime. Clones share them.
#[derive(Debug, Clone)]
pub struct Upstreams {
    deny: Arc<DenyList>,
    pool: Arc<Pool>,
}

impl Upstreams {
    /// With no connection yet.
    #[must_use]
    pub fn new(deny: Arc<DenyList>, limits: UpstreamLimits) -> Self {
        Self {
            deny,
            pool: Arc::new(Pool::new(limits)),
        }
    }

    /// Sends a request over an idle connection or a new one, and waits for the head of the answer.
    /// Redirects are not followed. Dropping the future gives the call up at once.
    ///
    /// A kept connection that turns out to be closed before any byte of the request was written is
    /// replaced by a new one; after that only what asks for it by [`UpstreamRequest::resend`] is
    /// tried twice.
    ///
    /// A streamed body is read from the caller as the provider takes it, with at most a read buffer in
    /// between. A provider that answers before it has all of it is heard at once: what it says of
    /// success comes while the rest is streamed, for which its body has to be polled, and anything
    /// else ends the upload (HTTP/1.1; over HTTP/2 the end of the answer does).
    ///
    /// # Errors
    /// As [`SendErrorKind`] says, with whether the request may have reached the provider.
    pub async fn send(
        &self,
        target: &Target,
        mut request: UpstreamRequest,
    ) -> Result<UpstreamResponse, SendError> {
        let mut result = self.send_somehow(target, &mut request).await;
        if let Err(error) = &mut result
            && !error.sent
        {
            error.rest = request.body.take_rest().map(Box::new);
        }
        result
    }

    async fn send_somehow(
        &self,
        target: &Target,
        request: &mut UpstreamRequest,
    ) -> Result<UpstreamResponse, SendError> {
        if let Some(kept) = self.pool.take(target.key) {
            let resend = request.resend && matches!(request.body, RequestPayload::Full(_));
            match self.send_over(kept, target, request).await {
                Err(error)
                    if error.kind == SendErrorKind::Reset
                        && (!error.sent || resend && error.silent) => {}
                result => return result,
            }
        }
        let fresh = Box::pin(connect::connect(target, &self.deny, &self.pool)).await?;
        self.send_over(fresh, target, request).await
    }

    async fn send_over(
        &self,
        lease: Lease,
        target: &Target,
        request: &mut UpstreamRequest,
    ) -> Result<UpstreamResponse, SendError> {
        match lease {
            Lease::Http1(connection) => h1::send(connection, &self.pool, target, request).await,
            Lease::Http2(connection) => Box::pin(h2::send(connection, target, request)).await,
        }
    }

    /// Idle connections that are kept, over all targets.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.pool.idle()
    }
}
