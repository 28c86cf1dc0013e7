//! Images, audio, documents and videos.

use super::Writer;
use super::history::text_part;
use crate::Format;
use crate::chat::{Detail, Hint, Media, MediaKind, Problem, Source};
use crate::json::Object;

impl<'r> Writer<'_, 'r, '_> {
    /// A part that holds it. What can't be said is refused, whatever the route says: the question may be about it.
    pub(super) fn media(
        &mut self,
        media: &'r Media<'r>,
        path: &str,
    ) -> Result<Object<'r>, Problem> {
        if media.citations {
            self.gaps
                .leave_out(&format!("{path}.citations"), "citations of documents")?;
        }
        let what = match media.kind {
            MediaKind::Image => "images of this kind",
            MediaKind::Audio => "audio of this kind",
            MediaKind::Document => "documents of this kind",
            MediaKind::Video => "videos",
        };
        let part = match media.kind {
            MediaKind::Image => image(media),
            MediaKind::Audio => self.audio(media),
            MediaKind::Document => self.document(media),
            MediaKind::Video => self.at_url(media, "video_url"),
        };
        let part = part.ok_or_else(|| self.gaps.refuse(path, what))?;
        let file = part.get("file");
        let named = file.is_some_and(|file| file.get("filename").is_some());
        if media.name.is_some() && !named {
            self.gaps.hint_at(self.request, Hint::FileName, path);
        }
        Ok(part)
    }

    fn audio(&self, media: &'r Media<'r>) -> Option<Object<'r>> {
        let Source::Base64(data) = &media.source else {
            return self.at_url(media, "audio_url");
        };
        let inside = Object::new()
            .with("data", data)
            .with("format", audio_format(media.media_type.as_deref()));
        Some(part("input_audio", inside))
    }

    fn document(&self, media: &'r Media<'r>) -> Option<Object<'r>> {
        let name = media.name.as_deref();
        let file = match &media.source {
            Source::Text(text) => return Some(text_part(text)),
            _ if !self.quirks.files => return None,
            Source::Base64(data) => {
                let media_type = media.media_type.as_deref().unwrap_or("application/pdf");
                Object::new()
                    .with("filename", name.unwrap_or("document.pdf"))
                    .with("file_data", data_url(media_type, data))
            }
            // An id of another provider's means nothing here.
            Source::File(id) if self.quirks.own && self.is_own() => {
                Object::new().with("file_id", id)
            }
            // OpenRouter's (https://openrouter.ai/docs/features/multimodal/pdfs).
            Source::Url(url) if self.quirks.cache_markers && is_web(url) => Object::new()
                .with("filename", name.unwrap_or("document.pdf"))
                .with("file_data", url),
            _ => return None,
        };
        Some(part("file", file))
    }

    fn at_url(&self, media: &'r Media<'r>, name: &'static str) -> Option<Object<'r>> {
        if !self.quirks.media_urls {
            return None;
        }
        let inside = match &media.source {
            Source::Url(url) if is_web(url) => Object::new().with("url", url),
            Source::Base64(data) => {
                let fallback = if name == "video_url" {
                    "video/mp4"
                } else {
                    "audio/wav"
                };
                let media_type = media.media_type.as_deref().unwrap_or(fallback);
                Object::new().with("url", data_url(media_type, data))
            }
            _ => return None,
        };
        Some(part(name, inside))
    }

    /// Whether the caller speaks a format of OpenAI's.
    fn is_own(&self) -> bool {
        matches!(
            self.request.from,
            None | Some(Format::Chat | Format::Responses | Format::Completions)
        )
    }
}

fn part<'r>(name: &'static str, inside: Object<'r>) -> Object<'r> {
    Object::new().with("type", name).with(name, inside)
}

fn image<'r>(media: &'r Media<'r>) -> Option<Object<'r>> {
    let url = match &media.source {
        Source::Url(url) if is_web(url) => Object::new().with("url", url),
        Source::Base64(data) => {
            let media_type = media.media_type.as_deref().unwrap_or_else(|| sniffed(data));
            Object::new().with("url", data_url(media_type, data))
        }
        _ => return None,
    };
    let detail = media.detail.map(|detail| match detail {
        Detail::Auto => "auto",
        Detail::Low => "low",
        Detail::High => "high",
    });
    Some(part("image_url", url.maybe("detail", detail)))
}

/// A URL that anybody can read, or one that holds the data.
pub(crate) fn is_web(url: &str) -> bool {
    ["http://", "https://", "data:"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

/// A data URL (RFC 2397).
pub(crate) fn data_url(media_type: &str, base64: &str) -> String {
    format!("data:{media_type};base64,{base64}")
}

/// What an image is by its first bytes, as base64 shows them.
pub(crate) fn sniffed(base64: &str) -> &'static str {
    const STARTS: [(&str, &str); 4] = [
        ("iVBOR", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGOD", "image/gif"),
        ("UklGR", "image/webp"),
    ];
    let known = STARTS.iter().find(|(start, _)| base64.starts_with(start));
    known.map_or("image/png", |(_, media_type)| media_type)
}

/// What OpenAI calls a media type.
fn audio_format(media_type: Option<&str>) -> &str {
    match media_type {
        Some("audio/mpeg" | "audio/mp3") => "mp3",
        None | Some("audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave") => "wav",
        Some(other) => other.strip_prefix("audio/").unwrap_or(other),
    }
}
