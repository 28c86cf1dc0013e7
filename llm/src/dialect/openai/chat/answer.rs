//! A plain answer, both ways (<https://platform.openai.com/docs/api-reference/chat/object>).

use crate::Usage;
use crate::chat::{
    Answer, Choice, Finish, Media, MediaKind, Part, PartKind, Reasoned, Source, ToolCall,
};
use crate::codec::{Asked, BadAnswer};
use crate::dialect::openai::typed::said;
use crate::json::{Object, Text, Value};

use super::read::{data_url, thinking};
use super::write::{data_url as as_data_url, sniffed};
use super::{citation, finish, logprobs, reasoning};

pub(super) fn read(body: &[u8]) -> Result<Answer, BadAnswer> {
    let value = Value::from_bytes(body)?;
    let answer = value
        .as_object()
        .ok_or_else(|| BadAnswer::new("it is no object"))?;
    let choices = value
        .get("choices")
        .and_then(Value::as_array)
        .ok_or_else(|| BadAnswer::new("it has no choices"))?;
    let beside = citation::beside(&value);
    let mut read: Vec<Choice> = Vec::with_capacity(choices.len());
    for (at, one) in (0..).zip(choices) {
        let mut choice = choice(one, at)?;
        if !beside.is_empty() {
            cite(&mut choice.parts, &beside);
        }
        read.push(choice);
    }
    Ok(Answer {
        id: said(answer, "id").unwrap_or_default(),
        model: said(answer, "model").unwrap_or_default(),
        created: value.get("created").and_then(Value::as_i64),
        choices: read,
        usage: value.get("usage").and_then(Usage::of_openai),
        service_tier: said(answer, "service_tier"),
    })
}

/// Adds citations to the first text.
fn cite(parts: &mut [Part<'static>], citations: &[crate::chat::Citation<'static>]) {
    for part in parts {
        if let PartKind::Text(_, cited) = &mut part.kind {
            cited.extend_from_slice(citations);
            return;
        }
    }
}

fn choice(value: &Value<'_>, at: u32) -> Result<Choice, BadAnswer> {
    if value.as_object().is_none() {
        return Err(BadAnswer::new("a choice is no object"));
    }
    // Azure leaves the message out where its filter stepped in.
    let message = value.get("message").and_then(Value::as_object);
    let parts = message
        .map(|message| message_parts(message, at))
        .unwrap_or_default();
    let calls = parts
        .iter()
        .any(|part| matches!(part.kind, PartKind::ToolCall(_)));
    let index = value.get("index").and_then(Value::as_u64);
    Ok(Choice {
        index: index.and_then(|n| u32::try_from(n).ok()).unwrap_or(at),
        parts,
        finish: value
            .get("finish_reason")
            .and_then(Value::as_str)
            .map(|reason| finish::read(reason, calls)),
        logprobs: value
            .get("logprobs")
            .map(logprobs::read)
            .unwrap_or_default(),
    })
}

