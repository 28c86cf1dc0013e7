//! A provider's stream as events.

use super::super::answer::{finish, logprob};
use super::super::{cite, usage};
use crate::Format;
use crate::chat::{Delta, Event, PartStart, Problem, Signature};
use crate::codec::{BadAnswer, Decoder};
use crate::frame::Frame;
use crate::json::Value;

/// Reads a stream. A text stays open past its end, as what it cites may come behind it.
#[derive(Debug, Default)]
pub(in crate::dialect::cohere) struct Decode {
    started: bool,
    part: u32,
    open: Option<Open>,
    /// The end came, or an error.
    over: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Plan,
    Call,
}

impl Decoder for Decode {
    fn frame(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) -> Result<(), BadAnswer> {
        if self.over || frame.data.trim_ascii() == b"[DONE]" || frame.data.trim_ascii().is_empty() {
            return Ok(());
        }
        let value = Value::from_bytes(&frame.data)?;
        let kind = value.get("type").and_then(Value::as_str);
        let kind = kind
            .or(frame.name.as_deref())
            .unwrap_or_default()
            .to_owned();
        self.event(&kind, &value, events);
        Ok(())
    }

    fn finish(&mut self, events: &mut Vec<Event>) {
        if !self.over {
            self.close(events);
        }
        self.over = true;
    }
}

impl Decode {
    fn event(&mut self, kind: &str, value: &Value<'_>, events: &mut Vec<Event>) {
        if kind != "message-start" {
            self.start(None, events);
        }
        let message = value.get("delta").and_then(|delta| delta.get("message"));
        let content = message.and_then(|message| message.get("content"));
        let call = message.and_then(|message| message.get("tool_calls"));
        match kind {
            "message-start" => self.start(text(value, "id"), events),
            "content-start" => self.content(content, true, events),
            "content-delta" => {
                self.content(content, false, events);
                let tokens: Vec<_> = value.get("logprobs").map(logprob).into_iter().collect();
                if !tokens.is_empty() {
                    events.push(Event::Logprobs { choice: 0, tokens });
                }
            }
            "tool-plan-delta" => {
                let words = message.and_then(|message| text(message, "tool_plan"));
                if let Some(words) = words.filter(|words| !words.is_empty()) {
                    self.open(Open::Plan, reasoning(), events);
                    self.delta(Delta::Text(words.to_owned()), events);
                }
            }
            "tool-call-start" => {
                if let Some(call) = call {
                    self.call(call, events);
                }
            }
            "tool-call-delta" => {
                let function = call.and_then(|call| call.get("function"));
                if let Some(more) = function.and_then(|function| text(function, "arguments"))
                    && self.open == Some(Open::Call)
                    && !more.is_empty()
                {
                    self.delta(Delta::Arguments(more.to_owned()), events);
                }
            }
            "tool-call-end" => self.close(events),
            "citation-start" => {
                if let Some(citation) = message.and_then(|message| message.get("citations"))
                    && self.open == Some(Open::Text)
                {
                    for citation in cite::read(citation) {
                        self.delta(Delta::Citation(citation), events);
                    }
                }
            }
            "message-end" => self.end(value, events),
            _ => self.other(value, events),
        }
    }

    fn start(&mut self, id: Option<&str>, events: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            events.push(Event::Start {
                id: id.unwrap_or_default().to_owned(),
                model: String::new(),
                created: None,
            });
        }
    }

    fn content(&mut self, content: Option<&Value<'_>>, new: bool, events: &mut Vec<Event>) {
        let Some(content) = content else { return };
        let thinking = text(content, "thinking");
        let is_thinking = match text(content, "type") {
            Some(kind) => kind == "thinking",
            None => thinking.is_some(),
        };
        if new {
            self.close(events);
        }
        if is_thinking {
            self.open(Open::Thinking, reasoning(), events);
        } else {
            self.open(Open::Text, PartStart::Text, events);
        }
        let words = if is_thinking {
            thinking
        } else {
            text(content, "text")
        };
        if let Some(words) = words.filter(|words| !words.is_empty()) {
            self.delta(Delta::Text(words.to_owned()), events);
        }
        if let Some(token) = text(content, "signature").filter(|_| is_thinking) {
            let signature = Signature::from_token(token.to_owned().into(), Format::Cohere);
            self.delta(Delta::Signature(signature), events);
        }
    }

    fn call(&mut self, call: &Value<'_>, events: &mut Vec<Event>) {
        let function = call.get("function");
        let inside = |name| {
            function
                .and_then(|function| text(function, name))
                .unwrap_or_default()
        };
        let signature = text(call, "signature").map(str::to_owned);
        let start = PartStart::ToolCall {
            id: text(call, "id").unwrap_or_default().to_owned(),
            name: inside("name").to_owned(),
            signature: signature.map(|token| Signature::from_token(token.into(), Format::Cohere)),
        };
        self.close(events);
        self.open(Open::Call, start, events);
        let arguments = inside("arguments");
        if !arguments.is_empty() {
            self.delta(Delta::Arguments(arguments.to_owned()), events);
        }
    }

    fn end(&mut self, value: &Value<'_>, events: &mut Vec<Event>) {
        self.close(events);
        self.over = true;
        let delta = value.get("delta");
        if let Some(error) = delta.and_then(|delta| text(delta, "error")) {
            events.push(Event::Failed(Problem {
                code: None,
                ..Problem::new(500, "", error)
            }));
            return;
        }
        if let Some(used) = delta
            .and_then(|delta| delta.get("usage"))
            .and_then(usage::read)
        {
            events.push(Event::Usage(used));
        }
        if let Some(reason) = delta.and_then(|delta| text(delta, "finish_reason")) {
            events.push(Event::Finish {
                choice: 0,
                finish: finish(reason),
            });
        }
        events.push(Event::End);
    }

    /// An error has no type; what else there is says nothing.
    fn other(&mut self, value: &Value<'_>, events: &mut Vec<Event>) {
        if value.get("type").is_none()
            && let Some(message) = text(value, "message")
        {
            self.over = true;
            events.push(Event::Failed(Problem {
                code: None,
                ..Problem::new(500, "", message)
            }));
        }
    }

    fn open(&mut self, open: Open, start: PartStart, events: &mut Vec<Event>) {
        if self.open == Some(open) {
            return;
        }
        self.close(events);
        self.open = Some(open);
        events.push(Event::PartStart {
            choice: 0,
            part: self.part,
            start,
        });
    }

    fn delta(&self, delta: Delta, events: &mut Vec<Event>) {
        events.push(Event::Delta {
            choice: 0,
            part: self.part,
            delta,
        });
    }

    fn close(&mut self, events: &mut Vec<Event>) {
        if self.open.take().is_some() {
            events.push(Event::PartEnd {
                choice: 0,
                part: self.part,
            });
            self.part += 1;
        }
    }
}

fn text<'v>(value: &'v Value<'_>, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

fn reasoning() -> PartStart {
    PartStart::Reasoning {
        summary: false,
        redacted: false,
    }
}
