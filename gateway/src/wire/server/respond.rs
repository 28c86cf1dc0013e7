//! An answer, written to an HTTP/1.1 connection.
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, Bytes};
use http::{StatusCode, Version};
use tokio::time::Sleep;

use super::connection::Connection;
use super::h1::{Asked, Incoming, Pumped};
use crate::wire::codec::Framing;
use crate::wire::codec::write::{chunk_size, response_head};
use crate::wire::message::{Handler, Pull, Response, ResponseBody};

/// Chunks that are ready together are gathered up to this into one write.
const GATHER: usize = 16 * 1024;
/// A piece at least this large is written from where it lies instead of being copied together.
const LARGE: usize = 8 * 1024;

/// How the writing ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    Whole {
        keep_alive: bool,
    },
    /// The caller left, or the body was aborted: the connection can only be dropped.
    Broken,
}

/// Writes an answer. The body is dropped before this returns.
pub(super) async fn write<H: Handler>(
    connection: &mut Connection<H>,
    incoming: &mut Incoming,
    response: Response,
    asked: Asked,
) -> Written {
    let Response {
        status,
        headers,
        body,
    } = response;
    let bodiless = status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
    let framing = match &body {
        _ if bodiless => None,
        ResponseBody::Full(bytes) => Some(Framing::Length(bytes.len() as u64)),
        ResponseBody::Pull(pull) => Some(match pull.length() {
            Some(length) => Framing::Length(length),
            None if asked.version == Version::HTTP_11 => Framing::Chunked,
            None => Framing::Close,
        }),
    };
    let keep_alive = asked.keep_alive && framing != Some(Framing::Close);
    let out = &mut connection.output;
    response_head(out, status, &headers, framing, asked.version, keep_alive);
    drop(headers);
    let whole = match body {
        _ if bodiless || asked.headless => write_all(connection).await,
        ResponseBody::Full(bytes) => {
            if bytes.len() < LARGE {
                connection.output.extend_from_slice(&bytes);
            } else {
                connection.tail = bytes;
            }
            write_all(connection).await
        }
        ResponseBody::Pull(pull) => {
            let framing = framing.unwrap_or(Framing::Close);
            let mut pulled = Pulled {
                pull,
                framing,
                after_large: false,
                state: State::Open,
                stall: None,
            };
            poll_fn(|cx| pulled.poll(connection, incoming, cx)).await
        }
    };
    connection.output = bytes::BytesMut::new();
    if whole {
        Written::Whole { keep_alive }
    } else {
        Written::Broken
    }
}

async fn write_all<H: Handler>(connection: &mut Connection<H>) -> bool {
    let mut stall = None;
    poll_fn(|cx| poll_flush(connection, &mut stall, cx)).await
}

/// Writes what waits to be written; false if the caller is gone, or takes none of it for too long.
fn poll_flush<H: Handler>(
    connection: &mut Connection<H>,
    stall: &mut Option<Pin<Box<Sleep>>>,
    cx: &mut Context<'_>,
) -> Poll<bool> {
    let Connection {
        io, output, tail, ..
    } = connection;
    let before = output.len() + tail.len();
    match io.poll_write_all(cx, output, tail) {
        Poll::Ready(result) => {
            *stall = None;
            Poll::Ready(result.is_ok())
        }
        Poll::Pending => {
            let idle = connection.worker.config.write_idle;
            if output.len() + tail.len() < before {
                *stall = None;
            }
            let timer = stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
            timer.as_mut().poll(cx).map(|()| false)
        }
    }
}

/// A body that is made while it is written.
struct Pulled {
    pull: Pin<Box<dyn Pull>>,
    /// With a length: what is left of it.
    framing: Framing,
    /// The line end that closes a chunk which was written from where it lay is still to come.
    after_large: bool,
    state: State,
    /// Runs while the caller takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Ended,
    Aborted,
}

impl Pulled {
    fn poll<H: Handler>(
        &mut self,
        connection: &mut Connection<H>,
        incoming: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<bool> {
        loop {
            let waits = self.gather(connection, cx);
            if connection.has_output() {
                if !ready!(poll_flush(connection, &mut self.stall, cx)) {
                    return Poll::Ready(false);
                }
                if !waits {
                    continue;
                }
            }
            match self.state {
                State::Ended => return Poll::Ready(true),
                State::Aborted => {
                    // Without a frame to miss its end, only a reset tells this from a clean end.
                    if self.framing == Framing::Close {
                        let tcp = socket2::SockRef::from(connection.io.tcp());
                        let _ = tcp.set_linger(Some(std::time::Duration::ZERO));
                    }
                    return Poll::Ready(false);
                }
                State::Open if !waits => {}
                State::Open => match ready!(incoming.pump(connection, cx)) {
                    Pumped::More => {}
                    Pumped::Left => return Poll::Ready(false),
                },
            }
        }
    }

    /// Gathers what is ready into the output; whether the body has nothing more for now.
    fn gather<H: Handler>(&mut self, connection: &mut Connection<H>, cx: &mut Context<'_>) -> bool {
        while connection.tail.is_empty() && connection.output.len() < GATHER {
            if self.state != State::Open {
                return false;
            }
            if std::mem::take(&mut self.after_large) {
                connection.output.put_slice(b"\r\n");
            }
            match self.pull.as_mut().poll_next(cx) {
                Poll::Pending => return true,
                Poll::Ready(Some(Ok(bytes))) => self.frame(connection, bytes),
                Poll::Ready(Some(Err(_))) => self.state = State::Aborted,
                Poll::Ready(None) => {
                    self.state = match self.framing {
                        Framing::Length(left) if left > 0 => State::Aborted,
                        Framing::Chunked => {
                            connection.output.put_slice(b"0\r\n\r\n");
                            State::Ended
                        }
                        _ => State::Ended,
                    };
                }
            }
        }
        false
    }

    fn frame<H: Handler>(&mut self, connection: &mut Connection<H>, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let out = &mut connection.output;
        match &mut self.framing {
            Framing::Chunked => {
                out.reserve(bytes.len().min(LARGE) + 20);
                chunk_size(out, bytes.len());
                if bytes.len() >= LARGE {
                    self.after_large = true;
                } else {
                    out.put_slice(&bytes);
                    out.put_slice(b"\r\n");
                    return;
                }
            }
            Framing::Length(left) => match left.checked_sub(bytes.len() as u64) {
                Some(rest) => *left = rest,
                None => {
                    self.state = State::Aborted;
                    return;
                }
            },
            Framing::Close => {}
        }
        if bytes.len() >= LARGE {
            connection.tail = bytes;
        } else {
            out.extend_from_slice(&bytes);
        }
    }
}
