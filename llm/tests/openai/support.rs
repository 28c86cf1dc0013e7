//! What the tests share.

use bytes::Bytes;
use serde_json::Value as Json;
use weir_llm::chat::{Event, Problem, Request};
use weir_llm::codec::{Asked, BadAnswer, Codec, Gaps, Target};
use weir_llm::frame::{Cutter, Framing, frames};
use weir_llm::json::Value;
use weir_llm::{Dialect, Format, Preset, dialect};

pub(crate) fn codec(format: Format) -> &'static dyn Codec {
    dialect::codec(format)
}

pub(crate) fn asked(stream: bool) -> Asked<'static> {
    Asked {
        model: "fast",
        stream,
        include_usage: true,
        id: "0a1b2c",
        now: 1_790_000_000,
        body: None,
        framing: Framing::Sse,
    }
}

pub(crate) fn read<'a>(format: Format, body: &Value<'a>) -> Request<'a> {
    codec(format).read_request(body, &asked(false)).unwrap()
}

/// For whom a body is written.
pub(crate) fn target(preset: Option<Preset>, model: &str) -> Target<'_> {
    Target {
        dialect: Dialect::OpenAI,
        preset,
        model,
    }
}

/// Writes a request; what was dropped comes with it.
pub(crate) fn write(
    format: Format,
    request: &Request<'_>,
    target: &Target<'_>,
    drop: bool,
) -> Result<(String, Vec<String>), Problem> {
    let mut gaps = Gaps::new(drop, "OpenAI's API");
    let written = codec(format).write_request(request, target, &mut gaps)?;
    let text = String::from_utf8(written.to_bytes()).unwrap();
    Ok((text, gaps.dropped().to_vec()))
}

pub(crate) fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

/// Reads a stream that comes in these pieces.
pub(crate) fn decode<'p>(
    format: Format,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Result<Vec<Event>, BadAnswer> {
    let mut cutter = Cutter::new(Framing::Sse);
    let mut decoder = codec(format).decoder();
    let mut events = Vec::new();
    for piece in pieces {
        for run in cutter.feed(Bytes::copy_from_slice(piece)).unwrap() {
            for frame in frames(Framing::Sse, &run) {
                decoder.frame(&frame.unwrap(), &mut events)?;
            }
        }
    }
    decoder.finish(&mut events);
    Ok(events)
}

pub(crate) fn encode(format: Format, events: &[Event]) -> Vec<u8> {
    let mut encoder = codec(format).encoder(&asked(true));
    let mut out = Vec::new();
    for event in events {
        encoder.event(event, &mut out);
    }
    out
}

/// Streams as providers send them.
pub(crate) const STREAMS: [(Format, &str); 10] = [
    (Format::Chat, include_str!("../fixtures/openai/chat.sse")),
    (
        Format::Chat,
        include_str!("../fixtures/openai/chat_usage.sse"),
    ),
    (
        Format::Chat,
        include_str!("../fixtures/openai/chat_tools.sse"),
    ),
    (
        Format::Chat,
        include_str!("../fixtures/openai/comments.sse"),
    ),
    (Format::Chat, include_str!("../fixtures/openai/error.sse")),
    (Format::Chat, include_str!("../fixtures/openai/azure.sse")),
    (Format::Chat, include_str!("../fixtures/openai/groq.sse")),
    (
        Format::Chat,
        include_str!("../fixtures/openai/openrouter.sse"),
    ),
    (Format::Chat, include_str!("../fixtures/openai/several.sse")),
    (
        Format::Completions,
        include_str!("../fixtures/openai/completion.sse"),
    ),
];
