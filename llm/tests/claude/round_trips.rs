//! Canonical → format → canonical loses nothing that the format can say.

use proptest::prelude::*;
use serde_json::Value as Json;
use weir_llm::chat::{
    Answer, CacheMarker, Choice, Finish, Media, MediaKind, Message, Part, PartKind, Reasoned,
    Request, ResponseFormat, Role, Signature, Source, Tool, ToolCall, ToolChoice, ToolResult,
};
use weir_llm::json::{Text, Value};
use weir_llm::{Format, Usage};

use crate::support::{asked, codec, read, write_text};

fn words() -> impl Strategy<Value = String> {
    "[a-zA-Zéß😀\"\\\\\n{}]{1,12}[a-z]"
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9_-]{0,10}"
}

fn arguments() -> impl Strategy<Value = String> {
    (name(), words()).prop_map(|(name, words)| serde_json::json!({name: words}).to_string())
}

fn plain<'a>(kind: PartKind<'a>) -> Part<'a> {
    Part::new(kind)
}

fn image() -> impl Strategy<Value = Part<'static>> {
    (
        "[A-Za-z0-9]{4,8}",
        prop_oneof![Just("image/png"), Just("image/webp")],
    )
        .prop_map(|(data, media_type)| {
            plain(PartKind::Media(Media {
                kind: MediaKind::Image,
                source: Source::Base64(data.into()),
                media_type: Some(media_type.into()),
                name: None,
                detail: None,
                citations: false,
            }))
        })
}

fn call() -> impl Strategy<Value = Part<'static>> {
    (name(), name(), arguments()).prop_map(|(id, name, arguments)| {
        plain(PartKind::ToolCall(ToolCall {
            id: id.into(),
            name: name.into(),
            arguments: Text::new(arguments),
            signature: None,
        }))
    })
}

fn reasoning(from: Format) -> impl Strategy<Value = Part<'static>> {
    (words(), "[A-Za-z0-9]{4}", any::<bool>()).prop_map(move |(text, data, redacted)| {
        let text = if redacted { String::new() } else { text };
        plain(PartKind::Reasoning(Reasoned {
            text: Text::new(text),
            summary: false,
            signature: Some(Signature {
                from,
                data: data.into(),
            }),
            redacted,
        }))
    })
}

fn user_part() -> impl Strategy<Value = Part<'static>> {
    let marker = prop_oneof![
        Just(None),
        Just(Some(CacheMarker::Default)),
        Just(Some(CacheMarker::Hour))
    ];
    (prop_oneof![words().prop_map(Part::text), image()], marker).prop_map(|(mut part, cache)| {
        part.cache = cache;
        part
    })
}

fn model_part(from: Format) -> impl Strategy<Value = Part<'static>> {
    prop_oneof![words().prop_map(Part::text), call(), reasoning(from)]
}

fn result() -> impl Strategy<Value = Part<'static>> {
    (name(), words(), any::<bool>()).prop_map(|(call, text, error)| {
        plain(PartKind::ToolResult(ToolResult {
            call: call.into(),
            name: None,
            parts: vec![Part::text(text)],
            error,
        }))
    })
}

fn turns(from: Format) -> impl Strategy<Value = Vec<Message<'static>>> {
    let user = (
        prop::collection::vec(result(), 0..2),
        prop::collection::vec(user_part(), 1..3),
    );
    let model = prop::collection::vec(model_part(from), 1..4);
    let message = |role, parts| Message {
        role,
        parts,
        name: None,
    };
    prop::collection::vec((user, model), 1..3).prop_map(move |pairs| {
        let mut turns = Vec::new();
        for ((mut results, parts), answer) in pairs {
            results.extend(parts);
            turns.push(message(Role::User, results));
            turns.push(message(Role::Assistant, answer));
        }
        turns.pop();
        turns
    })
}

fn tool() -> impl Strategy<Value = Tool<'static>> {
    (name(), proptest::option::of(words()), any::<bool>()).prop_map(
        |(name, description, strict)| Tool::Function {
            name: name.into(),
            description: description.map(Into::into),
            parameters: Some(
                Value::parse(r#"{"type":"object","properties":{"b":{},"a":{"const":1.50}}}"#)
                    .unwrap(),
            ),
            strict: strict.then_some(true),
            cache: None,
        },
    )
}

fn requests(format: Format) -> impl Strategy<Value = Request<'static>> {
    let choice = prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::Required),
        name().prop_map(|name| ToolChoice::Tool(name.into()))
    ];
    let tools = (
        prop::collection::vec(tool(), 1..3),
        proptest::option::of(choice),
    );
    let numbers = (
        1_u64..9000,
        proptest::option::of(0_u32..=100),
        proptest::option::of(1_u64..99),
    );
    (
        proptest::option::of(words()),
        turns(format),
        proptest::option::of(tools),
        numbers,
        prop::collection::vec(words(), 0..3),
        any::<bool>(),
    )
        .prop_map(
            move |(system, messages, tools, (most, heat, top_k), stop, shaped)| {
                let mut request = Request {
                    from: Some(format),
                    model: "fast".into(),
                    system: system.map(Part::text).into_iter().collect(),
                    messages,
                    max_tokens: Some(most),
                    stop: stop.into_iter().map(Into::into).collect(),
                    ..Request::default()
                };
                (request.tools, request.tool_choice) = tools.unwrap_or_default();
                request.sampling.temperature = heat.map(|heat| f64::from(heat) / 100.0);
                request.sampling.top_k = top_k;
                request.format = shaped.then(|| ResponseFormat::JsonSchema {
                    name: "response".into(),
                    description: None,
                    schema: Value::parse(r#"{"type":"object"}"#).unwrap(),
                    strict: Some(true),
                });
                request
            },
        )
}

