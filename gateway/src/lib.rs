//! The data plane of Weir: takes configuration from a source, and proxies LLM traffic by it.
//!
//! `main` is [`flags`] and [`process`]. A request goes through [`wire`] into [`pipeline`] and back;
//! what it needs of the configuration is in [`live`], where [`apply`] puts what a [`source`] hands
//! over.

pub mod access_log;
pub mod admin;
pub mod apply;
pub mod cluster;
pub mod credentials;
mod estimates;
pub mod flags;
mod headers;
pub mod identity;
pub mod lease;
pub mod live;
pub mod metrics;
pub mod pipeline;
mod prices;
pub mod process;
pub mod refusal;
mod rng;
pub mod room;
pub mod source;
pub mod stop;
pub mod wire;
