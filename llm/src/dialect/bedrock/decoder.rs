//! A provider's stream, read
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>).

use super::{answer, block, error, usage};
use crate::Format;
use crate::chat::{Delta, Event, MediaKind, PartStart, Signature};
use crate::codec::{BadAnswer, Decoder};
use crate::frame::Frame;
use crate::json::Value;

/// Reads events of one stream.
#[derive(Debug, Default)]
pub(super) struct Reader {
    started: bool,
    open: Option<Open>,
    /// How many parts there were.
    parts: u32,
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
    /// The part that it is now, and its sort; `None` for one that the canonical form has nothing for.
    part: Option<(u32, Sort)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Text,
    Reasoning,
    Redacted,
    /// Nothing of the arguments came yet.
    BareCall,
    Call,
    Image,
}

impl Decoder for Reader {
    fn frame(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) -> Result<(), BadAnswer> {
        if self.over {
            return Ok(());
        }
        self.start(events);
        let name = frame.name.as_deref().unwrap_or_default();
        if frame.exception {
            self.close(events);
            self.over = true;
            events.push(Event::Failed(error::of_frame(name, &frame.data)));
            return Ok(());
        }
        let data = Value::from_bytes(&frame.data)?;
        match name {
            "contentBlockStart" => self.block(&data, events),
            "contentBlockDelta" => self.delta(&data, events),
            "contentBlockStop" => self.close(events),
            "messageStop" => {
                self.close(events);
                let reason = data.get("stopReason").and_then(Value::as_str);
                if !std::mem::replace(&mut self.finished, true) {
                    events.push(Event::Finish {
                        choice: 0,
                        finish: answer::finish(reason.unwrap_or("end_turn")),
                    });
                }
            }
            "metadata" => {
                let usage = data.get("usage").and_then(usage::read);
                events.extend(usage.map(Event::Usage));
                if self.finished {
                    self.over = true;
                    events.push(Event::End);
                }
            }
            // The start, and sorts that are not known.
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
    fn start(&mut self, events: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            events.push(Event::Start {
                id: String::new(),
                model: String::new(),
                created: None,
            });
        }
    }

    fn open(
        &mut self,
        index: u64,
        start: Option<(PartStart, Sort)>,
        events: &mut Vec<Event>,
    ) -> Option<(u32, Sort)> {
        self.close(events);
        // Nothing follows the end of a choice.
        let start = start.filter(|_| !self.finished);
        let part = start.map(|(start, sort)| {
            let part = self.parts;
            self.parts += 1;
            events.push(Event::PartStart {
                choice: 0,
                part,
                start,
            });
            (part, sort)
        });
        self.open = Some(Open { index, part });
        part
    }

    fn close(&mut self, events: &mut Vec<Event>) {
        if let Some((part, sort)) = self.open.take().and_then(|open| open.part) {
            if sort == Sort::BareCall {
                add(part, Delta::Arguments("{}".to_owned()), events);
            }
            events.push(Event::PartEnd { choice: 0, part });
        }
    }

    fn block(&mut self, data: &Value<'_>, events: &mut Vec<Event>) {
        let start = data.get("start");
        let member = |name| start.and_then(|start| start.get(name));
        let start = if let Some(call) = member("toolUse") {
            let string = |name| call.get(name).and_then(Value::as_str).unwrap_or_default();
            (!block::at_the_provider(call)).then(|| {
                let start = PartStart::ToolCall {
                    id: string("toolUseId").to_owned(),
                    name: string("name").to_owned(),
                    signature: None,
                };
                (start, Sort::BareCall)
            })
        } else if let Some(image) = member("image") {
            let format = image.get("format").and_then(Value::as_str);
            let start = PartStart::Media {
                kind: MediaKind::Image,
                media_type: format.map(|format| format!("image/{format}")),
            };
            Some((start, Sort::Image))
        } else {
            None
        };
        self.open(index_of(data), start, events);
    }

    /// The part that a delta of this sort goes to. Blocks of text and of reasoning begin with their first delta.
    fn part(&mut self, index: u64, sort: Sort, events: &mut Vec<Event>) -> Option<u32> {
        let same = |own: Sort| own == sort || (own == Sort::BareCall && sort == Sort::Call);
        if let Some(open) = self.open.as_ref().filter(|open| open.index == index) {
            match open.part {
                Some((part, own)) if same(own) => return Some(part),
                None => return None,
                Some(_) => {}
            }
        }
        let start = match sort {
            Sort::Text => Some(PartStart::Text),
            Sort::Reasoning | Sort::Redacted => Some(PartStart::Reasoning {
                summary: false,
                redacted: sort == Sort::Redacted,
            }),
            Sort::BareCall | Sort::Call | Sort::Image => None,
        };
        let opened = self.open(index, start.map(|start| (start, sort)), events);
        opened.map(|(part, _)| part)
    }

    fn delta(&mut self, data: &Value<'_>, events: &mut Vec<Event>) {
        let index = index_of(data);
        let Some(Value::Object(delta)) = data.get("delta") else {
            return;
        };
        for (name, value) in delta.iter() {
            match name {
                "text" => self.text(index, Sort::Text, value, events),
                "toolUse" => self.arguments(index, value, events),
                "reasoningContent" => self.reasoning(index, value, events),
                "citation" => {
                    if let Some(part) = self.part(index, Sort::Text, events) {
                        let citation = block::citation(&value.clone().into_owned());
                        add(part, Delta::Citation(citation), events);
                    }
                }
                "image" => {
                    let source = value.get("source").and_then(|source| source.get("bytes"));
                    if let Some(bytes) = source.and_then(Value::as_str)
                        && let Some(part) = self.part(index, Sort::Image, events)
                    {
                        add(part, Delta::Data(bytes.to_owned()), events);
                    }
                }
                _ => {}
            }
        }
    }

    fn text(&mut self, index: u64, sort: Sort, value: &Value<'_>, events: &mut Vec<Event>) {
        if let Some(text) = value.as_str()
            && let Some(part) = self.part(index, sort, events)
        {
            add(part, Delta::Text(text.to_owned()), events);
        }
    }

    fn arguments(&mut self, index: u64, value: &Value<'_>, events: &mut Vec<Event>) {
        let more = value.get("input").and_then(Value::as_str);
        let Some(more) = more.filter(|more| !more.is_empty()) else {
            return;
        };
        let Some(part) = self.part(index, Sort::Call, events) else {
            return;
        };
        if let Some(open) = &mut self.open {
            open.part = Some((part, Sort::Call));
        }
        add(part, Delta::Arguments(more.to_owned()), events);
    }

    fn reasoning(&mut self, index: u64, value: &Value<'_>, events: &mut Vec<Event>) {
        if let Some(text) = value.get("text") {
            self.text(index, Sort::Reasoning, text, events);
        }
        let token = value.get("signature").and_then(Value::as_str);
        if let Some(token) = token.filter(|token| !token.is_empty())
            && let Some(part) = self.part(index, Sort::Reasoning, events)
        {
            let token = token.to_owned().into();
            let signature = Signature::from_token(token, Format::Converse);
            add(part, Delta::Signature(signature), events);
        }
        let hidden = value.get("redactedContent").and_then(Value::as_str);
        if let Some(data) = hidden
            && let Some(part) = self.part(index, Sort::Redacted, events)
        {
            let signature = block::hidden(data.to_owned().into());
            add(part, Delta::Signature(signature), events);
        }
    }
}

fn index_of(data: &Value<'_>) -> u64 {
    data.get("contentBlockIndex")
        .and_then(Value::as_u64)
        .unwrap_or(0)
}

fn add(part: u32, delta: Delta, events: &mut Vec<Event>) {
    events.push(Event::Delta {
        choice: 0,
        part,
        delta,
    });
}
