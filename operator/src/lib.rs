//! The control plane of Weir.
//!
//! ```text
//! watch ─► store ─► Workspace ─► publication ─► Secrets ─► gateways ─► leases ─► fleet ─► status
//!   every replica ──────┘└──────── the one that leads (leader) ────────────────────────────────┘
//! ```
//! `main` is [`flags`] and [`process`]. One loop, [`reconcile`], holds all state and makes every decision; tasks around
//! it watch, read and write, and tell it what came of it. What decides anything is pure: [`store`], [`publication`],
//! [`fleet`] and [`status`] know neither a client nor a clock.

pub mod admin;
pub mod client;
pub mod events;
pub mod flags;
pub mod fleet;
pub mod leader;
pub mod metrics;
pub mod process;
pub mod publication;
pub mod reconcile;
pub mod schema;
pub mod status;
pub mod store;
pub mod watch;
