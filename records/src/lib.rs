//! What one binary writes and another reads.

pub mod access;
mod time;
