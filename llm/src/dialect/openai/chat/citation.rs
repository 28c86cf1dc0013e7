//! What a text rests on
//! (<https://platform.openai.com/docs/api-reference/chat/object#chat-object-choices-message-annotations>).
//!
//! OpenAI cites URLs alone. What other providers cite is told in the same shape, with fields besides that are called as
//! Anthropic calls them.

use crate::chat::Citation;
use crate::json::{Object, Value};

/// One of `annotations`; `None` for what cites nothing.
pub(crate) fn read(value: &Value<'_>) -> Option<Citation<'static>> {
    let inside = value.get("url_citation")?;
    let text = |name: &str| {
        let text = inside.get(name)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned().into())
    };
    let count = |name: &str| inside.get(name).and_then(Value::as_u64);
    let span = |start, end| Some((count(start)?, count(end)?));
    Some(Citation {
        quote: text("cited_text"),
        title: text("title"),
        url: text("url"),
        document: count("document_index"),
        span: span("start_index", "end_index"),
        source: span("start_char_index", "end_char_index"),
        ..Citation::default()
    })
}

/// It as one of `annotations`; `offset` characters of the answer come before its text, of which there are `characters` by
/// now. What does not say where it belongs belongs to all of them, since SDKs refuse an annotation without a place.
pub(crate) fn write(citation: &Citation<'_>, offset: u64, characters: u64) -> Object<'static> {
    let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
    let (start, end) = citation.span.unwrap_or((0, characters));
    let inside = Object::new()
        .with("start_index", start.saturating_add(offset))
        .with("end_index", end.saturating_add(offset))
        .with("title", owned(&citation.title).unwrap_or_default())
        .with("url", owned(&citation.url).unwrap_or_default())
        .maybe("cited_text", owned(&citation.quote))
        .maybe("document_index", citation.document)
        .maybe("start_char_index", citation.source.map(|(start, _)| start))
        .maybe("end_char_index", citation.source.map(|(_, end)| end));
    Object::new()
        .with("type", "url_citation")
        .with("url_citation", inside)
}

/// Perplexity tells its sources beside the choices, as URLs or as results of its search
/// (<https://docs.perplexity.ai/api-reference/chat-completions-post>).
pub(crate) fn beside(answer: &Value<'_>) -> Vec<Citation<'static>> {
    if let Some(results) = answer.get("search_results").and_then(Value::as_array) {
        let owned = |value: Option<&Value<'_>>| Some(value?.as_str()?.to_owned().into());
        return results
            .iter()
            .map(|result| Citation {
                title: owned(result.get("title")),
                url: owned(result.get("url")),
                ..Citation::default()
            })
            .filter(|one| one.url.is_some())
            .collect();
    }
    let urls = answer.get("citations").and_then(Value::as_array);
    urls.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|url| Citation {
            url: Some(url.to_owned().into()),
            ..Citation::default()
        })
        .collect()
}
