//! Errors: `{"message":…}`, with an id or without (<https://docs.cohere.com/reference/errors>).

use crate::chat::{Problem, ProblemKind};
use crate::codec::WrittenProblem;
use crate::json::{Object, Value};
use crate::sse;

pub(super) fn read(status: u16, body: &[u8]) -> Option<Problem> {
    let value = Value::from_bytes(body).ok()?;
    let message = value.get("message").and_then(Value::as_str)?;
    // A token that is none (https://docs.cohere.com/reference/errors), which nobody else has a status for.
    let status = if status == 498 { 401 } else { status };
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Problem {
        status,
        kind: ProblemKind::of(status),
        code: text("code"),
        param: text("param"),
        message: message.to_owned(),
    })
}

fn object(problem: &Problem) -> Object<'_> {
    Object::new()
        .with("message", &problem.message)
        .maybe("code", problem.code.as_ref())
        .maybe("param", problem.param.as_ref())
}

/// The message, and beside it the code and the field at fault, for which Cohere has no fields.
pub(super) fn write(problem: &Problem) -> WrittenProblem {
    WrittenProblem {
        status: problem.status,
        headers: Vec::new(),
        body: object(problem).to_bytes(),
    }
}

/// The end of a stream that says what went wrong
/// (<https://docs.cohere.com/v2/docs/streaming#message-end>).
pub(super) fn event(problem: &Problem) -> Vec<u8> {
    let delta = Object::new()
        .with("error", &problem.message)
        .with("finish_reason", "ERROR");
    let object = Object::new()
        .with("type", "message-end")
        .with("delta", delta);
    let mut out = Vec::new();
    sse::write(Some("message-end"), &object.to_bytes(), &mut out);
    out
}

pub(super) fn is_one(body: &[u8]) -> bool {
    Value::from_bytes(body).is_ok_and(|value| {
        value
            .get("message")
            .is_some_and(|one| one.as_str().is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_all_there_is() {
        let body = br#"{"id":"7d1","message":"invalid api token"}"#;
        let problem = read(401, body).unwrap();
        assert_eq!(
            (problem.kind, &*problem.message),
            (ProblemKind::Authentication, "invalid api token")
        );
        assert!(is_one(body) && !is_one(br#"{"message":{"role":"assistant"}}"#));
        let own = Problem::invalid("unsupported_parameter", "n", "No.");
        assert_eq!(read(400, &write(&own).body), Some(own));
    }
}
