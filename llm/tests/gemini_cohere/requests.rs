use rstest::rstest;
use serde_json::Value as Json;
use weir_llm::chat::{
    Media, MediaKind, Message, Part, PartKind, Reasoned, Request, Role, Signature, Source,
    Thinking, Tool, ToolCall, ToolResult,
};
use weir_llm::codec::Target;
use weir_llm::json::{Text, Value};
use weir_llm::{Dialect, Format};

use crate::support::{asked, codec, read, write};

const GEMINI: &str = include_str!("../fixtures/gemini/request.json");
const COHERE: &str = include_str!("../fixtures/cohere/request.json");

#[rstest]
#[case::gemini(
    Format::Gemini, GEMINI, Format::Gemini, "gemini-2.5-flash",
    include_str!("../fixtures/gemini/request.vertex.json"),
    &["contents[0].parts[1].videoMetadata", "generationConfig.speechConfig", "safetySettings", "cachedContent", "tools[1].googleSearch"],
)]
#[case::gemini_for_cohere(
    Format::Gemini, GEMINI, Format::Cohere, "command-a-03-2025",
    include_str!("../fixtures/gemini/request.cohere.json"),
    &["contents[0].parts[1].videoMetadata", "generationConfig.speechConfig", "safetySettings", "cachedContent",
      "contents[0].parts[1]", "tools[1].googleSearch", "generationConfig.responseLogprobs", "generationConfig.candidateCount", "labels"],
)]
#[case::cohere(
    Format::Cohere, COHERE, Format::Cohere, "command-a-03-2025",
    include_str!("../fixtures/cohere/request.cohere.json"),
    &["safety_mode", "citation_options"],
)]
fn a_request_is_written_for_a_provider(
    #[case] from: Format,
    #[case] body: &str,
    #[case] to: Format,
    #[case] model: &str,
    #[case] expected: &str,
    #[case] left_out: &[&str],
) {
    let value = Value::parse(body).unwrap();
    let request = read(from, &value);
    let (written, dropped) = write(to, &request, model, true).unwrap();
    let expected: Json = serde_json::from_str(expected).unwrap();
    assert_eq!(
        (written, dropped),
        (expected, left_out.iter().map(ToString::to_string).collect())
    );
    let refused = write(to, &request, model, false).unwrap_err();
    assert_eq!(
        (refused.status, refused.param.as_deref()),
        (400, Some(left_out[0]))
    );
}

#[test]
fn what_makes_no_sense_names_its_field() {
    for (format, body, field) in [
        (
            Format::Gemini,
            r#"{"contents":[{"role":"robot"}]}"#,
            "contents[0].role",
        ),
        (
            Format::Gemini,
            r#"{"contents":[{"parts":[{"text":1}]}]}"#,
            "contents[0].parts[0].text",
        ),
        (
            Format::Gemini,
            r#"{"contents":{"parts":{"function_call":{}}}}"#,
            "contents.parts.function_call.name",
        ),
        (
            Format::Gemini,
            r#"{"generation_config":{"maxOutputTokens":"many"}}"#,
            "generation_config.maxOutputTokens",
        ),
        (
            Format::Gemini,
            r#"{"toolConfig":{"functionCallingConfig":{"mode":"MAYBE"}}}"#,
            "toolConfig.functionCallingConfig.mode",
        ),
        (Format::Cohere, r#"{"message":"v1"}"#, "messages"),
        (
            Format::Cohere,
            r#"{"messages":[{"role":"tool","content":"x"}]}"#,
            "messages[0].tool_call_id",
        ),
        (
            Format::Cohere,
            r#"{"messages":[{"role":"user","content":3}]}"#,
            "messages[0].content",
        ),
    ] {
        let value = Value::parse(body).unwrap();
        let problem = codec(format)
            .read_request(&value, &asked(format, false))
            .unwrap_err();
        assert_eq!(
            (problem.status, problem.param.as_deref()),
            (400, Some(field)),
            "{body}"
        );
    }
}

fn turn(role: Role, kind: PartKind<'static>) -> Message<'static> {
    Message {
        role,
        parts: vec![Part::new(kind)],
        name: None,
    }
}

fn call(from: Option<Format>) -> PartKind<'static> {
    PartKind::ToolCall(ToolCall {
        id: "a".into(),
        name: "now".into(),
        arguments: Text::new(""),
        signature: from.map(|from| Signature {
            from,
            data: "c2ln".into(),
        }),
    })
}

fn result(call: &'static str) -> PartKind<'static> {
    PartKind::ToolResult(ToolResult {
        call: call.into(),
        name: None,
        parts: vec![Part::text("noon")],
        error: false,
    })
}

#[rstest]
#[case::own("gemini-3-pro", Some(Format::Gemini), Some("c2ln"))]
#[case::others(
    "gemini-3-pro",
    Some(Format::Messages),
    Some("skip_thought_signature_validator")
)]
#[case::none("gemini-3.5-flash", None, Some("skip_thought_signature_validator"))]
#[case::nobody_checks("gemini-2.5-pro", None, None)]
fn a_call_that_another_model_made_says_so_where_signatures_are_checked(
    #[case] model: &str,
    #[case] from: Option<Format>,
    #[case] expected: Option<&str>,
) {
    let request = Request {
        messages: vec![
            turn(Role::Assistant, call(from)),
            turn(Role::User, result("a")),
        ],
        ..Request::default()
    };
    let (written, _) = write(Format::Gemini, &request, model, false).unwrap();
    let part = &written["contents"][0]["parts"][0];
    assert_eq!(
        part.get("thoughtSignature").and_then(Json::as_str),
        expected
    );
    assert_eq!(
        written["contents"][1]["parts"][0]["functionResponse"]["name"],
        "now"
    );
}

