//! Requests that OpenAI would refuse.

use proptest::prelude::*;
use serde_json::{Value, json};
use weir_llm::Operation;
use weir_llm::dialect::mock::Settings;

use crate::{json_of, play};

#[rstest::rstest]
#[case::n_above(Operation::Chat, json!({"messages": [1], "n": 129}), "integer_above_max_value", "n")]
#[case::n_below(Operation::Chat, json!({"messages": [1], "n": 0}), "integer_below_min_value", "n")]
#[case::n_negative(Operation::Chat, json!({"messages": [1], "n": -1}), "integer_below_min_value", "n")]
#[case::n_text(Operation::Chat, json!({"messages": [1], "n": "1"}), "invalid_type", "n")]
#[case::max(Operation::Chat, json!({"messages": [1], "max_tokens": 0}), "integer_below_min_value", "max_tokens")]
#[case::no_messages(Operation::Chat, json!({}), "missing_required_parameter", "messages")]
#[case::empty_messages(Operation::Chat, json!({"messages": []}), "empty_array", "messages")]
#[case::text_for_messages(Operation::Chat, json!({"messages": "hi"}), "invalid_type", "messages")]
#[case::no_such_tool(Operation::Chat, json!({"messages": [1], "tool_choice": "required"}), "invalid_value", "tool_choice")]
#[case::tool_number(Operation::Chat, json!({"messages": [1], "tool_choice": 1}), "invalid_type", "tool_choice")]
#[case::tools_text(Operation::Chat, json!({"messages": [1], "tools": "x", "tool_choice": "required"}), "invalid_type", "tools")]
#[case::too_many_choices(Operation::Completions, json!({"prompt": ["a", "b"], "n": 65}), "array_above_max_length", "prompt")]
#[case::prompt_number(Operation::Completions, json!({"prompt": 12345}), "invalid_type", "prompt")]
#[case::no_input(Operation::Embeddings, json!({}), "missing_required_parameter", "input")]
#[case::empty_input(Operation::Embeddings, json!({"input": []}), "empty_array", "input")]
#[case::input_object(Operation::Embeddings, json!({"input": {}}), "invalid_type", "input")]
#[case::input_objects(Operation::Embeddings, json!({"input": ["a", {}]}), "invalid_type", "input")]
#[case::dimensions(Operation::Embeddings, json!({"input": "a", "dimensions": 3073}), "integer_above_max_value", "dimensions")]
#[case::format(Operation::Embeddings, json!({"input": "a", "encoding_format": "hex"}), "invalid_value", "encoding_format")]
#[case::many_inputs(Operation::Embeddings, json!({"input": vec!["a"; 2049]}), "array_above_max_length", "input")]
#[case::many_numbers(Operation::Embeddings, json!({"input": vec!["a"; 2048], "dimensions": 1024}), "array_above_max_length", "input")]
fn a_bad_field_is_refused_as_openai_does(
    #[case] operation: Operation,
    #[case] mut request: Value,
    #[case] code: &str,
    #[case] param: &str,
) {
    request["model"] = "m".into();
    let script = play(operation, &request, &Settings::default(), 1);
    let error = json_of(&script)["error"].clone();
    assert_eq!(script.status, 400);
    assert_eq!(
        (&error["code"], &error["param"], &error["type"]),
        (&json!(code), &json!(param), &json!("invalid_request_error")),
        "{error}"
    );
}

fn values() -> impl Strategy<Value = Value> {
    proptest::sample::select(vec![
        json!(null),
        json!(0),
        json!(3),
        json!(-1),
        json!(1e300),
        json!("required"),
        json!("é"),
        json!([]),
        json!({}),
        json!([1, 2]),
        json!(["a", "b"]),
        json!([[1], [2]]),
        json!([{"type": "function", "function": {"name": "f"}}]),
        json!({"function": {"name": "f"}}),
        json!({"type": "json_schema", "json_schema": {"schema": {"minItems": 9, "type": "array"}}}),
        json!({"type": "json_object"}),
        json!(true),
    ])
}

proptest! {
    #[test]
    fn any_fields_are_answered_or_refused(
        operation in proptest::sample::select(Operation::ALL.to_vec()),
        stream in any::<bool>(),
        fields in proptest::collection::vec((proptest::sample::select(vec![
            "messages", "prompt", "input", "n", "max_tokens", "max_completion_tokens", "dimensions", "encoding_format",
            "tools", "tool_choice", "response_format", "stream_options",
        ]), values()), 0..8),
    ) {
        let mut request = json!({"model": "m", "stream": stream, "messages": [1], "input": "a"});
        for (name, value) in fields {
            request[name] = value;
        }
        let script = play(operation, &request, &Settings::default(), 1);
        let body = script.steps.into_bytes();
        match script.status {
            200 if script.content_type == "application/json" => {
                let answer: Value = serde_json::from_slice(&body).unwrap();
                prop_assert!(answer["usage"].is_object());
            }
            200 => prop_assert!(body.ends_with(b"data: [DONE]\n\n")),
            status => {
                let answer: Value = serde_json::from_slice(&body).unwrap();
                prop_assert_eq!(status, 400);
                prop_assert_eq!(&answer["error"]["type"], &json!("invalid_request_error"));
            }
        }
    }
}
