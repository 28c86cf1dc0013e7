//! Where Anthropic's operations are (<https://platform.claude.com/docs/en/api/overview>).

use std::borrow::Cow;

use crate::call::{BodyKind, Path};
use crate::provider::{Ask, BodyChange, CredentialHeader, ModelPlace, Provider, Reach, Seller};
use crate::{Dialect, Format, Operation};

/// Anthropic's API.
#[derive(Debug)]
pub struct Anthropic;

/// The version of the API that is asked for where the caller asks for none. The one after it takes no sampling parameter
/// (<https://platform.claude.com/docs/en/api/versioning>).
pub const VERSION: &str = "2023-06-01";

/// How a body of messages differs at Vertex, where the path names the model
/// (<https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai>).
pub const AT_VERTEX: BodyChange = BodyChange {
    model: ModelPlace::Path,
    without: &[],
    with: &[("anthropic_version", "\"vertex-2023-10-16\"")],
};

impl Provider for Anthropic {
    fn dialect(&self) -> Dialect {
        Dialect::Anthropic
    }

    fn credential(&self) -> CredentialHeader {
        CredentialHeader::Key("x-api-key")
    }

    fn reach(&self, ask: &Ask<'_>) -> Option<Reach> {
        let own = ask.call.format == Format::Messages;
        let path = match ask.operation() {
            _ if ask.is_chat() => "/v1/messages",
            Operation::CountTokens => "/v1/messages/count_tokens",
            Operation::Files | Operation::Batches if own => ask.path,
            _ => return None,
        };
        Some(Reach {
            path: format!("{}{path}", ask.settings.base),
            query: String::new(),
            keep_query: own,
            format: Format::Messages,
            body: BodyChange::default(),
            headers: vec![("anthropic-version", Cow::Borrowed(VERSION))],
        })
    }

    fn seller(&self) -> Seller {
        Seller::One("anthropic")
    }
}

const fn path(
    methods: &'static [&'static str],
    pattern: &'static str,
    operation: Operation,
    body: BodyKind,
) -> Path {
    Path {
        methods,
        pattern,
        operation,
        format: Format::Messages,
        body,
        stream: None,
    }
}

/// What Anthropic's SDKs call.
pub static PATHS: &[Path] = &[
    path(&["POST"], "/v1/messages", Operation::Chat, BodyKind::Json),
    path(
        &["POST"],
        "/v1/messages/count_tokens",
        Operation::CountTokens,
        BodyKind::Json,
    ),
    path(
        &["POST"],
        "/v1/messages/batches",
        Operation::Batches,
        BodyKind::Json,
    ),
    path(
        &["GET"],
        "/v1/messages/batches",
        Operation::Batches,
        BodyKind::Opaque,
    ),
    // Nothing else is posted there: what makes a batch is read above.
    path(
        &["POST"],
        "/v1/messages/batches/{id}/cancel",
        Operation::Batches,
        BodyKind::Opaque,
    ),
    path(
        &["GET", "DELETE"],
        "/v1/messages/batches/{rest}",
        Operation::Batches,
        BodyKind::Opaque,
    ),
    path(&["POST"], "/v1/files", Operation::Files, BodyKind::Form),
    path(&["GET"], "/v1/files", Operation::Files, BodyKind::Opaque),
    path(
        &["GET", "DELETE"],
        "/v1/files/{rest}",
        Operation::Files,
        BodyKind::Opaque,
    ),
];
