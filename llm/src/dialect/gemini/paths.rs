//! What callers of Google's APIs call: `google-genai` for AI Studio under `/v1beta`, `/v1` and `/v1alpha`, and for
//! Vertex AI under `/v1beta1` and `/v1`, with a project or without
//! (<https://ai.google.dev/api>, <https://cloud.google.com/vertex-ai/docs/reference/rest>).

use crate::call::{BodyKind, Path};
use crate::{Format, Operation};

const fn post(pattern: &'static str, operation: Operation, stream: Option<bool>) -> Path {
    Path {
        methods: &["POST"],
        pattern,
        operation,
        format: Format::Gemini,
        body: BodyKind::Json,
        stream,
    }
}

const fn other(
    methods: &'static [&'static str],
    pattern: &'static str,
    operation: Operation,
) -> Path {
    Path {
        methods,
        pattern,
        operation,
        format: Format::Gemini,
        body: BodyKind::Opaque,
        stream: None,
    }
}

/// The methods of a model, wherever models are.
macro_rules! methods {
    ($($models:literal),+) => {
        &[$(
            post(concat!($models, "{model}:generateContent"), Operation::Chat, Some(false)),
            post(concat!($models, "{model}:streamGenerateContent"), Operation::Chat, Some(true)),
            post(concat!($models, "{model}:countTokens"), Operation::CountTokens, None),
            post(concat!($models, "{model}:embedContent"), Operation::Embeddings, None),
            post(concat!($models, "{model}:batchEmbedContents"), Operation::Embeddings, None),
            post(concat!($models, "{model}:predict"), Operation::Embeddings, None),
            post(concat!($models, "{model}:batchGenerateContent"), Operation::Batches, None),
        )+]
    };
}

/// Calls of models.
pub(in crate::dialect) static PATHS: &[Path] = methods!(
    "/v1beta/models/",
    "/v1/models/",
    "/v1alpha/models/",
    "/v1beta1/projects/{id}/locations/{id}/publishers/google/models/",
    "/v1/projects/{id}/locations/{id}/publishers/google/models/",
    "/v1beta1/publishers/google/models/",
    "/v1/publishers/google/models/"
);

/// Files and batches of AI Studio, which pass
/// (<https://ai.google.dev/api/files>, <https://ai.google.dev/api/batch-api>).
pub(in crate::dialect) static STORED: &[Path] = &[
    other(&["GET"], "/v1beta/files", Operation::Files),
    other(&["GET", "DELETE"], "/v1beta/files/{rest}", Operation::Files),
    other(&["POST", "PUT"], "/upload/v1beta/files", Operation::Files),
    other(&["GET"], "/v1beta/batches", Operation::Batches),
    other(
        &["GET", "POST", "DELETE"],
        "/v1beta/batches/{rest}",
        Operation::Batches,
    ),
];
