//! Wire formats of LLM traffic and those who speak them, one folder each. The lists here are all that names them.

pub mod anthropic;
pub mod bedrock;
pub mod cohere;
pub mod gemini;
pub mod mock;
mod models;
pub mod openai;
pub mod responses;

pub use models::{ModelShape, ModelsShape};

use crate::call::Path;
use crate::codec::Codec;
use crate::provider::Provider;
use crate::{Dialect, Format};

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
pub fn codec(format: Format) -> &'static dyn Codec {
    match format {
        Format::Chat => &openai::Chat,
        Format::Completions => &openai::Completions,
        Format::Responses => &responses::Responses,
        Format::Messages => &anthropic::Messages,
        Format::Gemini => &gemini::Gemini,
        Format::Converse => &bedrock::Converse,
        Format::Cohere => &cohere::Chat,
    }
}

/// What is known of a provider dialect.
#[must_use]
pub fn provider(dialect: Dialect) -> &'static dyn Provider {
    match dialect {
        Dialect::OpenAI => &openai::OpenAI,
        Dialect::AzureOpenAI => &openai::AzureOpenAI,
        Dialect::Anthropic => &anthropic::Anthropic,
        Dialect::Gemini => &gemini::AiStudio,
        Dialect::Vertex => &gemini::Vertex,
        Dialect::Bedrock => &bedrock::Bedrock,
        Dialect::Cohere => &cohere::Cohere,
        Dialect::Mock => &openai::Mock,
    }
}

/// Every path that callers may call, the sooner before the later where both fit.
pub fn paths() -> impl Iterator<Item = &'static Path> {
    PATHS.iter().flat_map(|paths| paths.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_what_it_is_listed_as() {
        for format in Format::ALL {
            assert_eq!(codec(format).format(), format);
        }
        for dialect in Dialect::ALL {
            assert_eq!(provider(dialect).dialect(), dialect);
        }
    }
}
