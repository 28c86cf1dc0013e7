//! Every error that Weir itself answers: one table of status, code, message and `Retry-After`.
//!
//! A refusal never quotes a body or a secret. What it quotes of a caller's words is the name of the
//! model, shortened.

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use weir_llm::body::BadBody;
use weir_llm::chat::Problem;
use weir_llm::codec::Asked;
use weir_llm::frame::Framing;
use weir_llm::{Format, dialect};

use crate::identity;
use crate::wire::{Fault, Response, ResponseBody};

/// Why a request is refused, with what its message needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Neither an API key nor a token came with the request.
    NoApiKey,
    /// The API key is nobody's.
    InvalidApiKey,
    /// The API key was good once.
    ExpiredApiKey,
    /// The token of a ServiceAccount is not taken.
    Token(identity::Fault),
    /// The caller may use no route for this model; whether one exists elsewhere is not told.
    ModelNotFound(String),
    /// A route takes the model, but none of its rules holds for this request.
    NoRuleMatched(String),
    /// The body makes no sense.
    BadBody(BadBody),
    /// The form makes no sense.
    BadForm(String),
    /// The body is larger than `limit` bytes.
    BodyTooLarge {
        /// Bytes that a body may have.
        limit: usize,
    },
    /// The body ended before its declared length.
    BodyTruncated,
    /// The body's framing is broken.
    BodyMalformed,
    /// The body stopped coming.
    BodyTimeout,
    /// The body is compressed.
    UnsupportedEncoding,
    /// Weir serves no such path.
    UnsupportedEndpoint,
    /// Weir serves the path, but not by this method.
    MethodNotAllowed {
        /// The methods that the path takes.
        allow: &'static [&'static str],
    },
    /// No configuration has been read so far.
    NotReady,
    /// Too many requests are under way.
    Overloaded,
    /// Too many bytes of bodies are held.
    BuffersFull,
    /// No provider of the rule can be used.
    NoBackend,
    /// The provider serves no such model.
    ModelNotServed {
        /// The model that the rule wants of the provider.
        model: String,
    },
    /// The provider could not be reached.
    ConnectionFailed(Tried),
    /// The provider's address may not be connected to.
    UpstreamDenied(Tried),
    /// The provider took too long.
    UpstreamTimeout(Tried),
    /// The provider's answer is no HTTP that makes sense, or broke off before it began.
    UpstreamBroken(Tried),
    /// The provider answered with a redirect.
    UpstreamRedirect(Tried),
    /// There is no credential to call the provider with.
    CredentialsUnavailable(Tried),
    /// The provider's answer can't be read, and so not be translated.
    UpstreamUnreadable(String),
    /// No provider of the rule has what is asked for.
    OperationNotServed {
        /// The name of the operation.
        operation: &'static str,
    },
    /// The model behind the route can't do what is asked, or the body makes no sense.
    Problem(Problem),
    /// The call names no model, and the caller may use several routes.
    RouteRequired,
    /// The call names no model, and there is no such route for the caller.
    RouteNotFound,
    /// The request is not even HTTP.
    Wire(Fault),
}

/// The providers that were called for a request, and why none of them had an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tried(String);

impl Tried {
    /// Adds a call.
    pub fn add(&mut self, provider: &str, why: &str) {
        if !self.0.is_empty() {
            self.0.push_str(", ");
        }
        self.0.push_str(provider);
        self.0.push(' ');
        self.0.push_str(why);
    }
}

/// A row of the table.
struct Row {
    status: StatusCode,
    code: &'static str,
    message: String,
    param: Option<&'static str>,
    retry_after: Option<u32>,
}

