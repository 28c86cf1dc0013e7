//! Whether a provider stops billing when its caller leaves.

use crate::dialect::provider;
use crate::{Dialect, Preset};

/// What becomes of a call whose caller is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// The provider stops, and bills no more: the connection may be closed.
    Stops,
    /// It goes on and bills what it makes, or does not say that it stops: the rest has to be read for its usage.
    Bills,
}

/// What a provider does when the connection of a call under way is closed.
///
/// | provider | what its docs say |
/// | --- | --- |
/// | OpenAI, Azure OpenAI | Nothing found of connections that are closed; what runs in the background can be cancelled by a call (<https://platform.openai.com/docs/guides/background>, <https://learn.microsoft.com/azure/ai-foundry/openai/how-to/responses>) |
/// | Anthropic | Nothing found (<https://platform.claude.com/docs/en/build-with-claude/streaming>) |
/// | Gemini, Vertex | Nothing found (<https://ai.google.dev/gemini-api/docs/billing>, <https://cloud.google.com/vertex-ai/generative-ai/pricing>) |
/// | Bedrock | Nothing found (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>) |
/// | Cohere | Nothing found (<https://docs.cohere.com/docs/streaming>) |
/// | OpenRouter | A stream that is aborted stops the billing with some of those behind it and not with others; a plain answer is billed whole (<https://openrouter.ai/docs/api-reference/streaming>) |
/// | Mistral, Groq, DeepSeek, xAI, Together, Fireworks, Perplexity, Cerebras, NIM | Nothing found |
/// | vLLM, SGLang, Ollama | One's own: nobody bills, and they abort what nobody waits for (<https://docs.vllm.ai>, <https://docs.sglang.ai>, <https://docs.ollama.com>) |
/// | Mock | Makes nothing up that costs |
///
/// Where the docs are silent it is taken to go on. OpenRouter's page says besides of whom a stream that it aborts is
/// billed no further (OpenAI, Azure, Anthropic, Cohere, DeepSeek, Fireworks, Together and xAI among them) and of whom it is
/// (Bedrock, Google, Groq, Mistral and Perplexity); that is no promise of theirs, and nothing is made of it here.
#[must_use]
pub fn leaving(dialect: Dialect, preset: Option<Preset>) -> Leaving {
    provider(dialect).leaving(preset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_say_that_it_stops_goes_on() {
        for dialect in Dialect::ALL {
            let expected = if dialect == Dialect::Mock {
                Leaving::Stops
            } else {
                Leaving::Bills
            };
            assert_eq!(leaving(dialect, None), expected, "{dialect:?}");
        }
        assert_eq!(
            leaving(Dialect::OpenAI, Some(Preset::OpenRouter)),
            Leaving::Bills
        );
        assert_eq!(leaving(Dialect::OpenAI, Some(Preset::VLLM)), Leaving::Stops);
    }
}
