//! A stream of chunks for a caller.

use std::collections::BTreeMap;

use crate::Usage;
use crate::chat::{Delta, Event, MediaKind, PartStart, Reasoned};
use crate::codec::{Asked, Encoder};
use crate::dialect::openai::problem;
use crate::json::{Object, Text, Value};
use crate::sse;

use super::answer::{id_of, image_part, model_of, usage};
use super::write::{data_url, sniffed};
use super::{citation, finish, logprobs, reasoning};

/// See [`Encoder`].
pub(super) struct ChatEncoder {
    id: String,
    model: String,
    created: i64,
    include_usage: bool,
    usage: Option<Usage>,
    choices: BTreeMap<u32, Choice>,
    /// The name of what the model says aloud.
    audio: String,
}

/// What of a choice was written.
#[derive(Default)]
struct Choice {
    begun: bool,
    /// Calls, and reasoning, that began.
    calls: u64,
    reasonings: u64,
    refused: bool,
    /// Characters of the texts that have ended, and of the one that is open.
    before: u64,
    text: u64,
    open: Option<Open>,
}

/// The part that is open.
enum Open {
    Text,
    Refusal,
    Reasoning { summary: bool, redacted: bool },
    Call { empty: bool },
    Media(MediaKind, Option<String>),
}

impl ChatEncoder {
    pub(super) fn new(asked: &Asked<'_>) -> Self {
        Self {
            id: id_of("", asked),
            model: model_of("", asked),
            created: asked.now,
            include_usage: asked.include_usage,
            usage: None,
            choices: BTreeMap::new(),
            audio: format!("audio_{}", asked.id),
        }
    }
}

impl Encoder for ChatEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model, created } => {
                if !id.is_empty() {
                    self.id.clone_from(id);
                }
                if !model.is_empty() {
                    self.model.clone_from(model);
                }
                self.created = created.unwrap_or(self.created);
                self.begin(0, out);
            }
            Event::PartStart { choice, start, .. } => self.part_start(*choice, start, out),
            Event::Delta { choice, delta, .. } => self.delta(*choice, delta, out),
            Event::PartEnd { choice, .. } => self.part_end(*choice, out),
            Event::Logprobs { choice, tokens } => {
                let logprobs = Object::new()
                    .with("content", logprobs::write(tokens))
                    .with("refusal", Value::Null);
                self.chunk(*choice, Object::new(), Some(logprobs), None, out);
            }
            Event::Finish { choice, finish } => {
                self.begin(*choice, out);
                let refused = self.choice(*choice).refused;
                let reason = finish::write(finish, refused);
                self.chunk(*choice, Object::new(), None, Some(reason), out);
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Ping => out.extend_from_slice(b": ping\n\n"),
            Event::End => self.end(out),
            Event::Failed(problem) => out.extend_from_slice(&problem::event(problem)),
        }
    }
}

impl ChatEncoder {
    fn choice(&mut self, choice: u32) -> &mut Choice {
        self.choices.entry(choice).or_default()
    }

