use rstest::rstest;
use serde_json::{Value as Json, json};
use weir_llm::Format;
use weir_llm::json::Value;

use crate::support::{read, write};

const CLAUDE: &str = "claude-sonnet-4-5-20250929";

#[rstest]
#[case::anthropic(
    Format::Messages,
    include_str!("../fixtures/anthropic/request.json"),
    Format::Messages,
    CLAUDE,
    include_str!("../fixtures/anthropic/request.messages.json"),
    &[]
)]
#[case::anthropic_at_bedrock(
    Format::Messages,
    include_str!("../fixtures/anthropic/request.json"),
    Format::Converse,
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    include_str!("../fixtures/anthropic/request.converse.json"),
    &[]
)]
#[case::bedrock_at_anthropic(
    Format::Converse,
    include_str!("../fixtures/bedrock/request.json"),
    Format::Messages,
    "claude-3-7-sonnet-20250219",
    include_str!("../fixtures/bedrock/request.messages.json"),
    &["requestMetadata"]
)]
fn a_request_is_written_whole(
    #[case] from: Format,
    #[case] body: &str,
    #[case] to: Format,
    #[case] model: &str,
    #[case] expected: &str,
    #[case] dropped: &[&str],
) {
    let body = Value::parse(body).unwrap();
    let request = read(from, &body);
    assert_eq!(request.extras, []);
    let (written, gaps) = write(to, &request, model, true).unwrap();
    let expected: Json = serde_json::from_str(expected).unwrap();
    assert_eq!(written, expected);
    assert_eq!(gaps, dropped);
}

/// A request of messages with more fields.
fn with(more: &Json) -> Json {
    let mut body = json!({"max_tokens": 4000, "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[rstest]
#[case::adaptive_wants_no_sampling("claude-opus-5", json!({"temperature": 0.5}), Some("temperature"))]
#[case::the_default_is_nothing("claude-opus-5", json!({"temperature": 1.0, "top_p": 1.0}), None)]
#[case::too_hot(CLAUDE, json!({"temperature": 1.5}), Some("temperature"))]
#[case::one_sampler(CLAUDE, json!({"temperature": 0.5, "top_p": 0.9}), Some("top_p"))]
#[case::old_ones_take_both("claude-3-5-haiku-20241022", json!({"temperature": 0.5, "top_p": 0.9}), None)]
#[case::no_thoughts_then("claude-3-5-haiku-20241022", json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}), Some("thinking"))]
#[case::small_budget(CLAUDE, json!({"thinking": {"type": "enabled", "budget_tokens": 1000}}), Some("thinking"))]
#[case::small_maximum(CLAUDE, json!({"max_tokens": 1024, "thinking": {"type": "enabled", "budget_tokens": 1024}}), Some("thinking"))]
#[case::no_force_on_a_thinker(CLAUDE, json!({"thinking": {"type": "enabled", "budget_tokens": 1024}, "tools": [{"name": "a", "input_schema": {}}], "tool_choice": {"type": "any"}}), Some("tool_choice"))]
#[case::no_schemas_then("claude-3-opus-20240229", json!({"output_config": {"format": {"type": "json_schema", "schema": {}}}}), Some("output_config.format"))]
#[case::blank_stop(CLAUDE, json!({"stop_sequences": ["\n"]}), Some("stop_sequences"))]
#[case::tools_at_the_provider(CLAUDE, json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}), Some("tools[0]"))]
#[case::their_steps(CLAUDE, json!({"messages": [{"role": "user", "content": [{"type": "server_tool_use"}, {"type": "text", "text": "a"}]}]}), Some("messages[0].content[0]"))]
fn what_a_model_lacks_is_named_or_dropped(
    #[case] model: &str,
    #[case] more: Json,
    #[case] field: Option<&str>,
) {
    let body = with(&more).to_string();
    let body = Value::parse(&body).unwrap();
    let request = read(Format::Messages, &body);
    let refused = write(Format::Messages, &request, model, false);
    let named = refused.err().map(|problem| {
        assert_eq!(problem.status, 400);
        problem.param.unwrap()
    });
    assert_eq!(named.as_deref(), field);
    let (_, dropped) = write(Format::Messages, &request, model, true).unwrap();
    assert_eq!(dropped, Vec::from_iter(field));
}

#[rstest]
#[case("claude-sonnet-4-5", json!({"type": "enabled", "budget_tokens": 3999}), None)]
#[case("claude-opus-4-8", json!({"type": "adaptive"}), Some("high"))]
fn a_budget_fits_below_the_maximum_or_is_an_effort(
    #[case] model: &str,
    #[case] thinking: Json,
    #[case] effort: Option<&str>,
) {
    let body = with(&json!({"thinking": {"type": "enabled", "budget_tokens": 50_000}}));
    let body = body.to_string();
    let body = Value::parse(&body).unwrap();
    let (written, _) = write(
        Format::Messages,
        &read(Format::Messages, &body),
        model,
        false,
    )
    .unwrap();
    assert_eq!(written["thinking"], thinking);
    assert_eq!(written["output_config"]["effort"].as_str(), effort);
}

#[rstest]
#[case::first_is_the_users(
    json!([{"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Hi"}]),
    json!([{"role": "user", "content": "..."}, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Hi"}])
)]
#[case::neighbours_are_joined(
    json!([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]),
    json!([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}])
)]
#[case::blanks_go(
    json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}, {"role": "user", "content": [{"type": "text", "text": " "}]}, {"role": "assistant", "content": "So \n"}]),
    json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "So"}])
)]
#[case::instructions_in_the_middle(
    json!([{"role": "user", "content": "a"}, {"role": "system", "content": "Be kind."}]),
    json!([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "Be kind."}]}])
)]
#[case::ids_that_do_not_fit(
    json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "tool_use", "id": "call:1", "name": "f", "input": {}}]}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call:1", "content": "ok"}]}]),
    json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "tool_use", "id": "call1_95b5b0995da20468", "name": "f", "input": {}}]}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call1_95b5b0995da20468", "content": "ok"}]}])
)]
fn turns_are_as_the_api_wants_them(#[case] turns: Json, #[case] expected: Json) {
    let body = json!({"max_tokens": 9, "messages": turns}).to_string();
    let body = Value::parse(&body).unwrap();
    let (written, _) = write(
        Format::Messages,
        &read(Format::Messages, &body),
        CLAUDE,
        false,
    )
    .unwrap();
    assert_eq!(written["messages"], expected);
}

