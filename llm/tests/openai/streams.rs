use weir_llm::chat::{Delta, Event, Finish, PartStart, Signature};
use weir_llm::{Format, Usage};

use crate::support::{STREAMS, codec, decode, encode};

fn fixture(name: &str) -> &'static str {
    match name {
        "azure" => include_str!("../fixtures/openai/azure.sse"),
        "groq" => include_str!("../fixtures/openai/groq.sse"),
        "openrouter" => include_str!("../fixtures/openai/openrouter.sse"),
        "several" => include_str!("../fixtures/openai/several.sse"),
        "error" => include_str!("../fixtures/openai/error.sse"),
        _ => include_str!("../fixtures/openai/function_call.sse"),
    }
}

/// The events of a fixture, but for its start and its end.
fn events(name: &str) -> Vec<Event> {
    let mut events = decode(Format::Chat, [fixture(name).as_bytes()]).unwrap();
    assert!(matches!(events.remove(0), Event::Start { model, .. } if !model.is_empty()));
    assert_eq!(events.pop(), Some(Event::End));
    events
}

fn start(choice: u32, part: u32, start: PartStart) -> Event {
    Event::PartStart {
        choice,
        part,
        start,
    }
}

fn more(choice: u32, part: u32, delta: Delta) -> Event {
    Event::Delta {
        choice,
        part,
        delta,
    }
}

fn text(choice: u32, part: u32, text: &str) -> Event {
    more(choice, part, Delta::Text(text.to_owned()))
}

fn arguments(part: u32, piece: &str) -> Event {
    more(0, part, Delta::Arguments(piece.to_owned()))
}

fn end(choice: u32, part: u32) -> Event {
    Event::PartEnd { choice, part }
}

fn finish(choice: u32, finish: Finish) -> Event {
    Event::Finish { choice, finish }
}

const THOUGHT: PartStart = PartStart::Reasoning {
    summary: false,
    redacted: false,
};

fn call(id: &str, name: &str) -> PartStart {
    PartStart::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        signature: None,
    }
}

#[test]
fn filters_that_azure_tells_of_are_passed_over() {
    let expected = [
        start(0, 0, PartStart::Text),
        text(0, 0, "Hé"),
        end(0, 0),
        finish(0, Finish::ContentFilter),
    ];
    assert_eq!(events("azure"), expected);
}

#[test]
fn groqs_usage_is_found() {
    let usage = Usage {
        input: 20,
        output: 3,
        ..Usage::default()
    };
    let expected = [
        start(0, 0, THOUGHT),
        text(0, 0, "So."),
        end(0, 0),
        start(0, 1, PartStart::Text),
        text(0, 1, "Hi"),
        Event::Usage(usage),
        end(0, 1),
        finish(0, Finish::Stop),
    ];
    assert_eq!(events("groq"), expected);
    let mut watch = codec(Format::Chat).watch();
    watch.run(fixture("groq").as_bytes());
    assert_eq!(watch.seen().usage, Some(usage));
}

#[test]
fn openrouters_reasoning_keeps_its_signature() {
    let usage = Usage {
        input: 40,
        output: 12,
        cached: Some(8),
        cache_write: Some(16),
        reasoning: Some(4),
        ..Usage::default()
    };
    let signature = Signature {
        from: Format::Chat,
        data: r#"{"format":"anthropic-claude-v1","signature":"c2ln"}"#.into(),
    };
    let expected = [
        start(0, 0, THOUGHT),
        text(0, 0, "I "),
        text(0, 0, "see."),
        more(0, 0, Delta::Signature(signature)),
        end(0, 0),
        start(0, 1, PartStart::Text),
        text(0, 1, "Two calls."),
        end(0, 1),
        start(0, 2, call("toolu_1", "lookup")),
        arguments(2, "{\"q\":1}"),
        end(0, 2),
        start(0, 3, call("toolu_2", "clock")),
        arguments(3, "{}"),
        Event::Usage(usage),
        end(0, 3),
        finish(0, Finish::ToolCalls),
    ];
    assert_eq!(events("openrouter"), expected);
}

#[test]
fn several_choices_may_be_mixed() {
    let events = events("several");
    let of = |choice: u32| -> Vec<Event> {
        let belongs = |event: &&Event| match event {
            Event::PartStart { choice: own, .. }
            | Event::Delta { choice: own, .. }
            | Event::PartEnd { choice: own, .. }
            | Event::Finish { choice: own, .. } => *own == choice,
            _ => false,
        };
        events.iter().filter(belongs).cloned().collect()
    };
    let refusal = [
        start(0, 0, PartStart::Refusal),
        text(0, 0, "I can't."),
        end(0, 0),
        finish(0, Finish::Stop),
    ];
    let cut = [
        start(1, 0, PartStart::Text),
        text(1, 0, "Yes"),
        end(1, 0),
        finish(1, Finish::Length),
    ];
    assert_eq!((of(0), of(1)), (refusal.to_vec(), cut.to_vec()));
    let told = |event: &Event| matches!(event, Event::Logprobs { choice: 1, tokens } if tokens[0].token.token == "Yes");
    assert!(events.iter().any(told));
}

#[test]
fn a_function_call_of_before_is_a_call() {
    let expected = [
        start(0, 0, call("call_0_0", "clock")),
        arguments(0, "{\"zone\":"),
        arguments(0, "\"UTC\"}"),
        end(0, 0),
        finish(0, Finish::ToolCalls),
    ];
    assert_eq!(events("function_call"), expected);
}

