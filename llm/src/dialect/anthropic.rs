//! Anthropic's messages (<https://platform.claude.com/docs/en/api/messages>), and Anthropic as a provider.
//!
//! Vertex speaks the same format for Claude: see [`AT_VERTEX`].

mod answer;
pub(crate) mod beside;
mod citation;
pub(crate) mod content;
mod count;
mod decoder;
mod encoder;
mod error;
mod list;
pub(crate) mod models;
mod provider;
pub(crate) mod read;
pub(crate) mod turns;
mod usage;
mod watch;
pub(crate) mod write;

use crate::chat::{Answer, Problem, Request};
use crate::codec::{
    Asked, BadAnswer, Codec, Decoder, Encoder, Gaps, Limits, Target, Watch, WrittenProblem,
};
use crate::json::{Object, Value};
use crate::{Format, Usage};

pub(crate) use answer::markdown;
pub use count::{count_tokens_answer, read_count_tokens};
pub use list::{model_body, models_body};
pub use provider::{AT_VERTEX, Anthropic, PATHS, VERSION};

/// Anthropic's messages.
#[derive(Debug)]
pub struct Messages;

impl Codec for Messages {
    fn format(&self) -> Format {
        Format::Messages
    }

    /// An image: (<https://platform.claude.com/docs/en/build-with-claude/vision>). `max_tokens` has to be greater than
    /// `budget_tokens` (<https://platform.claude.com/docs/en/build-with-claude/extended-thinking>).
    fn limits(&self) -> Limits {
        Limits {
            image: 4_784,
            small_image: 4_784,
            window: 1_000_000,
            least_output: 1,
            above_budget: true,
            thinks_beyond: false,
        }
    }

    fn read_request<'a>(
        &self,
        body: &Value<'a>,
        asked: &Asked<'_>,
    ) -> Result<Request<'a>, Problem> {
        read::read(body, asked)
    }

    fn write_request<'r>(
        &self,
        request: &'r Request<'_>,
        target: &Target<'r>,
        gaps: &mut Gaps,
    ) -> Result<Object<'r>, Problem> {
        write::write(request, target, gaps)
    }

    fn count_request<'r>(&self, body: Object<'r>, _: &Target<'r>) -> Option<Object<'r>> {
        Some(count::request(body))
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        read_count_tokens(body)
    }

    fn write_count(&self, tokens: u64) -> Vec<u8> {
        count_tokens_answer(tokens)
    }

    fn read_answer(&self, body: &[u8]) -> Result<Answer, BadAnswer> {
        answer::read(body)
    }

    fn write_answer(&self, answer: &Answer, asked: &Asked<'_>) -> Vec<u8> {
        answer::write(answer, asked)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(decoder::Reader::default())
    }

    fn encoder(&self, asked: &Asked<'_>) -> Box<dyn Encoder> {
        Box::new(encoder::Stream::new(asked))
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(watch::Looker::default())
    }

    fn read_usage(&self, value: &[u8]) -> Option<Usage> {
        let value = Value::from_bytes(value).ok()?;
        usage::Counts::read(&value).usage()
    }

    fn read_problem(&self, status: u16, body: &[u8]) -> Option<Problem> {
        error::read(status, body)
    }

    fn write_problem(&self, problem: &Problem, _: &Asked<'_>) -> WrittenProblem {
        error::write(problem)
    }

    fn problem_event(&self, problem: &Problem) -> Vec<u8> {
        error::event(problem)
    }

    fn is_problem(&self, body: &[u8]) -> bool {
        error::is_one(body)
    }
}
