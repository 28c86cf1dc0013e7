//! The canonical form of chat: what any caller can say to any model, and what comes back.
//!
//! Every format is read into it and written from it, so that a pair of formats needs no code of its
//! own. It holds what at least two formats can say; what one alone can say is named in
//! [`Request::extras`] and never lost in silence. Texts know where in the body they lie, so that what
//! works on texts (guards, caches) works on untouched bodies too.

mod answer;
mod event;
mod field;
mod hint;
mod message;
mod problem;
mod request;
mod tool;

pub use answer::{Answer, Choice, Finish, Logprob, TokenLogprob};
pub use event::{Delta, Event, PartStart};
pub use field::Field;
pub use hint::Hint;
pub(crate) use hint::shape;
pub use message::{
    CacheMarker, Citation, Detail, Media, MediaKind, Message, Part, PartKind, Place, Reasoned,
    Role, Signature, Source, ToolCall, ToolResult,
};
pub use problem::{Problem, ProblemKind};
pub use request::{Effort, Extra, Logprobs, Request, ResponseFormat, Sampling, Thinking};
pub use tool::{Tool, ToolChoice};
