//! What one binary writes and another reads.

pub mod access;
pub mod lease;
mod time;
