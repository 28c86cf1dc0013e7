//! Canonical → format → canonical loses nothing that the format can say.

use proptest::option::of;
use proptest::prelude::*;
use serde_json::Value as Json;
use weir_llm::chat::{
    Answer, Choice, Finish, Logprobs, Media, MediaKind, Message, Part, PartKind, Reasoned, Request,
    ResponseFormat, Role, Sampling, Signature, Source, Thinking, Tool, ToolCall, ToolChoice,
    ToolResult,
};
use weir_llm::codec::{Gaps, Target};
use weir_llm::json::{Text, Value};
use weir_llm::{Dialect, Format, Usage};

use crate::support::{asked, codec, read};

fn words() -> impl Strategy<Value = String> {
    "[a-zA-Zéß😀\"\\\\\n{}]{1,12}[a-z]"
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9_-]{0,10}"
}

fn image() -> impl Strategy<Value = Part<'static>> {
    "([A-Za-z0-9+/]{4}){1,2}".prop_map(|data| {
        Part::new(PartKind::Media(Media {
            kind: MediaKind::Image,
            source: Source::Base64(data.into()),
            media_type: Some("image/webp".into()),
            name: None,
            detail: None,
            citations: false,
        }))
    })
}

fn call() -> impl Strategy<Value = ToolCall<'static>> {
    (name(), name(), words()).prop_map(|(id, name, words)| ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: Text::new(serde_json::json!({"a": words, "b": 1}).to_string()),
        signature: None,
    })
}

fn signature(from: Format) -> impl Strategy<Value = Signature<'static>> {
    "[A-Za-z0-9]{4}".prop_map(move |data| Signature {
        from,
        data: data.into(),
    })
}

fn thought(text: String, signature: Option<Signature<'static>>, format: Format) -> Part<'static> {
    Part::new(PartKind::Reasoning(Reasoned {
        summary: format == Format::Gemini && !text.is_empty(),
        text: Text::new(text),
        signature,
        redacted: false,
    }))
}

/// What a model says, in the order in which it does.
fn said(format: Format, signed: Option<Format>) -> impl Strategy<Value = Vec<Part<'static>>> {
    let sign = signed.unwrap_or(Format::Gemini);
    (
        of((words(), signature(sign))),
        of(words()),
        prop::collection::vec((call(), of(signature(sign))), 0..3),
    )
        .prop_map(move |(reasoning, text, calls)| {
            let reasoning =
                reasoning.map(|(text, signature)| thought(text, signed.map(|_| signature), format));
            let calls = calls.into_iter().map(|(call, signature)| {
                let signature = signature.filter(|_| signed.is_some());
                Part::new(PartKind::ToolCall(ToolCall { signature, ..call }))
            });
            let mut parts: Vec<Part<'static>> = reasoning.into_iter().collect();
            parts.extend(text.map(Part::text));
            parts.extend(calls);
            parts
        })
}

fn turns(format: Format) -> impl Strategy<Value = Vec<Message<'static>>> {
    let own = (format == Format::Gemini).then_some(Format::Gemini);
    let user = prop::collection::vec(prop_oneof![words().prop_map(Part::text), image()], 1..3);
    let pair = (user, said(format, own), words(), any::<bool>());
    let message = |role, parts| Message {
        role,
        parts,
        name: None,
    };
    prop::collection::vec(pair, 1..3).prop_map(move |pairs| {
        let mut turns = Vec::new();
        for (user, said, output, error) in pairs {
            turns.push(message(Role::User, user));
            if said.is_empty() {
                continue;
            }
            let result = said.iter().find_map(|part| match &part.kind {
                PartKind::ToolCall(call) => Some(PartKind::ToolResult(ToolResult {
                    call: call.id.clone(),
                    name: (format == Format::Gemini).then(|| call.name.clone()),
                    parts: vec![Part::text(output.clone())],
                    error,
                })),
                _ => None,
            });
            turns.push(message(Role::Assistant, said));
            turns.extend(result.map(|kind| message(Role::User, vec![Part::new(kind)])));
        }
        turns
    })
}

