//! A provider's stream of chunks (<https://platform.openai.com/docs/api-reference/chat-streaming>).

mod choice;
mod waiting;

use std::collections::BTreeMap;

use crate::Usage;
use crate::chat::{Citation, Event};
use crate::codec::{BadAnswer, Decoder};
use crate::dialect::openai::problem;
use crate::frame::Frame;
use crate::json::Value;
use choice::Choice;

use super::citation;

/// Choices beyond this many make no sense: OpenAI gives 128 at most.
const MAX_CHOICES: u32 = 1024;

/// See [`Decoder`].
///
/// A choice's finish is told at the end of the stream and not before, since some providers say more of a choice behind
/// its reason to end.
#[derive(Debug, Default)]
pub(super) struct ChatDecoder {
    started: bool,
    ended: bool,
    choices: BTreeMap<u32, Choice>,
    usage: Option<Usage>,
    /// What Perplexity tells beside the choices.
    beside: Vec<Citation<'static>>,
}

impl Decoder for ChatDecoder {
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
            self.start(None, events);
            self.close(events);
            self.ended = true;
            events.push(Event::Failed(problem));
            return Ok(());
        }
        self.chunk(&chunk, events)
    }

    fn finish(&mut self, events: &mut Vec<Event>) {
        if self.ended {
            return;
        }
        let whole = self.choices.values().all(Choice::is_finished);
        if whole && !self.choices.is_empty() {
            self.end(events);
        } else {
            self.close(events);
        }
    }
}

impl ChatDecoder {
    fn chunk(&mut self, chunk: &Value<'_>, events: &mut Vec<Event>) -> Result<(), BadAnswer> {
        let choices = chunk
            .get("choices")
            .and_then(Value::as_array)
            .unwrap_or_default();
        // Azure's first chunk tells of its filters, and neither model nor id.
        if !choices.is_empty() {
            self.start(Some(chunk), events);
        }
        let beside = citation::beside(chunk);
        if !beside.is_empty() {
            self.beside = beside;
        }
        let mut usage = chunk.get("usage").and_then(Usage::of_openai);
        for (at, value) in (0..).zip(choices) {
            let index = value.get("index").and_then(Value::as_u64);
            let index = u32::try_from(index.unwrap_or(at)).unwrap_or(u32::MAX);
            if index >= MAX_CHOICES {
                return Err(BadAnswer::new("a choice's index is too large"));
            }
            let choice = self.choices.entry(index).or_default();
            choice.chunk(index, value, events)?;
            // Moonshot's.
            usage = usage.or_else(|| value.get("usage").and_then(Usage::of_openai));
        }
        let groq = || chunk.get("x_groq")?.get("usage").and_then(Usage::of_openai);
        let usage = usage.or_else(groq);
        if usage.is_some() && usage != self.usage {
            self.usage = usage;
            self.start(Some(chunk), events);
            events.extend(usage.map(Event::Usage));
        }
        Ok(())
    }

    fn start(&mut self, chunk: Option<&Value<'_>>, events: &mut Vec<Event>) {
        if self.started {
            return;
        }
        self.started = true;
        let text = |name: &str| {
            let text = chunk.and_then(|chunk| chunk.get(name)?.as_str());
            text.unwrap_or_default().to_owned()
        };
        events.push(Event::Start {
            id: text("id"),
            model: text("model"),
            created: chunk.and_then(|chunk| chunk.get("created")?.as_i64()),
        });
    }

    fn close(&mut self, events: &mut Vec<Event>) {
        let mut beside = std::mem::take(&mut self.beside);
        for (index, choice) in &mut self.choices {
            choice.close_with(*index, &mut beside, events);
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        self.start(None, events);
        self.close(events);
        for (index, choice) in &self.choices {
            events.push(Event::Finish {
                choice: *index,
                finish: choice.finish(),
            });
        }
        self.ended = true;
        events.push(Event::End);
    }
}
