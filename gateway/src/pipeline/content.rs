//! What of a request's body is read before it is routed.

use std::ops::Range;

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use weir_llm::body::{self, Reading};
use weir_llm::call::{BodyKind, Call};
use weir_llm::multipart::{BadForm, Field, Multipart};

use super::Worker;
use super::receive::Received;
use super::tail::Tail;
use crate::refusal::Refusal;
use crate::room::Permit;
use crate::wire::{BodyError, RequestBody};

/// What was read of a request's body.
pub(super) struct Content {
    json: bool,
    pub(super) reading: Reading,
    /// The body, or as much of it as was read.
    pub(super) bytes: Bytes,
    /// Where in these bytes a form names the model.
    pub(super) form_model: Option<Range<usize>>,
    /// The rest of it, where it is passed on as it comes.
    pub(super) rest: Option<RequestBody>,
    /// What the bytes take of those that the process may hold.
    pub(super) held: Permit,
}

impl Content {
    pub(super) async fn read(
        worker: &Worker,
        received: &mut Received,
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
                rest: Some(std::mem::take(&mut received.request.body)),
                held: worker.buffers.take(0).ok_or(Refusal::BuffersFull)?,
            });
        }
        if call.body == BodyKind::Form {
            return Self::form(worker, received, call, tail).await;
        }
        let (bytes, held) = read(worker, received).await?;
        tail.bytes_in = bytes.len() as u64;
        let body = body::read(call, &bytes).map_err(Refusal::BadBody)?;
        Ok(Self {
            json: true,
            reading: body.into_reading(),
            bytes,
            form_model: None,
            rest: None,
            held,
        })
    }

    /// A form is read until it has named its model; what is behind that streams through. A short one is read whole, so that it
    /// may be sent more than once.
    async fn form(
        worker: &Worker,
        received: &mut Received,
        call: &Call,
        tail: &mut Tail,
    ) -> Result<Self, Refusal> {
        let bad = |bad: BadForm| Refusal::BadForm(bad.to_string());
        let content_type = received.request.head.headers.get(CONTENT_TYPE);
        let content_type = content_type.map_or(&[][..], HeaderValue::as_bytes);
        let mut form = Multipart::new(content_type, &["model", "stream"]).map_err(bad)?;
        let limit = worker.bounds.body;
        let mut held = worker.buffers.take(SHORT).ok_or(Refusal::BuffersFull)?;
        let (mut bytes, mut room) = (Vec::new(), SHORT);
        let body = &mut received.request.body;
        let short = body
            .declared_length()
            .is_some_and(|length| length <= SHORT as u64);
        // A file that is kept has no model to wait for.
        let waits = !call.operation.goes_without_model();
        while short || waits && form.field("model").is_none() {
            let Some(chunk) = body.next().await else {
                break;
            };
            let chunk = chunk.map_err(|error| refusal(error, limit))?;
            form.feed(&chunk).map_err(bad)?;
            let length = bytes.len() + chunk.len();
            if length > limit {
                return Err(Refusal::BodyTooLarge { limit });
            }
            if length > room {
                let more = (length - room).max(room).min(limit - room);
                if !held.grow(more) {
                    return Err(Refusal::BuffersFull);
                }
                room += more;
            }
            bytes.extend_from_slice(&chunk);
        }
        let over = body.remaining() == Some(0);
        if over && !form.done() {
            return Err(bad(BadForm::Malformed("it ends before its last boundary")));
        }
        let model = form.field("model");
        let named = model.and_then(Field::text).unwrap_or_default();
        if named.is_empty() && !call.operation.goes_without_model() {
            return Err(Refusal::BadForm("it has no model".to_owned()));
        }
        let streams = form.field("stream").and_then(Field::text);
        let stream = streams.is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let form_model = model.and_then(|field| {
            let start = usize::try_from(field.range.start).ok()?;
            Some(start..usize::try_from(field.range.end).ok()?)
        });
        let reading = Reading::bare(call, named, stream);
        tail.bytes_in = bytes.len() as u64 + body.remaining().unwrap_or_default();
        let rest = (!over).then(|| {
            let mut rest = std::mem::take(body);
            // A second model behind the file would be the provider's to choose.
            rest.watch(move |piece| form.feed(piece).is_ok());
            rest
        });
        Ok(Self {
            json: false,
            reading,
            bytes: bytes.into(),
            form_model,
            rest,
            held,
        })
    }

    pub(super) fn text_bytes(&self) -> u64 {
        let body = self.json.then(|| self.reading.of(&self.bytes)).flatten();
        body.map_or(0, |body| body.text_bytes())
    }
}

/// Reads a body whole, within its own bound and that of the process.
async fn read(worker: &Worker, received: &mut Received) -> Result<(Bytes, Permit), Refusal> {
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
    if declared.is_some() {
        let body = received
            .request
            .body
            .collect(limit)
            .await
            .map_err(|error| refusal(error, limit))?;
        return Ok((body, held));
    }
    let mut body = Vec::new();
    let mut room = room;
    while let Some(chunk) = received.request.body.next().await {
        let chunk = chunk.map_err(|error| refusal(error, limit))?;
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

/// A form that is no longer is read whole.
const SHORT: usize = 256 * 1024;

fn refusal(error: BodyError, limit: usize) -> Refusal {
    match error {
        BodyError::Truncated => Refusal::BodyTruncated,
        BodyError::TimedOut => Refusal::BodyTimeout,
        BodyError::TooLarge => Refusal::BodyTooLarge { limit },
        _ => Refusal::BodyMalformed,
    }
}
