//! The body of an answer, pulled from its connection.
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body as _;

use super::UpstreamError;
use super::h1::Connection;
use super::h2::Stream;
use super::outgoing::Outgoing;
use super::pool::Pool;
use crate::wire::codec::Framing;
use crate::wire::codec::chunked::{Chunked, Step};
use crate::wire::io::READ_SIZE;

/// The body of a provider's answer. Dropped before its end, it closes the connection (HTTP/1.1) or
/// resets the stream (HTTP/2) at once; read to its end, it gives the connection back. What is still
/// streamed of the request when the answer has begun goes on while this is polled, and no longer.
pub struct UpstreamBody {
    source: Source,
    framed: bool,
}

enum Source {
    Done,
    Http1(Box<Http1>),
    Http2(Box<Stream>),
}

struct Http1 {
    connection: Box<Connection>,
    left: Left,
    /// What is still to be written of the request.
    upload: Option<Box<Outgoing>>,
    /// Where the connection goes at the end of the body, if it can be used again.
    home: Option<(Arc<Pool>, u64)>,
}

enum Left {
    Length(u64),
    Chunked(Chunked),
    Close,
}

impl fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamBody")
            .field("framed", &self.framed)
            .finish_non_exhaustive()
    }
}

impl UpstreamBody {
    pub(super) fn http1(
        connection: Box<Connection>,
        framing: Framing,
        home: Option<(Arc<Pool>, u64)>,
        upload: Option<Box<Outgoing>>,
    ) -> Self {
        let left = match framing {
            Framing::Length(length) => Left::Length(length),
            Framing::Chunked => Left::Chunked(Chunked::new()),
            Framing::Close => Left::Close,
        };
        let body = Http1 {
            connection,
            left,
            upload,
            home,
        };
        let source = if matches!(body.left, Left::Length(0)) {
            body.give_back();
            Source::Done
        } else {
            Source::Http1(Box::new(body))
        };
        Self {
            source,
            framed: framing != Framing::Close,
        }
    }

    pub(super) fn http2(stream: Stream) -> Self {
        Self {
            source: Source::Http2(Box::new(stream)),
            framed: true,
        }
    }

    /// The next piece, in whatever size it came; `None` at the end, and ever after.
    ///
    /// # Errors
    /// A body that does not come to its proper end gives an error, never a clean end; only where
    /// [`UpstreamBody::framed`] is false can the two not be told apart.
    pub fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        let (item, over) = match &mut self.source {
            Source::Done => return Poll::Ready(None),
            Source::Http1(body) => {
                let item = ready!(body.poll_next(cx));
                (item, matches!(body.left, Left::Length(0)))
            }
            Source::Http2(stream) => (ready!(stream.poll_next(cx)), false),
        };
        // The last byte of a declared length ends it, whether or not it is asked for more.
        if over || !matches!(item, Some(Ok(_))) {
            let source = std::mem::replace(&mut self.source, Source::Done);
            if let Source::Http1(body) = source
                && !matches!(item, Some(Err(_)))
            {
                body.give_back();
            }
        }
        Poll::Ready(item)
    }

    /// [`UpstreamBody::poll_next`] as a future.
    ///
    /// # Errors
    /// As there.
    pub async fn next(&mut self) -> Option<Result<Bytes, UpstreamError>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Whether the end of the body is marked: false where only the end of the connection ends it.
    #[must_use]
    pub fn framed(&self) -> bool {
        self.framed
    }

    /// The bytes still to come, where the provider declared a length.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        match &self.source {
            Source::Done => Some(0),
            Source::Http1(body) => match body.left {
                Left::Length(left) => Some(left),
                Left::Chunked(_) | Left::Close => None,
            },
            Source::Http2(stream) => stream.incoming.size_hint().exact(),
        }
    }
}

impl Http1 {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        let Connection { io, input, .. } = &mut *self.connection;
        if let Some(upload) = &mut self.upload
            && let Poll::Ready(written) = upload.poll_write(io, cx)
        {
            if let Err(error) = written {
                return Poll::Ready(Some(Err(UpstreamError::RequestBody(error))));
            }
            if upload.failed() {
                self.home = None;
            }
            self.upload = None;
        }
        loop {
            match &mut self.left {
                Left::Length(left) if !input.is_empty() => {
                    let take = usize::try_from(*left)
                        .unwrap_or(usize::MAX)
                        .min(input.len());
                    *left -= take as u64;
                    return Poll::Ready(Some(Ok(input.split_to(take).freeze())));
                }
                Left::Chunked(chunked) => match chunked.step(input) {
                    Ok(Step::Data(data)) => return Poll::Ready(Some(Ok(data))),
                    Ok(Step::End) => return Poll::Ready(None),
                    Ok(Step::More) => {}
                    Err(_) => return Poll::Ready(Some(Err(UpstreamError::Malformed))),
                },
                Left::Close if !input.is_empty() => {
                    return Poll::Ready(Some(Ok(input.split().freeze())));
                }
                Left::Length(_) | Left::Close => {}
            }
            let room = match self.left {
                Left::Length(left) => usize::try_from(left)
                    .unwrap_or(usize::MAX)
                    .clamp(1, 4 * READ_SIZE),
                Left::Chunked(_) | Left::Close => READ_SIZE,
            };
            match ready!(io.poll_fill(cx, input, room)) {
                Ok(read) if read > 0 => {}
                Ok(_) if matches!(self.left, Left::Close) => return Poll::Ready(None),
                Ok(_) | Err(_) => return Poll::Ready(Some(Err(UpstreamError::Truncated))),
            }
        }
    }

    /// Gives the connection back to its pool, unless the peer has sent what nobody asked for, or has
    /// answered before the request was all there.
    fn give_back(self) {
        if let Some((pool, key)) = self.home
            && self.upload.is_none()
            && self.connection.input.is_empty()
            && !self.connection.io.holds_unread()
        {
            pool.put(key, self.connection);
        }
    }
}
