//! HTTP/2 with a provider, spoken by hyper.
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Uri, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::Instant;

use super::body::UpstreamBody;
use super::connect::place;
use super::feed::{Feed, Hold};
use super::pool::Pool;
use super::{SendError, SendErrorKind, Target, UpstreamError, UpstreamRequest, UpstreamResponse};
use crate::wire::codec::write::is_the_wires;
use crate::wire::io::Io;

/// What a provider may send of one answer that nobody takes, in bytes.
const STREAM_WINDOW: u32 = 256 * 1024;
/// The largest window that HTTP/2 knows (RFC 9113 §6.9.1).
const MAX_WINDOW: u32 = (1 << 31) - 1;
/// A provider that says nothing for so long, with answers under way, is asked whether it is there …
const PING_AFTER: Duration = Duration::from_secs(20);
/// … and has this long to answer.
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// A connection that requests share.
pub(super) struct Connection {
    sender: SendRequest<Feed>,
    streams: Arc<AtomicUsize>,
    last_used: Instant,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("streams", &self.streams())
            .finish_non_exhaustive()
    }
}

/// The right to one stream of a connection.
#[derive(Debug)]
pub(super) struct Lease {
    sender: SendRequest<Feed>,
    counted: Counted,
}

/// Counts a stream for as long as it is used.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection {
    pub(super) fn streams(&self) -> usize {
        self.streams.load(Ordering::Relaxed)
    }

    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    pub(super) fn is_idle_since(&self, now: Instant, timeout: Duration) -> bool {
        self.streams() == 0 && now.saturating_duration_since(self.last_used) >= timeout
    }

    pub(super) fn lease(&mut self, now: Instant) -> Lease {
        self.last_used = now;
        self.streams.fetch_add(1, Ordering::Relaxed);
        Lease {
            sender: self.sender.clone(),
            counted: Counted(self.streams.clone()),
        }
    }
}

/// Starts HTTP/2 on a connection and makes it known to the pool.
pub(super) async fn open(io: Io, target: &Target, pool: &Arc<Pool>) -> Result<Lease, SendError> {
    let limits = pool.limits();
    // Callers that take nothing of their answers must leave room for the answers of all others.
    let window_of_all = u32::try_from(limits.max_streams)
        .unwrap_or(u32::MAX)
        .saturating_mul(STREAM_WINDOW)
        .clamp(STREAM_WINDOW, MAX_WINDOW);
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.max_head_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(window_of_all)
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PONG_WITHIN);
    let (sender, connection) = http.handshake(TokioIo::new(io)).await.map_err(|error| {
        let message = format!(
            "HTTP/2 with {} could not be started: {error}",
            place(target)
        );
        SendError::new(SendErrorKind::Protocol, false, message)
    })?;
    // It ends when the pool and all streams have let go of it, or with an error, which every stream
    // sees for itself.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let connection = Connection {
        sender,
        streams: Arc::default(),
        last_used: Instant::now(),
    };
    Ok(pool.share(target.key, connection))
}

/// Sends a request and waits for the head of its answer.
pub(super) async fn send(
    lease: Lease,
    target: &Target,
    request: &mut UpstreamRequest,
) -> Result<UpstreamResponse, SendError> {
    let Lease {
        mut sender,
        counted,
    } = lease;
    let reset = |sent: bool, error: &hyper::Error| {
        let message = format!("HTTP/2 with {} failed: {error}", place(target));
        SendError::new(SendErrorKind::Reset, sent, message)
    };
    let head = head(target, request)?;
    sender.ready().await.map_err(|error| reset(false, &error))?;
    let (feed, hold) = Feed::new(request);
    match sender.try_send_request(head.map(|()| feed)).await {
        Ok(response) => {
            let (parts, incoming) = response.into_parts();
            let body = UpstreamBody::http2(Stream {
                incoming,
                upload: hold,
                _counted: counted,
            });
            let http::response::Parts {
                status, headers, ..
            } = parts;
            Ok(UpstreamResponse {
                status,
                headers,
                version: Version::HTTP_2,
                body,
            })
        }
        Err(mut error) => {
            // A request that comes back was never written.
            let unsent = error.take_message().is_some() || was_refused(error.error());
            let Some(hold) = hold else {
                return Err(reset(!unsent, error.error()));
            };
            if let Some(broken) = hold.error() {
                let message = format!("on its way to {}, {broken}", place(target));
                return Err(SendError::new(
                    SendErrorKind::RequestBody(broken),
                    true,
                    message,
                ));
            }
            let unread = if unsent { hold.into_unread() } else { None };
            let sent = unread.is_none();
            request.body.restore(unread.unwrap_or_default());
            Err(reset(sent, error.error()))
        }
    }
}

/// Whether the provider says that it has not looked at the request (RFC 9113 §8.7).
fn was_refused(error: &hyper::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.reason() == Some(h2::Reason::REFUSED_STREAM);
        }
        cause = error.source();
    }
    false
}

/// The request without its body.
fn head(target: &Target, request: &UpstreamRequest) -> Result<http::Request<()>, SendError> {
    let scheme = if target.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(target.authority.as_bytes())
        .path_and_query(request.path.clone())
        .build()
        .map_err(|error| {
            let message = format!("{} is no authority: {error}", place(target));
            SendError::new(SendErrorKind::Protocol, false, message)
        })?;
    let mut http = http::Request::new(());
    *http.method_mut() = request.method.clone();
    *http.uri_mut() = uri;
    *http.version_mut() = Version::HTTP_2;
    let headers = http.headers_mut();
    headers.reserve(request.headers.len());
    for (name, value) in &request.headers {
        if *name != header::HOST && *name != header::EXPECT && !is_the_wires(name) {
            headers.append(name, value.clone());
        }
    }
    Ok(http)
}

/// The body of an answer. Dropping it resets the stream.
pub(super) struct Stream {
    pub(super) incoming: Incoming,
    /// What is still sent of the request, for as long as its answer is taken.
    upload: Option<Hold>,
    _counted: Counted,
}

impl Stream {
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        loop {
            match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
                // To hyper a reset, or a goodbye, that names no error ends a body as well as its own
                // end does; but then the stream has not seen that.
                None if !self.incoming.is_end_stream() => {
                    return Poll::Ready(Some(Err(self.broken())));
                }
                None => return Poll::Ready(None),
                Some(Err(_)) => return Poll::Ready(Some(Err(self.broken()))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Poll::Ready(Some(Ok(data))),
                    _ => {}
                },
            }
        }
    }

    /// Who broke it off.
    fn broken(&self) -> UpstreamError {
        let callers = self.upload.as_ref().and_then(Hold::error);
        callers.map_or(UpstreamError::Truncated, UpstreamError::RequestBody)
    }
}
