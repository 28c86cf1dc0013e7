//! What a text rests on (<https://platform.claude.com/docs/en/build-with-claude/citations>).

use super::read::string;
use crate::chat::{Citation, Place};
use crate::json::{Object, Value};

/// Reads one, of whatever sort.
pub(super) fn read<'a>(value: &Value<'a>) -> Option<Citation<'a>> {
    value.as_object()?;
    let text = |name| value.get(name).and_then(string);
    let number = |name| value.get(name).and_then(Value::as_u64);
    let pages = number("start_page_number").zip(number("end_page_number"));
    let pages = pages.map(|(start, end)| Place::Pages(start, end));
    let pieces = number("start_block_index").zip(number("end_block_index"));
    let pieces = pieces.map(|(start, end)| Place::Pieces(start, end));
    Some(Citation {
        quote: text("cited_text"),
        title: text("document_title").or_else(|| text("title")),
        url: text("url").or_else(|| text("source")),
        document: number("document_index"),
        span: None,
        source: number("start_char_index").zip(number("end_char_index")),
        place: pages.or(pieces),
        result: number("search_result_index"),
    })
}

/// Writes one: of a search result or of a document where it is one of the request's, of the web where it has a URL.
pub(super) fn write<'r>(citation: &'r Citation<'_>) -> Object<'r> {
    let quote = citation.quote.as_deref().unwrap_or_default();
    let title = citation.title.as_deref().map_or(Value::Null, Value::from);
    let of = |kind: &'static str| Object::new().with("type", kind).with("cited_text", quote);
    if let Some(result) = citation.result {
        let (start, end) = match citation.place {
            Some(Place::Pieces(start, end)) => (start, end),
            _ => (0, 1),
        };
        return of("search_result_location")
            .with("search_result_index", result)
            .with("source", citation.url.as_deref().unwrap_or_default())
            .with("title", title)
            .with("start_block_index", start)
            .with("end_block_index", end);
    }
    if let Some(url) = &citation.url {
        return of("web_search_result_location")
            .with("url", url)
            .with("title", title)
            .with("encrypted_index", "");
    }
    let document = citation.document.unwrap_or(0);
    match citation.place.filter(|_| citation.source.is_none()) {
        Some(Place::Pages(start, end)) => of("page_location")
            .with("document_index", document)
            .with("document_title", title)
            .with("start_page_number", start)
            .with("end_page_number", end),
        Some(Place::Pieces(start, end)) => of("content_block_location")
            .with("document_index", document)
            .with("document_title", title)
            .with("start_block_index", start)
            .with("end_block_index", end),
        None => {
            let (start, end) = citation.source.unwrap_or((0, quote.chars().count() as u64));
            of("char_location")
                .with("document_index", document)
                .with("document_title", title)
                .with("start_char_index", start)
                .with("end_char_index", end)
        }
    }
}
