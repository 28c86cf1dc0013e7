//! What no answer hangs on is left out where a target has no place for it, and is always told: whether the route drops or
//! refuses, by the caller's own name for it, once.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use rstest::rstest;
use serde_json::{Value as Json, json};
use weir_llm::codec::{Asked, Gaps, Target};
use weir_llm::json::Value;
use weir_llm::{Dialect, Format, Preset, dialect};

/// Reads a body as a caller's and writes it for a target, as a route that refuses does and as one that drops.
fn told(from: Format, to: Format, at: (Dialect, Option<Preset>), body: &Json) -> Vec<String> {
    let body = body.to_string();
    let body = Value::parse(&body).unwrap();
    let codec = dialect::codec(from);
    let asked = Asked {
        model: "fast",
        stream: false,
        include_usage: false,
        id: "0a1b2c",
        now: 1_790_000_000,
        body: Some(&body),
        framing: codec.framing(),
    };
    let request = codec.read_request(&body, &asked).unwrap();
    let target = Target {
        dialect: at.0,
        preset: at.1,
        model: match to {
            Format::Messages => "claude-sonnet-4-5",
            Format::Converse => "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Format::Gemini => "gemini-2.5-flash",
            Format::Cohere => "command-a-03-2025",
            _ => "gpt-4o",
        },
    };
    let [refusing, dropping] = [false, true].map(|drop| {
        let mut gaps = Gaps::new(drop, "the target");
        let written = dialect::codec(to).write_request(&request, &target, &mut gaps);
        if let Err(problem) = written {
            panic!("{from} to {to}: {problem}");
        }
        gaps.into_told()
    });
    assert_eq!(refusing, dropping);
    refusing
}

const OPENAI: (Dialect, Option<Preset>) = (Dialect::OpenAI, None);
const MISTRAL: (Dialect, Option<Preset>) = (Dialect::OpenAI, Some(Preset::Mistral));
const OPENROUTER: (Dialect, Option<Preset>) = (Dialect::OpenAI, Some(Preset::OpenRouter));
const ANTHROPIC: (Dialect, Option<Preset>) = (Dialect::Anthropic, None);
const GEMINI: (Dialect, Option<Preset>) = (Dialect::Gemini, None);
const BEDROCK: (Dialect, Option<Preset>) = (Dialect::Bedrock, None);
const COHERE: (Dialect, Option<Preset>) = (Dialect::Cohere, None);

/// All hints that a caller of Anthropic's can give.
fn of_messages() -> Json {
    let mark = json!({"type": "ephemeral"});
    json!({
        "max_tokens": 2000,
        "metadata": {"user_id": "u-1"},
        "output_config": {"format": {"type": "json_schema", "name": "report", "schema": {"type": "object"}}},
        "system": [{"type": "text", "text": "Be brief.", "cache_control": mark}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}, "cache_control": mark}],
        "messages": [
            {"role": "user", "content": [
                {"type": "document", "title": "Rules", "source": {"type": "text", "media_type": "text/plain", "data": "No."}},
                {"type": "text", "text": "a", "cache_control": mark},
                {"type": "text", "text": "b", "cache_control": mark}
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "c2ln"},
                {"type": "text", "text": "c", "citations": [{"type": "char_location", "cited_text": "No.", "document_index": 0, "start_char_index": 0, "end_char_index": 3}]},
                {"type": "redacted_thinking", "data": "weir.gemini.c2ln"},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "cache_control": mark, "content": [
                {"type": "text", "text": "d", "cache_control": mark}
            ]}]}
        ]
    })
}

const USER: &str = "metadata.user_id";
const SCHEMA: &str = "output_config.format.name";
const CITED: &str = "messages[].content[].citations";
const THOUGHT: &str = "messages[].content[].thinking";
const HIDDEN: &str = "messages[].content[].data";
const TITLE: &str = "messages[].content[].title";
const MARKS: [&str; 4] = [
    "system[].cache_control",
    "messages[].content[].cache_control",
    "messages[].content[].content[].cache_control",
    "tools[].cache_control",
];

