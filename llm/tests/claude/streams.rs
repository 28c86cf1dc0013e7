use rstest::rstest;
use weir_llm::chat::{
    Answer, Choice, Citation, Delta, Event, Finish, PartKind, PartStart, Signature,
};
use weir_llm::json::Value;
use weir_llm::{Format, Usage};

use crate::support::{asked, codec, decode, encode, in_frames, is_event_stream, read, streams};

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

fn signed(part: u32, from: Format, data: &'static str) -> Event {
    let data = data.into();
    more(part, Delta::Signature(Signature { from, data }))
}

fn arguments(part: u32, piece: &str) -> Event {
    more(part, Delta::Arguments(piece.to_owned()))
}

fn end(part: u32) -> Event {
    Event::PartEnd { choice: 0, part }
}

fn reasoning(redacted: bool) -> PartStart {
    PartStart::Reasoning {
        summary: false,
        redacted,
    }
}

fn call(id: &str, name: &str) -> PartStart {
    PartStart::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        signature: None,
    }
}

fn cited(part: u32) -> Event {
    let citation = Citation {
        quote: Some("No refunds.".into()),
        title: Some("Terms".into()),
        document: Some(0),
        source: Some((0, 11)),
        ..Citation::default()
    };
    more(part, Delta::Citation(citation))
}

const USAGE: Usage = Usage {
    input: 60,
    output: 89,
    cached: Some(30),
    cache_write: Some(20),
    cache_write_hour: Some(5),
    reasoning: Some(40),
    audio_input: None,
    audio_output: None,
    image_input: None,
    image_output: None,
    estimated: false,
};

#[test]
fn a_stream_of_anthropic_is_read() {
    let [(format, bytes), ..] = streams();
    let own = Format::Messages;
    let at_the_start = Usage {
        output: 1,
        reasoning: None,
        ..USAGE
    };
    let finish = Finish::ToolCalls;
    let expected = [
        Event::Start {
            id: "msg_1".to_owned(),
            model: "claude-sonnet-4-5-20250929".to_owned(),
            created: None,
        },
        Event::Usage(at_the_start),
        start(0, reasoning(false)),
        Event::Ping,
        text(0, "Weather — ça"),
        signed(0, own, "c2ln"),
        end(0),
        start(1, reasoning(true)),
        signed(1, own, "aGlkZGVu"),
        end(1),
        start(2, PartStart::Text),
        text(2, "The word \"message_delta\" is "),
        text(2, "message_stop"),
        cited(2),
        end(2),
        start(3, call("toolu_1", "weather")),
        arguments(3, "{\"city\": \"Pa"),
        arguments(3, "ris\"}"),
        end(3),
        start(4, call("toolu_2", "now")),
        arguments(4, "{}"),
        end(4),
        Event::Finish { choice: 0, finish },
        Event::Usage(USAGE),
        Event::End,
    ];
    assert_eq!(decode(format, [&*bytes]), expected);
}

#[test]
fn a_stream_of_bedrock_is_read() {
    let [.., (format, bytes)] = streams();
    let own = Format::Converse;
    let finish = Finish::ToolCalls;
    let expected = [
        Event::Start {
            id: String::new(),
            model: String::new(),
            created: None,
        },
        start(0, reasoning(false)),
        text(0, "Weather"),
        signed(0, own, "c2ln"),
        end(0),
        start(1, reasoning(true)),
        signed(1, own, "aGlkZGVu"),
        end(1),
        start(2, PartStart::Text),
        text(2, "Let me "),
        text(2, "see."),
        cited(2),
        end(2),
        start(3, call("tooluse_1", "weather")),
        arguments(3, "{\"city\":"),
        arguments(3, "\"Paris\"}"),
        end(3),
        Event::Finish { choice: 0, finish },
        Event::Usage(Usage {
            reasoning: None,
            ..USAGE
        }),
        Event::End,
    ];
    assert_eq!(decode(format, [&*bytes]), expected);
}

#[test]
fn any_cut_gives_the_same_events_and_so_does_what_is_written_of_them() {
    for (from, bytes) in streams() {
        let whole = decode(from, [&*bytes]);
        for at in 0..=bytes.len() {
            let (first, second) = bytes.split_at(at);
            assert_eq!(decode(from, [first, second]), whole, "{from}, {at}");
        }
        assert_eq!(decode(from, bytes.chunks(1)), whole, "{from}");
        for to in [Format::Messages, Format::Converse] {
            let written = encode(to, &whole);
            let read = decode(to, [&*written]);
            for at in 0..=written.len() {
                let (first, second) = written.split_at(at);
                assert_eq!(decode(to, [first, second]), read, "{from} → {to}, {at}");
            }
        }
    }
}

/// Without what only one of the formats says of a stream.
fn common(events: Vec<Event>) -> Vec<Event> {
    let mut last = None;
    let mut kept = Vec::new();
    for event in events {
        match event {
            Event::Ping | Event::Start { .. } => {}
            Event::Usage(usage) => last = Some(usage),
            other => kept.push(other),
        }
    }
    let usage = last.map(|usage| Usage {
        reasoning: None,
        ..usage
    });
    kept.extend(usage.map(Event::Usage));
    kept
}

