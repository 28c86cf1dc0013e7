//! How streams are cut into events.

use std::ops::Range;

use bytes::Bytes;
use serde_json::value::RawValue;
use weir_llm::frame::{BadFrame, Cutter, Frame, Framing, Header, frames, write_message};
use weir_llm::sse as events;

use super::{Input, pieces};

/// An event as it was read.
type Event = (Option<String>, Vec<u8>, bool);

/// Everything that a stream says, however it is cut: its events, and what is held back at its end.
fn read(framing: Framing, limit: usize, cut: &[&[u8]]) -> Result<(Vec<Event>, Bytes), BadFrame> {
    let mut cutter = Cutter::with_limit(framing, limit);
    let mut events = Vec::new();
    let (mut fed, mut given) = (0, 0);
    for piece in cut {
        fed += piece.len();
        for run in cutter.feed(Bytes::copy_from_slice(piece))? {
            given += run.len();
            for frame in frames(framing, &run) {
                events.push(owned(frame?));
            }
        }
        assert_eq!(given + cutter.held(), fed, "a byte was lost or made");
        assert!(cutter.held() <= limit, "more is held than may be");
    }
    Ok((events, cutter.finish()))
}

fn owned(frame: Frame<'_>) -> Event {
    (
        frame.name.map(|name| name.into_owned()),
        frame.data.into_owned(),
        frame.exception,
    )
}

/// Any cut says the same.
fn any_cut(framing: Framing, stream: &[u8], how: u8) -> Option<(Vec<Event>, Bytes)> {
    let whole = read(framing, Cutter::LIMIT, &[stream]);
    let cut = read(framing, Cutter::LIMIT, &pieces(stream, how));
    // Which of two faults is met first may depend on the cut.
    if !says_the_same(framing, stream) {
        return None;
    }
    assert_eq!(whole.is_err(), cut.is_err());
    let whole = whole.ok()?;
    assert_eq!(Some(&whole), cut.as_ref().ok());
    // With little room it is the same or an error.
    let limit = 1 + usize::from(how);
    if let Ok(cut) = read(framing, limit, &pieces(stream, how)) {
        assert_eq!(whole, cut);
    }
    Some(whole)
}

/// Whether a stream is one that says the same however it is cut: of what was to be an array and is no JSON, the elements
/// are whatever they are.
pub(crate) fn says_the_same(framing: Framing, stream: &[u8]) -> bool {
    framing != Framing::JsonArray || serde_json::from_slice::<Vec<&RawValue>>(stream).is_ok()
}

/// Server-sent events, and streams of lines.
pub fn sse(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let how = input.byte();
    let stream = input.rest;
    any_cut(Framing::Lines, stream, how);
    let Some((read, _)) = any_cut(Framing::Sse, stream, how) else {
        return;
    };
    let expected: Vec<Event> = by_the_standard(stream);
    assert_eq!(read, expected);
    let at = usize::from(how).min(stream.len());
    let around = events::event_around(stream, at);
    assert!(around.len() <= stream.len());
    // What is written is read.
    let data: Vec<u8> = stream
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\n' | b'\r'))
        .collect();
    let mut written = Vec::new();
    events::write(Some("name"), &data, &mut written);
    let mut all = frames(Framing::Sse, &written).map(|frame| frame.map(owned));
    let expected = (Some("name".to_owned()), data, false);
    assert_eq!(all.next(), Some(Ok(expected)));
    assert_eq!(all.next(), None);
}

/// The events of a stream line by line, as HTML §9.2.6 has them, but that a byte order mark may stand before any line
/// (streams that were put together have them), that a name that is no text is none, and that an event's end needs no
/// wait for the LF behind a CR.
fn by_the_standard(stream: &[u8]) -> Vec<Event> {
    let mut found = Vec::new();
    let (mut name, mut data): (Option<Vec<u8>>, Option<Vec<u8>>) = (None, None);
    for line in lines(stream) {
        let line = &stream[line];
        if line.is_empty() {
            let name = name.take().and_then(|name| String::from_utf8(name).ok());
            if let Some(data) = data.take() {
                found.push((name, data, false));
            }
            continue;
        }
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => match &mut data {
                None => data = Some(value.to_vec()),
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
            },
            b"event" if line.len() > field.len() => name = Some(value.to_vec()),
            _ => {}
        }
    }
    found
}

/// Where the whole lines lie.
fn lines(stream: &[u8]) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < stream.len() {
        match stream[at] {
            b'\r' => {
                lines.push(start..at);
                at += 1 + usize::from(stream.get(at + 1) == Some(&b'\n'));
                start = at;
            }
            b'\n' => {
                lines.push(start..at);
                at += 1;
                start = at;
            }
            _ => at += 1,
        }
    }
    lines
}

/// Amazon's event streams: as they come, and with checksums that are right.
pub fn event_stream(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let how = input.byte();
    any_cut(Framing::EventStream, input.rest, how);
    let mut repaired = input.rest.to_vec();
    repair(&mut repaired);
    any_cut(Framing::EventStream, &repaired, how);

    let name = String::from_utf8_lossy(input.short()).into_owned();
    let payload = input.rest;
    let kind = if how & 1 == 1 {
        ":event-type"
    } else {
        ":exception-type"
    };
    let of = if how & 1 == 1 { "event" } else { "exception" };
    let headers = [(kind, &*name), (":message-type", of), ("x", "y")]
        .map(|(name, value)| Header { name, value });
    let mut written = Vec::new();
    write_message(&headers, payload, &mut written);
    let read = any_cut(Framing::EventStream, &written, how);
    let expected = (Some(name), payload.to_vec(), how & 1 == 0);
    assert_eq!(read, Some((vec![expected], Bytes::new())));
}

/// Makes the checksums of each message right whose lengths make sense.
pub(crate) fn repair(stream: &mut [u8]) {
    let mut rest = stream;
    while rest.len() >= 16 {
        let total = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        if total < 16 || total > rest.len() {
            return;
        }
        let (message, behind) = std::mem::take(&mut rest).split_at_mut(total);
        let prelude = crc32fast::hash(&message[..8]);
        message[8..12].copy_from_slice(&prelude.to_be_bytes());
        let whole = crc32fast::hash(&message[..total - 4]);
        message[total - 4..].copy_from_slice(&whole.to_be_bytes());
        rest = behind;
    }
}

/// Streams that are one JSON array.
pub fn json_array(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let how = input.byte();
    let stream = input.rest;
    let read = any_cut(Framing::JsonArray, stream, how);
    let Ok(elements) = serde_json::from_slice::<Vec<&RawValue>>(stream) else {
        return;
    };
    // Gemini's are objects.
    if elements.iter().all(|one| one.get().starts_with('{')) {
        let events: Vec<Event> = elements
            .iter()
            .map(|one| (None, one.get().as_bytes().to_vec(), false))
            .collect();
        assert_eq!(read.map(|(events, _)| events), Some(events));
    }
}
