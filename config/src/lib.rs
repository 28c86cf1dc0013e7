//! The pure compiler of Weir's config: text to resources, resources to a [snapshot](mod@snapshot) and [verdicts](verdict).
//!
//! Nothing here reads a file, a clock or the environment: bytes, time and variables come in as values.

pub mod compile;
pub mod credential;
pub mod expression;
pub mod link;
pub mod linked;
pub mod published;
mod schema;
pub mod snapshot;
pub mod text;
pub mod verdict;

pub use compile::{Compiled, Input, compile};
pub use snapshot::Snapshot;
pub use verdict::{Kind, ObjectId, Outcome, Problem, Reason, Serving, Verdict};
