//! The completions of before (<https://platform.openai.com/docs/api-reference/completions>).
//!
//! Their callers reach providers that have them as they are. Everyone else gets the prompt as the one turn of a user; of
//! what comes back, reasoning has no place here, and a refusal is text as any other.

mod decode;
mod encode;
mod logprobs;
mod request;

use super::LIMITS;
use crate::chat::{Answer, Choice, Finish, Part, PartKind, Problem, Request};
use crate::codec::{
    Asked, BadAnswer, Codec, Decoder, Encoder, Gaps, Limits, Target, Watch, WrittenProblem,
};
use crate::json::{Object, Value};
use crate::{Format, Usage};

use super::chat::{ChatWatch, finish, usage};
use super::problem;
use super::typed::said;

/// The codec of [`Format::Completions`].
#[derive(Debug)]
pub struct Completions;

impl Codec for Completions {
    fn format(&self) -> Format {
        Format::Completions
    }

    fn tells_usage_if_asked(&self) -> bool {
        true
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn read_request<'a>(&self, body: &Value<'a>, _: &Asked<'_>) -> Result<Request<'a>, Problem> {
        request::read(body)
    }

    fn write_request<'r>(
        &self,
        request: &'r Request<'_>,
        target: &Target<'r>,
        gaps: &mut Gaps,
    ) -> Result<Object<'r>, Problem> {
        request::write(request, target, gaps)
    }

    fn read_answer(&self, body: &[u8]) -> Result<Answer, BadAnswer> {
        read_answer(body)
    }

    fn write_answer(&self, answer: &Answer, asked: &Asked<'_>) -> Vec<u8> {
        write_answer(answer, asked)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(decode::CompletionDecoder::default())
    }

    fn encoder(&self, asked: &Asked<'_>) -> Box<dyn Encoder> {
        Box::new(encode::CompletionEncoder::new(asked))
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

fn read_answer(body: &[u8]) -> Result<Answer, BadAnswer> {
    let value = Value::from_bytes(body)?;
    let answer = value
        .as_object()
        .ok_or_else(|| BadAnswer::new("it is no object"))?;
    let choices = value
        .get("choices")
        .and_then(Value::as_array)
        .ok_or_else(|| BadAnswer::new("it has no choices"))?;
    let choice = |(at, one): (u32, &Value<'_>)| {
        let index = one.get("index").and_then(Value::as_u64);
        let text = one.get("text").and_then(Value::as_str).unwrap_or_default();
        let reason = one.get("finish_reason").and_then(Value::as_str);
        Choice {
            index: index.and_then(|n| u32::try_from(n).ok()).unwrap_or(at),
            parts: vec![Part::text(text.to_owned())],
            finish: reason.map(|reason| finish::read(reason, false)),
            logprobs: one.get("logprobs").map(logprobs::read).unwrap_or_default(),
        }
    };
    Ok(Answer {
        id: said(answer, "id").unwrap_or_default(),
        model: said(answer, "model").unwrap_or_default(),
        created: value.get("created").and_then(Value::as_i64),
        choices: (0..).zip(choices).map(choice).collect(),
        usage: value.get("usage").and_then(Usage::of_openai),
        service_tier: said(answer, "service_tier"),
    })
}

fn write_answer(answer: &Answer, asked: &Asked<'_>) -> Vec<u8> {
    let choice = |choice: &Choice| {
        let text: String = choice.parts.iter().filter_map(words).collect();
        let finish = choice.finish.as_ref().unwrap_or(&Finish::Stop);
        Object::new()
            .with("text", text)
            .with("index", choice.index)
            .with("logprobs", logprobs::write(&choice.logprobs, 0))
            .with("finish_reason", finish::write_completion(finish))
    };
    let choices: Vec<Object<'static>> = answer.choices.iter().map(choice).collect();
    head(&answer.id, &answer.model, answer.created, asked)
        .with("choices", choices)
        .maybe("usage", answer.usage.as_ref().map(usage))
        .to_bytes()
}

/// The words of a part; `None` for one without.
fn words<'p>(part: &'p Part<'_>) -> Option<&'p str> {
    match &part.kind {
        PartKind::Text(text, _) | PartKind::Refusal(text) => Some(text),
        _ => None,
    }
}

/// What an answer and every chunk of one begin with.
fn head(id: &str, model: &str, created: Option<i64>, asked: &Asked<'_>) -> Object<'static> {
    let id = match id {
        "" => format!("cmpl-{}", asked.id),
        id => id.to_owned(),
    };
    let model = if model.is_empty() { asked.model } else { model };
    Object::new()
        .with("id", id)
        .with("object", "text_completion")
        .with("created", created.unwrap_or(asked.now))
        .with("model", model.to_owned())
}
