//! The blocks of a turn, read.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::file;
use crate::Format;
use crate::chat::{
    CacheMarker, Citation, Extra, Media, MediaKind, Part, PartKind, Place, Problem, Reasoned,
    Signature, Source, ToolCall, ToolResult,
};
use crate::dialect::anthropic::content::arguments;
use crate::dialect::anthropic::read::{keep, string, wrong};
use crate::json::{Object, Text, Value};

/// `cachePoint`.
pub(super) fn cache_marker(value: &Value<'_>) -> Option<CacheMarker> {
    match (value.get("type")?.as_str()?, value.get("ttl")) {
        ("default", None) => Some(CacheMarker::Default),
        ("default", Some(ttl)) => match ttl.as_str()? {
            "5m" => Some(CacheMarker::Default),
            "1h" => Some(CacheMarker::Hour),
            _ => None,
        },
        _ => None,
    }
}

/// The blocks of a turn, of the instructions or of a tool's result.
pub(super) fn parts<'a>(
    value: &Value<'a>,
    path: &str,
    extras: &mut Vec<Extra<'a>>,
) -> Result<Vec<Part<'a>>, Problem> {
    let blocks = value
        .as_array()
        .ok_or_else(|| wrong(path, "an array", value))?;
    let mut parts: Vec<Part<'a>> = Vec::with_capacity(blocks.len());
    for (index, value) in blocks.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let block = value
            .as_object()
            .ok_or_else(|| wrong(&path, "an object", value))?;
        if block.iter().all(|(_, value)| value.is_null()) {
            return Err(wrong(&path, "one member", value));
        }
        for (name, value) in block.iter().filter(|(_, value)| !value.is_null()) {
            let path = format!("{path}.{name}");
            if name == "cachePoint"
                && let Some(marker) = cache_marker(value)
                && let Some(last) = parts.last_mut()
            {
                last.cache = Some(marker);
                continue;
            }
            match kind(name, value, &path, extras)? {
                Some(mut kind) => {
                    if let PartKind::ToolCall(call) = &mut kind {
                        call.signature = signature_before(&mut parts);
                    }
                    parts.push(Part {
                        kind,
                        cache: None,
                        path,
                    });
                }
                None => keep(extras, path, value),
            }
        }
    }
    Ok(parts)
}

/// What proves the reasoning behind a call of Gemini's came to the caller as hidden reasoning before it.
fn signature_before<'a>(parts: &mut Vec<Part<'a>>) -> Option<Signature<'a>> {
    let of_a_call = |part: &mut Part<'_>| match &part.kind {
        PartKind::Reasoning(Reasoned {
            redacted: true,
            signature: Some(signature),
            ..
        }) => signature.from == Format::Gemini,
        _ => false,
    };
    match parts.pop_if(of_a_call)?.kind {
        PartKind::Reasoning(reasoned) => reasoned.signature,
        _ => None,
    }
}

fn kind<'a>(
    name: &str,
    value: &Value<'a>,
    path: &str,
    extras: &mut Vec<Extra<'a>>,
) -> Result<Option<PartKind<'a>>, Problem> {
    Ok(match name {
        "text" => value
            .as_text()
            .map(|text| PartKind::Text(text.clone(), Vec::new())),
        // Of a tool's result.
        "json" => Some(PartKind::Text(Text::new(value.to_json()), Vec::new())),
        "image" => media(MediaKind::Image, value, path, extras),
        "audio" => media(MediaKind::Audio, value, path, extras),
        "video" => media(MediaKind::Video, value, path, extras),
        "document" => media(MediaKind::Document, value, path, extras),
        "toolUse" => value
            .as_object()
            .map(|object| tool_use(object, path, extras)),
        "toolResult" => match value.as_object() {
            Some(object) => Some(tool_result(object, path, extras)?),
            None => None,
        },
        "reasoningContent" => reasoning(value),
        "citationsContent" => cited(value),
        "guardContent" => guarded(value, path, extras),
        "searchResult" => search_result(value, path, extras),
        _ => None,
    })
}

/// Keeps fields of an object but these.
fn rest<'a>(object: &Object<'a>, known: &[&str], path: &str, extras: &mut Vec<Extra<'a>>) {
    for (name, value) in object.iter() {
        if !known.contains(&name) && !value.is_null() {
            keep(extras, format!("{path}.{name}"), value);
        }
    }
}

