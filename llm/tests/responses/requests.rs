use rstest::rstest;
use serde_json::{Value as Json, json};
use weir_llm::chat::{PartKind, Role};
use weir_llm::json::Value;
use weir_llm::{Dialect, Format};

use crate::support::{read, write};

const OPENAI: (Format, Dialect, &str) = (Format::Responses, Dialect::OpenAI, "gpt-5-mini");
const CLAUDE: (Format, Dialect, &str) = (
    Format::Messages,
    Dialect::Anthropic,
    "claude-sonnet-4-5-20250929",
);

#[test]
fn a_request_is_written_whole() {
    let body = Value::parse(include_str!("../fixtures/responses/request.json")).unwrap();
    let request = read(&body).unwrap();
    let (written, dropped) = write(OPENAI, &request, false).unwrap();
    let expected = include_str!("../fixtures/responses/request.responses.json");
    let expected: Json = serde_json::from_str(expected).unwrap();
    assert_eq!(written, expected);
    assert_eq!(dropped, Vec::<String>::new());
}

#[test]
fn what_the_model_said_in_a_row_is_one_turn_and_each_part_knows_its_place() {
    let body = Value::parse(include_str!("../fixtures/responses/request.json")).unwrap();
    let request = read(&body).unwrap();
    let turns: Vec<(Role, Vec<&str>)> = request
        .messages
        .iter()
        .map(|turn| {
            let paths = turn.parts.iter().map(|part| part.path.as_str());
            (turn.role, paths.collect())
        })
        .collect();
    let expected = [
        (Role::User, vec!["input[0].content"]),
        (
            Role::Assistant,
            vec!["input[1].summary[0]", "input[2].content[0]", "input[3]"],
        ),
        (Role::User, vec!["input[4]"]),
        (Role::User, vec!["input[5]"]),
        (Role::System, vec!["input[6].content"]),
        (
            Role::User,
            vec![
                "input[7].content[0]",
                "input[7].content[1]",
                "input[7].content[2]",
                "input[7].content[3]",
                "input[7].content[4]",
                "input[7].content[5]",
            ],
        ),
    ];
    assert_eq!(turns, expected);
    // A result knows the tool by its call.
    let PartKind::ToolResult(result) = &request.messages[2].parts[0].kind else {
        unreachable!("the third turn is a result");
    };
    assert_eq!(result.name.as_deref(), Some("weather"));
}

