//! What Weir knows of LLM traffic: dialects, streams, usage.
//!
//! Everything here takes bytes and values and gives bytes and values: no socket, no clock, no
//! async runtime. A body is read into values that borrow from its bytes; a change is a list of
//! [`splice`]s; an untouched body or stream goes out as the bytes that came in.

pub mod body;
pub mod bound;
pub mod call;
pub mod chat;
pub mod codec;
pub mod dialect;
pub mod embed;
pub mod exchange;
mod format;
pub mod frame;
pub mod json;
pub mod millis;
pub mod multipart;
mod operation;
pub mod price;
pub mod provider;
pub mod scrub;
pub mod splice;
pub mod sse;
pub mod tokens;
mod usage;

pub use format::{Dialect, Format, Preset};
pub use operation::Operation;
pub use usage::Usage;
