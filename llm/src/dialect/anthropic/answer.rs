//! Plain answers, both ways.

use super::content;
use super::{citation, usage};
use crate::Format;
use crate::chat::{
    Answer, Choice, Finish, Media, Part, PartKind, Reasoned, Signature, Source, ToolCall,
};
use crate::codec::{Asked, BadAnswer};
use crate::json::{Object, Text, Value};

pub(super) fn read(body: &[u8]) -> Result<Answer, BadAnswer> {
    let body = Value::from_bytes(body)?.into_owned();
    let blocks = body.get("content").and_then(Value::as_array);
    let Some(blocks) = blocks else {
        return Err(BadAnswer::new("it has no content"));
    };
    let string = |name| body.get(name).and_then(Value::as_str);
    let mut parts = Vec::new();
    for block in blocks {
        // What is no word of the model's (steps of tools at the provider) stays out.
        let kept = content::parts(&Value::Array(vec![block.clone()]), "", &mut Vec::new());
        parts.extend(kept.unwrap_or_default().into_iter().map(|mut part| {
            part.path.clear();
            part
        }));
    }
    if let Some(said) = explanation(&body) {
        parts.push(Part::new(PartKind::Refusal(Text::new(said.to_owned()))));
    }
    let sequence = string("stop_sequence");
    let usage = body.get("usage").map(usage::Counts::read);
    Ok(Answer {
        id: string("id").unwrap_or_default().to_owned(),
        model: string("model").unwrap_or_default().to_owned(),
        created: None,
        choices: vec![Choice {
            index: 0,
            parts,
            finish: string("stop_reason").map(|reason| finish(reason, sequence)),
            logprobs: Vec::new(),
        }],
        usage: usage.and_then(usage::Counts::usage),
        service_tier: body
            .get("usage")
            .and_then(|usage| usage.get("service_tier"))
            .and_then(Value::as_str)
            .map(|tier| match tier {
                "standard" => "default".to_owned(),
                other => other.to_owned(),
            }),
    })
}

/// The tier as the format calls it; it knows no others.
fn tier(answer: &Answer) -> Option<&str> {
    match answer.service_tier.as_deref()? {
        "default" | "standard" => Some("standard"),
        tier @ ("priority" | "batch") => Some(tier),
        _ => None,
    }
}

/// What a refusal says of itself, where it does (`stop_details`,
/// <https://platform.claude.com/docs/en/test-and-evaluate/strengthen-guardrails/handle-streaming-refusals>).
pub(super) fn explanation<'v>(holder: &'v Value<'_>) -> Option<&'v str> {
    let details = holder.get("stop_details")?;
    let said = details.get("explanation").and_then(Value::as_str)?;
    (!said.trim().is_empty()).then_some(said)
}

/// `stop_reason` (<https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>).
pub(super) fn finish(reason: &str, sequence: Option<&str>) -> Finish {
    match reason {
        "end_turn" => Finish::Stop,
        "stop_sequence" => Finish::StopSequence(sequence.map(str::to_owned)),
        "max_tokens" => Finish::Length,
        "model_context_window_exceeded" => Finish::ContextFull,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::Refusal,
        "pause_turn" => Finish::Pause,
        "malformed_tool_use" => Finish::MalformedCall,
        "error" => Finish::Failed,
        other => Finish::Other(other.to_owned()),
    }
}

/// The reason as the format has it: a filter that stepped in is what it calls a refusal. A broken call and a failure bear
/// names that are not its own, as the format lets there be new ones.
pub(super) fn stop_reason(finish: &Finish) -> &str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::StopSequence(_) => "stop_sequence",
        Finish::Length => "max_tokens",
        Finish::ContextFull => "model_context_window_exceeded",
        Finish::ToolCalls => "tool_use",
        Finish::Refusal | Finish::ContentFilter => "refusal",
        Finish::Pause => "pause_turn",
        Finish::MalformedCall => "malformed_tool_use",
        Finish::Failed => "error",
        Finish::Other(other) => other,
    }
}

