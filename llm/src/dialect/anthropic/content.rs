//! The blocks of a turn, read.

use std::borrow::Cow;

use super::citation;
use super::read::{keep, string, wrong};
use crate::Format;
use crate::chat::{
    CacheMarker, Extra, Media, MediaKind, Part, PartKind, Problem, Reasoned, Signature, Source,
    ToolCall, ToolResult,
};
use crate::json::{Object, Text, Value};

/// `cache_control`; `None` for a sort that is not known.
pub(super) fn cache_marker(value: &Value<'_>) -> Option<CacheMarker> {
    match (value.get("type")?.as_str()?, value.get("ttl")) {
        ("ephemeral", None) => Some(CacheMarker::Default),
        ("ephemeral", Some(ttl)) => match ttl.as_str()? {
            "5m" => Some(CacheMarker::Default),
            "1h" => Some(CacheMarker::Hour),
            _ => None,
        },
        _ => None,
    }
}

/// Content: a text, or blocks.
pub(super) fn parts<'a>(
    value: &Value<'a>,
    path: &str,
    extras: &mut Vec<Extra<'a>>,
) -> Result<Vec<Part<'a>>, Problem> {
    if let Some(text) = value.as_text() {
        let kind = PartKind::Text(text.clone(), Vec::new());
        return Ok(vec![part(kind, None, path.to_owned())]);
    }
    let blocks = value
        .as_array()
        .ok_or_else(|| wrong(path, "a string or an array", value))?;
    let mut parts: Vec<Part<'a>> = Vec::with_capacity(blocks.len());
    for (index, value) in blocks.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(object) = value.as_object() else {
            return Err(wrong(&path, "an object", value));
        };
        let block = Block {
            object,
            path: &path,
        };
        let Some(mut kind) = block.kind(extras)? else {
            keep(extras, path, value);
            continue;
        };
        if let PartKind::ToolCall(call) = &mut kind {
            call.signature = signature_before(&mut parts);
        }
        let cache = match object.get("cache_control") {
            None => None,
            Some(value) => {
                let marker = cache_marker(value);
                if marker.is_none() {
                    keep(extras, format!("{path}.cache_control"), value);
                }
                marker
            }
        };
        parts.push(part(kind, cache, path));
    }
    Ok(parts)
}

fn part<'a>(kind: PartKind<'a>, cache: Option<CacheMarker>, path: String) -> Part<'a> {
    Part { kind, cache, path }
}

/// What proves the reasoning behind a call of Gemini's came to the caller as a `redacted_thinking` before it, and comes
/// back so.
fn signature_before<'a>(parts: &mut Vec<Part<'a>>) -> Option<Signature<'a>> {
    let of_a_call = |part: &Part<'_>| match &part.kind {
        PartKind::Reasoning(Reasoned {
            redacted: true,
            signature: Some(signature),
            ..
        }) => signature.from == Format::Gemini,
        _ => false,
    };
    match parts.pop_if(|part| of_a_call(part))?.kind {
        PartKind::Reasoning(reasoned) => reasoned.signature,
        _ => None,
    }
}

/// One block, where it stands.
struct Block<'b, 'a> {
    object: &'b Object<'a>,
    path: &'b str,
}

