//! A stream of events: each leaves as soon as it is whole, and is read on the way. A stream that
//! breaks ends in an error event, never as if it were complete.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::{Sleep, sleep_until};
use weir_config::snapshot::Timeouts;
use weir_llm::dialect::openai::{ErrorShape, StreamReader, error_event};
use weir_llm::scrub::Scrubber;
use weir_records::access::Outcome;

use super::Source;
use super::error::redacted;
use crate::pipeline::tail::Tail;
use crate::wire::{Abort, Pull};

/// The body of a streamed answer.
pub(super) struct Relay {
    first: Option<Bytes>,
    /// `None` once the stream is over; what is in `ready` is still to be sent then.
    source: Option<Source>,
    reader: StreamReader,
    /// Whole events that are to be sent before anything else is read.
    ready: Option<Bytes>,
    scrubber: Arc<Scrubber>,
    clock: Clock,
    tail: Tail,
}

/// The bounds in time. The timer is not set anew for each chunk, but looked at when it rings.
struct Clock {
    idle: Duration,
    last: Instant,
    /// When the stream has to be over, where that is bounded.
    end: Option<Instant>,
    /// When it has to be over because the process stops.
    last_call: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

/// How the provider's bytes came to an end.
#[derive(Clone, Copy)]
enum End {
    /// As their framing says.
    Marked,
    /// With the connection, as an early end would look too.
    Closed,
    /// Before their framing says.
    Broken,
    /// Not at all: nothing comes any more.
    Idle,
}

/// Why a stream can't go on; the code and the message of the event that ends it.
enum Broken {
    Upstream,
    Idle,
    TooLong,
    EventTooLarge,
    Stopping,
}

impl Relay {
    pub(super) fn new(
        first: Option<Bytes>,
        source: Source,
        scrubber: Arc<Scrubber>,
        timeouts: &Timeouts,
        tail: Tail,
    ) -> Self {
        Self {
            first,
            source: Some(source),
            reader: StreamReader::new(),
            ready: None,
            scrubber,
            clock: Clock::new(timeouts, tail.started()),
            tail,
        }
    }

    /// Takes bytes of the provider; what can be sent of them is given or put in `ready`.
    fn take(&mut self, chunk: Bytes) -> Option<Bytes> {
        self.clock.last = Instant::now();
        self.clock.last_call = self.tail.last_call();
        if let Some(why) = self.clock.over(self.clock.last) {
            return Some(self.break_off(&why));
        }
        match self.reader.feed(chunk) {
            Ok(fed) => {
                let scrubber = &self.scrubber;
                self.ready = fed.second.map(|events| redacted(events, scrubber));
                fed.first.map(|events| redacted(events, scrubber))
            }
            Err(_) => Some(self.break_off(&Broken::EventTooLarge)),
        }
    }

    /// Nothing more comes from the provider.
    fn end(&mut self, how: End) -> Option<Bytes> {
        let (ending, leftover) = mem::take(&mut self.reader).finish();
        self.tail.usage = ending.usage;
        let complete = match how {
            // Some end their last event with the stream, but none in the middle of its line.
            End::Marked => ending.done || leftover.is_empty() || leftover.ends_with(b"\n"),
            End::Closed => ending.done || ending.finished,
            End::Broken | End::Idle => ending.done,
        };
        if !complete {
            let why = match how {
                End::Idle => Broken::Idle,
                _ => Broken::Upstream,
            };
            return Some(self.break_off(&why));
        }
        self.source = None;
        self.tail.outcome = Outcome::Complete;
        // A last event that no blank line ends is the provider's own way.
        (!leftover.is_empty()).then(|| redacted(leftover, &self.scrubber))
    }

