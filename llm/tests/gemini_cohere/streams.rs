use weir_llm::chat::{Citation, Delta, Event, Finish, Logprob, PartStart, Signature, TokenLogprob};
use weir_llm::codec::Asked;
use weir_llm::frame::{Cutter, Framing, frames};
use weir_llm::{Format, Usage};

use crate::support::{asked, codec, decode, encode, streams};

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

fn arguments(part: u32, piece: &str) -> Event {
    more(part, Delta::Arguments(piece.to_owned()))
}

fn end(part: u32) -> Event {
    Event::PartEnd { choice: 0, part }
}

fn reasoning(summary: bool) -> PartStart {
    PartStart::Reasoning {
        summary,
        redacted: false,
    }
}

fn call(id: &str, name: &str, signature: Option<Signature<'static>>) -> PartStart {
    PartStart::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        signature,
    }
}

fn used(input: u64, output: u64, reasoning: Option<u64>) -> Event {
    Event::Usage(Usage {
        input,
        output,
        reasoning,
        ..Usage::default()
    })
}

#[test]
fn a_stream_of_google_is_read() {
    let [(format, bytes), ..] = streams();
    let signature = Signature {
        from: Format::Gemini,
        data: "CiQB+/8=".into(),
    };
    let citation = Citation {
        title: Some("Weather".into()),
        url: Some("https://example.com/w".into()),
        span: Some((7, 12)),
        ..Citation::default()
    };
    let expected = [
        Event::Start {
            id: "r-1".to_owned(),
            model: "gemini-2.5-flash".to_owned(),
            created: None,
        },
        start(0, reasoning(true)),
        text(0, "They want "),
        used(9, 0, None),
        text(0, "weather."),
        used(9, 11, Some(11)),
        end(0),
        start(1, PartStart::Text),
        text(1, "Ça va: "),
        text(1, "20 °C."),
        more(1, Delta::Citation(citation)),
        end(1),
        start(2, call("call_r-1_0_0", "weather", Some(signature))),
        arguments(2, "{\"city\":\"Rome\"}"),
        end(2),
        start(3, call("call_r-1_0_1", "now", None)),
        arguments(3, "{}"),
        end(3),
        used(9, 18, Some(11)),
        Event::Finish {
            choice: 0,
            finish: Finish::ToolCalls,
        },
        Event::End,
    ];
    assert_eq!(decode(format, [bytes]), expected);
}

#[test]
fn a_stream_of_cohere_is_read() {
    let [.., (format, bytes)] = streams();
    let citation = Citation {
        title: Some("w_0:0".into()),
        span: Some((7, 12)),
        ..Citation::default()
    };
    let token = Logprob {
        token: "Ça va: ".to_owned(),
        logprob: -0.75,
        bytes: None,
    };
    let expected = [
        Event::Start {
            id: "c-2".to_owned(),
            model: String::new(),
            created: None,
        },
        start(0, reasoning(false)),
        text(0, "I will "),
        text(0, "look."),
        end(0),
        start(1, reasoning(false)),
        text(1, "Easy."),
        end(1),
        start(2, PartStart::Text),
        text(2, "Ça va: "),
        Event::Logprobs {
            choice: 0,
            tokens: vec![TokenLogprob {
                token,
                top: Vec::new(),
            }],
        },
        text(2, "20 °C."),
        more(2, Delta::Citation(citation)),
        end(2),
        start(3, call("w_1", "weather", None)),
        arguments(3, "{\"city\":"),
        arguments(3, " \"Rome\"}"),
        end(3),
        used(62, 28, None),
        Event::Finish {
            choice: 0,
            finish: Finish::ToolCalls,
        },
        Event::End,
    ];
    assert_eq!(decode(format, [bytes]), expected);
}

#[test]
fn an_error_in_the_middle_ends_it() {
    let [_, (format, bytes), _] = streams();
    let events = decode(format, [bytes]);
    let Some(Event::Failed(problem)) = events.last() else {
        panic!("{events:?}");
    };
    assert_eq!(
        (problem.status, &*problem.message),
        (503, "The model is overloaded.")
    );
    for to in [Format::Gemini, Format::Cohere] {
        let again = decode(to, [&*encode(to, &events)]);
        let Some(Event::Failed(again)) = again.last() else {
            panic!("{again:?}");
        };
        assert_eq!(again.message, problem.message);
        let own = codec(to).problem_event(problem);
        assert!(matches!(decode(to, [&*own]).last(), Some(Event::Failed(_))));
    }
}

