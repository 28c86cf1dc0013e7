//! The body of a caller's request, pulled.
use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use tokio::time::{Instant, Sleep};

use super::message::BodyError;

/// The body of a caller's request. Nothing is read from the connection beyond what is asked for
/// here, apart from one read buffer.
pub struct RequestBody {
    source: Source,
    /// The length that the caller declared …
    declared: Option<u64>,
    /// … and what of it is still to come.
    left: Option<u64>,
    count: Option<Arc<AtomicU64>>,
    watch: Option<Watch>,
}

/// Looks at each piece before it is handed out, and says whether it may be.
type Watch = Box<dyn FnMut(&Bytes) -> bool + Send + Sync>;

#[derive(Default)]
enum Source {
    #[default]
    Done,
    Whole(Bytes),
    Slot(Arc<Slot>),
    Stream(Box<Stream>),
}

/// A body over HTTP/2.
struct Stream {
    incoming: hyper::body::Incoming,
    idle: Duration,
    /// What is left of the time that the caller may take.
    left: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

/// A byte that comes earns its caller this much time for the next ones, up to what it had at first:
/// a body that dribbles at fewer than 500 bytes a second is given up like one that stands still.
const EARNED_BY_A_BYTE: Duration = Duration::from_millis(2);

fn earned_by(bytes: usize) -> Duration {
    EARNED_BY_A_BYTE.saturating_mul(u32::try_from(bytes).unwrap_or(u32::MAX))
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody")
            .field("declared", &self.declared_length())
            .finish_non_exhaustive()
    }
}

impl From<Bytes> for RequestBody {
    /// A body that is all there.
    fn from(bytes: Bytes) -> Self {
        let length = bytes.len() as u64;
        let source = if bytes.is_empty() {
            Source::Done
        } else {
            Source::Whole(bytes)
        };
        Self::of(source, Some(length))
    }
}

impl Default for RequestBody {
    /// No body.
    fn default() -> Self {
        Self::of(Source::Done, Some(0))
    }
}

impl RequestBody {
    fn of(source: Source, declared: Option<u64>) -> Self {
        Self {
            source,
            declared,
            left: declared,
            count: None,
            watch: None,
        }
    }

    /// A body that its connection fills in as it is asked for.
    pub(super) fn slot(slot: Arc<Slot>, declared: Option<u64>) -> Self {
        Self::of(Source::Slot(slot), declared)
    }

    pub(super) fn stream(incoming: hyper::body::Incoming, idle: Duration) -> Self {
        if incoming.is_end_stream() {
            return Self::default();
        }
        let declared = incoming.size_hint().exact();
        let stream = Stream {
            incoming,
            idle,
            left: idle,
            timer: None,
        };
        Self::of(Source::Stream(Box::new(stream)), declared)
    }

    /// The next piece, in whatever size it came; `None` at the end.
    ///
    /// # Errors
    /// As [`BodyError`] says. After an error or the end, the answer is always `None`.
    pub async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        poll_fn(|cx| self.poll_next(cx, Want::Some)).await
    }

    /// [`RequestBody::next`], polled.
    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.poll_next(cx, Want::Some)
    }

    /// The length that the caller declared, in bytes. `None` where it declared none (chunked).
    #[must_use]
    pub fn declared_length(&self) -> Option<u64> {
        self.declared
    }

    /// The bytes still to come; `None` where the caller declared no length, until the end was seen.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        match self.source {
            Source::Done => Some(0),
            _ => self.left,
        }
    }

    /// Has each piece looked at before it is handed out, also once the body is given away. Where it is
    /// not found good the body ends with [`BodyError::Refused`]: what streams to a provider breaks off
    /// there.
    pub fn watch(&mut self, watch: impl FnMut(&Bytes) -> bool + Send + Sync + 'static) {
        self.watch = Some(Box::new(watch));
    }

    /// Counts the bytes that are pulled from now on, also once the body is given away.
    pub fn count(&mut self) -> Arc<AtomicU64> {
        self.count.get_or_insert_default().clone()
    }

    /// The whole rest of the body in one contiguous piece, without a copy where its length was
    /// declared. The cheapest way to read a body that is needed whole.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`] as soon as it is known that there are more than `limit` bytes (at
    /// once, where the declared length says so).
    pub async fn collect(&mut self, limit: usize) -> Result<Bytes, BodyError> {
        let left = self.remaining();
        if left.is_some_and(|left| left > limit as u64) {
            self.source = Source::Done;
            return Err(BodyError::TooLarge);
        }
        let want = if left.is_some() {
            Want::All
        } else {
            Want::Some
        };
        let Some(first) = poll_fn(|cx| self.poll_next(cx, want)).await.transpose()? else {
            return Ok(Bytes::new());
        };
        if left == Some(first.len() as u64) {
            self.source = Source::Done;
            return Ok(first);
        }
        let mut all = BytesMut::new();
        let mut part = Some(first);
        while let Some(bytes) = part {
            if all.len() + bytes.len() > limit {
                self.source = Source::Done;
                return Err(BodyError::TooLarge);
            }
            part = poll_fn(|cx| self.poll_next(cx, want)).await.transpose()?;
            if part.is_none() && all.is_empty() {
                return Ok(bytes);
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all.freeze())
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        want: Want,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        let item = match &mut self.source {
            Source::Done => None,
            Source::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.source = Source::Done;
                Some(Ok(bytes))
            }
            Source::Slot(slot) => ready!(slot.poll_take(cx, want)),
            Source::Stream(stream) => ready!(stream.poll_next(cx)),
        };
        let good = match (&item, &mut self.watch) {
            (Some(Ok(bytes)), Some(watch)) => watch(bytes),
            _ => true,
        };
        let item = if good {
            item
        } else {
            Some(Err(BodyError::Refused))
        };
        if let Some(Ok(bytes)) = &item {
            let length = bytes.len() as u64;
            self.left = self.left.map(|left| left.saturating_sub(length));
            if let Some(count) = &self.count {
                count.fetch_add(length, Ordering::Relaxed);
            }
        } else {
            self.source = Source::Done;
        }
        Poll::Ready(item)
    }
}

