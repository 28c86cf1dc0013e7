//! A plain answer (<https://docs.cohere.com/reference/chat#response>).

use super::{cite, usage};
use crate::Format;
use crate::chat::{
    Answer, Choice, Citation, Finish, Logprob, Part, PartKind, Reasoned, Signature, TokenLogprob,
    ToolCall,
};
use crate::codec::{Asked, BadAnswer};
use crate::dialect::anthropic::markdown;
use crate::json::{Object, Text, Value};

pub(super) fn read(body: &[u8]) -> Result<Answer, BadAnswer> {
    let value = Value::from_bytes(body)?;
    let message = value
        .get("message")
        .filter(|message| message.as_object().is_some());
    let message = message.ok_or_else(|| BadAnswer::new("it holds no message"))?;
    let mut parts = Vec::new();
    if let Some(plan) = text(message, "tool_plan").filter(|plan| !plan.is_empty()) {
        parts.push(Part::new(thinking(plan, None)));
    }
    content(message, &mut parts);
    for call in message
        .get("tool_calls")
        .and_then(Value::as_array)
        .unwrap_or_default()
    {
        parts.push(Part::new(PartKind::ToolCall(tool_call(call))));
    }
    let finish = value
        .get("finish_reason")
        .and_then(Value::as_str)
        .map(finish);
    let tokens = value
        .get("logprobs")
        .and_then(Value::as_array)
        .unwrap_or_default();
    Ok(Answer {
        id: text(&value, "id").unwrap_or_default().to_owned(),
        choices: vec![Choice {
            index: 0,
            parts,
            finish,
            logprobs: tokens.iter().map(logprob).collect(),
        }],
        usage: value.get("usage").and_then(usage::read),
        ..Answer::default()
    })
}

fn text<'v>(value: &'v Value<'_>, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

fn content(message: &Value<'_>, parts: &mut Vec<Part<'static>>) {
    let citations = message
        .get("citations")
        .and_then(Value::as_array)
        .unwrap_or_default();
    let blocks = match message.get("content") {
        Some(Value::Array(blocks)) => blocks.as_slice(),
        Some(one @ Value::String(_)) => std::slice::from_ref(one),
        _ => &[],
    };
    let mut first_text = None;
    for (index, block) in blocks.iter().enumerate() {
        if let Some(words) = text(block, "thinking") {
            let signature = text(block, "signature").map(str::to_owned);
            parts.push(Part::new(thinking(words, signature)));
            continue;
        }
        let Some(words) = block.as_str().or_else(|| text(block, "text")) else {
            continue;
        };
        let first = *first_text.get_or_insert(index);
        // Without an index a citation is one of the first text.
        let own = |citation: &&Value<'_>| {
            let of = citation.get("content_index").and_then(Value::as_u64);
            of.map_or(first == index, |of| of == index as u64)
        };
        let cited: Vec<Citation<'static>> =
            citations.iter().filter(own).flat_map(cite::read).collect();
        parts.push(Part::new(PartKind::Text(
            Text::new(words.to_owned()),
            cited,
        )));
    }
}

fn thinking(words: &str, signature: Option<String>) -> PartKind<'static> {
    PartKind::Reasoning(Reasoned {
        text: Text::new(words.to_owned()),
        summary: false,
        signature: signature.map(|token| Signature::from_token(token.into(), Format::Cohere)),
        redacted: false,
    })
}

fn tool_call(call: &Value<'_>) -> ToolCall<'static> {
    let function = call.get("function");
    let inside = |name| function.and_then(|function| text(function, name));
    let signature = text(call, "signature").map(str::to_owned);
    ToolCall {
        id: text(call, "id").unwrap_or_default().to_owned().into(),
        name: inside("name").unwrap_or_default().to_owned().into(),
        arguments: Text::new(inside("arguments").unwrap_or("{}").to_owned()),
        signature: signature.map(|token| Signature::from_token(token.into(), Format::Cohere)),
    }
}

/// The tokens of a piece are not told apart, so that a piece counts as one: how likely all of it was.
pub(super) fn logprob(item: &Value<'_>) -> TokenLogprob {
    let each = item
        .get("logprobs")
        .and_then(Value::as_array)
        .unwrap_or_default();
    TokenLogprob {
        token: Logprob {
            token: text(item, "text").unwrap_or_default().to_owned(),
            logprob: each.iter().filter_map(Value::as_f64).sum(),
            bytes: None,
        },
        top: Vec::new(),
    }
}

pub(super) fn write_logprob(token: &TokenLogprob) -> Object<'_> {
    let none: Vec<Value<'_>> = Vec::new();
    Object::new()
        .with("text", &token.token.token)
        .with("token_ids", none)
        .with("logprobs", vec![token.token.logprob])
}

