//! Wire formats of LLM traffic and those who speak them, one folder each. The lists here are all that names them.

pub mod anthropic;
pub mod bedrock;
pub mod cohere;
pub mod gemini;
pub mod mock;
pub mod openai;
pub mod responses;

use crate::call::Path;
use crate::codec::Codec;
use crate::provider::Provider;
use crate::{Dialect, Format};

/// Every format.
static CODECS: &[&dyn Codec] = &[
    &anthropic::Messages,
    &bedrock::Converse,
    &openai::Chat,
    &openai::Completions,
    &responses::Responses,
    &gemini::Gemini,
    &cohere::Chat,
];

/// Every provider dialect.
static PROVIDERS: &[&dyn Provider] = &[
    &anthropic::Anthropic,
    &bedrock::Bedrock,
    &openai::OpenAI,
    &openai::AzureOpenAI,
    &openai::Mock,
    &gemini::AiStudio,
    &gemini::Vertex,
    &cohere::Cohere,
];

/// The paths of every format's callers.
static PATHS: &[&[Path]] = &[
    anthropic::PATHS,
    bedrock::PATHS,
    openai::PATHS,
    gemini::PATHS,
    gemini::STORED,
    cohere::PATHS,
];

/// What reads and writes a format.
#[must_use]
pub fn codec(format: Format) -> Option<&'static dyn Codec> {
    CODECS.iter().copied().find(|one| one.format() == format)
}

/// What is known of a provider dialect.
#[must_use]
pub fn provider(dialect: Dialect) -> Option<&'static dyn Provider> {
    PROVIDERS
        .iter()
        .copied()
        .find(|one| one.dialect() == dialect)
}

/// Every path that callers may call, the sooner before the later where both fit.
pub fn paths() -> impl Iterator<Item = &'static Path> {
    PATHS.iter().flat_map(|paths| paths.iter())
}
