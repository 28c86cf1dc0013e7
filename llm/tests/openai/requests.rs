use rstest::rstest;
use weir_llm::chat::{
    CacheMarker, Detail, Effort, MediaKind, Part, PartKind, Problem, Request, Role, Source,
    Thinking, Tool, ToolChoice,
};
use weir_llm::json::Value;
use weir_llm::{Format, Preset};

use crate::support::{asked, codec, json, read, target, write};

const REQUEST: &str = include_str!("../fixtures/openai/request.json");
const ANTHROPIC: &str = include_str!("../fixtures/anthropic/request.json");

#[rstest]
#[case::openai(
    None,
    "gpt-5-mini",
    include_str!("../fixtures/openai/request.openai.json"),
    &[],
    &[]
)]
#[case::mistral(
    Some(Preset::Mistral),
    "mistral-large-latest",
    include_str!("../fixtures/openai/request.mistral.json"),
    &["messages[2].content[4]", "messages[2].content[5]"],
    &["logprobs", "reasoning_effort", "service_tier"]
)]
#[case::openrouter(
    Some(Preset::OpenRouter),
    "openai/gpt-5-mini",
    include_str!("../fixtures/openai/request.openrouter.json"),
    &["messages[2].content[5]"],
    &["service_tier"]
)]
fn a_request_is_written_as_its_provider_takes_it(
    #[case] preset: Option<Preset>,
    #[case] model: &str,
    #[case] expected: &str,
    #[case] refused: &[&str],
    #[case] dropped: &[&str],
) {
    let body = Value::parse(REQUEST).unwrap();
    let mut request = read(Format::Chat, &body);
    // Files that the question is about are never left out.
    for path in refused {
        let problem = write(Format::Chat, &request, &target(preset, model), true).unwrap_err();
        assert_eq!(problem.param.as_deref(), Some(*path));
        for turn in &mut request.messages {
            turn.parts.retain(|part| part.path != *path);
        }
    }
    let (written, left_out) = write(Format::Chat, &request, &target(preset, model), true).unwrap();
    assert_eq!(json(&written), json(expected));
    assert_eq!(left_out, dropped);
}

#[test]
fn a_request_of_anthropics_is_written_for_openai() {
    let body = Value::parse(ANTHROPIC).unwrap();
    let request = read(Format::Messages, &body);
    let target = target(None, "gpt-4o");
    let (written, left_out) = write(Format::Chat, &request, &target, true).unwrap();
    let expected = include_str!("../fixtures/openai/request.messages.json");
    assert_eq!(json(&written), json(expected));
    // Answers there cite nothing.
    assert!(
        left_out.iter().all(|path| path.ends_with(".citations")),
        "{left_out:?}"
    );
    assert!(!left_out.is_empty());
    let refused = write(Format::Chat, &request, &target, false).unwrap_err();
    assert_eq!(refused.param.as_ref(), left_out.first());
}

