//! HTTP/1.1 with a caller: heads in, bodies as they are asked for, answers out, one after another.
//!
//! All of it, the handler included, runs in the connection's task: a byte that a provider sends
//! wakes that one task, which reads it, passes it through the pipeline and writes it out.
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Version};

use super::Counted;
use super::connection::{Connection, PREFACE};
use super::respond;
use crate::wire::body::{RequestBody, Slot, Want};
use crate::wire::codec::Framing;
use crate::wire::codec::chunked::{Chunked, Step};
use crate::wire::codec::head::{self, RequestHead, Scan, Scanner};
use crate::wire::io::READ_SIZE;
use crate::wire::message::{BodyError, Fault, Handler, Request, Response};

/// How long, and how far, a connection that is closed with bytes still coming is read on, so that
/// the reset which closing it would send does not overtake the answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1024 * 1024;

/// How HTTP/1.1 on a connection ended.
pub(super) enum End<H> {
    Closed,
    /// The caller turned out to speak HTTP/2.
    Http2(Box<Connection<H>>),
}

enum Next {
    Head(Box<RequestHead>),
    Closed,
    Refused(Fault),
    Http2,
}

/// Serves a connection until it closes.
pub(super) async fn serve<H: Handler>(mut connection: Connection<H>) -> End<H> {
    let mut first = true;
    loop {
        match next_head(&mut connection, first).await {
            Next::Head(head) => {
                first = false;
                if !exchange(&mut connection, *head).await {
                    return End::Closed;
                }
            }
            Next::Refused(fault) => {
                refuse(&mut connection, fault).await;
                return End::Closed;
            }
            Next::Closed => return End::Closed,
            Next::Http2 => return End::Http2(Box::new(connection)),
        }
    }
}

/// Waits for the next head: as long as a connection may idle for its first byte, then as long as a
/// head may take.
async fn next_head<H: Handler>(connection: &mut Connection<H>, first: bool) -> Next {
    let config = connection.worker.config.clone();
    let mut scanner = Scanner::default();
    let mut begun = !connection.input.is_empty();
    let mut hurried = connection.draining();
    connection.await_caller(if begun {
        config.header_timeout
    } else {
        config.idle_timeout
    });
    poll_fn(|cx| {
        loop {
            if !connection.input.is_empty() {
                match look(connection, &mut scanner, first) {
                    Some(next) => return Poll::Ready(next),
                    None if !begun => {
                        begun = true;
                        connection.await_caller(config.header_timeout);
                    }
                    None => {}
                }
            }
            match connection
                .io
                .poll_fill(cx, &mut connection.input, READ_SIZE)
            {
                Poll::Ready(Ok(read)) if read > 0 => continue,
                Poll::Ready(_) => return Poll::Ready(Next::Closed),
                Poll::Pending => {}
            }
            if !begun {
                connection.input = bytes::BytesMut::new();
            }
            if !hurried && connection.poll_drained(cx).is_ready() {
                // Its caller may have sent a request already: that is answered, and told to be the last.
                hurried = true;
                connection.hurry();
            }
            if connection.timer.as_mut().poll(cx).is_ready() {
                let timed_out = Next::Refused(Fault::HeadTimedOut);
                return Poll::Ready(if begun { timed_out } else { Next::Closed });
            }
            return Poll::Pending;
        }
    })
    .await
}

/// Looks for a whole head in what was read.
fn look<H: Handler>(
    connection: &mut Connection<H>,
    scanner: &mut Scanner,
    first: bool,
) -> Option<Next> {
    let config = &connection.worker.config;
    let input = &mut connection.input;
    let too_large = Next::Refused(Fault::HeadTooLarge);
    match scanner.scan(input) {
        Scan::BareLineFeed => Some(Next::Refused(Fault::BadRequest("a line ends without CR"))),
        Scan::End(length) if length > config.max_head_bytes => Some(too_large),
        Scan::End(_) if first && PREFACE.starts_with(&input[..input.len().min(PREFACE.len())]) => {
            Some(Next::Http2)
        }
        Scan::End(length) => {
            let head = input.split_to(length).freeze();
            Some(match head::request(&head, config.max_headers) {
                Ok(head) => Next::Head(Box::new(head)),
                Err(fault) => Next::Refused(fault),
            })
        }
        Scan::More if input.len() > config.max_head_bytes => Some(too_large),
        // A TLS hello or other noise is told so at once, not after the time for a head.
        Scan::More if !input[0].is_ascii_alphanumeric() && input[0] != b'\r' => {
            Some(Next::Refused(Fault::BadRequest("the head is not HTTP")))
        }
        Scan::More => None,
    }
}

