//! The object `response` itself (<https://platform.openai.com/docs/api-reference/responses/object>).

use super::usage;
use crate::Usage;
use crate::chat::{Finish, Problem};
use crate::codec::Asked;
use crate::dialect::openai::chat::tier;
use crate::json::{Object, Value};

/// What an answer repeats of its request, in the order of the API's own, with what stands there where the caller said
/// nothing; `None`: `null`.
const REPEATED: [(&str, Option<&str>); 16] = [
    ("instructions", None),
    ("max_output_tokens", None),
    ("max_tool_calls", None),
    ("parallel_tool_calls", Some("true")),
    ("prompt_cache_key", None),
    ("prompt_cache_retention", None),
    ("reasoning", Some(r#"{"effort":null,"summary":null}"#)),
    ("safety_identifier", None),
    ("temperature", None),
    ("text", Some(r#"{"format":{"type":"text"}}"#)),
    ("tool_choice", Some(r#""auto""#)),
    ("tools", Some("[]")),
    ("top_logprobs", Some("0")),
    ("top_p", None),
    ("truncation", Some(r#""disabled""#)),
    ("user", None),
];

/// What is the same in every state of an answer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) created: i64,
    pub(super) service_tier: Option<String>,
    repeated: Object<'static>,
}

/// What an answer has come to.
#[derive(Debug, Default)]
pub(super) struct State<'s> {
    pub(super) status: &'s str,
    /// Why it is not whole.
    pub(super) incomplete: Option<&'s str>,
    pub(super) error: Option<&'s Problem>,
    pub(super) output: &'s [Object<'static>],
    pub(super) usage: Option<&'s Usage>,
}

impl Head {
    pub(super) fn new(asked: &Asked<'_>) -> Self {
        let said = |name: &str| asked.body.and_then(|body| body.get(name)).cloned();
        let mut repeated = Object::new();
        for (name, unsaid) in REPEATED {
            let value = said(name).map(Value::into_owned);
            let value = value.unwrap_or_else(|| unsaid.map_or(Value::Null, Value::raw));
            repeated.push(name, with_format(name, value));
        }
        let metadata = said("metadata").map(Value::into_owned);
        repeated.push("metadata", metadata.unwrap_or(Value::raw("{}")));
        let tier = said("service_tier").and_then(|tier| tier.as_str().map(str::to_owned));
        Self {
            id: format!("resp_{}", asked.id),
            model: asked.model.to_owned(),
            created: asked.now,
            service_tier: tier,
            repeated,
        }
    }

    /// Takes what the provider says of its answer. An id that is not of this format is not told: the SDKs go by its
    /// look.
    pub(super) fn learn(&mut self, id: &str, model: &str, created: Option<i64>) {
        if id.starts_with("resp_") {
            id.clone_into(&mut self.id);
        }
        if !model.is_empty() {
            model.clone_into(&mut self.model);
        }
        self.created = created.unwrap_or(self.created);
    }

    /// The object. Nothing is stored, whatever the caller asked for.
    pub(super) fn response(&self, state: &State<'_>) -> Object<'_> {
        let error = state
            .error
            .map_or(Value::Null, |error| error_of(error).into());
        let incomplete = state.incomplete.map_or(Value::Null, |reason| {
            Object::new().with("reason", reason.to_owned()).into()
        });
        let used = state
            .usage
            .map_or(Value::Null, |told| usage::write(told).into());
        let output: Vec<Object<'static>> = state.output.to_vec();
        let tier = self.service_tier.as_deref().and_then(tier);
        let mut object = Object::new()
            .with("id", &self.id)
            .with("object", "response")
            .with("created_at", self.created)
            .with("status", state.status.to_owned())
            .with("background", false)
            .with("error", error)
            .with("incomplete_details", incomplete)
            .with("model", &self.model)
            .with("output", output)
            .with("previous_response_id", Value::Null)
            .with("store", false)
            .with("service_tier", tier.unwrap_or("default"))
            .with("usage", used);
        for (name, value) in self.repeated.iter() {
            object.push(name.to_owned(), value.clone());
        }
        object
    }
}

/// `text` always tells the format.
fn with_format(name: &str, value: Value<'static>) -> Value<'static> {
    match value {
        Value::Object(text) if name == "text" && text.get("format").is_none() => {
            let mut whole = Object::new().with("format", Object::new().with("type", "text"));
            for (name, value) in text {
                if name != "format" {
                    whole.push(name, value);
                }
            }
            whole.into()
        }
        value => value,
    }
}

/// `error` of an answer that failed: of the codes that are documented two say nothing of the request
/// (<https://platform.openai.com/docs/api-reference/responses/object#responses-object-error>).
fn error_of(error: &Problem) -> Object<'static> {
    let code = match error.status {
        429 => "rate_limit_exceeded",
        _ => "server_error",
    };
    Object::new()
        .with("code", code)
        .with("message", error.message.clone())
}

/// `status`, and `reason` of `incomplete_details`, of an answer that ends so. `refused`: it holds a refusal.
pub(super) fn ending(finish: &Finish, refused: bool) -> (&'static str, Option<&'static str>) {
    match finish {
        Finish::Stop | Finish::StopSequence(_) | Finish::ToolCalls => ("completed", None),
        Finish::Refusal if refused => ("completed", None),
        Finish::Refusal | Finish::ContentFilter => ("incomplete", Some("content_filter")),
        // SDKs know no other reasons: whatever else cut it short, the answer is not whole.
        Finish::Length | Finish::ContextFull | Finish::Other(_) => {
            ("incomplete", Some("max_output_tokens"))
        }
        // No name of the API's own, but that of Anthropic's, which alone does so.
        Finish::Pause => ("incomplete", Some("pause_turn")),
        Finish::MalformedCall | Finish::Failed => ("failed", None),
    }
}

/// What an answer says of it that failed, with no more known.
pub(super) fn failure(finish: &Finish) -> Problem {
    let message = match finish {
        Finish::MalformedCall => "The model's call of a tool made no sense.",
        _ => "The provider failed.",
    };
    Problem::new(500, "server_error", message)
}
