//! A stream that passes, looked at.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::usage::Counts;
use crate::codec::{Seen, Watch};
use crate::json::Value;
use crate::sse;

/// The types of events that matter, as they stand in their data. In a text that a model writes the quotes are escaped,
/// and so are never found there.
static CONTENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"content_block_"));
static START: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"message_start\""));
static DELTA: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"message_delta\""));
static STOP: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"message_stop\""));
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"error\""));

/// See [`Watch`].
#[derive(Debug, Default)]
pub(super) struct Looker {
    seen: Seen,
    counts: Counts,
    /// The answer is past its beginning, where usage is told the first time.
    begun: bool,
}

impl Watch for Looker {
    fn run(&mut self, events: &[u8]) {
        if !self.begun {
            let past = [CONTENT.find(events), DELTA.find(events)];
            let past = past.into_iter().flatten().min();
            // As far as the first that is more, however many events come at once.
            let beginning = past.map_or(events, |at| {
                let event = sse::event_around(events, at);
                let end = event.as_ptr() as usize - events.as_ptr() as usize + event.len();
                &events[..end]
            });
            each(beginning, &START, "message_start", |event| {
                let message = event.get("message");
                self.count(message.and_then(|message| message.get("usage")));
            });
            self.begun = past.is_some();
        }
        self.seen.content = self.seen.content || CONTENT.find(events).is_some();
        each(events, &DELTA, "message_delta", |event| {
            let reason = event
                .get("delta")
                .and_then(|delta| delta.get("stop_reason"));
            self.seen.finished |= reason.is_some();
            self.count(event.get("usage"));
        });
        if !self.seen.done {
            each(events, &STOP, "message_stop", |_| self.seen.done = true);
        }
        each(events, &ERROR, "error", |_| self.seen.failed = true);
    }

    fn seen(&self) -> Seen {
        self.seen
    }
}

impl Looker {
    fn count(&mut self, usage: Option<&Value<'_>>) {
        if let Some(usage) = usage {
            self.counts.add(Counts::read(usage));
            self.seen.usage = self.counts.usage().or(self.seen.usage);
        }
    }
}

/// Reads each event of a type: those that have its name in them somewhere.
fn each(events: &[u8], needle: &Finder<'_>, kind: &str, mut found: impl FnMut(&Value<'_>)) {
    let mut from = 0;
    while let Some(at) = needle.find(&events[from..]) {
        let event = sse::event_around(events, from + at);
        let end = event.as_ptr() as usize - events.as_ptr() as usize + event.len();
        if let Some(data) = sse::data(event)
            && let Ok(value) = Value::from_bytes(&data)
            && value.get("type").and_then(Value::as_str) == Some(kind)
        {
            found(&value);
        }
        // An event with several such words is read once.
        from = end.max(from + at + 1);
    }
}
