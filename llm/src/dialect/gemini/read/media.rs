//! Files, in the body and elsewhere.

use std::borrow::Cow;

use super::super::names::{fields, text};
use super::{Reader, wrong};
use crate::chat::{Media, MediaKind, Problem, Source};
use crate::json::Value;

impl<'a> Reader<'a> {
    /// `{mimeType, data, displayName}`
    pub(super) fn inline(&mut self, value: &Value<'a>, path: &str) -> Result<Media<'a>, Problem> {
        let object = value
            .as_object()
            .ok_or_else(|| wrong(path, value, "an object"))?;
        let mut media = empty();
        for (name, own, value) in fields(object) {
            match (&*name, value) {
                ("mimeType", Value::String(text)) => media.media_type = Some(text.value.clone()),
                ("data", Value::String(text)) => {
                    media.source = Source::Base64(standard(&text.value))
                }
                ("displayName", Value::String(text)) => media.name = Some(text.value.clone()),
                _ => self.extra(format!("{path}.{own}"), value),
            }
        }
        media.kind = kind_of(media.media_type.as_deref(), "");
        Ok(media)
    }

    /// `{mimeType, fileUri, displayName}`
    pub(super) fn file(&mut self, value: &Value<'a>, path: &str) -> Result<Media<'a>, Problem> {
        let object = value
            .as_object()
            .ok_or_else(|| wrong(path, value, "an object"))?;
        let mut media = empty();
        for (name, own, value) in fields(object) {
            match (&*name, value) {
                ("mimeType", Value::String(text)) => media.media_type = Some(text.value.clone()),
                ("fileUri", Value::String(text)) => {
                    let url = text.value.clone();
                    media.source = if is_stored(&url) {
                        Source::File(url)
                    } else {
                        Source::Url(url)
                    };
                }
                ("displayName", Value::String(text)) => media.name = Some(text.value.clone()),
                _ => self.extra(format!("{path}.{own}"), value),
            }
        }
        media.kind = kind_of(
            media.media_type.as_deref(),
            text(value, "fileUri").unwrap_or_default(),
        );
        Ok(media)
    }
}

fn empty<'a>() -> Media<'a> {
    Media {
        kind: MediaKind::Document,
        source: Source::Base64("".into()),
        media_type: None,
        name: None,
        detail: None,
        citations: false,
    }
}

/// Bytes in the standard alphabet of base64, with padding: Google's APIs take that of URLs too, and neither needs
/// padding (<https://protobuf.dev/programming-guides/json/>). Google's own SDK writes that of URLs.
fn standard<'a>(data: &Cow<'a, str>) -> Cow<'a, str> {
    // One digit alone is no byte, and left to whoever reads it.
    let is_whole = matches!(data.len() % 4, 0 | 1);
    let is_standard = is_whole && !data.contains(['-', '_']);
    if is_standard {
        return data.clone();
    }
    let mut out = data.replace('-', "+").replace('_', "/");
    while !matches!(out.len() % 4, 0 | 1) {
        out.push('=');
    }
    Cow::Owned(out)
}

/// Whether it lies in Google's own store of files (<https://ai.google.dev/api/files>), which only its account reads.
fn is_stored(url: &str) -> bool {
    url.starts_with("files/")
        || url
            .strip_prefix("https://generativelanguage.googleapis.com/")
            .is_some_and(|path| path.contains("/files/"))
}

/// What a file is to the model, by its media type or its URL.
pub(in crate::dialect::gemini) fn kind_of(media_type: Option<&str>, url: &str) -> MediaKind {
    let family = media_type.map_or("", |media_type| {
        media_type.split('/').next().unwrap_or_default()
    });
    match family {
        "image" => MediaKind::Image,
        "audio" => MediaKind::Audio,
        "video" => MediaKind::Video,
        "" if is_video_page(url) => MediaKind::Video,
        "" => match media_type_of(url).and_then(|found| found.split('/').next()) {
            Some("image") => MediaKind::Image,
            Some("audio") => MediaKind::Audio,
            Some("video") => MediaKind::Video,
            _ => MediaKind::Document,
        },
        _ => MediaKind::Document,
    }
}

/// YouTube's videos are read by their page's URL
/// (<https://ai.google.dev/gemini-api/docs/video-understanding#youtube>).
fn is_video_page(url: &str) -> bool {
    [
        "https://www.youtube.com/",
        "https://youtube.com/",
        "https://youtu.be/",
    ]
    .iter()
    .any(|page| url.starts_with(page))
}

/// The media type that a URL's ending stands for.
pub(in crate::dialect::gemini) fn media_type_of(url: &str) -> Option<&'static str> {
    const ENDINGS: [(&str, &str); 20] = [
        ("png", "image/png"),
        ("jpg", "image/jpeg"),
        ("jpeg", "image/jpeg"),
        ("gif", "image/gif"),
        ("webp", "image/webp"),
        ("heic", "image/heic"),
        ("pdf", "application/pdf"),
        ("txt", "text/plain"),
        ("csv", "text/csv"),
        ("html", "text/html"),
        ("md", "text/markdown"),
        ("json", "application/json"),
        ("wav", "audio/wav"),
        ("mp3", "audio/mp3"),
        ("flac", "audio/flac"),
        ("ogg", "audio/ogg"),
        ("m4a", "audio/m4a"),
        ("mp4", "video/mp4"),
        ("mov", "video/mov"),
        ("webm", "video/webm"),
    ];
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (_, ending) = path.rsplit_once('.')?;
    let known = ENDINGS
        .iter()
        .find(|(known, _)| ending.eq_ignore_ascii_case(known));
    known.map(|(_, media_type)| *media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_for_urls_is_made_standard() {
        let of = |text: &'static str| standard(&Cow::Borrowed(text));
        assert_eq!(of("mNk+M9/Q"), "mNk+M9/Q");
        assert_eq!(of("mNk-M9_Q"), "mNk+M9/Q");
        assert_eq!(of("mNk-M9"), "mNk+M9==");
    }
}
