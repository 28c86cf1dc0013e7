//! What calls cost.
//!
//! A price is nano-dollars per million tokens (or for what [`Kind::per`] says); what a call costs is the sum of tokens ×
//! price, divided once, rounded up, in nano-dollars. Prices come from a catalogue that is compiled in, made from the PyPI
//! package `genai-prices`, and from what a provider's resource says instead.

mod catalogue;
mod clause;
mod kind;
mod lookup;
mod money;
mod table;
mod time;

pub use catalogue::{Catalogue, Model, Provider, catalogue};
pub use kind::Kind;
pub use lookup::{Listed, Origin, Query, Row};
pub use money::{parse_usd, write_usd};
pub use table::{Counts, Prices, Rate, Step};
pub use time::parse_day;
