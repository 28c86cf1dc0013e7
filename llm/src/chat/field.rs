use super::Request;
use crate::Format;

/// A field of a request that the canonical form holds once for the whole call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the field of the request that bears its name"
)]
pub enum Field {
    System,
    Tools,
    ToolChoice,
    ParallelTools,
    ResponseFormat,
    MaxTokens,
    Stop,
    Temperature,
    TopP,
    TopK,
    FrequencyPenalty,
    PresencePenalty,
    Seed,
    Thinking,
    Logprobs,
    N,
    User,
    Metadata,
    ServiceTier,
}

impl Request<'_> {
    /// Where the caller's own format has a field, for refusals: `generationConfig.topK`. The name of OpenAI's chat where
    /// the caller's format is not known or has no such field.
    #[must_use]
    pub fn path_of(&self, field: Field) -> &'static str {
        let own = match self.from {
            Some(Format::Responses) => responses(field),
            Some(Format::Messages) => messages(field),
            Some(Format::Gemini) => gemini(field),
            Some(Format::Converse) => converse(field),
            Some(Format::Cohere) => cohere(field),
            Some(Format::Completions) if field == Field::System => Some("prompt"),
            _ => None,
        };
        own.unwrap_or_else(|| chat(field))
    }
}

fn chat(field: Field) -> &'static str {
    match field {
        Field::System => "messages",
        Field::Tools => "tools",
        Field::ToolChoice => "tool_choice",
        Field::ParallelTools => "parallel_tool_calls",
        Field::ResponseFormat => "response_format",
        Field::MaxTokens => "max_tokens",
        Field::Stop => "stop",
        Field::Temperature => "temperature",
        Field::TopP => "top_p",
        Field::TopK => "top_k",
        Field::FrequencyPenalty => "frequency_penalty",
        Field::PresencePenalty => "presence_penalty",
        Field::Seed => "seed",
        Field::Thinking => "reasoning_effort",
        Field::Logprobs => "logprobs",
        Field::N => "n",
        Field::User => "user",
        Field::Metadata => "metadata",
        Field::ServiceTier => "service_tier",
    }
}

fn responses(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::System => "instructions",
        Field::ResponseFormat => "text.format",
        Field::MaxTokens => "max_output_tokens",
        Field::Thinking => "reasoning",
        Field::Logprobs => "top_logprobs",
        _ => return None,
    })
}

fn messages(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::System => "system",
        Field::ParallelTools => "tool_choice.disable_parallel_tool_use",
        Field::ResponseFormat => "output_config.format",
        Field::Stop => "stop_sequences",
        Field::Thinking => "thinking",
        Field::User => "metadata.user_id",
        _ => return None,
    })
}

fn gemini(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::System => "systemInstruction",
        Field::ToolChoice => "toolConfig.functionCallingConfig",
        Field::ResponseFormat => "generationConfig.responseSchema",
        Field::MaxTokens => "generationConfig.maxOutputTokens",
        Field::Stop => "generationConfig.stopSequences",
        Field::Temperature => "generationConfig.temperature",
        Field::TopP => "generationConfig.topP",
        Field::TopK => "generationConfig.topK",
        Field::FrequencyPenalty => "generationConfig.frequencyPenalty",
        Field::PresencePenalty => "generationConfig.presencePenalty",
        Field::Seed => "generationConfig.seed",
        Field::Thinking => "generationConfig.thinkingConfig",
        Field::Logprobs => "generationConfig.responseLogprobs",
        Field::N => "generationConfig.candidateCount",
        Field::Metadata => "labels",
        _ => return None,
    })
}

fn converse(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::System => "system",
        Field::Tools => "toolConfig.tools",
        Field::ToolChoice => "toolConfig.toolChoice",
        Field::ResponseFormat => "outputConfig.textFormat",
        Field::MaxTokens => "inferenceConfig.maxTokens",
        Field::Stop => "inferenceConfig.stopSequences",
        Field::Temperature => "inferenceConfig.temperature",
        Field::TopP => "inferenceConfig.topP",
        Field::TopK => "additionalModelRequestFields.top_k",
        Field::Thinking => "additionalModelRequestFields.thinking",
        Field::Metadata => "requestMetadata",
        Field::ServiceTier => "serviceTier",
        _ => return None,
    })
}

fn cohere(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::TopP => "p",
        Field::TopK => "k",
        Field::Stop => "stop_sequences",
        Field::Thinking => "thinking",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_named_as_its_caller_knows_it() {
        let by = |from| Request {
            from,
            ..Request::default()
        };
        let top_k = |from| by(from).path_of(Field::TopK);
        assert_eq!(top_k(None), "top_k");
        assert_eq!(top_k(Some(Format::Gemini)), "generationConfig.topK");
        assert_eq!(top_k(Some(Format::Messages)), "top_k");
        assert_eq!(top_k(Some(Format::Cohere)), "k");
    }
}