/// Why an answer ends (<https://docs.cohere.com/reference/chat#response.body.finish_reason>).
pub(super) fn finish(reason: &str) -> Finish {
    match reason {
        "COMPLETE" => Finish::Stop,
        "STOP_SEQUENCE" => Finish::StopSequence(None),
        "MAX_TOKENS" => Finish::Length,
        "TOOL_CALL" => Finish::ToolCalls,
        "ERROR" => Finish::Failed,
        "ERROR_TOXIC" => Finish::ContentFilter,
        "ERROR_LIMIT" => Finish::ContextFull,
        other => Finish::Other(other.to_owned()),
    }
}

pub(super) fn write_finish(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Pause => "COMPLETE",
        Finish::StopSequence(_) => "STOP_SEQUENCE",
        Finish::Length => "MAX_TOKENS",
        Finish::ToolCalls => "TOOL_CALL",
        Finish::ContentFilter | Finish::Refusal => "ERROR_TOXIC",
        Finish::ContextFull => "ERROR_LIMIT",
        Finish::Other(name) if name == "TIMEOUT" => "TIMEOUT",
        Finish::MalformedCall | Finish::Failed | Finish::Other(_) => "ERROR",
    }
}

pub(super) fn write(answer: &Answer, asked: &Asked<'_>) -> Vec<u8> {
    let id = if answer.id.is_empty() {
        asked.id
    } else {
        &answer.id
    };
    // Cohere has one answer.
    let choice = answer.choices.first();
    let parts = choice
        .map(|choice| choice.parts.as_slice())
        .unwrap_or_default();
    let finish = choice.and_then(|choice| choice.finish.as_ref());
    let mut object = Object::new()
        .with("id", id)
        .with("finish_reason", finish.map_or("COMPLETE", write_finish))
        .with("message", message(parts, &cite::Names::of(asked)))
        .maybe("usage", answer.usage.as_ref().map(usage::write));
    let tokens = choice
        .map(|choice| choice.logprobs.as_slice())
        .unwrap_or_default();
    if !tokens.is_empty() {
        let tokens: Vec<Object<'_>> = tokens.iter().map(write_logprob).collect();
        object.push("logprobs", tokens);
    }
    object.to_bytes()
}

fn message<'p>(parts: &'p [Part<'p>], names: &cite::Names) -> Object<'p> {
    let mut blocks: Vec<Object<'p>> = Vec::new();
    let mut calls: Vec<Object<'p>> = Vec::new();
    let mut citations: Vec<Object<'p>> = Vec::new();
    for part in parts {
        match &part.kind {
            PartKind::Text(text, cited) => {
                let index = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
                citations.extend(cited.iter().map(|one| cite::write(one, text, index, names)));
                blocks.push(Object::new().with("type", "text").with("text", text));
            }
            PartKind::Refusal(text) => {
                blocks.push(Object::new().with("type", "text").with("text", text));
            }
            PartKind::Reasoning(reasoned) => {
                let signature = reasoned
                    .signature
                    .as_ref()
                    .map(|one| one.to_token(Format::Cohere));
                blocks.push(
                    Object::new()
                        .with("type", "thinking")
                        .with("thinking", &reasoned.text)
                        .maybe("signature", signature),
                );
            }
            PartKind::ToolCall(call) => {
                let signature = call
                    .signature
                    .as_ref()
                    .map(|one| one.to_token(Format::Cohere));
                let function = Object::new()
                    .with("name", &call.name)
                    .with("arguments", &call.arguments);
                calls.push(
                    Object::new()
                        .with("id", &call.id)
                        .with("type", "function")
                        .with("function", function)
                        .maybe("signature", signature),
                );
            }
            PartKind::Media(file) => {
                let text = markdown(file);
                blocks.push(Object::new().with("type", "text").with("text", text));
            }
            // Models give no results.
            PartKind::ToolResult(_) => {}
        }
    }
    let mut object = Object::new().with("role", "assistant");
    if !calls.is_empty() {
        object.push("tool_calls", calls);
    }
    if !blocks.is_empty() {
        object.push("content", blocks);
    }
    if !citations.is_empty() {
        object.push("citations", citations);
    }
    object
}
