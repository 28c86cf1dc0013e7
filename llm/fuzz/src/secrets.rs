//! Credentials that are echoed.

use bytes::Bytes;
use weir_llm::scrub::{REDACTED, Scrubber};

use super::Input;

/// No credential is left in what was scrubbed, in whatever way it was written there.
pub fn scrub(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (one, two) = (input.short(), input.short());
    let body = input.rest;
    let scrubber = Scrubber::new([one, two]);
    let scrubbed = scrubber.scrub(Bytes::copy_from_slice(body));
    if !scrubber.finds(body) {
        assert_eq!(scrubbed, body);
    }
    assert!(scrubber.longest() <= 6 * one.len().max(two.len()));
    // What stands in their place may itself hold one that is a part of the word, or has a bracket.
    let in_words = |secret: &[u8]| {
        secret.iter().all(u8::is_ascii_alphanumeric)
            && !REDACTED
                .as_bytes()
                .windows(secret.len().max(1))
                .any(|part| part == secret)
    };
    if in_words(one) && in_words(two) {
        assert!(!scrubber.finds(&scrubbed), "a credential is left");
        assert!(scrubbed.len() <= body.len() * REDACTED.len());
    }
}
