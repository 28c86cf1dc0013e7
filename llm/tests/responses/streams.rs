use weir_llm::chat::{Citation, Delta, Event, Finish, Logprob, PartStart, Signature, TokenLogprob};
use weir_llm::{Format, Usage};

use crate::support::{codec, decode, encode};

const STREAMS: [&[u8]; 4] = [
    include_bytes!("../fixtures/responses/stream.sse"),
    include_bytes!("../fixtures/responses/incomplete.sse"),
    include_bytes!("../fixtures/responses/failed.sse"),
    include_bytes!("../fixtures/responses/error.sse"),
];

fn start(part: u32, start: PartStart) -> Event {
    Event::PartStart {
        choice: 0,
        part,
        start,
    }
}

fn more(part: u32, delta: Delta) -> Event {
    Event::Delta {
        choice: 0,
        part,
        delta,
    }
}

fn text(part: u32, text: &str) -> Event {
    more(part, Delta::Text(text.to_owned()))
}

fn arguments(part: u32, text: &str) -> Event {
    more(part, Delta::Arguments(text.to_owned()))
}

fn end(part: u32) -> Event {
    Event::PartEnd { choice: 0, part }
}

fn call(id: &str, name: &str) -> PartStart {
    PartStart::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        signature: None,
    }
}

const SUMMARY: PartStart = PartStart::Reasoning {
    summary: true,
    redacted: false,
};

#[test]
fn a_stream_is_read_and_calls_that_come_side_by_side_one_by_one() {
    let token = TokenLogprob {
        token: Logprob {
            token: "Hm".to_owned(),
            logprob: -0.5,
            bytes: Some(b"Hm".to_vec()),
        },
        top: Vec::new(),
    };
    let signature = Signature {
        from: Format::Responses,
        data: "rs_1:gAAAAAB".into(),
    };
    let cited = Citation {
        title: Some("Terms".into()),
        url: Some("https://example.com".into()),
        span: Some((0, 4)),
        ..Citation::default()
    };
    let expected = [
        Event::Start {
            id: "resp_1".to_owned(),
            model: "gpt-5-mini-2025-08-07".to_owned(),
            created: Some(1_762_781_676),
        },
        start(0, SUMMARY),
        text(0, "Weather"),
        text(0, " — ça"),
        end(0),
        start(1, SUMMARY),
        text(1, "Call it"),
        more(1, Delta::Signature(signature)),
        end(1),
        start(2, PartStart::Text),
        text(2, "Hm, "),
        Event::Logprobs {
            choice: 0,
            tokens: vec![token],
        },
        text(2, "\"response.completed\""),
        more(2, Delta::Citation(cited)),
        end(2),
        start(3, PartStart::Refusal),
        text(3, "No."),
        end(3),
        start(4, call("call_1", "weather")),
        arguments(4, "{\"city\":"),
        arguments(4, "\"Paris\"}"),
        end(4),
        start(5, call("call_2", "now")),
        arguments(5, "{}"),
        end(5),
        Event::Finish {
            choice: 0,
            finish: Finish::ToolCalls,
        },
        Event::Usage(Usage {
            input: 60,
            output: 89,
            cached: Some(30),
            cache_write: Some(0),
            reasoning: Some(40),
            ..Usage::default()
        }),
        Event::End,
    ];
    assert_eq!(decode([STREAMS[0]]), expected);
}

#[test]
fn any_cut_gives_the_same_events() {
    for stream in STREAMS {
        let whole = decode([stream]);
        for at in 0..=stream.len() {
            let (first, second) = stream.split_at(at);
            assert_eq!(decode([first, second]), whole, "{at}");
        }
        assert_eq!(decode(stream.chunks(1)), whole);
    }
}

#[test]
fn what_is_written_says_the_same() {
    for stream in STREAMS {
        let events = decode([stream]);
        let again = decode([&*encode(&events)]);
        // Pieces of likelihoods bring no text.
        let kept = |events: Vec<Event>| -> Vec<Event> {
            let empty = |event: &Event| matches!(event, Event::Delta { delta: Delta::Text(text), .. } if text.is_empty());
            events.into_iter().filter(|event| !empty(event)).collect()
        };
        let mut events = kept(events);
        if let Some(Event::Failed(problem)) = events.last_mut() {
            // What an answer that failed says of its error is less than what an error says.
            let Some(Event::Failed(read)) = again.last() else {
                unreachable!("a failure stays one: {again:?}");
            };
            assert_eq!(read.message, problem.message);
            *problem = read.clone();
        }
        assert_eq!(kept(again), events);
    }
}

#[test]
fn one_who_looks_on_sees_what_one_who_reads_does() {
    for stream in STREAMS {
        let events = decode([stream]);
        let mut watch = codec().watch();
        watch.run(stream);
        let seen = watch.seen();
        let any = |what: fn(&Event) -> bool| events.iter().any(what);
        let usage = events.iter().rev().find_map(|event| match event {
            Event::Usage(usage) => Some(*usage),
            _ => None,
        });
        assert_eq!(seen.usage, usage);
        assert!(seen.content);
        let finished = any(|event| matches!(event, Event::Finish { .. }));
        assert_eq!(seen.finished, finished);
        let failed = any(|event| matches!(event, Event::Failed(_)));
        assert_eq!(seen.failed, failed);
    }
}

#[test]
fn a_stream_that_is_cut_off_does_not_end() {
    for stream in STREAMS {
        for part in 1..8 {
            let events = decode([&stream[..stream.len() * part / 8]]);
            assert!(!events.contains(&Event::End));
            let starts = |event: &&Event| matches!(event, Event::PartStart { .. });
            let ends = |event: &&Event| matches!(event, Event::PartEnd { .. });
            let count = events.iter().filter(starts).count();
            assert_eq!(count, events.iter().filter(ends).count());
        }
    }
}

#[test]
fn another_providers_proof_of_a_call_travels_before_it() {
    let signature = Signature {
        from: Format::Gemini,
        data: "Zm9v".into(),
    };
    let begun = PartStart::ToolCall {
        id: "a".to_owned(),
        name: "f".to_owned(),
        signature: Some(signature.clone()),
    };
    let again = decode([&*encode(&[
        Event::Start {
            id: "1".to_owned(),
            model: "gemini".to_owned(),
            created: None,
        },
        start(0, begun),
        end(0),
        Event::End,
    ])]);
    let redacted = PartStart::Reasoning {
        summary: false,
        redacted: true,
    };
    let expected = [
        start(0, redacted),
        more(0, Delta::Signature(signature)),
        end(0),
        start(1, call("a", "f")),
        arguments(1, "{}"),
        end(1),
    ];
    assert_eq!(again[1..7], expected);
}
