//! OpenAI's API, and that of everyone who is compatible with it.
//!
//! Shapes are those of <https://platform.openai.com/docs/api-reference>.

mod error;
mod models;
mod paths;
mod plain;
mod request;
mod stream;
mod text;

pub use error::{ErrorShape, error_body, error_event};
pub use models::{ModelShape, model_body, models_body};
pub use paths::{OPERATIONS, operation};
pub use plain::PlainReader;
pub use request::{BadBody, Body, MAX_DEPTH, MAX_MODEL_LEN, read};
pub use stream::{Ending, Fed, StreamReader, TooBig};
