//! Errors, as all of Google's APIs write them (<https://google.aip.dev/193>,
//! <https://ai.google.dev/gemini-api/docs/troubleshooting>).

use super::names::{field, text, whole};
use crate::chat::{Problem, ProblemKind};
use crate::codec::WrittenProblem;
use crate::json::{Object, Value};

const DETAIL: &str = "type.googleapis.com/google.rpc.";

/// The error in a body, or in an array of one, as streams that are arrays have it.
pub(super) fn read(status: u16, body: &[u8]) -> Option<Problem> {
    of_value(status, &Value::from_bytes(body).ok()?)
}

/// The same of what is read; a `status` of 0 is taken from the error itself.
pub(super) fn of_value(status: u16, value: &Value<'_>) -> Option<Problem> {
    let value = match value {
        Value::Array(items) => items.first()?,
        one => one,
    };
    let error = field(value, "error")?;
    if let Some(message) = error.as_str() {
        // Google's sign-in answers with {"error", "error_description"} (RFC 6749 §5.2).
        let message = text(value, "errorDescription").unwrap_or(message);
        return Some(plain(status, message));
    }
    let name = text(error, "status").unwrap_or_default();
    let code = field(error, "code").and_then(whole);
    let status = match status {
        0 => code
            .and_then(|code| u16::try_from(code).ok())
            .filter(|code| (400..=599).contains(code))
            .unwrap_or(500),
        known => known,
    };
    let details = field(error, "details")
        .and_then(Value::as_array)
        .unwrap_or_default();
    let of_type = |kind: &str| {
        details
            .iter()
            .find(|one| text(one, "@type").and_then(|own| own.strip_prefix(DETAIL)) == Some(kind))
    };
    let reason = of_type("ErrorInfo").and_then(|info| text(info, "reason"));
    let violation = of_type("BadRequest")
        .and_then(|bad| field(bad, "fieldViolations"))
        .and_then(Value::as_array)
        .and_then(|all| all.first());
    let code = reason.or(Some(name).filter(|name| !name.is_empty()));
    Some(Problem {
        status,
        kind: kind_of(status, reason, name),
        code: code.map(str::to_owned),
        param: violation
            .and_then(|one| text(one, "field"))
            .map(str::to_owned),
        message: text(error, "message").unwrap_or(name).to_owned(),
    })
}

fn plain(status: u16, message: &str) -> Problem {
    let status = if status == 0 { 500 } else { status };
    Problem {
        status,
        kind: ProblemKind::of(status),
        code: None,
        param: None,
        message: message.to_owned(),
    }
}

/// A wrong key is a 400 at AI Studio.
fn kind_of(status: u16, reason: Option<&str>, name: &str) -> ProblemKind {
    match (reason, name) {
        (Some("API_KEY_INVALID" | "API_KEY_EXPIRED"), _) => ProblemKind::Authentication,
        (_, "RESOURCE_EXHAUSTED") => ProblemKind::RateLimited,
        (_, "UNAVAILABLE") => ProblemKind::Overloaded,
        _ => ProblemKind::of(status),
    }
}

/// How many seconds a caller shall wait, as `google.rpc.RetryInfo` says it; rounded up, at most a day.
pub(super) fn retry_after(body: &[u8]) -> Option<u64> {
    let value = Value::from_bytes(body).ok()?;
    let value = match &value {
        Value::Array(items) => items.first()?,
        one => one,
    };
    let details = field(field(value, "error")?, "details")?.as_array()?;
    let delay = details.iter().find_map(|one| text(one, "retryDelay"))?;
    let (whole, fraction) = delay
        .strip_suffix('s')
        .map(|delay| delay.split_once('.').unwrap_or((delay, "")))?;
    let more = u64::from(fraction.bytes().any(|digit| digit != b'0'));
    let seconds: u64 = whole.parse().ok()?;
    Some(seconds.saturating_add(more).min(86_400))
}

