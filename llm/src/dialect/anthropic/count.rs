//! Counts of tokens (<https://platform.claude.com/docs/en/api/messages-count-tokens>).

use crate::json::{Object, Value};

/// The answer to a caller of `/v1/messages/count_tokens`: `{"input_tokens": n}`.
#[must_use]
pub fn count_tokens_answer(tokens: u64) -> Vec<u8> {
    Object::new().with("input_tokens", tokens).to_bytes()
}

/// What of a body counts: the rest, such as `max_tokens`, is refused there.
const COUNTED: [&str; 6] = [
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
];

/// Makes of a body that asks for an answer one that asks for its count.
pub(super) fn request(body: Object<'_>) -> Object<'_> {
    let mut counted = Object::new();
    for (name, value) in body {
        if COUNTED.contains(&&*name) {
            counted.push(name, value);
        }
    }
    counted
}

/// The count in a provider's answer; `None` if there is none in it.
#[must_use]
pub fn read_count_tokens(body: &[u8]) -> Option<u64> {
    Value::from_bytes(body).ok()?.get("input_tokens")?.as_u64()
}
