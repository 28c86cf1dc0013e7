//! What calls cost, by hand and by the code.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod catalogue;
mod decimal;
mod lookup;
mod properties;
mod worked;
