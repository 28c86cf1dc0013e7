//! Files.

use std::borrow::Cow;

use super::super::read::{kind_of, media_type_of};
use super::Writer;
use crate::chat::{Hint, Media, MediaKind, Problem, Source};
use crate::json::Object;

impl<'r> Writer<'_, 'r> {
    /// A part that holds it; `None` where it is left out.
    pub(super) fn media(
        &mut self,
        media: &'r Media<'r>,
        path: &str,
    ) -> Result<Option<Object<'r>>, Problem> {
        if media.citations {
            self.gaps
                .leave_out(&format!("{path}.citations"), "citations of documents")?;
        }
        let part = match &media.source {
            Source::Text(text) => Object::new().with("text", text),
            Source::Base64(data) => {
                let media_type = media
                    .media_type
                    .as_deref()
                    .unwrap_or_else(|| by_kind(media.kind, data));
                self.inline(media, media_type.into(), data)
            }
            Source::Url(url) => match data_url(url) {
                Some((media_type, data)) => self.inline(media, media_type.into(), data),
                None if is_reachable(url) => file(media, url),
                None => {
                    self.gaps.leave_out(path, "files at such a URL")?;
                    return Ok(None);
                }
            },
            Source::File(id) if is_reachable(id) || id.starts_with("files/") => file(media, id),
            Source::File(_) => {
                self.gaps.leave_out(path, "files of another provider")?;
                return Ok(None);
            }
        };
        let named = part
            .get("inlineData")
            .is_some_and(|blob| blob.get("displayName").is_some());
        if media.name.is_some() && !named {
            self.gaps.hint_at(self.request, Hint::FileName, path);
        }
        Ok(Some(part))
    }

    /// Names of files are Vertex AI's alone, and say nothing to the model elsewhere.
    fn inline(&self, media: &'r Media<'r>, media_type: Cow<'r, str>, data: &'r str) -> Object<'r> {
        let name = media.name.as_ref().filter(|_| self.is_vertex());
        let blob = Object::new()
            .with("mimeType", media_type)
            .with("data", data)
            .maybe("displayName", name);
        Object::new().with("inlineData", blob)
    }
}

/// The text of a document that is one.
pub(super) fn text_of<'r>(media: &'r Media<'r>) -> Option<&'r str> {
    match &media.source {
        Source::Text(text) => Some(text),
        _ => None,
    }
}

/// A file elsewhere. Vertex AI wants to be told a media type: where neither the caller nor the URL's ending says one, it is
/// what files of the kind mostly are. What lies at Google, and a video's page, is known there.
fn file<'r>(media: &'r Media<'r>, url: &'r str) -> Object<'r> {
    let known = media.media_type.as_deref().or_else(|| {
        // An ending that says another kind than the caller says nothing.
        media_type_of(url).filter(|found| kind_of(Some(found), "") == media.kind)
    });
    let stored = matches!(media.source, Source::File(_));
    let known = known.or(match media.kind {
        _ if stored => None,
        MediaKind::Image => Some("image/jpeg"),
        MediaKind::Audio => Some("audio/mpeg"),
        MediaKind::Video if kind_of(None, url) == MediaKind::Video => None,
        MediaKind::Video => Some("video/mp4"),
        MediaKind::Document => Some("application/pdf"),
    });
    let file = Object::new().maybe("mimeType", known).with("fileUri", url);
    Object::new().with("fileData", file)
}

fn is_reachable(url: &str) -> bool {
    ["https://", "http://", "gs://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

/// The media type and the base64 of a data URL (RFC 2397).
fn data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?;
    let media_type = media_type.split(';').next().unwrap_or_default();
    Some((
        if media_type.is_empty() {
            "text/plain"
        } else {
            media_type
        },
        data,
    ))
}

/// A media type for what comes without: by the first bytes of an image, else by the kind.
fn by_kind(kind: MediaKind, base64: &str) -> &'static str {
    match kind {
        MediaKind::Image if base64.starts_with("/9j/") => "image/jpeg",
        MediaKind::Image if base64.starts_with("R0lGOD") => "image/gif",
        MediaKind::Image if base64.starts_with("UklGR") => "image/webp",
        MediaKind::Image => "image/png",
        MediaKind::Audio => "audio/wav",
        MediaKind::Video => "video/mp4",
        MediaKind::Document => "application/pdf",
    }
}