/// In the order in which a model says them: reasoning, words, a refusal, files, calls.
fn message_parts(message: &Object<'_>, choice: u32) -> Vec<Part<'static>> {
    let mut parts: Vec<Part<'static>> = reasoning::of_message(message, "")
        .into_iter()
        .map(owned)
        .collect();
    let annotations = message.get("annotations").and_then(Value::as_array);
    let mut citations: Vec<_> = annotations
        .into_iter()
        .flatten()
        .filter_map(citation::read)
        .collect();
    content(message, &mut parts);
    if let Some(Part {
        kind: PartKind::Text(_, cited),
        ..
    }) = parts
        .iter_mut()
        .find(|part| matches!(part.kind, PartKind::Text(..)))
    {
        cited.append(&mut citations);
    }
    if let Some(refusal) = said(message, "refusal") {
        parts.push(Part::new(PartKind::Refusal(Text::new(refusal))));
    }
    files(message, &mut parts);
    let calls = message.get("tool_calls").and_then(Value::as_array);
    for (index, call) in calls.into_iter().flatten().enumerate() {
        parts.extend(tool_call(call, choice, index));
    }
    if let Some(call) = message.get("function_call") {
        let made = format!("call_{choice}_0");
        parts.extend(function(call, "arguments", made, None));
    }
    parts
}

/// Text, or Mistral's parts of it.
fn content(message: &Object<'_>, parts: &mut Vec<Part<'static>>) {
    match message.get("content") {
        Some(Value::String(text)) if !text.is_empty() => parts.push(Part::text(text.to_string())),
        Some(Value::Array(items)) => {
            for item in items.iter().filter_map(Value::as_object) {
                match item.get("type").and_then(Value::as_str) {
                    Some("text") => parts.extend(said(item, "text").map(Part::text)),
                    Some("thinking") => {
                        parts.push(Part::new(PartKind::Reasoning(Reasoned {
                            text: Text::new(thinking(item)),
                            summary: false,
                            signature: None,
                            redacted: false,
                        })));
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// What the model said aloud, with the words of it, and OpenRouter's images.
fn files(message: &Object<'_>, parts: &mut Vec<Part<'static>>) {
    if let Some(audio) = message.get("audio").and_then(Value::as_object) {
        parts.extend(said(audio, "transcript").map(Part::text));
        if let Some(data) = said(audio, "data") {
            let source = Source::Base64(data.into());
            parts.push(made(MediaKind::Audio, source, None));
        }
    }
    let images = message.get("images").and_then(Value::as_array);
    for image in images.into_iter().flatten() {
        let url = image.get("image_url").and_then(|one| one.get("url"));
        if let Some(url) = url.and_then(Value::as_str) {
            let (source, media_type) = data_url(url.to_owned().into());
            parts.push(made(MediaKind::Image, source, media_type));
        }
    }
}

pub(super) fn made(
    kind: MediaKind,
    source: Source<'static>,
    media_type: Option<std::borrow::Cow<'static, str>>,
) -> Part<'static> {
    Part::new(PartKind::Media(Media {
        kind,
        source,
        media_type,
        name: None,
        detail: None,
        citations: false,
    }))
}

fn tool_call(call: &Value<'_>, choice: u32, index: usize) -> Option<Part<'static>> {
    let object = call.as_object()?;
    // Some servers give no id.
    let id = said(object, "id").unwrap_or_else(|| format!("call_{choice}_{index}"));
    let signature = reasoning::call_signature(object).map(|one| crate::chat::Signature {
        from: one.from,
        data: one.data.into_owned().into(),
    });
    match call.get("custom") {
        Some(custom) => function(custom, "input", id, signature),
        None => function(call.get("function")?, "arguments", id, signature),
    }
}

fn function(
    function: &Value<'_>,
    arguments: &str,
    id: String,
    signature: Option<crate::chat::Signature<'static>>,
) -> Option<Part<'static>> {
    let arguments = match function.get(arguments) {
        Some(Value::String(text)) => text.to_string(),
        // Ollama's older servers send the object itself.
        Some(value @ Value::Object(_)) => value.to_json(),
        _ => String::new(),
    };
    Some(Part::new(PartKind::ToolCall(ToolCall {
        id: id.into(),
        name: function.get("name")?.as_str()?.to_owned().into(),
        arguments: Text::new(arguments),
        signature,
    })))
}

/// A part of an answer that outlives its body.
fn owned(part: Part<'_>) -> Part<'static> {
    let kind = match part.kind {
        PartKind::Reasoning(one) => PartKind::Reasoning(Reasoned {
            text: one.text.into_owned(),
            summary: one.summary,
            signature: one.signature.map(|signature| crate::chat::Signature {
                from: signature.from,
                data: signature.data.into_owned().into(),
            }),
            redacted: one.redacted,
        }),
        _ => return Part::text(""),
    };
    Part::new(kind)
}

pub(super) fn write(answer: &Answer, asked: &Asked<'_>) -> Vec<u8> {
    let choices: Vec<Object<'_>> = answer
        .choices
        .iter()
        .map(|choice| write_choice(choice, asked))
        .collect();
    let body = Object::new()
        .with("id", id_of(&answer.id, asked))
        .with("object", "chat.completion")
        .with("created", answer.created.unwrap_or(asked.now))
        .with("model", model_of(&answer.model, asked))
        .with("choices", choices)
        .maybe("usage", answer.usage.as_ref().map(usage))
        .maybe(
            "service_tier",
            answer.service_tier.as_deref().and_then(tier),
        );
    body.to_bytes()
}

/// What OpenAI calls the tier of another provider's; `None` for one that it has no name for, as SDKs refuse others.
pub(crate) fn tier(name: &str) -> Option<&'static str> {
    const OWN: [&str; 6] = ["auto", "default", "flex", "scale", "priority", "fast"];
    match name {
        // Anthropic's and Google's.
        "standard" | "standard_only" => Some("default"),
        _ => OWN.into_iter().find(|own| *own == name),
    }
}

/// The provider's name of an answer, or one that is made.
pub(super) fn id_of(id: &str, asked: &Asked<'_>) -> String {
    match id {
        "" => format!("chatcmpl-{}", asked.id),
        id => id.to_owned(),
    }
}

/// The model that answers, or else the one that was asked for.
pub(super) fn model_of(model: &str, asked: &Asked<'_>) -> String {
    match model {
        "" => asked.model.to_owned(),
        model => model.to_owned(),
    }
}

/// `usage` as OpenAI writes it; `cache_write_tokens` is OpenRouter's
/// (<https://openrouter.ai/docs/use-cases/usage-accounting>).
pub(crate) fn usage(usage: &Usage) -> Object<'static> {
    let prompt = Object::new()
        .with("cached_tokens", usage.cached.unwrap_or(0))
        .maybe("cache_write_tokens", usage.cache_write)
        .with("audio_tokens", usage.audio_input.unwrap_or(0));
    let completion = Object::new()
        .with("reasoning_tokens", usage.reasoning.unwrap_or(0))
        .with("audio_tokens", usage.audio_output.unwrap_or(0));
    Object::new()
        .with("prompt_tokens", usage.input)
        .with("completion_tokens", usage.output)
        .with("total_tokens", usage.input.saturating_add(usage.output))
        .with("prompt_tokens_details", prompt)
        .with("completion_tokens_details", completion)
}

/// What a choice's parts come to, by the field that each goes into.
#[derive(Default)]
struct Message<'c> {
    text: String,
    said: bool,
    refusal: Option<String>,
    annotations: Vec<Object<'static>>,
    reasoned: Vec<&'c Reasoned<'static>>,
    calls: Vec<Object<'c>>,
    images: Vec<Object<'static>>,
    audio: Option<&'c str>,
}

fn write_choice<'c>(choice: &'c Choice, asked: &Asked<'_>) -> Object<'c> {
    let mut parts = Message::default();
    for part in &choice.parts {
        parts.add(part);
    }
    let content = if parts.said && parts.audio.is_none() {
        parts.text.clone().into()
    } else {
        Value::Null
    };
    let refused = parts.refusal.is_some();
    let mut message = Object::new()
        .with("role", "assistant")
        .with("content", content)
        .with("refusal", parts.refusal.map_or(Value::Null, Value::from));
    reasoning::write(&parts.reasoned, &mut message);
    if !parts.annotations.is_empty() {
        message.push("annotations", parts.annotations);
    }
    if let Some(data) = parts.audio {
        let audio = Object::new()
            .with("id", format!("audio_{}", asked.id))
            .with("data", data)
            .with("expires_at", asked.now)
            .with("transcript", parts.text);
        message.push("audio", audio);
    }
    if !parts.images.is_empty() {
        message.push("images", parts.images);
    }
    if !parts.calls.is_empty() {
        message.push("tool_calls", parts.calls);
    }
    let logprobs = match choice.logprobs.as_slice() {
        [] => Value::Null,
        tokens => Object::new()
            .with("content", logprobs::write(tokens))
            .with("refusal", Value::Null)
            .into(),
    };
    // A whole answer that gives no reason has said all.
    let finish = choice.finish.as_ref().unwrap_or(&Finish::Stop);
    Object::new()
        .with("index", choice.index)
        .with("message", message)
        .with("logprobs", logprobs)
        .with("finish_reason", finish::write(finish, refused))
}

impl<'c> Message<'c> {
    fn add(&mut self, part: &'c Part<'static>) {
        match &part.kind {
            PartKind::Text(text, citations) => {
                let before = self.text.chars().count() as u64;
                let characters = text.chars().count() as u64;
                let written = citations
                    .iter()
                    .map(|one| citation::write(one, before, characters));
                self.annotations.extend(written);
                self.text.push_str(text);
                self.said = true;
            }
            PartKind::Refusal(text) => {
                self.refusal.get_or_insert_default().push_str(text);
            }
            PartKind::Reasoning(reasoned) => self.reasoned.push(reasoned),
            PartKind::ToolCall(call) => self.calls.push(write_call(call)),
            PartKind::Media(media) => match (&media.source, media.kind) {
                (Source::Base64(data), MediaKind::Audio) => self.audio = Some(data),
                (source, _) => self.images.extend(image(source, media)),
            },
            PartKind::ToolResult(_) => {}
        }
    }
}

fn image(source: &Source<'_>, media: &Media<'_>) -> Option<Object<'static>> {
    let url = match source {
        Source::Base64(data) => {
            let media_type = media.media_type.as_deref().unwrap_or_else(|| sniffed(data));
            as_data_url(media_type, data)
        }
        Source::Url(url) => url.to_string(),
        _ => return None,
    };
    Some(image_part(url))
}

/// OpenRouter's shape (<https://openrouter.ai/docs/features/multimodal/image-generation>).
pub(super) fn image_part(url: String) -> Object<'static> {
    Object::new()
        .with("type", "image_url")
        .with("image_url", Object::new().with("url", url))
}

fn write_call<'c>(call: &'c ToolCall<'_>) -> Object<'c> {
    let arguments: &str = match call.arguments.trim() {
        "" => "{}",
        _ => &call.arguments,
    };
    let function = Object::new()
        .with("name", &call.name)
        .with("arguments", arguments);
    Object::new()
        .with("id", &call.id)
        .with("type", "function")
        .with("function", function)
        .maybe(
            "extra_content",
            call.signature.as_ref().map(reasoning::extra_content),
        )
}
