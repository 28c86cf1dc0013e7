//! Counts of tokens that no provider of the call makes, or tells.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::sync::Semaphore;
use weir_llm::Usage;
use weir_llm::exchange::{CountedHere, Estimate, counted_here};
use weir_llm::tokens::Tokenizer;

use crate::wire::{Response, ResponseBody};

/// Says that Weir counted.
pub(super) const ESTIMATED: HeaderName = HeaderName::from_static("x-weir-estimated");

/// How many usages are counted at once while their answers wait; those of the others are guessed.
static COUNTING: Semaphore = Semaphore::const_new(2);

/// How long an answer waits for its usage to be counted; then it is guessed.
const WAIT: Duration = Duration::from_millis(250);

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

/// A usage that an answer is to tell: counted on a thread where nothing waits for it, or guessed where that takes too long.
pub(super) async fn soon(estimate: Estimate) -> Usage {
    let guess = estimate.guess();
    let Ok(permit) = COUNTING.try_acquire() else {
        return guess;
    };
    let counting = tokio::task::spawn_blocking(move || {
        let _one_of_few = permit;
        estimate.count()
    });
    match tokio::time::timeout(WAIT, counting).await {
        Ok(Ok(usage)) => usage,
        _ => guess,
    }
}
