//! The names of what is spoken: formats, provider dialects, presets.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A wire format of chat. It also says how errors are written for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// OpenAI's chat completions (<https://platform.openai.com/docs/api-reference/chat>).
    Chat,
    /// OpenAI's completions of before (<https://platform.openai.com/docs/api-reference/completions>).
    Completions,
    /// OpenAI's responses (<https://platform.openai.com/docs/api-reference/responses>).
    Responses,
    /// Anthropic's messages (<https://docs.claude.com/en/api/messages>).
    Messages,
    /// Google's `generateContent` (<https://ai.google.dev/api/generate-content>).
    Gemini,
    /// Amazon Bedrock's Converse
    /// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>).
    Converse,
    /// Cohere's chat, version 2 (<https://docs.cohere.com/reference/chat>).
    Cohere,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] = [
        Self::Chat,
        Self::Completions,
        Self::Responses,
        Self::Messages,
        Self::Gemini,
        Self::Converse,
        Self::Cohere,
    ];

    /// What people call the API.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Chat => "OpenAI's chat completions",
            Self::Completions => "OpenAI's completions",
            Self::Responses => "OpenAI's responses",
            Self::Messages => "Anthropic's messages",
            Self::Gemini => "Gemini's generateContent",
            Self::Converse => "Bedrock's Converse",
            Self::Cohere => "Cohere's chat",
        }
    }

    /// Its stable short name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::Gemini => "gemini",
            Self::Converse => "converse",
            Self::Cohere => "cohere",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a provider speaks, as its resource names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Dialect {
    /// OpenAI's API, and that of everyone who is compatible with it.
    OpenAI,
    /// OpenAI's models at Azure.
    AzureOpenAI,
    /// Anthropic's API.
    Anthropic,
    /// Gemini by the API of Google AI Studio.
    Gemini,
    /// Gemini and Claude by Google Cloud's Vertex AI.
    Vertex,
    /// Amazon Bedrock's runtime.
    Bedrock,
    /// Cohere's API.
    Cohere,
    /// No upstream at all: answers are made up, in OpenAI's formats.
    Mock,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 8] = [
        Self::OpenAI,
        Self::AzureOpenAI,
        Self::Anthropic,
        Self::Gemini,
        Self::Vertex,
        Self::Bedrock,
        Self::Cohere,
        Self::Mock,
    ];

    /// Its name, as in a resource.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAI => "OpenAI",
            Self::AzureOpenAI => "AzureOpenAI",
            Self::Anthropic => "Anthropic",
            Self::Gemini => "Gemini",
            Self::Vertex => "Vertex",
            Self::Bedrock => "Bedrock",
            Self::Cohere => "Cohere",
            Self::Mock => "Mock",
        }
    }
}

/// A well-known provider that is compatible with OpenAI's API: its URL and its ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the name of a company or a server")]
pub enum Preset {
    Mistral,
    Groq,
    DeepSeek,
    XAI,
    Together,
    Fireworks,
    OpenRouter,
    Perplexity,
    Cerebras,
    NIM,
    VLLM,
    SGLang,
    Ollama,
}
