//! What the mock provider answers: whole answers, byte for byte.

#![expect(clippy::unwrap_used, reason = "what fails in a test shall fail it")]

mod faults;
mod refusals;

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use weir_llm::body::read;
use weir_llm::call::Call;
use weir_llm::dialect::mock::{End, Script, Settings, Step, Tokens, answer};
use weir_llm::json::FieldReader;
use weir_llm::{Operation, Usage};

fn play(operation: Operation, request: &Value, settings: &Settings, sequence: u64) -> Script {
    let request = request.to_string();
    let call = Call::json(operation, weir_llm::Format::Chat);
    let body = read(&call, request.as_bytes()).unwrap();
    answer(&body, settings, sequence)
}

fn chat(request: &Value) -> Value {
    json_of(&play(Operation::Chat, request, &Settings::default(), 1))
}

fn json_of(script: &Script) -> Value {
    serde_json::from_slice(&script.steps.clone().into_bytes()).unwrap()
}

fn text_of(script: &Script) -> String {
    String::from_utf8(script.steps.clone().into_bytes().to_vec()).unwrap()
}

/// The data of each event, `[DONE]` as a string.
fn events(script: &Script) -> Vec<Value> {
    let text = text_of(script);
    let events = text.split_terminator("\n\n").map(|event| {
        let data = event.strip_prefix("data: ").unwrap();
        serde_json::from_str(data).unwrap_or_else(|_| Value::from(data))
    });
    events.collect()
}

fn hello(stream: bool) -> Value {
    json!({"model": "fast", "stream": stream, "messages": [{"role": "user", "content": "Hello!"}]})
}

#[test]
fn a_chat_is_answered_with_text_and_usage() {
    let script = play(Operation::Chat, &hello(false), &Settings::default(), 1);
    assert_eq!(
        (script.status, script.content_type, script.end),
        (200, "application/json", End::Clean)
    );
    let expected = json!({
        "id": json_of(&script)["id"],
        "object": "chat.completion",
        "created": 1_735_689_600,
        "model": "fast",
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "This is a mock answer from the model fast.",
                "refusal": null,
            },
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 2,
            "completion_tokens": 11,
            "total_tokens": 13,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    });
    assert_eq!(json_of(&script), expected);
}

#[test]
fn the_same_request_gives_the_same_bytes_and_another_one_another_id() {
    let bytes = |request: &Value, sequence| {
        text_of(&play(
            Operation::Chat,
            request,
            &Settings::default(),
            sequence,
        ))
    };
    assert_eq!(bytes(&hello(true), 1), bytes(&hello(true), 7));
    let other = json!({"model": "fast", "messages": [{"role": "user", "content": "Hello?"}]});
    assert_ne!(chat(&hello(false))["id"], chat(&other)["id"]);
}

#[test]
fn a_streamed_chat_is_role_pieces_finish_and_done() {
    let settings = Settings {
        chunks: 2,
        text: Some("Grüße".to_owned()),
        latency: Duration::from_millis(30),
        chunk_interval: Duration::from_millis(5),
        ..Settings::default()
    };
    let script = play(Operation::Chat, &hello(true), &settings, 1);
    let head = format!(
        r#"data: {{"id":"{}","object":"chat.completion.chunk","created":1735689600,"model":"fast","choices":[{{"index":0,"delta":"#,
        events(&script)[0]["id"].as_str().unwrap()
    );
    let expected = [
        (30, format!("{head}{{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n")),
        (5, format!("{head}{{\"content\":\"Gr\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n")),
        (5, format!("{head}{{\"content\":\"üße\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n")),
        (5, format!("{head}{{}},\"logprobs\":null,\"finish_reason\":\"stop\"}}]}}\n\n")),
        (5, "data: [DONE]\n\n".to_owned()),
    ]
    .map(|(delay, bytes)| Step {
        delay: Duration::from_millis(delay),
        bytes: Bytes::from(bytes),
    });
    assert_eq!(script.content_type, "text/event-stream; charset=utf-8");
    assert_eq!(script.end, End::Clean);
    assert_eq!(script.steps.collect::<Vec<_>>(), expected);
}

#[test]
fn a_stream_says_its_usage_where_it_is_asked_to() {
    let mut request = hello(true);
    request["stream_options"] = json!({"include_usage": true});
    let script = play(Operation::Chat, &request, &Settings::default(), 1);
    let events = events(&script);
    let (last, rest) = events.split_last().unwrap();
    let (usage, rest) = rest.split_last().unwrap();
    assert_eq!(last, "[DONE]");
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["total_tokens"], json!(13));
    assert_eq!(rest.len(), 1 + 8 + 1);
    assert!(
        rest.iter()
            .all(|event| event["usage"].is_null() && event.get("usage").is_some())
    );
}