#[test]
fn an_error_in_the_middle_ends_the_stream() {
    let events = decode(Format::Chat, [fixture("error").as_bytes()]).unwrap();
    let last = events.last().unwrap();
    assert!(matches!(last, Event::Failed(problem) if problem.status >= 400));
    let mut watch = codec(Format::Chat).watch();
    watch.run(fixture("error").as_bytes());
    assert!(watch.seen().failed);
    let written = encode(Format::Chat, &events);
    let again = decode(Format::Chat, [&*written]).unwrap();
    assert!(matches!(again.last(), Some(Event::Failed(_))));
}

#[test]
fn calls_that_share_an_index_are_told_apart_by_their_ids() {
    let chunk = |call: &str| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{call}]}}}}]}}\n\n")
    };
    let stream = [
        chunk(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#),
        chunk(r#"{"index":0,"id":"b","function":{"name":"f","arguments":"{}"}}"#),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat();
    let events = decode(Format::Chat, [stream.as_bytes()]).unwrap();
    let calls = events
        .iter()
        .filter(|event| matches!(event, Event::PartStart { .. }));
    assert_eq!(calls.count(), 2);
    let late = [
        chunk(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#),
        chunk(r#"{"index":1,"id":"b","function":{"name":"f","arguments":"{}"}}"#),
        chunk(r#"{"index":0,"function":{"arguments":"{}"}}"#),
    ]
    .concat();
    assert!(decode(Format::Chat, [late.as_bytes()]).is_err());
}

#[test]
fn a_stream_that_is_cut_off_has_no_end() {
    let whole = fixture("several");
    let cut = &whole[..whole.find("\"finish_reason\":\"length\"").unwrap()];
    let cut = &cut[..cut.rfind("\n\n").unwrap() + 2];
    let events = decode(Format::Chat, [cut.as_bytes()]).unwrap();
    assert!(!events.contains(&Event::End));
    assert!(matches!(events.last(), Some(Event::PartEnd { .. })));
}

#[test]
fn every_cut_of_a_stream_reads_the_same() {
    for (format, stream) in STREAMS {
        let whole = decode(format, [stream.as_bytes()]).unwrap();
        let bytes = stream.as_bytes();
        assert_eq!(decode(format, bytes.chunks(1)).unwrap(), whole);
        for at in 1..bytes.len() {
            let cut = [&bytes[..at], &bytes[at..]];
            assert_eq!(decode(format, cut).unwrap(), whole, "cut at {at}");
        }
    }
}

#[test]
fn what_is_written_reads_the_same() {
    for (format, stream) in STREAMS {
        let events = decode(format, [stream.as_bytes()]).unwrap();
        let written = encode(format, &events);
        let again = decode(format, written.chunks(7)).unwrap();
        let plain = |events: Vec<Event>| -> Vec<Event> {
            let known = |event: &Event| !matches!(event, Event::Start { .. } | Event::Usage(_));
            events.into_iter().filter(known).collect()
        };
        assert_eq!(plain(again), plain(events));
    }
}

/// A stream of these deltas of `tool_calls`.
fn calls(deltas: &[&str]) -> String {
    let chunk = |delta: &&str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{delta}]}}}}]}}\n\n"
        )
    };
    let mut stream: String = deltas.iter().map(chunk).collect();
    stream.push_str(
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n",
    );
    stream
}

#[test]
fn calls_that_are_told_by_turns_come_one_after_the_other() {
    let stream = calls(&[
        r#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#,
        r#"{"index":1,"id":"b","function":{"name":"g","arguments":""}}"#,
        r#"{"index":2,"id":"c","function":{"name":"h","arguments":"{}"}}"#,
        r#"{"index":0,"function":{"arguments":"{\"x\":"}}"#,
        r#"{"index":1,"function":{"arguments":"{\"y\""}}"#,
        r#"{"index":0,"function":{"arguments":"1}"}}"#,
        r#"{"index":1,"function":{"arguments":":2}"}}"#,
    ]);
    let mut events = decode(Format::Chat, [stream.as_bytes()]).unwrap();
    events.remove(0);
    let expected = vec![
        start(0, 0, call("a", "f")),
        arguments(0, "{\"x\":"),
        arguments(0, "1}"),
        end(0, 0),
        start(0, 1, call("b", "g")),
        arguments(1, "{\"y\""),
        arguments(1, ":2}"),
        end(0, 1),
        start(0, 2, call("c", "h")),
        arguments(2, "{}"),
        end(0, 2),
        finish(0, Finish::ToolCalls),
        Event::End,
    ];
    assert_eq!(events, expected);
}

#[test]
fn more_calls_at_once_than_anyone_makes_end_the_stream() {
    let mut deltas = vec![r#"{"index":0,"function":{"name":"f","arguments":"{"}}"#.to_owned()];
    deltas.extend((1..200).map(|n| format!(r#"{{"index":{n},"function":{{"name":"g"}}}}"#)));
    let deltas: Vec<&str> = deltas.iter().map(String::as_str).collect();
    let bad = decode(Format::Chat, [calls(&deltas).as_bytes()]).unwrap_err();
    assert_eq!(bad.what, "too many tool calls at once");
}