#[rstest]
#[case::chat(Format::Chat, OPENAI, &[CITED, THOUGHT, HIDDEN, TITLE, MARKS[0], MARKS[1], MARKS[2], MARKS[3]])]
#[case::who_has_no_users(Format::Chat, MISTRAL, &[USER, CITED, THOUGHT, HIDDEN, TITLE, MARKS[0], MARKS[1], MARKS[2], MARKS[3]])]
#[case::who_goes_by_marks(Format::Chat, OPENROUTER, &[CITED, THOUGHT, HIDDEN, TITLE])]
#[case::responses(Format::Responses, OPENAI, &[CITED, THOUGHT, HIDDEN, TITLE, MARKS[0], MARKS[1], MARKS[2], MARKS[3]])]
#[case::gemini(Format::Gemini, GEMINI, &[USER, SCHEMA, CITED, THOUGHT, HIDDEN, TITLE, MARKS[0], MARKS[1], MARKS[2], MARKS[3]])]
#[case::bedrock(Format::Converse, BEDROCK, &[USER, CITED, HIDDEN, MARKS[2]])]
#[case::cohere(Format::Cohere, COHERE, &[USER, SCHEMA, CITED, THOUGHT, HIDDEN, MARKS[0], MARKS[1], MARKS[2], MARKS[3]])]
fn a_caller_of_messages_is_told(
    #[case] to: Format,
    #[case] at: (Dialect, Option<Preset>),
    #[case] expected: &[&str],
) {
    let mut told = told(Format::Messages, to, at, &of_messages());
    told.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(told, expected);
}

/// The same, as callers of OpenAI's chat and of those who are compatible with it say it.
fn of_chat() -> Json {
    let mark = json!({"type": "ephemeral"});
    json!({
        "user": "u-1",
        "response_format": {"type": "json_schema", "json_schema": {"name": "report", "schema": {"type": "object"}}},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}, "cache_control": mark}],
        "messages": [
            {"role": "user", "content": "a", "cache_control": mark},
            {"role": "assistant", "content": "b", "annotations": [{"type": "url_citation"}], "reasoning_content": "hm", "reasoning_details": [
                {"type": "reasoning.encrypted", "data": "weir.messages.c2ln"}
            ], "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"google": {"thought_signature": "weir.converse.c2ln"}}}]},
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "ok", "cache_control": mark}]}
        ]
    })
}

#[rstest]
#[case::messages(Format::Messages, ANTHROPIC, &["response_format.json_schema.name"])]
#[case::bedrock(Format::Converse, BEDROCK, &["messages[].reasoning_details[]", "user"])]
#[case::gemini(Format::Gemini, GEMINI, &["messages[].cache_control", "messages[].content[].cache_control", "messages[].reasoning_details[]", "response_format.json_schema.name", "tools[].cache_control", "user"])]
#[case::cohere(Format::Cohere, COHERE, &["messages[].cache_control", "messages[].content[].cache_control", "messages[].reasoning_details[]", "response_format.json_schema.name", "tools[].cache_control", "user"])]
fn a_caller_of_chat_is_told(
    #[case] to: Format,
    #[case] at: (Dialect, Option<Preset>),
    #[case] expected: &[&str],
) {
    let mut expected = expected.to_vec();
    expected.push("messages[].annotations");
    expected.push("messages[].tool_calls[].extra_content");
    // What nobody signed means nothing to who checks it.
    if matches!(to, Format::Messages | Format::Converse) {
        expected.push("messages[].reasoning_content");
    }
    expected.sort_unstable();
    let mut told = told(Format::Chat, to, at, &of_chat());
    told.sort_unstable();
    assert_eq!(told, expected);
}

