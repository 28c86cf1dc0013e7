//! What a text rests on: `annotations` of an `output_text`
//! (<https://platform.openai.com/docs/api-reference/responses/object#responses-object-output>).

use std::borrow::Cow;

use crate::chat::Citation;
use crate::json::{Object, Value};

/// Of a URL, of a file; `None` for what cites nothing.
pub(super) fn read(value: &Value<'_>) -> Option<Citation<'static>> {
    let text = |name: &str| -> Option<Cow<'static, str>> {
        let text = value.get(name)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned().into())
    };
    let count = |name: &str| value.get(name).and_then(Value::as_u64);
    let span = |start, end| Some((count(start)?, count(end)?));
    let common = Citation {
        quote: text("cited_text"),
        span: span("start_index", "end_index"),
        source: span("start_char_index", "end_char_index"),
        ..Citation::default()
    };
    Some(match value.get("type")?.as_str()? {
        "url_citation" => Citation {
            title: text("title"),
            url: text("url"),
            document: count("document_index"),
            ..common
        },
        "file_citation" | "container_file_citation" => Citation {
            title: text("filename"),
            document: count("document_index"),
            ..common
        },
        _ => return None,
    })
}

/// It as an annotation of a text that has so many characters by now. What the format has no name for is called as
/// Anthropic calls it; what it wants and nobody said is empty, since SDKs refuse an answer that lacks it.
pub(super) fn write(citation: &Citation<'_>, characters: u64) -> Object<'static> {
    let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
    let title = owned(&citation.title).unwrap_or_default();
    let (start, end) = citation.span.unwrap_or((0, characters));
    let annotation = match owned(&citation.url) {
        Some(url) => Object::new()
            .with("type", "url_citation")
            .with("start_index", start)
            .with("end_index", end)
            .with("url", url)
            .with("title", title),
        None => Object::new()
            .with("type", "file_citation")
            .with("index", citation.document.unwrap_or(0))
            .with("file_id", "")
            .with("filename", title)
            .with("start_index", start)
            .with("end_index", end),
    };
    annotation
        .maybe("cited_text", owned(&citation.quote))
        .maybe("document_index", citation.document)
        .maybe("start_char_index", citation.source.map(|(start, _)| start))
        .maybe("end_char_index", citation.source.map(|(_, end)| end))
}
