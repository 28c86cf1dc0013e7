//! Chat completions (<https://platform.openai.com/docs/api-reference/chat>), with what those who are compatible with
//! OpenAI add to them.
//!
//! What it does not hold of the canonical form is told here, since none of it is refused: how long a prompt is cached
//! where the provider is not OpenRouter (the others cache by themselves), reasoning of another provider in the history,
//! and that a tool failed, which is said in words at the head of its result.

mod answer;
mod citation;
mod decode;
mod encode;
pub(crate) mod finish;
pub(crate) mod logprobs;
pub(crate) mod read;
mod reasoning;
mod watch;
pub(crate) mod write;

use super::LIMITS;
use crate::chat::{Answer, Problem, Request};
use crate::codec::{
    Asked, BadAnswer, Codec, Decoder, Encoder, Gaps, Limits, Target, Watch, WrittenProblem,
};
use crate::json::{Object, Value};
use crate::{Format, Usage};

use super::problem;

pub(crate) use answer::{tier, usage};
pub(crate) use read::stop;
pub(crate) use watch::ChatWatch;

/// The codec of [`Format::Chat`].
#[derive(Debug)]
pub struct Chat;

impl Codec for Chat {
    fn format(&self) -> Format {
        Format::Chat
    }

    fn tells_usage_if_asked(&self) -> bool {
        true
    }

    fn limits(&self) -> Limits {
        LIMITS
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
        Box::new(decode::ChatDecoder::default())
    }

    fn encoder(&self, asked: &Asked<'_>) -> Box<dyn Encoder> {
        Box::new(encode::ChatEncoder::new(asked))
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(ChatWatch::default())
    }

    fn read_usage(&self, value: &[u8]) -> Option<Usage> {
        Usage::from_openai(value)
    }

    fn read_problem(&self, status: u16, body: &[u8]) -> Option<Problem> {
        problem::read(status, body)
    }

    fn write_problem(&self, problem: &Problem, _: &Asked<'_>) -> WrittenProblem {
        problem::write(problem)
    }

    fn problem_event(&self, problem: &Problem) -> Vec<u8> {
        problem::event(problem)
    }

    fn is_problem(&self, body: &[u8]) -> bool {
        problem::is_own(body)
    }
}
