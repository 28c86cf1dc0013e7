//! What is sent to a provider.

use super::Request;
use crate::Dialect;
use crate::call::encoded;
use crate::chat::Problem;
use crate::codec::Gaps;
use crate::json::{Object, Value};

/// How a provider embeds texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Google AI Studio's `batchEmbedContents` (<https://ai.google.dev/api/embeddings>).
    Gemini,
    /// Vertex AI's `predict`
    /// (<https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api>).
    VertexPredict,
    /// Vertex AI's `embedContent` and `batchEmbedContents`, for models that are Gemini's
    /// (<https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings/get-text-embeddings>).
    VertexContent,
    /// Cohere's `/v2/embed` (<https://docs.cohere.com/reference/embed>).
    Cohere,
    /// Amazon's Titan, at Bedrock, one text a call
    /// (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html>).
    BedrockTitan,
    /// Cohere's models at Bedrock
    /// (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html>).
    BedrockCohere,
}

/// A call of a provider: `POST`, with JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The path on the provider's host.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
    /// How the answer is to be read.
    pub wire: Wire,
}

impl Wire {
    /// How a provider embeds texts with a model; `None` where it can't, or passes OpenAI's own.
    #[must_use]
    pub fn of(dialect: Dialect, model: &str) -> Option<Self> {
        // A region's prefix stands before the maker's.
        let made_by =
            |maker: &str| model.starts_with(maker) || model.contains(&format!(".{maker}"));
        match dialect {
            Dialect::Gemini => Some(Self::Gemini),
            // As Google's own SDK tells them apart.
            Dialect::Vertex
                if model.contains("gemini") && !model.contains("gemini-embedding-001") =>
            {
                Some(Self::VertexContent)
            }
            Dialect::Vertex => Some(Self::VertexPredict),
            Dialect::Cohere => Some(Self::Cohere),
            Dialect::Bedrock if made_by("amazon.titan-embed") => Some(Self::BedrockTitan),
            Dialect::Bedrock if made_by("cohere.embed") => Some(Self::BedrockCohere),
            _ => None,
        }
    }
}

/// Writes a call. `base`: the path of the provider's endpoint, without a slash at its end.
///
/// # Errors
/// A 400 that names the field that the provider has nothing for, unless `gaps` says that it is dropped; and where it
/// embeds one text a call, for several.
pub fn write(
    request: &Request<'_>,
    wire: Wire,
    base: &str,
    model: &str,
    gaps: &mut Gaps,
) -> Result<Sent, Problem> {
    gaps.extras(&request.extras)?;
    if request.user {
        gaps.hint("user");
    }
    let cohere = matches!(wire, Wire::Cohere | Wire::BedrockCohere);
    if request.input_type.is_some() && !cohere {
        gaps.leave_out("input_type", "what a text is embedded for")?;
    }
    let (path, body) = match wire {
        Wire::Gemini => gemini(request, base, model),
        Wire::VertexPredict => vertex_predict(request, base, model),
        Wire::VertexContent => vertex_content(request, base, model),
        Wire::Cohere => (
            format!("{base}/v2/embed"),
            cohere_body(request, Some(model)),
        ),
        Wire::BedrockTitan => titan(request, base, model, gaps)?,
        Wire::BedrockCohere => {
            let body = cohere_body(request, None);
            (invoke(base, model), body)
        }
    };
    Ok(Sent {
        path,
        body: body.to_bytes(),
        wire,
    })
}

fn content<'r>(text: &'r str) -> Object<'r> {
    Object::new().with("parts", vec![Object::new().with("text", text)])
}

fn gemini<'r>(request: &'r Request<'_>, base: &str, model: &str) -> (String, Object<'r>) {
    let bare = model.strip_prefix("models/").unwrap_or(model);
    let requests: Vec<Object<'r>> = request
        .input
        .iter()
        .map(|text| {
            Object::new()
                .with("model", format!("models/{bare}"))
                .with("content", content(text))
                .maybe("outputDimensionality", request.dimensions)
        })
        .collect();
    let versioned = ["/v1", "/v1beta", "/v1alpha"]
        .iter()
        .any(|version| base.ends_with(version));
    let version = if versioned { "" } else { "/v1beta" };
    (
        format!(
            "{base}{version}/models/{}:batchEmbedContents",
            encoded(bare)
        ),
        Object::new().with("requests", requests),
    )
}

fn vertex_model(base: &str, model: &str, method: &str) -> String {
    let model = model
        .strip_prefix("publishers/google/models/")
        .unwrap_or(model);
    format!(
        "{base}/publishers/google/models/{}:{method}",
        encoded(model)
    )
}

fn vertex_predict<'r>(request: &'r Request<'_>, base: &str, model: &str) -> (String, Object<'r>) {
    let instances: Vec<Object<'r>> = request
        .input
        .iter()
        .map(|text| Object::new().with("content", &**text))
        .collect();
    let mut body = Object::new().with("instances", instances);
    if let Some(dimensions) = request.dimensions {
        body.push(
            "parameters",
            Object::new().with("outputDimensionality", dimensions),
        );
    }
    (vertex_model(base, model, "predict"), body)
}

fn vertex_content<'r>(request: &'r Request<'_>, base: &str, model: &str) -> (String, Object<'r>) {
    let one = |text: &'r str| {
        let object = Object::new().with("content", content(text));
        match request.dimensions {
            Some(dimensions) => object.with(
                "embedContentConfig",
                Object::new().with("outputDimensionality", dimensions),
            ),
            None => object,
        }
    };
    match request.input.as_slice() {
        [text] => (vertex_model(base, model, "embedContent"), one(text)),
        texts => {
            let requests: Vec<Object<'r>> = texts.iter().map(|text| one(text)).collect();
            (
                vertex_model(base, model, "batchEmbedContents"),
                Object::new().with("requests", requests),
            )
        }
    }
}

/// At Bedrock the path names the model.
fn cohere_body<'r>(request: &'r Request<'_>, model: Option<&str>) -> Object<'r> {
    Object::new()
        .maybe("model", model.map(str::to_owned))
        .with("texts", request.input.iter().collect::<Value<'r>>())
        .with(
            "input_type",
            request.input_type.as_deref().unwrap_or("search_document"),
        )
        .with("embedding_types", vec!["float"])
        .maybe("output_dimension", request.dimensions)
}

fn invoke(base: &str, model: &str) -> String {
    // The SDKs encode colons in names of models.
    format!("{base}/model/{}/invoke", encoded(model).replace(':', "%3A"))
}

fn titan<'r>(
    request: &'r Request<'_>,
    base: &str,
    model: &str,
    gaps: &mut Gaps,
) -> Result<(String, Object<'r>), Problem> {
    let [text] = request.input.as_slice() else {
        return Err(gaps.refuse("input", "several texts in one call: send one at a time"));
    };
    let mut body = Object::new().with("inputText", &**text);
    if let Some(dimensions) = request.dimensions {
        if model.contains("embed-text-v1") {
            gaps.leave_out("dimensions", "the length of vectors")?;
        } else {
            body.push("dimensions", dimensions);
        }
    }
    Ok((invoke(base, model), body))
}
