//! A provider's stream, read (<https://platform.claude.com/docs/en/build-with-claude/streaming>).

use super::usage::Counts;
use super::{answer, citation, error};
use crate::Format;
use crate::chat::{Delta, Event, Finish, PartStart, Signature};
use crate::codec::{BadAnswer, Decoder};
use crate::frame::Frame;
use crate::json::Value;

/// Reads events of one stream.
#[derive(Debug, Default)]
pub(super) struct Reader {
    started: bool,
    /// The block under way.
    open: Option<Open>,
    /// How many parts there were.
    parts: u32,
    counts: Counts,
    /// A reason to end was given.
    finished: bool,
    /// The stream is over.
    over: bool,
}

/// A block under way.
#[derive(Debug)]
struct Open {
    /// Its number in the stream.
    index: u64,
    /// The part that it is; `None` for one that the canonical form has nothing for.
    part: Option<u32>,
    /// A call of a tool.
    call: bool,
    /// And nothing of its arguments came yet.
    bare_call: bool,
}

impl Decoder for Reader {
    fn frame(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) -> Result<(), BadAnswer> {
        if self.over {
            return Ok(());
        }
        let data = Value::from_bytes(&frame.data)?;
        let kind = data.get("type").and_then(Value::as_str);
        match kind.or(frame.name.as_deref()).unwrap_or_default() {
            "message_start" => self.message(&data, events),
            "content_block_start" => self.block(&data, events),
            "content_block_delta" => self.delta(&data, events),
            "content_block_stop" => self.close(events),
            "message_delta" => self.end_of_message(&data, events),
            "message_stop" => {
                self.start(&Value::Null, events);
                self.close(events);
                self.over = true;
                events.push(Event::End);
            }
            "ping" => {
                self.start(&Value::Null, events);
                events.push(Event::Ping);
            }
            "error" => {
                self.start(&Value::Null, events);
                self.close(events);
                self.over = true;
                events.push(Event::Failed(error::of_event(&data)));
            }
            // Events of sorts that are not known are to be passed over.
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, events: &mut Vec<Event>) {
        if self.over || !self.started {
            return;
        }
        self.over = true;
        self.close(events);
        if self.finished {
            events.push(Event::End);
        }
    }
}

impl Reader {
    fn start(&mut self, message: &Value<'_>, events: &mut Vec<Event>) {
        if self.started {
            return;
        }
        self.started = true;
        let string = |name| message.get(name).and_then(Value::as_str);
        events.push(Event::Start {
            id: string("id").unwrap_or_default().to_owned(),
            model: string("model").unwrap_or_default().to_owned(),
            created: None,
        });
    }

    fn message(&mut self, data: &Value<'_>, events: &mut Vec<Event>) {
        let message = data.get("message").unwrap_or(&Value::Null);
        self.start(message, events);
        self.count(message, events);
    }

    fn count(&mut self, holder: &Value<'_>, events: &mut Vec<Event>) {
        if let Some(usage) = holder.get("usage") {
            self.counts.add(Counts::read(usage));
            events.extend(self.counts.usage().map(Event::Usage));
        }
    }

    fn open(
        &mut self,
        index: u64,
        start: Option<PartStart>,
        events: &mut Vec<Event>,
    ) -> Option<u32> {
        self.start(&Value::Null, events);
        self.close(events);
        let call = matches!(start, Some(PartStart::ToolCall { .. }));
        // Nothing follows the end of a choice.
        let start = start.filter(|_| !self.finished);
        let part = start.map(|start| {
            let part = self.parts;
            self.parts += 1;
            events.push(Event::PartStart {
                choice: 0,
                part,
                start,
            });
            part
        });
        self.open = Some(Open {
            index,
            part,
            call,
            bare_call: call && part.is_some(),
        });
        part
    }

    /// Whether the open block is a call.
    fn is_call(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.call)
    }

    fn close(&mut self, events: &mut Vec<Event>) {
        let Some(open) = self.open.take() else {
            return;
        };
        if let Some(part) = open.part {
            if open.bare_call {
                add(part, Delta::Arguments("{}".to_owned()), events);
            }
            events.push(Event::PartEnd { choice: 0, part });
        }
    }

