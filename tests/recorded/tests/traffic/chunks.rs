//! However a stream is cut, the same comes out.

use std::collections::BTreeSet;

use weir_llm::Format;
use weir_llm::frame::Framing;
use weir_recorded::{Kind, all};

use crate::codecs::{chat, codec, decode, encode, framing_of, is_ready};

/// A stream of at most so many bytes is cut in two at every offset; a longer one at so many, evenly spread, and at each
/// of the last 256. Every stream is fed one byte at a time.
const EVERY_OFFSET: usize = 6 << 10;
/// The offsets at which a longer one is cut.
const OFFSETS: usize = 200;

/// A stream as a provider sent it.
struct Stream {
    name: String,
    format: Format,
    framing: Framing,
    bytes: Vec<u8>,
}

fn recorded() -> Vec<Stream> {
    let mut seen = BTreeSet::new();
    let mut streams = Vec::new();
    for interaction in all() {
        let Some((format, true)) = chat(Kind::of(interaction)) else {
            continue;
        };
        let bytes = &interaction.response.body;
        if interaction.response.status == 200 && seen.insert(bytes) {
            streams.push(Stream {
                name: interaction.to_string(),
                format,
                framing: framing_of(&interaction.response),
                bytes: bytes.clone(),
            });
        }
    }
    streams
}

/// Cuts a stream and returns how many cuts there were.
fn check(stream: &Stream) -> usize {
    let Stream {
        name,
        format,
        framing,
        bytes,
    } = stream;
    let whole = decode(*format, *framing, [&**bytes]).unwrap();
    let one_by_one = decode(*format, *framing, bytes.chunks(1)).unwrap();
    assert_eq!(one_by_one, whole, "{name}, byte by byte");
    let step = match bytes.len() {
        0..=EVERY_OFFSET => 1,
        len => len / OFFSETS,
    };
    let mut cuts = 0;
    let near_the_end = bytes.len().saturating_sub(256);
    for at in (0..near_the_end)
        .step_by(step)
        .chain(near_the_end..bytes.len())
    {
        let (first, second) = bytes.split_at(at);
        let cut = decode(*format, *framing, [first, second]).unwrap();
        assert_eq!(cut, whole, "{name}, cut at {at}");
        cuts += 1;
    }
    // What is written for a caller of each format is a stream too.
    for to in Format::ALL.into_iter().filter(|to| is_ready(*to)) {
        let written = encode(to, &whole);
        let framing = codec(to).framing();
        let read = decode(to, framing, [&*written]).unwrap();
        let again = decode(to, framing, written.chunks(1)).unwrap();
        assert_eq!(again, read, "{name} as {to}, byte by byte");
        cuts += 1;
    }
    cuts
}

#[test]
fn recorded_streams_are_the_same_however_they_are_cut() {
    let streams = recorded();
    let cuts: usize = streams.iter().map(check).sum();
    println!("{} streams, cut in {cuts} ways", streams.len());
}