/// One request and its answer; whether another may follow.
async fn exchange<H: Handler>(connection: &mut Connection<H>, head: RequestHead) -> bool {
    let RequestHead {
        head,
        framing,
        keep_alive,
        expects_continue,
    } = head;
    let (method, version) = (head.method.clone(), head.version);
    let (mut incoming, body) = Incoming::begin(connection, framing, expects_continue);
    let request = Request {
        head,
        body,
        peer: connection.peer,
        tls: matches!(connection.io, crate::wire::io::Io::Tls(_)),
    };
    let worker = connection.worker.clone();
    let counted = Counted::request(&worker.shared);
    // In a box, so that an idle connection does not keep the room for it.
    let mut handling = Box::pin(worker.handler.handle(request));
    let answer = poll_fn(|cx| {
        loop {
            if let Poll::Ready(response) = handling.as_mut().poll(cx) {
                return Poll::Ready(Some(response));
            }
            match incoming.pump(connection, cx) {
                Poll::Ready(Pumped::More) => {}
                Poll::Ready(Pumped::Left) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
    drop(handling);
    let Some(response) = answer else { return false };
    let reusable = incoming.settle(connection) && keep_alive && !connection.draining();
    let asked = Asked {
        headless: method == Method::HEAD,
        version,
        keep_alive: reusable,
    };
    let written = respond::write(connection, &mut incoming, response, asked).await;
    drop(counted);
    match written {
        respond::Written::Whole { keep_alive: true } => true,
        respond::Written::Whole { keep_alive: false } => {
            close(connection, !incoming.is_over()).await;
            false
        }
        respond::Written::Broken => false,
    }
}

/// What of a request bears on the form of its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) headless: bool,
    pub(super) version: Version,
    pub(super) keep_alive: bool,
}

/// Answers what is refused without a handler, and closes.
pub(super) async fn refuse<H: Handler>(connection: &mut Connection<H>, fault: Fault) {
    let Response {
        status,
        headers,
        body,
    } = connection.worker.handler.refuse(fault);
    let body = match body {
        crate::wire::message::ResponseBody::Full(bytes) => bytes,
        crate::wire::message::ResponseBody::Pull(_) => Bytes::new(),
    };
    let body = crate::wire::message::ResponseBody::Full(body);
    let response = Response {
        status,
        headers,
        body,
    };
    let asked = Asked {
        headless: false,
        version: Version::HTTP_11,
        keep_alive: false,
    };
    let mut nothing = Incoming::nothing();
    if let respond::Written::Whole { .. } =
        respond::write(connection, &mut nothing, response, asked).await
    {
        close(connection, true).await;
    }
}

/// Closes a connection; where more may come, not before the caller has had time to read.
async fn close<H: Handler>(connection: &mut Connection<H>, more: bool) {
    let more = more || !connection.input.is_empty();
    connection.set_timer(LINGER);
    let mut shut = false;
    let mut left = LINGER_BYTES;
    poll_fn(|cx| {
        if connection.timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !shut {
            match tokio::io::AsyncWrite::poll_shutdown(Pin::new(&mut connection.io), cx) {
                Poll::Ready(Ok(())) => shut = true,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        if !more {
            return Poll::Ready(());
        }
        loop {
            connection.input.clear();
            match connection
                .io
                .poll_fill(cx, &mut connection.input, READ_SIZE)
            {
                Poll::Ready(Ok(read)) if read > 0 && read < left => left -= read,
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
}

/// The request's body, on the connection's side.
pub(super) struct Incoming {
    left: Left,
    slot: Option<Arc<Slot>>,
    expects_continue: bool,
}

/// What of the body is still to be read.
enum Left {
    Nothing,
    Length(u64),
    Chunked(Chunked),
    /// It broke off; nothing more can be read from this connection.
    Broken,
}

pub(super) enum Pumped {
    /// The handler, or the answer's body, has something new to look at.
    More,
    /// The caller is gone.
    Left,
}

impl Incoming {
    fn nothing() -> Self {
        Self {
            left: Left::Nothing,
            slot: None,
            expects_continue: false,
        }
    }

    fn begin<H: Handler>(
        connection: &mut Connection<H>,
        framing: Framing,
        expects_continue: bool,
    ) -> (Self, RequestBody) {
        let (left, declared) = match framing {
            Framing::Length(length) if length <= connection.input.len() as u64 => {
                let whole = connection
                    .input
                    .split_to(usize::try_from(length).unwrap_or(0))
                    .freeze();
                if connection.input.is_empty() {
                    connection.input = bytes::BytesMut::new();
                }
                return (Self::nothing(), RequestBody::from(whole));
            }
            Framing::Length(length) => (Left::Length(length), Some(length)),
            Framing::Chunked | Framing::Close => (Left::Chunked(Chunked::new()), None),
        };
        let slot = Arc::new(Slot::default());
        let body = RequestBody::slot(slot.clone(), declared);
        let expects_continue = expects_continue && connection.input.is_empty();
        (
            Self {
                left,
                slot: Some(slot),
                expects_continue,
            },
            body,
        )
    }

    /// Whether the next bytes of the connection are the next request's.
    fn is_over(&self) -> bool {
        matches!(self.left, Left::Nothing)
    }

    /// Throws away what is left of the body if that has come already, once the handler has answered
    /// and nobody can ask for it any more. Whether the body is over.
    fn settle<H: Handler>(&mut self, connection: &mut Connection<H>) -> bool {
        self.expects_continue = false;
        let asked_for = self
            .slot
            .as_ref()
            .is_some_and(|slot| Arc::strong_count(slot) > 1);
        if asked_for {
            return self.is_over();
        }
        while !self.is_over() {
            match self.take(&mut connection.input, Want::Some) {
                Some(Some(Ok(_)) | None) => {}
                Some(Some(Err(_))) | None => return false,
            }
        }
        true
    }

    /// Reads what is asked for. Where nothing is, watches for the caller to leave.
    pub(super) fn pump<H: Handler>(
        &mut self,
        connection: &mut Connection<H>,
        cx: &mut Context<'_>,
    ) -> Poll<Pumped> {
        if matches!(self.left, Left::Broken) {
            return Poll::Pending;
        }
        let idle = connection.worker.config.body_idle;
        let Some(slot) = self.slot.clone() else {
            return watch(connection, cx);
        };
        let Some((want, deadline)) = slot.wanted(cx, idle) else {
            return watch(connection, cx);
        };
        if std::mem::take(&mut self.expects_continue) {
            connection
                .output
                .extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        if connection.has_output() {
            match connection
                .io
                .poll_write_all(cx, &mut connection.output, &mut Bytes::new())
            {
                Poll::Ready(Ok(())) | Poll::Pending => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Pumped::Left),
            }
        }
        loop {
            if let Some(item) = self.take(&mut connection.input, want) {
                slot.put(item, cx);
                return Poll::Ready(Pumped::More);
            }
            let room = match (&self.left, want) {
                (Left::Length(length), Want::All) => {
                    let length = usize::try_from(*length).unwrap_or(usize::MAX);
                    length
                        .saturating_sub(connection.input.len())
                        .clamp(1, 16 * READ_SIZE)
                }
                _ => READ_SIZE,
            };
            match connection.io.poll_fill(cx, &mut connection.input, room) {
                Poll::Ready(Ok(read)) if read > 0 => slot.progress(read, idle),
                Poll::Ready(Ok(_)) => {
                    self.left = Left::Broken;
                    slot.put(Some(Err(BodyError::Truncated)), cx);
                    return Poll::Ready(Pumped::More);
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Pumped::Left),
                Poll::Pending => {
                    if connection.timer.deadline() != deadline {
                        connection.timer.as_mut().reset(deadline);
                    }
                    if connection.timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    self.left = Left::Broken;
                    slot.put(Some(Err(BodyError::TimedOut)), cx);
                    return Poll::Ready(Pumped::More);
                }
            }
        }
    }

    /// The next piece of the body, if it is in the input.
    fn take(
        &mut self,
        input: &mut bytes::BytesMut,
        want: Want,
    ) -> Option<Option<Result<Bytes, BodyError>>> {
        match &mut self.left {
            Left::Nothing => Some(None),
            Left::Broken => Some(Some(Err(BodyError::Truncated))),
            Left::Length(length) => {
                let here = usize::try_from(*length)
                    .unwrap_or(usize::MAX)
                    .min(input.len());
                if here == 0 || (want == Want::All && (here as u64) < *length) {
                    return None;
                }
                *length -= here as u64;
                if *length == 0 {
                    self.left = Left::Nothing;
                }
                Some(Some(Ok(input.split_to(here).freeze())))
            }
            Left::Chunked(chunked) => match chunked.step(input) {
                Ok(Step::Data(data)) => Some(Some(Ok(data))),
                Ok(Step::More) => None,
                Ok(Step::End) => {
                    self.left = Left::Nothing;
                    Some(None)
                }
                Err(_) => {
                    self.left = Left::Broken;
                    Some(Some(Err(BodyError::Malformed)))
                }
            },
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot {
            slot.end();
        }
    }
}

/// Reads on, up to a buffer, to notice that the caller leaves. A caller that closes its side of the
/// connection counts as gone, as it does with most proxies.
fn watch<H: Handler>(connection: &mut Connection<H>, cx: &mut Context<'_>) -> Poll<Pumped> {
    while connection.input.len() < READ_SIZE {
        match connection
            .io
            .poll_fill(cx, &mut connection.input, READ_SIZE)
        {
            Poll::Ready(Ok(read)) if read > 0 => {}
            Poll::Ready(_) => return Poll::Ready(Pumped::Left),
            Poll::Pending => {
                if connection.input.is_empty() && connection.input.capacity() > 0 {
                    connection.input = bytes::BytesMut::new();
                }
                return Poll::Pending;
            }
        }
    }
    Poll::Pending
}
