//! The parts of a message's content.

use std::borrow::Cow;

use super::items;
use crate::chat::{
    CacheMarker, Detail, Extra, Media, MediaKind, Part, PartKind, Problem, Reasoned, Source,
};
use crate::dialect::openai::typed::{missing, object, required, string, wrong};
use crate::json::{Object, Text, Value};

/// Reads `content`: a text, or parts.
pub(super) fn content<'a>(
    path: &str,
    value: &Value<'a>,
    parts: &mut Vec<Part<'a>>,
    extras: &mut Vec<Extra<'a>>,
) -> Result<(), Problem> {
    if let Value::String(text) = value {
        parts.push(Part {
            kind: PartKind::Text(text.clone(), Vec::new()),
            cache: None,
            path: path.to_owned(),
        });
        return Ok(());
    }
    if value.as_array().is_none() {
        return Err(wrong(path, "a string or an array of parts", value));
    }
    for (path, item) in items(path, value)? {
        if let Value::String(text) = item {
            // Some servers take bare strings among the parts.
            parts.push(Part {
                kind: PartKind::Text(text.clone(), Vec::new()),
                cache: None,
                path,
            });
            continue;
        }
        let fields = object(&path, item)?;
        match kind(&path, fields)? {
            Some(kind) => parts.push(Part {
                kind,
                cache: cache_of(fields),
                path,
            }),
            None => extras.push(Extra {
                path,
                value: item.clone(),
            }),
        }
    }
    Ok(())
}

/// What a part is; `None` for a type that is not known.
fn kind<'a>(path: &str, fields: &Object<'a>) -> Result<Option<PartKind<'a>>, Problem> {
    let kind = required(fields, path, "type")?;
    Ok(Some(match &*kind {
        "text" => PartKind::Text(required(fields, path, "text")?, Vec::new()),
        "refusal" => PartKind::Refusal(required(fields, path, "refusal")?),
        "image_url" => PartKind::Media(at_url(fields, path, "image_url", MediaKind::Image)?),
        // vLLM's and OpenRouter's.
        "video_url" => PartKind::Media(at_url(fields, path, "video_url", MediaKind::Video)?),
        "audio_url" => PartKind::Media(at_url(fields, path, "audio_url", MediaKind::Audio)?),
        "input_audio" => PartKind::Media(audio(fields, path)?),
        "file" => PartKind::Media(file(fields, path)?),
        // Mistral's (https://docs.mistral.ai/capabilities/reasoning/).
        "thinking" => PartKind::Reasoning(Reasoned {
            text: Text::new(thinking(fields)),
            summary: false,
            signature: None,
            redacted: false,
        }),
        _ => return Ok(None),
    }))
}

/// The texts of Mistral's `thinking`, joined.
pub(crate) fn thinking(fields: &Object<'_>) -> String {
    match fields.get("thinking") {
        Some(Value::String(text)) => text.to_string(),
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| item.get("text")?.as_str())
            .collect(),
        _ => String::new(),
    }
}

/// `{url, detail}`, or the URL alone, as some SDKs of before wrote it.
fn at_url<'a>(
    fields: &Object<'a>,
    path: &str,
    name: &str,
    kind: MediaKind,
) -> Result<Media<'a>, Problem> {
    let path = format!("{path}.{name}");
    let value = fields.get(name).ok_or_else(|| missing(&path))?;
    let (url, detail) = match value {
        Value::String(text) => (text.clone(), None),
        _ => {
            let inside = object(&path, value)?;
            let detail = inside.get("detail").and_then(Value::as_str);
            (required(inside, &path, "url")?, detail.and_then(detail_of))
        }
    };
    let (source, media_type) = data_url(url.value);
    Ok(Media {
        kind,
        source,
        media_type,
        name: None,
        detail,
        citations: false,
    })
}

/// How closely an image is looked at; `original` is as close as it gets.
pub(crate) fn detail_of(name: &str) -> Option<Detail> {
    match name {
        "auto" => Some(Detail::Auto),
        "low" => Some(Detail::Low),
        "high" | "original" => Some(Detail::High),
        _ => None,
    }
}

fn audio<'a>(fields: &Object<'a>, path: &str) -> Result<Media<'a>, Problem> {
    let path = format!("{path}.input_audio");
    let value = fields.get("input_audio").ok_or_else(|| missing(&path))?;
    let inside = object(&path, value)?;
    let format = match inside.get("format") {
        Some(format) => Some(string(&format!("{path}.format"), format)?),
        None => None,
    };
    let (source, media_type) = match data_url(required(inside, &path, "data")?.value) {
        (Source::Url(data), _) => (Source::Base64(data), None),
        known => known,
    };
    Ok(Media {
        kind: MediaKind::Audio,
        source,
        media_type: media_type.or_else(|| format.map(|name| audio_type(&name).into())),
        name: None,
        detail: None,
        citations: false,
    })
}

