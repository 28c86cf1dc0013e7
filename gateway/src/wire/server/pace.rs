//! Streams whose caller takes nothing: HTTP/2 lets one stream starve while the connection thrives, so
//! each is watched by itself.
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::h2::Stream;
use crate::wire::message::{Abort, Pull};

/// The streams of one connection.
#[derive(Debug)]
pub(super) struct Paces {
    start: Instant,
    streams: Mutex<Vec<Weak<Paced>>>,
}

/// A body that is dropped where its caller takes nothing of it.
pub(super) struct Paced {
    start: Instant,
    body: Mutex<Option<Body>>,
    /// When a chunk was handed out that nobody has come back from, in milliseconds and 1 since
    /// `start`; 0 while the body itself is waited for.
    handed_out: AtomicU64,
}

/// A body, and its stream, which does not count as under way without it.
struct Body {
    pull: Pin<Box<dyn Pull>>,
    _stream: Stream,
}

impl std::fmt::Debug for Paced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Paced")
            .field("handed_out", &self.handed_out)
            .finish_non_exhaustive()
    }
}

impl Default for Paces {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            streams: Mutex::default(),
        }
    }
}

impl Paces {
    pub(super) fn pace(&self, pull: Pin<Box<dyn Pull>>, stream: Stream) -> Arc<Paced> {
        let paced = Arc::new(Paced {
            start: self.start,
            body: Mutex::new(Some(Body {
                pull,
                _stream: stream,
            })),
            handed_out: AtomicU64::new(0),
        });
        let mut streams = lock(&self.streams);
        // Looking for those that are over only when it would grow keeps this cheap.
        if streams.len() == streams.capacity() {
            streams.retain(|stream| stream.strong_count() > 0);
        }
        streams.push(Arc::downgrade(&paced));
        paced
    }

    /// Drops the bodies of which the last chunk has waited for longer than this.
    pub(super) fn drop_stalled(&self, longest: Duration) {
        let now = milliseconds(self.start);
        lock(&self.streams).retain(|stream| {
            let Some(stream) = stream.upgrade() else {
                return false;
            };
            let handed_out = stream.handed_out.load(Ordering::Relaxed);
            let stalled =
                handed_out > 0 && u128::from(now.saturating_sub(handed_out)) >= longest.as_millis();
            if stalled {
                *lock(&stream.body) = None;
            }
            !stalled
        });
    }
}

impl Paced {
    /// As [`Pull::poll_next`]; aborts where the body was dropped.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Abort>>> {
        let mut body = lock(&self.body);
        let Some(body) = body.as_mut() else {
            return Poll::Ready(Some(Err(Abort)));
        };
        let item = body.pull.as_mut().poll_next(cx);
        let handed_out = if item.is_pending() {
            0
        } else {
            milliseconds(self.start)
        };
        self.handed_out.store(handed_out, Ordering::Relaxed);
        item
    }
}

fn milliseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