    /// Gives the stream up and says so in its last event.
    fn break_off(&mut self, why: &Broken) -> Bytes {
        self.source = None;
        if let Some(usage) = self.reader.usage() {
            self.tail.usage = Some(usage);
        }
        let (outcome, code, message) = match why {
            Broken::Upstream => (
                Outcome::UpstreamError,
                "provider_broken",
                "The provider's stream broke off before its end.",
            ),
            Broken::Idle => (
                Outcome::Timeout,
                "provider_timeout",
                "The provider's stream stood still for too long.",
            ),
            Broken::TooLong => (
                Outcome::Timeout,
                "stream_too_long",
                "The stream took longer than its provider's timeouts.maxStream.",
            ),
            Broken::Stopping => (
                Outcome::Shutdown,
                "shutting_down",
                "The gateway stops, and can't wait for the rest of the stream.",
            ),
            Broken::EventTooLarge => (
                Outcome::UpstreamError,
                "event_too_large",
                "The provider sent an event that is larger than Weir passes on.",
            ),
        };
        self.tail.outcome = outcome;
        self.tail.code = Some(code);
        error_event(&ErrorShape {
            message,
            kind: "server_error",
            param: None,
            code: Some(code),
        })
    }

    fn poll_events(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(events) = self.ready.take() {
                return Poll::Ready(Some(events));
            }
            let events = if let Some(first) = self.first.take() {
                self.take(first)
            } else {
                let Some(source) = &mut self.source else {
                    return Poll::Ready(None);
                };
                match source.poll_next(cx) {
                    Poll::Ready(Some(Ok(chunk))) => self.take(chunk),
                    Poll::Ready(Some(Err(_))) => self.end(End::Broken),
                    Poll::Ready(None) if source.framed() => self.end(End::Marked),
                    Poll::Ready(None) => self.end(End::Closed),
                    Poll::Pending => {
                        self.clock.last_call = self.tail.last_call();
                        match ready!(self.clock.poll(cx)) {
                            Broken::Idle => self.end(End::Idle),
                            why => Some(self.break_off(&why)),
                        }
                    }
                }
            };
            if events.is_some() {
                return Poll::Ready(events);
            }
        }
    }
}

impl Clock {
    fn new(timeouts: &Timeouts, started: Instant) -> Self {
        let last = Instant::now();
        let end = timeouts
            .max_stream
            .and_then(|longest| started.checked_add(longest));
        let due = end.map_or(last + timeouts.idle, |end| end.min(last + timeouts.idle));
        Self {
            idle: timeouts.idle,
            last,
            end,
            last_call: None,
            timer: Box::pin(sleep_until(due.into())),
        }
    }

    /// Whether the stream's time is up, and why.
    fn over(&self, now: Instant) -> Option<Broken> {
        let past = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if past(self.end) {
            Some(Broken::TooLong)
        } else if past(self.last_call) {
            Some(Broken::Stopping)
        } else {
            None
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Broken> {
        loop {
            // The timer was set before the process was told to stop.
            if let Some(last_call) = self.last_call
                && self.timer.deadline() > last_call.into()
            {
                self.timer.as_mut().reset(last_call.into());
            }
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            if let Some(why) = self.over(now) {
                return Poll::Ready(why);
            }
            let idle = self.last + self.idle;
            if idle <= now {
                return Poll::Ready(Broken::Idle);
            }
            let due = [self.end, self.last_call].into_iter().flatten();
            let due = due.fold(idle, Instant::min);
            self.timer.as_mut().reset(due.into());
        }
    }
}

impl Pull for Relay {
    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Abort>>> {
        let events = ready!(self.poll_events(cx));
        if let Some(events) = &events {
            self.tail.bytes_out += events.len() as u64;
        }
        Poll::Ready(events.map(Ok))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // A caller that leaves still used what was told so far.
        let (ending, _) = mem::take(&mut self.reader).finish();
        if self.tail.usage.is_none() {
            self.tail.usage = ending.usage;
        }
        // Many hang up at `[DONE]`, which may come before the end of the provider's body.
        if ending.done && self.tail.outcome == Outcome::ClientLeft {
            self.tail.outcome = Outcome::Complete;
        }
    }
}
