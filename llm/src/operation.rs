//! What a caller asks for.

use std::fmt;

/// An operation of the OpenAI-compatible surface.
///
/// Paths are those of the provider's API reference
/// (<https://platform.openai.com/docs/api-reference>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// `POST /v1/chat/completions`
    ChatCompletions,
    /// `POST /v1/completions`
    Completions,
    /// `POST /v1/embeddings`
    Embeddings,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 3] = [Self::ChatCompletions, Self::Completions, Self::Embeddings];

    /// The stable short name, as in `request.operation` and in records: `chat`, `completions`,
    /// `embeddings`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
        }
    }

    /// The path below a provider's base URL, which already ends in its `/v1` where it has one.
    #[must_use]
    pub fn upstream_path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/chat/completions",
            Self::Completions => "/completions",
            Self::Embeddings => "/embeddings",
        }
    }

    /// The operation that a caller's path names; the path comes without its query.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        match path {
            "/v1/chat/completions" => Some(Self::ChatCompletions),
            "/v1/completions" => Some(Self::Completions),
            "/v1/embeddings" => Some(Self::Embeddings),
            _ => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_path_is_v1_and_the_upstream_path() {
        for operation in Operation::ALL {
            let path = format!("/v1{}", operation.upstream_path());
            assert_eq!(Operation::from_path(&path), Some(operation));
        }
        assert_eq!(Operation::from_path("/v1/chat/completions/"), None);
        assert_eq!(Operation::from_path("/chat/completions"), None);
    }
}