/// The only thing in a list.
fn only<T>(mut all: Vec<T>) -> T {
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn turns_are_read_with_their_places() {
    let body = Value::parse(REQUEST).unwrap();
    let request = read(Format::Chat, &body);
    let paths: Vec<&str> = request.system.iter().map(|part| &*part.path).collect();
    assert_eq!(paths, ["messages[0].content", "messages[1].content[0]"]);
    assert_eq!(request.system[1].cache, Some(CacheMarker::Hour));
    let roles: Vec<Role> = request.messages.iter().map(|turn| turn.role).collect();
    let (user, model, app) = (Role::User, Role::Assistant, Role::System);
    assert_eq!(roles, [user, model, user, user, model, model, app, user]);
    let PartKind::Media(image) = &request.messages[0].parts[1].kind else {
        panic!("no image");
    };
    assert_eq!(image.kind, MediaKind::Image);
    assert_eq!(image.source, Source::Base64("iVBORw0KGgo=".into()));
    assert_eq!(image.media_type.as_deref(), Some("image/png"));
    assert_eq!(image.detail, Some(Detail::Low));
    let PartKind::ToolResult(result) = &request.messages[3].parts[0].kind else {
        panic!("no result");
    };
    assert_eq!(result.name.as_deref(), Some("clock"));
    assert_eq!(result.parts.len(), 2);
    let texts = request.texts();
    for text in texts.iter().filter(|text| text.is_plain()) {
        if let Some(range) = &text.range {
            assert_eq!(&REQUEST[range.clone()], &***text);
        }
    }
    let extras: Vec<&str> = request.extras.iter().map(|one| &*one.path).collect();
    assert_eq!(extras, ["logit_bias", "verbosity", "prediction"]);
}

fn asks(fields: &str) -> String {
    format!(r#"{{"model":"fast","messages":[{{"role":"user","content":"Hi"}}],{fields}}}"#)
}

fn thinking_of(fields: &str) -> Option<Thinking> {
    let text = asks(fields);
    let body = Value::parse(&text).unwrap();
    read(Format::Chat, &body).thinking
}

#[test]
fn reasoning_is_asked_for_in_many_ways() {
    let effort = |effort| Thinking {
        effort: Some(effort),
        ..Thinking::default()
    };
    assert_eq!(
        thinking_of(r#""reasoning_effort":"high""#),
        Some(effort(Effort::High))
    );
    assert_eq!(
        thinking_of(r#""reasoning":{"effort":"low","exclude":true}"#),
        Some(Thinking {
            visible: Some(false),
            ..effort(Effort::Low)
        })
    );
    assert_eq!(
        thinking_of(r#""thinking":{"type":"enabled","budget_tokens":2048}"#),
        Some(Thinking {
            enabled: Some(true),
            budget: Some(2048),
            ..Thinking::default()
        })
    );
    assert_eq!(thinking_of(r#""reasoning_effort":null"#), None);
}

/// How reasoning that is asked for so is written.
fn told(thinking: Thinking, preset: Option<Preset>, model: &str) -> Result<String, Problem> {
    let request = Request {
        from: Some(Format::Messages),
        thinking: Some(thinking),
        ..Request::default()
    };
    let (written, _) = write(Format::Chat, &request, &target(preset, model), false)?;
    let mut written = json(&written);
    let object = written.as_object_mut().unwrap();
    for known in ["model", "messages"] {
        object.remove(known);
    }
    Ok(written.to_string())
}

#[rstest]
#[case(None, "o4-mini", r#"{"reasoning_effort":"low"}"#)]
#[case(
    Some(Preset::OpenRouter),
    "x/y",
    r#"{"reasoning":{"enabled":true,"max_tokens":1024}}"#
)]
#[case(
    Some(Preset::DeepSeek),
    "deepseek-chat",
    r#"{"thinking":{"type":"enabled"}}"#
)]
fn a_budget_is_told_as_each_provider_takes_it(
    #[case] preset: Option<Preset>,
    #[case] model: &str,
    #[case] expected: &str,
) {
    let thinking = Thinking {
        enabled: Some(true),
        budget: Some(1024),
        ..Thinking::default()
    };
    assert_eq!(
        json(&told(thinking, preset, model).unwrap()),
        json(expected)
    );
}

#[rstest]
#[case("gpt-4o", r"{}")]
#[case("gpt-5", r#"{"reasoning_effort":"minimal"}"#)]
#[case("gpt-5.2", r#"{"reasoning_effort":"none"}"#)]
fn reasoning_is_switched_off_as_far_as_it_can_be(#[case] model: &str, #[case] expected: &str) {
    let off = Thinking {
        enabled: Some(false),
        ..Thinking::default()
    };
    assert_eq!(told(off, None, model).unwrap(), expected);
    let refused = told(off, None, "o3").unwrap_err();
    assert_eq!(refused.param.as_deref(), Some("thinking"));
}

#[test]
fn functions_of_before_are_tools() {
    let text = r#"{
        "model": "fast",
        "messages": [
            {"role": "user", "content": "What time is it?"},
            {"role": "assistant", "content": null, "function_call": {"name": "clock", "arguments": "{}"}},
            {"role": "function", "name": "clock", "content": "noon"}
        ],
        "functions": [{"name": "clock", "parameters": {"type": "object"}}],
        "function_call": {"name": "clock"}
    }"#;
    let body = Value::parse(text).unwrap();
    let request = read(Format::Chat, &body);
    assert_eq!(request.tool_choice, Some(ToolChoice::Tool("clock".into())));
    assert!(matches!(only(request.tools.clone()), Tool::Function { .. }));
    let PartKind::ToolCall(call) = &request.messages[1].parts[0].kind else {
        panic!("no call");
    };
    let PartKind::ToolResult(result) = &request.messages[2].parts[0].kind else {
        panic!("no result");
    };
    assert_eq!((&*call.id, &*result.call), ("call_1", "call_1"));
    assert_eq!(result.name.as_deref(), Some("clock"));
}

#[test]
fn what_compatible_providers_do_anyway_is_no_gap_elsewhere() {
    let text = r#"{"model":"fast","service_tier":"on_demand","reasoning_format":"parsed","usage":{"include":true},
        "messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y","prefix":false},
            {"role":"user","content":"z"}]}"#;
    let body = Value::parse(text).unwrap();
    let request = read(Format::Chat, &body);
    assert_eq!(request.extras, []);
    assert_eq!(request.service_tier.as_deref(), Some("auto"));
    // What changes the answer is named.
    let text = r#"{"reasoning_format":"raw","usage":{"include":false},
        "messages":[{"role":"assistant","content":"y","prefix":true}]}"#;
    let body = Value::parse(text).unwrap();
    let request = read(Format::Chat, &body);
    let paths: Vec<&str> = request.extras.iter().map(|one| &*one.path).collect();
    assert_eq!(paths, ["reasoning_format", "usage", "messages[0].prefix"]);
}

