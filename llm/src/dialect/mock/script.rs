//! An answer as a list of what to send and when.

use std::time::Duration;

use bytes::Bytes;

use super::completion::Events;

/// An answer to play: whoever plays it owns the clock and the socket.
///
/// The head goes out together with the first step that has bytes, after its delay. If there is no
/// such step and it ends in [`End::Disconnect`], not even the head does.
#[derive(Clone, Debug)]
pub struct Script {
    /// The HTTP status.
    pub status: u16,
    /// The value of `content-type`.
    pub content_type: &'static str,
    /// Further headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// What to send, in order.
    pub steps: Steps,
    /// How the answer ends after the last step.
    pub end: End,
}

/// Wait, then send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Waited first.
    pub delay: Duration,
    /// Sent next; may be empty.
    pub bytes: Bytes,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The body is complete.
    Clean,
    /// The connection is cut before the body is complete.
    Disconnect,
}

/// The steps of an answer. Events are made when they are asked for, so that a thousand long
/// streams at once do not lie in memory as a whole.
#[derive(Clone, Debug)]
pub struct Steps {
    source: Source,
    /// The number of the next step.
    next: usize,
    latency: Duration,
    interval: Duration,
    /// What happens midway, and at which step.
    fault: Option<(usize, Midway)>,
}

#[derive(Clone, Debug)]
enum Source {
    /// Cut into at most two steps.
    Body(Bytes),
    Events(Box<Events>),
    Nothing,
}

/// A fault in the middle of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Midway {
    Cut,
    Stall(Duration),
}

impl Steps {
    /// The whole body at once after `latency`; with a fault midway its half.
    pub(super) fn body(body: Bytes, latency: Duration, fault: Option<Midway>) -> Self {
        Self {
            source: Source::Body(body),
            next: 0,
            latency,
            interval: Duration::ZERO,
            fault: fault.map(|fault| (1, fault)),
        }
    }

    /// Event by event: the first after `latency`, each other one `interval` after the one before.
    pub(super) fn events(
        events: Events,
        latency: Duration,
        interval: Duration,
        fault: Option<Midway>,
    ) -> Self {
        let middle = events.total() / 2;
        Self {
            source: Source::Events(Box::new(events)),
            next: 0,
            latency,
            interval,
            fault: fault.map(|fault| (middle, fault)),
        }
    }

    /// A wait and nothing more.
    pub(super) fn silence(latency: Duration) -> Self {
        Self {
            source: Source::Nothing,
            next: 0,
            latency,
            interval: Duration::ZERO,
            fault: None,
        }
    }

    /// All the bytes that are still to be sent, in one piece, without the waits.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        let mut all = Vec::new();
        for step in self {
            all.extend_from_slice(&step.bytes);
        }
        all.into()
    }

    /// The bytes of the step of this number, as they are without a fault.
    fn bytes(&mut self, number: usize) -> Option<Bytes> {
        match (&mut self.source, number) {
            (Source::Body(body), 0) if self.fault.is_some() => Some(body.slice(..body.len() / 2)),
            (Source::Body(body), 0) => Some(body.clone()),
            (Source::Body(body), 1) if self.fault.is_some() => Some(body.slice(body.len() / 2..)),
            (Source::Body(_), _) => None,
            (Source::Events(events), _) => events.next(),
            (Source::Nothing, 0) => Some(Bytes::new()),
            (Source::Nothing, _) => None,
        }
    }
}

impl Iterator for Steps {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let number = self.next;
        self.next += 1;
        let mut delay = if number == 0 {
            self.latency
        } else {
            self.interval
        };
        let fault = self.fault.filter(|&(at, _)| number >= at);
        let mut bytes = match (&self.source, fault) {
            // What is cut off ends with the half of an event, or with the half of the body.
            (Source::Events(_), Some((at, Midway::Cut))) if number > at => return None,
            (Source::Body(_), Some((_, Midway::Cut))) => return None,
            _ => self.bytes(number)?,
        };
        match fault {
            Some((_, Midway::Cut)) => bytes.truncate(bytes.len() / 2),
            Some((at, Midway::Stall(stall))) if number == at => delay += stall,
            _ => {}
        }
        Some(Step { delay, bytes })
    }
}
