//! How those who are compatible with OpenAI's chat completions differ from it, in one table.

use crate::codec::Target;
use crate::{Dialect, Preset};

/// What a provider makes of a body of chat completions that Weir writes. What a caller of chat completions writes
/// himself passes as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quirks {
    /// What the bound of an answer is called.
    pub(crate) max_tokens: MaxTokens,
    /// It takes `stream_options.include_usage`. Who does not sends the usage unasked.
    pub(crate) stream_options: bool,
    /// It takes `top_k`.
    pub(crate) top_k: bool,
    /// What a seed is called.
    pub(crate) seed: &'static str,
    /// How it is told to reason.
    pub(crate) thinking: ThinkingStyle,
    /// It wants its reasoning back (`reasoning_content`, `reasoning_details`).
    pub(crate) reasons_on: bool,
    /// It goes by `cache_control`; everyone else caches prompts without being told, or not at all.
    pub(crate) cache_markers: bool,
    /// It takes `response_format` of the type `json_schema`.
    pub(crate) json_schema: bool,
    /// It takes `tool_choice` of the type `allowed_tools`; for everyone else the other tools are left out.
    pub(crate) allowed_tools: bool,
    /// It takes parts of the type `file`.
    pub(crate) files: bool,
    /// It takes parts of the types `video_url` and `audio_url`.
    pub(crate) media_urls: bool,
    /// It takes `metadata`.
    pub(crate) metadata: bool,
    /// It takes `service_tier`.
    pub(crate) service_tier: bool,
    /// It takes what only OpenAI's own API has: `refusal` in history, `verbosity`, `prompt_cache_key` and their like.
    pub(crate) own: bool,
    /// Ids of calls are nine letters and digits, no more and no less.
    pub(crate) short_ids: bool,
    /// It takes `parallel_tool_calls`.
    pub(crate) parallel: bool,
    /// It takes `user`, which no answer hangs on: where it does not, nothing is lost.
    pub(crate) user: bool,
    /// It takes `logprobs`.
    pub(crate) logprobs: bool,
}

/// What the bound of an answer is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MaxTokens {
    /// `max_tokens`
    Old,
    /// `max_completion_tokens`
    New,
    /// `max_completion_tokens` for OpenAI's models that reason, which refuse the other
    /// (<https://platform.openai.com/docs/api-reference/chat/create#chat_create-max_tokens>), else `max_tokens`, which is
    /// all that older compatible servers know.
    ByModel,
}

/// How a provider is told to reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThinkingStyle {
    /// `reasoning_effort`
    Effort,
    /// `reasoning: {effort, max_tokens, enabled, exclude}`
    Object,
    /// `thinking: {type}`
    Switch,
    /// `chat_template_kwargs: {enable_thinking}` beside `reasoning_effort`
    Template,
    /// Not at all: it is the model's choice.
    Never,
}

/// What OpenAI-compatible servers have in common.
const COMPATIBLE: Quirks = Quirks {
    max_tokens: MaxTokens::Old,
    stream_options: true,
    top_k: false,
    seed: "seed",
    thinking: ThinkingStyle::Effort,
    reasons_on: false,
    cache_markers: false,
    json_schema: true,
    allowed_tools: false,
    files: false,
    media_urls: false,
    metadata: false,
    service_tier: false,
    own: false,
    short_ids: false,
    parallel: true,
    user: true,
    logprobs: true,
};

/// OpenAI itself, and whoever is called by URL alone.
const OPENAI: Quirks = Quirks {
    max_tokens: MaxTokens::ByModel,
    allowed_tools: true,
    files: true,
    metadata: true,
    service_tier: true,
    own: true,
    ..COMPATIBLE
};

/// Servers that run open models: samplers of their own, videos, reasoning that comes back.
const SERVER: Quirks = Quirks {
    top_k: true,
    thinking: ThinkingStyle::Template,
    reasons_on: true,
    media_urls: true,
    ..COMPATIBLE
};

impl Quirks {
    /// Those of a target.
    pub(crate) fn of(target: &Target<'_>) -> Self {
        match (target.dialect, target.preset) {
            (Dialect::OpenAI, Some(preset)) => Self::of_preset(preset),
            // A deployment's name says nothing of its model, and every model takes the new name
            // (https://learn.microsoft.com/azure/ai-services/openai/reference#chat-completions).
            (Dialect::AzureOpenAI, _) => Self {
                max_tokens: MaxTokens::New,
                ..OPENAI
            },
            _ => OPENAI,
        }
    }

