//! The body is read, and `decide` says where the request goes.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use weir_decide::{Decision, Facts, NoRoute, decide};
use weir_llm::Operation;
use weir_llm::dialect::openai;

use super::Worker;
use super::authenticate::Authenticated;
use super::tail::Tail;
use crate::live::Generation;
use crate::refusal::Refusal;
use crate::room::Permit;
use crate::wire::{BodyError, Head};

/// A request with a body that was read and a decision where it goes.
pub(super) struct Routed {
    pub(super) generation: Arc<Generation>,
    pub(super) head: Head,
    pub(super) operation: Operation,
    pub(super) body: Bytes,
    /// What the body takes of the bytes that the process may hold; for as long as it is held.
    pub(super) _held: Permit,
    pub(super) model: Arc<str>,
    pub(super) decision: Decision,
}

impl Authenticated {
    /// Reads the body and decides.
    pub(super) async fn route(
        self,
        worker: &Worker,
        operation: Operation,
        tail: &mut Tail,
    ) -> Result<Routed, Refusal> {
        let Self {
            mut received,
            consumer,
        } = self;
        if let Some(encoding) = received.request.head.headers.get(CONTENT_ENCODING)
            && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
        {
            return Err(Refusal::UnsupportedEncoding);
        }
        let (bytes, held) = read(worker, &mut received).await?;
        tail.bytes_in = bytes.len() as u64;

        let body = openai::read(operation, &bytes).map_err(Refusal::BadBody)?;
        tail.stream = body.stream();
        let model: Arc<str> = body.model().into();
        tail.model = Some(Arc::clone(&model));
        let facts = Facts {
            consumer: &consumer,
            model: &model,
            stream: body.stream(),
            operation: operation.name(),
            input_tokens: &|| body.text_bytes() / 4,
            named_route: received.named_route(),
            draw: worker.rng.next(),
        };
        let decision = decide(&received.generation.linked, &facts).map_err(|none| match none {
            NoRoute::Rule(route) => {
                tail.route = Some(route);
                Refusal::NoRuleMatched(model.to_string())
            }
            NoRoute::Model | NoRoute::RouteNotFound | NoRoute::RouteRequired(_) => {
                Refusal::ModelNotFound(model.to_string())
            }
        })?;
        tracing::debug!(request_id = %tail.request_id, %decision, "routed");
        tail.route = Some(Arc::clone(&decision.route));
        tail.rule = Some(decision.rule);
        Ok(Routed {
            generation: received.generation,
            head: received.request.head,
            operation,
            body: bytes,
            _held: held,
            model,
            decision,
        })
    }
}

/// Reads a body whole, within its own bound and that of the process.
async fn read(
    worker: &Worker,
    received: &mut super::receive::Received,
) -> Result<(Bytes, Permit), Refusal> {
    let limit = worker.bounds.body;
    let too_large = Refusal::BodyTooLarge { limit };
    let declared = received.request.body.declared_length();
    let declared = match declared.map(usize::try_from) {
        Some(Ok(length)) if length <= limit => Some(length),
        Some(_) => return Err(too_large),
        None => None,
    };
    // What was not declared may be as large as any body.
    let room = declared.unwrap_or(limit.min(UNDECLARED));
    let mut held = worker.buffers.take(room).ok_or(Refusal::BuffersFull)?;
    let refusal = |error| match error {
        BodyError::Truncated => Refusal::BodyTruncated,
        BodyError::TimedOut => Refusal::BodyTimeout,
        BodyError::TooLarge => Refusal::BodyTooLarge { limit },
        _ => Refusal::BodyMalformed,
    };
    if declared.is_some() {
        let body = received
            .request
            .body
            .collect(limit)
            .await
            .map_err(refusal)?;
        return Ok((body, held));
    }
    let mut body = Vec::new();
    let mut room = room;
    while let Some(chunk) = received.request.body.next().await {
        let chunk = chunk.map_err(refusal)?;
        let length = body.len() + chunk.len();
        if length > limit {
            return Err(too_large);
        }
        if length > room {
            let more = (length - room).max(room).min(limit - room);
            if !held.grow(more) {
                return Err(Refusal::BuffersFull);
            }
            room += more;
            // Left to itself it would take up to twice what is held for it.
            body.reserve_exact(room - body.len());
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body.into(), held))
}

/// Bytes that a body of undeclared length takes of the process's room at first; doubled as it grows.
const UNDECLARED: usize = 64 * 1024;
