//! What the tests share.

use bytes::Bytes;
use serde_json::Value as Json;
use weir_llm::chat::{Event, Problem, Request};
use weir_llm::codec::{Asked, Codec, Gaps, Target};
use weir_llm::frame::{Cutter, frames};
use weir_llm::json::Value;
use weir_llm::{Dialect, Format, dialect};

pub(crate) fn codec(format: Format) -> &'static dyn Codec {
    dialect::codec(format)
}

pub(crate) fn asked(format: Format, stream: bool) -> Asked<'static> {
    Asked {
        model: "fast",
        stream,
        include_usage: true,
        id: "0a1b2c",
        now: 1_790_000_000,
        body: None,
        framing: codec(format).framing(),
    }
}

pub(crate) fn read<'a>(format: Format, body: &Value<'a>) -> Request<'a> {
    codec(format)
        .read_request(body, &asked(format, false))
        .unwrap()
}

/// Writes a request; what was dropped comes with it.
pub(crate) fn write(
    format: Format,
    request: &Request<'_>,
    model: &str,
    drop: bool,
) -> Result<(Json, Vec<String>), Problem> {
    let (text, dropped) = write_text(format, request, model, drop)?;
    Ok((serde_json::from_str(&text).unwrap(), dropped))
}

/// The same as the text that is sent.
pub(crate) fn write_text(
    format: Format,
    request: &Request<'_>,
    model: &str,
    drop: bool,
) -> Result<(String, Vec<String>), Problem> {
    let dialect = match format {
        Format::Gemini => Dialect::Vertex,
        _ => Dialect::Cohere,
    };
    let target = Target {
        dialect,
        preset: None,
        model,
    };
    let mut gaps = Gaps::new(drop, dialect.name());
    let written = codec(format).write_request(request, &target, &mut gaps)?;
    let text = String::from_utf8(written.to_bytes()).unwrap();
    Ok((text, gaps.dropped().to_vec()))
}

/// Reads a stream that comes in these pieces.
pub(crate) fn decode<'p>(format: Format, pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<Event> {
    let framing = codec(format).framing();
    let mut cutter = Cutter::new(framing);
    let mut decoder = codec(format).decoder();
    let mut events = Vec::new();
    for piece in pieces {
        for run in cutter.feed(Bytes::copy_from_slice(piece)).unwrap() {
            for frame in frames(framing, &run) {
                decoder.frame(&frame.unwrap(), &mut events).unwrap();
            }
        }
    }
    decoder.finish(&mut events);
    events
}

pub(crate) fn encode(format: Format, events: &[Event]) -> Vec<u8> {
    let mut encoder = codec(format).encoder(&asked(format, true));
    let mut out = Vec::new();
    for event in events {
        encoder.event(event, &mut out);
    }
    out
}

/// Streams as providers send them.
pub(crate) fn streams() -> [(Format, &'static [u8]); 3] {
    [
        (
            Format::Gemini,
            include_bytes!("../fixtures/gemini/stream.sse"),
        ),
        (
            Format::Gemini,
            include_bytes!("../fixtures/gemini/error.sse"),
        ),
        (
            Format::Cohere,
            include_bytes!("../fixtures/cohere/stream.sse"),
        ),
    ]
}
