//! Errors (<https://platform.claude.com/docs/en/api/errors>).

use crate::chat::{Problem, ProblemKind};
use crate::codec::WrittenProblem;
use crate::json::{Object, Value};
use crate::sse;

/// The types, and the status that each has.
const TYPES: [(&str, u16, ProblemKind); 10] = [
    ("invalid_request_error", 400, ProblemKind::Invalid),
    ("authentication_error", 401, ProblemKind::Authentication),
    ("billing_error", 402, ProblemKind::Billing),
    ("permission_error", 403, ProblemKind::Permission),
    ("not_found_error", 404, ProblemKind::NotFound),
    ("request_too_large", 413, ProblemKind::TooLarge),
    ("rate_limit_error", 429, ProblemKind::RateLimited),
    ("api_error", 500, ProblemKind::Server),
    ("timeout_error", 504, ProblemKind::Timeout),
    ("overloaded_error", 529, ProblemKind::Overloaded),
];

/// Of a plain answer.
pub(super) fn read(status: u16, body: &[u8]) -> Option<Problem> {
    let body = Value::from_bytes(body).ok()?;
    let error = body.get("error");
    let holder = match error {
        Some(Value::Object(_)) => error?,
        _ => &body,
    };
    // Proxies before a provider write `{"error": "…"}`, `{"message": "…"}` or `{"detail": "…"}`.
    let message = holder
        .get("message")
        .or(error)
        .or_else(|| body.get("detail"))
        .and_then(Value::as_str)?;
    let kind = holder.get("type").and_then(Value::as_str);
    let known = TYPES.iter().find(|(name, ..)| Some(*name) == kind);
    Some(Problem {
        status,
        kind: known.map_or(ProblemKind::of(status), |(.., kind)| *kind),
        code: kind.map(str::to_owned),
        param: None,
        message: message.to_owned(),
    })
}

/// Of an event, which has no status of its own.
pub(super) fn of_event(data: &Value<'_>) -> Problem {
    let error = data.get("error").unwrap_or(&Value::Null);
    let kind = error.get("type").and_then(Value::as_str);
    let known = TYPES.iter().find(|(name, ..)| Some(*name) == kind);
    let (_, status, class) = known.unwrap_or(&("", 500, ProblemKind::Server));
    let message = error.get("message").and_then(Value::as_str);
    Problem {
        status: *status,
        kind: *class,
        code: kind.map(str::to_owned),
        param: None,
        message: message.unwrap_or("the provider failed").to_owned(),
    }
}

/// The type of a class. What the format has no type for is a request that makes no sense.
fn type_of(kind: ProblemKind) -> &'static str {
    let own = TYPES.iter().find(|(.., own)| *own == kind);
    own.map_or("invalid_request_error", |(name, ..)| name)
}

fn shape(problem: &Problem) -> Object<'_> {
    let error = Object::new()
        .with("type", type_of(problem.kind))
        .with("message", &problem.message);
    Object::new().with("type", "error").with("error", error)
}

pub(super) fn write(problem: &Problem) -> WrittenProblem {
    WrittenProblem {
        status: problem.status,
        headers: Vec::new(),
        body: shape(problem).to_bytes(),
    }
}

/// `event: error`.
pub(super) fn event(problem: &Problem) -> Vec<u8> {
    let mut out = Vec::new();
    sse::write(Some("error"), &shape(problem).to_bytes(), &mut out);
    out
}

/// `{"type":"error","error":{"type":…,"message":…}}`.
pub(super) fn is_one(body: &[u8]) -> bool {
    let Ok(body) = Value::from_bytes(body) else {
        return false;
    };
    let is_text = |name| {
        body.get("error")
            .and_then(|error| error.get(name))
            .is_some_and(|value| value.as_str().is_some())
    };
    body.get("type").and_then(Value::as_str) == Some("error")
        && is_text("type")
        && is_text("message")
}