fn tools(
    format: Format,
) -> impl Strategy<Value = (Vec<Tool<'static>>, Option<ToolChoice<'static>>)> {
    let google = format == Format::Gemini;
    let choice = prop_oneof![
        Just(ToolChoice::Required),
        Just(ToolChoice::None),
        name().prop_map(move |name| if google {
            ToolChoice::Tool(name.into())
        } else {
            ToolChoice::Required
        }),
        prop::collection::vec(name(), 2..4).prop_map(move |names| {
            let names = names.into_iter().map(Into::into).collect();
            if google {
                ToolChoice::Allowed {
                    names,
                    required: true,
                }
            } else {
                ToolChoice::None
            }
        }),
    ];
    let tool = (name(), of(words()));
    (prop::collection::vec(tool, 1..3), choice, any::<bool>()).prop_map(
        move |(tools, choice, strict)| {
            let tools = tools.into_iter().map(|(name, description)| Tool::Function {
                name: name.into(),
                description: description.map(Into::into),
                parameters: Some(
                    Value::parse(r#"{"type":"object","properties":{"b":{},"a":{"const":1.50}}}"#)
                        .unwrap(),
                ),
                strict: strict.then_some(true),
                cache: None,
            });
            // Google says at once how it is called and whether arguments fit.
            let choice = if strict && google {
                ToolChoice::Auto
            } else {
                choice
            };
            (tools.collect(), Some(choice))
        },
    )
}

fn thinking() -> impl Strategy<Value = Thinking> {
    prop_oneof![
        Just(Thinking {
            enabled: Some(false),
            ..Thinking::default()
        }),
        Just(Thinking {
            enabled: Some(true),
            ..Thinking::default()
        }),
        (1u64..9000).prop_map(|budget| Thinking {
            budget: Some(budget),
            ..Thinking::default()
        }),
    ]
}

fn sampling() -> impl Strategy<Value = Sampling> {
    let tenth = || of((1u32..10).prop_map(|n| f64::from(n) / 10.0));
    (
        tenth(),
        tenth(),
        tenth(),
        tenth(),
        of(1u64..99),
        of(any::<u32>()),
    )
        .prop_map(|(a, b, c, d, k, seed)| Sampling {
            temperature: a,
            top_p: b,
            frequency_penalty: c,
            presence_penalty: d,
            top_k: k,
            seed: seed.map(i64::from),
        })
}

fn requests(format: Format) -> impl Strategy<Value = Request<'static>> {
    let shape = prop_oneof![
        Just(ResponseFormat::Text),
        Just(ResponseFormat::JsonObject),
        Just(ResponseFormat::JsonSchema {
            name: "response".into(),
            description: None,
            schema: Value::parse(r#"{"type":"object","properties":{"b":{},"a":{}}}"#).unwrap(),
            strict: None,
        })
    ];
    (
        of(words()),
        turns(format),
        of(tools(format)),
        (
            of(1_u64..9000),
            prop::collection::vec(words(), 0..3),
            sampling(),
        ),
        (of(shape), of(thinking()), any::<bool>()),
    )
        .prop_map(
            move |(
                system,
                messages,
                tools,
                (most, stop, sampling),
                (shape, thinking, logprobs),
            )| {
                let (tools, tool_choice) = tools.unwrap_or_default();
                let thinking = thinking.map(|thinking| Thinking {
                    // Cohere says that it thinks, and Google how much.
                    enabled: thinking
                        .enabled
                        .or((format == Format::Cohere).then_some(true)),
                    ..thinking
                });
                Request {
                    from: Some(format),
                    model: "fast".into(),
                    system: system.map(Part::text).into_iter().collect(),
                    messages,
                    tools,
                    tool_choice,
                    format: shape,
                    max_tokens: most,
                    stop: stop.into_iter().map(Into::into).collect(),
                    sampling,
                    thinking,
                    logprobs: logprobs.then_some(Logprobs { top: None }),
                    ..Request::default()
                }
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
    let dialect = if format == Format::Gemini {
        Dialect::Gemini
    } else {
        Dialect::Cohere
    };
    let target = Target {
        dialect,
        preset: None,
        model: "fast",
    };
    let mut gaps = Gaps::new(false, dialect.name());
    let written = codec(format)
        .write_request(request, &target, &mut gaps)
        .unwrap();
    prop_assert_eq!(gaps.dropped(), Vec::<String>::new());
    let text = String::from_utf8(written.to_bytes()).unwrap();
    let body = Value::parse(&text).unwrap();
    prop_assert_eq!(&placeless(read(format, &body)), request);
    Ok(())
}

fn answers(format: Format, signed: Option<Format>) -> impl Strategy<Value = Answer> {
    let google = format == Format::Gemini;
    let finish = prop_oneof![
        Just(Finish::Stop),
        Just(Finish::Length),
        Just(Finish::ContentFilter),
        Just(if google {
            Finish::MalformedCall
        } else {
            Finish::ContextFull
        }),
        Just(if google {
            Finish::Other("LANGUAGE".into())
        } else {
            Finish::StopSequence(None)
        }),
    ];
    let usage = (0_u64..99, 0_u64..99, 0_u64..99, 0_u64..99);
    (said(format, signed), finish, usage).prop_map(
        move |(parts, finish, (plain, cached, output, reasoning))| {
            let calls = parts
                .iter()
                .any(|part| matches!(part.kind, PartKind::ToolCall(_)));
            Answer {
                choices: vec![Choice {
                    index: 0,
                    parts,
                    finish: Some(if calls { Finish::ToolCalls } else { finish }),
                    logprobs: Vec::new(),
                }],
                usage: Some(Usage {
                    input: plain + cached,
                    output: output + reasoning,
                    cached: Some(cached),
                    reasoning: google.then_some(reasoning),
                    ..Usage::default()
                }),
                ..Answer::default()
            }
        },
    )
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
    fn requests_of_google_survive(request in requests(Format::Gemini)) {
        check_request(Format::Gemini, &request)?;
    }

    #[test]
    fn requests_of_cohere_survive(request in requests(Format::Cohere)) {
        check_request(Format::Cohere, &request)?;
    }

    #[test]
    fn answers_of_google_survive(answer in answers(Format::Gemini, Some(Format::Gemini))) {
        check_answer(Format::Gemini, &answer)?;
    }

    #[test]
    fn answers_of_cohere_survive(answer in answers(Format::Cohere, None)) {
        check_answer(Format::Cohere, &answer)?;
    }

    #[test]
    fn another_formats_signatures_come_back_through_a_caller(
        google in answers(Format::Gemini, Some(Format::Messages)),
        cohere in answers(Format::Cohere, Some(Format::Responses)),
    ) {
        check_answer(Format::Gemini, &google)?;
        check_answer(Format::Cohere, &cohere)?;
    }

    #[test]
    fn nothing_hostile_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for format in [Format::Gemini, Format::Cohere] {
            let codec = codec(format);
            prop_assert!(codec.read_answer(&bytes).is_err());
            codec.read_problem(500, &bytes);
            codec.read_usage(&bytes);
            codec.watch().run(&bytes);
            let frame = weir_llm::frame::Frame { name: None, data: bytes.clone().into(), exception: false };
            let mut events = Vec::new();
            prop_assert!(codec.decoder().frame(&frame, &mut events).is_err() || events.len() < 9);
        }
    }

    #[test]
    fn no_json_of_theirs_panics(pieces in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "\"candidates\"", "\"content\"", "\"parts\"", "\"text\"", "\"usageMetadata\"", "1e999", "-1",
        "\"message\"", "\"delta\"", "\"type\"", "\"citation-start\"", "\"groundingMetadata\"", "null", "\"functionCall\"", "\"😀",
        "{\"candidates\":[{\"content\":{\"parts\":[", "]}}]}", "{\"text\":\"a\"}", "\"finishReason\":\"STOP\"",
    ]), 0..24)) {
        let text = pieces.concat();
        for format in [Format::Gemini, Format::Cohere] {
            let codec = codec(format);
            let mut watch = codec.watch();
            watch.run(text.as_bytes());
            watch.seen();
            let read = codec.read_answer(text.as_bytes());
            prop_assert!(read.is_ok() || read.is_err());
            if let Ok(value) = Value::parse(&text) {
                let request = codec.read_request(&value, &asked(format, false));
                prop_assert!(request.is_ok() || request.is_err());
            }
        }
    }
}

#[test]
fn the_fixtures_are_written_as_they_were_read() {
    let fixtures = [
        (
            Format::Gemini,
            include_str!("../fixtures/gemini/answer.json"),
        ),
        (
            Format::Cohere,
            include_str!("../fixtures/cohere/answer.json"),
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
