//! What the end-to-end tests are made of: `weir-gateway` as a process with a folder of
//! configuration, providers that do exactly what a test says, and callers that see every byte.
//!
//! Nothing here sleeps for a fixed time to let something happen: see [`wait`].

pub mod built;
pub mod caller;
pub mod certificates;
pub mod cluster;
pub mod folder;
pub mod gateway;
pub mod keeper;
pub mod limits;
pub mod log;
pub mod modern;
pub mod resources;
pub mod sdk;
pub mod upstream;
pub mod wait;

pub use caller::{Answer, Caller, Request};
pub use folder::Folder;
pub use gateway::Gateway;
pub use resources::{Key, Provider, Route, secret};
pub use upstream::{Call, Upstream};
