//! Counts of tokens that no provider of the call makes.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use weir_llm::exchange::{CountedHere, counted_here};
use weir_llm::tokens::Tokenizer;

use crate::wire::{Response, ResponseBody};

/// Says that Weir counted.
const ESTIMATED: &str = "x-weir-estimated";

/// Counts on a thread where nothing waits for it.
pub(super) async fn answer(count: CountedHere) -> Response {
    let counting = tokio::task::spawn_blocking(move || {
        let tokenizer = Tokenizer::of(&count.model);
        let tokens: u64 = count.texts.iter().map(|text| tokenizer.count(text)).sum();
        counted_here(&count, tokens)
    });
    let body = counting.await.unwrap_or_default();
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ESTIMATED, HeaderValue::from_static("true"));
    Response {
        status: StatusCode::OK,
        headers,
        body: ResponseBody::Full(body.into()),
    }
}
