//! The data plane of Weir.
pub mod wire;
