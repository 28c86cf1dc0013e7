//! Plain answers, both ways.

use super::turns::one;
use super::{block, file, usage};
use crate::Format;
use crate::chat::{Answer, Choice, Finish, Media, MediaKind, Part, PartKind, Reasoned, Source};
use crate::codec::BadAnswer;
use crate::dialect::anthropic::turns::input;
use crate::json::{Object, Value};

pub(super) fn read(body: &[u8]) -> Result<Answer, BadAnswer> {
    let body = Value::from_bytes(body)?.into_owned();
    let message = body.get("output").and_then(|output| output.get("message"));
    let content = message.and_then(|message| message.get("content"));
    let Some(Value::Array(blocks)) = content else {
        return Err(BadAnswer::new("it has no message"));
    };
    let mut parts = Vec::new();
    for value in blocks {
        // What is no word of the model's (steps of tools at the provider) stays out.
        if value.get("toolUse").is_some_and(block::at_the_provider) {
            continue;
        }
        let alone = Value::Array(vec![value.clone()]);
        let read = block::parts(&alone, "", &mut Vec::new()).unwrap_or_default();
        parts.extend(read.into_iter().map(|part| Part::new(part.kind)));
    }
    let reason = body.get("stopReason").and_then(Value::as_str);
    let tier = body.get("serviceTier").and_then(|tier| tier.get("type"));
    Ok(Answer {
        choices: vec![Choice {
            index: 0,
            parts,
            finish: reason.map(finish),
            logprobs: Vec::new(),
        }],
        usage: body.get("usage").and_then(usage::read),
        service_tier: tier.and_then(Value::as_str).map(str::to_owned),
        ..Answer::default()
    })
}

/// `stopReason`
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#bedrock-runtime_Converse-response-stopReason>).
pub(super) fn finish(reason: &str) -> Finish {
    match reason {
        "end_turn" => Finish::Stop,
        "stop_sequence" => Finish::StopSequence(None),
        "max_tokens" => Finish::Length,
        "model_context_window_exceeded" => Finish::ContextFull,
        "tool_use" => Finish::ToolCalls,
        "guardrail_intervened" | "content_filtered" => Finish::ContentFilter,
        "malformed_tool_use" => Finish::MalformedCall,
        "malformed_model_output" => Finish::Failed,
        "refusal" => Finish::Refusal,
        "pause_turn" => Finish::Pause,
        other => Finish::Other(other.to_owned()),
    }
}

/// The reason as the format has it. A model that declined is to it content that was filtered; a pause keeps its name.
pub(super) fn stop_reason(finish: &Finish) -> &str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::StopSequence(_) => "stop_sequence",
        Finish::Length => "max_tokens",
        Finish::ContextFull => "model_context_window_exceeded",
        Finish::ToolCalls => "tool_use",
        Finish::ContentFilter | Finish::Refusal => "content_filtered",
        Finish::MalformedCall => "malformed_tool_use",
        Finish::Failed => "malformed_model_output",
        Finish::Pause => "pause_turn",
        Finish::Other(other) => other,
    }
}

pub(super) fn write(answer: &Answer) -> Vec<u8> {
    let choice = answer.choices.first();
    let mut content: Vec<Value<'_>> = Vec::new();
    for part in choice.map(|choice| &*choice.parts).unwrap_or_default() {
        add_block(part, &mut content);
    }
    let finish = choice.and_then(|choice| choice.finish.as_ref());
    let message = Object::new()
        .with("role", "assistant")
        .with("content", Value::Array(content));
    let tier = answer
        .service_tier
        .as_deref()
        .filter(|tier| ["priority", "default", "flex", "reserved"].contains(tier));
    Object::new()
        .with("output", Object::new().with("message", message))
        .with("stopReason", stop_reason(finish.unwrap_or(&Finish::Stop)))
        .with("usage", usage::write(&answer.usage.unwrap_or_default()))
        .with("metrics", metrics())
        .maybe(
            "serviceTier",
            tier.map(|tier| Object::new().with("type", tier)),
        )
        .to_bytes()
}

/// The format wants to say how long it took, which nobody knows here.
pub(super) fn metrics() -> Object<'static> {
    Object::new().with("latencyMs", 0_u64)
}

fn add_block<'r>(part: &'r Part<'_>, content: &mut Vec<Value<'r>>) {
    let block = match &part.kind {
        PartKind::Text(text, citations) if !citations.is_empty() => {
            let cited = Object::new()
                .with("content", vec![Object::new().with("text", text)])
                .with(
                    "citations",
                    citations
                        .iter()
                        .map(block::write_citation)
                        .collect::<Value<'_>>(),
                );
            one("citationsContent", cited)
        }
        PartKind::Text(text, _) | PartKind::Refusal(text) => one("text", text),
        PartKind::Reasoning(reasoned) => one("reasoningContent", reasoning(reasoned)),
        PartKind::ToolCall(call) => {
            if let Some(signature) = &call.signature {
                let hidden = Object::new().with("redactedContent", block::to_hidden(signature));
                content.push(one("reasoningContent", hidden));
            }
            let call = Object::new()
                .with("toolUseId", &call.id)
                .with("name", &call.name)
                .with("input", input(&call.arguments));
            one("toolUse", call)
        }
        PartKind::Media(media) => made(media),
        // Models give no results.
        PartKind::ToolResult(_) => return,
    };
    content.push(block);
}

fn reasoning<'r>(reasoned: &'r Reasoned<'_>) -> Object<'r> {
    match &reasoned.signature {
        Some(signature) if reasoned.redacted => {
            Object::new().with("redactedContent", block::to_hidden(signature))
        }
        signature => {
            let token = signature
                .as_ref()
                .map(|signature| signature.to_token(Format::Converse));
            let words = Object::new()
                .with("text", &reasoned.text)
                .maybe("signature", token);
            Object::new().with("reasoningText", words)
        }
    }
}

/// A file that the model made: a block of it, or text that links to what no block can hold.
fn made<'r>(media: &'r Media<'_>) -> Value<'r> {
    let media_type = media.media_type.as_deref().unwrap_or("image/png");
    let format = file::format(media.kind, media_type);
    match (&media.source, format) {
        (Source::Base64(data), Some(format)) if media.kind != MediaKind::Document => {
            let made = Object::new()
                .with("format", format)
                .with("source", Object::new().with("bytes", data));
            one(file::field(media.kind), made)
        }
        (Source::Base64(data), _) => one("text", format!("![](data:{media_type};base64,{data})")),
        (Source::Text(text), _) => one("text", text),
        (Source::Url(place) | Source::File(place), _) => one("text", format!("![]({place})")),
    }
}
