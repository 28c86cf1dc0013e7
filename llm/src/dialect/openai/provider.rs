//! Where the operations are at OpenAI, at Azure, and at everyone who is compatible.

use crate::bound::Leaving;
use crate::call::encoded;
use crate::dialect::openai::quirks::Quirks;
use crate::provider::{Ask, BodyChange, CredentialHeader, Provider, Reach, Seller};
use crate::{Dialect, Format, Operation, Preset};

/// OpenAI's API, and that of everyone who is compatible with it.
#[derive(Debug)]
pub struct OpenAI;

/// OpenAI's models at Azure.
#[derive(Debug)]
pub struct AzureOpenAI;

/// No upstream at all. What it answers is in OpenAI's formats.
#[derive(Debug)]
pub struct Mock;

/// What is spoken for a call, and the path of it below the base URL; `None` where there is no such operation.
///
/// `responses`: the provider has OpenAI's responses.
fn below<'a>(ask: &Ask<'a>, responses: bool) -> Option<(Format, &'a str)> {
    let format = ask.call.format;
    let own = matches!(
        format,
        Format::Chat | Format::Completions | Format::Responses
    );
    let same = || ask.path.strip_prefix("/v1").map(|path| (format, path));
    match ask.operation() {
        Operation::Chat if format == Format::Responses && responses => {
            Some((Format::Responses, "/responses"))
        }
        Operation::Chat => Some((Format::Chat, "/chat/completions")),
        Operation::Completions if own => Some((Format::Completions, "/completions")),
        Operation::Embeddings if own => Some((format, "/embeddings")),
        Operation::Responses if own && responses => same(),
        Operation::Images
        | Operation::Speech
        | Operation::Transcriptions
        | Operation::Translations
        | Operation::Moderations
        | Operation::Files
        | Operation::Batches
            if own =>
        {
            same()
        }
        _ => None,
    }
}

fn reach(ask: &Ask<'_>, format: Format, path: String) -> Reach {
    Reach {
        path,
        query: String::new(),
        keep_query: ask.call.format == format,
        format,
        body: BodyChange::default(),
        headers: Vec::new(),
    }
}

impl Provider for OpenAI {
    fn dialect(&self) -> Dialect {
        Dialect::OpenAI
    }

    fn credential(&self) -> CredentialHeader {
        CredentialHeader::Bearer
    }

    fn reach(&self, ask: &Ask<'_>) -> Option<Reach> {
        let settings = ask.settings;
        let base = &settings.base;
        // Cohere's shape, which servers of open models have at OpenAI's base URL
        // (https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#rerank-api,
        // https://docs.together.ai/reference/rerank-1, https://docs.fireworks.ai/api-reference/rerank-documents).
        if ask.operation() == Operation::Rerank {
            let known = matches!(
                settings.preset,
                None | Some(Preset::VLLM | Preset::SGLang | Preset::Together | Preset::Fireworks)
            );
            return known.then(|| reach(ask, ask.call.format, format!("{base}/rerank")));
        }
        if ask.operation() == Operation::Completions
            && settings
                .preset
                .is_some_and(|preset| !has_completions(preset))
        {
            return Some(reach(ask, Format::Chat, format!("{base}/chat/completions")));
        }
        let has = settings.preset.is_none_or(has_responses);
        let (format, path) = below(ask, has && !settings.responses_by_chat)?;
        Some(reach(ask, format, format!("{base}{path}")))
    }

    /// Nobody bills for servers of one's own, and they abort what nobody waits for.
    fn leaving(&self, preset: Option<Preset>) -> Leaving {
        match preset {
            Some(Preset::VLLM | Preset::SGLang | Preset::Ollama) => Leaving::Stops,
            _ => Leaving::Bills,
        }
    }
}

