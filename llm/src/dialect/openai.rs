//! OpenAI's API, and that of everyone who is compatible with it.
//!
//! Shapes are those of <https://platform.openai.com/docs/api-reference>.

pub(crate) mod chat;
mod completions;
mod error;
mod findings;
mod models;
mod paths;
pub(crate) mod problem;
mod provider;
pub(crate) mod quirks;
pub(crate) mod typed;
mod usage_out;

pub use chat::Chat;
pub use completions::Completions;
pub use error::{ErrorShape, error_body, error_event};
pub use models::{ModelShape, model_body, models_body};
pub use paths::PATHS;
pub use provider::{AzureOpenAI, Mock, OpenAI, takes_stream_options};
pub use usage_out::{UsageOut, ask_for_usage};

use crate::codec::Limits;

/// What bounds the tokens of a call in any of these formats.
///
/// An image: gpt-4o-mini's 2,833 and 5,667 for each of 8 tiles, the most of any model; with low detail 1,536 patches ×
/// 2.46, of the models that know no such detail (<https://platform.openai.com/docs/guides/images-vision#calculating-costs>).
pub(crate) const LIMITS: Limits = Limits {
    image: 2_833 + 8 * 5_667,
    small_image: 3_779,
    window: 2_000_000,
    least_output: 1,
    above_budget: false,
    thinks_beyond: false,
};
