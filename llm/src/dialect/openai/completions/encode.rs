//! A stream of chunks of text for a caller.

use std::collections::{BTreeMap, BTreeSet};

use crate::Usage;
use crate::chat::{Delta, Event, PartStart};
use crate::codec::{Asked, Encoder};
use crate::dialect::openai::chat::{finish, usage};
use crate::dialect::openai::problem;
use crate::json::{Object, Value};
use crate::sse;

use super::{head, logprobs};

/// See [`Encoder`].
pub(super) struct CompletionEncoder {
    head: Object<'static>,
    id: String,
    model: String,
    now: i64,
    include_usage: bool,
    usage: Option<Usage>,
    /// The choices whose open part is text.
    texts: BTreeSet<u32>,
    /// Characters of each choice whose tokens were told.
    told: BTreeMap<u32, u64>,
}

impl CompletionEncoder {
    pub(super) fn new(asked: &Asked<'_>) -> Self {
        Self {
            head: head("", "", None, asked),
            id: asked.id.to_owned(),
            model: asked.model.to_owned(),
            now: asked.now,
            include_usage: asked.include_usage,
            usage: None,
            texts: BTreeSet::new(),
            told: BTreeMap::new(),
        }
    }

    fn chunk(
        &self,
        choice: u32,
        text: &str,
        logprobs: Value<'_>,
        reason: Value<'_>,
        out: &mut Vec<u8>,
    ) {
        let one = Object::new()
            .with("text", text)
            .with("index", choice)
            .with("logprobs", logprobs)
            .with("finish_reason", reason);
        let body = self.head.clone().with("choices", vec![one]);
        sse::write(None, &body.to_bytes(), out);
    }
}

impl Encoder for CompletionEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model, created } => {
                let asked = Asked {
                    model: &self.model,
                    stream: true,
                    include_usage: self.include_usage,
                    id: &self.id,
                    now: self.now,
                    body: None,
                    framing: crate::frame::Framing::Sse,
                };
                self.head = head(id, model, *created, &asked);
            }
            Event::PartStart { choice, start, .. } => {
                if matches!(start, PartStart::Text | PartStart::Refusal) {
                    self.texts.insert(*choice);
                }
            }
            Event::Delta {
                choice,
                delta: Delta::Text(text),
                ..
            } if self.texts.contains(choice) => {
                self.chunk(*choice, text, Value::Null, Value::Null, out);
            }
            Event::Delta { .. } => {}
            Event::PartEnd { choice, .. } => {
                self.texts.remove(choice);
            }
            Event::Logprobs { choice, tokens } => {
                let told = self.told.entry(*choice).or_default();
                let logprobs = logprobs::write(tokens, *told);
                let more = tokens.iter().map(|one| one.token.token.chars().count());
                *told += more.sum::<usize>() as u64;
                self.chunk(*choice, "", logprobs, Value::Null, out);
            }
            Event::Finish { choice, finish } => {
                let reason = finish::write_completion(finish).into();
                self.chunk(*choice, "", Value::Null, reason, out);
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Ping => out.extend_from_slice(b": ping\n\n"),
            Event::End => {
                if let (true, Some(told)) = (self.include_usage, self.usage) {
                    let none: Vec<Object<'_>> = Vec::new();
                    let body = self.head.clone();
                    let body = body.with("choices", none).with("usage", usage(&told));
                    sse::write(None, &body.to_bytes(), out);
                }
                out.extend_from_slice(b"data: [DONE]\n\n");
            }
            Event::Failed(problem) => out.extend_from_slice(&problem::event(problem)),
        }
    }
}
