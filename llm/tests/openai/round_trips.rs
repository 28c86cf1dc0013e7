//! Canonical → chat completions → canonical loses nothing that they can say.

use proptest::prelude::*;
use weir_llm::chat::{
    Answer, Choice, Detail, Effort, Event, Finish, Logprob, Logprobs, Media, MediaKind, Message,
    Part, PartKind, Reasoned, Request, ResponseFormat, Role, Sampling, Signature, Source, Thinking,
    TokenLogprob, Tool, ToolCall, ToolChoice, ToolResult,
};
use weir_llm::frame::Frame;
use weir_llm::json::{Text, Value};
use weir_llm::{Format, Usage};

use crate::support::{asked, codec, read, target, write};

fn words() -> impl Strategy<Value = String> {
    "[a-zA-Zéß😀\"\\\\\n{}]{1,12}[a-z]"
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9_-]{0,10}"
}

fn media() -> impl Strategy<Value = Part<'static>> {
    let kinds = prop_oneof![
        Just((MediaKind::Image, "image/webp", Some(Detail::High), None)),
        Just((MediaKind::Image, "image/png", None, None)),
        Just((MediaKind::Audio, "audio/mpeg", None, None)),
        Just((MediaKind::Document, "application/pdf", None, Some("a.pdf"))),
    ];
    (kinds, "[A-Za-z0-9]{4,8}").prop_map(|((kind, media_type, detail, name), data)| {
        Part::new(PartKind::Media(Media {
            kind,
            source: Source::Base64(data.into()),
            media_type: Some(media_type.into()),
            name: name.map(Into::into),
            detail,
            citations: false,
        }))
    })
}

fn call() -> impl Strategy<Value = Part<'static>> {
    (name(), name(), words(), any::<bool>()).prop_map(|(id, name, value, signed)| {
        let signature = Signature {
            from: Format::Chat,
            data: "c2ln".into(),
        };
        Part::new(PartKind::ToolCall(ToolCall {
            id: id.into(),
            name: name.into(),
            arguments: Text::new(serde_json::json!({"a": value}).to_string()),
            signature: signed.then_some(signature),
        }))
    })
}

fn result() -> impl Strategy<Value = Message<'static>> {
    (name(), words()).prop_map(|(call, text)| Message {
        role: Role::User,
        parts: vec![Part::new(PartKind::ToolResult(ToolResult {
            call: call.into(),
            name: None,
            parts: vec![Part::text(text)],
            error: false,
        }))],
        name: None,
    })
}

/// What the model said, in the order in which chat completions have it.
fn said() -> impl Strategy<Value = Vec<Part<'static>>> {
    let text = proptest::option::of(words().prop_map(Part::text));
    let calls = prop::collection::vec(call(), 1..3);
    (text, calls).prop_map(|(text, calls)| text.into_iter().chain(calls).collect())
}

fn turns() -> impl Strategy<Value = Vec<Message<'static>>> {
    let message = |role| {
        move |(parts, name): (Vec<Part<'static>>, Option<String>)| Message {
            role,
            parts,
            name: name.map(Into::into),
        }
    };
    let user = prop::collection::vec(prop_oneof![words().prop_map(Part::text), media()], 1..4);
    let turn = prop_oneof![
        (user, proptest::option::of(name())).prop_map(message(Role::User)),
        (said(), proptest::option::of(name())).prop_map(message(Role::Assistant)),
        result(),
    ];
    prop::collection::vec(turn, 1..5)
}

fn tool() -> impl Strategy<Value = Tool<'static>> {
    let schema = r#"{"type":"object","properties":{"b":{},"a":{"const":1.50}}}"#;
    (
        name(),
        proptest::option::of(words()),
        proptest::option::of(any::<bool>()),
    )
        .prop_map(move |(name, description, strict)| Tool::Function {
            name: name.into(),
            description: description.map(Into::into),
            parameters: Some(Value::parse(schema).unwrap()),
            strict,
            cache: None,
        })
}

fn choice() -> impl Strategy<Value = ToolChoice<'static>> {
    prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Required),
        name().prop_map(|name| ToolChoice::Tool(name.into())),
        (name(), any::<bool>()).prop_map(|(name, required)| ToolChoice::Allowed {
            names: vec![name.into()],
            required,
        }),
    ]
}

