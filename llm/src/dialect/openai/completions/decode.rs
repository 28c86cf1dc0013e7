//! A provider's stream of chunks of text.

use std::collections::BTreeMap;

use crate::Usage;
use crate::chat::{Delta, Event, PartStart};
use crate::codec::{BadAnswer, Decoder};
use crate::dialect::openai::chat::finish;
use crate::dialect::openai::problem;
use crate::frame::Frame;
use crate::json::Value;

use super::logprobs;

/// Choices beyond this many make no sense for callers of other formats: OpenAI gives 128 at most of a prompt, and as many
/// are read of a chat.
const MAX_CHOICES: u32 = 1024;

/// See [`Decoder`].
#[derive(Debug, Default)]
pub(super) struct CompletionDecoder {
    started: bool,
    ended: bool,
    choices: BTreeMap<u32, Choice>,
    usage: Option<Usage>,
}

#[derive(Debug, Default)]
struct Choice {
    open: bool,
    reason: Option<String>,
}

impl Decoder for CompletionDecoder {
    fn frame(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) -> Result<(), BadAnswer> {
        let data = frame.data.trim_ascii();
        if self.ended || data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            self.end(events);
            return Ok(());
        }
        let chunk = Value::from_bytes(data)?;
        if let Some(problem) = problem::in_stream(&chunk, frame.name.as_deref()) {
            self.start(&chunk, events);
            self.close(events);
            self.ended = true;
            events.push(Event::Failed(problem));
            return Ok(());
        }
        self.start(&chunk, events);
        let choices = chunk.get("choices").and_then(Value::as_array);
        for (at, one) in (0..).zip(choices.unwrap_or_default()) {
            let index = one.get("index").and_then(Value::as_u64).unwrap_or(at);
            let index = u32::try_from(index)
                .ok()
                .filter(|index| *index < MAX_CHOICES)
                .ok_or_else(|| BadAnswer::new("there are too many choices"))?;
            self.choice(index, one, events);
        }
        let usage = chunk.get("usage").and_then(Usage::of_openai);
        if usage.is_some() && usage != self.usage {
            self.usage = usage;
            events.extend(usage.map(Event::Usage));
        }
        Ok(())
    }

    fn finish(&mut self, events: &mut Vec<Event>) {
        if self.ended {
            return;
        }
        let whole = self.choices.values().all(|choice| choice.reason.is_some());
        if whole && !self.choices.is_empty() {
            self.end(events);
        } else {
            self.close(events);
        }
    }
}

impl CompletionDecoder {
    fn choice(&mut self, index: u32, value: &Value<'_>, events: &mut Vec<Event>) {
        let choice = self.choices.entry(index).or_default();
        let text = value
            .get("text")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !text.is_empty() {
            if !std::mem::replace(&mut choice.open, true) {
                events.push(Event::PartStart {
                    choice: index,
                    part: 0,
                    start: PartStart::Text,
                });
            }
            events.push(Event::Delta {
                choice: index,
                part: 0,
                delta: Delta::Text(text.to_owned()),
            });
        }
        let tokens = value.get("logprobs").map(logprobs::read);
        if let Some(tokens) = tokens.filter(|tokens| !tokens.is_empty()) {
            events.push(Event::Logprobs {
                choice: index,
                tokens,
            });
        }
        if let Some(reason) = value.get("finish_reason").and_then(Value::as_str)
            && !reason.is_empty()
        {
            choice.reason = Some(reason.to_owned());
        }
    }

    fn start(&mut self, chunk: &Value<'_>, events: &mut Vec<Event>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let text = |name: &str| {
            let text = chunk.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        events.push(Event::Start {
            id: text("id"),
            model: text("model"),
            created: chunk.get("created").and_then(Value::as_i64),
        });
    }

    fn close(&mut self, events: &mut Vec<Event>) {
        for (&choice, state) in &mut self.choices {
            if std::mem::take(&mut state.open) {
                events.push(Event::PartEnd { choice, part: 0 });
            }
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        self.start(&Value::Null, events);
        self.close(events);
        for (&choice, state) in &self.choices {
            let reason = state.reason.as_deref().unwrap_or("stop");
            events.push(Event::Finish {
                choice,
                finish: finish::read(reason, false),
            });
        }
        self.ended = true;
        events.push(Event::End);
    }
}
