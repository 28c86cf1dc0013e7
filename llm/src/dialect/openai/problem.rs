//! Errors of OpenAI and of all who are compatible with it, which agree on less than their answers
//! (<https://platform.openai.com/docs/guides/error-codes>).

use crate::chat::{Problem, ProblemKind};
use crate::codec::WrittenProblem;
use crate::json::{Object, Value};

use super::error::{ErrorShape, error_body, error_event};

/// Reads an error in any of the shapes that are known:
///
/// - `{"error": {"message", "type", "param", "code"}}`: OpenAI, Groq, DeepSeek, xAI's newer ones, vLLM's newer ones;
/// - `{"error": "…"}`: Ollama, Perplexity, xAI with `{"code", "error"}`;
/// - `{"object": "error", "message", "type", "param", "code"}`: Mistral, older vLLM, SGLang;
/// - `{"message": …}`: Cerebras, Azure's gateway with `statusCode`;
/// - `{"detail": …}`: whatever is made with FastAPI, NIM, Mistral's 422;
/// - one of these in a list, as Google's compatible API has it.
pub(crate) fn read(status: u16, body: &[u8]) -> Option<Problem> {
    let value = Value::from_bytes(body).ok()?;
    let value = match &value {
        Value::Array(items) => items.first()?,
        value => value,
    };
    let (inside, message) = shape(value)?;
    Some(Problem {
        status,
        kind: ProblemKind::of(status),
        code: word(inside.get("code"))
            .or_else(|| word(value.get("code")))
            .or_else(|| word(inside.get("type"))),
        param: word(inside.get("param")),
        message,
    })
}

/// The object that tells of an error, and its message.
fn shape<'v, 'a>(value: &'v Value<'a>) -> Option<(&'v Value<'a>, String)> {
    let error = value.get("error");
    for inside in [error, Some(value)].into_iter().flatten() {
        for name in ["message", "detail", "error", "title"] {
            if let Some(message) = inside.get(name).and_then(words) {
                return Some((inside, message));
            }
        }
        if let Some(message) = inside.as_str().filter(|text| !text.is_empty()) {
            return Some((value, message.to_owned()));
        }
    }
    None
}

/// A message, or what is told of several fields.
fn words(value: &Value<'_>) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()).filter(|text| !text.is_empty()),
        Value::Array(items) => {
            let all: Vec<String> = items.iter().filter_map(field_fault).collect();
            Some(all.join("; ")).filter(|text| !text.is_empty())
        }
        Value::Object(_) => value.get("detail").and_then(words),
        _ => None,
    }
}

/// FastAPI's `{"loc": ["body", "top_k"], "msg": "…"}`.
fn field_fault(value: &Value<'_>) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let message = value.get("msg").and_then(Value::as_str)?;
    let place = value.get("loc").and_then(Value::as_array);
    let place: Vec<&str> = place
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    Some(match place.as_slice() {
        [] => message.to_owned(),
        place => format!("{}: {message}", place.join(".")),
    })
}

/// A name or a number that stands for one; numbers that are but the status are no names.
fn word(value: Option<&Value<'_>>) -> Option<String> {
    match value? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) if text.parse::<u16>().is_ok() => None,
        Value::String(text) => Some(text.to_string()),
        _ => None,
    }
}

/// The error that an event of a stream is, if it is one; `name` is the event's own.
pub(crate) fn in_stream(chunk: &Value<'_>, name: Option<&str>) -> Option<Problem> {
    let named =
        name == Some("error") || chunk.get("object").and_then(Value::as_str) == Some("error");
    let error = chunk.get("error");
    if error.is_none() && !named {
        return None;
    }
    let told = chunk.to_json();
    let status = status_of(error.unwrap_or(chunk));
    let read = read(status, told.as_bytes());
    Some(read.unwrap_or_else(|| Problem::new(status, "upstream_error", "The provider failed.")))
}

/// The status that an error would have had which came under another one, in any of the formats that name their errors.
pub(crate) fn told_status(body: &[u8]) -> Option<u16> {
    let value = Value::from_bytes(body).ok()?;
    let value = match &value {
        Value::Array(items) => items.first()?,
        value => value,
    };
    status_told(value.get("error").unwrap_or(value))
}

/// The status that an error in a stream would have had; 500 where it does not tell.
fn status_of(error: &Value<'_>) -> u16 {
    status_told(error).unwrap_or(500)
}

/// What an error says of its status: its code, where that is one, or what its class says.
fn status_told(error: &Value<'_>) -> Option<u16> {
    let status = |value: &Value<'_>| {
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
        let number = u16::try_from(number).ok()?;
        (400..=599).contains(&number).then_some(number)
    };
    let known = error.get("code").and_then(status);
    known.or_else(|| {
        ["type", "code"]
            .into_iter()
            .filter_map(|name| error.get(name)?.as_str())
            .find_map(class_status)
    })
}

fn class_status(class: &str) -> Option<u16> {
    Some(match class {
        "invalid_request_error" | "BadRequestError" | "context_length_exceeded" => 400,
        "authentication_error" | "invalid_api_key" => 401,
        "permission_error" => 403,
        "not_found_error" | "NotFoundError" | "model_not_found" => 404,
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "insufficient_quota"
        | "tokens"
        | "requests" => 429,
        "billing_error" => 402,
        "request_too_large" => 413,
        "overloaded_error" | "service_unavailable" => 503,
        "timeout" | "timeout_error" => 504,
        "server_error" | "api_error" | "InternalServerError" => 500,
        _ => return None,
    })
}

