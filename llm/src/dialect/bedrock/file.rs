//! Files: what Bedrock calls their types
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html>).

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::chat::{Media, MediaKind, Problem, Source};
use crate::codec::Gaps;
use crate::dialect::anthropic::beside::Said;
use crate::dialect::anthropic::turns::image_type;
use crate::json::{Object, Value};

/// Formats and media types; where a format has several types the first is written, and the other way round.
const TYPES: [(MediaKind, &str, &str); 43] = [
    (MediaKind::Image, "png", "image/png"),
    (MediaKind::Image, "jpeg", "image/jpeg"),
    (MediaKind::Image, "jpeg", "image/jpg"),
    (MediaKind::Image, "gif", "image/gif"),
    (MediaKind::Image, "webp", "image/webp"),
    (MediaKind::Document, "pdf", "application/pdf"),
    (MediaKind::Document, "csv", "text/csv"),
    (MediaKind::Document, "doc", "application/msword"),
    (
        MediaKind::Document,
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    (MediaKind::Document, "xls", "application/vnd.ms-excel"),
    (
        MediaKind::Document,
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    (MediaKind::Document, "html", "text/html"),
    (MediaKind::Document, "txt", "text/plain"),
    (MediaKind::Document, "txt", "application/json"),
    (MediaKind::Document, "md", "text/markdown"),
    (MediaKind::Document, "md", "text/x-markdown"),
    (MediaKind::Video, "mp4", "video/mp4"),
    (MediaKind::Video, "mkv", "video/x-matroska"),
    (MediaKind::Video, "mov", "video/quicktime"),
    (MediaKind::Video, "mov", "video/mov"),
    (MediaKind::Video, "webm", "video/webm"),
    (MediaKind::Video, "flv", "video/x-flv"),
    (MediaKind::Video, "mpeg", "video/mpeg"),
    (MediaKind::Video, "mpg", "video/mpg"),
    (MediaKind::Video, "wmv", "video/x-ms-wmv"),
    (MediaKind::Video, "three_gp", "video/3gpp"),
    (MediaKind::Audio, "wav", "audio/wav"),
    (MediaKind::Audio, "wav", "audio/x-wav"),
    (MediaKind::Audio, "mp3", "audio/mp3"),
    (MediaKind::Audio, "mp3", "audio/mpeg"),
    (MediaKind::Audio, "mpeg", "audio/mpeg"),
    (MediaKind::Audio, "mpga", "audio/mpeg"),
    (MediaKind::Audio, "opus", "audio/opus"),
    (MediaKind::Audio, "aac", "audio/aac"),
    (MediaKind::Audio, "x-aac", "audio/x-aac"),
    (MediaKind::Audio, "flac", "audio/flac"),
    (MediaKind::Audio, "mp4", "audio/mp4"),
    (MediaKind::Audio, "m4a", "audio/m4a"),
    (MediaKind::Audio, "ogg", "audio/ogg"),
    (MediaKind::Audio, "mkv", "audio/x-matroska"),
    (MediaKind::Audio, "mka", "audio/x-matroska"),
    (MediaKind::Audio, "pcm", "audio/pcm"),
    (MediaKind::Audio, "webm", "audio/webm"),
];

/// The media type of a format; that which the kind begins with for one that is not known.
pub(super) fn media_type<'a>(kind: MediaKind, format: Cow<'a, str>) -> Cow<'a, str> {
    let known = TYPES
        .iter()
        .find(|(own, name, _)| *own == kind && *name == format);
    match (known, kind) {
        (Some((.., media_type)), _) => Cow::Borrowed(*media_type),
        (None, MediaKind::Image) => Cow::Owned(format!("image/{format}")),
        (None, MediaKind::Audio) => Cow::Owned(format!("audio/{format}")),
        (None, MediaKind::Video) => Cow::Owned(format!("video/{format}")),
        (None, MediaKind::Document) => format,
    }
}

/// The format of a media type, without its parameters.
pub(super) fn format(kind: MediaKind, media_type: &str) -> Option<&'static str> {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    TYPES
        .iter()
        .find(|(own, _, name)| *own == kind && *name == essence)
        .map(|(_, format, _)| *format)
}

/// The field of a block that holds a file.
pub(super) fn field(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "image",
        MediaKind::Audio => "audio",
        MediaKind::Document => "document",
        MediaKind::Video => "video",
    }
}

