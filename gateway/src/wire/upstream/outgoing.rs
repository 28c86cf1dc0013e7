//! A request, written to an HTTP/1.1 connection: its head, what is here of its body, and what the
//! caller is still to send of that.
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{Method, header};

use super::{Target, UpstreamRequest};
use crate::wire::body::RequestBody;
use crate::wire::codec::write;
use crate::wire::io::Io;
use crate::wire::message::BodyError;

/// A piece at least this large is written from where it lies.
const LARGE: usize = 8 * 1024;

/// What of a request is still to be written.
#[derive(Debug)]
pub(super) struct Outgoing {
    output: BytesMut,
    /// Written after `output`, from where it lies.
    tail: Bytes,
    /// What there was to write at first.
    total: usize,
    upload: Option<Box<Upload>>,
    /// The provider takes no more.
    failed: bool,
}

/// The rest of a body, read from the caller once all before it is written.
#[derive(Debug)]
struct Upload {
    rest: RequestBody,
    /// What is to come, where a length was declared; else it goes out in chunks.
    left: Option<u64>,
    begun: bool,
    /// The line end behind a chunk that was written from where it lay is still to come.
    after_large: bool,
}

impl Outgoing {
    /// A request to be written. The caller's part of a streamed body is taken out of it, and can be
    /// put back by [`Outgoing::into_unread`].
    pub(super) fn new(target: &Target, request: &mut UpstreamRequest) -> Self {
        let here = request.body.head();
        let chunked = request.body.length().is_none();
        let mut output = BytesMut::with_capacity(1024 + here.len().min(LARGE));
        put_head(&mut output, target, request);
        let mut tail = Bytes::new();
        let mut after_large = false;
        if chunked && !here.is_empty() {
            write::chunk_size(&mut output, here.len());
        }
        if here.len() >= LARGE {
            tail = here.clone();
            after_large = chunked;
        } else {
            output.extend_from_slice(here);
            if chunked && !here.is_empty() {
                output.put_slice(b"\r\n");
            }
        }
        let upload = request.body.take_rest().map(|rest| {
            Box::new(Upload {
                left: rest.remaining(),
                rest,
                begun: false,
                after_large,
            })
        });
        Self {
            total: output.len() + tail.len(),
            output,
            tail,
            upload,
            failed: false,
        }
    }

    fn waiting(&self) -> usize {
        self.output.len() + self.tail.len()
    }

    /// Writes as far as the caller sends and the provider takes. Ready once nothing is left to be
    /// written, or nothing more can be.
    ///
    /// A peer that stops reading may have answered all the same ("too large"): so a failure to write
    /// is no error, and only noted.
    ///
    /// # Errors
    /// The caller's body broke off.
    pub(super) fn poll_write(
        &mut self,
        io: &mut Io,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), BodyError>> {
        while !self.failed {
            if self.waiting() > 0 || io.holds_unwritten() {
                let written = io.poll_write_all(cx, &mut self.output, &mut self.tail);
                self.failed = ready!(written).is_err();
                continue;
            }
            let Some(upload) = &mut self.upload else {
                break;
            };
            if upload.left == Some(0) {
                self.upload = None;
                break;
            }
            let piece = upload.rest.poll_piece(cx);
            upload.begun |= piece.is_ready();
            match ready!(piece) {
                Some(Ok(piece)) => self.tail = upload.frame(&mut self.output, piece)?,
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None if upload.left.is_some() => return Poll::Ready(Err(BodyError::Truncated)),
                None => {
                    upload.end(&mut self.output);
                    self.upload = None;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether the provider takes no more.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Whether all of it is written.
    pub(super) fn is_whole(&self, io: &Io) -> bool {
        self.waiting() == 0 && self.upload.is_none() && !io.holds_unwritten()
    }

    /// Whether anything of it was written, or read from the caller.
    pub(super) fn begun(&self) -> bool {
        self.waiting() < self.total || self.upload.as_ref().is_some_and(|upload| upload.begun)
    }

    /// The caller's part, of which nothing was read.
    pub(super) fn into_unread(self) -> Option<RequestBody> {
        self.upload
            .filter(|upload| !upload.begun)
            .map(|upload| upload.rest)
    }
}

impl Upload {
    /// Frames a piece; what of it is not copied is given back, to be written next.
    fn frame(&mut self, out: &mut BytesMut, piece: Bytes) -> Result<Bytes, BodyError> {
        if let Some(left) = &mut self.left {
            *left = left
                .checked_sub(piece.len() as u64)
                .ok_or(BodyError::Malformed)?;
            return Ok(piece);
        }
        if piece.is_empty() {
            return Ok(piece);
        }
        self.end_large(out);
        out.reserve(piece.len().min(LARGE) + 20);
        write::chunk_size(out, piece.len());
        if piece.len() >= LARGE {
            self.after_large = true;
            return Ok(piece);
        }
        out.put_slice(&piece);
        out.put_slice(b"\r\n");
        Ok(Bytes::new())
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.end_large(out);
        out.put_slice(b"0\r\n\r\n");
    }

    fn end_large(&mut self, out: &mut BytesMut) {
        if std::mem::take(&mut self.after_large) {
            out.put_slice(b"\r\n");
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
        // An expectation would have to be waited for, and is met by the gateway itself.
        if *name == header::HOST || *name == header::EXPECT || write::is_the_wires(name) {
            continue;
        }
        write::field(out, name, value);
    }
    let bodiless = request.method == Method::GET || request.method == Method::HEAD;
    match request.body.length() {
        _ if bodiless && request.body.is_empty() => {}
        Some(length) => write::content_length(out, length),
        None => out.put_slice(b"transfer-encoding: chunked\r\n"),
    }
    out.put_slice(b"\r\n");
}
