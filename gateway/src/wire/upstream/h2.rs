//! HTTP/2 with a provider, spoken by hyper.
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Uri, Version, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::Instant;

use super::body::UpstreamBody;
use super::connect::place;
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
    sender: SendRequest<Once>,
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
    sender: SendRequest<Once>,
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
    request: &UpstreamRequest,
) -> Result<UpstreamResponse, SendError> {
    let Lease {
        mut sender,
        counted,
    } = lease;
    let reset = |sent: bool, error: &hyper::Error| {
        let message = format!("HTTP/2 with {} failed: {error}", place(target));
        SendError::new(SendErrorKind::Reset, sent, message)
    };
    let http = whole(target, request)?;
    sender.ready().await.map_err(|error| reset(false, &error))?;
    match sender.try_send_request(http).await {
        Ok(response) => {
            let (parts, incoming) = response.into_parts();
            let body = UpstreamBody::http2(Stream {
                incoming,
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
        // A request that comes back was never written.
        Err(mut error) => {
            let unsent = error.take_message().is_some();
            Err(reset(!unsent && !was_refused(error.error()), error.error()))
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

fn whole(target: &Target, request: &UpstreamRequest) -> Result<http::Request<Once>, SendError> {
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
    let body = Once(request.body.clone());
    let mut http = http::Request::new(body);
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

/// A request's body, in one piece.
pub(super) struct Once(Bytes);

impl Body for Once {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

/// The body of an answer. Dropping it resets the stream.
pub(super) struct Stream {
    pub(super) incoming: Incoming,
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
                    return Poll::Ready(Some(Err(UpstreamError::Truncated)));
                }
                None => return Poll::Ready(None),
                Some(Err(_)) => return Poll::Ready(Some(Err(UpstreamError::Truncated))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Poll::Ready(Some(Ok(data))),
                    _ => {}
                },
            }
        }
    }
}