fn enabled(value: Option<&Value<'_>>) -> bool {
    value
        .and_then(|value| value.get("enabled"))
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

fn media<'a>(
    kind: MediaKind,
    value: &Value<'a>,
    path: &str,
    extras: &mut Vec<Extra<'a>>,
) -> Option<PartKind<'a>> {
    let object = value.as_object()?;
    let from = object.get("source")?.as_object()?;
    let location = from.get("s3Location");
    let source = if let Some(data) = from.get("bytes") {
        Source::Base64(string(data)?)
    } else if let Some(location) = location {
        Source::Url(location.get("uri").and_then(string)?)
    } else if let Some(text) = from.get("text") {
        Source::Text(text.as_text()?.clone())
    } else {
        Source::Text(joined(from.get("content")?)?)
    };
    if let Some(owner) = location.and_then(|location| location.get("bucketOwner")) {
        keep(
            extras,
            format!("{path}.source.s3Location.bucketOwner"),
            owner,
        );
    }
    rest(
        object,
        &["format", "name", "source", "citations"],
        path,
        extras,
    );
    let format = object.get("format").and_then(string);
    let media_type = match (format, &source) {
        (Some(format), _) => Some(file::media_type(kind, format)),
        (None, Source::Text(_)) => Some("text/plain".into()),
        (None, _) => None,
    };
    Some(PartKind::Media(Media {
        kind,
        source,
        media_type,
        name: object.get("name").and_then(string),
        detail: None,
        citations: enabled(object.get("citations")),
    }))
}

/// Texts in a list, one to a line.
fn joined<'a>(value: &Value<'a>) -> Option<Text<'a>> {
    let items = value.as_array()?;
    let texts: Vec<&Text<'a>> = items
        .iter()
        .filter_map(|item| item.get("text")?.as_text())
        .collect();
    if let [only] = texts.as_slice() {
        return Some((*only).clone());
    }
    let texts: Vec<&str> = texts.iter().map(|text| &***text).collect();
    Some(Text::new(texts.join("\n")))
}

/// A search result is a document with a title; its source is kept apart.
fn search_result<'a>(
    value: &Value<'a>,
    path: &str,
    extras: &mut Vec<Extra<'a>>,
) -> Option<PartKind<'a>> {
    let object = value.as_object()?;
    let text = joined(object.get("content")?)?;
    rest(object, &["content", "title", "citations"], path, extras);
    Some(PartKind::Media(Media {
        kind: MediaKind::Document,
        source: Source::Text(text),
        media_type: Some("text/plain".into()),
        name: object.get("title").and_then(string),
        detail: None,
        citations: enabled(object.get("citations")),
    }))
}

/// What a guardrail looks at is said to the model all the same.
fn guarded<'a>(value: &Value<'a>, path: &str, extras: &mut Vec<Extra<'a>>) -> Option<PartKind<'a>> {
    if let Some(image) = value.get("image") {
        return media(MediaKind::Image, image, &format!("{path}.image"), extras);
    }
    let holder = value.get("text")?;
    let text = holder.get("text")?.as_text()?.clone();
    rest(
        holder.as_object()?,
        &["text"],
        &format!("{path}.text"),
        extras,
    );
    Some(PartKind::Text(text, Vec::new()))
}

/// Whether a call is one that the provider itself runs: the caller's own have no `type`, or one that says nothing more
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html>; Claude's newer models answer
/// with `tool_use`, which is not in it).
pub(super) fn at_the_provider(call: &Value<'_>) -> bool {
    let kind = call.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| kind != "tool_use")
}

fn tool_use<'a>(object: &Object<'a>, path: &str, extras: &mut Vec<Extra<'a>>) -> PartKind<'a> {
    let known: &[&str] = match object.get("type").and_then(Value::as_str) {
        Some("tool_use") => &["toolUseId", "name", "input", "type"],
        _ => &["toolUseId", "name", "input"],
    };
    rest(object, known, path, extras);
    PartKind::ToolCall(ToolCall {
        id: object.get("toolUseId").and_then(string).unwrap_or_default(),
        name: object.get("name").and_then(string).unwrap_or_default(),
        arguments: arguments(object.get("input")),
        signature: None,
    })
}

fn tool_result<'a>(
    object: &Object<'a>,
    path: &str,
    extras: &mut Vec<Extra<'a>>,
) -> Result<PartKind<'a>, Problem> {
    rest(object, &["toolUseId", "content", "status"], path, extras);
    Ok(PartKind::ToolResult(ToolResult {
        call: object.get("toolUseId").and_then(string).unwrap_or_default(),
        name: None,
        parts: match object.get("content") {
            None => Vec::new(),
            Some(content) => parts(content, &format!("{path}.content"), extras)?,
        },
        error: object.get("status").and_then(Value::as_str) == Some("error"),
    }))
}

