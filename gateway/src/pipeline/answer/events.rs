//! A stream of events: each leaves as soon as it is whole, and is read on the way. A stream that
//! breaks ends in an error event, never as if it were complete.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use tokio::time::{Sleep, sleep_until};
use weir_config::snapshot::Timeouts;
use weir_llm::chat::Problem;
use weir_llm::exchange::{BadStream, Exchange, Passed, Stream, StreamEnd};
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
    exchange: Exchange,
    reader: Stream,
    passed: Passed,
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
    Unreadable,
    Secret,
    Stopping,
}

impl Relay {
    pub(super) fn new(
        first: Option<Bytes>,
        source: Source,
        exchange: Exchange,
        headers: &mut HeaderMap,
        scrubber: Arc<Scrubber>,
        timeouts: &Timeouts,
        tail: Tail,
    ) -> Self {
        let content_type = headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let reader = exchange.stream(content_type.unwrap_or_default());
        if let Some(own) = exchange.stream_type() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(own));
            crate::headers::forget_body(headers);
        }
        Self {
            first,
            source: Some(source),
            exchange,
            reader,
            passed: Passed::default(),
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
        self.passed.push(&chunk);
        match self.reader.feed(chunk) {
            Ok(fed) => {
                let (Ok(first), Ok(second)) = (self.cleared(fed.first), self.cleared(fed.second))
                else {
                    return Some(self.break_off(&Broken::Secret));
                };
                self.ready = second;
                if self.reader.failed() {
                    self.failed();
                }
                first
            }
            Err(BadStream::TooBig(_)) => Some(self.break_off(&Broken::EventTooLarge)),
            Err(BadStream::Unreadable(bad)) => {
                tracing::debug!(request_id = %self.tail.request_id, %bad, "a stream can't be read");
                Some(self.break_off(&Broken::Unreadable))
            }
        }
    }

    /// Whole events without the provider's credential; nothing can be taken out of those of a binary framing.
    fn cleared(&self, events: Option<Bytes>) -> Result<Option<Bytes>, Broken> {
        let scrubber = &self.scrubber;
        let Some(events) = events else {
            return Ok(None);
        };
        if self.reader.is_text() {
            return Ok(Some(redacted(events, scrubber)));
        }
        if scrubber.finds(&events) {
            return Err(Broken::Secret);
        }
        Ok(Some(events))
    }

    /// The provider said in its stream that it failed, and the caller has been told so.
    fn failed(&mut self) {
        self.tail.usage = self.reader.seen().usage;
        self.tail.outcome = Outcome::UpstreamError;
        self.tail.code = Some("provider_error");
        self.source = None;
    }

    /// Nothing more comes from the provider.
    fn end(&mut self, how: End) -> Option<Bytes> {
        let ended = self.reader.finish(match how {
            End::Marked => StreamEnd::Marked,
            End::Closed => StreamEnd::Closed,
            End::Broken | End::Idle => StreamEnd::Broken,
        });
        self.tail.usage = ended.seen.usage;
        if !ended.complete {
            let why = match how {
                End::Idle => Broken::Idle,
                _ => Broken::Upstream,
            };
            return Some(self.break_off(&why));
        }
        if self.reader.failed() {
            self.failed();
        } else {
            self.source = None;
            self.tail.outcome = Outcome::Complete;
        }
        // A last event that no blank line ends is the provider's own way.
        match self.cleared(Some(ended.rest).filter(|rest| !rest.is_empty())) {
            Ok(rest) => rest,
            Err(why) => Some(self.break_off(&why)),
        }
    }

    /// Gives the stream up and says so in its last event.
    fn break_off(&mut self, why: &Broken) -> Bytes {
        self.source = None;
        if let Some(usage) = self.reader.seen().usage {
            self.tail.usage = Some(usage);
        }
        let (outcome, code, message) = match why {
            Broken::Unreadable => (
                Outcome::UpstreamError,
                "provider_unreadable",
                "The provider's stream can't be read any further.",
            ),
            Broken::Secret => (
                Outcome::UpstreamError,
                "provider_told_secret",
                "The provider's stream was about to tell its credential.",
            ),
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
        let status = match outcome {
            Outcome::Timeout => 504,
            Outcome::Shutdown => 503,
            _ => 502,
        };
        self.reader.problem(&Problem::new(status, code, message))
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
        let seen = self.reader.seen();
        // A caller that leaves still used what was told so far.
        self.tail.usage = self.tail.usage.or(seen.usage);
        // Many hang up at the mark of the end, which may come before the end of the provider's body.
        if seen.done && self.tail.outcome == Outcome::ClientLeft {
            self.tail.outcome = Outcome::Complete;
        }
        // Some tell at the start what went in; what came out is known at the end alone.
        let told = self.tail.usage.is_some() && self.tail.outcome == Outcome::Complete;
        if !told {
            let passed = mem::take(&mut self.passed);
            let framing = Some(self.reader.framing());
            self.tail.estimate(&self.exchange, framing, passed);
        }
    }
}
