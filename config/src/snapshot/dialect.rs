//! What a provider speaks.

use serde::{Deserialize, Serialize};

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
