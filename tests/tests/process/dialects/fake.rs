//! A provider of each dialect, as its documentation says that it answers. The model's name says what it does:
//! `…-plain`, `…-tools`, `…-busy`.

use serde_json::{Value, json};
use weir_tests::upstream::{Seen, answer, stream};

/// What it says.
pub(super) const TEXT: &str = "Grüezi, \"Welt\" 🌊";
/// The tool that it calls.
pub(super) const TOOL: &str = "get_weather";
/// What it says when it is busy.
pub(super) const BUSY: &str = "Come back in a while.";

/// What the tool is called with.
pub(super) fn arguments() -> Value {
    json!({"city": "Zürich"})
}

/// The answer to a request, by its path.
pub(super) fn reply(seen: &Seen) -> Vec<u8> {
    let target = seen.head.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    let streamed = body["stream"] == true || path.contains("stream");
    let asked = format!("{path}{}", body["model"]);
    let tools = asked.contains("-tools");
    if asked.contains("-busy") {
        return busy(path);
    }
    if path.ends_with("/responses") {
        return answer(
            404,
            &[],
            r#"{"error":{"message":"Invalid URL (POST /v1/responses)","type":"invalid_request_error","param":null,"code":null}}"#,
        );
    }
    if path.contains("/converse") {
        return if streamed {
            frames(tools)
        } else {
            plain(&converse(tools))
        };
    }
    let (whole, events) =
        if path.contains("generateContent") || path.contains("streamGenerateContent") {
            (gemini(tools), vec![data(&gemini(tools))])
        } else if path.ends_with("/messages") {
            (messages(tools), messages_events(tools))
        } else if path.ends_with("/v2/chat") {
            (cohere(tools), cohere_events(tools))
        } else if path.ends_with("/chat/completions") {
            (chat(tools), chat_events(tools))
        } else {
            return answer(404, &[], "no such path");
        };
    if streamed {
        stream(&events)
    } else {
        plain(&whole)
    }
}

fn plain(body: &Value) -> Vec<u8> {
    let headers = [
        ("etag", "\"plain\""),
        ("content-md5", "XrY7u+Ae7tCTyyK7j1rNww=="),
    ];
    answer(200, &headers, &body.to_string())
}

fn data(event: &Value) -> String {
    format!("data: {event}\n\n")
}

/// Too many requests, as each says it.
fn busy(path: &str) -> Vec<u8> {
    let body = if path.contains("/converse") {
        json!({"message": BUSY})
    } else if path.contains("enerateContent") {
        json!({"error": {"code": 429, "message": BUSY, "status": "RESOURCE_EXHAUSTED"}})
    } else if path.ends_with("/messages") {
        json!({"type": "error", "error": {"type": "rate_limit_error", "message": BUSY}})
    } else if path.ends_with("/v2/chat") {
        json!({"message": BUSY})
    } else {
        json!({"error": {"message": BUSY, "type": "tokens", "param": null, "code": "rate_limit_exceeded"}})
    };
    let headers = [
        ("retry-after", "7"),
        ("x-ratelimit-remaining-requests", "0"),
        ("etag", "\"busy\""),
        // Bedrock's alone, which names its errors so.
        (
            "x-amzn-errortype",
            "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/",
        ),
    ];
    answer(429, &headers, &body.to_string())
}

fn chat_usage() -> Value {
    json!({"prompt_tokens": 100, "completion_tokens": 40, "total_tokens": 140})
}

fn chat(tools: bool) -> Value {
    let message = if tools {
        let call = json!({"id": "call_1", "type": "function",
            "function": {"name": TOOL, "arguments": arguments().to_string()}});
        json!({"role": "assistant", "content": null, "tool_calls": [call]})
    } else {
        json!({"role": "assistant", "content": TEXT})
    };
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "usage": chat_usage(),
        "choices": [{"index": 0, "message": message, "finish_reason": if tools { "tool_calls" } else { "stop" }}]})
}

fn chat_events(tools: bool) -> Vec<String> {
    let event = |choices: Value, usage: Value| {
        data(
            &json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": choices, "usage": usage}),
        )
    };
    let delta = |delta: Value, end: Value| {
        event(
            json!([{"index": 0, "delta": delta, "finish_reason": end}]),
            Value::Null,
        )
    };
    let (said, end) = if tools {
        let call = json!({"index": 0, "id": "call_1", "type": "function",
            "function": {"name": TOOL, "arguments": arguments().to_string()}});
        (
            json!({"role": "assistant", "tool_calls": [call]}),
            "tool_calls",
        )
    } else {
        (json!({"role": "assistant", "content": TEXT}), "stop")
    };
    vec![
        delta(said, Value::Null),
        delta(json!({}), end.into()),
        event(json!([]), chat_usage()),
        "data: [DONE]\n\n".into(),
    ]
}

fn messages(tools: bool) -> Value {
    let (content, reason) = if tools {
        let call = json!({"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": arguments()});
        (call, "tool_use")
    } else {
        (json!({"type": "text", "text": TEXT}), "end_turn")
    };
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [content],
        "stop_reason": reason, "stop_sequence": null, "usage": {"input_tokens": 100, "output_tokens": 40}})
}