impl Stream {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            match Pin::new(&mut self.incoming).poll_frame(cx) {
                // To hyper, a reset or a goodbye that names no error ends a body as well as its own end
                // does; but then the stream has not seen that.
                Poll::Ready(None) if !self.incoming.is_end_stream() => {
                    return Poll::Ready(Some(Err(BodyError::Truncated)));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Some(Err(BodyError::Truncated))),
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers of a request mean nothing to anyone here, and an empty frame is no
                    // sign of a body that goes on.
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        if let Some(timer) = self.timer.take() {
                            let left = timer.deadline().saturating_duration_since(Instant::now());
                            self.left = self.idle.min(left + earned_by(data.len()));
                        }
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Pending => {
                    let left = self.left;
                    let timer = self
                        .timer
                        .get_or_insert_with(|| Box::pin(tokio::time::sleep(left)));
                    return timer
                        .as_mut()
                        .poll(cx)
                        .map(|()| Some(Err(BodyError::TimedOut)));
                }
            }
        }
    }
}

/// How much of a body is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Whatever comes next.
    Some,
    /// All that is left; only where a length was declared.
    All,
}

/// Where an HTTP/1.1 connection leaves what the reader of a body asks for. Both usually run in one
/// task: the connection polls the handler, which asks, and then reads.
#[derive(Debug, Default)]
pub(super) struct Slot {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    want: Option<Want>,
    item: Option<Option<Result<Bytes, BodyError>>>,
    ended: bool,
    reader: Option<Waker>,
    connection: Option<Waker>,
    deadline: Option<Instant>,
    /// What was left of the time that the caller may take, when it was last not waited for.
    left: Option<Duration>,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_take(
        &self,
        cx: &mut Context<'_>,
        want: Want,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        let mut state = self.lock();
        if let Some(item) = state.item.take() {
            return Poll::Ready(item);
        }
        if state.ended {
            return Poll::Ready(Some(Err(BodyError::Truncated)));
        }
        state.want = Some(want);
        remember(&mut state.reader, cx);
        // A reader in another task has to wake the connection; in the same one it is polled next.
        if let Some(connection) = &state.connection
            && !connection.will_wake(cx.waker())
        {
            connection.wake_by_ref();
        }
        Poll::Pending
    }

    /// What the reader waits for, and until when it may.
    pub(super) fn wanted(&self, cx: &mut Context<'_>, idle: Duration) -> Option<(Want, Instant)> {
        let mut state = self.lock();
        remember(&mut state.connection, cx);
        let want = state.want?;
        let left = state.left.unwrap_or(idle);
        let deadline = *state.deadline.get_or_insert_with(|| Instant::now() + left);
        Some((want, deadline))
    }

    /// So many bytes came, whether or not that is all that is wanted.
    pub(super) fn progress(&self, bytes: usize, idle: Duration) {
        let mut state = self.lock();
        if let Some(deadline) = &mut state.deadline {
            *deadline = (*deadline + earned_by(bytes)).min(Instant::now() + idle);
        }
    }

    /// Gives the reader what it waits for.
    pub(super) fn put(&self, item: Option<Result<Bytes, BodyError>>, cx: &mut Context<'_>) {
        let mut state = self.lock();
        state.want = None;
        if let Some(deadline) = state.deadline.take() {
            state.left = Some(deadline.saturating_duration_since(Instant::now()));
        }
        state.item = Some(item);
        if let Some(reader) = state.reader.take()
            && !reader.will_wake(cx.waker())
        {
            reader.wake();
        }
    }

    /// The connection has left; a reader that is still there gets an error.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }
}

fn remember(place: &mut Option<Waker>, cx: &Context<'_>) {
    if place
        .as_ref()
        .is_none_or(|waker| !waker.will_wake(cx.waker()))
    {
        *place = Some(cx.waker().clone());
    }
}
