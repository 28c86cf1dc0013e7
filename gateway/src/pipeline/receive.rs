//! The first stage: what is called, and whether the process has room for it.

use std::sync::Arc;

use http::Method;
use weir_llm::Operation;
use weir_llm::dialect::openai;

use super::tail::Tail;
use super::{ROUTE, Worker};
use crate::live::Generation;
use crate::refusal::Refusal;
use crate::wire::Request;

/// A request that the process has room for.
pub(super) struct Received {
    pub(super) request: Request,
    pub(super) call: Call,
    /// The configuration that the whole request lives with.
    pub(super) generation: Arc<Generation>,
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// `GET /v1/models`
    Models,
    /// `GET /v1/models/{model}`
    Model,
    /// A call that a provider answers.
    Operation(Operation),
}

/// What stands before the name of a model in `GET /v1/models/{model}`.
pub(super) const MODEL_PATH: &str = "/v1/models/";

impl Call {
    fn of(method: &Method, path: &str) -> Result<Self, Refusal> {
        let (call, allow) = if let Some(operation) = openai::operation(path) {
            (Self::Operation(operation), "POST")
        } else if path == "/v1/models" {
            (Self::Models, "GET")
        } else if path.len() > MODEL_PATH.len() && path.starts_with(MODEL_PATH) {
            (Self::Model, "GET")
        } else {
            return Err(Refusal::UnsupportedEndpoint);
        };
        if method.as_str() == allow {
            Ok(call)
        } else {
            Err(Refusal::MethodNotAllowed { allow })
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Models | Self::Model => "models",
            Self::Operation(operation) => operation.name(),
        }
    }
}

impl Received {
    /// Takes a seat in the process and the configuration that serves now.
    pub(super) fn new(worker: &Worker, request: Request, tail: &mut Tail) -> Result<Self, Refusal> {
        let call = Call::of(&request.head.method, request.head.uri.path())?;
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
