//! What an interaction is, and whether Weir serves such calls.

use std::fmt;

use crate::Interaction;

/// What an interaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Chat in one of the formats that Weir translates.
    Chat {
        /// The format.
        wire: Wire,
        /// Answered as a stream.
        stream: bool,
    },
    /// Embeddings in OpenAI's shape.
    Embeddings,
    /// Embeddings in the shape of the provider that was called: Cohere's, Gemini's.
    OwnEmbeddings,
    /// Rerank in Cohere's shape, version 1 or 2.
    Rerank,
    /// Images in OpenAI's shape.
    Images,
    /// Cohere's chat and generation of before, which pass to Cohere alone.
    OlderCohere,
    /// Nothing that Weir serves.
    LeftOut {
        /// What it is.
        what: &'static str,
        /// Why Weir does not serve it.
        why: &'static str,
    },
}

/// The wire format of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is what the format is called")]
pub enum Wire {
    Chat,
    Completions,
    Responses,
    Messages,
    Gemini,
    Converse,
    Cohere,
}

/// A substring of the host and path, what it is, and why Weir does not serve it. The first that holds.
const LEFT_OUT: [(&str, &str, &str); 8] = [
    (
        "api.openai.com/v1/assistants",
        "OpenAI assistants",
        "stored by OpenAI, which shut them down in August 2026; most calls name no model",
    ),
    (
        "api.openai.com/v1/threads",
        "OpenAI threads and runs",
        "stored by OpenAI, which shut them down in August 2026; a run spends out of sight",
    ),
    (
        "/v1beta/interactions",
        "Gemini interactions",
        "kept by the provider, in a format of their own; Weir speaks generateContent",
    ),
    (
        "/invoke-with-response-stream",
        "Bedrock InvokeModelWithResponseStream",
        "its body is whatever the model's vendor defines; Weir speaks ConverseStream",
    ),
    (
        "/invoke",
        "Bedrock InvokeModel",
        "its body is whatever the model's vendor defines; Weir speaks Converse",
    ),
    (
        "api.anthropic.com/v1/complete",
        "Anthropic text completions",
        "the API of Claude 2, superseded by messages",
    ),
    (
        "127.0.0.1:11434/api/",
        "Ollama's own API",
        "Weir speaks to Ollama by its OpenAI-compatible /v1",
    ),
    (
        "upload.wikimedia.org/",
        "a picture",
        "no call of a provider: the recorder looked at an image that a prompt links to",
    ),
];

impl Kind {
    /// What this is.
    ///
    /// # Panics
    /// Nobody has said what its path is.
    #[must_use]
    pub fn of(interaction: &Interaction) -> Self {
        let place = format!("{}{}", interaction.request.host, interaction.request.path);
        let found = LEFT_OUT.iter().find(|(part, ..)| place.contains(part));
        if let Some((_, what, why)) = found {
            return Self::LeftOut { what, why };
        }
        let ends = |end: &str| interaction.request.path.ends_with(end);
        let wire = if ends("/chat/completions") {
            Wire::Chat
        } else if ends("/completions") {
            Wire::Completions
        } else if ends("/responses") {
            Wire::Responses
        } else if ends("/v1/messages") {
            Wire::Messages
        } else if ends(":generateContent") || ends(":streamGenerateContent") {
            Wire::Gemini
        } else if ends("/converse") || ends("/converse-stream") {
            Wire::Converse
        } else if ends("/v2/chat") {
            Wire::Cohere
        } else if ends("/embeddings") {
            return Self::Embeddings;
        } else if ends("/embed") || ends(":batchEmbedContents") {
            return Self::OwnEmbeddings;
        } else if ends("/rerank") {
            return Self::Rerank;
        } else if ends("/v1/chat") || ends("/v1/generate") {
            return Self::OlderCohere;
        } else if ends("/images/generations") {
            return Self::Images;
        } else {
            panic!("{interaction}: nobody has said what {place} is")
        };
        Self::Chat {
            wire,
            stream: interaction.response.is_stream(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chat { wire, stream } => {
                let stream = if *stream { ", streamed" } else { "" };
                write!(f, "{wire:?}{stream}")
            }
            Self::LeftOut { what, .. } => f.write_str(what),
            other => write!(f, "{other:?}"),
        }
    }
}