impl Refusal {
    /// The stable code that scripts match on.
    pub fn code(&self) -> &'static str {
        self.row().code
    }

    /// The same, of a field of the caller's body.
    pub fn naming(&self, param: &str) -> Self {
        let Row {
            status,
            code,
            message,
            ..
        } = self.row();
        Self::Problem(Problem {
            param: Some(param.to_owned()),
            ..Problem::new(status.as_u16(), code, format!("{param}: {message}"))
        })
    }

    /// The answer that the caller gets, an error of its own format.
    pub fn response(&self, format: Format, request_id: &str) -> Response {
        let row = self.row();
        let mut headers = HeaderMap::with_capacity(6);
        if let Some(seconds) = row.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if row.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Self::MethodNotAllowed { allow } = self
            && let Ok(allow) = HeaderValue::try_from(allow.join(", "))
        {
            headers.insert(ALLOW, allow);
        }
        let problem = match self {
            Self::Problem(problem) => problem.clone(),
            _ => Problem {
                param: row.param.map(str::to_owned),
                ..Problem::new(row.status.as_u16(), row.code, row.message)
            },
        };
        written(&problem, format, request_id, headers)
    }

    fn row(&self) -> Row {
        let row = |status, code, message: &str| Row {
            status,
            code,
            message: message.into(),
            param: None,
            retry_after: None,
        };
        match self {
            Self::NoApiKey => row(
                StatusCode::UNAUTHORIZED,
                "invalid_api_key",
                "No API key came with this request, nor a ServiceAccount token. Send one that Weir knows in the Authorization header: Authorization: Bearer YOUR_KEY.",
            ),
            Self::InvalidApiKey => row(
                StatusCode::UNAUTHORIZED,
                "invalid_api_key",
                "Incorrect API key. Weir knows no such key; ask your platform team for one.",
            ),
            Self::ExpiredApiKey => row(
                StatusCode::UNAUTHORIZED,
                "expired_api_key",
                "This API key has expired. Ask your platform team for a new one.",
            ),
            Self::Token(fault) => row_of_token(fault, row),
            Self::ModelNotFound(model) => Row {
                param: Some("model"),
                ..row(
                    StatusCode::NOT_FOUND,
                    "model_not_found",
                    &format!(
                        "The model `{}` does not exist or you may not use it. GET /v1/models lists those that you may.",
                        shorten(model)
                    ),
                )
            },
            Self::NoRuleMatched(model) => row(
                StatusCode::NOT_FOUND,
                "no_rule_matched",
                &format!(
                    "The route of the model `{}` has no rule that holds for this request.",
                    shorten(model)
                ),
            ),
            Self::BadBody(bad) => Row {
                param: bad.param,
                ..row(StatusCode::BAD_REQUEST, bad.code, &bad.message)
            },
            Self::BadForm(what) => row(
                StatusCode::BAD_REQUEST,
                "invalid_form",
                &format!("We could not parse the form of your request: {what}."),
            ),
            Self::BodyTooLarge { .. }
            | Self::BodyTruncated
            | Self::BodyMalformed
            | Self::BodyTimeout
            | Self::UnsupportedEncoding
            | Self::UnsupportedEndpoint
            | Self::MethodNotAllowed { .. } => self.row_of_http(row),
            _ => self.row_of_service(row),
        }
    }

    /// Rows of what is wrong with the request as HTTP.
    fn row_of_http(&self, row: impl Fn(StatusCode, &'static str, &str) -> Row) -> Row {
        match self {
            Self::BodyTooLarge { limit } => row(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                &format!("The request body is larger than {limit} bytes."),
            ),
            Self::BodyTruncated => row(
                StatusCode::BAD_REQUEST,
                "body_truncated",
                "The request body ended before its Content-Length.",
            ),
            Self::BodyTimeout => row(
                StatusCode::REQUEST_TIMEOUT,
                "body_timeout",
                "The request body stopped coming.",
            ),
            Self::UnsupportedEncoding => row(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_content_encoding",
                "The request body is compressed. Send it without Content-Encoding.",
            ),
            Self::UnsupportedEndpoint => row(
                StatusCode::NOT_FOUND,
                "unsupported_endpoint",
                "Weir serves no such path. It serves those of OpenAI's, Anthropic's, Gemini's, Bedrock's and Cohere's SDKs with its own address as their base URL, but no WebSockets and no realtime sessions.",
            ),
            Self::MethodNotAllowed { allow } => row(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                &format!("This path takes {}.", allow.join(", ")),
            ),
            _ => row(
                StatusCode::BAD_REQUEST,
                "body_malformed",
                "The request body is not framed as HTTP asks.",
            ),
        }
    }

    /// Rows of what Weir or a provider can't do now.
    fn row_of_service(&self, row: impl Fn(StatusCode, &'static str, &str) -> Row) -> Row {
        let busy = |seconds, code, message: &str| Row {
            retry_after: Some(seconds),
            ..row(StatusCode::SERVICE_UNAVAILABLE, code, message)
        };
        match self {
            Self::NotReady => busy(1, "not_ready", "Weir has no configuration yet."),
            Self::Overloaded => busy(1, "overloaded", "Too many requests are under way."),
            Self::BuffersFull => busy(
                1,
                "buffers_full",
                "Too many request bodies are held at once.",
            ),
            Self::NoBackend => busy(
                30,
                "no_backend",
                "No provider of this route can be used now: each was deleted or refused, or no longer allows this route.",
            ),
            Self::ModelNotServed { model } => Row {
                param: Some("model"),
                ..row(
                    StatusCode::NOT_FOUND,
                    "model_not_served",
                    &format!(
                        "The provider of this route does not serve the model `{}`.",
                        shorten(model)
                    ),
                )
            },
            Self::ConnectionFailed(tried) => row(
                StatusCode::BAD_GATEWAY,
                "provider_unreachable",
                &format!("No provider could be reached: {}.", tried.0),
            ),
            Self::UpstreamDenied(tried) => row(
                StatusCode::BAD_GATEWAY,
                "provider_denied",
                &format!("This gateway may not connect to the provider: {}.", tried.0),
            ),
            Self::UpstreamTimeout(tried) => row(
                StatusCode::GATEWAY_TIMEOUT,
                "provider_timeout",
                &format!("No provider answered in time: {}.", tried.0),
            ),
            Self::CredentialsUnavailable(tried) => Row {
                retry_after: Some(5),
                ..row(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "provider_credentials_unavailable",
                    &format!(
                        "Weir has no valid credential for the provider at the moment: {}.",
                        tried.0
                    ),
                )
            },
            Self::UpstreamRedirect(tried) => row(
                StatusCode::BAD_GATEWAY,
                "provider_redirect",
                &format!("Weir does not follow redirects of providers: {}.", tried.0),
            ),
            Self::UpstreamUnreadable(what) => {
                row(StatusCode::BAD_GATEWAY, "provider_unreadable", what)
            }
            Self::OperationNotServed { operation } => row(
                StatusCode::NOT_FOUND,
                "operation_not_served",
                &format!("No provider of this route has what was called ({operation})."),
            ),
            Self::Problem(problem) => Row {
                status: StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST),
                // Metrics count by code: a few, however many the dialects know.
                code: match problem.code.as_deref() {
                    Some("unsupported_parameter") => "unsupported_parameter",
                    Some("invalid_json") => "invalid_json",
                    Some("model_not_found") => "model_not_found",
                    _ => "invalid_request",
                },
                message: problem.message.clone(),
                param: None,
                retry_after: None,
            },
            Self::RouteNotFound => row(
                StatusCode::NOT_FOUND,
                "route_not_found",
                "There is no such route, or you may not use it.",
            ),
            Self::RouteRequired => row(
                StatusCode::BAD_REQUEST,
                "route_required",
                "This call names no model, and you may use several routes: name one in the header x-weir-route, as NAMESPACE/NAME.",
            ),
            Self::UpstreamBroken(tried) => row(
                StatusCode::BAD_GATEWAY,
                "provider_broken",
                &format!("No provider gave an answer: {}.", tried.0),
            ),
            Self::Wire(fault) => match fault {
                Fault::BadRequest(what) => row(fault.status(), "bad_request", what),
                Fault::MethodNotAllowed => row(
                    fault.status(),
                    "method_not_allowed",
                    "Weir is no tunnel: CONNECT is not served.",
                ),
                Fault::HeadTimedOut => row(
                    fault.status(),
                    "header_timeout",
                    "The head of the request did not come in time.",
                ),
                Fault::HeadTooLarge => row(
                    fault.status(),
                    "headers_too_large",
                    "The head of the request is too large, or has too many headers.",
                ),
                _ => busy(1, "too_many_connections", "Too many connections are open."),
            },
            _ => row(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                "Weir failed to say what is wrong.",
            ),
        }
    }
}