#[test]
fn what_runs_at_a_provider_is_named() {
    let text = asks(r#""tools":[{"type":"custom","custom":{"name":"x"}}],"web_search_options":{}"#);
    let body = Value::parse(&text).unwrap();
    let server = |kind: &'static str, path: &str| Tool::Server {
        kind: kind.into(),
        path: path.to_owned(),
    };
    assert_eq!(
        read(Format::Chat, &body).tools,
        [
            server("custom", "tools[0]"),
            server("web_search", "web_search_options")
        ]
    );
}

#[rstest]
#[case(r#"{"model":"fast"}"#, "messages")]
#[case(r#"{"messages":[{"content":"x"}]}"#, "messages[0].role")]
#[case(r#"{"messages":[{"role":"wizard"}]}"#, "messages[0].role")]
#[case(r#"{"messages":[{"role":"user","content":7}]}"#, "messages[0].content")]
#[case(
    r#"{"messages":[{"role":"user","content":[{"text":"x"}]}]}"#,
    "messages[0].content[0].type"
)]
#[case(r#"{"messages":[],"temperature":"hot"}"#, "temperature")]
#[case(r#"{"messages":[],"messages":[]}"#, "messages")]
#[case(
    r#"{"messages":[],"tools":[{"type":"function"}]}"#,
    "tools[0].function"
)]
fn what_makes_no_sense_is_refused_by_name(#[case] text: &str, #[case] param: &str) {
    let body = Value::parse(text).unwrap();
    let problem = codec(Format::Chat)
        .read_request(&body, &asked(false))
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.param.as_deref()),
        (400, Some(param))
    );
}

