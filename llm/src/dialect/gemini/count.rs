//! `countTokens` (<https://ai.google.dev/api/tokens#method:-models.counttokens>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/count-tokens>).

use super::names::{get, number};
use super::read;
use crate::Dialect;
use crate::chat::{Problem, Request};
use crate::codec::{Asked, Target};
use crate::json::{Object, Value};

/// Reads a caller's body: `{contents}`, or the whole request in `generateContentRequest`.
///
/// # Errors
/// As for a request that wants an answer.
pub(super) fn read_request<'a>(
    body: &Value<'a>,
    asked: &Asked<'_>,
) -> Result<Request<'a>, Problem> {
    let inner = body
        .as_object()
        .and_then(|object| get(object, "generateContentRequest"));
    read::request(inner.unwrap_or(body), asked)
}

/// What Vertex AI takes besides the turns.
const AT_VERTEX: [&str; 4] = ["contents", "systemInstruction", "tools", "generationConfig"];

/// Makes of a body that asks for an answer one that asks for its count. Vertex AI takes what counts beside the turns,
/// AI Studio the whole of it as a field.
pub(super) fn request<'r>(body: Object<'r>, target: &Target<'r>) -> Object<'r> {
    if target.dialect == Dialect::Vertex {
        let mut counted = Object::new();
        for (name, value) in body {
            if AT_VERTEX.contains(&&*name) {
                counted.push(name, value);
            }
        }
        return counted;
    }
    let mut inner = Object::new().with(
        "model",
        format!("models/{}", super::provider::bare(target.model)),
    );
    for (name, value) in body {
        inner.push(name, value);
    }
    Object::new().with("generateContentRequest", inner)
}

/// Reads a provider's count.
pub(super) fn read_answer(body: &[u8]) -> Option<u64> {
    number(&Value::from_bytes(body).ok()?, "totalTokens")
}

/// Writes a count for a caller.
pub(super) fn write_answer(tokens: u64) -> Vec<u8> {
    Object::new().with("totalTokens", tokens).to_bytes()
}