fn messages_events(tools: bool) -> Vec<String> {
    let whole = messages(tools);
    let mut head = whole.clone();
    (head["content"], head["stop_reason"]) = (json!([]), Value::Null);
    let mut block = whole["content"][0].clone();
    let delta = if tools {
        block["input"] = json!({});
        json!({"type": "input_json_delta", "partial_json": arguments().to_string()})
    } else {
        block["text"] = "".into();
        json!({"type": "text_delta", "text": TEXT})
    };
    [
        json!({"type": "message_start", "message": head}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": null},
            "usage": {"output_tokens": 40}}),
        json!({"type": "message_stop"}),
    ]
    .iter()
    .map(|event| format!("event: {}\n{}", event["type"].as_str().unwrap(), data(event)))
    .collect()
}

fn gemini(tools: bool) -> Value {
    let part = if tools {
        json!({"functionCall": {"name": TOOL, "args": arguments()}})
    } else {
        json!({"text": TEXT})
    };
    json!({"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 40, "totalTokenCount": 140},
        "modelVersion": "m", "responseId": "r1"})
}

fn converse(tools: bool) -> Value {
    let (content, reason) = if tools {
        let call = json!({"toolUseId": "tooluse_1", "name": TOOL, "input": arguments()});
        (json!({"toolUse": call}), "tool_use")
    } else {
        (json!({"text": TEXT}), "end_turn")
    };
    json!({"output": {"message": {"role": "assistant", "content": [content]}}, "stopReason": reason,
        "usage": {"inputTokens": 100, "outputTokens": 40, "totalTokens": 140}, "metrics": {"latencyMs": 1}})
}

/// Converse's stream: frames of `application/vnd.amazon.eventstream`.
fn frames(tools: bool) -> Vec<u8> {
    let mut events = vec![("messageStart", json!({"role": "assistant"}))];
    let delta = if tools {
        let start = json!({"toolUse": {"toolUseId": "tooluse_1", "name": TOOL}});
        events.push((
            "contentBlockStart",
            json!({"contentBlockIndex": 0, "start": start}),
        ));
        json!({"toolUse": {"input": arguments().to_string()}})
    } else {
        json!({"text": TEXT})
    };
    let whole = converse(tools);
    events.extend([
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": delta}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        ("messageStop", json!({"stopReason": whole["stopReason"]})),
        (
            "metadata",
            json!({"usage": whole["usage"], "metrics": {"latencyMs": 1}}),
        ),
    ]);
    let mut body = Vec::new();
    for (name, payload) in events {
        body.extend(frame(name, payload.to_string().as_bytes()));
    }
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend(body);
    bytes
}

/// <https://smithy.io/2.0/aws/amazon-eventstream.html>
fn frame(name: &str, payload: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    for (key, value) in [
        (":event-type", name),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ] {
        headers.push(u8::try_from(key.len()).unwrap());
        headers.extend(key.as_bytes());
        headers.push(7);
        headers.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        headers.extend(value.as_bytes());
    }
    let size = |n: usize| u32::try_from(n).unwrap().to_be_bytes();
    let mut frame = size(16 + headers.len() + payload.len()).to_vec();
    frame.extend(size(headers.len()));
    frame.extend(crc32(&frame).to_be_bytes());
    frame.extend(headers);
    frame.extend(payload);
    frame.extend(crc32(&frame).to_be_bytes());
    frame
}

/// The checksum of gzip, a bit at a time.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fn cohere_usage() -> Value {
    json!({"billed_units": {"input_tokens": 100, "output_tokens": 40}, "tokens": {"input_tokens": 100, "output_tokens": 40}})
}

fn cohere(tools: bool) -> Value {
    let (message, reason) = if tools {
        let call = json!({"id": "get_1", "type": "function",
            "function": {"name": TOOL, "arguments": arguments().to_string()}});
        (
            json!({"role": "assistant", "tool_calls": [call]}),
            "TOOL_CALL",
        )
    } else {
        let content = json!([{"type": "text", "text": TEXT}]);
        (json!({"role": "assistant", "content": content}), "COMPLETE")
    };
    json!({"id": "c1", "message": message, "finish_reason": reason, "usage": cohere_usage()})
}

fn cohere_events(tools: bool) -> Vec<String> {
    let mut events = vec![
        json!({"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant"}}}),
    ];
    if tools {
        let call =
            json!({"id": "get_1", "type": "function", "function": {"name": TOOL, "arguments": ""}});
        let more = json!({"function": {"arguments": arguments().to_string()}});
        events.extend([
            json!({"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": call}}}),
            json!({"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": more}}}),
            json!({"type": "tool-call-end", "index": 0}),
        ]);
    } else {
        let start = json!({"type": "text", "text": ""});
        events.extend([
            json!({"type": "content-start", "index": 0, "delta": {"message": {"content": start}}}),
            json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": TEXT}}}}),
            json!({"type": "content-end", "index": 0}),
        ]);
    }
    let reason = if tools { "TOOL_CALL" } else { "COMPLETE" };
    events.push(
        json!({"type": "message-end", "delta": {"finish_reason": reason, "usage": cohere_usage()}}),
    );
    events
        .iter()
        .map(|event| {
            format!(
                "event: {}\n{}",
                event["type"].as_str().unwrap(),
                data(event)
            )
        })
        .collect()
}
