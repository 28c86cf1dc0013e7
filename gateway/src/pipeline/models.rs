//! `GET /v1/models`: what this caller may use, in the shape that its SDK reads.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use weir_decide::{ModelEntry, model, models};
use weir_llm::dialect::{ModelShape, ModelsShape};

use super::authenticate::Authenticated;
use crate::refusal::Refusal;
use crate::wire::{Response, ResponseBody};

/// Every model that the caller may ask for.
pub(super) fn list(caller: &Authenticated, sdk: ModelsShape) -> Response {
    let entries = models(&caller.received.generation.linked, &caller.consumer);
    let shapes: Vec<ModelShape<'_>> = entries.iter().map(shape).collect();
    json(sdk.list(&shapes))
}

/// One that it may ask for, listed or not.
pub(super) fn one(
    caller: &Authenticated,
    sdk: ModelsShape,
    wanted: &str,
) -> Result<Response, Refusal> {
    model(&caller.received.generation.linked, &caller.consumer, wanted)
        .map(|entry| json(sdk.one(&shape(&entry))))
        .ok_or_else(|| Refusal::ModelNotFound(wanted.to_owned()))
}

fn shape(entry: &ModelEntry) -> ModelShape<'_> {
    ModelShape {
        id: &entry.id,
        created: entry.created,
        owned_by: "weir",
    }
}

fn json(body: bytes::Bytes) -> Response {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response {
        status: StatusCode::OK,
        headers,
        body: ResponseBody::Full(body),
    }
}
