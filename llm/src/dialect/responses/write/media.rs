//! Images, audio, documents and videos.

use super::Writer;
use crate::Format;
use crate::chat::{Detail, Hint, Media, MediaKind, Problem, Source};
use crate::dialect::openai::chat::write::{data_url, is_web, sniffed};
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
            MediaKind::Image => self.image(media),
            MediaKind::Audio => audio(media),
            MediaKind::Document => self.document(media),
            MediaKind::Video => None,
        };
        let part = part.ok_or_else(|| self.gaps.refuse(path, what))?;
        if media.name.is_some() && part.get("filename").is_none() {
            self.gaps.hint_at(self.request, Hint::FileName, path);
        }
        Ok(part)
    }

    fn image(&self, media: &'r Media<'r>) -> Option<Object<'r>> {
        let part = Object::new().with("type", "input_image");
        let part = match &media.source {
            Source::Url(url) if is_web(url) => part.with("image_url", url),
            Source::Base64(data) => {
                let media_type = media.media_type.as_deref().unwrap_or_else(|| sniffed(data));
                part.with("image_url", data_url(media_type, data))
            }
            Source::File(id) if self.is_own() => part.with("file_id", id),
            _ => return None,
        };
        let detail = media.detail.map(|detail| match detail {
            Detail::Auto => "auto",
            Detail::Low => "low",
            Detail::High => "high",
        });
        Some(part.maybe("detail", detail))
    }

    fn document(&self, media: &'r Media<'r>) -> Option<Object<'r>> {
        let part = Object::new().with("type", "input_file");
        let name = media.name.as_deref();
        Some(match &media.source {
            Source::Text(text) => Object::new().with("type", "input_text").with("text", text),
            Source::Base64(data) => {
                let media_type = media.media_type.as_deref().unwrap_or("application/pdf");
                part.with("filename", name.unwrap_or("document.pdf"))
                    .with("file_data", data_url(media_type, data))
            }
            // A name beside a URL or an id is refused.
            Source::Url(url) if is_web(url) => part.with("file_url", url),
            Source::File(id) if self.is_own() => part.with("file_id", id),
            _ => return None,
        })
    }

    /// Whether the caller speaks a format of OpenAI's: an id of another provider's file means nothing here.
    fn is_own(&self) -> bool {
        matches!(
            self.request.from,
            None | Some(Format::Chat | Format::Responses | Format::Completions)
        )
    }
}

fn audio<'r>(media: &'r Media<'r>) -> Option<Object<'r>> {
    let Source::Base64(data) = &media.source else {
        return None;
    };
    let format = match media.media_type.as_deref() {
        Some("audio/mpeg" | "audio/mp3") => "mp3",
        None | Some("audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave") => "wav",
        _ => return None,
    };
    let inside = Object::new().with("data", data).with("format", format);
    Some(
        Object::new()
            .with("type", "input_audio")
            .with("input_audio", inside),
    )
}