/// The name of a status (<https://cloud.google.com/apis/design/errors#handling_errors>).
fn name_of(problem: &Problem) -> &'static str {
    match problem.kind {
        ProblemKind::Invalid | ProblemKind::TooLarge => "INVALID_ARGUMENT",
        ProblemKind::Authentication => "UNAUTHENTICATED",
        ProblemKind::Billing => "FAILED_PRECONDITION",
        ProblemKind::Permission => "PERMISSION_DENIED",
        ProblemKind::NotFound => "NOT_FOUND",
        ProblemKind::Method => "UNIMPLEMENTED",
        ProblemKind::Timeout => "DEADLINE_EXCEEDED",
        ProblemKind::Conflict => "ABORTED",
        ProblemKind::RateLimited => "RESOURCE_EXHAUSTED",
        ProblemKind::Overloaded => "UNAVAILABLE",
        ProblemKind::Server => "INTERNAL",
    }
}

/// The status that Google's APIs have for it: 529 is Anthropic's own for what is 503 elsewhere.
fn status_of(problem: &Problem) -> u16 {
    match problem.status {
        529 => 503,
        status => status,
    }
}

/// `{"error":{"code","message","status","details"}}`; the details carry the code and the field at fault.
pub(super) fn object(problem: &Problem) -> Object<'_> {
    let status = status_of(problem);
    let mut details: Vec<Object<'_>> = Vec::new();
    if let Some(code) = &problem.code {
        details.push(
            Object::new()
                .with("@type", format!("{DETAIL}ErrorInfo"))
                .with("reason", code)
                .with("domain", "weir"),
        );
    }
    if let Some(param) = &problem.param {
        let violation = Object::new()
            .with("field", param)
            .with("description", &problem.message);
        details.push(
            Object::new()
                .with("@type", format!("{DETAIL}BadRequest"))
                .with("fieldViolations", vec![violation]),
        );
    }
    let mut error = Object::new()
        .with("code", u32::from(status))
        .with("message", &problem.message)
        .with("status", name_of(problem));
    if !details.is_empty() {
        error.push("details", details);
    }
    Object::new().with("error", error)
}

pub(super) fn write(problem: &Problem) -> WrittenProblem {
    WrittenProblem {
        status: status_of(problem),
        headers: Vec::new(),
        body: object(problem).to_bytes(),
    }
}

/// Whether a body is such an error.
pub(super) fn is_one(body: &[u8]) -> bool {
    let Ok(value) = Value::from_bytes(body) else {
        return false;
    };
    let value = match &value {
        Value::Array(items) if items.len() == 1 => &items[0],
        one => one,
    };
    field(value, "error").is_some_and(|error| {
        field(error, "code").and_then(whole).is_some() && text(error, "message").is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: &str = r#"{"error":{"code":429,"message":"You exceeded your current quota.","status":"RESOURCE_EXHAUSTED",
        "details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[]},
        {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"36.02s"}]}}"#;
    const KEY: &str = r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT",
        "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}]"#;

    #[test]
    fn an_error_is_read_with_its_reason_and_when_to_come_again() {
        let problem = read(429, QUOTA.as_bytes()).unwrap();
        let expected = Problem {
            status: 429,
            kind: ProblemKind::RateLimited,
            code: Some("RESOURCE_EXHAUSTED".into()),
            param: None,
            message: "You exceeded your current quota.".into(),
        };
        assert_eq!(problem, expected);
        assert_eq!(retry_after(QUOTA.as_bytes()), Some(37));
        let key = read(400, KEY.as_bytes()).unwrap();
        assert_eq!(
            (key.kind, key.code.as_deref()),
            (ProblemKind::Authentication, Some("API_KEY_INVALID"))
        );
        assert!(is_one(KEY.as_bytes()) && is_one(QUOTA.as_bytes()));
        assert_eq!(read(500, b"<html>"), None);
        assert!(!is_one(br#"{"error":"no"}"#));
    }

    #[test]
    fn what_is_written_reads_back() {
        let problem = Problem::invalid("unsupported_parameter", "n", "Not \"here\".");
        let written = write(&problem);
        assert_eq!(written.status, 400);
        assert_eq!(read(400, &written.body), Some(problem));
    }
}
