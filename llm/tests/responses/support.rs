//! What the tests share.

use bytes::Bytes;
use serde_json::Value as Json;
use weir_llm::chat::{Event, Problem, Request};
use weir_llm::codec::{Asked, Codec, Gaps, Target};
use weir_llm::frame::{Cutter, Framing, frames};
use weir_llm::json::Value;
use weir_llm::{Dialect, Format, dialect};

pub(crate) fn codec() -> &'static dyn Codec {
    dialect::codec(Format::Responses)
}

pub(crate) fn asked() -> Asked<'static> {
    Asked {
        model: "fast",
        stream: true,
        include_usage: true,
        id: "0a1b2c",
        now: 1_790_000_000,
        body: None,
        framing: Framing::Sse,
    }
}

pub(crate) fn read<'a>(body: &Value<'a>) -> Result<Request<'a>, Problem> {
    codec().read_request(body, &asked())
}

/// Writes a request for a target; what was dropped comes with it.
pub(crate) fn write(
    to: (Format, Dialect, &str),
    request: &Request<'_>,
    drop: bool,
) -> Result<(Json, Vec<String>), Problem> {
    let (format, dialect, model) = to;
    let target = Target {
        dialect,
        preset: None,
        model,
    };
    let mut gaps = Gaps::new(drop, dialect.name());
    let codec = dialect::codec(format);
    let written = codec.write_request(request, &target, &mut gaps)?;
    let written = serde_json::from_slice(&written.to_bytes()).unwrap();
    Ok((written, gaps.dropped().to_vec()))
}

/// Reads a stream that comes in these pieces.
pub(crate) fn decode<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<Event> {
    let mut cutter = Cutter::new(Framing::Sse);
    let mut decoder = codec().decoder();
    let mut events = Vec::new();
    for piece in pieces {
        for run in cutter.feed(Bytes::copy_from_slice(piece)).unwrap() {
            for frame in frames(Framing::Sse, &run) {
                decoder.frame(&frame.unwrap(), &mut events).unwrap();
            }
        }
    }
    decoder.finish(&mut events);
    events
}

pub(crate) fn encode(events: &[Event]) -> Vec<u8> {
    let mut encoder = codec().encoder(&asked());
    let mut out = Vec::new();
    for event in events {
        encoder.event(event, &mut out);
    }
    out
}