/// The media type of what OpenAI calls `mp3` or `wav`.
fn audio_type(format: &str) -> String {
    match format {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    }
}

fn file<'a>(fields: &Object<'a>, path: &str) -> Result<Media<'a>, Problem> {
    let path = format!("{path}.file");
    let value = fields.get("file").ok_or_else(|| missing(&path))?;
    let inside = object(&path, value)?;
    let field = |name: &str| -> Result<Option<Cow<'a, str>>, Problem> {
        let value = inside.get(name);
        let read = value.map(|value| string(&format!("{path}.{name}"), value));
        read.transpose()
    };
    let (source, media_type) = match (field("file_data")?, field("file_id")?) {
        (Some(data), _) => file_data(data),
        (None, Some(id)) => (Source::File(id), None),
        (None, None) => return Err(missing(&format!("{path}.file_data"))),
    };
    let name = field("filename")?;
    Ok(Media {
        kind: kind_of(media_type.as_deref()),
        source,
        media_type,
        name,
        detail: None,
        citations: false,
    })
}

/// A file's data: a data URL, a URL (OpenRouter's), or base64 alone.
pub(crate) fn file_data<'a>(data: Cow<'a, str>) -> (Source<'a>, Option<Cow<'a, str>>) {
    let is_url = data.starts_with("http://") || data.starts_with("https://");
    match data_url(data) {
        (Source::Url(data), _) if !is_url && !data.starts_with("data:") => {
            (Source::Base64(data), None)
        }
        known => known,
    }
}

/// What a file of a media type is to the model.
pub(crate) fn kind_of(media_type: Option<&str>) -> MediaKind {
    match media_type.and_then(|one| one.split_once('/')) {
        Some(("image", _)) => MediaKind::Image,
        Some(("audio", _)) => MediaKind::Audio,
        Some(("video", _)) => MediaKind::Video,
        _ => MediaKind::Document,
    }
}

/// What a URL holds: the base64 of a data URL (RFC 2397) with its media type, or the URL itself.
pub(crate) fn data_url<'a>(url: Cow<'a, str>) -> (Source<'a>, Option<Cow<'a, str>>) {
    let found = url.strip_prefix("data:").and_then(|rest| {
        let (head, data) = rest.split_once(',')?;
        let media_type = head.strip_suffix(";base64")?;
        let end = media_type.find(';').unwrap_or(media_type.len());
        Some((end, url.len() - data.len()))
    });
    let Some((end, start)) = found else {
        return (Source::Url(url), None);
    };
    const SCHEME: usize = "data:".len();
    let (media_type, data) = match url {
        Cow::Borrowed(url) => (
            Cow::Borrowed(&url[SCHEME..SCHEME + end]),
            Cow::Borrowed(&url[start..]),
        ),
        Cow::Owned(mut url) => {
            let data = url.split_off(start);
            (
                Cow::Owned(url[SCHEME..SCHEME + end].to_owned()),
                Cow::Owned(data),
            )
        }
    };
    let media_type = Some(media_type).filter(|one| !one.is_empty());
    (Source::Base64(data), media_type)
}

/// Whether a part ends what shall be cached: as callers of OpenRouter and LiteLLM say it, or by OpenAI's own
/// `prompt_cache_breakpoint`, `{"mode": "explicit", "ttl": "12h"}`
/// (<https://developers.openai.com/api/docs/guides/prompt-caching>).
pub(crate) fn cache_of(fields: &Object<'_>) -> Option<CacheMarker> {
    let breakpoint = || {
        let value = fields.get("prompt_cache_breakpoint")?.as_object()?;
        Some(match value.get("ttl").and_then(Value::as_str) {
            Some("12h") => CacheMarker::Hour,
            _ => CacheMarker::Default,
        })
    };
    let marker = fields.get("cache_control").and_then(cache_marker);
    marker.or_else(breakpoint)
}

/// `{"type": "ephemeral", "ttl": "1h"}`, as callers of OpenRouter and LiteLLM send it
/// (<https://openrouter.ai/docs/features/prompt-caching>).
pub(crate) fn cache_marker(value: &Value<'_>) -> Option<CacheMarker> {
    let kind = value.get("type")?.as_str()?;
    match value.get("ttl").and_then(Value::as_str) {
        _ if kind != "ephemeral" => None,
        Some("1h") => Some(CacheMarker::Hour),
        _ => Some(CacheMarker::Default),
    }
}
