//! The tokens that a call used.

use crate::json::Value;

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
    /// Tokens of `input` that were images, where the provider tells.
    pub image_input: Option<u64>,
    /// Tokens of `output` that are images.
    pub image_output: Option<u64>,
    /// Whether Weir counted, because the provider did not say.
    pub estimated: bool,
}

impl Usage {
    /// Reads the value of OpenAI's `usage`
    /// (<https://platform.openai.com/docs/api-reference/chat/object>).
    ///
    /// Images and transcriptions name the same counts `input_tokens` and `output_tokens`
    /// (<https://platform.openai.com/docs/api-reference/images/object>,
    /// <https://platform.openai.com/docs/api-reference/audio/json-object>).
    ///
    /// `None` for `null`, for what is not such an object, and for one that holds no count.
    /// A missing `prompt_tokens` is the total less the output.
    #[must_use]
    pub fn from_openai(value: &[u8]) -> Option<Self> {
        Self::of_openai(&Value::from_bytes(value).ok()?)
    }

    /// The same of a value that is read already.
    pub(crate) fn of_openai(value: &Value<'_>) -> Option<Self> {
        OpenAi::of(value).narrow()
    }
}

/// `usage` as OpenAI and those who are compatible with it write it.
#[derive(Default)]
struct OpenAi {
    prompt: Option<u64>,
    completion: Option<u64>,
    total: Option<u64>,
    cached: Option<u64>,
    cache_write: Option<u64>,
    reasoning: Option<u64>,
    audio_input: Option<u64>,
    audio_output: Option<u64>,
    image_input: Option<u64>,
    image_output: Option<u64>,
}

impl OpenAi {
    fn of(value: &Value<'_>) -> Self {
        let count = |value: &Value<'_>, name: &str| value.get(name).and_then(Value::as_u64);
        let inside = |object: &str, name: &str| count(value.get(object)?, name);
        let of_media = |object: [&str; 2], name: &str| {
            object.into_iter().find_map(|object| inside(object, name))
        };
        // Transcriptions spell it `token`.
        let input_details = ["input_tokens_details", "input_token_details"];
        let output_details = ["output_tokens_details", "output_token_details"];
        Self {
            prompt: count(value, "prompt_tokens").or_else(|| count(value, "input_tokens")),
            completion: count(value, "completion_tokens").or_else(|| count(value, "output_tokens")),
            total: count(value, "total_tokens"),
            // DeepSeek's https://api-docs.deepseek.com/guides/kv_cache, then Moonshot's.
            cached: inside("prompt_tokens_details", "cached_tokens")
                .or_else(|| count(value, "prompt_cache_hit_tokens"))
                .or_else(|| count(value, "cached_tokens"))
                .or_else(|| of_media(input_details, "cached_tokens")),
            // OpenRouter's https://openrouter.ai/docs/use-cases/usage-accounting.
            cache_write: inside("prompt_tokens_details", "cache_write_tokens"),
            reasoning: inside("completion_tokens_details", "reasoning_tokens")
                // Perplexity's.
                .or_else(|| count(value, "reasoning_tokens")),
            audio_input: inside("prompt_tokens_details", "audio_tokens")
                .or_else(|| of_media(input_details, "audio_tokens")),
            audio_output: inside("completion_tokens_details", "audio_tokens")
                .or_else(|| of_media(output_details, "audio_tokens")),
            image_input: of_media(input_details, "image_tokens"),
            image_output: of_media(output_details, "image_tokens"),
        }
    }

    fn narrow(self) -> Option<Usage> {
        let mut output = self.completion;
        let rest = self
            .total
            .map(|total| total.saturating_sub(output.unwrap_or(0)));
        let input = self.prompt.or(rest);
        if input.is_none() && output.is_none() {
            return None;
        }
        // xAI counts reasoning beside what came out, which the total shows
        // (https://docs.x.ai/docs/guides/reasoning#usage).
        if let (Some(prompt), Some(completion), Some(total), Some(reasoning)) =
            (self.prompt, output, self.total, self.reasoning)
        {
            let beside = prompt
                .checked_add(completion)
                .and_then(|sum| sum.checked_add(reasoning));
            if reasoning > 0 && beside == Some(total) {
                output = completion.checked_add(reasoning);
            }
        }
        Some(Usage {
            input: input.unwrap_or(0),
            output: output.unwrap_or(0),
            cached: self.cached,
            cache_write: self.cache_write,
            reasoning: self.reasoning,
            audio_input: self.audio_input,
            audio_output: self.audio_output,
            image_input: self.image_input,
            image_output: self.image_output,
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
            audio_input: Some(0),
            ..Usage::default()
        };
        assert_eq!(Usage::from_openai(value), Some(expected));
    }

    #[test]
    fn reasoning_that_is_counted_beside_the_output_is_part_of_it() {
        let value = br#"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,
            "completion_tokens_details":{"reasoning_tokens":94}}"#;
        let expected = Usage {
            input: 32,
            output: 103,
            reasoning: Some(94),
            ..Usage::default()
        };
        assert_eq!(Usage::from_openai(value), Some(expected));
    }

    #[test]
    fn usages_of_images_and_of_transcriptions_are_read() {
        let image = br#"{"total_tokens":100,"input_tokens":50,"output_tokens":50,
            "input_tokens_details":{"text_tokens":10,"image_tokens":40},
            "output_tokens_details":{"text_tokens":2,"image_tokens":48}}"#;
        let expected = Usage {
            input: 50,
            output: 50,
            image_input: Some(40),
            image_output: Some(48),
            ..Usage::default()
        };
        assert_eq!(Usage::from_openai(image), Some(expected));
        let transcription =
            br#"{"type":"tokens","input_tokens":14,"output_tokens":45,"total_tokens":59,
            "input_token_details":{"text_tokens":4,"audio_tokens":10}}"#;
        let expected = Usage {
            input: 14,
            output: 45,
            audio_input: Some(10),
            ..Usage::default()
        };
        assert_eq!(Usage::from_openai(transcription), Some(expected));
        assert_eq!(
            Usage::from_openai(br#"{"type":"duration","seconds":27}"#),
            None
        );
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