    /// The first chunk of a choice says who speaks.
    fn begin(&mut self, choice: u32, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.choice(choice).begun, true) {
            let delta = Object::new().with("role", "assistant").with("content", "");
            self.chunk(choice, delta, None, None, out);
        }
    }

    fn part_start(&mut self, choice: u32, start: &PartStart, out: &mut Vec<u8>) {
        self.begin(choice, out);
        let state = self.choice(choice);
        match start {
            PartStart::Text => {
                state.before += std::mem::take(&mut state.text);
                state.open = Some(Open::Text);
            }
            PartStart::Refusal => {
                state.refused = true;
                state.open = Some(Open::Refusal);
            }
            PartStart::Reasoning { summary, redacted } => {
                state.reasonings += 1;
                state.open = Some(Open::Reasoning {
                    summary: *summary,
                    redacted: *redacted,
                });
            }
            PartStart::Media { kind, media_type } => {
                state.open = Some(Open::Media(*kind, media_type.clone()));
            }
            PartStart::ToolCall {
                id,
                name,
                signature,
            } => {
                state.open = Some(Open::Call { empty: true });
                let index = state.calls;
                state.calls += 1;
                let function = Object::new().with("name", name).with("arguments", "");
                let call = Object::new()
                    .with("index", index)
                    .with("id", id)
                    .with("type", "function")
                    .with("function", function)
                    .maybe(
                        "extra_content",
                        signature.as_ref().map(reasoning::extra_content),
                    );
                let delta = Object::new().with("tool_calls", vec![call]);
                self.chunk(choice, delta, None, None, out);
            }
        }
    }

    fn delta(&mut self, choice: u32, delta: &Delta, out: &mut Vec<u8>) {
        self.begin(choice, out);
        let audio = self.audio.clone();
        let state = self.choice(choice);
        let delta = match (delta, &mut state.open) {
            (Delta::Text(text), Some(Open::Refusal)) => Object::new().with("refusal", text),
            (Delta::Text(text), Some(Open::Reasoning { summary, .. })) => {
                let told = Reasoned {
                    text: Text::new(text),
                    summary: *summary,
                    signature: None,
                    redacted: false,
                };
                let detail = reasoning::detail(&told, state.reasonings - 1);
                Object::new()
                    .with("reasoning_content", text)
                    .with("reasoning_details", vec![detail])
            }
            (Delta::Text(text), _) => {
                state.text += text.chars().count() as u64;
                Object::new().with("content", text)
            }
            (Delta::Arguments(more), open) => {
                if let Some(Open::Call { empty }) = open {
                    *empty &= more.is_empty();
                }
                arguments(state.calls, more)
            }
            (Delta::Signature(signature), Some(Open::Reasoning { summary, redacted })) => {
                let proof = Reasoned {
                    text: Text::new(""),
                    summary: *summary,
                    signature: Some(signature.clone()),
                    redacted: *redacted,
                };
                let detail = reasoning::detail(&proof, state.reasonings - 1);
                Object::new().with("reasoning_details", vec![detail])
            }
            // A call's signature comes with its start.
            (Delta::Signature(_), _) => return,
            (Delta::Citation(one), _) => {
                let annotation = citation::write(one, state.before, state.text);
                Object::new().with("annotations", vec![annotation])
            }
            (Delta::Data(data), Some(Open::Media(MediaKind::Image, media_type))) => {
                let media_type = media_type.as_deref().unwrap_or_else(|| sniffed(data));
                let image = image_part(data_url(media_type, data));
                Object::new().with("images", vec![image])
            }
            (Delta::Data(data), _) => {
                let sound = Object::new().with("id", audio).with("data", data);
                Object::new().with("audio", sound)
            }
        };
        self.chunk(choice, delta, None, None, out);
    }

    fn part_end(&mut self, choice: u32, out: &mut Vec<u8>) {
        let state = self.choice(choice);
        if let Some(Open::Call { empty: true }) = state.open.take() {
            // A call without arguments is one of an empty object, or else SDKs can't parse it.
            let delta = arguments(state.calls, "{}");
            self.chunk(choice, delta, None, None, out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if let (true, Some(told)) = (self.include_usage, self.usage) {
            let none: Vec<Object<'_>> = Vec::new();
            let body = self
                .head()
                .with("choices", none)
                .with("usage", usage(&told));
            sse::write(None, &body.to_bytes(), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    fn head(&self) -> Object<'_> {
        Object::new()
            .with("id", &self.id)
            .with("object", "chat.completion.chunk")
            .with("created", self.created)
            .with("model", &self.model)
    }

    fn chunk(
        &self,
        choice: u32,
        delta: Object<'_>,
        logprobs: Option<Object<'_>>,
        reason: Option<&str>,
        out: &mut Vec<u8>,
    ) {
        let one = Object::new()
            .with("index", choice)
            .with("delta", delta)
            .with("logprobs", logprobs.map_or(Value::Null, Value::from))
            .with("finish_reason", reason.map_or(Value::Null, Value::from));
        let mut body = self.head().with("choices", vec![one]);
        if self.include_usage {
            body.push("usage", Value::Null);
        }
        sse::write(None, &body.to_bytes(), out);
    }
}

/// More of the arguments of the last of so many calls.
fn arguments(calls: u64, more: &str) -> Object<'_> {
    let call = Object::new()
        .with("index", calls.saturating_sub(1))
        .with("function", Object::new().with("arguments", more));
    Object::new().with("tool_calls", vec![call])
}