/// A block of a file.
pub(super) fn write<'r>(
    file: &'r Media<'_>,
    path: &str,
    said: Said<'r>,
    gaps: &mut Gaps,
) -> Result<Object<'r>, Problem> {
    let citations = file.citations.then(|| Object::new().with("enabled", true));
    if let (Some(from), Source::Text(text)) = (said.source, &file.source) {
        let found = Object::new()
            .with("source", from)
            .with("title", file.name.as_deref().unwrap_or_default())
            .with("content", vec![Object::new().with("text", text)])
            .maybe("citations", citations);
        return Ok(Object::new().with("searchResult", found));
    }
    if let Some(crate::chat::Detail::Low | crate::chat::Detail::High) = file.detail {
        gaps.leave_out(
            &format!("{path}.detail"),
            "how closely an image is looked at",
        )?;
    }
    let media_type = match (file.media_type.as_deref(), &file.source) {
        (Some(media_type), _) => media_type,
        (None, Source::Base64(data)) if file.kind == MediaKind::Image => image_type(data),
        (None, Source::Text(_)) => "text/plain",
        (None, Source::Url(url)) => by_name(file.kind, url),
        (None, _) => by_name(file.kind, file.name.as_deref().unwrap_or_default()),
    };
    let format = format(file.kind, media_type);
    let format = format.ok_or_else(|| gaps.refuse(path, "files of this type"))?;
    let bytes = |data: Value<'r>| Object::new().with("bytes", data);
    let source = match &file.source {
        Source::Base64(data) => bytes(data.into()),
        Source::Text(text) if file.kind == MediaKind::Document => {
            bytes(BASE64_STANDARD.encode(text.as_bytes()).into())
        }
        Source::Url(url) if url.starts_with("s3://") => {
            Object::new().with("s3Location", Object::new().with("uri", url))
        }
        Source::Text(_) => return Err(gaps.refuse(path, "such a file as text")),
        Source::Url(_) => return Err(gaps.refuse(path, "files at a URL")),
        Source::File(_) => return Err(gaps.refuse(path, "files by an id")),
    };
    let mut block = Object::new().with("format", format);
    if file.kind == MediaKind::Document {
        block.push("name", name(file.name.as_deref().unwrap_or_default()));
    }
    block.push("source", source);
    let context = said.context.filter(|_| file.kind == MediaKind::Document);
    let block = block
        .maybe("context", context)
        .maybe("citations", citations);
    Ok(Object::new().with(field(file.kind), block))
}

/// The type that the end of a name tells; the commonest of its kind where it tells none.
fn by_name(kind: MediaKind, name: &str) -> &'static str {
    let end = name.rsplit('.').next().unwrap_or_default();
    let end = match end {
        "jpg" => "jpeg",
        "3gp" => "three_gp",
        other => other,
    };
    let known = TYPES
        .iter()
        .find(|(own, format, _)| *own == kind && *format == end);
    match (known, kind) {
        (Some((.., media_type)), _) => media_type,
        (None, MediaKind::Image) => "image/png",
        (None, MediaKind::Audio) => "audio/mp3",
        (None, MediaKind::Document) => "application/pdf",
        (None, MediaKind::Video) => "video/mp4",
    }
}

/// Makes the names of documents distinct, as Bedrock wants them within a request: a later one of a name gets a number.
pub(super) fn tell_apart(block: &mut Value<'_>, seen: &mut HashMap<String, u32>) {
    let Value::Object(object) = block else {
        return;
    };
    for (field, mut value) in std::mem::take(object) {
        match (&*field, &mut value) {
            ("document", Value::Object(document)) => number(document, seen),
            ("toolResult", Value::Object(result)) => {
                for (field, mut value) in std::mem::take(result) {
                    if let ("content", Value::Array(blocks)) = (&*field, &mut value) {
                        for block in blocks {
                            tell_apart(block, seen);
                        }
                    }
                    result.push(field, value);
                }
            }
            _ => {}
        }
        object.push(field, value);
    }
}

fn number(document: &mut Object<'_>, seen: &mut HashMap<String, u32>) {
    for (field, value) in std::mem::take(document) {
        let Some(name) = value.as_str().filter(|_| field == "name") else {
            document.push(field, value);
            continue;
        };
        let times = seen.entry(name.to_owned()).or_default();
        *times += 1;
        let again = *times;
        if again == 1 {
            document.push(field, value);
            continue;
        }
        // Names have 200 letters at most, which are all ASCII.
        let numbered = format!("{} ({again})", name.get(..180).unwrap_or(name));
        seen.entry(numbered.clone()).or_insert(1);
        document.push(field, numbered);
    }
}

/// A name that Bedrock takes: letters, digits, hyphens, brackets, and blanks that stand alone
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html>).
fn name(given: &str) -> String {
    let mut name = String::new();
    for letter in given.chars().take(200) {
        let fits = letter.is_ascii_alphanumeric() || matches!(letter, '-' | '(' | ')' | '[' | ']');
        match letter {
            ' ' if !name.ends_with(' ') => name.push(' '),
            ' ' => {}
            _ => name.push(if fits { letter } else { '-' }),
        }
    }
    match name.trim() {
        "" => "document".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_one_name_are_told_apart() {
        let read = |text: &'static str| Value::parse(text).unwrap();
        let mut seen = HashMap::new();
        let mut blocks = [
            read(r#"{"document":{"format":"pdf","name":"document"}}"#),
            read(
                r#"{"toolResult":{"toolUseId":"a","content":[{"document":{"name":"document"}},{"text":"x"}]}}"#,
            ),
            read(r#"{"document":{"name":"other"}}"#),
        ];
        for block in &mut blocks {
            tell_apart(block, &mut seen);
        }
        let written: Vec<String> = blocks.iter().map(Value::to_json).collect();
        assert_eq!(
            written,
            [
                r#"{"document":{"format":"pdf","name":"document"}}"#,
                r#"{"toolResult":{"toolUseId":"a","content":[{"document":{"name":"document (2)"}},{"text":"x"}]}}"#,
                r#"{"document":{"name":"other"}}"#,
            ]
        );
    }

    #[test]
    fn formats_and_media_types_tell_each_other() {
        assert_eq!(format(MediaKind::Image, "IMAGE/JPG; q=1"), Some("jpeg"));
        assert_eq!(format(MediaKind::Document, "video/mp4"), None);
        assert_eq!(media_type(MediaKind::Audio, "mpga".into()), "audio/mpeg");
        assert_eq!(name("My  report.pdf"), "My report-pdf");
        assert_eq!(name(""), "document");
    }
}