/// Without the places in the body.
fn placeless(mut request: Request<'_>) -> Request<'_> {
    fn clear(parts: &mut [Part<'_>]) {
        for part in parts {
            part.path.clear();
            if let PartKind::ToolResult(result) = &mut part.kind {
                clear(&mut result.parts);
            }
        }
    }
    clear(&mut request.system);
    for message in &mut request.messages {
        clear(&mut message.parts);
    }
    request
}

fn check_request(format: Format, request: &Request<'static>) -> Result<(), TestCaseError> {
    let (text, dropped) = write_text(format, request, "fast", false).unwrap();
    prop_assert_eq!(dropped, Vec::<String>::new());
    let body = Value::parse(&text).unwrap();
    let mut again = placeless(read(format, &body));
    if request.tools.is_empty() {
        // Bedrock wants tools declared that were called.
        again.tools.clear();
    }
    prop_assert_eq!(&again, request);
    Ok(())
}

fn answers(format: Format) -> impl Strategy<Value = Answer> {
    let finish = prop_oneof![
        Just(Finish::Stop),
        Just(Finish::StopSequence(None)),
        Just(Finish::Length),
        Just(Finish::ContextFull),
        Just(Finish::ToolCalls),
        Just(Finish::Pause),
        Just(Finish::MalformedCall),
    ];
    let usage = (0_u64..99, 0_u64..99, 0_u64..99, 0_u64..99);
    (
        prop::collection::vec(model_part(format), 0..4),
        finish,
        usage,
    )
        .prop_map(|(parts, finish, (plain, output, cached, written))| Answer {
            choices: vec![Choice {
                index: 0,
                parts,
                finish: Some(finish),
                logprobs: Vec::new(),
            }],
            usage: Some(Usage {
                input: plain + cached + written,
                output,
                cached: Some(cached),
                cache_write: Some(written),
                ..Usage::default()
            }),
            ..Answer::default()
        })
}

fn check_answer(format: Format, answer: &Answer) -> Result<(), TestCaseError> {
    let bytes = codec(format).write_answer(answer, &asked(format, false));
    let mut again = codec(format).read_answer(&bytes).unwrap();
    again.id.clear();
    again.model.clear();
    prop_assert_eq!(&again, answer);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn requests_of_messages_survive(request in requests(Format::Messages)) {
        check_request(Format::Messages, &request)?;
    }

    #[test]
    fn requests_of_converse_survive(request in requests(Format::Converse)) {
        check_request(Format::Converse, &request)?;
    }

    #[test]
    fn answers_of_messages_survive(answer in answers(Format::Messages)) {
        check_answer(Format::Messages, &answer)?;
    }

    #[test]
    fn answers_of_converse_survive(answer in answers(Format::Converse)) {
        check_answer(Format::Converse, &answer)?;
    }

    #[test]
    fn another_formats_signatures_come_back_through_a_caller(
        answer in answers(Format::Responses),
        format in prop_oneof![Just(Format::Messages), Just(Format::Converse)],
    ) {
        check_answer(format, &answer)?;
    }

    #[test]
    fn nothing_hostile_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for format in [Format::Messages, Format::Converse] {
            let codec = codec(format);
            prop_assert!(codec.read_answer(&bytes).is_err());
            codec.read_problem(500, &bytes);
            codec.read_usage(&bytes);
            codec.watch().run(&bytes);
            let name = Some("contentBlockDelta".into());
            let frame = weir_llm::frame::Frame { name, data: bytes.clone().into(), exception: false };
            let mut events = Vec::new();
            prop_assert!(codec.decoder().frame(&frame, &mut events).is_err() || events.len() < 9);
        }
    }
}

#[test]
fn the_fixtures_are_written_as_they_were_read() {
    let fixtures = [
        (
            Format::Messages,
            include_str!("../fixtures/anthropic/answer.json"),
        ),
        (
            Format::Converse,
            include_str!("../fixtures/bedrock/answer.json"),
        ),
    ];
    for (format, text) in fixtures {
        let answer = codec(format).read_answer(text.as_bytes()).unwrap();
        let written = codec(format).write_answer(&answer, &asked(format, false));
        let written: Json = serde_json::from_slice(&written).unwrap();
        let expected: Json = serde_json::from_str(text).unwrap();
        assert_eq!(written, expected, "{format}");
    }
}
