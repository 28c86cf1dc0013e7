//! What is noted of the events that pass.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::Usage;
use crate::sse;

/// Keys are looked for with their quotes, so that no text of the answer is taken for one: there
/// the quotes are escaped. A provider that writes its keys with escapes is not understood.
const USAGE: &[u8] = b"\"usage\"";
const FINISH: &[u8] = b"\"finish_reason\"";
const DONE: &[u8] = b"[DONE]";
const ERROR: &[u8] = b"\"error\"";

/// What is known of a stream so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) usage: Option<Usage>,
    pub(crate) content: bool,
    pub(crate) finished: bool,
    pub(crate) done: bool,
    pub(crate) failed: bool,
}

/// Searchers take a moment to build: the streams share them.
struct Needles {
    usage: Finder<'static>,
    finish: Finder<'static>,
    done: Finder<'static>,
    error: Finder<'static>,
}

static NEEDLES: LazyLock<Needles> = LazyLock::new(|| Needles {
    usage: Finder::new(USAGE),
    finish: Finder::new(FINISH),
    done: Finder::new(DONE),
    error: Finder::new(ERROR),
});

impl Findings {
    /// Looks at one or more whole events.
    pub(crate) fn inspect(&mut self, events: &[u8]) {
        let needles = &*NEEDLES;
        if !self.content {
            self.content = has_content(events);
        }
        if !self.finished {
            self.finished =
                values(&needles.finish, events).any(|at| finishes(sse::event_around(events, at)));
        }
        if !self.done {
            let mut found = needles.done.find_iter(events);
            self.done = found.any(|at| {
                sse::data(sse::event_around(events, at))
                    .is_some_and(|data| data.trim_ascii() == DONE)
            });
        }
        if !self.failed {
            self.failed =
                values(&needles.error, events).any(|at| fails(sse::event_around(events, at)));
        }
        let usage = values(&needles.usage, events)
            .filter_map(|at| usage_of(sse::event_around(events, at)))
            .last();
        self.usage = usage.or(self.usage);
    }
}

/// Where a key may stand that has a value other than `null`; to be made sure by reading the event.
fn values<'a>(needle: &'a Finder<'_>, events: &'a [u8]) -> impl Iterator<Item = usize> {
    needle.find_iter(events).filter(|&at| {
        let behind = skip_blanks(&events[at + needle.needle().len()..]);
        match behind.strip_prefix(b":") {
            Some(value) => !skip_blanks(value).starts_with(b"null"),
            None => false,
        }
    })
}

/// Past blanks, but not past the end of the line: behind it another event may begin.
fn skip_blanks(bytes: &[u8]) -> &[u8] {
    let blanks = bytes
        .iter()
        .take_while(|&&byte| byte == b' ' || byte == b'\t')
        .count();
    &bytes[blanks..]
}

fn usage_of(event: &[u8]) -> Option<Usage> {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        usage: Option<&'a RawValue>,
        /// Groq's (<https://console.groq.com/docs/api-reference#chat-create>).
        #[serde(borrow)]
        x_groq: Option<Holder<'a>>,
        /// Moonshot's stands in the choice.
        #[serde(borrow, default)]
        choices: Vec<Holder<'a>>,
    }
    #[derive(Deserialize)]
    struct Holder<'a> {
        #[serde(borrow)]
        usage: Option<&'a RawValue>,
    }
    let data = sse::data(event)?;
    let chunk: Chunk<'_> = serde_json::from_slice(&data).ok()?;
    let beside = || chunk.x_groq?.usage;
    let inside = || chunk.choices.first()?.usage;
    let usage = chunk.usage.or_else(beside).or_else(inside)?;
    Usage::from_openai(usage.get().as_bytes())
}

/// Whether the event is an error.
fn fails(event: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Chunk {
        error: Option<IgnoredAny>,
    }
    let chunk = sse::data(event).and_then(|data| serde_json::from_slice::<Chunk>(&data).ok());
    chunk.is_some_and(|chunk| chunk.error.is_some())
}

/// Whether a choice gives its finish reason in this event.
fn finishes(event: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Chunk {
        choices: Vec<Choice>,
    }
    #[derive(Deserialize)]
    struct Choice {
        finish_reason: Option<IgnoredAny>,
    }
    let chunk = sse::data(event).and_then(|data| serde_json::from_slice::<Chunk>(&data).ok());
    chunk.is_some_and(|chunk| {
        let mut choices = chunk.choices.iter();
        choices.any(|choice| choice.finish_reason.is_some())
    })
}

/// Whether one of the events holds a piece of an answer: a field of a choice's `delta` other than
/// `role`, or its `text`, that is not empty.
fn has_content(events: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow, default)]
        choices: Vec<Choice<'a>>,
    }
    #[derive(Deserialize)]
    struct Choice<'a> {
        #[serde(default)]
        delta: Option<Delta>,
        #[serde(borrow, default)]
        text: Option<Cow<'a, str>>,
    }
    let boundaries = sse::Boundaries::default();
    let mut rest = events;
    while let Some(len) = boundaries.first(rest) {
        let (event, behind) = rest.split_at(len);
        rest = behind;
        let Some(data) = sse::data(event) else {
            continue;
        };
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(&data) else {
            continue;
        };
        let told = chunk.choices.iter().any(|choice| {
            choice.delta.as_ref().is_some_and(|delta| delta.told)
                || choice.text.as_ref().is_some_and(|text| !text.is_empty())
        });
        if told {
            return true;
        }
    }
    false
}

/// A `delta`, of which counts only whether it tells anything.
struct Delta {
    told: bool,
}

impl<'de> Deserialize<'de> for Delta {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DeltaVisitor)
    }
}

struct DeltaVisitor;

impl<'de> Visitor<'de> for DeltaVisitor {
    type Value = Delta;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Delta, A::Error> {
        let mut told = false;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == "role" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: &RawValue = map.next_value()?;
            told |= !matches!(value.get(), "null" | "\"\"" | "[]" | "{}");
        }
        Ok(Delta { told })
    }
}
