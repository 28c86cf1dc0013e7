//! What is read of a request, and which bodies are refused.

use bytes::Bytes;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use weir_llm::body::{BadBody, Body};
use weir_llm::call::Call;
use weir_llm::{Format, Operation, splice};

/// A body of OpenAI's.
fn read(operation: Operation, body: &[u8]) -> Result<Body<'_>, BadBody> {
    let format = match operation {
        Operation::Completions => Format::Completions,
        _ => Format::Chat,
    };
    weir_llm::body::read(&Call::json(operation, format), body)
}

fn chat(body: &str) -> Result<Body<'_>, BadBody> {
    read(Operation::Chat, body.as_bytes())
}

#[test]
fn what_weir_goes_by_is_read() {
    let body = chat(
        r#" {"messages":[],"mod\u0065l":"a\u0062\/c","stream":true,"x":{"model":"no","stream":false},
            "stream_options":{"include_usage":true,"y":1}} "#,
    )
    .unwrap();
    assert_eq!(body.operation(), Operation::Chat);
    assert_eq!(body.model(), "ab/c");
    assert!(body.stream() && body.include_usage());
}

#[test]
fn what_is_not_asked_for_is_not() {
    for rest in [
        "",
        r#","stream":null"#,
        r#","stream":false,"stream_options":{"include_usage":false}"#,
        r#","stream_options":"x""#,
        r#","stream_options":null"#,
    ] {
        let text = format!(r#"{{"model":"m"{rest}}}"#);
        let body = chat(&text).unwrap();
        assert_eq!(
            (body.stream(), body.include_usage()),
            (false, false),
            "{rest}"
        );
    }
}

#[test]
fn embeddings_are_never_streamed() {
    let body = read(Operation::Embeddings, br#"{"model":"m","stream":true}"#).unwrap();
    assert!(!body.stream());
}

#[rstest]
#[case::empty(
    "",
    "invalid_json",
    None,
    "We could not parse the JSON body of your request (line 1, column 0). The API expects a JSON payload."
)]
#[case::torn(
    "{\"model\":\n\"m",
    "invalid_json",
    None,
    "We could not parse the JSON body of your request (line 2, column 2). The API expects a JSON payload."
)]
#[case::trailing(
    "{\"model\":\"m\"}}",
    "invalid_json",
    None,
    "We could not parse the JSON body of your request (line 1, column 14). The API expects a JSON payload."
)]
#[case::control(
    "{\"model\":\"m\",\"a\":\"\n\"}",
    "invalid_json",
    None,
    "We could not parse the JSON body of your request (line 1, column 18). The API expects a JSON payload."
)]
#[case::lone_word(
    "secret",
    "invalid_json",
    None,
    "We could not parse the JSON body of your request (line 1, column 1). The API expects a JSON payload."
)]
#[case::bom(
    "\u{FEFF}{\"model\":\"m\"}",
    "invalid_json",
    None,
    "We could not parse the JSON body of your request (line 1, column 1). The API expects a JSON payload."
)]
#[case::array(
    "[{\"model\":\"m\"}]",
    "invalid_type",
    None,
    "The body of your request must be a JSON object."
)]
#[case::text(
    "\"model\"",
    "invalid_type",
    None,
    "The body of your request must be a JSON object."
)]
#[case::no_model(
    "{\"messages\":[]}",
    "missing_model",
    Some("model"),
    "you must provide a model parameter"
)]
#[case::null_model(
    "{\"model\":null}",
    "missing_model",
    Some("model"),
    "you must provide a model parameter"
)]
#[case::empty_model(
    "{\"model\":\"\"}",
    "missing_model",
    Some("model"),
    "you must provide a model parameter"
)]
#[case::model_number(
    "{\"model\":12}",
    "invalid_type",
    Some("model"),
    "Invalid type for 'model': expected a string, but got a number instead."
)]
#[case::model_object(
    "{\"model\":{}}",
    "invalid_type",
    Some("model"),
    "Invalid type for 'model': expected a string, but got an object instead."
)]
#[case::model_surrogate(
    "{\"model\":\"a\\ud800\"}",
    "invalid_type",
    Some("model"),
    "Invalid 'model': it holds one half of a surrogate pair."
)]
#[case::stream_text(
    "{\"model\":\"m\",\"stream\":\"yes\"}",
    "invalid_type",
    Some("stream"),
    "Invalid type for 'stream': expected a boolean, but got a string instead."
)]
#[case::stream_number(
    "{\"model\":\"m\",\"stream\":1}",
    "invalid_type",
    Some("stream"),
    "Invalid type for 'stream': expected a boolean, but got a number instead."
)]
#[case::two_models(
    "{\"model\":\"a\",\"model\":\"b\"}",
    "duplicate_parameter",
    Some("model"),
    "Duplicate parameter: 'model' may be given only once."
)]
#[case::two_spellings(
    "{\"model\":\"a\",\"\\u006dodel\":\"a\"}",
    "duplicate_parameter",
    Some("model"),
    "Duplicate parameter: 'model' may be given only once."
)]
#[case::two_streams(
    "{\"model\":\"a\",\"stream\":true,\"stream\":true}",
    "duplicate_parameter",
    Some("stream"),
    "Duplicate parameter: 'stream' may be given only once."
)]
fn a_bad_body_is_refused(
    #[case] body: &str,
    #[case] code: &'static str,
    #[case] param: Option<&'static str>,
    #[case] message: &str,
) {
    let expected = BadBody {
        code,
        param,
        message: message.to_owned(),
    };
    assert_eq!(chat(body).unwrap_err(), expected);
}

