//! The body is read, and `decide` says where the request goes.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use weir_decide::{Decision, Facts, NoRoute, decide, decide_without_model};
use weir_llm::body::Reading;
use weir_llm::body::named::NamedModels;
use weir_llm::call::Call;

use super::Worker;
use super::authenticate::Authenticated;
use super::content::Content;
use super::named::Named;
use super::tail::Tail;
use crate::live::Generation;
use crate::refusal::Refusal;
use crate::room::Permit;
use crate::wire::{Head, RequestBody};

/// A request with a body that was read and a decision where it goes.
pub(super) struct Routed {
    pub(super) generation: Arc<Generation>,
    pub(super) head: Head,
    pub(super) call: Arc<Call>,
    /// What was read of the body.
    pub(super) reading: Reading,
    /// The body, or as much of it as was read.
    pub(super) body: Bytes,
    /// Where in the body a form names the model.
    pub(super) form_model: Option<Range<usize>>,
    /// The rest of it, where it is passed on as it comes.
    pub(super) rest: Option<RequestBody>,
    /// What the body takes of the bytes that the process may hold; for as long as it is held.
    pub(super) _held: Permit,
    pub(super) model: Arc<str>,
    /// What the requests of a batch name.
    pub(super) named: Option<Named>,
    pub(super) decision: Decision,
}

impl Authenticated {
    /// Reads the body and decides.
    pub(super) async fn route(
        self,
        worker: &Worker,
        call: Arc<Call>,
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
        let content = Content::read(worker, &mut received, &call, tail).await?;
        let reading = &content.reading;
        tail.stream = reading.stream();
        tail.called = Some(call.operation);
        let model = Arc::clone(reading.model());
        if !model.is_empty() {
            tail.model = Some(Arc::clone(&model));
        }
        let models = NamedModels::of(&call, &content.bytes).map_err(Refusal::Problem)?;
        // A condition may ask for it once for each model of a batch.
        let tokens = OnceCell::new();
        let facts = Facts {
            consumer: &consumer,
            model: &model,
            stream: reading.stream(),
            operation: call.operation.name(),
            input_tokens: &|| *tokens.get_or_init(|| content.text_bytes() / 4),
            named_route: received.named_route(),
            draw: worker.rng.next(),
        };
        let linked = &received.generation.linked;
        let decision = if model.is_empty() {
            decide_without_model(linked, &facts)
        } else {
            decide(linked, &facts)
        };
        let decision = decision.map_err(|none| match none {
            NoRoute::Rule(route) => {
                tail.route = Some(route);
                Refusal::NoRuleMatched(model.to_string())
            }
            NoRoute::RouteRequired(_) => Refusal::RouteRequired,
            NoRoute::RouteNotFound if model.is_empty() => Refusal::RouteNotFound,
            NoRoute::Model | NoRoute::RouteNotFound => Refusal::ModelNotFound(model.to_string()),
        })?;
        tracing::debug!(request_id = %tail.request_id, %decision, "routed");
        tail.route = Some(Arc::clone(&decision.route));
        tail.rule = Some(decision.rule);
        let named = Named::route(models, linked, &facts, &decision)?;
        let Content {
            reading,
            bytes,
            form_model,
            rest,
            held,
            ..
        } = content;
        Ok(Routed {
            generation: received.generation,
            head: received.request.head,
            reading,
            call,
            body: bytes,
            form_model,
            rest,
            _held: held,
            model,
            named,
            decision,
        })
    }
}
