//! What a text rests on (<https://platform.claude.com/docs/en/build-with-claude/citations>).

use super::read::string;
use crate::chat::Citation;
use crate::json::{Object, Value};

/// Reads one, of whatever sort. Pages and blocks of a source are no characters, and left out.
pub(super) fn read<'a>(value: &Value<'a>) -> Option<Citation<'a>> {
    value.as_object()?;
    let text = |name| value.get(name).and_then(string);
    let number = |name| value.get(name).and_then(Value::as_u64);
    Some(Citation {
        quote: text("cited_text"),
        title: text("document_title").or_else(|| text("title")),
        url: text("url").or_else(|| text("source")),
        document: number("document_index"),
        span: None,
        source: number("start_char_index").zip(number("end_char_index")),
    })
}

/// Writes one: of the web where it has a URL, else of a document.
pub(super) fn write<'r>(citation: &'r Citation<'_>) -> Object<'r> {
    let quote = citation.quote.as_deref().unwrap_or_default();
    let title = citation.title.as_deref().map_or(Value::Null, Value::from);
    if let Some(url) = &citation.url {
        return Object::new()
            .with("type", "web_search_result_location")
            .with("cited_text", quote)
            .with("url", url)
            .with("title", title)
            .with("encrypted_index", "");
    }
    let (start, end) = citation.source.unwrap_or((0, quote.chars().count() as u64));
    Object::new()
        .with("type", "char_location")
        .with("cited_text", quote)
        .with("document_index", citation.document.unwrap_or(0))
        .with("document_title", title)
        .with("start_char_index", start)
        .with("end_char_index", end)
}
