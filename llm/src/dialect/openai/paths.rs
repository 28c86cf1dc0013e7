//! Where callers find OpenAI's operations, and where they are at a provider.

use crate::Operation;

/// The operations that are served, and their paths below a provider's base URL.
pub const OPERATIONS: [(Operation, &str); 3] = [
    (Operation::Chat, "/chat/completions"),
    (Operation::Completions, "/completions"),
    (Operation::Embeddings, "/embeddings"),
];

/// The operation that a caller's path names; the path comes without its query.
#[must_use]
pub fn operation(path: &str) -> Option<Operation> {
    let below = path.strip_prefix("/v1")?;
    OPERATIONS
        .iter()
        .find(|(_, path)| *path == below)
        .map(|(operation, _)| *operation)
}