#[test]
fn instructions_in_the_middle_stay_there_where_the_model_takes_them() {
    let turns =
        json!([{"role": "user", "content": "a"}, {"role": "system", "content": "Be kind."}]);
    let body = json!({"max_tokens": 9, "messages": turns}).to_string();
    let body = Value::parse(&body).unwrap();
    let request = read(Format::Messages, &body);
    let (written, _) = write(Format::Messages, &request, "claude-opus-4-8", false).unwrap();
    assert_eq!(written["messages"], turns);
}

#[test]
fn a_maximum_is_made_where_none_was_said() {
    let body = json!({"messages": [{"role": "user", "content": "a"}]}).to_string();
    let body = Value::parse(&body).unwrap();
    let request = read(Format::Messages, &body);
    let most =
        |model| write(Format::Messages, &request, model, false).unwrap().0["max_tokens"].clone();
    assert_eq!(most(CLAUDE), 64_000);
    assert_eq!(most("claude-3-haiku-20240307"), 4096);
    assert_eq!(most("some-alias"), 4096);
    let (converse, _) = write(Format::Converse, &request, "amazon.nova-lite-v1:0", false).unwrap();
    assert_eq!(
        converse,
        json!({"messages": [{"role": "user", "content": [{"text": "a"}]}]})
    );
}

#[test]
fn bedrock_wants_tools_declared_that_were_called() {
    let body = json!({"messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "ok"}]}]});
    let body = body.to_string();
    let body = Value::parse(&body).unwrap();
    let request = read(Format::Messages, &body);
    let (written, _) = write(Format::Converse, &request, "amazon.nova-lite-v1:0", false).unwrap();
    let expected = json!({"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]});
    assert_eq!(written["toolConfig"], expected);
}

#[rstest]
#[case(json!({"max_tokens": 9}), "messages")]
#[case(json!({"messages": {}}), "messages")]
#[case(json!({"messages": [{"role": "robot", "content": "a"}]}), "messages[0].role")]
#[case(json!({"messages": [{"role": "user", "content": 7}]}), "messages[0].content")]
fn what_makes_no_sense_is_a_400_that_names_it(#[case] body: Json, #[case] field: &str) {
    let body = body.to_string();
    let body = Value::parse(&body).unwrap();
    let asked = crate::support::asked(Format::Messages, false);
    let codec = crate::support::codec(Format::Messages);
    let problem = codec.read_request(&body, &asked).unwrap_err();
    assert_eq!(
        (problem.status, problem.param.as_deref()),
        (400, Some(field))
    );
}
