//! Where Google's operations are: at AI Studio and at Vertex AI.

use std::borrow::Cow;

use crate::call::encoded;
use crate::dialect::anthropic::AT_VERTEX;
use crate::provider::{Ask, BodyChange, CredentialHeader, ModelPlace, Provider, Reach, Seller};
use crate::{Dialect, Format, Operation};

/// Google AI Studio (<https://ai.google.dev/api>).
#[derive(Debug)]
pub struct AiStudio;

/// Google Cloud's Vertex AI, with Google's models and Anthropic's
/// (<https://cloud.google.com/vertex-ai/docs/reference/rest>,
/// <https://docs.claude.com/en/api/claude-on-vertex-ai>).
#[derive(Debug)]
pub struct Vertex;

/// Its model is named by the path.
const IN_PATH: BodyChange = BodyChange {
    model: ModelPlace::Path,
    without: &[],
    with: &[],
};

impl Provider for AiStudio {
    fn dialect(&self) -> Dialect {
        Dialect::Gemini
    }

    fn credential(&self) -> CredentialHeader {
        CredentialHeader::Key("x-goog-api-key")
    }

    fn reach(&self, ask: &Ask<'_>) -> Option<Reach> {
        let own = ask.call.format == Format::Gemini;
        if ask.model.is_empty() || matches!(ask.operation(), Operation::Files) {
            return own.then(|| stored(ask))?;
        }
        let method = method(ask)?;
        // An endpoint may say the version itself.
        let versioned = ask.settings.base.rsplit('/').next().is_some_and(is_version);
        let version = if versioned {
            String::new()
        } else {
            format!("/{}", version(ask.path))
        };
        let path = format!(
            "{}{version}/{}:{method}",
            ask.settings.base,
            resource(ask.model)
        );
        Some(reach(ask, path))
    }

    fn seller(&self) -> Seller {
        Seller::One("google")
    }
}

impl Provider for Vertex {
    fn dialect(&self) -> Dialect {
        Dialect::Vertex
    }

    fn credential(&self) -> CredentialHeader {
        CredentialHeader::Bearer
    }

    fn reach(&self, ask: &Ask<'_>) -> Option<Reach> {
        if ask.model.is_empty() {
            return None;
        }
        let base = &ask.settings.base;
        if let Some(model) = claude(ask.model) {
            return anthropic(ask, model);
        }
        let method = method(ask).filter(|method| *method != "batchGenerateContent")?;
        // `publishers/…/models/…` and `endpoints/…` stand as they are.
        let model = bare(ask.model);
        let resource = match model.split_once('/') {
            Some(("publishers" | "endpoints" | "models", _)) => segments(model),
            _ => format!("publishers/google/models/{}", encoded(model)),
        };
        Some(reach(ask, format!("{base}/{resource}:{method}")))
    }

    fn seller(&self) -> Seller {
        Seller::One("google")
    }
}

/// The name of a model without `models/` before it.
pub(super) fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

/// Google's method for an operation; `None` where there is none, or where a call has to be made one of its own first.
fn method<'a>(ask: &Ask<'a>) -> Option<&'a str> {
    let own = ask.call.format == Format::Gemini;
    let called = || ask.path.rsplit_once(':').map(|(_, method)| method);
    match ask.operation() {
        Operation::Chat | Operation::Completions => Some(if ask.stream {
            "streamGenerateContent"
        } else {
            "generateContent"
        }),
        Operation::CountTokens => Some("countTokens"),
        Operation::Embeddings | Operation::Batches if own => called(),
        _ => None,
    }
}

fn reach(ask: &Ask<'_>, path: String) -> Reach {
    let own = ask.call.format == Format::Gemini;
    let events = !own && ask.stream;
    Reach {
        path,
        // Whoever speaks the format says himself how his stream shall be cut.
        query: if events {
            "alt=sse".to_owned()
        } else {
            String::new()
        },
        keep_query: own,
        format: Format::Gemini,
        body: IN_PATH,
        headers: Vec::new(),
    }
}

/// Files and batches, at the path that the caller called.
fn stored(ask: &Ask<'_>) -> Option<Reach> {
    if !matches!(ask.operation(), Operation::Files | Operation::Batches) {
        return None;
    }
    Some(Reach {
        path: format!("{}{}", ask.settings.base, ask.path),
        query: String::new(),
        keep_query: true,
        format: Format::Gemini,
        body: BodyChange::default(),
        headers: Vec::new(),
    })
}

/// `models/x`, and `tunedModels/x` as it stands.
fn resource(model: &str) -> String {
    match model.split_once('/') {
        Some(("models" | "tunedModels", _)) => segments(model),
        _ => format!("models/{}", encoded(model)),
    }
}

fn segments(path: &str) -> String {
    let all: Vec<Cow<'_, str>> = path.split('/').map(encoded).collect();
    all.join("/")
}

fn is_version(segment: &str) -> bool {
    matches!(segment, "v1" | "v1beta" | "v1alpha")
}

/// The version that the caller of AI Studio's API called; else the one that has everything.
fn version(path: &str) -> &str {
    let first = path.split('/').nth(1).unwrap_or_default();
    let second = path.split('/').nth(2);
    if is_version(first) && second == Some("models") {
        first
    } else {
        "v1beta"
    }
}

/// The name of one of Anthropic's models; `None` for others'.
fn claude(model: &str) -> Option<&str> {
    let model = model
        .strip_prefix("publishers/anthropic/models/")
        .unwrap_or(model);
    model.starts_with("claude").then_some(model)
}

/// Anthropic's messages, with the model in the path.
fn anthropic(ask: &Ask<'_>, model: &str) -> Option<Reach> {
    let models = format!("{}/publishers/anthropic/models", ask.settings.base);
    let (path, place) = match ask.operation() {
        Operation::Chat | Operation::Completions => {
            let method = if ask.stream {
                "streamRawPredict"
            } else {
                "rawPredict"
            };
            (
                format!("{models}/{}:{method}", encoded(model)),
                ModelPlace::Path,
            )
        }
        Operation::CountTokens => (
            format!("{models}/count-tokens:rawPredict"),
            ModelPlace::Body,
        ),
        _ => return None,
    };
    Some(Reach {
        path,
        query: String::new(),
        keep_query: false,
        format: Format::Messages,
        body: BodyChange {
            model: place,
            ..AT_VERTEX
        },
        headers: Vec::new(),
    })
}
