//! Anthropic's messages and Bedrock's Converse: fixtures, refusals, streams however they are cut, and round trips.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod errors;
mod requests;
mod round_trips;
mod streams;
mod support;
