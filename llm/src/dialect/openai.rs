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
