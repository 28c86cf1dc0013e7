//! The provider that is not there: deterministic answers in OpenAI's shapes, with the latency,
//! the counts and the faults that its [`Settings`] ask for.
//!
//! For game days and for CI: an app talks to it with its own SDK and spends nothing. The same
//! request and the same settings always give the same bytes.

mod script;
mod settings;

pub use script::{End, Script, Step};
pub use settings::{Disconnect, Fault, FaultKind, Settings, Tokens};
