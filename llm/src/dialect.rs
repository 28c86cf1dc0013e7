//! Wire formats of LLM traffic, one folder each.

pub mod mock;
pub mod openai;