#[rstest]
#[case(r#"["one","two"]"#)]
#[case("[1,2]")]
#[case("[[1],[2]]")]
fn prompts_that_are_no_single_text_are_refused_by_name(#[case] prompt: &str) {
    let text = format!(r#"{{"model":"fast","prompt":{prompt}}}"#);
    let body = Value::parse(&text).unwrap();
    let problem = codec(Format::Completions)
        .read_request(&body, &asked(false))
        .unwrap_err();
    assert_eq!(problem.param.as_deref(), Some("prompt"));
}

#[test]
fn a_prompt_is_the_turn_of_a_user() {
    let text = r#"{"model":"fast","prompt":["Once"],"max_tokens":5,"echo":true,"best_of":1,"logprobs":2,"suffix":"."}"#;
    let body = Value::parse(text).unwrap();
    let request = read(Format::Completions, &body);
    let refused = write(Format::Chat, &request, &target(None, "gpt-4o"), false).unwrap_err();
    assert_eq!(refused.param.as_deref(), Some("echo"));
    let (written, dropped) = write(Format::Chat, &request, &target(None, "gpt-4o"), true).unwrap();
    assert_eq!(dropped, ["echo", "suffix"]);
    assert_eq!(
        json(&written),
        json(
            r#"{"model":"gpt-4o","messages":[{"role":"user","content":"Once"}],"max_tokens":5,"logprobs":true,"top_logprobs":2}"#
        )
    );
}

#[test]
fn ids_fit_their_provider_on_both_sides() {
    let text = r#"{"model":"m","messages":[
        {"role":"assistant","tool_calls":[{"id":"toolu_01","type":"function","function":{"name":"f","arguments":""}}]},
        {"role":"tool","tool_call_id":"toolu_01","content":"x"}]}"#;
    let body = Value::parse(text).unwrap();
    let request = read(Format::Chat, &body);
    let mistral = target(Some(Preset::Mistral), "m");
    let (written, _) = write(Format::Chat, &request, &mistral, false).unwrap();
    let written = json(&written);
    let call = &written["messages"][0]["tool_calls"][0];
    let id = call["id"].as_str().unwrap();
    assert_eq!(id.len(), 9);
    assert_eq!(written["messages"][1]["tool_call_id"], id);
    assert_eq!(call["function"]["arguments"], "{}");
}

#[test]
fn a_tool_that_failed_says_so_in_words() {
    let result = weir_llm::chat::ToolResult {
        call: "call_1".into(),
        name: None,
        parts: vec![Part::text("no such file")],
        error: true,
    };
    let request = Request {
        messages: vec![weir_llm::chat::Message {
            role: Role::User,
            parts: vec![
                Part::text("And now?"),
                Part::new(PartKind::ToolResult(result)),
            ],
            name: None,
        }],
        ..Request::default()
    };
    let (written, _) = write(Format::Chat, &request, &target(None, "m"), false).unwrap();
    assert_eq!(
        json(&written)["messages"],
        json(
            r#"[{"role":"tool","tool_call_id":"call_1","content":[
                {"type":"text","text":"The tool failed: "},{"type":"text","text":"no such file"}]},
                {"role":"user","content":"And now?"}]"#
        )
    );
}

#[test]
fn a_prompt_that_shall_be_cached_up_to_a_part_is_marked_in_either_way() {
    let body = Value::parse(
        r#"{"messages":[{"role":"user","content":[
            {"type":"text","text":"a","prompt_cache_breakpoint":{"mode":"explicit"}},
            {"type":"text","text":"b","prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}},
            {"type":"text","text":"c","cache_control":{"type":"ephemeral"}}]}]}"#,
    )
    .unwrap();
    let request = read(Format::Chat, &body);
    let marks: Vec<_> = request.messages[0]
        .parts
        .iter()
        .map(|part| part.cache)
        .collect();
    let expected = [
        CacheMarker::Default,
        CacheMarker::Hour,
        CacheMarker::Default,
    ];
    assert_eq!(marks, expected.map(Some));
}

#[rstest]
#[case::openai(None, "max", "max")]
#[case::groq(Some(Preset::Groq), "max", "high")]
#[case::vllm(Some(Preset::VLLM), "xhigh", "high")]
#[case::ollama(Some(Preset::Ollama), "minimal", "low")]
#[case::xai(Some(Preset::XAI), "medium", "medium")]
fn an_effort_is_the_nearest_that_a_provider_knows(
    #[case] preset: Option<Preset>,
    #[case] asked: &str,
    #[case] expected: &str,
) {
    let body = format!(
        r#"{{"messages":[{{"role":"user","content":"Hi"}}],"reasoning_effort":"{asked}","service_tier":"default"}}"#
    );
    let body = Value::parse(&body).unwrap();
    let request = read(Format::Chat, &body);
    // The tier of all who have no tiers is the default.
    let (written, _) = write(Format::Chat, &request, &target(preset, "gpt-oss"), false).unwrap();
    assert_eq!(json(&written)["reasoning_effort"], expected);
}