#[test]
fn a_stream_says_the_same_in_either_format_signatures_included() {
    for (from, bytes) in streams() {
        let events = decode(from, [&*bytes]);
        for to in [Format::Messages, Format::Converse] {
            let again = decode(to, [&*encode(to, &events)]);
            let (mut again, mut events) = (common(again), common(events.clone()));
            if matches!(events.iter().rev().nth(1), Some(Event::Failed(_)))
                || matches!(events.last(), Some(Event::Failed(_)))
            {
                // Usage is told at the end, which did not come; the status is the nearest.
                let failed = |event: &Event| matches!(event, Event::Failed(_) | Event::Usage(_));
                again.retain(|event| !failed(event));
                events.retain(|event| !failed(event));
            }
            assert_eq!(again, events, "{from} → {to}");
        }
    }
}

#[test]
fn one_who_looks_on_sees_what_one_who_reads_does() {
    for (format, bytes) in streams() {
        let events = decode(format, [&*bytes]);
        let mut watch = codec(format).watch();
        watch.run(&bytes);
        let seen = watch.seen();
        let usage = events.iter().rev().find_map(|event| match event {
            Event::Usage(usage) => Some(*usage),
            _ => None,
        });
        let any = |what: fn(&Event) -> bool| events.iter().any(what);
        assert_eq!(seen.usage, usage);
        assert_eq!(
            seen.content,
            any(|event| matches!(event, Event::Delta { .. }))
        );
        assert_eq!(
            seen.finished,
            any(|event| matches!(event, Event::Finish { .. }))
        );
        assert_eq!(seen.failed, any(|event| matches!(event, Event::Failed(_))));
        assert_eq!(seen.done, any(|event| matches!(event, Event::End)));
    }
}

#[test]
fn a_stream_that_is_cut_off_does_not_end() {
    for (format, bytes) in streams() {
        let half = &bytes[..bytes.len() / 3];
        let events = decode(format, [half]);
        assert!(!events.contains(&Event::End), "{format}");
        let starts = |event: &&Event| matches!(event, Event::PartStart { .. });
        let ends = |event: &&Event| matches!(event, Event::PartEnd { .. });
        assert_eq!(
            events.iter().filter(starts).count(),
            events.iter().filter(ends).count()
        );
    }
}

#[test]
fn another_providers_proof_of_a_call_travels_before_it() {
    let signature = Signature {
        from: Format::Gemini,
        data: "Zm9v".into(),
    };
    let events = [
        Event::Start {
            id: "1".to_owned(),
            model: "gemini".to_owned(),
            created: None,
        },
        start(
            0,
            PartStart::ToolCall {
                id: "a".to_owned(),
                name: "f".to_owned(),
                signature: Some(signature.clone()),
            },
        ),
        arguments(0, "{}"),
        end(0),
        Event::End,
    ];
    for format in [Format::Messages, Format::Converse] {
        let again = decode(format, [&*encode(format, &events)]);
        let proof = more(0, Delta::Signature(signature.clone()));
        assert!(again.contains(&proof), "{format}: {again:?}");
    }
}

#[test]
fn only_bedrock_speaks_in_frames() {
    assert!(is_event_stream(Format::Converse) && !is_event_stream(Format::Messages));
    assert_eq!(in_frames("").len(), 0);
}

/// Newer models of Claude at Bedrock say `type` of calls that are the caller's own.
#[test]
fn a_call_of_bedrocks_with_a_type_is_a_call_and_one_of_the_provider_is_none() {
    let block = |kind: &str| {
        format!(
            r#"{{"toolUse":{{"toolUseId":"tooluse_1","name":"clock","input":{{"zone":"UTC"}},"type":"{kind}"}}}}"#
        )
    };
    let (own, other) = (block("tool_use"), block("server_tool_use"));
    let body = format!(
        r#"{{"output":{{"message":{{"role":"assistant","content":[{other},{own}]}}}},"stopReason":"tool_use"}}"#
    );
    let answer = codec(Format::Converse)
        .read_answer(body.as_bytes())
        .unwrap();
    let [part] = answer.choices[0].parts.as_slice() else {
        panic!("{answer:?}");
    };
    let PartKind::ToolCall(called) = &part.kind else {
        panic!("{part:?}");
    };
    assert_eq!((&*called.id, &*called.name), ("tooluse_1", "clock"));

    let lines = r#"{"messageStart":{"role":"assistant"}}
{"contentBlockStart":{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"tooluse_1","name":"clock","type":"tool_use"}}}}
{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{}"}}}}
{"contentBlockStop":{"contentBlockIndex":0}}
{"messageStop":{"stopReason":"tool_use"}}"#;
    let events = decode(Format::Converse, [&*in_frames(lines)]);
    assert!(
        events.contains(&start(0, call("tooluse_1", "clock"))),
        "{events:?}"
    );

    // And an SDK sends it back as it got it.
    let history = format!(
        r#"{{"messages":[{{"role":"user","content":[{{"text":"x"}}]}},{{"role":"assistant","content":[{own}]}}]}}"#
    );
    let history = Value::parse(&history).unwrap();
    assert_eq!(read(Format::Converse, &history).extras, []);
}

#[rstest]
#[case(Format::Messages)]
#[case(Format::Converse)]
fn what_went_in_stays_the_same_where_more_of_it_is_said_to_be_cached(#[case] format: Format) {
    let answer = Answer {
        usage: Some(Usage {
            input: 12,
            output: 3,
            cached: Some(208),
            cache_write: Some(7),
            ..Usage::default()
        }),
        choices: vec![Choice::default()],
        ..Answer::default()
    };
    let written = codec(format).write_answer(&answer, &asked(format, false));
    let again = codec(format).read_answer(&written).unwrap();
    assert_eq!(
        again.usage.map(|usage| (usage.input, usage.cached)),
        Some((12, Some(12)))
    );
}