/// Whether a well-known provider has OpenAI's responses; those that do say so at the pages named in [`Quirks`].
fn has_responses(preset: Preset) -> bool {
    match preset {
        // https://console.groq.com/docs/responses-api, https://docs.x.ai/docs/guides/responses-api,
        // https://docs.fireworks.ai/guides/response-api, https://openrouter.ai/docs/api-reference/responses-api,
        // https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#responses-api,
        // https://docs.ollama.com/api/openai-compatibility
        Preset::Groq
        | Preset::XAI
        | Preset::Fireworks
        | Preset::OpenRouter
        | Preset::VLLM
        | Preset::Ollama => true,
        Preset::Mistral
        | Preset::DeepSeek
        | Preset::Together
        | Preset::Perplexity
        | Preset::Cerebras
        | Preset::NIM
        | Preset::SGLang => false,
    }
}

/// Whether a well-known provider has the completions of before. Those that don't have chats alone at the pages named in
/// [`Quirks`].
fn has_completions(preset: Preset) -> bool {
    !matches!(preset, Preset::Groq | Preset::Mistral | Preset::Perplexity)
}

/// Whether `stream_options.include_usage` may be asked of a provider in a caller's name.
#[must_use]
pub fn takes_stream_options(dialect: Dialect, preset: Option<Preset>) -> bool {
    match dialect {
        Dialect::OpenAI => preset.is_none_or(|preset| Quirks::of_preset(preset).stream_options),
        Dialect::AzureOpenAI | Dialect::Mock => true,
        _ => false,
    }
}

impl Provider for AzureOpenAI {
    fn dialect(&self) -> Dialect {
        Dialect::AzureOpenAI
    }

    fn credential(&self) -> CredentialHeader {
        CredentialHeader::Key("api-key")
    }

    /// Where the endpoint ends in `/openai/v1` paths are OpenAI's own
    /// (<https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle>); elsewhere calls of a model go to its
    /// deployment (<https://learn.microsoft.com/azure/ai-services/openai/reference>).
    fn reach(&self, ask: &Ask<'_>) -> Option<Reach> {
        let settings = ask.settings;
        let (format, path) = below(ask, !settings.responses_by_chat)?;
        // Azure filters contents on the way; there is nothing to ask.
        if ask.operation() == Operation::Moderations {
            return None;
        }
        let base = settings.base.as_str();
        if base.ends_with("/openai/v1") {
            return Some(reach(ask, format, format!("{base}{path}")));
        }
        let base = base.strip_suffix("/openai").unwrap_or(base);
        let responses = format == Format::Responses || ask.operation() == Operation::Responses;
        if responses && !dated_responses(settings.api_version.as_deref()) {
            return Some(reach(ask, format, format!("{base}/openai/v1{path}")));
        }
        let deployed = match ask.operation() {
            Operation::Chat => format != Format::Responses,
            Operation::Completions
            | Operation::Embeddings
            | Operation::Images
            | Operation::Speech
            | Operation::Transcriptions
            | Operation::Translations => true,
            _ => false,
        };
        let path = if deployed {
            let deployment = encoded(ask.model);
            format!("{base}/openai/deployments/{deployment}{path}")
        } else {
            format!("{base}/openai{path}")
        };
        let mut reach = reach(ask, format, path);
        if let Some(version) = &settings.api_version {
            reach.query = format!("api-version={version}");
        }
        Some(reach)
    }

    fn seller(&self) -> Seller {
        Seller::One("azure")
    }
}

/// Whether this version of Azure's API has responses below `/openai`, as those do that came after this one; at
/// `/openai/v1` they are whatever the version
/// (<https://learn.microsoft.com/azure/ai-foundry/openai/how-to/responses>).
fn dated_responses(version: Option<&str>) -> bool {
    version.is_some_and(|version| version >= "2025-03-01")
}

impl Provider for Mock {
    fn dialect(&self) -> Dialect {
        Dialect::Mock
    }

    fn credential(&self) -> CredentialHeader {
        CredentialHeader::Bearer
    }

