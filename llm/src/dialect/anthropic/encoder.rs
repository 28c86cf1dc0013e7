//! A stream, written for a caller (<https://platform.claude.com/docs/en/build-with-claude/streaming>).

use super::{answer, citation, error, usage};
use crate::chat::{Citation, Delta, Event, Finish, PartStart, Signature};
use crate::codec::{Asked, Encoder};
use crate::json::{Object, Value};
use crate::{Format, Usage, sse};

/// Writes events of one stream. Of several choices the first is written: its callers can't ask for more.
#[derive(Debug)]
pub(super) struct Writer {
    id: String,
    model: String,
    /// `message_start` is written. It waits for the first event but usage, so that it can tell what went in.
    begun: bool,
    over: bool,
    usage: Usage,
    finish: Option<Finish>,
    /// The number of the next block.
    next: u64,
    open: Open,
}

/// What of the part under way is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    Block,
    /// A hidden thought, which is written once its signature is there.
    Redacted,
    /// A file, shown as text.
    File,
}

impl Writer {
    pub(super) fn new(asked: &Asked<'_>) -> Self {
        Self {
            id: answer::message_id("", asked),
            model: asked.model.to_owned(),
            begun: false,
            over: false,
            usage: Usage::default(),
            finish: None,
            next: 0,
            open: Open::Nothing,
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.begun {
            return;
        }
        self.begun = true;
        let so_far = Usage {
            output: self.usage.output.min(1),
            reasoning: None,
            ..self.usage
        };
        let message = Object::new()
            .with("id", &self.id)
            .with("type", "message")
            .with("role", "assistant")
            .with("model", &self.model)
            .with("content", Value::Array(Vec::new()))
            .with("stop_reason", Value::Null)
            .with("stop_sequence", Value::Null)
            .with("usage", usage::write(&so_far));
        send("message_start", Object::new().with("message", message), out);
    }

    fn block(&mut self, block: Object<'_>, out: &mut Vec<u8>) {
        let start = Object::new()
            .with("index", self.next)
            .with("content_block", block);
        send("content_block_start", start, out);
    }

    fn delta(&self, kind: &str, field: &str, value: Value<'_>, out: &mut Vec<u8>) {
        let delta = Object::new()
            .with("type", kind.to_owned())
            .with(field.to_owned(), value);
        let delta = Object::new().with("index", self.next).with("delta", delta);
        send("content_block_delta", delta, out);
    }

    fn text(&self, text: &str, out: &mut Vec<u8>) {
        self.delta("text_delta", "text", text.into(), out);
    }

    /// Ends the block under way.
    fn stop(&mut self, out: &mut Vec<u8>) {
        match self.open {
            Open::Nothing | Open::Redacted => {}
            Open::Block | Open::File => {
                if self.open == Open::File {
                    self.text(")", out);
                }
                let stop = Object::new().with("index", self.next);
                send("content_block_stop", stop, out);
                self.next += 1;
            }
        }
        self.open = Open::Nothing;
    }

    /// A whole hidden thought.
    fn redacted(&mut self, signature: &Signature<'_>, out: &mut Vec<u8>) {
        let block = Object::new()
            .with("type", "redacted_thinking")
            .with("data", signature.to_token(Format::Messages));
        self.block(block, out);
        self.open = Open::Block;
        self.stop(out);
    }

    fn start_part(&mut self, start: &PartStart, out: &mut Vec<u8>) {
        self.stop(out);
        self.open = Open::Block;
        let empty_text = || Object::new().with("type", "text").with("text", "");
        match start {
            PartStart::Text | PartStart::Refusal => self.block(empty_text(), out),
            PartStart::Reasoning { redacted: true, .. } => self.open = Open::Redacted,
            PartStart::Reasoning { .. } => {
                let block = Object::new()
                    .with("type", "thinking")
                    .with("thinking", "")
                    .with("signature", "");
                self.block(block, out);
            }
            PartStart::ToolCall {
                id,
                name,
                signature,
            } => {
                if let Some(signature) = signature {
                    self.redacted(signature, out);
                    self.open = Open::Block;
                }
                let block = Object::new()
                    .with("type", "tool_use")
                    .with("id", id)
                    .with("name", name)
                    .with("input", Object::new());
                self.block(block, out);
            }
            PartStart::Media { media_type, .. } => {
                self.open = Open::File;
                self.block(empty_text(), out);
                let media_type = media_type.as_deref().unwrap_or("image/png");
                self.text(&format!("![](data:{media_type};base64,"), out);
            }
        }
    }

    fn part_delta(&mut self, delta: &Delta, thinking: bool, out: &mut Vec<u8>) {
        match (delta, self.open) {
            (Delta::Signature(signature), Open::Redacted) => {
                self.redacted(signature, out);
            }
            (_, Open::Nothing | Open::Redacted) => {}
            (Delta::Text(text), _) if thinking => {
                self.delta("thinking_delta", "thinking", (&**text).into(), out);
            }
            (Delta::Text(text) | Delta::Data(text), _) => self.text(text, out),
            (Delta::Arguments(more), _) => {
                self.delta("input_json_delta", "partial_json", (&**more).into(), out);
            }
            (Delta::Signature(signature), _) if thinking => {
                let token = signature.to_token(Format::Messages);
                self.delta("signature_delta", "signature", token.into(), out);
            }
            (Delta::Signature(_), _) => {}
            (Delta::Citation(cited), _) => self.cite(cited, out),
        }
    }

    fn cite(&self, cited: &Citation<'_>, out: &mut Vec<u8>) {
        let cited = citation::write(cited).into();
        self.delta("citations_delta", "citation", cited, out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        self.stop(out);
        self.over = true;
        let finish = self.finish.take().unwrap_or(Finish::Stop);
        let delta = Object::new()
            .with("stop_reason", answer::stop_reason(&finish))
            .with("stop_sequence", answer::stop_sequence(&finish));
        let message = Object::new()
            .with("delta", delta)
            .with("usage", usage::write(&self.usage));
        send("message_delta", message, out);
        send("message_stop", Object::new(), out);
    }
}

/// Writes one event: its type is its name.
fn send(name: &'static str, fields: Object<'_>, out: &mut Vec<u8>) {
    let mut event = Object::new().with("type", name);
    for (name, value) in fields {
        event.push(name, value);
    }
    sse::write(Some(name), &event.to_bytes(), out);
}

/// The writer, and of what sort the part under way is.
#[derive(Debug)]
pub(super) struct Stream {
    writer: Writer,
    thinking: bool,
}

impl Stream {
    pub(super) fn new(asked: &Asked<'_>) -> Self {
        Self {
            writer: Writer::new(asked),
            thinking: false,
        }
    }
}

impl Encoder for Stream {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        let writer = &mut self.writer;
        if writer.over {
            return;
        }
        match event {
            Event::Start { id, model, .. } => {
                if !id.is_empty() {
                    writer.id.clone_from(id);
                }
                if !model.is_empty() {
                    writer.model.clone_from(model);
                }
                return;
            }
            Event::Usage(usage) => {
                writer.usage = *usage;
                return;
            }
            Event::Failed(problem) => {
                writer.over = true;
                out.extend_from_slice(&error::event(problem));
                return;
            }
            _ => writer.begin(out),
        }
        match event {
            Event::PartStart {
                choice: 0, start, ..
            } => {
                self.thinking = matches!(start, PartStart::Reasoning { .. });
                writer.start_part(start, out);
            }
            Event::Delta {
                choice: 0, delta, ..
            } => writer.part_delta(delta, self.thinking, out),
            Event::PartEnd { choice: 0, .. } => writer.stop(out),
            Event::Finish { choice: 0, finish } => writer.finish = Some(finish.clone()),
            Event::Ping => send("ping", Object::new(), out),
            Event::End => writer.end(out),
            _ => {}
        }
    }
}
