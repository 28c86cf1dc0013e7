//! Recorded traffic through `weir-llm`: requests as callers sent them, answers as providers gave them.

mod answers;
mod chunks;
mod codecs;
mod meant;
mod order;
mod requests;
mod said;
mod tally;
