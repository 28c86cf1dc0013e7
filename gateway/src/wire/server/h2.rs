//! HTTP/2 with a caller, spoken by hyper.
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::Counted;
use super::connection::{Connection, preface};
use super::pace::{Paced, Paces};
use super::worker::Worker;
use crate::wire::body::RequestBody;
use crate::wire::codec::write::is_the_wires;
use crate::wire::io::Rewound;
use crate::wire::message::{Abort, Fault, Handler, Head, Pull, Request, Response, ResponseBody};

/// How long a connection that is to close, and has no stream under way, may go without a byte being
/// written …
const GOODBYE: Duration = Duration::from_millis(500);
/// … and how often it is given that time: what waits to be written may be the end of an answer, but
/// as well an answer to one ping of very many.
const GOODBYES: u32 = 4;
/// HTTP/2 takes an answer in pieces of this size, so that what its caller does not take is neither
/// copied nor forgotten.
const PIECE: usize = 16 * 1024;

/// Serves a connection until it closes.
pub(super) async fn serve<H: Handler>(mut connection: Connection<H>) {
    if !preface(&mut connection).await {
        return;
    }
    let worker = connection.worker.clone();
    let streams = Arc::new(AtomicUsize::new(0));
    let begun = Arc::new(AtomicUsize::new(0));
    let paces = Arc::new(Paces::default());
    let service = Service {
        worker: worker.clone(),
        streams: streams.clone(),
        begun: begun.clone(),
        paces: paces.clone(),
        peer: connection.peer,
        tls: matches!(connection.io, crate::wire::io::Io::Tls(_)),
    };
    let input = std::mem::take(&mut connection.input);
    // Who comes while the server drains has not heard of it: the goodbye waits for the first request.
    let late = connection.draining();
    let linger = worker.config.linger;
    let idle_timeout = if late {
        worker.config.idle_timeout.min(linger)
    } else {
        worker.config.idle_timeout
    };
    let tick = idle_timeout.min(worker.config.write_idle);
    let mut idle_since = tokio::time::Instant::now();
    let mut seen = 0;
    let Connection { io, mut timer, .. } = connection;
    let drained = worker.drain.notified();
    let mut drained = pin!(drained);
    drained.as_mut().enable();
    let mut http = hyper::server::conn::http2::Builder::new(Spawner);
    http.timer(TokioTimer::new())
        .max_concurrent_streams(worker.config.max_streams)
        .max_header_list_size(u32::try_from(worker.config.max_head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(1024)
        .max_send_buf_size(64 * 1024)
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(1024 * 1024)
        // A peer that says nothing is asked whether it is there. No answer can come in the middle of
        // a frame or of a chain of CONTINUATION, so this also bounds how long a head may dribble.
        .keep_alive_interval(worker.config.header_timeout.mul_f32(1.5))
        .keep_alive_timeout(worker.config.header_timeout);
    let io = Rewound::new(io, input);
    let written = io.written();
    let serving = http.serve_connection(TokioIo::new(io), service);
    let mut serving = pin!(serving);
    let mut leaving = false;
    let mut told = None;
    let mut goodbyes = 0;
    let mut written_before = 0;
    timer.as_mut().reset(idle_since + tick);
    poll_fn(|cx| {
        loop {
            if serving.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let draining = worker.shared.draining.load(Ordering::Acquire)
                || (!leaving && drained.as_mut().poll(cx).is_ready());
            if draining && !leaving && (!late || begun.load(Ordering::Relaxed) > 0) {
                let now = tokio::time::Instant::now();
                leaving = true;
                told = Some(now);
                serving.as_mut().graceful_shutdown();
                timer.as_mut().reset(now + GOODBYE);
                continue;
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = tokio::time::Instant::now();
            paces.drop_stalled(worker.config.write_idle);
            let begun = begun.load(Ordering::Relaxed);
            let idles = streams.load(Ordering::Relaxed) == 0;
            if !idles || std::mem::replace(&mut seen, begun) != begun {
                idle_since = now;
            }
            let written = written.load(Ordering::Relaxed);
            let writes = std::mem::replace(&mut written_before, written) != written;
            // A caller that answers is let go by hyper. Of a drain one may hear late, with a request on
            // its way.
            let lingers = told.is_some_and(|told| now - told.max(idle_since) < linger);
            if leaving && idles && !lingers {
                goodbyes += 1;
                if !writes || goodbyes >= GOODBYES {
                    return Poll::Ready(());
                }
            }
            if now - idle_since >= idle_timeout {
                leaving = true;
                serving.as_mut().graceful_shutdown();
            }
            timer
                .as_mut()
                .reset(now + if leaving { GOODBYE } else { tick });
        }
    })
    .await;
}

/// Runs hyper's tasks on the worker's own runtime.
#[derive(Debug, Clone, Copy)]
struct Spawner;

impl<F> hyper::rt::Executor<F> for Spawner
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}

struct Service<H> {
    worker: Arc<Worker<H>>,
    streams: Arc<AtomicUsize>,
    /// Requests so far.
    begun: Arc<AtomicUsize>,
    paces: Arc<Paces>,
    peer: std::net::SocketAddr,
    tls: bool,
}

/// Counts a stream for as long as its answer is under way.
#[derive(Debug)]
pub(super) struct Stream {
    streams: Arc<AtomicUsize>,
    _counted: Counted,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<H: Handler> hyper::service::Service<http::Request<Incoming>> for Service<H> {
    type Response = http::Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.streams.fetch_add(1, Ordering::Relaxed);
        let stream = Stream {
            streams: self.streams.clone(),
            _counted: Counted::request(&self.worker.shared),
        };
        let (worker, paces) = (self.worker.clone(), self.paces.clone());
        let (peer, tls) = (self.peer, self.tls);
        Box::pin(async move {
            let (parts, incoming) = request.into_parts();
            let headless = parts.method == http::Method::HEAD;
            let response = if parts.method == http::Method::CONNECT {
                worker.handler.refuse(Fault::MethodNotAllowed)
            } else if parts.headers.len() > worker.config.max_headers {
                worker.handler.refuse(Fault::HeadTooLarge)
            } else {
                let head = Head {
                    method: parts.method,
                    uri: parts.uri,
                    version: parts.version,
                    headers: parts.headers,
                };
                let body = RequestBody::stream(incoming, worker.config.body_idle);
                worker
                    .handler
                    .handle(Request {
                        head,
                        body,
                        peer,
                        tls,
                    })
                    .await
            };
            Ok(answer(response, headless, stream, &paces))
        })
    }
}

fn answer(
    response: Response,
    headless: bool,
    stream: Stream,
    paces: &Paces,
) -> http::Response<Answer> {
    let Response {
        status,
        mut headers,
        body,
    } = response;
    let foreign: Vec<_> = headers
        .keys()
        .filter(|name| is_the_wires(name))
        .cloned()
        .collect();
    for name in foreign {
        headers.remove(name);
    }
    let bodiless = headless || matches!(status.as_u16(), 204 | 304);
    let (body, left) = match body {
        _ if bodiless => (Body::Over, None),
        ResponseBody::Full(bytes) if bytes.len() <= PIECE => (Body::Full(bytes, stream), None),
        ResponseBody::Full(bytes) => {
            let left = Some(bytes.len() as u64);
            (
                Body::Pull(paces.pace(Box::pin(Pieces(bytes)), stream)),
                left,
            )
        }
        ResponseBody::Pull(pull) => {
            let left = pull.length();
            (Body::Pull(paces.pace(pull, stream)), left)
        }
    };
    let mut response = http::Response::new(Answer { body, left });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// An answer's body, as hyper pulls it. Dropped by hyper when the caller resets the stream.
struct Answer {
    body: Body,
    left: Option<u64>,
}

enum Body {
    Over,
    Full(
        Bytes,
        #[expect(dead_code, reason = "counts until it is dropped")] Stream,
    ),
    Pull(Arc<Paced>),
}

/// A large answer that is all there.
struct Pieces(Bytes);

impl Pull for Pieces {
    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Abort>>> {
        let size = self.0.len().min(PIECE);
        Poll::Ready((size > 0).then(|| Ok(self.0.split_to(size))))
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Abort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Abort>>> {
        let item = match &mut self.body {
            Body::Over => return Poll::Ready(None),
            Body::Full(bytes, _) => {
                let bytes = std::mem::take(bytes);
                self.body = Body::Over;
                return Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))));
            }
            Body::Pull(pull) => std::task::ready!(pull.poll_next(cx)),
        };
        let item = match (item, self.left) {
            (Some(Ok(bytes)), Some(left)) => match left.checked_sub(bytes.len() as u64) {
                Some(rest) => {
                    self.left = Some(rest);
                    Some(Ok(bytes))
                }
                None => Some(Err(Abort)),
            },
            (None, Some(left)) if left > 0 => Some(Err(Abort)),
            (item, _) => item,
        };
        if !matches!(item, Some(Ok(_))) {
            self.body = Body::Over;
        }
        Poll::Ready(item.map(|item| item.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Body::Over => true,
            Body::Full(bytes, _) => bytes.is_empty(),
            Body::Pull(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Body::Over => SizeHint::with_exact(0),
            Body::Full(bytes, _) => SizeHint::with_exact(bytes.len() as u64),
            Body::Pull(_) => self
                .left
                .map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}
