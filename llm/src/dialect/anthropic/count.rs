//! Counts of tokens (<https://platform.claude.com/docs/en/api/messages-count-tokens>).

use crate::json::{Object, Value};

/// The answer to a caller of `/v1/messages/count_tokens`: `{"input_tokens": n}`.
#[must_use]
pub fn count_tokens_answer(tokens: u64) -> Vec<u8> {
    Object::new().with("input_tokens", tokens).to_bytes()
}

/// The count in a provider's answer; `None` if there is none in it.
#[must_use]
pub fn read_count_tokens(body: &[u8]) -> Option<u64> {
    Value::from_bytes(body).ok()?.get("input_tokens")?.as_u64()
}
