//! An answer as a caller's stream.

use super::super::answer::{write_finish, write_logprob};
use super::super::{cite, problem, usage};
use crate::chat::{Delta, Event, Finish, PartStart};
use crate::codec::{Asked, Encoder};
use crate::json::{Object, Value};
use crate::{Format, Usage, sse};

/// How much of a text is kept to say which of its words are cited.
const MOST_TEXT: usize = 1 << 20;

/// Writes a stream of one choice: Cohere has no more.
#[derive(Debug)]
pub(in crate::dialect::cohere) struct Encode {
    id: String,
    started: bool,
    /// The index of the block or call that is open, or comes next.
    blocks: u32,
    calls: u32,
    cited: u32,
    open: Option<Open>,
    text: String,
    names: cite::Names,
    finish: Option<Finish>,
    usage: Option<Usage>,
    done: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Call,
    /// A file, shown as text that links to it: Cohere's models answer in words alone.
    File,
}

impl Encode {
    pub(in crate::dialect::cohere) fn new(asked: &Asked<'_>) -> Self {
        Self {
            id: asked.id.to_owned(),
            started: false,
            blocks: 0,
            calls: 0,
            cited: 0,
            open: None,
            text: String::new(),
            names: cite::Names::of(asked),
            finish: None,
            usage: None,
            done: false,
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.started {
            return;
        }
        self.started = true;
        let none = || Vec::<Value<'_>>::new();
        let message = Object::new()
            .with("role", "assistant")
            .with("content", none())
            .with("tool_plan", "")
            .with("tool_calls", none())
            .with("citations", none());
        let object = Object::new()
            .with("id", self.id.clone())
            .with("type", "message-start")
            .with("delta", Object::new().with("message", message));
        sse::write(Some("message-start"), &object.to_bytes(), out);
    }

    fn start(&mut self, start: &PartStart, out: &mut Vec<u8>) {
        let kind = match start {
            PartStart::Text | PartStart::Refusal => {
                self.text.clear();
                self.open = Some(Open::Text);
                "text"
            }
            PartStart::Reasoning { .. } => {
                self.open = Some(Open::Thinking);
                "thinking"
            }
            PartStart::ToolCall {
                id,
                name,
                signature,
            } => {
                self.open = Some(Open::Call);
                let token = signature.as_ref().map(|one| one.to_token(Format::Cohere));
                let function = Object::new().with("name", name).with("arguments", "");
                let call = Object::new()
                    .with("id", id)
                    .with("type", "function")
                    .with("function", function)
                    .maybe("signature", token);
                return event("tool-call-start", self.calls, "tool_calls", call, out);
            }
            PartStart::Media { media_type, .. } => {
                self.open = Some(Open::File);
                let media_type = media_type.as_deref().unwrap_or("image/png");
                let content = Object::new().with("type", "text").with("text", "");
                event("content-start", self.blocks, "content", content, out);
                self.words(&format!("![](data:{media_type};base64,"), out);
                return;
            }
        };
        let content = Object::new().with("type", kind).with(kind, "");
        event("content-start", self.blocks, "content", content, out);
    }

    fn delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        let content = match (self.open, delta) {
            (Some(Open::Text), Delta::Text(text)) => {
                if self.text.len() + text.len() <= MOST_TEXT {
                    self.text.push_str(text);
                }
                Object::new().with("text", text)
            }
            (Some(Open::File), Delta::Data(data)) => Object::new().with("text", data),
            (Some(Open::Thinking), Delta::Text(text)) => Object::new().with("thinking", text),
            (Some(Open::Thinking), Delta::Signature(signature)) => Object::new()
                .with("thinking", "")
                .with("signature", signature.to_token(Format::Cohere)),
            (Some(Open::Call), Delta::Arguments(more)) => {
                let function = Object::new().with("arguments", more);
                let call = Object::new().with("function", function);
                return event("tool-call-delta", self.calls, "tool_calls", call, out);
            }
            (Some(Open::Text), Delta::Citation(citation)) => {
                let cited = cite::write(citation, &self.text, self.blocks, &self.names);
                event("citation-start", self.cited, "citations", cited, out);
                end("citation-end", self.cited, out);
                self.cited += 1;
                return;
            }
            _ => return,
        };
        event("content-delta", self.blocks, "content", content, out);
    }

    fn words(&self, text: &str, out: &mut Vec<u8>) {
        let content = Object::new().with("text", text);
        event("content-delta", self.blocks, "content", content, out);
    }

    fn stop(&mut self, out: &mut Vec<u8>) {
        if self.open == Some(Open::File) {
            self.words(")", out);
        }
        match self.open.take() {
            Some(Open::Text | Open::Thinking | Open::File) => {
                end("content-end", self.blocks, out);
                self.blocks += 1;
            }
            Some(Open::Call) => {
                end("tool-call-end", self.calls, out);
                self.calls += 1;
            }
            None => {}
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let reason = self.finish.as_ref().map_or("COMPLETE", write_finish);
        let delta = Object::new()
            .with("finish_reason", reason)
            .maybe("usage", self.usage.as_ref().map(usage::write));
        let object = Object::new()
            .with("type", "message-end")
            .with("delta", delta);
        sse::write(Some("message-end"), &object.to_bytes(), out);
        sse::write(None, b"[DONE]", out);
    }
}

impl Encoder for Encode {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.done {
            return;
        }
        match event {
            Event::Start { id, .. } => {
                if !id.is_empty() {
                    self.id.clone_from(id);
                }
                self.begin(out);
            }
            Event::PartStart {
                choice: 0, start, ..
            } => {
                self.begin(out);
                self.start(start, out);
            }
            Event::Delta {
                choice: 0, delta, ..
            } => self.delta(delta, out),
            Event::PartEnd { choice: 0, .. } => self.stop(out),
            Event::Logprobs { choice: 0, tokens } => {
                for token in tokens {
                    let content = Object::new().with("text", "");
                    let object = Object::new()
                        .with("type", "content-delta")
                        .with("index", self.blocks)
                        .with(
                            "delta",
                            Object::new().with("message", Object::new().with("content", content)),
                        )
                        .with("logprobs", write_logprob(token));
                    sse::write(Some("content-delta"), &object.to_bytes(), out);
                }
            }
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::End => {
                self.begin(out);
                self.end(out);
                self.done = true;
            }
            Event::Failed(problem) => {
                out.extend_from_slice(&problem::event(problem));
                self.done = true;
            }
            _ => {}
        }
    }
}

fn event(
    kind: &'static str,
    index: u32,
    field: &'static str,
    inside: Object<'_>,
    out: &mut Vec<u8>,
) {
    let delta = Object::new().with("message", Object::new().with(field, inside));
    let object = Object::new()
        .with("type", kind)
        .with("index", index)
        .with("delta", delta);
    sse::write(Some(kind), &object.to_bytes(), out);
}

fn end(kind: &'static str, index: u32, out: &mut Vec<u8>) {
    let object = Object::new().with("type", kind).with("index", index);
    sse::write(Some(kind), &object.to_bytes(), out);
}
