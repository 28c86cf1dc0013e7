//! Hostile input: everything that libFuzzer is set on (`fuzz/`), on seeds and on changes to them that are the same every
//! time, and what it once found.

#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "what fails in a test shall fail it"
)]

#[path = "../fuzz/src/lib.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "a crate of its own for libFuzzer"
)]
mod fuzz;

use std::panic::catch_unwind;
use std::path::Path;

use fuzz::mutate::{Random, any};
use fuzz::seeds::{self, Seed};
use fuzz::{TARGETS, Target};
use weir_llm::frame::{Header, write_message};
use weir_llm::{Format, dialect};

/// Changes to each seed.
const CHANGES: u64 = 24;

fn target(name: &str) -> Target {
    let found = TARGETS.into_iter().find(|(one, _)| *one == name);
    found.expect("a seed's target").1
}

fn all() -> Vec<Seed> {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let mut all = seeds::built_in();
    let fixtures = seeds::of_fixtures(Path::new(fixtures));
    assert!(!fixtures.is_empty());
    all.extend(
        fixtures
            .into_iter()
            .filter(|one| one.input.len() <= 16 << 10),
    );
    all
}

/// Fails with the input that did it, as Rust writes it.
fn holds(name: &str, input: &[u8]) {
    let target = target(name);
    if catch_unwind(|| target(input)).is_err() {
        panic!("{name}(b\"{}\")", input.escape_ascii());
    }
}

#[test]
fn every_target_has_seeds() {
    let all = all();
    for (name, _) in TARGETS {
        assert!(all.iter().any(|seed| seed.target == name), "{name}");
    }
}

#[test]
fn every_target_of_libfuzzer_is_one_of_these() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/fuzz_targets");
    let files = std::fs::read_dir(folder).expect("the targets");
    let mut names: Vec<String> = files
        .map(|file| file.expect("a file").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    let mut ours: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    ours.sort_unstable();
    assert_eq!(names, ours);
}

#[test]
fn seeds_hold() {
    for seed in all() {
        holds(seed.target, &seed.input);
    }
}

/// Values are turned into others, left out, said twice; events of streams too.
#[test]
fn seeds_that_turn_hostile_hold() {
    for (number, seed) in all().iter().enumerate() {
        let mut input = seed.input.clone();
        for change in 0..CHANGES {
            // One upon the other, up to four.
            if change % 4 == 0 {
                input.clone_from(&seed.input);
            }
            if let Some(changed) = any(&input, number as u64 * CHANGES + change) {
                holds(seed.target, &changed);
                input = changed;
            }
        }
    }
}

/// Bytes are lost, cut off, changed, or come twice.
#[test]
fn seeds_that_are_torn_hold() {
    for (number, seed) in all().iter().enumerate() {
        let mut random = Random::new(number as u64);
        for change in 0..CHANGES {
            let mut torn = seed.input.clone();
            let (one, other) = (random.below(torn.len()), random.below(torn.len()));
            match change % 4 {
                0 => torn.truncate(one),
                1 => torn[one] = random.below(256).try_into().unwrap_or_default(),
                2 => drop(torn.drain(one.min(other)..one.max(other))),
                _ => torn.extend_from_slice(&seed.input[one.min(other)..one.max(other)]),
            }
            holds(seed.target, &torn);
        }
    }
}

/// A watch sees the same of events that come at once and of those that come one by one.
fn sees_the_same(format: Format, events: &[Vec<u8>]) {
    let codec = dialect::codec(format);
    let (mut at_once, mut one_by_one) = (codec.watch(), codec.watch());
    at_once.run(&events.concat());
    events.iter().for_each(|event| one_by_one.run(event));
    assert_eq!(at_once.seen(), one_by_one.seen());
}

fn event(data: &str) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}

/// Nothing behind a message of Amazon's that can't be read counts.
#[test]
fn a_watch_reads_nothing_behind_a_broken_message() {
    let message = |name, data: &[u8]| {
        let header = |name, value| Header { name, value };
        let headers = [
            header(":event-type", name),
            header(":message-type", "event"),
        ];
        let mut out = Vec::new();
        write_message(&headers, data, &mut out);
        out
    };
    let mut broken = message("contentBlockDelta", br#"{"delta":{"text":"b"}}"#);
    broken[30] ^= 1;
    let first = message("contentBlockDelta", br#"{"delta":{"text":"a"}}"#);
    let last = message("messageStop", br#"{"stopReason":"end_turn"}"#);
    sees_the_same(Format::Converse, &[first, broken, last]);
}

/// What Anthropic says of usage at an answer's start counts until the answer is under way.
#[test]
fn a_watch_reads_the_start_of_an_answer_at_its_start_alone() {
    let start =
        r#"{"type":"message_start","message":{"usage":{"input_tokens":506,"output_tokens":1}}}"#;
    for first in [
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#,
        r#"{"type":"message_delta","delta":{},"usage":{"output_tokens":3}}"#,
    ] {
        sees_the_same(Format::Messages, &[event(first), event(start)]);
    }
}

/// Of two ends of a response the last one's usage counts.
#[test]
fn a_watch_reads_the_ends_of_responses_in_their_order() {
    let end = |kind: &str, tokens: u8| {
        event(&format!(
            r#"{{"type":"response.{kind}","response":{{"usage":{{"input_tokens":{tokens},"output_tokens":1}}}}}}"#
        ))
    };
    sees_the_same(
        Format::Responses,
        &[end("incomplete", 1), end("completed", 2)],
    );
    sees_the_same(
        Format::Responses,
        &[end("completed", 2), end("incomplete", 1)],
    );
}

/// How Gemini's stream is cut is told by its first bytes, not by those of whatever comes at once.
#[test]
fn a_watch_tells_a_framing_once() {
    let first = b"{\"a\":1}\ndata: {}\n\n".to_vec();
    sees_the_same(Format::Gemini, &[first, event(r#"{"error":{"code":503}}"#)]);
}

/// Gemini's last usage counts, and what only bears its name does not.
#[test]
fn a_watch_reads_the_last_usage_that_is_one() {
    let told = r#"{"usageMetadata":{"promptTokenCount":31,"candidatesTokenCount":15}}"#;
    sees_the_same(
        Format::Gemini,
        &[event(told), event(r#"{"usageMetadata":""}"#)],
    );
}

/// What belongs in no block of its sort is passed over: arguments of a text, the text of a call.
#[test]
fn a_block_takes_what_is_of_its_sort_alone() {
    let block = |kind: &str, delta: &str| {
        let start = format!(
            r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"{kind}","text":"a","id":"i","name":"n"}}}}"#
        );
        let delta = format!(r#"{{"type":"content_block_delta","index":0,"delta":{delta}}}"#);
        [event(&start), event(&delta)].concat()
    };
    for stream in [
        block("text", r#"{"type":"input_json_delta","partial_json":"{}"}"#),
        block(
            "thinking",
            r#"{"type":"input_json_delta","partial_json":"{}"}"#,
        ),
        block("tool_use", r#"{"type":"text_delta","text":"b"}"#),
    ] {
        holds("stream", &[&[3, 0, 0], &stream[..]].concat());
    }
}

/// A place past all texts stays one: two texts, and a citation at the largest place in the second.
#[test]
fn a_citation_at_the_largest_place_is_written() {
    let (begin, text) = (b"\x01\0\0\0\0", b"\x02\0\0\x01a\0");
    let cite = b"\x02\0\0\x01q\x08";
    let events = [&begin[..], text, begin, text, cite].concat();
    holds("encode", &[&[0], &events[..]].concat());
}
