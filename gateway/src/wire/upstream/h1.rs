//! HTTP/1.1 with a provider, in the task of the request.
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{Method, header};
use tokio::time::Instant;

use super::body::UpstreamBody;
use super::connect::place;
use super::pool::Pool;
use super::{SendError, SendErrorKind, Target, UpstreamRequest, UpstreamResponse};
use crate::wire::codec::head::{self, ResponseHead, Scan, Scanner};
use crate::wire::codec::write;
use crate::wire::io::{Io, READ_SIZE};

/// A body at least this large is written from where it lies.
const LARGE: usize = 8 * 1024;
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
    output: BytesMut,
    tail: Bytes,
    total: usize,
    write_error: bool,
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
    request: &UpstreamRequest,
) -> Result<UpstreamResponse, SendError> {
    let mut output = BytesMut::with_capacity(1024 + request.body.len().min(LARGE));
    put_head(&mut output, target, request);
    let mut tail = Bytes::new();
    if request.body.len() < LARGE {
        output.extend_from_slice(&request.body);
    } else {
        tail = request.body.clone();
    }
    let mut call = Call {
        total: output.len() + tail.len(),
        connection: &mut connection,
        output,
        tail,
        write_error: false,
        scanner: Scanner::default(),
        interim: 0,
        headless: request.method == Method::HEAD,
        max_head: pool.limits().max_head_bytes,
    };
    let head = poll_fn(|cx| call.poll(cx)).await;
    let whole =
        call.output.is_empty() && call.tail.is_empty() && !call.connection.io.holds_unwritten();
    match head {
        Ok(ResponseHead {
            status,
            version,
            headers,
            framing,
            keep_alive,
        }) => {
            let home = (keep_alive && whole).then(|| (pool.clone(), target.key));
            let body = UpstreamBody::http1(connection, framing, home);
            Ok(UpstreamResponse {
                status,
                headers,
                version,
                body,
            })
        }
        Err(failure) => {
            let (kind, what) = match failure {
                Failure::Closed => (
                    SendErrorKind::Reset,
                    "closed the connection before it answered",
                ),
                Failure::Protocol => (
                    SendErrorKind::Protocol,
                    "gave an answer that is not HTTP/1.1",
                ),
                Failure::TooLarge => (
                    SendErrorKind::Protocol,
                    "gave an answer with too large a head",
                ),
            };
            let sent = call.output.len() + call.tail.len() < call.total;
            let silent = call.interim == 0 && call.connection.input.is_empty();
            let message = format!("{} {what}", place(target));
            Err(SendError {
                silent,
                ..SendError::new(kind, sent, message)
            })
        }
    }
}

fn put_head(out: &mut BytesMut, target: &Target, request: &UpstreamRequest) {
    out.put_slice(request.method.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(request.path.as_str().as_bytes());
    out.put_slice(b" HTTP/1.1\r\nhost: ");
    out.put_slice(target.authority.as_bytes());
    out.put_slice(b"\r\n");
    for (name, value) in &request.headers {
        // An expectation would have to be waited for, and the body is here already.
        if *name == header::HOST || *name == header::EXPECT || write::is_the_wires(name) {
            continue;
        }
        write::field(out, name, value);
    }
    let bodiless = request.method == Method::GET || request.method == Method::HEAD;
    if !(bodiless && request.body.is_empty()) {
        write::content_length(out, request.body.len() as u64);
    }
    out.put_slice(b"\r\n");
}

enum Failure {
    Closed,
    Protocol,
    TooLarge,
}

impl Call<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<ResponseHead, Failure>> {
        let Connection { io, input, .. } = &mut *self.connection;
        let unwritten = !self.output.is_empty() || !self.tail.is_empty() || io.holds_unwritten();
        if !self.write_error && unwritten {
            // A peer that stops reading may have answered all the same ("too large"): so a failure
            // to write is no failure before the reading has failed too.
            if let Poll::Ready(Err(_)) = io.poll_write_all(cx, &mut self.output, &mut self.tail) {
                self.write_error = true;
            }
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
                Poll::Pending if self.write_error => return Poll::Ready(Err(Failure::Closed)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
