//! Embeddings: a caller of OpenAI's `/v1/embeddings`, served by providers that speak otherwise
//! (<https://platform.openai.com/docs/api-reference/embeddings/create>).
//!
//! Who speaks Google's or Cohere's embeddings passes to them as he is; only OpenAI's are translated. Cohere wants to
//! know what a text is embedded for, which OpenAI's callers can't say: it is told `search_document`, and a caller who
//! searches says `input_type: search_query`, which passes for a field of its own.

mod answer;
mod request;
mod wire;

pub use answer::answer;
pub use request::Request;
pub use wire::{Sent, Wire, write};
