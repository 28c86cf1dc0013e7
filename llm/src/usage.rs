//! The tokens that a call used.

use serde::Deserialize;

/// Tokens as the provider counted them, or as Weir did where it gave none.
///
/// `None` where nobody said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Usage {
    /// Tokens that went in: those of the prompt cache, read or written, and those of media included.
    pub input: u64,
    /// Tokens that came out, reasoning included; 0 for embeddings.
    pub output: u64,
    /// Tokens of `input` that were read from the provider's prompt cache.
    pub cached: Option<u64>,
    /// Tokens of `input` that were written to it, for however long.
    pub cache_write: Option<u64>,
    /// Tokens of `cache_write` that are kept for an hour, which costs more.
    pub cache_write_hour: Option<u64>,
    /// Tokens of `output` that were spent on reasoning.
    pub reasoning: Option<u64>,
    /// Tokens of `input` that were audio.
    pub audio_input: Option<u64>,
    /// Tokens of `output` that are audio.
    pub audio_output: Option<u64>,
    /// Whether Weir counted, because the provider did not say.
    pub estimated: bool,
}

impl Usage {
    /// Reads the value of OpenAI's `usage`
    /// (<https://platform.openai.com/docs/api-reference/chat/object>).
    ///
    /// `None` for `null`, for what is not such an object, and for one that holds no count.
    /// A missing `prompt_tokens` is the total less the output.
    #[must_use]
    pub fn from_openai(value: &[u8]) -> Option<Self> {
        let raw: Option<OpenAi> = serde_json::from_slice(value).ok()?;
        raw?.narrow()
    }
}

/// `usage` as OpenAI writes it.
#[derive(Deserialize)]
pub(crate) struct OpenAi {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl OpenAi {
    pub(crate) fn narrow(self) -> Option<Usage> {
        let output = self.completion_tokens;
        let rest = self
            .total_tokens
            .map(|total| total.saturating_sub(output.unwrap_or(0)));
        let input = self.prompt_tokens.or(rest);
        if input.is_none() && output.is_none() {
            return None;
        }
        Some(Usage {
            input: input.unwrap_or(0),
            output: output.unwrap_or(0),
            cached: self.prompt_tokens_details.and_then(|d| d.cached_tokens),
            reasoning: self
                .completion_tokens_details
                .and_then(|d| d.reasoning_tokens),
            ..Usage::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_usage_is_read_with_its_details() {
        let value = br#"{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,
            "prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0},
            "completion_tokens_details":{"reasoning_tokens":64,"accepted_prediction_tokens":0}}"#;
        let expected = Usage {
            input: 2006,
            output: 300,
            cached: Some(1920),
            reasoning: Some(64),
            ..Usage::default()
        };
        assert_eq!(Usage::from_openai(value), Some(expected));
    }

    #[test]
    fn an_embeddings_usage_has_no_output() {
        let value = br#"{"prompt_tokens":8,"total_tokens":8}"#;
        let expected = Usage {
            input: 8,
            ..Usage::default()
        };
        assert_eq!(Usage::from_openai(value), Some(expected));
    }

    #[test]
    fn a_missing_prompt_count_is_the_total_less_the_output() {
        let value = br#"{"completion_tokens":3,"total_tokens":10,"prompt_tokens_details":null}"#;
        let expected = Usage {
            input: 7,
            output: 3,
            ..Usage::default()
        };
        assert_eq!(Usage::from_openai(value), Some(expected));
    }

    #[test]
    fn what_holds_no_count_is_no_usage() {
        for value in [
            "null",
            "{}",
            "[]",
            "\"usage\"",
            "7",
            "{\"prompt_tokens\":-1}",
            "{",
        ] {
            assert_eq!(Usage::from_openai(value.as_bytes()), None, "{value}");
        }
    }
}
