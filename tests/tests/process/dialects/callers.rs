//! What the SDK of each format sends, and what it would read out of the answers.

use serde_json::{Value, json};
use weir_tests::{Answer, Request};

use super::fake::TOOL;
use crate::common::KEY;

/// The formats of callers.
pub(super) const FORMATS: [&str; 6] = [
    "chat",
    "responses",
    "messages",
    "gemini",
    "converse",
    "cohere",
];

/// What the tool is said to have answered.
pub(super) const RESULT: &str = "sunny, 21 degrees";

/// A request of a format, in its caller's way, for a model.
pub(super) fn request(format: &str, model: &str, streamed: bool, body: Value) -> Request {
    let mut body = body;
    if !matches!(format, "gemini" | "converse") {
        body["model"] = model.into();
        if streamed {
            body["stream"] = true.into();
        }
    }
    let path = match (format, streamed) {
        ("chat", _) => "/v1/chat/completions".to_owned(),
        ("responses", _) => "/v1/responses".to_owned(),
        ("messages", _) => "/v1/messages".to_owned(),
        ("gemini", false) => format!("/v1beta/models/{model}:generateContent"),
        ("gemini", true) => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
        ("converse", false) => format!("/model/{model}/converse"),
        ("converse", true) => format!("/model/{model}/converse-stream"),
        _ => "/v2/chat".to_owned(),
    };
    let request = Request::post(&path, KEY, body.to_string());
    match format {
        "messages" => request.header("anthropic-version", "2023-06-01"),
        _ => request,
    }
}

/// One question.
pub(super) fn question(format: &str) -> Value {
    match format {
        "responses" => json!({"input": "Hi", "store": false}),
        "messages" => json!({"max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}),
        "gemini" => json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
        "converse" => json!({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}),
        _ => json!({"messages": [{"role": "user", "content": "Hi"}]}),
    }
}

/// One question, with a tool.
pub(super) fn with_tool(format: &str, mut body: Value) -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    match format {
        "responses" => {
            body["tools"] =
                json!([{"type": "function", "name": TOOL, "parameters": schema, "strict": false}]);
        }
        "messages" => body["tools"] = json!([{"name": TOOL, "input_schema": schema}]),
        "gemini" => {
            let tool = json!({"name": TOOL, "description": "d", "parametersJsonSchema": schema});
            body["tools"] = json!([{"functionDeclarations": [tool]}]);
        }
        "converse" => {
            let tool = json!({"name": TOOL, "description": "d", "inputSchema": {"json": schema}});
            body["toolConfig"] = json!({"tools": [{"toolSpec": tool}]});
        }
        _ => {
            let tool = json!({"name": TOOL, "description": "d", "parameters": schema});
            body["tools"] = json!([{"type": "function", "function": tool}]);
        }
    }
    body
}

/// The next turn: the answer with the call as it came, and what the tool answered.
pub(super) fn next_turn(format: &str, mut body: Value, answer: &Value) -> Value {
    let mut add = |list: &str, items: Vec<Value>| {
        let turns = body[list].as_array_mut().unwrap();
        turns.extend(items);
    };
    match format {
        "responses" => {
            let call = answer["output"][0].clone();
            let result = json!({"type": "function_call_output", "call_id": call["call_id"], "output": RESULT});
            body["input"] = json!([{"role": "user", "content": "Hi"}, call, result]);
        }
        "messages" => {
            let result = json!({"type": "tool_result", "tool_use_id": answer["content"][0]["id"], "content": RESULT});
            add(
                "messages",
                vec![
                    json!({"role": "assistant", "content": answer["content"]}),
                    json!({"role": "user", "content": [result]}),
                ],
            );
        }
        "gemini" => {
            let content = answer["candidates"][0]["content"].clone();
            let result = json!({"name": TOOL, "id": content["parts"][0]["functionCall"]["id"], "response": {"result": RESULT}});
            add(
                "contents",
                vec![
                    content,
                    json!({"role": "user", "parts": [{"functionResponse": result}]}),
                ],
            );
        }
        "converse" => {
            let message = answer["output"]["message"].clone();
            let id = message["content"][0]["toolUse"]["toolUseId"].clone();
            let result = json!({"toolUseId": id, "content": [{"text": RESULT}]});
            add(
                "messages",
                vec![
                    message,
                    json!({"role": "user", "content": [{"toolResult": result}]}),
                ],
            );
        }
        _ => {
            let message = match format {
                "chat" => answer["choices"][0]["message"].clone(),
                _ => answer["message"].clone(),
            };
            let id = message["tool_calls"][0]["id"].clone();
            add(
                "messages",
                vec![
                    message,
                    json!({"role": "tool", "tool_call_id": id, "content": RESULT}),
                ],
            );
        }
    }
    body
}

/// Where a plain answer has its text.
fn text_place(format: &str) -> &'static str {
    match format {
        "chat" => "/choices/0/message/content",
        "responses" => "/output/0/content/0/text",
        "messages" => "/content/0/text",
        "gemini" => "/candidates/0/content/parts/0/text",
        "converse" => "/output/message/content/0/text",
        _ => "/message/content/0/text",
    }
}