fn with(more: &Json) -> String {
    let mut body = json!({"model": "fast", "input": "Hi"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

#[rstest]
#[case(json!({"previous_response_id": "resp_1"}), "previous_response_id")]
#[case(json!({"conversation": "conv_1"}), "conversation")]
#[case(json!({"background": true}), "background")]
#[case(json!({"prompt": {"id": "pmpt_1"}}), "prompt")]
#[case(json!({"store": true}), "store")]
#[case(json!({"truncation": "auto"}), "truncation")]
#[case(json!({"text": {"verbosity": "low"}}), "text.verbosity")]
#[case(json!({"include": ["file_search_call.results"]}), "include[0]")]
#[case(json!({"tools": [{"type": "web_search"}]}), "tools[0]")]
#[case(json!({"tools": [{"type": "custom", "name": "a"}]}), "tools[0]")]
#[case(json!({"input": [{"role": "user", "content": "Hi"}, {"type": "item_reference", "id": "msg_1"}]}), "input[1]")]
#[case(json!({"top_logprobs": 2}), "top_logprobs")]
fn what_only_openai_can_do_is_refused_elsewhere_by_its_name(
    #[case] more: Json,
    #[case] field: &str,
) {
    let text = with(&more);
    let body = Value::parse(&text).unwrap();
    let request = read(&body).unwrap();
    let refused = write(CLAUDE, &request, false).unwrap_err();
    assert_eq!(refused.status, 400);
    assert_eq!(refused.param.as_deref(), Some(field));
}

#[rstest]
#[case(json!({"store": false}))]
#[case(json!({"background": false, "truncation": "disabled", "stream_options": {}}))]
#[case(json!({"include": ["reasoning.encrypted_content"]}))]
#[case(json!({"previous_response_id": null, "tools": []}))]
fn what_changes_nothing_is_refused_nowhere(#[case] more: Json) {
    let text = with(&more);
    let body = Value::parse(&text).unwrap();
    let request = read(&body).unwrap();
    assert_eq!(request.extras, []);
    write(CLAUDE, &request, false).unwrap();
}

#[rstest]
#[case(json!({"stop": ["a"]}), "stop")]
#[case(json!({"seed": 1}), "seed")]
#[case(json!({"n": 2}), "n")]
#[case(json!({"frequency_penalty": 0.5}), "frequency_penalty")]
#[case(json!({"max_tokens": 15}), "max_tokens")]
#[case(json!({"logit_bias": {"1": 1}}), "logit_bias")]
fn what_responses_lacks_of_chat_is_refused(#[case] more: Json, #[case] field: &str) {
    let mut body = json!({"model": "fast", "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let text = body.to_string();
    let body = Value::parse(&text).unwrap();
    let chat = weir_llm::dialect::codec(Format::Chat);
    let request = chat.read_request(&body, &crate::support::asked()).unwrap();
    let refused = write(OPENAI, &request, false).unwrap_err();
    assert_eq!(refused.param.as_deref(), Some(field));
    let (_, dropped) = write(OPENAI, &request, true).unwrap();
    assert_eq!(dropped, [field]);
}

#[rstest]
#[case(json!({"input": 1}), "input")]
#[case(json!({"input": [{"role": "robot", "content": "a"}]}), "input[0].role")]
#[case(json!({"input": [{"type": "function_call", "name": "a"}]}), "input[0].call_id")]
#[case(json!({"temperature": "hot"}), "temperature")]
#[case(json!({"text": {"format": {}}}), "text.format.type")]
#[case(json!({"tools": [{}]}), "tools[0].type")]
fn what_makes_no_sense_is_named(#[case] more: Json, #[case] field: &str) {
    let text = with(&more);
    let body = Value::parse(&text).unwrap();
    let refused = read(&body).unwrap_err();
    assert_eq!(
        (refused.status, refused.param.as_deref()),
        (400, Some(field))
    );
}

#[test]
fn a_model_that_does_not_reason_is_not_asked_for_what_is_encrypted() {
    let body = Value::parse(r#"{"model":"fast","input":"Hi"}"#).unwrap();
    let request = read(&body).unwrap();
    let written = |model| {
        let to = (Format::Responses, Dialect::OpenAI, model);
        write(to, &request, false).unwrap().0
    };
    let input = json!([{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]);
    let plain = json!({"model": "gpt-4o", "input": input, "store": false});
    assert_eq!(written("gpt-4o"), plain);
    let reasoning = json!({"model": "o3", "input": input, "include": ["reasoning.encrypted_content"], "store": false});
    assert_eq!(written("o3"), reasoning);
}

/// How OpenAI's chat is reached by callers of responses.
const CHAT: (Format, Dialect, &str) = (Format::Chat, Dialect::OpenAI, "gpt-5-mini");

#[rstest]
#[case::answer_before(
    r#"{"input":"Hi","previous_response_id":"resp_1"}"#,
    "previous_response_id"
)]
#[case::conversation(r#"{"input":"Hi","conversation":"conv_1"}"#, "conversation")]
#[case::prompt(r#"{"prompt":{"id":"p"}}"#, "prompt")]
#[case::background(r#"{"input":"Hi","background":true}"#, "background")]
#[case::item(r#"{"input":[{"type":"item_reference","id":"rs_1"}]}"#, "input[0]")]
#[case::compaction(
    r#"{"input":[{"type":"compaction","encrypted_content":"x"}]}"#,
    "input[0]"
)]
#[case::file(
    r#"{"input":[{"role":"user","content":[{"type":"input_image","file_id":"file-1"}]}]}"#,
    "input[0].content[0]"
)]
#[case::result(
    r#"{"input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
        {"type":"function_call_output","call_id":"c","output":[{"type":"input_image","image_url":"https://example.com/a.png"}]}]}"#,
    "input[1].output[0]"
)]
fn what_the_call_means_is_refused_even_where_the_rest_is_dropped(
    #[case] body: &str,
    #[case] param: &str,
) {
    let body = Value::parse(body).unwrap();
    let request = read(&body).unwrap();
    let refused = write(CHAT, &request, true).unwrap_err();
    assert_eq!(refused.param.as_deref(), Some(param));
    assert_eq!(refused.code.as_deref(), Some("unsupported_parameter"));
}

#[test]
fn what_is_so_by_default_is_no_loss_and_what_both_formats_know_is_kept() {
    let body = Value::parse(
        r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"Hi","prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}}]}],
            "text":{"verbosity":"medium"},"reasoning":{"context":"auto","mode":"standard"},
            "prompt_cache_options":{"mode":"explicit"},"moderation":{"model":"m"}}"#,
    )
    .unwrap();
    let request = read(&body).unwrap();
    let (written, dropped) = write(CHAT, &request, false).unwrap();
    let text = json!({"type": "text", "text": "Hi", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}});
    let expected = json!({
        "model": "gpt-5-mini",
        "messages": [{"role": "user", "content": [text]}],
        "prompt_cache_options": {"mode": "explicit"},
        "moderation": {"model": "m"},
    });
    assert_eq!((written, dropped), (expected, Vec::new()));
}
