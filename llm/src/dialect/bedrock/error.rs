//! Errors (<https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html>): the body has a message, a header
//! the name.

use crate::chat::{Problem, ProblemKind};
use crate::codec::WrittenProblem;
use crate::frame::{Header, write_message};
use crate::json::{Object, Value};

/// Names, their statuses and classes; the first of a class is written.
const NAMES: [(&str, u16, ProblemKind); 18] = [
    ("ValidationException", 400, ProblemKind::Invalid),
    (
        "UnrecognizedClientException",
        403,
        ProblemKind::Authentication,
    ),
    (
        "InvalidSignatureException",
        403,
        ProblemKind::Authentication,
    ),
    ("ExpiredTokenException", 403, ProblemKind::Authentication),
    ("ServiceQuotaExceededException", 400, ProblemKind::Billing),
    ("AccessDeniedException", 403, ProblemKind::Permission),
    ("ResourceNotFoundException", 404, ProblemKind::NotFound),
    ("UnknownOperationException", 404, ProblemKind::Method),
    ("ModelTimeoutException", 408, ProblemKind::Timeout),
    ("ConflictException", 409, ProblemKind::Conflict),
    ("PayloadTooLargeException", 413, ProblemKind::TooLarge),
    ("ThrottlingException", 429, ProblemKind::RateLimited),
    ("ServiceUnavailableException", 503, ProblemKind::Overloaded),
    ("ModelNotReadyException", 429, ProblemKind::Overloaded),
    ("InternalServerException", 500, ProblemKind::Server),
    ("ModelErrorException", 424, ProblemKind::Server),
    ("ModelStreamErrorException", 424, ProblemKind::Server),
    ("InternalFailure", 500, ProblemKind::Server),
];

fn known(name: &str) -> Option<&'static (&'static str, u16, ProblemKind)> {
    NAMES
        .iter()
        .find(|(own, ..)| own.eq_ignore_ascii_case(name))
}

fn name_of(kind: ProblemKind) -> &'static str {
    let own = NAMES.iter().find(|(.., own)| *own == kind);
    own.map_or("InternalServerException", |(name, ..)| name)
}

/// The header that names an error (<https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization>).
pub(super) const HEADER: &str = "x-amzn-errortype";

/// An error's name without what some servers put around it: `com.amazon.coral.service#AccessDeniedException:http://…`.
fn bare(name: &str) -> &str {
    let name = name.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default().trim()
}

/// Gives an error the name from the header.
pub(super) fn name(name: &str, problem: &mut Problem) {
    let name = bare(name);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
        return;
    }
    if let Some((.., kind)) = known(name) {
        problem.kind = *kind;
    }
    problem.code = Some(name.to_owned());
}

/// Of a plain answer.
pub(super) fn read(status: u16, body: &[u8]) -> Option<Problem> {
    let body = Value::from_bytes(body).ok()?;
    let text = |name| body.get(name).and_then(Value::as_str);
    let message = text("message").or_else(|| text("Message"))?;
    let name = text("__type").map(bare);
    let kind = name.and_then(known).map(|(.., kind)| *kind);
    Some(Problem {
        status,
        kind: kind.unwrap_or(ProblemKind::of(status)),
        code: name.map(str::to_owned),
        param: None,
        message: message.to_owned(),
    })
}

/// Of an exception in a stream, which has a name and no status.
pub(super) fn of_frame(name: &str, data: &[u8]) -> Problem {
    let (_, status, kind) = known(name).unwrap_or(&("", 500, ProblemKind::Server));
    let data = Value::from_bytes(data).unwrap_or_default();
    let message = data.get("message").or_else(|| data.get("Message"));
    let message = message.and_then(Value::as_str);
    Problem {
        status: *status,
        kind: *kind,
        code: Some(name.to_owned()).filter(|name| !name.is_empty()),
        param: None,
        message: message.unwrap_or("the provider failed").to_owned(),
    }
}

fn body(problem: &Problem) -> Vec<u8> {
    Object::new().with("message", &problem.message).to_bytes()
}

/// The name travels in a header, by which AWS's SDKs raise. A status that AWS does not know gives way to the one it has
/// for this.
pub(super) fn write(problem: &Problem) -> WrittenProblem {
    WrittenProblem {
        status: match problem.status {
            529 => 503,
            status => status,
        },
        headers: vec![(HEADER, name_of(problem.kind).to_owned())],
        body: body(problem),
    }
}

/// An exception. Streams know five of them
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html>).
pub(super) fn event(problem: &Problem) -> Vec<u8> {
    let name = match problem.kind {
        ProblemKind::RateLimited | ProblemKind::Billing => "throttlingException",
        ProblemKind::Overloaded | ProblemKind::Timeout => "serviceUnavailableException",
        ProblemKind::Server => "internalServerException",
        _ => "validationException",
    };
    let header = |name, value| Header { name, value };
    let headers = [
        header(":exception-type", name),
        header(":content-type", "application/json"),
        header(":message-type", "exception"),
    ];
    let mut out = Vec::new();
    write_message(&headers, &body(problem), &mut out);
    out
}

/// `{"message":…}`.
pub(super) fn is_one(body: &[u8]) -> bool {
    Value::from_bytes(body).is_ok_and(|body| {
        let message = body.get("message").or_else(|| body.get("Message"));
        message.and_then(Value::as_str).is_some() && body.get("error").is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_bears_the_name_that_its_header_says() {
        let body = br#"{"message":"Too many requests, please wait before trying again."}"#;
        let mut problem = read(429, body).unwrap();
        assert_eq!(
            (problem.code.as_deref(), problem.kind),
            (None, ProblemKind::RateLimited)
        );
        name(
            "ModelNotReadyException:http://internal.amazon.com/coral/com.amazon.bedrock/",
            &mut problem,
        );
        assert_eq!(
            (problem.code.as_deref(), problem.kind),
            (Some("ModelNotReadyException"), ProblemKind::Overloaded)
        );
        name(
            "com.amazon.coral.service#ExpiredTokenException",
            &mut problem,
        );
        assert_eq!(problem.kind, ProblemKind::Authentication);
        for odd in ["", ":x", "a b", "é"] {
            name(odd, &mut problem);
            assert_eq!(
                problem.code.as_deref(),
                Some("ExpiredTokenException"),
                "{odd}"
            );
        }
    }
}
