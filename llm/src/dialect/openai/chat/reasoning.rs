//! Reasoning in chat completions, which OpenAI's own API does not show: `reasoning_content` (DeepSeek, vLLM, SGLang,
//! xAI), `reasoning` (Groq, Ollama, OpenRouter), and OpenRouter's `reasoning_details`
//! (<https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks>), in which signatures
//! travel. Gemini's compatible API has the signature of a call in `extra_content.google.thought_signature`
//! (<https://ai.google.dev/gemini-api/docs/thought-signatures#openai>).

use crate::Format;
use crate::chat::{Part, PartKind, Reasoned, Signature};
use crate::json::{Object, Value};

/// The fields of a detail that are read as what they are.
const KNOWN: [&str; 6] = ["type", "text", "summary", "signature", "data", "index"];

/// What a message holds of reasoning; `path` is empty for an answer's.
pub(crate) fn of_message<'a>(message: &Object<'a>, path: &str) -> Vec<Part<'a>> {
    let at = |name: &str| match path {
        "" => String::new(),
        path => format!("{path}.{name}"),
    };
    let mut parts = Vec::new();
    let details = message.get("reasoning_details").and_then(Value::as_array);
    for (index, detail) in details.into_iter().flatten().enumerate() {
        let Some(reasoned) = detail.as_object().and_then(of_detail) else {
            continue;
        };
        parts.push(Part {
            kind: PartKind::Reasoning(reasoned),
            cache: None,
            path: at(&format!("reasoning_details[{index}]")),
        });
    }
    let told = parts.iter().any(|part| match &part.kind {
        PartKind::Reasoning(reasoned) => !reasoned.text.is_empty(),
        _ => false,
    });
    // The same words again, unless the details have none.
    let words = ["reasoning_content", "reasoning"]
        .into_iter()
        .find_map(|name| {
            let text = message.get(name)?.as_text()?;
            (!text.is_empty()).then_some((name, text))
        });
    if let (false, Some((name, text))) = (told, words) {
        let part = Part {
            kind: PartKind::Reasoning(Reasoned {
                text: text.clone(),
                summary: false,
                signature: None,
                redacted: false,
            }),
            cache: None,
            path: at(name),
        };
        parts.insert(0, part);
    }
    parts
}

/// One detail; `None` for a type that is not known.
pub(crate) fn of_detail<'a>(detail: &Object<'a>) -> Option<Reasoned<'a>> {
    let text = |name: &str| detail.get(name).and_then(Value::as_text).cloned();
    let (text, summary, redacted) = match detail.get("type")?.as_str()? {
        "reasoning.text" => (text("text"), false, false),
        "reasoning.summary" => (text("summary"), true, false),
        "reasoning.encrypted" => (None, false, true),
        _ => return None,
    };
    Some(Reasoned {
        text: text.unwrap_or_default(),
        summary,
        signature: signature(detail),
        redacted,
    })
}

/// What has to come back: the signature alone, or with it all else that a provider tells of a detail.
fn signature<'a>(detail: &Object<'a>) -> Option<Signature<'a>> {
    let token = detail.get("signature").or_else(|| detail.get("data"))?;
    let mut rest = Object::new();
    for (name, value) in detail.iter() {
        if !KNOWN.contains(&name) && !value.is_null() {
            rest.push(name.to_owned(), value.clone());
        }
    }
    let token = token.as_text()?;
    if rest.is_empty() {
        return Some(Signature::from_token(token.value.clone(), Format::Chat));
    }
    rest.push("signature", token.clone());
    Some(Signature {
        from: Format::Chat,
        data: Value::Object(rest).to_json().into(),
    })
}

/// A detail of it.
pub(crate) fn detail(reasoned: &Reasoned<'_>, index: u64) -> Object<'static> {
    let text = reasoned.text.to_string();
    let (mut detail, proof) = match (reasoned.redacted, reasoned.summary) {
        (true, _) => (Object::new().with("type", "reasoning.encrypted"), "data"),
        (false, true) => {
            let detail = Object::new().with("type", "reasoning.summary");
            (detail.with("summary", text), "signature")
        }
        (false, false) => {
            let detail = Object::new().with("type", "reasoning.text");
            (detail.with("text", text), "signature")
        }
    };
    if let Some(signature) = &reasoned.signature {
        prove(signature, proof, &mut detail);
    }
    detail.with("index", index)
}

/// Adds the signature, and what came with it.
fn prove(signature: &Signature<'_>, name: &'static str, detail: &mut Object<'static>) {
    let own = signature.from == Format::Chat && signature.data.starts_with('{');
    if let Some(Value::Object(fields)) = own.then(|| Value::parse(&signature.data).ok()).flatten() {
        for (key, value) in fields.into_owned() {
            match &*key {
                "signature" => detail.push(name, value),
                _ => detail.push(key, value),
            }
        }
        return;
    }
    detail.push(name, signature.to_token(Format::Chat).into_owned());
}

/// Whether reasoning says more than its words.
pub(crate) fn needs_detail(reasoned: &Reasoned<'_>) -> bool {
    reasoned.summary || reasoned.redacted || reasoned.signature.is_some()
}

/// Adds reasoning to a message: its words, and the details where there is more to tell.
pub(crate) fn write<'r>(reasoned: &[&Reasoned<'_>], message: &mut Object<'r>) {
    let words: String = reasoned.iter().map(|one| &*one.text).collect();
    if !words.is_empty() {
        message.push("reasoning_content", words);
    }
    if reasoned.iter().any(|one| needs_detail(one)) {
        let details: Vec<Object<'static>> = reasoned
            .iter()
            .zip(0..)
            .map(|(one, index)| detail(one, index))
            .collect();
        message.push("reasoning_details", details);
    }
}

/// The signature of a call.
pub(crate) fn call_signature<'a>(call: &Object<'a>) -> Option<Signature<'a>> {
    let google = call.get("extra_content")?.get("google")?;
    let token = google.get("thought_signature")?.as_text()?;
    Some(Signature::from_token(token.value.clone(), Format::Chat))
}

/// The same, as a field of a call.
pub(crate) fn extra_content(signature: &Signature<'_>) -> Object<'static> {
    let token = signature.to_token(Format::Chat).into_owned();
    let google = Object::new().with("thought_signature", token);
    Object::new().with("google", google)
}
