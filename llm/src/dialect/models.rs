//! Lists of models in the shape of each SDK.

use bytes::Bytes;

use super::{anthropic, cohere, gemini, openai};

pub use openai::ModelShape;

/// The shape in which an SDK reads a list of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelsShape {
    /// OpenAI's, and that of whoever says nothing of itself.
    OpenAI,
    /// Anthropic's, which always sends `anthropic-version`.
    Anthropic,
    /// Google's, which sends `x-goog-api-key` or calls below `/v1beta` or `/v1alpha`.
    Gemini,
    /// Cohere's, which names itself in `x-fern-sdk-name` (<https://github.com/cohere-ai/cohere-python>).
    Cohere,
}

impl ModelsShape {
    /// By the path that is called and the caller's headers.
    pub fn of<'a>(path: &str, header: impl Fn(&'static str) -> Option<&'a str>) -> Self {
        let cohere = |name| header(name).is_some_and(|value| value.contains("cohere"));
        if header("anthropic-version").is_some() {
            Self::Anthropic
        } else if ["/v1beta", "/v1alpha"]
            .iter()
            .any(|base| path.starts_with(base))
            || header("x-goog-api-key").is_some()
        {
            Self::Gemini
        } else if cohere("x-fern-sdk-name") || cohere("user-agent") {
            Self::Cohere
        } else {
            Self::OpenAI
        }
    }

    /// The list, in the order given.
    #[must_use]
    pub fn list(self, models: &[ModelShape<'_>]) -> Bytes {
        let ids = models.iter().map(|model| model.id);
        match self {
            Self::OpenAI => openai::models_body(models.iter().copied()),
            Self::Anthropic => anthropic::models_body(models).into(),
            Self::Cohere => cohere::models_body(ids.map(|name| cohere::Model { name })).into(),
            Self::Gemini => gemini::models_body(ids.map(|id| gemini::Model { id })).into(),
        }
    }

    /// One of them.
    #[must_use]
    pub fn one(self, model: &ModelShape<'_>) -> Bytes {
        match self {
            Self::OpenAI => openai::model_body(model),
            Self::Anthropic => anthropic::model_body(model).into(),
            Self::Cohere => cohere::model_body(&cohere::Model { name: model.id }).into(),
            Self::Gemini => gemini::model_body(&gemini::Model { id: model.id }).into(),
        }
    }
}
