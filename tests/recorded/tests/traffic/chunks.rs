//! However a stream is cut, the same comes out, for callers of every format.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use weir_llm::Format;
use weir_llm::frame::{Header, write_message};
use weir_recorded::{Kind, all};

use crate::codecs::chat;
use crate::relay::{exchange, relay};

/// The offsets at which a recorded stream is cut in two, evenly spread.
const OFFSETS: usize = 40;

/// A stream as a provider sent it.
struct Stream {
    name: String,
    format: Format,
    content_type: String,
    bytes: Vec<u8>,
}

/// Each that differs from all others.
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
                content_type: interaction.response.media_type().to_owned(),
                bytes: bytes.clone(),
            });
        }
    }
    streams
}

/// The format that a fixture of a stream is in, by its folder and its name; and its type.
fn fixture_of(path: &Path) -> Option<(Format, &'static str)> {
    let (_, name) = path.to_str()?.split_once("/fixtures/")?;
    let content_type = match path.extension()?.to_str()? {
        "sse" => "text/event-stream",
        "jsonl" => "application/vnd.amazon.eventstream",
        _ => return None,
    };
    let format = match name.split_once('/')? {
        ("openai", "completion.sse") => Format::Completions,
        ("openai", _) => Format::Chat,
        ("responses", _) => Format::Responses,
        ("anthropic", _) => Format::Messages,
        ("gemini", _) => Format::Gemini,
        ("bedrock", _) => Format::Converse,
        ("cohere", _) => Format::Cohere,
        _ => panic!("{name}: nobody has said what its format is"),
    };
    Some((format, content_type))
}

/// What goes over the wire: Amazon's frames stand in their fixtures as lines of JSON, each an event under its name.
fn sent(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    if path.extension().unwrap() != "jsonl" {
        return bytes;
    }
    let mut out = Vec::new();
    for line in String::from_utf8(bytes).unwrap().lines() {
        let line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        for (name, event) in line {
            let header = |name, value| Header { name, value };
            let headers = [
                header(":event-type", &*name),
                header(":content-type", "application/json"),
                header(":message-type", "event"),
            ];
            write_message(&headers, event.to_string().as_bytes(), &mut out);
        }
    }
    out
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn fixtures() -> Vec<Stream> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../llm/tests/fixtures");
    let mut files = Vec::new();
    files_below(Path::new(root), &mut files);
    files.sort();
    let streams = files.into_iter().filter_map(|path| {
        let (format, content_type) = fixture_of(&path)?;
        Some(Stream {
            name: path.file_name()?.to_str()?.to_owned(),
            format,
            content_type: content_type.to_owned(),
            bytes: sent(&path),
        })
    });
    streams.collect()
}

/// Cuts a stream for callers of every format, at each of `offsets`, and returns how many cuts there were.
fn check(stream: &Stream, offsets: impl Iterator<Item = usize> + Clone) -> usize {
    let Stream {
        name,
        format,
        content_type,
        bytes,
    } = stream;
    let mut cuts = 0;
    for caller in Format::ALL.into_iter() {
        let Some(exchange) = exchange(*format, caller) else {
            continue;
        };
        let whole = relay(&exchange, content_type, [&**bytes]);
        let one_by_one = relay(&exchange, content_type, bytes.chunks(1));
        assert!(one_by_one == whole, "{name} for {caller}, byte by byte");
        for at in offsets.clone() {
            let (first, second) = bytes.split_at(at);
            let cut = relay(&exchange, content_type, [first, second]);
            assert!(cut == whole, "{name} for {caller}, cut at {at}");
            cuts += 1;
        }
    }
    assert!(cuts > 0, "{name} is for nobody");
    cuts
}

#[test]
fn fixtures_cut_at_every_offset_are_the_same() {
    let streams = fixtures();
    let cuts: usize = streams
        .iter()
        .map(|one| check(one, 0..one.bytes.len()))
        .sum();
    assert!(streams.len() >= 21, "{} fixtures", streams.len());
    println!(
        "{} streams of fixtures, {cuts} cuts at every offset",
        streams.len()
    );
}

#[test]
fn recorded_streams_cut_here_and_there_are_the_same() {
    let streams = recorded();
    let cuts: usize = streams
        .iter()
        .map(|one| {
            let step = one.bytes.len().div_ceil(OFFSETS).max(1);
            check(one, (0..one.bytes.len()).step_by(step))
        })
        .sum();
    println!(
        "{} recorded streams, {cuts} cuts, and byte by byte",
        streams.len()
    );
}
