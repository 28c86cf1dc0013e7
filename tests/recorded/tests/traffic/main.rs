//! Recorded traffic through `weir-llm`: requests as callers sent them, answers as providers gave them.

mod answers;
mod chunks;
mod codecs;
mod embeddings;
mod meant;
mod order;
mod passing;
mod place;
mod relay;
mod requests;
mod said;
mod tally;