#[test]
fn reasoning_of_another_provider_stays_behind() {
    let reasoning = |from: Format| {
        PartKind::Reasoning(Reasoned {
            text: Text::new("hm"),
            summary: false,
            signature: Some(Signature {
                from,
                data: "c2ln".into(),
            }),
            redacted: false,
        })
    };
    let request = Request {
        messages: vec![turn(Role::Assistant, reasoning(Format::Messages))],
        ..Request::default()
    };
    for format in [Format::Gemini, Format::Cohere] {
        let (written, dropped) = write(format, &request, "m", false).unwrap();
        assert!(
            !written.to_string().contains("hm") && dropped.is_empty(),
            "{written}"
        );
    }
}

#[test]
fn a_result_without_a_call_is_refused() {
    let request = Request {
        messages: vec![turn(Role::User, result("b"))],
        ..Request::default()
    };
    let problem = write(Format::Gemini, &request, "m", false).unwrap_err();
    assert_eq!(problem.code.as_deref(), Some("invalid_tool_call_id"));
}

#[test]
fn instructions_alone_are_what_google_is_asked() {
    let body = r#"{"model":"m","messages":[{"role":"system","content":"Count to three."}]}"#;
    let value = Value::parse(body).unwrap();
    let request = read(Format::Chat, &value);
    let (written, dropped) = write(Format::Gemini, &request, "gemini-2.5-flash", false).unwrap();
    assert_eq!(
        (written, dropped),
        (
            serde_json::json!({"contents": [{"role": "user", "parts": [{"text": "Count to three."}]}]}),
            Vec::new()
        )
    );
}

#[test]
fn a_call_without_arguments_has_an_empty_object_for_cohere() {
    let body = r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[
        {"id":"c","type":"function","function":{"name":"f","arguments":""}}]}]}"#;
    let value = Value::parse(body).unwrap();
    let request = read(Format::Chat, &value);
    let (written, _) = write(Format::Cohere, &request, "command-a-03-2025", false).unwrap();
    assert_eq!(
        written["messages"][0]["tool_calls"][0]["function"],
        serde_json::json!({"name": "f", "arguments": "{}"})
    );
}

#[rstest]
#[case::level("gemini-3-pro", r#"{"thinkingLevel":"LOW"}"#)]
#[case::budget("gemini-2.5-pro", r#"{"thinkingBudget":1024}"#)]
fn an_effort_is_a_level_or_a_budget(#[case] model: &str, #[case] expected: &str) {
    let request = Request {
        thinking: Some(Thinking {
            effort: Some(weir_llm::chat::Effort::Low),
            ..Thinking::default()
        }),
        ..Request::default()
    };
    let (written, _) = write(Format::Gemini, &request, model, false).unwrap();
    assert_eq!(
        written["generationConfig"]["thinkingConfig"].to_string(),
        expected
    );
}

#[test]
fn a_count_is_asked_for_and_told() {
    let gemini = codec(Format::Gemini);
    let value = Value::parse(r#"{"generateContentRequest":{"model":"models/x","contents":[{"parts":[{"text":"a"}]}],"tools":[{"functionDeclarations":[{"name":"f"}]}]}}"#).unwrap();
    let request = gemini
        .read_count_request(&value, &asked(Format::Gemini, false))
        .unwrap();
    assert!(matches!(request.tools.as_slice(), [Tool::Function { .. }]));
    assert_eq!(request.texts().len(), 1);
    assert_eq!(gemini.read_count(&gemini.write_count(31)), Some(31));
    for (dialect, expected) in [
        (Dialect::Vertex, r#"{"contents":[{"parts":[]}]}"#),
        (
            Dialect::Gemini,
            r#"{"generateContentRequest":{"model":"models/g","contents":[{"parts":[]}],"labels":{}}}"#,
        ),
    ] {
        let body = Value::parse(r#"{"contents":[{"parts":[]}],"labels":{}}"#).unwrap();
        let body = body.as_object().cloned().unwrap();
        let target = Target {
            dialect,
            preset: None,
            model: "models/g",
        };
        let counted = gemini.count_request(body, &target).unwrap();
        assert_eq!(String::from_utf8(counted.to_bytes()).unwrap(), expected);
    }
}

#[rstest]
#[case::said(Some("image/webp"), "https://a.example/x", Some("image/webp"))]
#[case::by_its_ending(None, "https://a.example/x.png?size=2", Some("image/png"))]
#[case::by_its_kind(None, "https://a.example/800x400", Some("image/jpeg"))]
fn an_image_at_a_url_is_an_image(
    #[case] said: Option<&'static str>,
    #[case] url: &'static str,
    #[case] expected: Option<&str>,
) {
    let image = PartKind::Media(Media {
        kind: MediaKind::Image,
        source: Source::Url(url.into()),
        media_type: said.map(Into::into),
        name: None,
        detail: None,
        citations: false,
    });
    let request = Request {
        messages: vec![turn(Role::User, image)],
        ..Request::default()
    };
    let (written, _) = write(Format::Gemini, &request, "m", false).unwrap();
    let file = &written["contents"][0]["parts"][0]["fileData"];
    assert_eq!(file["mimeType"].as_str(), expected);
    assert_eq!(file["fileUri"], url);
}