#[rstest]
#[case::names_of_speakers(
    Format::Chat, Format::Responses, OPENAI,
    json!({"messages": [{"role": "user", "name": "Ann", "content": "a"}, {"role": "user", "name": "Bob", "content": "b"}]}),
    "messages[].name"
)]
#[case::marks_of_a_whole_request(
    Format::Messages, Format::Gemini, GEMINI,
    json!({"cache_control": {"type": "ephemeral"}, "messages": [{"role": "user", "content": "a"}]}),
    "cache_control"
)]
#[case::points_behind_parts(
    Format::Converse, Format::Chat, OPENAI,
    json!({"messages": [{"role": "user", "content": [{"text": "a"}, {"cachePoint": {"type": "default"}}]}]}),
    "messages[].content[].cachePoint"
)]
#[case::points_behind_tools(
    Format::Converse, Format::Chat, OPENAI,
    json!({"toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}, {"cachePoint": {"type": "default"}}]}, "messages": [{"role": "user", "content": [{"text": "a"}]}]}),
    "toolConfig.tools[].cachePoint"
)]
#[case::reasoning_of_bedrocks(
    Format::Converse, Format::Gemini, GEMINI,
    json!({"messages": [{"role": "user", "content": [{"text": "a"}]}, {"role": "assistant", "content": [{"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}}]}]}),
    "messages[].content[].reasoningContent"
)]
#[case::what_responses_encrypted(
    Format::Responses, Format::Messages, ANTHROPIC,
    json!({"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2ln"}, {"role": "user", "content": "a"}]}),
    "input[].encrypted_content"
)]
#[case::what_responses_summed_up(
    Format::Responses, Format::Chat, OPENAI,
    json!({"input": [{"role": "user", "content": "a"}, {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}]}),
    "input[].summary[]"
)]
#[case::what_responses_cited(
    Format::Responses, Format::Converse, BEDROCK,
    json!({"input": [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "output_text", "text": "b", "annotations": [{"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 1}]}]}]}),
    "input[].content[].annotations"
)]
#[case::what_proves_a_call(
    Format::Gemini, Format::Messages, ANTHROPIC,
    json!({"contents": [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"}]}, {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "ok"}}}]}]}),
    "contents[].parts[].thoughtSignature"
)]
#[case::what_cohere_planned(
    Format::Cohere, Format::Converse, BEDROCK,
    json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "tool_plan": "hm", "content": "b"}]}),
    "messages[].tool_plan"
)]
#[case::what_cohere_thought(
    Format::Cohere, Format::Chat, OPENAI,
    json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "b"}]}]}),
    "messages[].content[].thinking"
)]
#[case::what_cohere_cited(
    Format::Cohere, Format::Chat, OPENAI,
    json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "citations": [{"start": 0, "end": 1, "text": "b"}]}]}),
    "messages[].citations"
)]
#[case::names_of_files(
    Format::Responses, Format::Gemini, GEMINI,
    json!({"input": [{"role": "user", "content": [{"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}]}]}),
    "input[].content[].filename"
)]
fn each_is_named_as_its_caller_wrote_it(
    #[case] from: Format,
    #[case] to: Format,
    #[case] at: (Dialect, Option<Preset>),
    #[case] body: Json,
    #[case] expected: &str,
) {
    assert_eq!(told(from, to, at, &body), [expected]);
}

#[rstest]
#[case(Format::Chat)]
#[case(Format::Responses)]
#[case(Format::Messages)]
#[case(Format::Gemini)]
#[case(Format::Converse)]
#[case(Format::Cohere)]
fn a_plain_call_leaves_out_nothing(#[case] to: Format) {
    let body = json!({
        "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "annotations": []}, {"role": "user", "content": " "}],
        "store": false, "stream_options": {"include_usage": true}, "max_tokens": 20, "stream": true
    });
    assert_eq!(
        told(Format::Chat, to, ANTHROPIC, &body),
        Vec::<String>::new()
    );
}

#[test]
fn a_long_conversation_is_told_in_few_words() {
    let turn = json!({"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]});
    let body = json!({"messages": vec![turn; 5000]});
    assert_eq!(
        told(Format::Chat, Format::Gemini, GEMINI, &body),
        ["messages[].content[].cache_control"]
    );
}

#[test]
fn what_is_dropped_and_what_is_told_are_a_hundred_in_all() {
    let fields: serde_json::Map<String, Json> = (0..200)
        .map(|one| (format!("field_{one}"), json!(1)))
        .collect();
    let mut body = json!({"user": "u", "messages": [{"role": "user", "content": "a"}]});
    body.as_object_mut().unwrap().extend(fields);
    let body = body.to_string();
    let body = Value::parse(&body).unwrap();
    let codec = dialect::codec(Format::Chat);
    let asked = Asked {
        model: "fast",
        stream: false,
        include_usage: false,
        id: "0a1b2c",
        now: 0,
        body: None,
        framing: codec.framing(),
    };
    let request = codec.read_request(&body, &asked).unwrap();
    let target = Target {
        dialect: Dialect::Gemini,
        preset: None,
        model: "gemini-2.5-flash",
    };
    let mut gaps = Gaps::new(true, "the target");
    dialect::codec(Format::Gemini)
        .write_request(&request, &target, &mut gaps)
        .unwrap();
    assert_eq!(
        (gaps.dropped().len(), gaps.hints()),
        (100, &["user".to_owned()][..])
    );
    assert_eq!(gaps.into_told().len(), 100);
}
