//! Google's `generateContent`, which AI Studio and Vertex AI speak
//! (<https://ai.google.dev/api/generate-content>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>).

mod answer;
mod cite;
mod count;
mod finish;
mod gather;
mod logprobs;
mod models;
mod names;
mod partial;
mod paths;
mod problem;
mod provider;
mod read;
mod ruler;
mod schema;
mod sign;
mod stream;
mod time;
mod usage;
mod write;

use crate::chat::{Answer, Problem, Request};
use crate::codec::{
    Asked, BadAnswer, Codec, Decoder, Encoder, Gaps, Limits, Target, Watch, WrittenProblem,
};
use crate::frame::Framing;
use crate::json::{Object, Value};
use crate::splice::Splice;
use crate::{Format, Usage, sse};

pub use models::{Model, model_body, models_body};
pub(super) use paths::{PATHS, STORED};
pub use provider::{AiStudio, Vertex};

/// The format.
#[derive(Debug)]
pub struct Gemini;

impl Codec for Gemini {
    fn format(&self) -> Format {
        Format::Gemini
    }

    fn usage_key(&self) -> &'static str {
        "usageMetadata"
    }

    /// Unless the query says `alt=sse`, a stream is one array of JSON.
    fn framing_asked(&self, query: Option<&str>) -> Framing {
        let sse = |query: &str| query.split('&').any(|part| part == "alt=sse");
        if query.is_some_and(sse) {
            self.framing()
        } else {
            Framing::JsonArray
        }
    }

    /// An image: 3,072 × 3,072 pixels in tiles of 768 and one of the whole, 258 each
    /// (<https://ai.google.dev/gemini-api/docs/image-understanding>,
    /// <https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/image-understanding>); `media_resolution` asks
    /// for 2,240 at most.
    fn limits(&self) -> Limits {
        Limits {
            image: 17 * 258,
            small_image: 17 * 258,
            window: 2_000_000,
            least_output: 1,
            above_budget: false,
            thinks_beyond: false,
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

    fn read_count_request<'a>(
        &self,
        body: &Value<'a>,
        asked: &Asked<'_>,
    ) -> Result<Request<'a>, Problem> {
        count::read_request(body, asked)
    }

    fn count_request<'r>(&self, body: Object<'r>, target: &Target<'r>) -> Option<Object<'r>> {
        Some(count::request(body, target))
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        count::read_answer(body)
    }

    fn write_count(&self, tokens: u64) -> Vec<u8> {
        count::write_answer(tokens)
    }

    fn read_problem(&self, status: u16, body: &[u8]) -> Option<Problem> {
        problem::read(status, body)
    }

    fn name_model(&self, body: &str, model: &str) -> Vec<Splice> {
        names::name_model(body, model)
    }

    fn retry_after(&self, body: &[u8]) -> Option<u64> {
        problem::retry_after(body)
    }

    fn write_problem(&self, problem: &Problem, _asked: &Asked<'_>) -> WrittenProblem {
        problem::write(problem)
    }

    fn problem_event(&self, problem: &Problem) -> Vec<u8> {
        let mut out = Vec::new();
        sse::write(None, &problem::object(problem).to_bytes(), &mut out);
        out
    }

    fn is_problem(&self, body: &[u8]) -> bool {
        problem::is_one(body)
    }
}
