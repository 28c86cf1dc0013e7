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

/// Of a plain answer.
pub(super) fn read(status: u16, body: &[u8]) -> Option<Problem> {
    let body = Value::from_bytes(body).ok()?;
    let text = |name| body.get(name).and_then(Value::as_str);
    let message = text("message").or_else(|| text("Message"))?;
    // `com.amazon.coral.service#AccessDeniedException:http://…` at some.
    let name = text("__type").map(|name| {
        let name = name.rsplit('#').next().unwrap_or_default();
        name.split(':').next().unwrap_or_default()
    });
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
        headers: vec![("x-amzn-errortype", name_of(problem.kind).to_owned())],
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
