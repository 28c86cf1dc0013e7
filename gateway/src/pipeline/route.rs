//! The body is read, and `decide` says where the request goes.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use weir_decide::{Decision, Facts, NoRoute, decide, decide_without_model};
use weir_llm::body::{self, Reading};
use weir_llm::call::{BodyKind, Call};
use weir_llm::multipart::{BadForm, Field, Multipart};

use super::Worker;
use super::authenticate::Authenticated;
use super::tail::Tail;
use crate::live::Generation;
use crate::refusal::Refusal;
use crate::room::Permit;
use crate::wire::{BodyError, Head, RequestBody};

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
        let facts = Facts {
            consumer: &consumer,
            model: &model,
            stream: reading.stream(),
            operation: call.operation.name(),
            input_tokens: &|| content.text_bytes() / 4,
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
        let Content {
            reading,
            bytes,
            form_model,
            held,
            ..
        } = content;
        let rest = (call.body == BodyKind::Opaque).then_some(received.request.body);
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
            decision,
        })
    }
}

/// What was read of a request's body.
struct Content {
    json: bool,
    reading: Reading,
    bytes: Bytes,
    form_model: Option<Range<usize>>,
    held: Permit,
}

impl Content {
    async fn read(
        worker: &Worker,
        received: &mut super::receive::Received,
        call: &Call,
        tail: &mut Tail,
    ) -> Result<Self, Refusal> {
        if call.body == BodyKind::Opaque {
            // It streams through: how long it is makes no difference to this process.
            tail.bytes_in = received.request.body.remaining().unwrap_or_default();
            return Ok(Self {
                json: false,
                reading: Reading::bare(call, "", false),
                bytes: Bytes::new(),
                form_model: None,
                held: worker.buffers.take(0).ok_or(Refusal::BuffersFull)?,
            });
        }
        let (bytes, held) = read(worker, received).await?;
        tail.bytes_in = bytes.len() as u64;
        if call.body == BodyKind::Form {
            let content_type = received.request.head.headers.get(CONTENT_TYPE);
            let content_type = content_type.map(HeaderValue::as_bytes);
            let (reading, form_model) = form(call, content_type.unwrap_or_default(), &bytes)
                .map_err(|bad| Refusal::BadForm(bad.to_string()))?;
            return Ok(Self {
                json: false,
                reading,
                bytes,
                form_model,
                held,
            });
        }
        let body = body::read(call, &bytes).map_err(Refusal::BadBody)?;
        Ok(Self {
            json: true,
            reading: body.into_reading(),
            bytes,
            form_model: None,
            held,
        })
    }

    fn text_bytes(&self) -> u64 {
        let body = self.json.then(|| self.reading.of(&self.bytes)).flatten();
        body.map_or(0, |body| body.text_bytes())
    }
}

/// What a form says, and where it names the model.
fn form(
    call: &Call,
    content_type: &[u8],
    bytes: &[u8],
) -> Result<(Reading, Option<Range<usize>>), BadForm> {
    let mut form = Multipart::new(content_type, &["model", "stream"])?;
    form.feed(bytes)?;
    if !form.done() {
        return Err(BadForm::Malformed("it ends before its last boundary"));
    }
    let model = form.field("model");
    let named = model.and_then(Field::text).unwrap_or_default();
    let streams = form.field("stream").and_then(Field::text);
    let range = model.and_then(|field| {
        let start = usize::try_from(field.range.start).ok()?;
        Some(start..usize::try_from(field.range.end).ok()?)
    });
    let stream = streams.is_some_and(|text| text.eq_ignore_ascii_case("true"));
    Ok((Reading::bare(call, named, stream), range))
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
