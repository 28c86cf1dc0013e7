//! A plain answer (<https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse>).

use super::cite::Grounds;
use super::gather::Gather;
use super::stream::Decode;
use super::write::arguments;
use super::{finish, logprobs, ruler::Ruler, sign, time, usage};
use crate::chat::{Answer, Choice, Finish, Media, Part, PartKind, Reasoned, Source, ToolCall};
use crate::codec::{Asked, BadAnswer, Decoder};
use crate::json::{Object, Value};

pub(super) fn read(body: &[u8]) -> Result<Answer, BadAnswer> {
    let value = Value::from_bytes(body)?;
    let mut decode = Decode::default();
    let mut gather = Gather::default();
    let mut events = Vec::new();
    // The answer to a stream that nobody cut is an array of its events.
    match &value {
        Value::Array(items) => {
            for item in items {
                decode.response(item, &mut events)?;
            }
        }
        one => decode.response(one, &mut events)?,
    }
    decode.finish(&mut events);
    gather.take(events)?;
    let mut answer = gather.answer();
    // An answer that says neither anything nor why it does not would pass for one that is complete.
    if answer.choices.is_empty() {
        return Err(BadAnswer::new("it has no candidates"));
    }
    let tier = super::names::field(&value, "usageMetadata")
        .and_then(|usage| super::names::text(usage, "serviceTier"));
    answer.service_tier = tier.map(|tier| match tier.to_ascii_lowercase().as_str() {
        "standard" => "default".to_owned(),
        other => other.to_owned(),
    });
    Ok(answer)
}

pub(super) fn write(answer: &Answer, asked: &Asked<'_>) -> Vec<u8> {
    let candidates: Vec<Value<'_>> = answer.choices.iter().map(candidate).collect();
    let model = if answer.model.is_empty() {
        asked.model
    } else {
        &answer.model
    };
    let id = if answer.id.is_empty() {
        asked.id
    } else {
        &answer.id
    };
    let mut object = Object::new().with("candidates", candidates);
    if let Some(used) = &answer.usage {
        let tier = answer.service_tier.as_deref().map(|tier| match tier {
            "default" => "standard",
            other => other,
        });
        object.push(
            "usageMetadata",
            usage::write(used).maybe("serviceTier", tier),
        );
    }
    object
        .with("modelVersion", model)
        .with("responseId", id)
        .maybe("createTime", answer.created.map(time::write))
        .to_bytes()
}

fn candidate(choice: &Choice) -> Value<'_> {
    let mut parts: Vec<Value<'_>> = Vec::new();
    let mut grounds = Grounds::default();
    let mut malformed = None;
    for part in &choice.parts {
        if let PartKind::Text(text, citations) = &part.kind {
            let mut ruler = Ruler::default();
            ruler.push(text);
            let place = u32::try_from(parts.len()).unwrap_or(u32::MAX);
            for citation in citations {
                grounds.add(place, citation, &ruler);
            }
        }
        match self::part(part) {
            Ok(Some(part)) => parts.push(part.into()),
            Ok(None) => {}
            Err(call) => malformed = Some(call),
        }
    }
    let mut object = Object::new().with(
        "content",
        Object::new().with("parts", parts).with("role", "model"),
    );
    if let Some(call) = malformed {
        object.push("finishReason", finish::write(&Finish::MalformedCall));
        object.push("finishMessage", malformed_message(&call.name));
    } else if let Some(finish) = &choice.finish {
        object.push("finishReason", finish::write(finish));
    }
    object.push("index", choice.index);
    if let Some(grounds) = grounds.object() {
        object.push("groundingMetadata", grounds.into_owned());
    }
    if !choice.logprobs.is_empty() {
        object.push("logprobsResult", logprobs::write(&choice.logprobs));
    }
    object.into()
}

pub(super) fn malformed_message(tool: &str) -> String {
    format!("Malformed function call: the arguments of {tool} are not a JSON object.")
}

/// A part as a caller gets it; the call whose arguments are no object, as there is no place for those.
fn part<'p>(part: &'p Part<'p>) -> Result<Option<Object<'p>>, &'p ToolCall<'p>> {
    Ok(match &part.kind {
        PartKind::Text(text, _) | PartKind::Refusal(text) => {
            (!text.is_empty()).then(|| Object::new().with("text", text))
        }
        PartKind::Reasoning(reasoned) => thinking(reasoned),
        PartKind::ToolCall(call) => {
            let Some(arguments) = arguments(&call.arguments) else {
                return Err(call);
            };
            let function = Object::new()
                .with("id", &call.id)
                .with("name", &call.name)
                .with("args", arguments);
            let signature = call.signature.as_ref().map(sign::write);
            let object = Object::new().with("functionCall", function);
            Some(object.maybe("thoughtSignature", signature))
        }
        PartKind::Media(media) => blob(media),
        PartKind::ToolResult(_) => None,
    })
}

fn thinking<'p>(reasoned: &'p Reasoned<'p>) -> Option<Object<'p>> {
    let signature = reasoned.signature.as_ref().map(sign::write);
    if signature.is_none() && reasoned.text.is_empty() {
        return None;
    }
    let foreign = reasoned
        .signature
        .as_ref()
        .is_some_and(|one| one.from != crate::Format::Gemini);
    let mut object = Object::new();
    // Without a text at all it is reasoning that is hidden as a whole.
    if !reasoned.redacted {
        object.push("text", &reasoned.text);
    }
    if foreign || !reasoned.text.is_empty() {
        object.push("thought", true);
    }
    Some(object.maybe("thoughtSignature", signature))
}

fn blob<'p>(media: &'p Media<'p>) -> Option<Object<'p>> {
    Some(match &media.source {
        Source::Base64(data) => Object::new().with(
            "inlineData",
            Object::new()
                .with(
                    "mimeType",
                    media
                        .media_type
                        .as_deref()
                        .unwrap_or("application/octet-stream"),
                )
                .with("data", data),
        ),
        Source::Url(url) | Source::File(url) => Object::new().with(
            "fileData",
            Object::new()
                .maybe("mimeType", media.media_type.as_ref())
                .with("fileUri", url),
        ),
        Source::Text(text) => Object::new().with("text", text),
    })
}