/// `stop_sequence`.
pub(super) fn stop_sequence(finish: &Finish) -> Value<'_> {
    match finish {
        Finish::StopSequence(Some(sequence)) => sequence.into(),
        _ => Value::Null,
    }
}

pub(super) fn write(answer: &Answer, asked: &Asked<'_>) -> Vec<u8> {
    let choice = answer.choices.first();
    let mut content: Vec<Value<'_>> = Vec::new();
    for part in choice.map(|choice| &*choice.parts).unwrap_or_default() {
        add_block(part, &mut content);
    }
    let finish = choice.and_then(|choice| choice.finish.as_ref());
    let finish = finish.unwrap_or(&Finish::Stop);
    let mut usage = usage::write(&answer.usage.unwrap_or_default());
    if let Some(tier) = tier(answer) {
        usage.push("service_tier", tier);
    }
    Object::new()
        .with("id", message_id(&answer.id, asked))
        .with("type", "message")
        .with("role", "assistant")
        .with("model", model(&answer.model, asked))
        .with("content", Value::Array(content))
        .with("stop_reason", stop_reason(finish))
        .with("stop_sequence", stop_sequence(finish))
        .with("usage", usage)
        .to_bytes()
}

pub(super) fn message_id(id: &str, asked: &Asked<'_>) -> String {
    match id {
        "" => format!("msg_{}", asked.id),
        id => id.to_owned(),
    }
}

pub(super) fn model<'r>(model: &'r str, asked: &Asked<'r>) -> &'r str {
    match model {
        "" => asked.model,
        model => model,
    }
}

fn add_block<'r>(part: &'r Part<'_>, content: &mut Vec<Value<'r>>) {
    let block = match &part.kind {
        PartKind::Text(text, citations) => {
            let cited = (!citations.is_empty())
                .then(|| citations.iter().map(citation::write).collect::<Value<'_>>());
            text_block(text).maybe("citations", cited)
        }
        PartKind::Refusal(text) => text_block(text),
        PartKind::Reasoning(reasoned) => reasoning(reasoned),
        PartKind::ToolCall(call) => {
            if let Some(signature) = &call.signature {
                content.push(redacted(signature).into());
            }
            tool_use(call)
        }
        PartKind::Media(file) => Object::new()
            .with("type", "text")
            .with("text", markdown(file)),
        // Models give no results.
        PartKind::ToolResult(_) => return,
    };
    content.push(block.into());
}

fn text_block(text: &str) -> Object<'_> {
    Object::new().with("type", "text").with("text", text)
}

fn tool_use<'r>(call: &'r ToolCall<'_>) -> Object<'r> {
    Object::new()
        .with("type", "tool_use")
        .with("id", &call.id)
        .with("name", &call.name)
        .with("input", super::turns::input(&call.arguments))
}

fn reasoning<'r>(reasoned: &'r Reasoned<'_>) -> Object<'r> {
    match &reasoned.signature {
        Some(signature) if reasoned.redacted => redacted(signature),
        signature => {
            let token = signature.as_ref().map(|one| one.to_token(Format::Messages));
            Object::new()
                .with("type", "thinking")
                .with("thinking", &reasoned.text)
                .with("signature", token.unwrap_or_default())
        }
    }
}

fn redacted<'r>(signature: &'r Signature<'_>) -> Object<'r> {
    Object::new()
        .with("type", "redacted_thinking")
        .with("data", signature.to_token(Format::Messages))
}

/// The format has no files in answers: they are shown as text that links to them.
pub(crate) fn markdown(file: &Media<'_>) -> String {
    let media_type = file.media_type.as_deref().unwrap_or("image/png");
    let place = match &file.source {
        Source::Base64(data) => format!("data:{media_type};base64,{data}"),
        Source::Text(text) => return text.to_string(),
        Source::Url(place) | Source::File(place) => place.to_string(),
    };
    format!("![]({place})")
}
