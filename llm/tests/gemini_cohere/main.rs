//! Google's `generateContent` and Cohere's chat, against what their docs say.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod reach;
mod requests;
mod round_trips;
mod streams;
mod support;
