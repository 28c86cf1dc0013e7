//! What callers of Cohere's API call, and where Cohere has it (<https://docs.cohere.com/reference/about>).

use crate::call::{BodyKind, Path};
use crate::provider::{Ask, BodyChange, CredentialHeader, Provider, Reach, Seller};
use crate::{Dialect, Format, Operation};

/// Cohere's API.
#[derive(Debug)]
pub struct Cohere;

const fn post(pattern: &'static str, operation: Operation) -> Path {
    Path {
        methods: &["POST"],
        pattern,
        operation,
        format: Format::Cohere,
        body: BodyKind::Json,
        stream: None,
    }
}

/// What Cohere's SDKs call. The first version's chat passes to Cohere alone.
pub(in crate::dialect) static PATHS: &[Path] = &[
    post("/v2/chat", Operation::Chat),
    post("/v1/chat", Operation::Chat),
    post("/v1/generate", Operation::Completions),
    post("/v2/embed", Operation::Embeddings),
    post("/v1/embed", Operation::Embeddings),
    post("/v2/rerank", Operation::Rerank),
    post("/v1/rerank", Operation::Rerank),
];

impl Provider for Cohere {
    fn dialect(&self) -> Dialect {
        Dialect::Cohere
    }

    fn credential(&self) -> CredentialHeader {
        CredentialHeader::Bearer
    }

    fn reach(&self, ask: &Ask<'_>) -> Option<Reach> {
        let own = ask.call.format == Format::Cohere;
        let path = match ask.operation() {
            Operation::Chat
            | Operation::Completions
            | Operation::Embeddings
            | Operation::Rerank
                if own =>
            {
                ask.path
            }
            Operation::Chat | Operation::Completions => "/v2/chat",
            _ => return None,
        };
        Some(Reach {
            path: format!("{}{path}", ask.settings.base),
            query: String::new(),
            keep_query: own,
            format: Format::Cohere,
            body: BodyChange::default(),
            headers: Vec::new(),
        })
    }

    fn seller(&self) -> Seller {
        Seller::One("cohere")
    }
}