fn number() -> impl Strategy<Value = Option<f64>> {
    proptest::option::of((0_u32..=100).prop_map(|n| f64::from(n) / 50.0))
}

fn sampling() -> impl Strategy<Value = Sampling> {
    let seed = proptest::option::of(any::<i64>());
    (number(), number(), number(), number(), seed).prop_map(|(heat, top_p, often, there, seed)| {
        Sampling {
            temperature: heat,
            top_p,
            top_k: None,
            frequency_penalty: often,
            presence_penalty: there,
            seed,
        }
    })
}

fn formats() -> impl Strategy<Value = Option<ResponseFormat<'static>>> {
    let schema = (name(), proptest::option::of(words())).prop_map(|(name, description)| {
        ResponseFormat::JsonSchema {
            name: name.into(),
            description: description.map(Into::into),
            schema: Value::parse(r#"{"type":"object","b":1,"a":2}"#).unwrap(),
            strict: Some(true),
        }
    });
    proptest::option::of(prop_oneof![
        Just(ResponseFormat::Text),
        Just(ResponseFormat::JsonObject),
        schema,
    ])
}

fn requests() -> impl Strategy<Value = Request<'static>> {
    let tools = (
        prop::collection::vec(tool(), 1..3),
        proptest::option::of(choice()),
        proptest::option::of(any::<bool>()),
    );
    let ends = (
        proptest::option::of(any::<u64>()),
        prop::collection::vec(words(), 0..3),
        proptest::option::of(1_u32..4),
    );
    let more = (
        proptest::option::of(0_u32..20),
        proptest::option::of(words()),
        any::<bool>(),
    );
    (
        prop::collection::vec(words().prop_map(Part::text), 0..3),
        turns(),
        proptest::option::of(tools),
        (formats(), sampling()),
        ends,
        more,
    )
        .prop_map(
            |(system, messages, tools, (format, sampling), ends, (top, user, hard))| {
                let mut request = Request {
                    from: Some(Format::Chat),
                    model: "gpt-5".into(),
                    system,
                    messages,
                    format,
                    sampling,
                    max_tokens: ends.0,
                    stop: ends.1.into_iter().map(Into::into).collect(),
                    n: ends.2,
                    stream: hard,
                    logprobs: top.map(|top| Logprobs { top: Some(top) }),
                    user: user.map(Into::into),
                    ..Request::default()
                };
                if let Some((tools, choice, parallel)) = tools {
                    request.tools = tools;
                    request.tool_choice = choice;
                    request.parallel_tools = parallel;
                }
                request.thinking = hard.then_some(Thinking {
                    effort: Some(Effort::High),
                    ..Thinking::default()
                });
                request.metadata = vec![("team".into(), "a".into())];
                request.service_tier = Some("flex".into());
                request
            },
        )
}