fn reasoning<'a>(value: &Value<'a>) -> Option<PartKind<'a>> {
    if let Some(data) = value.get("redactedContent") {
        return Some(PartKind::Reasoning(Reasoned {
            text: Text::default(),
            summary: false,
            signature: Some(hidden(string(data)?)),
            redacted: true,
        }));
    }
    let words = value.get("reasoningText")?;
    let signature = words.get("signature").and_then(string);
    Some(PartKind::Reasoning(Reasoned {
        text: words
            .get("text")
            .and_then(Value::as_text)
            .cloned()
            .unwrap_or_default(),
        summary: false,
        signature: signature.map(|token| Signature::from_token(token, Format::Converse)),
        redacted: false,
    }))
}

/// Bytes in base64: Bedrock's own, or another's mark, which is text in them.
pub(super) fn hidden(data: Cow<'_, str>) -> Signature<'_> {
    let own = Format::Converse;
    let bytes = BASE64_STANDARD.decode(data.as_bytes()).unwrap_or_default();
    let marked = String::from_utf8(bytes)
        .ok()
        .map(|token| Signature::from_token(token.into(), own))
        .filter(|signature| signature.from != own);
    marked.unwrap_or(Signature { from: own, data })
}

/// The other way round.
pub(super) fn to_hidden(signature: &Signature<'_>) -> String {
    match signature.from {
        Format::Converse => signature.data.clone().into_owned(),
        _ => BASE64_STANDARD.encode(signature.to_token(Format::Converse).as_bytes()),
    }
}

fn cited<'a>(value: &Value<'a>) -> Option<PartKind<'a>> {
    let content = value.get("content").and_then(Value::as_array)?;
    let mut texts = content.iter().filter_map(|one| one.get("text")?.as_text());
    let text = match content.len() {
        1 => texts.next()?.clone(),
        _ => Text::new(texts.map(|text| &**text).collect::<String>()),
    };
    let citations = value.get("citations").and_then(Value::as_array);
    let citations = citations.unwrap_or_default().iter().map(citation).collect();
    Some(PartKind::Text(text, citations))
}

/// One citation, of a plain answer or of a stream
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Citation.html>).
pub(super) fn citation<'a>(value: &Value<'a>) -> Citation<'a> {
    let text = |name| value.get(name).and_then(string);
    let location = value.get("location").and_then(Value::as_object);
    let (place, at) = location
        .and_then(|location| location.iter().find(|(_, value)| !value.is_null()))
        .unwrap_or(("", &Value::Null));
    let number = |name| at.get(name).and_then(Value::as_u64);
    let quote = value.get("sourceContent").and_then(joined);
    let ends = number("start").zip(number("end"));
    Citation {
        quote: quote.map(|text| text.value),
        title: text("title"),
        url: at.get("url").and_then(string).or_else(|| text("source")),
        document: number("documentIndex"),
        span: None,
        source: ends.filter(|_| place == "documentChar"),
        place: match (place, ends) {
            ("documentPage", Some((start, end))) => Some(Place::Pages(start, end)),
            ("documentChunk" | "searchResultLocation", Some((start, end))) => {
                Some(Place::Pieces(start, end))
            }
            _ => None,
        },
        result: number("searchResultIndex"),
    }
}

/// The other way round.
pub(super) fn write_citation<'r>(citation: &'r Citation<'_>) -> Object<'r> {
    let quote = citation.quote.as_ref();
    let place = |(start, end): (u64, u64)| Object::new().with("start", start).with("end", end);
    let location = match (citation.result, &citation.url, citation.document) {
        (Some(result), ..) => {
            let ends = match citation.place {
                Some(Place::Pieces(start, end)) => (start, end),
                _ => (0, 1),
            };
            let place = place(ends).with("searchResultIndex", result);
            Some(Object::new().with("searchResultLocation", place))
        }
        (None, Some(url), _) => Some(Object::new().with("web", Object::new().with("url", url))),
        (None, None, Some(document)) => {
            let (name, ends) = match (citation.source, citation.place) {
                (Some(ends), _) => ("documentChar", ends),
                (None, Some(Place::Pages(start, end))) => ("documentPage", (start, end)),
                (None, Some(Place::Pieces(start, end))) => ("documentChunk", (start, end)),
                (None, None) => ("documentChar", (0, 0)),
            };
            Some(Object::new().with(name, place(ends).with("documentIndex", document)))
        }
        (None, None, None) => None,
    };
    let source = citation.url.as_ref().filter(|_| citation.result.is_some());
    Object::new()
        .maybe("title", citation.title.as_ref())
        .maybe("source", source)
        .maybe(
            "sourceContent",
            quote.map(|quote| vec![Object::new().with("text", quote)]),
        )
        .maybe("location", location)
}
