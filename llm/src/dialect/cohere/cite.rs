//! Citations (<https://docs.cohere.com/docs/documents-and-citations>). Their places count characters.

use std::borrow::Cow;

use crate::chat::Citation;
use crate::codec::Asked;
use crate::json::{Object, Value};

/// The name of a document of a request, counted from 0 over all of them.
pub(super) fn document_id(number: u64) -> String {
    format!("doc_{number}")
}

/// What a caller calls the documents of its request.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// Those in the caller's body.
    pub(super) fn of(asked: &Asked<'_>) -> Self {
        let documents = asked.body.and_then(|body| body.get("documents"));
        let documents = documents.and_then(Value::as_array).unwrap_or_default();
        let named = documents.iter().zip(0..).map(|(document, number)| {
            let own = document.get("id").and_then(Value::as_str);
            own.map_or_else(|| document_id(number), str::to_owned)
        });
        Self(named.collect())
    }

    fn name(&self, number: u64) -> String {
        let own = usize::try_from(number).ok().and_then(|at| self.0.get(at));
        own.cloned().unwrap_or_else(|| document_id(number))
    }
}

/// One of Cohere's citations: one for each source; none for one of a plan or of reasoning.
pub(super) fn read(value: &Value<'_>) -> Vec<Citation<'static>> {
    let kind = value.get("type").and_then(Value::as_str);
    if matches!(kind, Some("PLAN" | "THINKING_CONTENT")) {
        return Vec::new();
    }
    let place = |name: &str| value.get(name).and_then(Value::as_u64);
    let span = place("start").zip(place("end"));
    let sources = value
        .get("sources")
        .and_then(Value::as_array)
        .unwrap_or_default();
    if sources.is_empty() {
        return vec![Citation {
            span,
            ..Citation::default()
        }];
    }
    sources
        .iter()
        .map(|source| Citation {
            span,
            ..of_source(source)
        })
        .collect()
}

fn of_source(source: &Value<'_>) -> Citation<'static> {
    let id = source.get("id").and_then(Value::as_str).unwrap_or_default();
    let inside = source.get("document").or_else(|| source.get("tool_output"));
    let text = |name: &str| -> Option<Cow<'static, str>> {
        let text = inside?.get(name)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned().into())
    };
    let document = id
        .strip_prefix("doc_")
        .and_then(|number| number.parse().ok());
    let title = text("title")
        .or_else(|| (document.is_none() && !id.is_empty()).then(|| id.to_owned().into()));
    Citation {
        quote: text("snippet").or_else(|| text("text")),
        title,
        url: text("url"),
        document,
        ..Citation::default()
    }
}

/// A citation of a text part, which is the content block of this index.
pub(super) fn write<'c>(
    citation: &'c Citation<'_>,
    text: &str,
    content: u32,
    names: &Names,
) -> Object<'c> {
    let mut object = Object::new();
    if let Some((start, end)) = citation.span {
        let len = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
        let skip = usize::try_from(start).unwrap_or(usize::MAX);
        let cited: String = text.chars().skip(skip).take(len).collect();
        object = object
            .with("start", start)
            .with("end", end)
            .with("text", cited);
    }
    let id = match citation.document {
        Some(number) => Some(names.name(number)),
        None => citation
            .url
            .as_ref()
            .or(citation.title.as_ref())
            .map(|id| id.clone().into_owned()),
    };
    let document = Object::new()
        .maybe("id", id.clone())
        .maybe("title", citation.title.as_ref())
        .maybe("url", citation.url.as_ref())
        .maybe("snippet", citation.quote.as_ref());
    let source = Object::new()
        .with("type", "document")
        .maybe("id", id)
        .with("document", document);
    object
        .with("sources", vec![source])
        .with("content_index", content)
        .with("type", "TEXT_CONTENT")
}
