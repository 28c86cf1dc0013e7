//! OpenAI's chat completions, and those of before, by fixtures, cuts and round trips.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod requests;
mod round_trips;
mod streams;
mod support;
