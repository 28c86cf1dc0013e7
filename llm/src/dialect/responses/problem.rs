//! Errors in a stream (<https://platform.openai.com/docs/api-reference/responses-streaming/error>).

use crate::chat::Problem;
use crate::json::{Object, Value};
use crate::sse;

use crate::dialect::openai::problem;

/// The event `error`. It holds the error twice: beside its type, as it is documented, and as an object, as the API sends
/// it in fact and as the official SDKs want it, who raise on that alone.
pub(super) fn event(error: &Problem, sequence_number: u64) -> Vec<u8> {
    let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::from);
    let kind = problem::kind(error.kind);
    let inside = Object::new()
        .with("type", kind)
        .with("code", text(&error.code))
        .with("message", &error.message)
        .with("param", text(&error.param));
    let body = Object::new()
        .with("type", "error")
        .with("code", text(&error.code))
        .with("message", &error.message)
        .with("param", text(&error.param))
        .with("sequence_number", sequence_number)
        .with("error", inside);
    let mut out = Vec::new();
    sse::write(Some("error"), &body.to_bytes(), &mut out);
    out
}

/// The error of an answer that failed.
pub(super) fn of_response(response: &Value<'_>) -> Problem {
    let error = response.get("error").cloned().unwrap_or_default();
    let event = Value::Object(Object::new().with("error", error));
    let read = problem::in_stream(&event, None);
    read.unwrap_or_else(|| Problem::new(500, "server_error", "The provider failed."))
}
