//! A request's body as hyper pulls it over HTTP/2, and the hold that its call keeps on it: hyper reads
//! it in a task of its own, which knows nothing of whether anyone still waits for the answer.
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h2::Reason;
use http_body::{Body, Frame, SizeHint};

use super::UpstreamRequest;
use crate::wire::body::RequestBody;
use crate::wire::message::BodyError;

/// A request's body: what is here of it, and what the caller is still to send.
pub(super) struct Feed {
    head: Bytes,
    upload: Option<Upload>,
}

struct Upload {
    shared: Arc<Shared>,
    /// What is to come, where a length was declared.
    left: Option<u64>,
}

/// The caller's part of a body, for as long as somebody waits for what comes of it: dropped, it ends
/// the upload.
#[derive(Debug)]
pub(super) struct Hold(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Until its end was read, or the upload was ended.
    rest: Option<RequestBody>,
    begun: bool,
    error: Option<BodyError>,
    reader: Option<Waker>,
}

impl Feed {
    /// The body of a request, and a hold on the caller's part of it if it has one.
    pub(super) fn new(request: &mut UpstreamRequest) -> (Self, Option<Hold>) {
        let head = request.body.head().clone();
        let Some(rest) = request.body.take_rest() else {
            return (Self { head, upload: None }, None);
        };
        let left = rest.remaining();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                rest: Some(rest),
                ..State::default()
            }),
        });
        let hold = Hold(shared.clone());
        let upload = Some(Upload { shared, left });
        (Self { head, upload }, Some(hold))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// How the caller's body broke off, if it did.
    pub(super) fn error(&self) -> Option<BodyError> {
        self.0.lock().error
    }

    /// The caller's part back, if nothing of it was read.
    pub(super) fn into_unread(self) -> Option<RequestBody> {
        let mut state = self.0.lock();
        if state.begun { None } else { state.rest.take() }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let (rest, reader) = {
            let mut state = self.0.lock();
            (state.rest.take(), state.reader.take())
        };
        if rest.is_some()
            && let Some(reader) = reader
        {
            reader.wake();
        }
    }
}

impl Upload {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
        let cancel = || Poll::Ready(Some(Err(Reason::CANCEL.into())));
        let mut state = self.shared.lock();
        let Some(rest) = &mut state.rest else {
            // Its end is not asked for twice, so nobody waits for the answer any more.
            return cancel();
        };
        let piece = rest.poll_piece(cx);
        if piece.is_pending()
            && state
                .reader
                .as_ref()
                .is_none_or(|reader| !reader.will_wake(cx.waker()))
        {
            state.reader = Some(cx.waker().clone());
        }
        let piece = ready!(piece);
        state.begun = true;
        let error = match (piece, &mut self.left) {
            (Some(Ok(bytes)), None) => return Poll::Ready(Some(Ok(bytes))),
            (Some(Ok(bytes)), Some(left)) => match left.checked_sub(bytes.len() as u64) {
                Some(rest) => {
                    *left = rest;
                    if rest == 0 {
                        state.rest = None;
                    }
                    return Poll::Ready(Some(Ok(bytes)));
                }
                None => BodyError::Malformed,
            },
            (Some(Err(error)), _) => error,
            (None, Some(1..)) => BodyError::Truncated,
            (None, _) => {
                state.rest = None;
                return Poll::Ready(None);
            }
        };
        state.rest = None;
        state.error = Some(error);
        cancel()
    }
}

impl Body for Feed {
    type Data = Bytes;
    /// With the reason that the stream is reset for.
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let head = std::mem::take(&mut self.head);
        if !head.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(head))));
        }
        match &mut self.upload {
            None => Poll::Ready(None),
            Some(Upload { left: Some(0), .. }) => Poll::Ready(None),
            Some(upload) => upload
                .poll_next(cx)
                .map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        let over = |upload: &Upload| upload.left == Some(0);
        self.head.is_empty() && self.upload.as_ref().is_none_or(over)
    }

    fn size_hint(&self) -> SizeHint {
        let here = self.head.len() as u64;
        let left = self.upload.as_ref().map_or(Some(0), |upload| upload.left);
        left.and_then(|left| left.checked_add(here))
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
