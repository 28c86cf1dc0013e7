//! What an answer rests on: `groundingMetadata` of searches and documents, `citationMetadata` of texts that the model
//! repeats (<https://ai.google.dev/api/generate-content#GroundingMetadata>,
//! <https://ai.google.dev/api/generate-content#citationmetadata>).

use super::names::{field, number, text, whole};
use super::ruler::Ruler;
use crate::chat::Citation;
use crate::json::{Object, Value};

/// How many citations of an answer are told.
const MOST: usize = 4096;

/// The citations that are new in the metadata of a candidate. `seen`: those that were told before; `ruler`: the text
/// that places count in, where there is one alone.
pub(super) fn read(
    candidate: &Value<'_>,
    ruler: Option<&Ruler>,
    seen: &mut Vec<Citation<'static>>,
) -> Vec<Citation<'static>> {
    let mut found = Vec::new();
    if let Some(metadata) = field(candidate, "groundingMetadata") {
        grounded(metadata, ruler, &mut found);
    }
    let cited = field(candidate, "citationMetadata")
        .and_then(|metadata| {
            field(metadata, "citations").or_else(|| field(metadata, "citationSources"))
        })
        .and_then(Value::as_array)
        .unwrap_or_default();
    for one in cited {
        found.push(Citation {
            title: owned(text(one, "title")),
            url: owned(text(one, "uri")),
            span: span(one, ruler),
            ..Citation::default()
        });
    }
    found.retain(|one| {
        let new = seen.len() < MOST && !seen.contains(one);
        if new {
            seen.push(one.clone());
        }
        new
    });
    found
}

fn grounded(metadata: &Value<'_>, ruler: Option<&Ruler>, found: &mut Vec<Citation<'static>>) {
    let list = |name| {
        field(metadata, name)
            .and_then(Value::as_array)
            .unwrap_or_default()
    };
    let sources: Vec<Citation<'static>> = list("groundingChunks").iter().map(source).collect();
    let supports = list("groundingSupports");
    if supports.is_empty() {
        found.extend(sources);
        return;
    }
    for support in supports {
        let span = field(support, "segment").and_then(|segment| span(segment, ruler));
        let indices = field(support, "groundingChunkIndices").and_then(Value::as_array);
        for index in indices.unwrap_or_default().iter().filter_map(whole) {
            let source = usize::try_from(index)
                .ok()
                .and_then(|index| sources.get(index));
            if let Some(source) = source
                && found.len() < MOST
            {
                found.push(Citation {
                    span,
                    ..source.clone()
                });
            }
        }
    }
}

/// `{web: {uri, title}}`, `{retrievedContext: {uri, title, text}}`, `{maps: {uri, title, text}}`
fn source(chunk: &Value<'_>) -> Citation<'static> {
    let inside = ["web", "retrievedContext", "maps", "image"]
        .into_iter()
        .find_map(|name| field(chunk, name));
    let Some(inside) = inside else {
        return Citation::default();
    };
    Citation {
        quote: owned(text(inside, "text")),
        title: owned(text(inside, "title")),
        url: owned(text(inside, "uri").or_else(|| text(inside, "sourceUri"))),
        ..Citation::default()
    }
}

fn span(segment: &Value<'_>, ruler: Option<&Ruler>) -> Option<(u64, u64)> {
    // A place of 0 is not written.
    let start = number(segment, "startIndex").unwrap_or(0);
    let end = number(segment, "endIndex")?;
    let ruler = ruler?;
    Some((ruler.chars(start)?, ruler.chars(end)?))
}

fn owned(text: Option<&str>) -> Option<std::borrow::Cow<'static, str>> {
    text.filter(|text| !text.is_empty())
        .map(|text| text.to_owned().into())
}

/// Collects what an answer to a caller cites.
#[derive(Debug, Default)]
pub(super) struct Grounds {
    sources: Vec<Citation<'static>>,
    supports: Vec<Support>,
}

#[derive(Debug)]
struct Support {
    part: u32,
    /// In bytes.
    place: Option<(u64, u64)>,
    source: usize,
}

impl Grounds {
    /// A citation of a text part; `ruler` measured the text.
    pub(super) fn add(&mut self, part: u32, citation: &Citation<'_>, ruler: &Ruler) {
        let of = |text: &Option<std::borrow::Cow<'_, str>>| {
            text.as_ref().map(|text| text.clone().into_owned().into())
        };
        let source = Citation {
            quote: of(&citation.quote),
            title: of(&citation.title),
            url: of(&citation.url),
            ..Citation::default()
        };
        if self.supports.len() >= MOST {
            return;
        }
        let known = self.sources.iter().position(|one| *one == source);
        let index = known.unwrap_or_else(|| {
            self.sources.push(source);
            self.sources.len() - 1
        });
        let place = citation
            .span
            .and_then(|(start, end)| Some((ruler.bytes(start)?, ruler.bytes(end)?)));
        self.supports.push(Support {
            part,
            place,
            source: index,
        });
    }

    /// `groundingMetadata`, where there is something to say.
    pub(super) fn object(&self) -> Option<Object<'_>> {
        if self.sources.is_empty() {
            return None;
        }
        let chunks: Vec<Object<'_>> = self
            .sources
            .iter()
            .map(|source| {
                let inside = Object::new()
                    .maybe("uri", source.url.as_ref())
                    .maybe("title", source.title.as_ref());
                // A page is known by its URL alone; what is quoted from is a document.
                if source.quote.is_none() && source.url.is_some() {
                    Object::new().with("web", inside)
                } else {
                    Object::new().with(
                        "retrievedContext",
                        inside.maybe("text", source.quote.as_ref()),
                    )
                }
            })
            .collect();
        let supports: Vec<Object<'_>> = self
            .supports
            .iter()
            .filter_map(|support| {
                let (start, end) = support.place?;
                let mut segment = Object::new();
                if support.part > 0 {
                    segment.push("partIndex", support.part);
                }
                let segment = segment.with("startIndex", start).with("endIndex", end);
                Some(
                    Object::new()
                        .with("segment", segment)
                        .with("groundingChunkIndices", vec![support.source as u64]),
                )
            })
            .collect();
        let object = Object::new().with("groundingChunks", chunks);
        Some(if supports.is_empty() {
            object
        } else {
            object.with("groundingSupports", supports)
        })
    }
}