/// What OpenAI calls a class.
pub(crate) fn kind(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::RateLimited => "rate_limit_error",
        ProblemKind::Timeout | ProblemKind::Overloaded | ProblemKind::Server => "server_error",
        ProblemKind::Billing => "insufficient_quota",
        // OpenAI tells these apart by status and code.
        ProblemKind::Invalid
        | ProblemKind::Authentication
        | ProblemKind::Permission
        | ProblemKind::NotFound
        | ProblemKind::Method
        | ProblemKind::Conflict
        | ProblemKind::TooLarge => "invalid_request_error",
    }
}

fn shape_of(problem: &Problem) -> ErrorShape<'_> {
    ErrorShape {
        message: &problem.message,
        kind: kind(problem.kind),
        param: problem.param.as_deref(),
        code: problem.code.as_deref(),
    }
}

/// The error for a caller. 529, which is Anthropic's alone, becomes 503.
pub(crate) fn write(problem: &Problem) -> WrittenProblem {
    WrittenProblem {
        status: match problem.status {
            529 => 503,
            status => status,
        },
        headers: Vec::new(),
        body: error_body(&shape_of(problem)).to_vec(),
    }
}

/// The event that ends a stream in an error.
pub(crate) fn event(problem: &Problem) -> Vec<u8> {
    error_event(&shape_of(problem)).to_vec()
}

/// Whether a body is `{"error": {"message": …}}`, which is what the SDKs read.
pub(crate) fn is_own(body: &[u8]) -> bool {
    let Ok(value) = Value::from_bytes(body) else {
        return false;
    };
    let error = value.get("error").and_then(Value::as_object);
    error
        .and_then(|error: &Object<'_>| error.get("message")?.as_str())
        .is_some()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::openai(
        r#"{"error":{"message":"Incorrect API key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
        "Incorrect API key",
        Some("invalid_api_key")
    )]
    #[case::azure(
        r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment does not exist."}}"#,
        "The API deployment does not exist.",
        Some("DeploymentNotFound")
    )]
    #[case::azure_gateway(
        r#"{ "statusCode": 401, "message": "Unauthorized. Access token is missing" }"#,
        "Unauthorized. Access token is missing",
        None
    )]
    #[case::mistral(
        r#"{"object":"error","message":"Invalid model: x","type":"invalid_model","param":null,"code":"1500"}"#,
        "Invalid model: x",
        Some("invalid_model")
    )]
    #[case::mistral_422(
        r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","top_k"],"msg":"Extra inputs are not permitted"}]},"type":"invalid_request_error"}"#,
        "body.top_k: Extra inputs are not permitted",
        Some("invalid_request_error")
    )]
    #[case::fastapi(r#"{"detail":"Not Found"}"#, "Not Found", None)]
    #[case::ollama(r#"{"error":"model not found"}"#, "model not found", None)]
    #[case::xai(
        r#"{"code":"invalid-argument","error":"Model not found"}"#,
        "Model not found",
        Some("invalid-argument")
    )]
    #[case::google(
        r#"[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}]"#,
        "API key not valid",
        None
    )]
    fn errors_of_every_shape_are_read(
        #[case] body: &str,
        #[case] message: &str,
        #[case] code: Option<&str>,
    ) {
        let expected = Problem {
            status: 404,
            kind: ProblemKind::NotFound,
            code: code.map(str::to_owned),
            param: None,
            message: message.to_owned(),
        };
        assert_eq!(read(404, body.as_bytes()), Some(expected));
    }

    #[rstest]
    #[case(r#"{"error":{"code":429,"message":"m"}}"#, Some(429))]
    #[case(r#"{"error":{"code":"400","message":"m"}}"#, Some(400))]
    #[case(
        r#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#,
        Some(503)
    )]
    #[case(r#"[{"error":{"code":403,"message":"m"}}]"#, Some(403))]
    #[case(
        r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
        Some(503)
    )]
    #[case(
        r#"{"object":"error","message":"m","type":"rate_limit_error"}"#,
        Some(429)
    )]
    #[case(r#"{"error":{"code":"content_filter","message":"m"}}"#, None)]
    #[case(r#"{"error":{"code":200,"message":"m"}}"#, None)]
    #[case(r#"{"message":"m"}"#, None)]
    #[case("<html>", None)]
    fn an_error_under_another_status_says_which_it_is(
        #[case] body: &str,
        #[case] status: Option<u16>,
    ) {
        assert_eq!(told_status(body.as_bytes()), status);
    }

    #[rstest]
    #[case("")]
    #[case("<html><body>502 Bad Gateway</body></html>")]
    #[case("{}")]
    #[case(r#"{"error":null}"#)]
    #[case("[]")]
    #[case("null")]
    fn what_says_nothing_is_no_error(#[case] body: &str) {
        assert_eq!(read(502, body.as_bytes()), None);
        assert!(!is_own(body.as_bytes()));
    }

    #[test]
    fn an_error_reads_back() {
        let problem = Problem::invalid("unsupported_parameter", "top_k", "There is none.");
        let written = write(&problem);
        assert_eq!(read(written.status, &written.body), Some(problem));
        assert!(is_own(&written.body));
    }
}
