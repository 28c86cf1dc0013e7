//! The provider that is not there: deterministic answers in OpenAI's shapes, with the latency,
//! the counts and the faults that its [`Settings`] ask for.
//!
//! For game days and for CI: an app talks to it with its own SDK and spends nothing. The same
//! request and the same settings always give the same bytes; even `created` is a constant,
//! [`CREATED`].
//!
//! Of a request it honours `model`, `stream`, `stream_options.include_usage`, `n`,
//! `max_tokens` and `max_completion_tokens`; of a chat `tool_choice` where it forces a call (of
//! the function it names, or of the first) and `response_format`, with values made up to fit what the
//! schema requires; of embeddings `dimensions` and `encoding_format`. Every other field is passed
//! over.

mod answer;
mod completion;
mod embeddings;
mod example;
mod params;
mod script;
mod settings;

pub use answer::answer;
pub use completion::CREATED;
pub use script::{End, Script, Step, Steps};
pub use settings::{Disconnect, Fault, FaultKind, Settings, Tokens};
