//! Amazon Bedrock's Converse
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>), and Bedrock as a provider.

mod answer;
mod block;
mod decoder;
mod encoder;
mod error;
mod file;
mod provider;
mod read;
mod turns;
mod usage;
mod watch;
mod write;

use crate::chat::{Answer, Problem, Request};
use crate::codec::{
    Asked, BadAnswer, Codec, Decoder, Encoder, Gaps, Limits, Target, Watch, WrittenProblem,
};
use crate::frame::Framing;
use crate::json::{Object, Value};
use crate::{Format, Usage};

pub use provider::{Bedrock, PATHS, model_path};

/// Bedrock's Converse.
#[derive(Debug)]
pub struct Converse;

impl Codec for Converse {
    fn format(&self) -> Format {
        Format::Converse
    }

    fn framing(&self) -> Framing {
        Framing::EventStream
    }

    /// It has models of all makers: the most of any of them, but for Llama 4's window, a token of which costs a thirtieth
    /// of the others' that read files.
    fn limits(&self) -> Limits {
        Limits {
            image: 2_833 + 8 * 5_667,
            small_image: 2_833 + 8 * 5_667,
            window: 1_050_000,
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

    fn read_answer(&self, body: &[u8]) -> Result<Answer, BadAnswer> {
        answer::read(body)
    }

    fn write_answer(&self, answer: &Answer, _: &Asked<'_>) -> Vec<u8> {
        answer::write(answer)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(decoder::Reader::default())
    }

    fn encoder(&self, _: &Asked<'_>) -> Box<dyn Encoder> {
        Box::new(encoder::Writer::default())
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(watch::Looker::default())
    }

    fn read_usage(&self, value: &[u8]) -> Option<Usage> {
        usage::read(&Value::from_bytes(value).ok()?)
    }

    fn read_problem(&self, status: u16, body: &[u8]) -> Option<Problem> {
        error::read(status, body)
    }

    fn problem_header(&self) -> Option<&'static str> {
        Some(error::HEADER)
    }

    fn name_problem(&self, name: &str, problem: &mut Problem) {
        error::name(name, problem);
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