impl<'a> Block<'_, 'a> {
    /// What it is; `None` where the canonical form has nothing for it.
    fn kind(&self, extras: &mut Vec<Extra<'a>>) -> Result<Option<PartKind<'a>>, Problem> {
        let kind = self.object.get("type").and_then(Value::as_str);
        Ok(match kind {
            Some("text") => self.text(),
            Some("image") => self.media(MediaKind::Image, extras),
            Some("document") => self.media(MediaKind::Document, extras),
            Some("search_result") => self.search_result(extras),
            Some("tool_use") => Some(self.tool_use(extras)),
            Some("tool_result") => Some(self.tool_result(extras)?),
            Some("thinking") => Some(self.thinking()),
            Some("redacted_thinking") => Some(self.redacted()),
            _ => None,
        })
    }

    fn string(&self, name: &str) -> Option<Cow<'a, str>> {
        self.object.get(name).and_then(string)
    }

    /// Keeps fields but these.
    fn rest(&self, known: &[&str], extras: &mut Vec<Extra<'a>>) {
        for (name, value) in self.object.iter() {
            let common = ["type", "cache_control"].contains(&name);
            if !common && !known.contains(&name) && !value.is_null() {
                keep(extras, format!("{}.{name}", self.path), value);
            }
        }
    }

    fn text(&self) -> Option<PartKind<'a>> {
        let text = self.object.get("text")?.as_text()?.clone();
        let citations = self.object.get("citations").and_then(Value::as_array);
        let citations = citations.unwrap_or_default().iter();
        Some(PartKind::Text(
            text,
            citations.filter_map(citation::read).collect(),
        ))
    }

    fn media(&self, kind: MediaKind, extras: &mut Vec<Extra<'a>>) -> Option<PartKind<'a>> {
        let from = self.object.get("source")?;
        let field = |name| from.get(name).and_then(string);
        let mut media_type = field("media_type");
        let source = match from.get("type")?.as_str()? {
            "base64" => Source::Base64(field("data")?),
            "url" => Source::Url(field("url")?),
            "file" => Source::File(field("file_id")?),
            "text" => {
                media_type.get_or_insert("text/plain".into());
                Source::Text(from.get("data")?.as_text()?.clone())
            }
            "content" => {
                media_type.get_or_insert("text/plain".into());
                Source::Text(self.chunks(from.get("content")?, "source.content", extras)?)
            }
            _ => return None,
        };
        self.rest(&["source", "title", "citations"], extras);
        Some(PartKind::Media(Media {
            kind,
            source,
            media_type,
            name: self.string("title"),
            detail: None,
            citations: self.cites(),
        }))
    }

    fn cites(&self) -> bool {
        let citations = self.object.get("citations");
        let enabled = citations.and_then(|value| value.get("enabled"));
        enabled.and_then(Value::as_bool).unwrap_or_default()
    }

    /// A document that is given in chunks is one text; what is no text in it is kept apart.
    fn chunks(
        &self,
        value: &Value<'a>,
        name: &str,
        extras: &mut Vec<Extra<'a>>,
    ) -> Option<Text<'a>> {
        if let Some(text) = value.as_text() {
            return Some(text.clone());
        }
        let mut texts: Vec<Text<'a>> = Vec::new();
        for (index, chunk) in value.as_array()?.iter().enumerate() {
            match chunk.get("text").and_then(Value::as_text) {
                Some(text) => texts.push(text.clone()),
                None => keep(extras, format!("{}.{name}[{index}]", self.path), chunk),
            }
        }
        if texts.len() == 1 {
            return texts.pop();
        }
        let texts: Vec<&str> = texts.iter().map(|text| &**text).collect();
        Some(Text::new(texts.join("\n")))
    }

    /// A search result is a document with a title; its source is kept apart.
    fn search_result(&self, extras: &mut Vec<Extra<'a>>) -> Option<PartKind<'a>> {
        let text = self.chunks(self.object.get("content")?, "content", extras)?;
        self.rest(&["content", "title", "citations"], extras);
        Some(PartKind::Media(Media {
            kind: MediaKind::Document,
            source: Source::Text(text),
            media_type: Some("text/plain".into()),
            name: self.string("title"),
            detail: None,
            citations: self.cites(),
        }))
    }

    fn tool_use(&self, extras: &mut Vec<Extra<'a>>) -> PartKind<'a> {
        // What called it is told where tools call tools; `direct` is how all models call.
        let direct =
            |value: &Value<'_>| value.get("type").and_then(Value::as_str) == Some("direct");
        let mut known = vec!["id", "name", "input"];
        if self.object.get("caller").is_some_and(direct) {
            known.push("caller");
        }
        self.rest(&known, extras);
        PartKind::ToolCall(ToolCall {
            id: self.string("id").unwrap_or_default(),
            name: self.string("name").unwrap_or_default(),
            arguments: arguments(self.object.get("input")),
            signature: None,
        })
    }

    fn tool_result(&self, extras: &mut Vec<Extra<'a>>) -> Result<PartKind<'a>, Problem> {
        self.rest(&["tool_use_id", "content", "is_error"], extras);
        let parts = match self.object.get("content") {
            None => Vec::new(),
            Some(value) => parts(value, &format!("{}.content", self.path), extras)?,
        };
        Ok(PartKind::ToolResult(ToolResult {
            call: self.string("tool_use_id").unwrap_or_default(),
            name: None,
            parts,
            error: self
                .object
                .get("is_error")
                .and_then(Value::as_bool)
                .unwrap_or_default(),
        }))
    }

    fn thinking(&self) -> PartKind<'a> {
        let signature = self.string("signature").filter(|one| !one.is_empty());
        let text = self.object.get("thinking").and_then(Value::as_text);
        PartKind::Reasoning(Reasoned {
            text: text.cloned().unwrap_or_default(),
            summary: false,
            signature: signature.map(|one| Signature::from_token(one, Format::Messages)),
            redacted: false,
        })
    }

    fn redacted(&self) -> PartKind<'a> {
        let data = self.string("data").unwrap_or_default();
        PartKind::Reasoning(Reasoned {
            text: Text::default(),
            summary: false,
            signature: Some(Signature::from_token(data, Format::Messages)),
            redacted: true,
        })
    }
}

/// The arguments of a call, as the text of an object.
pub(crate) fn arguments<'a>(input: Option<&Value<'_>>) -> Text<'a> {
    Text::new(input.map_or_else(|| "{}".to_owned(), Value::to_json))
}
