//! What the tests share.

use bytes::Bytes;
use serde_json::Value as Json;
use weir_llm::chat::{Event, Problem, Request};
use weir_llm::codec::{Asked, Codec, Gaps, Target};
use weir_llm::frame::{Cutter, Framing, Header, frames, write_message};
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
        Format::Messages => Dialect::Anthropic,
        _ => Dialect::Bedrock,
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

/// One event a line, as `{"name": payload}`, in frames.
pub(crate) fn in_frames(lines: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines.lines() {
        let line: serde_json::Map<String, Json> = serde_json::from_str(line).unwrap();
        for (name, payload) in line {
            let header = |name, value| Header { name, value };
            let headers = [
                header(":event-type", &*name),
                header(":content-type", "application/json"),
                header(":message-type", "event"),
            ];
            write_message(&headers, payload.to_string().as_bytes(), &mut out);
        }
    }
    out
}

/// Streams as providers send them.
pub(crate) fn streams() -> [(Format, Vec<u8>); 3] {
    [
        (
            Format::Messages,
            include_bytes!("../fixtures/anthropic/stream.sse").to_vec(),
        ),
        (
            Format::Messages,
            include_bytes!("../fixtures/anthropic/error.sse").to_vec(),
        ),
        (
            Format::Converse,
            in_frames(include_str!("../fixtures/bedrock/stream.jsonl")),
        ),
    ]
}

/// The framing of a caller of this format.
pub(crate) fn is_event_stream(format: Format) -> bool {
    codec(format).framing() == Framing::EventStream
}
