//! Where callers find OpenAI's operations, and where they are at a provider.

use crate::call::{BodyKind, Path};
use crate::{Format, Operation};

const fn path(
    methods: &'static [&'static str],
    pattern: &'static str,
    operation: Operation,
    format: Format,
    body: BodyKind,
) -> Path {
    Path {
        methods,
        pattern,
        operation,
        format,
        body,
        stream: None,
    }
}

/// A call of an operation that is no chat.
const fn other(
    methods: &'static [&'static str],
    pattern: &'static str,
    operation: Operation,
    body: BodyKind,
) -> Path {
    path(methods, pattern, operation, Format::Chat, body)
}

const fn responses(
    methods: &'static [&'static str],
    pattern: &'static str,
    body: BodyKind,
) -> Path {
    path(
        methods,
        pattern,
        Operation::Responses,
        Format::Responses,
        body,
    )
}

/// What OpenAI's SDKs call (<https://platform.openai.com/docs/api-reference>).
pub static PATHS: &[Path] = {
    use BodyKind::{Form, Json, Opaque};
    use Format::{Chat, Completions, Responses};
    const GET: &[&str] = &["GET"];
    const POST: &[&str] = &["POST"];
    const KEPT: &[&str] = &["GET", "DELETE"];
    &[
        path(POST, "/v1/chat/completions", Operation::Chat, Chat, Json),
        path(
            POST,
            "/v1/completions",
            Operation::Completions,
            Completions,
            Json,
        ),
        path(POST, "/v1/responses", Operation::Chat, Responses, Json),
        responses(POST, "/v1/responses/input_tokens", Json),
        responses(POST, "/v1/responses/compact", Json),
        responses(POST, "/v1/responses/{id}/cancel", Opaque),
        responses(GET, "/v1/responses/{id}/input_items", Opaque),
        responses(KEPT, "/v1/responses/{id}", Opaque),
        other(POST, "/v1/embeddings", Operation::Embeddings, Json),
        other(POST, "/v1/moderations", Operation::Moderations, Json),
        other(POST, "/v1/images/generations", Operation::Images, Json),
        other(POST, "/v1/images/edits", Operation::Images, Form),
        other(POST, "/v1/images/variations", Operation::Images, Form),
        other(POST, "/v1/audio/speech", Operation::Speech, Json),
        other(
            POST,
            "/v1/audio/transcriptions",
            Operation::Transcriptions,
            Form,
        ),
        other(
            POST,
            "/v1/audio/translations",
            Operation::Translations,
            Form,
        ),
        other(POST, "/v1/files", Operation::Files, Form),
        other(GET, "/v1/files", Operation::Files, Opaque),
        other(GET, "/v1/files/{id}/content", Operation::Files, Opaque),
        other(KEPT, "/v1/files/{id}", Operation::Files, Opaque),
        other(POST, "/v1/batches", Operation::Batches, Json),
        other(GET, "/v1/batches", Operation::Batches, Opaque),
        other(POST, "/v1/batches/{id}/cancel", Operation::Batches, Opaque),
        other(GET, "/v1/batches/{id}", Operation::Batches, Opaque),
    ]
};
