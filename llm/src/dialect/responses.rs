//! OpenAI's responses (<https://platform.openai.com/docs/api-reference/responses>), without a memory: nothing is stored,
//! and what a caller says by the name of an earlier answer is refused.
//!
//! What it does not hold of the canonical form is told here, since none of it is refused: how long a prompt is cached
//! (the providers cache by themselves), reasoning in the history that is not the provider's own or that nothing proves,
//! names of speakers, and that a tool failed, which is said in words at the head of its result.
//!
//! Reasoning comes to callers with `encrypted_content` whether or not they ask to `include` it: without a memory it is
//! all that lets the model take it up again.

mod answer;
mod citation;
mod decode;
mod encode;
mod head;
mod item;
mod problem;
mod read;
mod signature;
mod usage;
mod watch;
mod write;

use crate::chat::{Answer, Problem, Request};
use crate::codec::{
    Asked, BadAnswer, Codec, Decoder, Encoder, Gaps, Limits, Target, Watch, WrittenProblem,
};
use crate::dialect::openai::LIMITS;
use crate::json::{Object, Value};
use crate::{Format, Usage};

/// The codec of [`Format::Responses`].
#[derive(Debug)]
pub struct Responses;

impl Codec for Responses {
    fn format(&self) -> Format {
        Format::Responses
    }

    /// OpenAI's two formats share their files.
    fn files_of(&self) -> Format {
        Format::Chat
    }

    fn repeats_request(&self) -> bool {
        true
    }

    /// A maximum under 16 is refused
    /// (<https://platform.openai.com/docs/api-reference/responses/create#responses-create-max_output_tokens>).
    fn limits(&self) -> Limits {
        Limits {
            least_output: 16,
            ..LIMITS
        }
    }

    fn read_request<'a>(&self, body: &Value<'a>, _: &Asked<'_>) -> Result<Request<'a>, Problem> {
        read::request(body)
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
        Box::new(decode::Reader::default())
    }

    fn encoder(&self, asked: &Asked<'_>) -> Box<dyn Encoder> {
        Box::new(encode::Writer::new(asked))
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(watch::Looker::default())
    }

    fn read_usage(&self, value: &[u8]) -> Option<Usage> {
        usage::read(&Value::from_bytes(value).ok()?)
    }

    fn read_problem(&self, status: u16, body: &[u8]) -> Option<Problem> {
        crate::dialect::openai::problem::read(status, body)
    }

    fn write_problem(&self, problem: &Problem, _: &Asked<'_>) -> WrittenProblem {
        crate::dialect::openai::problem::write(problem)
    }

    fn problem_event(&self, problem: &Problem) -> Vec<u8> {
        problem::event(problem, 0)
    }

    fn is_problem(&self, body: &[u8]) -> bool {
        crate::dialect::openai::problem::is_own(body)
    }
}