    fn block(&mut self, data: &Value<'_>, events: &mut Vec<Event>) {
        let index = data.get("index").and_then(Value::as_u64).unwrap_or(0);
        let block = data.get("content_block").unwrap_or(&Value::Null);
        let string = |name| block.get(name).and_then(Value::as_str).unwrap_or_default();
        let start = match string("type") {
            "text" => Some(PartStart::Text),
            "thinking" => Some(PartStart::Reasoning {
                summary: false,
                redacted: false,
            }),
            "redacted_thinking" => Some(PartStart::Reasoning {
                summary: false,
                redacted: true,
            }),
            "tool_use" => Some(PartStart::ToolCall {
                id: string("id").to_owned(),
                name: string("name").to_owned(),
                signature: None,
            }),
            _ => None,
        };
        let Some(part) = self.open(index, start, events) else {
            return;
        };
        let call = self.is_call();
        // A block may begin with some of what it holds.
        for words in [string("text"), string("thinking")] {
            if !words.is_empty() && !call {
                add(part, Delta::Text(words.to_owned()), events);
            }
        }
        for token in [string("signature"), string("data")] {
            if !token.is_empty() {
                add(part, signature(token), events);
            }
        }
        let citations = block.get("citations").and_then(Value::as_array);
        for cited in citations.unwrap_or_default() {
            cite(part, cited, events);
        }
        if let Some(Value::Object(input)) =
            block.get("input").filter(|_| string("type") == "tool_use")
            && !input.is_empty()
        {
            self.arguments(part, Value::Object(input.clone()).to_json(), events);
        }
    }

    fn arguments(&mut self, part: u32, more: String, events: &mut Vec<Event>) {
        if more.is_empty() {
            return;
        }
        let Some(open) = self.open.as_mut().filter(|open| open.call) else {
            return;
        };
        open.bare_call = false;
        add(part, Delta::Arguments(more), events);
    }

    fn delta(&mut self, data: &Value<'_>, events: &mut Vec<Event>) {
        let index = data.get("index").and_then(Value::as_u64).unwrap_or(0);
        let delta = data.get("delta").unwrap_or(&Value::Null);
        let string = |name| delta.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = string("type");
        let part = match &self.open {
            Some(open) if open.index == index => open.part,
            // Some who are compatible do not say that a block begins.
            _ => {
                let start = match kind {
                    "text_delta" => Some(PartStart::Text),
                    "thinking_delta" => Some(PartStart::Reasoning {
                        summary: false,
                        redacted: false,
                    }),
                    _ => None,
                };
                self.open(index, start, events)
            }
        };
        let Some(part) = part else {
            return;
        };
        match kind {
            // No block of this sort has it.
            "text_delta" | "thinking_delta" if self.is_call() => {}
            "text_delta" => add(part, Delta::Text(string("text").to_owned()), events),
            "thinking_delta" => add(part, Delta::Text(string("thinking").to_owned()), events),
            "signature_delta" => add(part, signature(string("signature")), events),
            "input_json_delta" => {
                self.arguments(part, string("partial_json").to_owned(), events);
            }
            "citations_delta" => {
                if let Some(cited) = delta.get("citation") {
                    cite(part, cited, events);
                }
            }
            _ => {}
        }
    }

    /// Tells what a refusal says of itself.
    fn explain(&mut self, delta: &Value<'_>, events: &mut Vec<Event>) {
        let Some(said) = answer::explanation(delta) else {
            return;
        };
        let part = self.parts;
        self.parts += 1;
        events.push(Event::PartStart {
            choice: 0,
            part,
            start: PartStart::Refusal,
        });
        add(part, Delta::Text(said.to_owned()), events);
        events.push(Event::PartEnd { choice: 0, part });
    }

    fn end_of_message(&mut self, data: &Value<'_>, events: &mut Vec<Event>) {
        self.start(&Value::Null, events);
        let delta = data.get("delta").unwrap_or(&Value::Null);
        let string = |name| delta.get(name).and_then(Value::as_str);
        if let Some(reason) = string("stop_reason").filter(|_| !self.finished) {
            self.close(events);
            self.explain(delta, events);
            self.finished = true;
            let finish: Finish = answer::finish(reason, string("stop_sequence"));
            events.push(Event::Finish { choice: 0, finish });
        }
        self.count(data, events);
    }
}

fn add(part: u32, delta: Delta, events: &mut Vec<Event>) {
    events.push(Event::Delta {
        choice: 0,
        part,
        delta,
    });
}

fn cite(part: u32, cited: &Value<'_>, events: &mut Vec<Event>) {
    if let Some(citation) = citation::read(&cited.clone().into_owned()) {
        add(part, Delta::Citation(citation), events);
    }
}

fn signature(token: &str) -> Delta {
    Delta::Signature(Signature::from_token(
        token.to_owned().into(),
        Format::Messages,
    ))
}
