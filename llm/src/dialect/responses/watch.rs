//! A stream that passes, looked at.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::usage;
use crate::codec::{Seen, Watch};
use crate::json::Value;
use crate::sse;

/// The types of events that matter, as they stand in their data. In a text that a model writes the quotes are escaped,
/// and so are never found there.
static CONTENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"response.output_"));
static COMPLETED: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new("\"response.completed\""));
static INCOMPLETE: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new("\"response.incomplete\""));
static FAILED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"response.failed\""));
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"error\""));
/// Events with this in them are of another type than `error`, though every answer has a field of this name.
static OTHER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"response."));

/// See [`Watch`].
#[derive(Debug, Default)]
pub(super) struct Looker {
    seen: Seen,
}

impl Watch for Looker {
    fn run(&mut self, events: &[u8]) {
        self.seen.content = self.seen.content || CONTENT.find(events).is_some();
        each(events, &[&COMPLETED, &INCOMPLETE, &FAILED], |event| {
            match event.get("type").and_then(Value::as_str) {
                Some("response.completed" | "response.incomplete") => self.seen.finished = true,
                Some("response.failed") => self.seen.failed = true,
                _ => return,
            }
            self.seen.done = true;
            let told = event.get("response").and_then(|one| one.get("usage"));
            self.seen.usage = told.and_then(usage::read).or(self.seen.usage);
        });
        each(events, &[&ERROR], |event| {
            let kind = event.get("type").and_then(Value::as_str);
            self.seen.failed |= kind == Some("error") || event.get("error").is_some();
        });
    }

    fn seen(&self) -> Seen {
        self.seen
    }
}

/// Reads each event that has one of the needles in it, once and in order. Of those with an `error` only such as are of no
/// other type.
fn each(events: &[u8], needles: &[&Finder<'_>], mut found: impl FnMut(&Value<'_>)) {
    let mut from = 0;
    loop {
        let next = needles.iter().filter_map(|one| one.find(&events[from..]));
        let Some(at) = next.min() else {
            return;
        };
        let event = sse::event_around(events, from + at);
        let end = event.as_ptr() as usize - events.as_ptr() as usize + event.len();
        let error = needles.iter().any(|one| one.needle() == ERROR.needle());
        if (!error || OTHER.find(event).is_none())
            && let Some(data) = sse::data(event)
            && let Ok(value) = Value::from_bytes(&data)
        {
            found(&value);
        }
        from = end.max(from + at + 1);
    }
}
