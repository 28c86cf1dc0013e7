//! HTTP/1.1 with a provider, in the task of the request.
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use http::Method;
use tokio::time::Instant;

use super::body::UpstreamBody;
use super::connect::place;
use super::outgoing::Outgoing;
use super::pool::Pool;
use super::{SendError, SendErrorKind, Target, UpstreamRequest, UpstreamResponse};
use crate::wire::codec::head::{self, ResponseHead, Scan, Scanner};
use crate::wire::io::{Io, READ_SIZE};
use crate::wire::message::BodyError;

/// Interim answers (1xx) that are skipped before an answer.
const MAX_INTERIM: usize = 16;

/// A connection that is between two requests, or in one.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) io: Io,
    /// What was read and not yet used.
    pub(super) input: BytesMut,
    /// When it last became idle.
    pub(super) idle_since: Instant,
}

impl Connection {
    pub(super) fn new(io: Io) -> Self {
        Self {
            io,
            input: BytesMut::new(),
            idle_since: Instant::now(),
        }
    }

    /// Whether an idle connection can take a request: the peer has neither closed it nor said
    /// anything on it. Asks the kernel, which knows before the runtime does.
    pub(super) fn is_fresh(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        let peeked = socket2::SockRef::from(self.io.tcp()).peek(&mut byte);
        matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// A request that is being written, and the head of its answer that is being read.
struct Call<'a> {
    connection: &'a mut Connection,
    outgoing: Outgoing,
    scanner: Scanner,
    interim: usize,
    headless: bool,
    max_head: usize,
}

/// Sends a request and waits for the head of its answer.
pub(super) async fn send(
    mut connection: Box<Connection>,
    pool: &Arc<Pool>,
    target: &Target,
    request: &mut UpstreamRequest,
) -> Result<UpstreamResponse, SendError> {
    let mut call = Call {
        outgoing: Outgoing::new(target, request),
        connection: &mut connection,
        scanner: Scanner::default(),
        interim: 0,
        headless: request.method == Method::HEAD,
        max_head: pool.limits().max_head_bytes,
    };
    let head = poll_fn(|cx| call.poll(cx)).await;
    match head {
        Ok(ResponseHead {
            status,
            version,
            headers,
            framing,
            keep_alive,
        }) => {
            let Call { outgoing, .. } = call;
            let whole = outgoing.is_whole(&connection.io);
            // Who refuses before the request is all there wants no more of it.
            let goes_on = !whole && !outgoing.failed() && status.is_success();
            let home = (keep_alive && (whole || goes_on)).then(|| (pool.clone(), target.key));
            let upload = goes_on.then(|| Box::new(outgoing));
            let body = UpstreamBody::http1(connection, framing, home, upload);
            Ok(UpstreamResponse {
                status,
                headers,
                version,
                body,
            })
        }
        Err(failure) => {
            let sent = call.outgoing.begun();
            let silent = call.interim == 0 && call.connection.input.is_empty();
            if !sent && let Some(unread) = call.outgoing.into_unread() {
                request.body.restore(unread);
            }
            let (kind, message) = failure.told(target);
            Err(SendError {
                silent,
                ..SendError::new(kind, sent, message)
            })
        }
    }
}

enum Failure {
    Closed,
    Protocol,
    TooLarge,
    Caller(BodyError),
}

impl Failure {
    fn told(self, target: &Target) -> (SendErrorKind, String) {
        let place = place(target);
        let (kind, what) = match self {
            Self::Closed => (
                SendErrorKind::Reset,
                "closed the connection before it answered",
            ),
            Self::Protocol => (
                SendErrorKind::Protocol,
                "gave an answer that is not HTTP/1.1",
            ),
            Self::TooLarge => (
                SendErrorKind::Protocol,
                "gave an answer with too large a head",
            ),
            Self::Caller(error) => {
                let message = format!("on its way to {place}, {error}");
                return (SendErrorKind::RequestBody(error), message);
            }
        };
        (kind, format!("{place} {what}"))
    }
}

impl Call<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<ResponseHead, Failure>> {
        let Connection { io, input, .. } = &mut *self.connection;
        if let Poll::Ready(Err(error)) = self.outgoing.poll_write(io, cx) {
            return Poll::Ready(Err(Failure::Caller(error)));
        }
        loop {
            match self.scanner.scan(input) {
                Scan::End(length) if length <= self.max_head => {
                    let bytes = input.split_to(length).freeze();
                    self.scanner = Scanner::default();
                    let Some(head) = head::response(&bytes, self.headless) else {
                        return Poll::Ready(Err(Failure::Protocol));
                    };
                    // 101 would hand the connection to another protocol, which nobody asked for.
                    if !head.status.is_informational() {
                        return Poll::Ready(Ok(head));
                    }
                    self.interim += 1;
                    if head.status == http::StatusCode::SWITCHING_PROTOCOLS
                        || self.interim > MAX_INTERIM
                    {
                        return Poll::Ready(Err(Failure::Protocol));
                    }
                    continue;
                }
                Scan::End(_) => return Poll::Ready(Err(Failure::TooLarge)),
                Scan::BareLineFeed => return Poll::Ready(Err(Failure::Protocol)),
                Scan::More if input.len() > self.max_head => {
                    return Poll::Ready(Err(Failure::TooLarge));
                }
                Scan::More => {}
            }
            match io.poll_fill(cx, input, READ_SIZE) {
                Poll::Ready(Ok(read)) if read > 0 => {}
                Poll::Ready(_) => return Poll::Ready(Err(Failure::Closed)),
                // A failure to write is none before the reading has failed too.
                Poll::Pending if self.outgoing.failed() => {
                    return Poll::Ready(Err(Failure::Closed));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