/// Without the places in the body, and the names of tools that answers took from their calls.
fn placeless(mut request: Request<'_>) -> Request<'_> {
    fn clear(parts: &mut [Part<'_>]) {
        for part in parts {
            part.path.clear();
            if let PartKind::ToolResult(result) = &mut part.kind {
                result.name = None;
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

fn logprob() -> impl Strategy<Value = TokenLogprob> {
    (words(), 0_u32..100).prop_map(|(token, likely)| {
        let one = Logprob {
            bytes: Some(token.as_bytes().to_vec()),
            token,
            logprob: -f64::from(likely) / 10.0,
        };
        TokenLogprob {
            token: one.clone(),
            top: vec![one],
        }
    })
}

fn reasoning() -> impl Strategy<Value = Part<'static>> {
    (words(), any::<bool>(), any::<bool>()).prop_map(|(text, summary, redacted)| {
        Part::new(PartKind::Reasoning(Reasoned {
            text: Text::new(if redacted { String::new() } else { text }),
            summary: summary && !redacted,
            signature: Some(Signature {
                from: Format::Messages,
                data: "c2ln".into(),
            }),
            redacted,
        }))
    })
}

fn choices() -> impl Strategy<Value = Vec<Choice>> {
    let finish = prop_oneof![Just(Finish::Length), Just(Finish::ContentFilter),];
    let logprobs = prop::collection::vec(logprob(), 0..3);
    let one = (
        prop::collection::vec(reasoning(), 0..3),
        said(),
        finish,
        logprobs,
    );
    prop::collection::vec(one, 1..3).prop_map(|all| {
        let choice =
            |(index, (mut parts, said, finish, logprobs)): (usize, (Vec<_>, Vec<_>, _, _))| {
                parts.extend(said);
                Choice {
                    index: u32::try_from(index).unwrap(),
                    parts,
                    finish: Some(finish),
                    logprobs,
                }
            };
        all.into_iter().enumerate().map(choice).collect()
    })
}

fn answers() -> impl Strategy<Value = Answer> {
    let usage = (0_u64..99, 0_u64..99, 0_u64..99, 0_u64..99);
    (choices(), usage).prop_map(|(choices, (input, output, cached, reasoning))| Answer {
        id: "chatcmpl-1".to_owned(),
        model: "gpt-5".to_owned(),
        created: Some(1_790_000_001),
        choices,
        usage: Some(Usage {
            input: input + cached,
            output: output + reasoning,
            cached: Some(cached),
            cache_write: Some(0),
            reasoning: Some(reasoning),
            audio_input: Some(0),
            audio_output: Some(0),
            ..Usage::default()
        }),
        service_tier: Some("flex".to_owned()),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn requests_survive(request in requests()) {
        let (text, dropped) =
            write(Format::Chat, &request, &target(None, "gpt-5"), false).unwrap();
        prop_assert_eq!(dropped, Vec::<String>::new());
        let body = Value::parse(&text).unwrap();
        prop_assert_eq!(&placeless(read(Format::Chat, &body)), &request);
    }

    #[test]
    fn answers_survive(answer in answers()) {
        let bytes = codec(Format::Chat).write_answer(&answer, &asked(false));
        let again = codec(Format::Chat).read_answer(&bytes).unwrap();
        prop_assert_eq!(again, answer);
    }

    #[test]
    fn nothing_hostile_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        format in prop_oneof![Just(Format::Chat), Just(Format::Completions)],
    ) {
        let codec = codec(format);
        prop_assert!(codec.read_answer(&bytes).is_err());
        codec.read_problem(500, &bytes);
        codec.read_usage(&bytes);
        codec.watch().run(&bytes);
        let frame = Frame { name: None, data: bytes.clone().into(), exception: false };
        let mut events = Vec::new();
        let read = codec.decoder().frame(&frame, &mut events);
        prop_assert!(read.is_err() || events.len() < 3);
    }

    #[test]
    fn chunks_of_anything_never_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            r#"{"index":0,"delta":{"content":"a"}}"#,
            r#"{"index":1,"delta":{"content":[{"type":"text","text":"a"}]}}"#,
            r#"{"index":0,"delta":{"reasoning":"r"}}"#,
            r#"{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"x"},7]}}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"}"}}]}}"#,
            r#"{"index":0,"delta":{"refusal":"no"},"finish_reason":"stop"}"#,
            r#"{"index":0,"delta":{"audio":{"transcript":"t","data":"AAAA"}}}"#,
            r#"{"delta":{"annotations":[{"url_citation":{"url":"u"}}]}}"#,
            r#"{"index":4294967295,"delta":null}"#,
        ]), 0..12),
    ) {
        let mut decoder = codec(Format::Chat).decoder();
        let mut events = Vec::new();
        for choice in &words {
            let data = format!("{{\"choices\":[{choice}]}}").into_bytes();
            let frame = Frame { name: None, data: data.into(), exception: false };
            if decoder.frame(&frame, &mut events).is_err() {
                break;
            }
        }
        decoder.finish(&mut events);
        let open = |event: &Event| match event {
            Event::PartStart { .. } => 1_i32,
            Event::PartEnd { .. } => -1,
            _ => 0,
        };
        prop_assert_eq!(events.iter().map(open).sum::<i32>(), 0);
        for format in Format::ALL {
            crate::support::encode(format, &events);
        }
    }
}
