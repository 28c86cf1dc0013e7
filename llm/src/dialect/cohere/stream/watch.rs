//! What is known of a stream that passes: version 2's events, and version 1's, which are lines of JSON.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::super::usage;
use crate::codec::{Seen, Watch};
use crate::frame::{Framing, frames};
use crate::json::Value;

/// Types of events that say something, with their quotes: in a text the quotes are escaped.
struct Needles {
    content: [Finder<'static>; 4],
    end: [Finder<'static>; 2],
    done: Finder<'static>,
}

static NEEDLES: LazyLock<Needles> = LazyLock::new(|| Needles {
    content: [
        Finder::new("\"content-delta\""),
        Finder::new("\"tool-call-start\""),
        Finder::new("\"tool-plan-delta\""),
        Finder::new("\"text-generation\""),
    ],
    end: [
        Finder::new("\"message-end\""),
        Finder::new("\"stream-end\""),
    ],
    done: Finder::new("[DONE]"),
});

/// Looks on.
#[derive(Debug, Default)]
pub(in crate::dialect::cohere) struct Look {
    seen: Seen,
}

impl Watch for Look {
    fn run(&mut self, events: &[u8]) {
        let needles = &*NEEDLES;
        let has = |list: &[Finder<'static>]| list.iter().any(|one| one.find(events).is_some());
        self.seen.content = self.seen.content || has(&needles.content);
        if has(&needles.end) {
            self.end(events);
        }
        if needles.done.find(events).is_some() {
            self.seen.done |= frames(Framing::Sse, events)
                .flatten()
                .any(|frame| frame.data.trim_ascii() == b"[DONE]");
        }
    }

    fn seen(&self) -> Seen {
        self.seen
    }
}

impl Look {
    fn end(&mut self, events: &[u8]) {
        for frame in frames(Framing::Sse, events).flatten() {
            self.last(&frame.data);
        }
        for line in events.split(|byte| *byte == b'\n') {
            self.last(line);
        }
    }

    fn last(&mut self, data: &[u8]) {
        let Ok(value) = Value::from_bytes(data) else {
            return;
        };
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let end = match (text("type"), text("event_type")) {
            (Some("message-end"), _) => value.get("delta"),
            (_, Some("stream-end")) => Some(&value),
            _ => return,
        };
        let Some(end) = end else { return };
        self.seen.finished |= end.get("finish_reason").is_some();
        self.seen.failed |= end.get("error").is_some();
        self.seen.done = true;
        let meta = end
            .get("response")
            .and_then(|response| response.get("meta"));
        let used = end.get("usage").or(meta).and_then(usage::read);
        self.seen.usage = used.or(self.seen.usage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Usage;

    #[test]
    fn both_versions_show_their_end() {
        let second = b"event: content-delta\ndata: {\"type\":\"content-delta\",\"delta\":{\"message\":{\"content\":{\"text\":\"a\"}}}}\n\n\
            event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\",\"usage\":{\"billed_units\":{\"input_tokens\":7,\"output_tokens\":9}}}}\n\ndata: [DONE]\n\n";
        let first = b"{\"event_type\":\"text-generation\",\"text\":\"a\"}\n{\"event_type\":\"stream-end\",\"finish_reason\":\"COMPLETE\",\"response\":{\"meta\":{\"billed_units\":{\"input_tokens\":7,\"output_tokens\":9}}}}\n";
        let expected = Seen {
            content: true,
            finished: true,
            done: true,
            failed: false,
            usage: Some(Usage {
                input: 7,
                output: 9,
                ..Usage::default()
            }),
        };
        for stream in [second.as_slice(), first] {
            let mut look = Look::default();
            look.run(stream);
            assert_eq!(look.seen(), expected);
        }
    }
}
