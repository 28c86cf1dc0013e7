//! Canonical → responses → canonical loses nothing that the format can say.

use proptest::prelude::*;
use weir_llm::chat::{
    Answer, Choice, Detail, Effort, Finish, Media, MediaKind, Message, Part, PartKind, Reasoned,
    Request, ResponseFormat, Role, Signature, Source, Thinking, Tool, ToolCall, ToolChoice,
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

fn file() -> impl Strategy<Value = Part<'static>> {
    let data = "[A-Za-z0-9]{4,8}";
    prop_oneof![
        data.prop_map(|data| (
            MediaKind::Image,
            Source::Base64(data.into()),
            Some("image/png")
        )),
        data.prop_map(|id| (
            MediaKind::Image,
            Source::Url(format!("https://a.b/{id}").into()),
            None
        )),
        data.prop_map(|id| (MediaKind::Document, Source::File(id.into()), None)),
        data.prop_map(|id| (
            MediaKind::Document,
            Source::Url(format!("https://a.b/{id}").into()),
            None
        )),
        data.prop_map(|data| (
            MediaKind::Document,
            Source::Base64(data.into()),
            Some("application/pdf")
        )),
        data.prop_map(|data| (
            MediaKind::Audio,
            Source::Base64(data.into()),
            Some("audio/mpeg")
        )),
    ]
    .prop_map(|(kind, source, media_type)| {
        let named = kind == MediaKind::Document && matches!(source, Source::Base64(_));
        Part::new(PartKind::Media(Media {
            kind,
            source,
            media_type: media_type.map(Into::into),
            name: named.then(|| "a.pdf".into()),
            detail: (kind == MediaKind::Image).then_some(Detail::High),
            citations: false,
        }))
    })
}

fn call() -> impl Strategy<Value = Part<'static>> {
    (name(), name(), words()).prop_map(|(id, name, words)| {
        let arguments = serde_json::json!({"a": words}).to_string();
        Part::new(PartKind::ToolCall(ToolCall {
            id: id.into(),
            name: name.into(),
            arguments: Text::new(arguments),
            signature: None,
        }))
    })
}

/// Reasoning that is proven: what is not means nothing to a provider.
fn reasoning(from: Format) -> impl Strategy<Value = Part<'static>> {
    let kind = prop_oneof![Just(None), Just(Some(true)), Just(Some(false))];
    (words(), "[A-Za-z0-9]{4}", kind).prop_map(move |(text, data, summary)| {
        let text = summary.map_or(String::new(), |_| text);
        Part::new(PartKind::Reasoning(Reasoned {
            text: Text::new(text),
            summary: summary.unwrap_or_default(),
            signature: Some(Signature {
                from,
                data: data.into(),
            }),
            redacted: summary.is_none(),
        }))
    })
}

fn said(from: Format) -> impl Strategy<Value = Vec<Part<'static>>> {
    let refusal = words().prop_map(|text| Part::new(PartKind::Refusal(Text::new(text))));
    let part = prop_oneof![
        words().prop_map(Part::text),
        refusal,
        call(),
        reasoning(from)
    ];
    prop::collection::vec(part, 1..5)
}

fn result() -> impl Strategy<Value = Part<'static>> {
    let parts = prop_oneof![
        words().prop_map(|text| vec![Part::text(text)]),
        (words(), file()).prop_map(|(text, file)| vec![Part::text(text), file]),
    ];
    // No call has an id of this form, so that no result knows its tool.
    ("[0-9]{2}", parts).prop_map(|(call, parts)| {
        Part::new(PartKind::ToolResult(ToolResult {
            call: call.into(),
            name: None,
            parts,
            error: false,
        }))
    })
}

fn turns() -> impl Strategy<Value = Vec<Message<'static>>> {
    let asks = prop::collection::vec(prop_oneof![words().prop_map(Part::text), file()], 1..3);
    let results = prop::collection::vec(result(), 0..3);
    let message = |role, parts| Message {
        role,
        parts,
        name: None,
    };
    let round = (results, asks, said(Format::Responses));
    prop::collection::vec(round, 1..3).prop_map(move |rounds| {
        let mut turns = Vec::new();
        for (results, asks, said) in rounds {
            // Each result is an item, and so a turn.
            turns.extend(
                results
                    .into_iter()
                    .map(|one| message(Role::User, vec![one])),
            );
            turns.push(message(Role::User, asks));
            turns.push(message(Role::Assistant, said));
        }
        turns
    })
}

