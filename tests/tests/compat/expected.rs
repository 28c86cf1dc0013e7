//! What an answer says, read off it by its wire's field names and by nothing that Weir reads with.

use serde_json::{Value, json};

use crate::played::{Played, Wire};

/// What a caller has to get.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    text: String,
    /// Each call's name, and its arguments as they came.
    calls: Vec<(String, String)>,
    /// The provider says how many tokens were used.
    usage: bool,
}

impl Expected {
    /// As the scripts read it.
    pub(crate) fn json(&self) -> Value {
        let calls = self.calls.iter().map(|(name, arguments)| {
            let arguments: Value = match arguments.as_str() {
                "" => json!({}),
                text => serde_json::from_str(text).unwrap(),
            };
            json!({"name": name, "arguments": arguments})
        });
        json!({"text": self.text, "calls": calls.collect::<Vec<_>>(), "usage": self.usage})
    }

    fn say(&mut self, text: &Value) {
        self.text.push_str(text.as_str().unwrap_or_default());
    }

    fn call(&mut self, name: &Value, arguments: &Value) {
        let arguments = match arguments {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            object => object.to_string(),
        };
        let name = name.as_str().unwrap().to_owned();
        self.calls.push((name, arguments));
    }

    fn go_on(&mut self, more: &Value) {
        if let (Some((_, arguments)), Some(more)) = (self.calls.last_mut(), more.as_str()) {
            arguments.push_str(more);
        }
    }
}

/// What a played answer says.
pub(crate) fn expected(wire: Wire, played: &Played) -> Expected {
    let mut said = Expected::default();
    match &*played.content_type {
        "text/event-stream" => {
            for line in String::from_utf8(played.body.clone()).unwrap().lines() {
                let data = line.strip_prefix("data:").map(str::trim);
                if let Some(event) = data.and_then(|data| serde_json::from_str(data).ok()) {
                    streamed(wire, &event, &mut said);
                }
            }
        }
        "application/vnd.amazon.eventstream" => {
            for event in payloads(&played.body) {
                streamed(wire, &event, &mut said);
            }
        }
        _ => plain(
            wire,
            &serde_json::from_slice(&played.body).unwrap(),
            &mut said,
        ),
    }
    said
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn plain(wire: Wire, body: &Value, said: &mut Expected) {
    said.usage |= has_usage(wire, body);
    match wire {
        Wire::Chat => {
            let message = &body["choices"][0]["message"];
            said.say(&message["content"]);
            for call in items(&message["tool_calls"]) {
                said.call(&call["function"]["name"], &call["function"]["arguments"]);
            }
        }
        Wire::Responses => {
            for item in items(&body["output"]) {
                match item["type"].as_str() {
                    Some("message") => items(&item["content"]).for_each(|p| said.say(&p["text"])),
                    Some("function_call") => said.call(&item["name"], &item["arguments"]),
                    _ => {}
                }
            }
        }
        Wire::Messages => {
            for block in items(&body["content"]) {
                match block["type"].as_str() {
                    Some("text") => said.say(&block["text"]),
                    Some("tool_use") => said.call(&block["name"], &block["input"]),
                    _ => {}
                }
            }
        }
        Wire::Gemini => streamed(wire, body, said),
        Wire::Converse => {
            for block in items(&body["output"]["message"]["content"]) {
                said.say(&block["text"]);
                if let Some(call) = block.get("toolUse") {
                    said.call(&call["name"], &call["input"]);
                }
            }
        }
        Wire::Cohere => {
            items(&body["message"]["content"]).for_each(|part| said.say(&part["text"]));
            for call in items(&body["message"]["tool_calls"]) {
                said.call(&call["function"]["name"], &call["function"]["arguments"]);
            }
        }
    }
}

fn streamed(wire: Wire, event: &Value, said: &mut Expected) {
    said.usage |= has_usage(wire, event);
    match wire {
        Wire::Chat => {
            let delta = &event["choices"][0]["delta"];
            said.say(&delta["content"]);
            for call in items(&delta["tool_calls"]) {
                let function = &call["function"];
                match function["name"].as_str() {
                    Some(_) => said.call(&function["name"], &function["arguments"]),
                    None => said.go_on(&function["arguments"]),
                }
            }
        }
        Wire::Responses => match event["type"].as_str() {
            Some("response.output_text.delta") => said.say(&event["delta"]),
            Some("response.output_item.done") if event["item"]["type"] == "function_call" => {
                said.call(&event["item"]["name"], &event["item"]["arguments"]);
            }
            _ => {}
        },
        Wire::Messages => {
            said.say(&event["delta"]["text"]);
            if event["content_block"]["type"] == "tool_use" {
                said.call(&event["content_block"]["name"], &Value::Null);
            }
            said.go_on(&event["delta"]["partial_json"]);
        }
        Wire::Gemini => {
            for part in items(&event["candidates"][0]["content"]["parts"]) {
                said.say(&part["text"]);
                if let Some(call) = part.get("functionCall") {
                    said.call(&call["name"], &call["args"]);
                }
            }
        }
        Wire::Converse => {
            said.say(&event["delta"]["text"]);
            if let Some(call) = event["start"].get("toolUse") {
                said.call(&call["name"], &Value::Null);
            }
            said.go_on(&event["delta"]["toolUse"]["input"]);
        }
        Wire::Cohere => {
            let message = &event["delta"]["message"];
            said.say(&message["content"]["text"]);
            let function = &message["tool_calls"]["function"];
            match function["name"].as_str() {
                Some(_) => said.call(&function["name"], &function["arguments"]),
                None => said.go_on(&function["arguments"]),
            }
        }
    }
}

fn has_usage(wire: Wire, value: &Value) -> bool {
    let place = match wire {
        Wire::Gemini => "/usageMetadata",
        Wire::Responses if value.get("response").is_some() => "/response/usage",
        Wire::Cohere if value.get("delta").is_some() => "/delta/usage",
        _ => "/usage",
    };
    value.pointer(place).is_some_and(Value::is_object)
}

/// The payloads of Amazon's event stream
/// (<https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html>): the length of all, that of the
/// headers, a checksum, headers, payload, a checksum.
fn payloads(mut bytes: &[u8]) -> Vec<Value> {
    let number = |at: &[u8]| u32::from_be_bytes(at[..4].try_into().unwrap()) as usize;
    let mut payloads = Vec::new();
    while !bytes.is_empty() {
        let (message, rest) = bytes.split_at(number(bytes));
        let payload = &message[12 + number(&message[4..])..message.len() - 4];
        payloads.push(serde_json::from_slice(payload).unwrap());
        bytes = rest;
    }
    payloads
}
