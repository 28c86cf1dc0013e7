//! Cohere's chat, version 2 (<https://docs.cohere.com/reference/chat>).
//!
//! Version 1 and what else Cohere alone has passes to Cohere.

mod answer;
mod cite;
mod models;
mod paths;
mod problem;
mod read;
mod stream;
mod usage;
mod write;

use crate::chat::{Answer, Problem, Request};
use crate::codec::{
    Asked, BadAnswer, Codec, Decoder, Encoder, Gaps, Limits, Target, Watch, WrittenProblem,
};
use crate::json::{Object, Value};
use crate::{Format, Usage};

pub use models::{Model, model_body, models_body};
pub use paths::Cohere;
pub(super) use paths::PATHS;

/// The format.
#[derive(Debug)]
pub struct Chat;

impl Codec for Chat {
    fn format(&self) -> Format {
        Format::Cohere
    }

    /// Citations call documents as the caller does.
    fn repeats_request(&self) -> bool {
        true
    }

    /// An image: 12 tiles and one of the whole, 256 each (<https://docs.cohere.com/docs/image-inputs>). Whether
    /// `thinking.token_budget` is within the maximum the page does not say (<https://docs.cohere.com/docs/reasoning>).
    fn limits(&self) -> Limits {
        Limits {
            image: 13 * 256,
            small_image: 13 * 256,
            window: 256_000,
            least_output: 1,
            above_budget: false,
            thinks_beyond: true,
        }
    }

    fn read_request<'a>(
        &self,
        body: &Value<'a>,
        asked: &Asked<'_>,
    ) -> Result<Request<'a>, Problem> {
        read::request(body, asked)
    }

    fn write_request<'r>(
        &self,
        request: &'r Request<'_>,
        target: &Target<'r>,
        gaps: &mut Gaps,
    ) -> Result<Object<'r>, Problem> {
        write::request(request, target, gaps)
    }

    fn read_answer(&self, body: &[u8]) -> Result<Answer, BadAnswer> {
        answer::read(body)
    }

    fn write_answer(&self, answer: &Answer, asked: &Asked<'_>) -> Vec<u8> {
        answer::write(answer, asked)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(stream::Decode::default())
    }

    fn encoder(&self, asked: &Asked<'_>) -> Box<dyn Encoder> {
        Box::new(stream::Encode::new(asked))
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(stream::Look::default())
    }

    fn read_usage(&self, value: &[u8]) -> Option<Usage> {
        usage::read(&Value::from_bytes(value).ok()?)
    }

    fn read_problem(&self, status: u16, body: &[u8]) -> Option<Problem> {
        problem::read(status, body)
    }

    fn write_problem(&self, problem: &Problem, _asked: &Asked<'_>) -> WrittenProblem {
        problem::write(problem)
    }

    fn problem_event(&self, problem: &Problem) -> Vec<u8> {
        problem::event(problem)
    }

    fn is_problem(&self, body: &[u8]) -> bool {
        problem::is_one(body)
    }
}
