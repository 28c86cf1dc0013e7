//! The parts of a message, and of what a tool gave.

use std::borrow::Cow;

use crate::chat::{Citation, Extra, Media, MediaKind, Part, PartKind, Problem, Source};
use crate::dialect::openai::chat::read::{
    cache_of, data_url, detail_of, file_data, items, kind_of,
};
use crate::dialect::openai::typed::{missing, object, required, string, wrong};
use crate::dialect::responses::citation;
use crate::json::{Object, Value};

/// Reads content: a text, or parts.
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
    Ok(Some(match &*required(fields, path, "type")? {
        "input_text" | "text" => PartKind::Text(required(fields, path, "text")?, Vec::new()),
        "output_text" => PartKind::Text(required(fields, path, "text")?, citations(fields)),
        "refusal" => PartKind::Refusal(required(fields, path, "refusal")?),
        "input_image" => PartKind::Media(image(fields, path)?),
        "input_file" => PartKind::Media(file(fields, path)?),
        "input_audio" => PartKind::Media(audio(fields, path)?),
        _ => return Ok(None),
    }))
}

fn citations<'a>(fields: &Object<'a>) -> Vec<Citation<'a>> {
    let annotations = fields.get("annotations").and_then(Value::as_array);
    annotations
        .into_iter()
        .flatten()
        .filter_map(citation::read)
        .collect()
}

fn field<'a>(fields: &Object<'a>, path: &str, name: &str) -> Result<Option<Cow<'a, str>>, Problem> {
    let value = fields.get(name);
    value
        .map(|value| string(&format!("{path}.{name}"), value))
        .transpose()
}

fn media<'a>(kind: MediaKind, source: Source<'a>, media_type: Option<Cow<'a, str>>) -> Media<'a> {
    Media {
        kind,
        source,
        media_type,
        name: None,
        detail: None,
        citations: false,
    }
}

fn image<'a>(fields: &Object<'a>, path: &str) -> Result<Media<'a>, Problem> {
    let url = field(fields, path, "image_url")?;
    let (source, media_type) = match (url, field(fields, path, "file_id")?) {
        (Some(url), _) => data_url(url),
        (None, Some(id)) => (Source::File(id), None),
        (None, None) => return Err(missing(&format!("{path}.image_url"))),
    };
    let detail = field(fields, path, "detail")?;
    Ok(Media {
        detail: detail.and_then(|name| detail_of(&name)),
        ..media(MediaKind::Image, source, media_type)
    })
}

fn file<'a>(fields: &Object<'a>, path: &str) -> Result<Media<'a>, Problem> {
    let data = field(fields, path, "file_data")?;
    let url = field(fields, path, "file_url")?;
    let id = field(fields, path, "file_id")?;
    let (source, media_type) = match (data, url, id) {
        (Some(data), _, _) => file_data(data),
        (None, Some(url), _) => (Source::Url(url), None),
        (None, None, Some(id)) => (Source::File(id), None),
        (None, None, None) => return Err(missing(&format!("{path}.file_data"))),
    };
    Ok(Media {
        name: field(fields, path, "filename")?,
        ..media(kind_of(media_type.as_deref()), source, media_type)
    })
}

fn audio<'a>(fields: &Object<'a>, path: &str) -> Result<Media<'a>, Problem> {
    let path = format!("{path}.input_audio");
    let value = fields.get("input_audio").ok_or_else(|| missing(&path))?;
    let inside = object(&path, value)?;
    let (source, media_type) = file_data(required(inside, &path, "data")?.value);
    let named = field(inside, &path, "format")?.map(|name| match &*name {
        "mp3" => Cow::Borrowed("audio/mpeg"),
        other => Cow::Owned(format!("audio/{other}")),
    });
    Ok(media(MediaKind::Audio, source, media_type.or(named)))
}
