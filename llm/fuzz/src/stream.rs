//! Streamed answers.

use bytes::Bytes;
use serde::de::IgnoredAny;
use weir_llm::Format;
use weir_llm::chat::{Event, PartStart};
use weir_llm::codec::Seen;
use weir_llm::frame::{Cutter, Framing, frames};
use weir_llm::tokens::Sample;

use super::framing::{repair, says_the_same};
use super::promise::{asked, codec, is_stream};
use super::{Input, encode, pieces, plain};

/// Streams, from every format to every other: any cut says the same, events come in their order, and what is written is a
/// stream of its format that this reads.
pub fn stream(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let from = input.one_of(&Format::ALL);
    let how = input.byte();
    let options = input.byte();
    let mut body = input.rest.to_vec();
    let framing = match codec(from).framing() {
        Framing::Sse if from == Format::Gemini && options & 4 == 4 => Framing::JsonArray,
        Framing::EventStream => {
            // No fuzzer guesses a checksum.
            repair(&mut body);
            Framing::EventStream
        }
        framing => framing,
    };
    if !says_the_same(framing, &body) {
        decode(from, framing, &pieces(&body, how));
        return;
    }
    looks_on(from, framing, &body, how);
    let whole = decode(from, framing, &[&body]);
    let cut = decode(from, framing, &pieces(&body, how));
    assert_eq!(whole.is_some(), cut.is_some(), "{from}: cut elsewhere");
    let Some(events) = whole else {
        return;
    };
    assert_eq!(Some(&events), cut.as_ref(), "{from}: cut elsewhere");
    encode::in_order(&events, from);
    let mut sample = Sample::default();
    for event in &events {
        sample.event(event);
        if let Event::Usage(usage) = event {
            plain::costs(usage);
        }
    }
    for to in Format::ALL {
        told(&events, to, options, body.len());
    }
}

/// A format writes a stream, and reads what it wrote.
fn told(events: &[Event], to: Format, options: u8, came: usize) {
    let written = encode::written(events, to, options, came);
    let framing = asked(None, to, options).framing;
    is_stream(&written, framing, to.name());
    // Some read no call of a tool without a name, or so many choices.
    let strange = events.iter().any(|event| match event {
        Event::PartStart { choice, start, .. } => {
            *choice >= 1024 || matches!(start, PartStart::ToolCall { name, .. } if name.is_empty())
        }
        _ => false,
    });
    let again = decode(to, framing, &[&written]);
    assert!(
        again.is_some() || strange,
        "{to} can't read its own stream: {}",
        String::from_utf8_lossy(&written)
    );
}

/// The events of a stream that is cut so; `None` if it can't be read to its end.
pub(crate) fn decode(from: Format, framing: Framing, cut: &[&[u8]]) -> Option<Vec<Event>> {
    let mut cutter = Cutter::new(framing);
    let mut decoder = codec(from).decoder();
    let mut events = Vec::new();
    for piece in cut {
        for run in cutter.feed(Bytes::copy_from_slice(piece)).ok()? {
            for frame in frames(framing, &run) {
                decoder.frame(&frame.ok()?, &mut events).ok()?;
            }
        }
    }
    decoder.finish(&mut events);
    Some(events)
}

/// Whether a body is a stream whose events are JSON or OpenAI's `[DONE]`.
pub(crate) fn all_json(framing: Framing, body: &[u8]) -> bool {
    if framing == Framing::Sse && !body.starts_with(b"data:") && !body.starts_with(b"event:") {
        return false;
    }
    frames(framing, body).all(|frame| {
        frame.is_ok_and(|frame| {
            &*frame.data == b"[DONE]" || serde_json::from_slice::<IgnoredAny>(&frame.data).is_ok()
        })
    })
}

/// Who looks on sees the same, however many events come at once.
fn looks_on(from: Format, framing: Framing, body: &[u8], how: u8) {
    let see = |cut: &[&[u8]]| -> Option<Seen> {
        let mut cutter = Cutter::new(framing);
        let mut watch = codec(from).watch();
        for piece in cut {
            for run in cutter.feed(Bytes::copy_from_slice(piece)).ok()? {
                watch.run(&run);
            }
        }
        Some(watch.seen())
    };
    let (whole, cut) = (see(&[body]), see(&pieces(body, how)));
    // Of what is no JSON anything may be seen, and it finishes nothing.
    if all_json(framing, body) {
        assert_eq!(whole, cut, "{from}: looked on elsewhere");
    }
    if let Some(usage) = whole.and_then(|seen| seen.usage) {
        plain::costs(&usage);
    }
}