    fn reach(&self, ask: &Ask<'_>) -> Option<Reach> {
        let (format, path) = below(ask, false)?;
        matches!(
            ask.operation(),
            Operation::Chat | Operation::Completions | Operation::Embeddings
        )
        .then(|| reach(ask, format, path.to_owned()))
    }

    fn seller(&self) -> Seller {
        Seller::Nobody
    }

    /// It makes nothing up that costs.
    fn leaving(&self, _preset: Option<Preset>) -> Leaving {
        Leaving::Stops
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::call::Call;
    use crate::provider::Settings;

    /// Where a `POST` of a path goes.
    fn goes(provider: &dyn Provider, path: &str, settings: &Settings) -> Option<(String, String)> {
        let call = Call::of("POST", path, false).unwrap();
        let reach = provider.reach(&Ask {
            call: &call,
            method: "POST",
            path,
            model: "gpt 4",
            stream: false,
            settings,
        })?;
        Some((reach.path, reach.query))
    }

    fn azure(base: &str) -> Settings {
        Settings {
            base: base.to_owned(),
            api_version: Some("2024-10-21".to_owned()),
            ..Settings::default()
        }
    }

    #[rstest]
    #[case(
        "",
        "/v1/chat/completions",
        "/openai/deployments/gpt%204/chat/completions"
    )]
    #[case("/openai", "/v1/embeddings", "/openai/deployments/gpt%204/embeddings")]
    #[case("", "/v1/audio/speech", "/openai/deployments/gpt%204/audio/speech")]
    #[case("", "/v1/files", "/openai/files")]
    fn azures_deployments_have_paths_of_their_own(
        #[case] base: &str,
        #[case] path: &str,
        #[case] expected: &str,
    ) {
        let query = "api-version=2024-10-21".to_owned();
        assert_eq!(
            goes(&AzureOpenAI, path, &azure(base)),
            Some((expected.to_owned(), query))
        );
    }

    #[rstest]
    #[case("2024-10-21", "/openai/v1/responses", "")]
    #[case(
        "2025-03-01-preview",
        "/openai/responses",
        "api-version=2025-03-01-preview"
    )]
    fn azures_responses_are_where_its_version_has_them(
        #[case] version: &str,
        #[case] path: &str,
        #[case] query: &str,
    ) {
        let settings = Settings {
            api_version: Some(version.to_owned()),
            ..azure("")
        };
        let expected = Some((path.to_owned(), query.to_owned()));
        assert_eq!(goes(&AzureOpenAI, "/v1/responses", &settings), expected);
    }

    #[test]
    fn azures_first_version_has_openais_paths_and_no_date() {
        let settings = azure("/openai/v1");
        for path in ["chat/completions", "responses", "embeddings", "batches"] {
            let expected = Some((format!("/openai/v1/{path}"), String::new()));
            assert_eq!(
                goes(&AzureOpenAI, &format!("/v1/{path}"), &settings),
                expected
            );
        }
        assert_eq!(goes(&AzureOpenAI, "/v1/moderations", &settings), None);
    }

    #[test]
    fn completions_reach_every_provider() {
        let settings = azure("/v1/projects/p/locations/l");
        for dialect in Dialect::ALL {
            let provider = crate::dialect::provider(dialect);
            let found = goes(provider, "/v1/completions", &settings);
            assert!(found.is_some(), "{}", dialect.name());
        }
    }

    #[test]
    fn responses_go_by_chat_where_there_are_none() {
        let by_chat = Some(("/v1/chat/completions".to_owned(), String::new()));
        let base = "/v1".to_owned();
        let said = Settings {
            base: base.clone(),
            responses_by_chat: true,
            ..Settings::default()
        };
        assert_eq!(goes(&OpenAI, "/v1/responses", &said), by_chat);
        let mistral = Settings {
            base,
            preset: Some(Preset::Mistral),
            ..Settings::default()
        };
        assert_eq!(goes(&OpenAI, "/v1/responses", &mistral), by_chat);
        assert_eq!(goes(&OpenAI, "/v1/responses/compact", &mistral), None);
    }
}