#[rstest::rstest]
#[case::one_chunk(1, 1)]
#[case::default(8, 1)]
#[case::many(10_000, 1)]
#[case::choices(50, 3)]
#[case::most_choices(10_000, 128)]
fn pieces_make_up_the_plain_text(#[case] chunks: u32, #[case] n: usize) {
    let settings = Settings {
        chunks,
        ..Settings::default()
    };
    let mut request = hello(false);
    request["n"] = n.into();
    let plain = json_of(&play(Operation::Chat, &request, &settings, 1));
    request["stream"] = true.into();
    let events = events(&play(Operation::Chat, &request, &settings, 1));
    let mut texts = vec![String::new(); n];
    let mut pieces = 0;
    for event in &events[n..] {
        if let Some(text) = event["choices"][0]["delta"]["content"].as_str() {
            texts[usize::try_from(event["choices"][0]["index"].as_u64().unwrap()).unwrap()] += text;
            assert_ne!(text, "");
            pieces += 1;
        }
    }
    let expected: Vec<&str> = (0..n)
        .map(|index| {
            plain["choices"][index]["message"]["content"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert_eq!(texts, expected);
    assert_eq!(pieces, n * (chunks as usize).min(10_000 / n));
    assert_eq!(events.len(), n + pieces + n + 1);
}

#[test]
fn a_text_with_fewer_letters_than_chunks_comes_letter_by_letter() {
    for (text, pieces) in [("", 0), ("é", 1), ("a→b", 3)] {
        let settings = Settings {
            text: Some(text.to_owned()),
            ..Settings::default()
        };
        let script = play(Operation::Chat, &hello(true), &settings, 1);
        assert_eq!(events(&script).len(), 1 + pieces + 1 + 1, "{text}");
    }
}

#[rstest::rstest]
#[case::new("max_completion_tokens")]
#[case::old("max_tokens")]
fn the_most_tokens_cut_the_text(#[case] field: &str) {
    let mut request = hello(false);
    request[field] = 2.into();
    let answer = chat(&request);
    assert_eq!(answer["choices"][0]["message"]["content"], "This is ");
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    assert_eq!(answer["usage"]["completion_tokens"], 2);
}

#[test]
fn counts_that_are_set_are_told() {
    let settings = Settings {
        tokens: Tokens {
            input: Some(1000),
            output: Some(500),
        },
        ..Settings::default()
    };
    let told = |request: &Value| {
        let script = play(Operation::Chat, request, &settings, 1);
        let mut reader = FieldReader::new("usage");
        reader.feed(&script.steps.clone().into_bytes());
        (
            Usage::from_openai(reader.value().unwrap()).unwrap(),
            json_of(&script)["choices"][0]["finish_reason"].clone(),
        )
    };
    let used = |output| Usage {
        input: 1000,
        output,
        cached: Some(0),
        reasoning: Some(0),
        ..Usage::default()
    };
    assert_eq!(told(&hello(false)), (used(500), json!("stop")));
    let mut request = hello(false);
    request["max_tokens"] = 100.into();
    request["n"] = 2.into();
    assert_eq!(told(&request), (used(200), json!("length")));
}

#[test]
fn a_completion_answers_each_prompt() {
    let request = json!({"model": "m", "prompt": ["one", "two"], "n": 2, "max_tokens": 1});
    let script = play(Operation::Completions, &request, &Settings::default(), 1);
    let choice = |index: usize| json!({"index": index, "text": "This", "logprobs": null, "finish_reason": "length"});
    let expected = json!({
        "id": json_of(&script)["id"],
        "object": "text_completion",
        "created": 1_735_689_600,
        "model": "m",
        "choices": [choice(0), choice(1), choice(2), choice(3)],
        "usage": {
            "prompt_tokens": 2,
            "completion_tokens": 4,
            "total_tokens": 6,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    });
    assert_eq!(json_of(&script), expected);
}

#[test]
fn a_streamed_completion_has_texts_and_no_role() {
    let request = json!({"model": "m", "prompt": "hi", "stream": true, "max_tokens": 2});
    let settings = Settings {
        chunks: 2,
        ..Settings::default()
    };
    let events = events(&play(Operation::Completions, &request, &settings, 1));
    let seen: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event["choices"][0]["text"].clone(),
                event["choices"][0]["finish_reason"].clone(),
            )
        })
        .collect();
    let expected = [
        (json!("This"), Value::Null),
        (json!(" is "), Value::Null),
        (json!(""), json!("length")),
        (Value::Null, Value::Null),
    ];
    assert_eq!(seen, expected);
    assert_eq!(events[0]["object"], "text_completion");
}

#[test]
fn embeddings_come_as_numbers_or_as_base64() {
    let request = |format: &str| json!({"model": "e", "input": ["weir", "weir", [1, 2]], "dimensions": 3, "encoding_format": format});
    let floats = json_of(&play(
        Operation::Embeddings,
        &request("float"),
        &Settings::default(),
        1,
    ));
    let data = floats["data"].as_array().unwrap();
    assert_eq!(data.len(), 3);
    assert_eq!(data[0]["embedding"].as_array().unwrap().len(), 3);
    assert_eq!(data[0]["embedding"], data[1]["embedding"]);
    assert_ne!(data[0]["embedding"], data[2]["embedding"]);
    assert_eq!(
        (&data[2]["object"], &data[2]["index"]),
        (&json!("embedding"), &json!(2))
    );
    assert_eq!(floats["object"], "list");
    assert_eq!(floats["model"], "e");
    // 4 + 4 bytes of text, 2 tokens by number of 4 bytes each.
    assert_eq!(
        floats["usage"],
        json!({"prompt_tokens": 4, "total_tokens": 4})
    );
    let base64 = json_of(&play(
        Operation::Embeddings,
        &request("base64"),
        &Settings::default(),
        1,
    ));
    // 12 bytes are 16 letters.
    assert_eq!(base64["data"][0]["embedding"].as_str().unwrap().len(), 16);
}

#[test]
fn an_embedding_has_eight_dimensions_by_default() {
    let request = json!({"model": "e", "input": "weir"});
    let answer = json_of(&play(
        Operation::Embeddings,
        &request,
        &Settings::default(),
        1,
    ));
    assert_eq!(answer["data"].as_array().unwrap().len(), 1);
    assert_eq!(answer["data"][0]["embedding"].as_array().unwrap().len(), 8);
}

fn with_tools(choice: Value) -> Value {
    let tool = |name: &str, property: &str| {
        json!({"type": "function", "function": {"name": name, "parameters": {
            "type": "object", "properties": {property: {"type": "string"}}, "required": [property],
        }}})
    };
    let mut request = hello(false);
    request["tools"] = json!([tool("weather", "city"), tool("time", "zone")]);
    request["tool_choice"] = choice;
    request
}

#[test]
fn a_forced_tool_is_called_with_what_it_requires() {
    let named = json!({"type": "function", "function": {"name": "time"}});
    for (choice, name, arguments) in [
        (json!("required"), "weather", r#"{"city":"mock"}"#),
        (named, "time", r#"{"zone":"mock"}"#),
    ] {
        let answer = chat(&with_tools(choice));
        let id = answer["id"]
            .as_str()
            .unwrap()
            .replace("chatcmpl-mock-", "call_")
            + "_0";
        let expected = json!({
            "index": 0,
            "message": {
                "role": "assistant",
                "content": null,
                "tool_calls": [{
                    "id": id,
                    "type": "function",
                    "function": {"name": name, "arguments": arguments},
                }],
                "refusal": null,
            },
            "logprobs": null,
            "finish_reason": "tool_calls",
        });
        assert_eq!(answer["choices"], json!([expected]));
    }
}

#[test]
fn a_tool_that_is_not_forced_is_not_called() {
    for choice in [json!("auto"), json!("none"), Value::Null] {
        let answer = chat(&with_tools(choice));
        assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    }
}

#[test]
fn a_streamed_call_gives_its_name_first_and_then_its_arguments() {
    let mut request = with_tools(json!("required"));
    request["stream"] = true.into();
    let settings = Settings {
        chunks: 3,
        ..Settings::default()
    };
    let events = events(&play(Operation::Chat, &request, &settings, 1));
    let calls: Vec<&Value> = events[..4]
        .iter()
        .map(|event| &event["choices"][0]["delta"]["tool_calls"][0])
        .collect();
    assert_eq!(
        calls[0]["function"],
        json!({"name": "weather", "arguments": ""})
    );
    let pieces: Vec<&str> = calls[1..]
        .iter()
        .map(|call| call["function"]["arguments"].as_str().unwrap())
        .collect();
    assert_eq!(pieces, ["{\"cit", "y\":\"m", "ock\"}"]);
    assert_eq!(events[4]["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn structured_output_fits_its_schema() {
    let mut request = hello(false);
    request["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {
        "type": "object", "properties": {"score": {"type": "integer", "minimum": 3}}, "required": ["score"],
    }}});
    assert_eq!(
        chat(&request)["choices"][0]["message"]["content"],
        r#"{"score":3}"#
    );
    request["response_format"] = json!({"type": "json_object"});
    assert_eq!(
        chat(&request)["choices"][0]["message"]["content"],
        r#"{"answer":"This is a mock answer from the model fast."}"#
    );
}