    /// Those of a well-known provider, each after its own reference.
    pub(crate) fn of_preset(preset: Preset) -> Self {
        match preset {
            // https://docs.mistral.ai/api/#tag/chat: fields that it does not know are refused with 422.
            Preset::Mistral => Self {
                stream_options: false,
                seed: "random_seed",
                thinking: ThinkingStyle::Never,
                short_ids: true,
                user: false,
                logprobs: false,
                metadata: true,
                ..COMPATIBLE
            },
            // https://console.groq.com/docs/api-reference#chat-create
            Preset::Groq => Self {
                max_tokens: MaxTokens::New,
                service_tier: true,
                ..COMPATIBLE
            },
            // https://api-docs.deepseek.com/api/create-chat-completion
            Preset::DeepSeek => Self {
                thinking: ThinkingStyle::Switch,
                reasons_on: true,
                json_schema: false,
                parallel: false,
                ..COMPATIBLE
            },
            // https://docs.x.ai/docs/api-reference#chat-completions
            Preset::XAI => COMPATIBLE,
            // https://docs.together.ai/reference/chat-completions-1
            Preset::Together => Self {
                top_k: true,
                media_urls: true,
                parallel: false,
                ..COMPATIBLE
            },
            // https://docs.fireworks.ai/api-reference/post-chatcompletions
            Preset::Fireworks => Self {
                top_k: true,
                reasons_on: true,
                ..COMPATIBLE
            },
            // https://openrouter.ai/docs/api-reference/chat-completion
            Preset::OpenRouter => Self {
                top_k: true,
                thinking: ThinkingStyle::Object,
                reasons_on: true,
                cache_markers: true,
                files: true,
                media_urls: true,
                metadata: true,
                ..COMPATIBLE
            },
            // https://docs.perplexity.ai/api-reference/chat-completions-post
            Preset::Perplexity => Self {
                stream_options: false,
                top_k: true,
                parallel: false,
                ..COMPATIBLE
            },
            // https://inference-docs.cerebras.ai/api-reference/chat-completions
            Preset::Cerebras => Self {
                max_tokens: MaxTokens::New,
                ..COMPATIBLE
            },
            // https://docs.nvidia.com/nim/large-language-models/latest/api-reference.html
            Preset::NIM => Self {
                top_k: false,
                ..SERVER
            },
            // https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
            // https://docs.sglang.ai/basic_usage/openai_api_completions.html
            Preset::VLLM | Preset::SGLang => SERVER,
            // https://docs.ollama.com/api/openai-compatibility
            Preset::Ollama => Self {
                parallel: false,
                ..COMPATIBLE
            },
        }
    }

    /// The name of the bound of an answer by this model.
    pub(crate) fn max_tokens_name(&self, model: &str) -> &'static str {
        let new = match self.max_tokens {
            MaxTokens::Old => false,
            MaxTokens::New => true,
            MaxTokens::ByModel => reasons(model),
        };
        if new {
            "max_completion_tokens"
        } else {
            "max_tokens"
        }
    }
}

/// Whether a model is one of OpenAI's that reason: `o1` and its successors, `gpt-5` and its.
pub(crate) fn reasons(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    generation(name, "o").is_some() || generation(name, "gpt-").is_some_and(|n| n >= 5)
}

/// The number behind a prefix, where nothing but a new word follows.
pub(crate) fn generation(name: &str, prefix: &str) -> Option<u32> {
    let rest = name.strip_prefix(prefix)?;
    let end = rest
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(rest.len());
    let behind = rest[end..].chars().next();
    if !matches!(behind, None | Some('-' | '.')) {
        return None;
    }
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_that_reason_are_known_by_their_names() {
        for model in [
            "o1",
            "o3-mini",
            "gpt-5",
            "gpt-5.1-codex",
            "openai/o4-mini",
            "gpt-6",
        ] {
            assert!(reasons(model), "{model}");
        }
        for model in [
            "gpt-4o",
            "gpt-4.1",
            "gpt-3.5-turbo",
            "olmo-2",
            "o",
            "llama-3",
            "gpt-oss-20b",
        ] {
            assert!(!reasons(model), "{model}");
        }
    }
}