#[test]
fn a_blocked_prompt_is_an_answer_that_the_filter_stopped() {
    let body = br#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4},"modelVersion":"m"}"#;
    let answer = codec(Format::Gemini).read_answer(body).unwrap();
    assert_eq!(answer.choices.len(), 1);
    assert_eq!(answer.choices[0].finish, Some(Finish::ContentFilter));
    assert_eq!(answer.usage.map(|usage| usage.input), Some(4));
}

#[test]
fn a_stream_that_is_cut_has_no_end() {
    for (format, bytes) in streams() {
        let half = &bytes[..bytes.len() / 2];
        assert!(!decode(format, [half]).contains(&Event::End));
    }
}

#[test]
fn any_cut_gives_the_same_events() {
    for (format, bytes) in streams() {
        let whole = decode(format, [bytes]);
        for cut in 0..=bytes.len() {
            assert_eq!(
                decode(format, [&bytes[..cut], &bytes[cut..]]),
                whole,
                "{cut}"
            );
        }
        assert_eq!(decode(format, bytes.chunks(1)), whole);
    }
}

#[test]
fn what_is_written_reads_back() {
    for (format, bytes) in streams() {
        let events = decode(format, [bytes]);
        // Usage on the way and pings are not told again, and an id of Google's is none until it is written.
        let told = |events: &[Event]| -> Vec<Event> {
            let kept = events
                .iter()
                .filter(|event| !matches!(event, Event::Usage(_) | Event::Logprobs { .. }));
            kept.cloned().collect()
        };
        if matches!(events.last(), Some(Event::End)) {
            assert_eq!(
                told(&decode(format, [&*encode(format, &events)])),
                told(&events),
                "{format}"
            );
        }
    }
}

#[test]
fn a_caller_who_wants_an_array_gets_one() {
    let [(format, bytes), error, _] = streams();
    let caller = Asked {
        framing: Framing::JsonArray,
        ..asked(format, true)
    };
    for bytes in [bytes, error.1] {
        let events = decode(format, [bytes]);
        let mut encoder = codec(format).encoder(&caller);
        let mut out = Vec::new();
        for event in &events {
            encoder.event(event, &mut out);
        }
        let array: Vec<serde_json::Value> = serde_json::from_slice(&out).unwrap();
        let mut cutter = Cutter::new(Framing::JsonArray);
        let mut decoder = codec(format).decoder();
        let mut again = Vec::new();
        for run in cutter.feed(out.into()).unwrap() {
            for frame in frames(Framing::JsonArray, &run) {
                decoder.frame(&frame.unwrap(), &mut again).unwrap();
            }
        }
        decoder.finish(&mut again);
        assert_eq!(
            array.len(),
            decode(format, [&*encode(format, &events)])
                .len()
                .min(array.len())
        );
        assert_eq!(again.last(), events.last());
    }
}

/// <https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc>
#[test]
fn a_call_whose_arguments_come_in_pieces_is_told_whole() {
    let events = [
        r#"{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"weather","willContinue":true},"thoughtSignature":"c2ln"}]}}],"responseId":"r"}"#,
        r#"{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.place","stringValue":"Par","willContinue":true}],"willContinue":true}}]}}]}"#,
        r#"{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.place","stringValue":"is"}],"willContinue":true}}]}}]}"#,
        r#"{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{}}]}}]}"#,
        r#"{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"weather","args":{"place":"Rome"}}}]},"finishReason":"STOP"}]}"#,
    ];
    let stream: String = events
        .iter()
        .map(|one| format!("data: {one}\n\n"))
        .collect();
    let signature = Signature {
        from: Format::Gemini,
        data: "c2ln".into(),
    };
    let expected = vec![
        Event::Start {
            id: "r".into(),
            model: String::new(),
            created: None,
        },
        start(0, call("call_r_0_0", "weather", Some(signature))),
        arguments(0, r#"{"place":"Paris"}"#),
        end(0),
        start(1, call("call_r_0_1", "weather", None)),
        arguments(1, r#"{"place":"Rome"}"#),
        end(1),
        Event::Finish {
            choice: 0,
            finish: Finish::ToolCalls,
        },
        Event::End,
    ];
    assert_eq!(decode(Format::Gemini, [stream.as_bytes()]), expected);
}