fn tool() -> impl Strategy<Value = Tool<'static>> {
    let schema = r#"{"type":"object","properties":{"b":{},"a":{"const":1.50}}}"#;
    (
        name(),
        proptest::option::of(words()),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(move |(name, description, strict, takes)| Tool::Function {
            name: name.into(),
            description: description.map(Into::into),
            parameters: takes.then(|| Value::parse(schema).unwrap()),
            strict: Some(strict),
            cache: None,
        })
}

fn requests() -> impl Strategy<Value = Request<'static>> {
    let choice = prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Required),
        name().prop_map(|name| ToolChoice::Tool(name.into())),
        (name(), any::<bool>()).prop_map(|(name, required)| ToolChoice::Allowed {
            names: vec![name.into()],
            required,
        }),
    ];
    let tools = (
        prop::collection::vec(tool(), 1..3),
        proptest::option::of(choice),
        proptest::option::of(any::<bool>()),
    );
    let effort = prop_oneof![Just(Effort::Low), Just(Effort::Medium), Just(Effort::XHigh)];
    (
        prop::collection::vec(words(), 0..3),
        turns(),
        proptest::option::of(tools),
        (16_u64..9000, proptest::option::of(0_u32..=100)),
        proptest::option::of(effort),
        any::<bool>(),
    )
        .prop_map(|(system, messages, tools, (most, heat), effort, shaped)| {
            let (tools, tool_choice, parallel_tools) = tools.unwrap_or_default();
            let mut request = Request {
                from: Some(Format::Responses),
                model: "gpt-5".into(),
                system: system.into_iter().map(Part::text).collect(),
                messages,
                tools,
                tool_choice,
                parallel_tools,
                max_tokens: Some(most),
                thinking: effort.map(|effort| Thinking {
                    effort: Some(effort),
                    visible: Some(true),
                    ..Thinking::default()
                }),
                ..Request::default()
            };
            request.sampling.temperature = heat.map(|heat| f64::from(heat) / 100.0);
            request.format = shaped.then(|| ResponseFormat::JsonSchema {
                name: "report".into(),
                description: Some("What".into()),
                schema: Value::parse(r#"{"type":"object"}"#).unwrap(),
                strict: Some(true),
            });
            request
        })
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

fn answers() -> impl Strategy<Value = Answer> {
    let from = prop_oneof![
        Just(Format::Responses),
        Just(Format::Messages),
        Just(Format::Converse)
    ];
    let reason = prop_oneof![
        Just(Finish::Length),
        Just(Finish::ContentFilter),
        Just(Finish::Pause),
        Just(Finish::Failed),
        Just(Finish::Stop),
    ];
    let usage = (0_u64..99, 0_u64..99, 0_u64..99);
    (from.prop_flat_map(said), reason, usage).prop_map(
        |(parts, reason, (plain, output, cached))| {
            let any = |what: fn(&PartKind<'_>) -> bool| parts.iter().any(|part| what(&part.kind));
            // That is said by the parts alone.
            let finish = match reason {
                Finish::Stop if any(|kind| matches!(kind, PartKind::ToolCall(_))) => {
                    Finish::ToolCalls
                }
                reason => reason,
            };
            Answer {
                id: "resp_1".to_owned(),
                model: "gpt-5".to_owned(),
                created: Some(7),
                service_tier: Some("flex".to_owned()),
                choices: vec![Choice {
                    index: 0,
                    parts,
                    finish: Some(finish),
                    logprobs: Vec::new(),
                }],
                usage: Some(Usage {
                    input: plain + cached,
                    output,
                    cached: Some(cached),
                    cache_write: Some(0),
                    reasoning: Some(0),
                    ..Usage::default()
                }),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn requests_survive(request in requests()) {
        let target = Target { dialect: Dialect::OpenAI, preset: None, model: "gpt-5" };
        let mut gaps = Gaps::new(false, "OpenAI");
        let text = codec().write_request(&request, &target, &mut gaps).unwrap().to_bytes();
        let body = Value::from_bytes(&text).unwrap();
        let again = placeless(read(&body).unwrap());
        prop_assert_eq!(&again, &request);
    }

    #[test]
    fn answers_survive_and_so_do_other_formats_signatures(answer in answers()) {
        let bytes = codec().write_answer(&answer, &asked());
        prop_assert_eq!(&codec().read_answer(&bytes).unwrap(), &answer);
    }

    #[test]
    fn nothing_hostile_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(codec().read_answer(&bytes).is_err());
        codec().read_problem(500, &bytes);
        codec().read_usage(&bytes);
        codec().watch().run(&bytes);
    }
}
