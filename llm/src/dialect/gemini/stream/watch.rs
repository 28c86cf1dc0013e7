//! What is known of a stream that passes.

use std::sync::LazyLock;

use memchr::memmem::{Finder, FinderRev};

use super::super::names::{field, text};
use super::super::usage;
use crate::codec::{Seen, Watch};
use crate::frame::{Framing, frames};
use crate::json::Value;

/// The longest `usageMetadata` that is kept, in bytes.
const MOST_USAGE: usize = 16 << 10;

/// Searchers take a moment to build: the streams share them. Keys are looked for with their quotes, so that no text of
/// an answer is taken for one: there the quotes are escaped.
struct Needles {
    finish: Finder<'static>,
    error: Finder<'static>,
    usage: FinderRev<'static>,
}

static NEEDLES: LazyLock<Needles> = LazyLock::new(|| Needles {
    finish: Finder::new("\"finishReason\""),
    error: Finder::new("\"error\""),
    usage: FinderRev::new("\"usageMetadata\""),
});

/// Looks on, whichever way the stream is cut: as server-sent events or as an array.
#[derive(Debug, Default)]
pub(in crate::dialect::gemini) struct Look {
    seen: Seen,
    /// How the stream is cut, once anything of it came.
    framing: Option<Framing>,
    /// The last usage, as it is written: it comes with every event, and only the last one counts.
    usage: Vec<u8>,
}

impl Watch for Look {
    fn run(&mut self, events: &[u8]) {
        let needles = &*NEEDLES;
        let candidate_ends = !self.seen.finished && needles.finish.find(events).is_some();
        let fails = !self.seen.failed && needles.error.find(events).is_some();
        if !self.seen.content || candidate_ends || fails {
            self.read(events);
        }
        // The last that is one, however many events come at once.
        let mut before = events;
        while let Some(at) = needles.usage.rfind(before) {
            let behind = &events[at..events.len().min(at + MOST_USAGE)];
            if let Some(value) = object_behind(behind) {
                self.usage.clear();
                self.usage.extend_from_slice(value);
                break;
            }
            before = &events[..at];
        }
    }

    fn seen(&self) -> Seen {
        let usage = Value::from_bytes(&self.usage).ok();
        Seen {
            usage: usage.as_ref().and_then(usage::read),
            ..self.seen
        }
    }
}

impl Look {
    fn read(&mut self, events: &[u8]) {
        let start = events.iter().find(|byte| !byte.is_ascii_whitespace());
        let framing = match (self.framing, start) {
            (Some(framing), _) => framing,
            (None, Some(b'[' | b',' | b'{' | b']')) => Framing::JsonArray,
            _ => Framing::Sse,
        };
        if start.is_some() {
            self.framing = Some(framing);
        }
        for frame in frames(framing, events) {
            let Ok(frame) = frame else { return };
            let Ok(value) = Value::from_bytes(&frame.data) else {
                continue;
            };
            self.seen.failed |= field(&value, "error").is_some();
            let blocked = field(&value, "promptFeedback")
                .is_some_and(|feedback| text(feedback, "blockReason").is_some());
            let candidates = field(&value, "candidates")
                .and_then(Value::as_array)
                .unwrap_or_default();
            let finished = candidates
                .iter()
                .any(|one| text(one, "finishReason").is_some());
            self.seen.finished |= finished || blocked;
            // There is no other mark of the end.
            self.seen.done |= finished || blocked;
            self.seen.content |= candidates.iter().any(has_content);
        }
    }
}

fn has_content(candidate: &Value<'_>) -> bool {
    let parts = field(candidate, "content")
        .and_then(|content| field(content, "parts"))
        .and_then(Value::as_array);
    parts
        .unwrap_or_default()
        .iter()
        .any(|part| match text(part, "text") {
            Some(text) => !text.is_empty(),
            None => part.as_object().is_some_and(|object| !object.is_empty()),
        })
}

/// The object that is the value of the key at the start.
fn object_behind(bytes: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', bytes)?;
    let start = colon
        + 1
        + bytes[colon + 1..]
            .iter()
            .position(|byte| !byte.is_ascii_whitespace())?;
    if bytes[start] != b'{' {
        return None;
    }
    let (mut depth, mut string, mut escaped) = (0u32, false, false);
    for (at, &byte) in bytes[start..].iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if string => escaped = true,
            b'"' => string = !string,
            b'{' | b'[' if !string => depth += 1,
            b'}' | b']' if !string => {
                depth -= 1;
                if depth == 0 {
                    return Some(&bytes[start..=start + at]);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Usage;

    #[test]
    fn both_framings_show_the_same() {
        let chunks = [
            r#"{"candidates":[{"content":{"parts":[{"text":"say \"usageMetadata\":{"}]}}],"usageMetadata":{"promptTokenCount":3}}"#,
            r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}"#,
        ];
        let sse: String = chunks
            .iter()
            .map(|chunk| format!("data: {chunk}\r\n\r\n"))
            .collect();
        let array = format!("[{}\n,\r\n{}\n]", chunks[0], chunks[1]);
        let expected = Seen {
            content: true,
            finished: true,
            done: true,
            failed: false,
            usage: Some(Usage {
                input: 3,
                output: 2,
                ..Usage::default()
            }),
        };
        for stream in [sse, array] {
            let mut look = Look::default();
            look.run(stream.as_bytes());
            assert_eq!(look.seen(), expected);
        }
        let mut look = Look::default();
        look.run(br#"data: {"error":{"code":503,"message":"no"}}"#);
        assert!(look.seen().failed && !look.seen().content);
    }
}