/// The text of a plain answer, and what its usage says went in and out.
pub(super) fn told(format: &str, answer: &Answer) -> (String, u64, u64) {
    assert_eq!(answer.status, 200, "{format}: {}", answer.text());
    let answer = answer.json();
    let text = answer.pointer(text_place(format)).and_then(Value::as_str);
    let (input, output) = match format {
        "chat" => ("/usage/prompt_tokens", "/usage/completion_tokens"),
        "gemini" => (
            "/usageMetadata/promptTokenCount",
            "/usageMetadata/candidatesTokenCount",
        ),
        "converse" => ("/usage/inputTokens", "/usage/outputTokens"),
        "cohere" => ("/usage/tokens/input_tokens", "/usage/tokens/output_tokens"),
        _ => ("/usage/input_tokens", "/usage/output_tokens"),
    };
    let count = |place: &str| answer.pointer(place).and_then(Value::as_u64);
    (
        text.unwrap_or_else(|| panic!("{format}: {answer}"))
            .to_owned(),
        count(input).unwrap_or_else(|| panic!("{format}: {answer}")),
        count(output).unwrap_or_else(|| panic!("{format}: {answer}")),
    )
}

/// The name and the arguments of the first call of a plain answer.
pub(super) fn called(format: &str, answer: &Value) -> (Value, Value) {
    let (name, arguments) = match format {
        "chat" => (
            "/choices/0/message/tool_calls/0/function/name",
            "/choices/0/message/tool_calls/0/function/arguments",
        ),
        "responses" => ("/output/0/name", "/output/0/arguments"),
        "messages" => ("/content/0/name", "/content/0/input"),
        "gemini" => (
            "/candidates/0/content/parts/0/functionCall/name",
            "/candidates/0/content/parts/0/functionCall/args",
        ),
        "converse" => (
            "/output/message/content/0/toolUse/name",
            "/output/message/content/0/toolUse/input",
        ),
        _ => (
            "/message/tool_calls/0/function/name",
            "/message/tool_calls/0/function/arguments",
        ),
    };
    let at = |place: &str| answer.pointer(place).cloned().unwrap_or_default();
    let arguments = match at(arguments) {
        Value::String(text) => serde_json::from_str(&text).unwrap(),
        other => other,
    };
    (at(name), arguments)
}

/// The text of a stream, which has to end as its format ends.
pub(super) fn streamed(format: &str, answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{format}: {}", answer.text());
    if format == "converse" {
        return from_frames(&answer.body);
    }
    let text = answer.text();
    let end = match format {
        "chat" => "data: [DONE]",
        "responses" => "response.completed",
        "messages" => "message_stop",
        "gemini" => "\"finishReason\":",
        _ => "message-end",
    };
    assert!(text.contains(end), "{format}: {text}");
    let place = match format {
        "chat" => "/choices/0/delta/content",
        "responses" => "/delta",
        "messages" => "/delta/text",
        "gemini" => "/candidates/0/content/parts/0/text",
        _ => "/delta/message/content/text",
    };
    text.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
        .filter(|event| format != "cohere" || event["type"] == "content-delta")
        .filter_map(|event| Some(event.pointer(place)?.as_str()?.to_owned()))
        .collect()
}

fn from_frames(mut bytes: &[u8]) -> String {
    let (mut text, mut ended) = (String::new(), false);
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
    while !bytes.is_empty() {
        let (whole, headers) = (number(bytes), number(&bytes[4..]));
        let payload: Value = serde_json::from_slice(&bytes[12 + headers..whole - 4]).unwrap();
        text.push_str(payload["delta"]["text"].as_str().unwrap_or_default());
        ended |= payload["stopReason"].is_string();
        bytes = &bytes[whole..];
    }
    assert!(ended);
    text
}

/// Where an error has its message.
pub(super) fn message_of(format: &str, answer: &Answer) -> Value {
    let json = answer.json();
    match format {
        "converse" | "cohere" => json["message"].clone(),
        _ => json["error"]["message"].clone(),
    }
}
