//! Whom an interaction went to, as a resource would say it.

use weir_llm::call::{Call, NoCall};
use weir_llm::provider::Settings;
use weir_llm::{Dialect, Preset};
use weir_recorded::{Interaction, Kind, Wire};

/// Whom, and by which model.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) dialect: Dialect,
    pub(crate) settings: Settings,
    /// The model as the path names it; that of the body where it does not.
    pub(crate) model: Option<String>,
}

impl Place {
    /// Of this interaction.
    pub(crate) fn of(interaction: &Interaction) -> Self {
        let request = &interaction.request;
        let path = &*request.path;
        let (dialect, preset) = whose(&request.host);
        let base = match dialect {
            Dialect::OpenAI => {
                let end = [
                    "/chat/completions",
                    "/completions",
                    "/responses",
                    "/embeddings",
                    "/images/",
                ];
                let at = end.iter().find_map(|end| path.find(end)).unwrap();
                &path[..at]
            }
            Dialect::Vertex => &path[..path.find("/publishers/").unwrap()],
            _ => "",
        };
        let between = |start: &str, end: char| {
            let (_, rest) = path.split_once(start)?;
            rest.rsplit_once(end).map(|(model, _)| model.to_owned())
        };
        let model = match dialect {
            Dialect::AzureOpenAI => {
                between("/deployments/", '/').map(|rest| rest.split('/').next().unwrap().to_owned())
            }
            Dialect::Gemini | Dialect::Vertex => between("/models/", ':'),
            Dialect::Bedrock => {
                between("/model/", '/').map(|model| weir_llm::call::decoded(&model))
            }
            _ => None,
        };
        let version = request
            .query
            .strip_prefix("api-version=")
            .map(str::to_owned);
        Self {
            dialect,
            settings: Settings {
                base: base.to_owned(),
                preset,
                api_version: version,
                ..Settings::default()
            },
            model,
        }
    }
}

fn whose(host: &str) -> (Dialect, Option<Preset>) {
    match host {
        "api.deepseek.com" => (Dialect::OpenAI, Some(Preset::DeepSeek)),
        "api.groq.com" => (Dialect::OpenAI, Some(Preset::Groq)),
        "api.mistral.ai" => (Dialect::OpenAI, Some(Preset::Mistral)),
        "localhost:8000" => (Dialect::OpenAI, Some(Preset::VLLM)),
        "api.anthropic.com" => (Dialect::Anthropic, None),
        "generativelanguage.googleapis.com" => (Dialect::Gemini, None),
        "api.cohere.com" => (Dialect::Cohere, None),
        host if host.ends_with(".openai.azure.com") => (Dialect::AzureOpenAI, None),
        host if host.ends_with("-aiplatform.googleapis.com") => (Dialect::Vertex, None),
        host if host.starts_with("bedrock-runtime.") => (Dialect::Bedrock, None),
        _ => (Dialect::OpenAI, None),
    }
}

/// The path that the caller's SDK calls at Weir for what it called at a provider: base URLs end before different parts
/// of the path.
pub(crate) fn called(interaction: &Interaction) -> String {
    let path = &*interaction.request.path;
    let from = |start: &str| path.find(start).map(|at| &path[at..]);
    let version_and = |rest: Option<&str>| rest.map(|rest| format!("/v1{rest}"));
    let own = match Kind::of(interaction) {
        Kind::Chat {
            wire: Wire::Chat, ..
        } => version_and(from("/chat/completions")),
        Kind::Chat {
            wire: Wire::Completions,
            ..
        } => version_and(from("/completions")),
        Kind::Embeddings => version_and(from("/embeddings")),
        Kind::Chat {
            wire: Wire::Gemini, ..
        } => from("/models/").map(|rest| format!("/v1beta{rest}")),
        _ => None,
    };
    own.unwrap_or_else(|| path.to_owned())
}

/// The call that it is at Weir.
pub(crate) fn call(interaction: &Interaction) -> Result<Call, NoCall> {
    let request = &interaction.request;
    let anthropic = request.header("anthropic-version").is_some();
    Call::of(&request.method, &called(interaction), anthropic)
}
