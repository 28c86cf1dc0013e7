//! `GET /v1/models`: what this caller may use.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use weir_decide::{ModelEntry, models};
use weir_llm::dialect::openai::{ModelShape, model_body, models_body};

use super::authenticate::Authenticated;
use super::receive::MODEL_PATH;
use crate::refusal::Refusal;
use crate::wire::{Response, ResponseBody};

/// Every model that the caller may ask for.
pub(super) fn list(caller: &Authenticated) -> Response {
    let entries = models(&caller.received.generation.linked, &caller.consumer);
    json(models_body(entries.iter().map(shape)))
}

/// One of them.
pub(super) fn one(caller: &Authenticated) -> Result<Response, Refusal> {
    let path = caller.received.request.head.uri.path();
    let wanted = decoded(path.strip_prefix(MODEL_PATH).unwrap_or_default());
    models(&caller.received.generation.linked, &caller.consumer)
        .iter()
        .find(|entry| *entry.id == *wanted)
        .map(|entry| json(model_body(&shape(entry))))
        .ok_or(Refusal::ModelNotFound(wanted))
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

/// Undoes percent-encoding (RFC 3986 §2.1); what is not text then is no model's name.
fn decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = path
            .get(at + 1..at + 3)
            .filter(|digits| bytes[at] == b'%' && !digits.starts_with('+'))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(hex.unwrap_or(bytes[at]));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone() {
        assert_eq!(decoded("gpt-4%2Fmini"), "gpt-4/mini");
        assert_eq!(decoded("a%2"), "a%2");
        assert_eq!(decoded("a%zz%41"), "a%zzA");
        assert_eq!(decoded("%ff"), "");
    }
}