/// A reader that does not tell cases apart would take the other one.
#[test]
fn a_model_in_another_case_is_a_second_one() {
    for body in [
        r#"{"model":"allowed","Model":"secret"}"#,
        r#"{"MODEL":"secret","model":"allowed"}"#,
        r#"{"model":"allowed","\u004dodel":"secret"}"#,
    ] {
        assert_eq!(
            chat(body).unwrap_err().code,
            "duplicate_parameter",
            "{body}"
        );
    }
    assert_eq!(chat(r#"{"Model":"m"}"#).unwrap_err().code, "missing_model");
    let alone = read(Operation::Moderations, br#"{"Model":"m","input":"x"}"#);
    assert_eq!(alone.unwrap_err().code, "duplicate_parameter");
    assert_eq!(
        chat(r#"{"model":"m","models":["n"]}"#).unwrap().model(),
        "m"
    );
}

#[test]
fn what_is_not_utf8_is_refused() {
    let refused = read(Operation::Chat, b"{\"model\":\"m\",\"a\":\"\xFF\"}").unwrap_err();
    assert_eq!((refused.code, refused.param), ("invalid_utf8", None));
}

#[test]
fn a_body_nests_at_most_128_deep() {
    let nested = |depth: usize| {
        format!(
            r#"{{"model":"m","x":{}1{}}}"#,
            "[".repeat(depth - 1),
            "]".repeat(depth - 1)
        )
    };
    assert_eq!(chat(&nested(128)).unwrap().model(), "m");
    let refused = chat(&nested(129)).unwrap_err();
    assert_eq!((refused.code, refused.param), ("body_too_deep", None));
    // So deep that recursion would end the process.
    let refused = chat(&nested(3_000_000)).unwrap_err();
    assert_eq!(refused.code, "body_too_deep");
}

#[test]
fn a_model_name_has_at_most_256_bytes() {
    let named = |len: usize| json!({"model": "m".repeat(len)}).to_string();
    assert_eq!(chat(&named(256)).unwrap().model().len(), 256);
    let expected = BadBody {
        code: "string_above_max_length",
        param: Some("model"),
        message: "Invalid 'model': string too long. Expected at most 256 bytes, but got 257."
            .to_owned(),
    };
    assert_eq!(chat(&named(257)).unwrap_err(), expected);
}

#[rstest]
#[case::text(Operation::Chat, json!({"messages": [{"role": "user", "content": "four"}]}), 4)]
#[case::escapes(Operation::Chat, json!({"messages": [{"content": "\n\"é"}]}), 4)]
#[case::parts(Operation::Chat, json!({"messages": [
    {"content": [{"type": "text", "text": "four"}, {"type": "image_url", "image_url": {"url": "data:…"}}]},
    {"content": [{"type": "refusal", "refusal": "no"}]},
]}), 6)]
#[case::calls(Operation::Chat, json!({"messages": [
    {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "function": {"name": "f", "arguments": "{}"}}]},
    {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}, "refusal": "no"},
]}), 6)]
#[case::not_the_rest(Operation::Chat, json!({"messages": [{"content": "a"}], "tools": [{"function": {"description": "b"}}], "user": "c", "prompt": "d"}), 1)]
#[case::prompt(Operation::Completions, json!({"prompt": "four", "suffix": "end", "input": "x"}), 7)]
#[case::prompts(Operation::Completions, json!({"prompt": ["four", "five"]}), 8)]
#[case::tokens(Operation::Completions, json!({"prompt": [1, 2, 3]}), 12)]
#[case::inputs(Operation::Embeddings, json!({"input": [[1, 2], [3]]}), 12)]
#[case::none(Operation::Embeddings, json!({}), 0)]
fn text_is_counted_in_bytes(
    #[case] operation: Operation,
    #[case] mut body: Value,
    #[case] bytes: u64,
) {
    body["model"] = "m".into();
    let body = body.to_string();
    assert_eq!(
        read(operation, body.as_bytes()).unwrap().text_bytes(),
        bytes
    );
}

#[test]
fn another_model_is_a_splice_of_its_value() {
    let raw = Bytes::from_static(br#"{ "a" : 1.0e2 , "model" : "\u006done" , "z":"model"}"#);
    let body = read(Operation::Chat, &raw).unwrap();
    let splice = body.with_model("say \"two\"").unwrap();
    assert_eq!(
        splice::apply(&raw, &[splice]),
        r#"{ "a" : 1.0e2 , "model" : "say \"two\"" , "z":"model"}"#
    );
    assert_eq!(body.with_model("mone"), None);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(Operation::Chat, &bytes);
    }

    #[test]
    fn no_near_json_panics(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "{", "}", "[", "]", ":", ",", "\"", "\\", "\"model\"", "\"m\"", "\"stream\":true", "null", "1e9", " ", "\\u00", "é",
    ]), 0..30)) {
        let body = pieces.concat();
        // What is accepted is JSON to serde_json as well.
        if let Ok(read) = chat(&body) {
            let value: Value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(value["model"].as_str(), Some(read.model()));
            let _ = read.text_bytes();
        }
    }

    #[test]
    fn a_spliced_body_asks_for_the_other_model_and_the_same_rest(
        model in "\\PC{1,20}",
        other in "\\PC{1,20}",
        content in any::<String>(),
    ) {
        let mut value = json!({"a": content, "model": model, "z": [content]});
        let raw = Bytes::from(value.to_string());
        let body = read(Operation::Chat, &raw).unwrap();
        prop_assert_eq!(body.model(), &model);
        let splices: Vec<_> = body.with_model(&other).into_iter().collect();
        let spliced = splice::apply(&raw, &splices);
        value["model"] = other.into();
        prop_assert_eq!(serde_json::from_slice::<Value>(&spliced).unwrap(), value);
    }
}
