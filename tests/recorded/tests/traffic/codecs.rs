//! The formats, and what a call is told.

use bytes::Bytes;
use weir_llm::chat::Event;
use weir_llm::codec::{Asked, Codec};
use weir_llm::frame::{Cutter, Framing, frames};
use weir_llm::json::Value;
use weir_llm::{Dialect, Format, dialect};
use weir_recorded::{Kind, Response, Wire};

/// The format of a wire.
pub(crate) fn format_of(wire: Wire) -> Format {
    match wire {
        Wire::Chat => Format::Chat,
        Wire::Completions => Format::Completions,
        Wire::Responses => Format::Responses,
        Wire::Messages => Format::Messages,
        Wire::Gemini => Format::Gemini,
        Wire::Converse => Format::Converse,
        Wire::Cohere => Format::Cohere,
    }
}

/// The format of an interaction's chat, and whether it was answered as a stream.
pub(crate) fn chat(kind: Kind) -> Option<(Format, bool)> {
    match kind {
        Kind::Chat { wire, stream } => Some((format_of(wire), stream)),
        _ => None,
    }
}

/// What reads and writes a format.
pub(crate) fn codec(format: Format) -> &'static dyn Codec {
    dialect::codec(format)
}

/// Who speaks a format first of all.
pub(crate) fn dialect_of(format: Format) -> Dialect {
    match format {
        Format::Chat | Format::Completions | Format::Responses => Dialect::OpenAI,
        Format::Messages => Dialect::Anthropic,
        Format::Gemini => Dialect::Gemini,
        Format::Converse => Dialect::Bedrock,
        Format::Cohere => Dialect::Cohere,
    }
}

/// What is known of a call of this format.
pub(crate) fn asked<'a>(
    format: Format,
    model: &'a str,
    stream: bool,
    body: Option<&'a Value<'a>>,
) -> Asked<'a> {
    Asked {
        model,
        stream,
        include_usage: true,
        id: "0a1b2c3d4e5f",
        now: 1_790_000_000,
        body,
        framing: codec(format).framing(),
    }
}

/// How a provider cut its stream.
pub(crate) fn framing_of(response: &Response) -> Framing {
    match response.media_type() {
        "application/vnd.amazon.eventstream" => Framing::EventStream,
        "text/event-stream" => Framing::Sse,
        other => panic!("{other} is no stream that anybody decodes"),
    }
}

/// Reads a stream that comes in these pieces.
pub(crate) fn decode<'p>(
    format: Format,
    framing: Framing,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Result<Vec<Event>, String> {
    let mut cutter = Cutter::new(framing);
    let mut decoder = codec(format).decoder();
    let mut events = Vec::new();
    let mut run = |bytes: &[u8], events: &mut Vec<Event>| -> Result<(), String> {
        for frame in frames(framing, bytes) {
            let frame = frame.map_err(|error| error.to_string())?;
            decoder
                .frame(&frame, events)
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    };
    for piece in pieces {
        let fed = cutter.feed(Bytes::copy_from_slice(piece));
        for whole in fed.map_err(|error| error.to_string())? {
            run(&whole, &mut events)?;
        }
    }
    run(&cutter.finish(), &mut events)?;
    decoder.finish(&mut events);
    Ok(events)
}

/// Writes events as a stream of a format.
pub(crate) fn encode(format: Format, events: &[Event]) -> Vec<u8> {
    let mut encoder = codec(format).encoder(&asked(format, "model", true, None));
    let mut bytes = Vec::new();
    for event in events {
        encoder.event(event, &mut bytes);
    }
    bytes
}