/// Rows of tokens: what would be right, and nothing of what is there.
fn row_of_token(
    fault: &identity::Fault,
    row: impl Fn(StatusCode, &'static str, &str) -> Row,
) -> Row {
    use identity::Fault as Token;
    let invalid = |message: &str| row(StatusCode::UNAUTHORIZED, "invalid_token", message);
    match fault {
        Token::Expired => row(
            StatusCode::UNAUTHORIZED,
            "expired_token",
            "This token has expired. Kubernetes renews the file of a projected token: read it anew for each request.",
        ),
        Token::NotYet => {
            invalid("This token is not valid yet: the clock of whoever made it is ahead.")
        }
        Token::Malformed => invalid(
            "This is no token of a Kubernetes ServiceAccount. Send a projected token as the cluster signed it, or an API key.",
        ),
        Token::UnknownKey => invalid(
            "This cluster does not have the key that this token was signed with. Send a token of a ServiceAccount of this cluster.",
        ),
        Token::Signature => invalid("The signature of this token is wrong."),
        Token::Issuer => invalid(
            "This token was issued by another cluster. Send a token of a ServiceAccount of this one.",
        ),
        Token::Audience { right } => invalid(&format!(
            "This token is not meant for Weir. Project one with the audience `{}`.",
            shorten(right)
        )),
        Token::NoAccount => invalid(
            "This token is of no ServiceAccount. Send one with the subject system:serviceaccount:NAMESPACE:NAME.",
        ),
        Token::UnknownAccount => invalid(
            "Weir knows no such ServiceAccount: it was deleted or made anew since this token was issued, or nothing is configured for it.",
        ),
        Token::NoCluster => invalid(
            "This gateway serves a folder and takes API keys alone: ServiceAccount tokens need a cluster. Send an API key.",
        ),
        Token::Unavailable => Row {
            retry_after: Some(1),
            ..row(
                StatusCode::SERVICE_UNAVAILABLE,
                "token_keys_unavailable",
                "This token was signed with a key that is not known yet, and the cluster's keys can't be read now.",
            )
        },
    }
}

/// An error in a caller's format, with these headers and those that the format wants.
fn written(
    problem: &Problem,
    format: Format,
    request_id: &str,
    mut headers: HeaderMap,
) -> Response {
    let asked = Asked {
        model: "",
        stream: false,
        include_usage: false,
        id: request_id,
        now: 0,
        body: None,
        framing: Framing::Sse,
    };
    let written = dialect::codec(format).write_problem(problem, &asked);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in written.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    Response {
        status: StatusCode::from_u16(written.status).unwrap_or(StatusCode::BAD_GATEWAY),
        headers,
        body: ResponseBody::Full(written.body.into()),
    }
}

/// At most 128 characters of a caller's words.
fn shorten(text: &str) -> &str {
    match text.char_indices().nth(128) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// One of each; a new one belongs here and into the table of `docs/gateway.md`.
    fn all() -> Vec<Refusal> {
        let call = weir_llm::call::Call::json(weir_llm::Operation::Chat, Format::Chat);
        let bad = weir_llm::body::read(&call, b"{").unwrap_err();
        let mut tried = Tried::default();
        tried.add("a/b", "took too long");
        tried.add("a/c", "429");
        vec![
            Refusal::NoApiKey,
            Refusal::InvalidApiKey,
            Refusal::ExpiredApiKey,
            Refusal::Token(identity::Fault::Expired),
            Refusal::Token(identity::Fault::NotYet),
            Refusal::Token(identity::Fault::Malformed),
            Refusal::Token(identity::Fault::UnknownKey),
            Refusal::Token(identity::Fault::Signature),
            Refusal::Token(identity::Fault::Issuer),
            Refusal::Token(identity::Fault::Audience {
                right: "weir".into(),
            }),
            Refusal::Token(identity::Fault::NoAccount),
            Refusal::Token(identity::Fault::UnknownAccount),
            Refusal::Token(identity::Fault::NoCluster),
            Refusal::Token(identity::Fault::Unavailable),
            Refusal::ModelNotFound("x".repeat(1000)),
            Refusal::NoRuleMatched("m".into()),
            Refusal::BadBody(bad),
            Refusal::BodyTooLarge { limit: 7 },
            Refusal::BodyTruncated,
            Refusal::BodyMalformed,
            Refusal::BodyTimeout,
            Refusal::UnsupportedEncoding,
            Refusal::UnsupportedEndpoint,
            Refusal::MethodNotAllowed { allow: &["POST"] },
            Refusal::NotReady,
            Refusal::Overloaded,
            Refusal::BuffersFull,
            Refusal::NoBackend,
            Refusal::ModelNotServed { model: "m".into() },
            Refusal::ConnectionFailed(tried.clone()),
            Refusal::UpstreamDenied(tried.clone()),
            Refusal::UpstreamTimeout(tried.clone()),
            Refusal::UpstreamBroken(tried.clone()),
            Refusal::UpstreamRedirect(tried.clone()),
            Refusal::CredentialsUnavailable(tried),
            Refusal::UpstreamUnreadable("The provider's answer can't be read.".into()),
            Refusal::OperationNotServed { operation: "files" },
            Refusal::Problem(Problem::invalid(
                "unsupported_parameter",
                "n",
                "It has no n.",
            )),
            Refusal::Problem(Problem::invalid("invalid_value", "n", "It is no number.")),
            Refusal::RouteRequired,
            Refusal::RouteNotFound,
            Refusal::BadForm("what is wrong with it".into()),
            Refusal::Wire(Fault::BadRequest("what is wrong")),
            Refusal::Wire(Fault::MethodNotAllowed),
            Refusal::Wire(Fault::HeadTimedOut),
            Refusal::Wire(Fault::HeadTooLarge),
            Refusal::Wire(Fault::TooManyConnections),
        ]
    }

    #[test]
    fn each_is_an_error_of_the_dialect_and_stands_in_the_docs_with_its_status() {
        let docs = include_str!("../../docs/gateway.md");
        for refusal in all() {
            let response = refusal.response(Format::Chat, "id");
            let ResponseBody::Full(body) = &response.body else {
                panic!("{refusal:?} is no whole body");
            };
            let body: Value = serde_json::from_slice(body).unwrap();
            let error = body["error"].as_object().unwrap();
            if !matches!(refusal, Refusal::Problem(_)) {
                assert_eq!(error["code"], refusal.code());
            }
            assert!(error["type"].as_str().unwrap().ends_with("_error"));
            let message = error["message"].as_str().unwrap();
            assert!((10..400).contains(&message.len()), "{message}");
            assert!(error.contains_key("param"));
            let row = format!("| {} |", response.status.as_u16());
            let code = format!("`{}`", refusal.code());
            assert!(
                docs.lines()
                    .any(|line| line.starts_with(&row) && line.contains(&code)),
                "docs/gateway.md has no {code} under {row}"
            );
            let busy = response.status == StatusCode::SERVICE_UNAVAILABLE;
            assert_eq!(response.headers.contains_key(RETRY_AFTER), busy, "{code}");
        }
    }

    #[test]
    fn what_was_tried_is_told() {
        let mut tried = Tried::default();
        tried.add("platform/openai", "could not be reached");
        tried.add("platform/azure", "503");
        let response = Refusal::ConnectionFailed(tried).response(Format::Chat, "id");
        let ResponseBody::Full(body) = response.body else {
            panic!("no whole body");
        };
        assert_eq!(
            body,
            r#"{"error":{"message":"No provider could be reached: platform/openai could not be reached, platform/azure 503.","type":"server_error","param":null,"code":"provider_unreachable"}}"#
        );
    }
}
