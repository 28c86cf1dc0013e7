//! Where a provider is: what each dialect and preset has as its public address, and what an endpoint says of itself.

use crate::snapshot::{Dialect, Preset};

/// The base URL of a dialect without a resource's own, as the provider's SDK has it; none where there is no such address.
///
/// Sources: the default `base_url` of the Python SDKs `openai`, `anthropic`, `google-genai` and `cohere`.
pub(super) fn of_dialect(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::OpenAI => Some("https://api.openai.com/v1"),
        Dialect::Anthropic => Some("https://api.anthropic.com"),
        Dialect::Gemini => Some("https://generativelanguage.googleapis.com"),
        Dialect::Cohere => Some("https://api.cohere.com"),
        Dialect::Mock => Some(""),
        Dialect::AzureOpenAI | Dialect::Vertex | Dialect::Bedrock => None,
    }
}

/// The base URL of a preset, as the provider's own page tells users of OpenAI's SDK; none for servers of one's own.
pub(super) fn of_preset(preset: Preset) -> Option<&'static str> {
    match preset {
        // https://docs.mistral.ai/api
        Preset::Mistral => Some("https://api.mistral.ai/v1"),
        // https://console.groq.com/docs/openai
        Preset::Groq => Some("https://api.groq.com/openai/v1"),
        // https://api-docs.deepseek.com
        Preset::DeepSeek => Some("https://api.deepseek.com"),
        // https://docs.x.ai/docs/api-reference
        Preset::XAI => Some("https://api.x.ai/v1"),
        // https://docs.together.ai/docs/openai-api-compatibility
        Preset::Together => Some("https://api.together.xyz/v1"),
        // https://docs.fireworks.ai/tools-sdks/openai-compatibility
        Preset::Fireworks => Some("https://api.fireworks.ai/inference/v1"),
        // https://openrouter.ai/docs/quickstart
        Preset::OpenRouter => Some("https://openrouter.ai/api/v1"),
        // https://docs.perplexity.ai/guides/chat-completions-guide
        Preset::Perplexity => Some("https://api.perplexity.ai"),
        // https://inference-docs.cerebras.ai/resources/openai
        Preset::Cerebras => Some("https://api.cerebras.ai/v1"),
        // https://docs.api.nvidia.com/nim/reference/llm-apis
        Preset::NIM => Some("https://integrate.api.nvidia.com/v1"),
        Preset::VLLM | Preset::SGLang | Preset::Ollama => None,
    }
}

/// Bedrock's address in a region, in that of its AWS partition
/// (<https://docs.aws.amazon.com/general/latest/gr/bedrock.html>).
pub(super) fn of_bedrock(region: &str) -> String {
    let domain = match region.split('-').next() {
        Some("cn") => "amazonaws.com.cn",
        Some("eusc") => "amazonaws.eu",
        _ => "amazonaws.com",
    };
    format!("https://bedrock-runtime.{region}.{domain}")
}

/// The region in the host of a Bedrock endpoint: what follows `bedrock-runtime` or `bedrock-runtime-fips` in it, also in
/// that of a VPC endpoint (`vpce-….bedrock-runtime.REGION.vpce.amazonaws.com`).
pub(super) fn region(endpoint: &str) -> Option<&str> {
    let (_, rest) = endpoint.split_once("://")?;
    let host = rest.split(['/', ':']).next()?;
    let mut labels = host.split('.');
    labels.find(|label| matches!(*label, "bedrock-runtime" | "bedrock-runtime-fips"))?;
    labels.next().filter(|label| is_region(label))
}

fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let number = parts.next_back().unwrap_or_default();
    (1..=2).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && parts.clone().count() >= 2
        && parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// The `api-version` of a call where the resource names none: the latest that is no preview of Azure's API with
/// deployments (<https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle>). The API without them needs
/// none.
pub(super) fn azure_api_version(endpoint: &str) -> Option<&'static str> {
    (!endpoint.ends_with("/openai/v1")).then_some("2024-10-21")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bedrock_endpoint_says_its_region() {
        for (endpoint, expected) in [
            (
                "https://bedrock-runtime.us-east-1.amazonaws.com",
                Some("us-east-1"),
            ),
            (
                "https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com:443/a",
                Some("us-gov-west-1"),
            ),
            (
                "https://vpce-0a-b.bedrock-runtime.ap-southeast-2.vpce.amazonaws.com",
                Some("ap-southeast-2"),
            ),
            (
                "https://bedrock-runtime.eu-central-1.api.aws",
                Some("eu-central-1"),
            ),
            ("https://bedrock-runtime.example.com", None),
            ("https://proxy.example/bedrock-runtime.us-east-1.x", None),
            ("http://127.0.0.1:8080", None),
        ] {
            assert_eq!(region(endpoint), expected, "{endpoint}");
        }
        for one in ["us-east-1", "cn-north-1", "eusc-de-east-1"] {
            assert_eq!(region(&of_bedrock(one)), Some(one));
        }
    }
}
