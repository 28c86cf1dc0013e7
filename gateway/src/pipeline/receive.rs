//! The first stage: what is called, and whether the process has room for it.

use std::sync::Arc;

use http::HeaderMap;
use http::header::UPGRADE;
use weir_llm::Format;
use weir_llm::call::{self, NoCall};
use weir_llm::dialect::ModelsShape;

use super::tail::Tail;
use super::{ROUTE, Worker};
use crate::live::Generation;
use crate::refusal::Refusal;
use crate::wire::{Head, Request};

/// A request that the process has room for.
pub(super) struct Received {
    pub(super) request: Request,
    pub(super) call: Call,
    /// The configuration that the whole request lives with.
    pub(super) generation: Arc<Generation>,
}

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    /// The models that the caller may use, in the shape that its SDK reads.
    Models(ModelsShape),
    /// One of them.
    Model(ModelsShape, String),
    /// A call that a provider answers.
    Provider(Arc<call::Call>),
}

impl Call {
    fn of(head: &Head) -> Result<Self, Refusal> {
        let path = head.uri.path();
        // A connection that becomes something else is nothing that could be counted or guarded. To offer HTTP/2 in plain
        // text, as some HTTP clients do with whatever they ask, is no such wish: RFC 9113 did away with it.
        let h2c = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"h2c");
        if !head.headers.get_all(UPGRADE).iter().all(h2c) {
            return Err(Refusal::UnsupportedEndpoint);
        }
        let anthropic = is_anthropic(&head.headers);
        match call::Call::of(head.method.as_str(), path, anthropic) {
            Ok(call) => Ok(Self::Provider(Arc::new(call))),
            Err(NoCall::Method(allow)) => Err(Refusal::MethodNotAllowed { allow }),
            Err(NoCall::Path) => Self::models(head),
        }
    }

    /// `GET /v1/models` and `/v1/models/{model}`, and the same below Gemini's `/v1beta` and `/v1alpha`.
    fn models(head: &Head) -> Result<Self, Refusal> {
        let path = head.uri.path();
        let rest = ["/v1/models", "/v1beta/models", "/v1alpha/models"]
            .iter()
            .find_map(|base| path.strip_prefix(base))
            .ok_or(Refusal::UnsupportedEndpoint)?;
        let shape = ModelsShape::of(path, |name| {
            head.headers.get(name).and_then(|value| value.to_str().ok())
        });
        let call = match rest.strip_prefix('/') {
            None if rest.is_empty() => Self::Models(shape),
            Some(model) if !model.is_empty() => Self::Model(shape, call::decoded(model)),
            _ => return Err(Refusal::UnsupportedEndpoint),
        };
        // Google's methods stand behind a colon; one that is not known is no path, as it is at Google.
        let is_method = head.method == http::Method::POST
            && rest.contains(':')
            && matches!(format_of(head), Format::Gemini);
        if head.method == http::Method::GET {
            Ok(call)
        } else if is_method {
            Err(Refusal::UnsupportedEndpoint)
        } else {
            Err(Refusal::MethodNotAllowed { allow: &["GET"] })
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Models(_) | Self::Model(..) => "models",
            Self::Provider(call) => call.operation.name(),
        }
    }
}

/// Whether Anthropic's SDK calls: it always says which version of the API it speaks.
fn is_anthropic(headers: &HeaderMap) -> bool {
    headers.contains_key("anthropic-version")
}

/// The format in which a caller reads errors, where it calls nothing that a provider answers.
fn format_of(head: &Head) -> Format {
    let path = head.uri.path();
    let anthropic = is_anthropic(&head.headers);
    // Which method makes no difference to who reads the answer.
    for method in [head.method.as_str(), "POST", "GET"] {
        if let Ok(call) = call::Call::of(method, path, anthropic) {
            return call.format;
        }
    }
    let google = head.headers.contains_key("x-goog-api-key")
        || path.starts_with("/v1beta")
        || path.starts_with("/v1alpha");
    let cohere = ModelsShape::of(path, |name| {
        head.headers.get(name).and_then(|value| value.to_str().ok())
    }) == ModelsShape::Cohere;
    match path {
        _ if anthropic => Format::Messages,
        _ if google => Format::Gemini,
        _ if cohere => Format::Cohere,
        _ if path.starts_with("/model/") => Format::Converse,
        _ if path.starts_with("/v2/") => Format::Cohere,
        _ => Format::Chat,
    }
}

impl Received {
    /// Takes a seat in the process and the configuration that serves now.
    pub(super) fn new(worker: &Worker, request: Request, tail: &mut Tail) -> Result<Self, Refusal> {
        let call = Call::of(&request.head);
        tail.format = match &call {
            Ok(Call::Provider(call)) => call.format,
            _ => format_of(&request.head),
        };
        let call = call?;
        tail.operation = call.name();
        tail.seat = Some(worker.seats.take(1).ok_or(Refusal::Overloaded)?);
        let generation = worker.live.load().ok_or(Refusal::NotReady)?;
        Ok(Self {
            request,
            call,
            generation,
        })
    }

    /// The route that the caller asks for by name.
    pub(super) fn named_route(&self) -> Option<&str> {
        // A value that is not text names no route, which is not the same as none asked for.
        let value = self.request.head.headers.get(ROUTE)?;
        Some(value.to_str().unwrap_or(""))
    }
}
