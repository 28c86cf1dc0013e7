//! A stream, written for a caller
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>).

use super::{answer, block, error, file, usage};
use crate::chat::{Delta, Event, Finish, MediaKind, PartStart};
use crate::codec::Encoder;
use crate::frame::{Header, write_message};
use crate::json::{Object, Value};
use crate::{Format, Usage};

/// Writes events of one stream. Of several choices the first is written: its callers can't ask for more.
#[derive(Debug, Default)]
pub(super) struct Writer {
    begun: bool,
    over: bool,
    usage: Usage,
    finish: Option<Finish>,
    /// The number of the next block.
    next: u64,
    open: Open,
}

/// What of the part under way is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    /// Text; whether some was written.
    Text(bool),
    Reasoning {
        redacted: bool,
    },
    Call,
    Image,
    /// A file of another sort, shown as text.
    File,
}

/// Writes one event.
fn send(name: &str, fields: &Object<'_>, out: &mut Vec<u8>) {
    let header = |name, value| Header { name, value };
    let headers = [
        header(":event-type", name),
        header(":content-type", "application/json"),
        header(":message-type", "event"),
    ];
    write_message(&headers, &fields.to_bytes(), out);
}

impl Writer {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) {
            let start = Object::new().with("role", "assistant");
            send("messageStart", &start, out);
        }
    }

    fn block<'r>(&self, name: &'static str, start: Object<'r>, out: &mut Vec<u8>) {
        let start = Object::new()
            .with("start", Object::new().with(name, start))
            .with("contentBlockIndex", self.next);
        send("contentBlockStart", &start, out);
    }

    fn delta<'r>(&self, name: &'static str, value: impl Into<Value<'r>>, out: &mut Vec<u8>) {
        let delta = Object::new()
            .with("delta", Object::new().with(name, value))
            .with("contentBlockIndex", self.next);
        send("contentBlockDelta", &delta, out);
    }

    /// Ends the block under way.
    fn stop(&mut self, out: &mut Vec<u8>) {
        match std::mem::take(&mut self.open) {
            Open::Nothing => return,
            // A block of text begins with its first words; without any there is no block, but its end.
            Open::Text(false) => self.delta("text", "", out),
            Open::File => self.delta("text", ")", out),
            Open::Text(true) | Open::Reasoning { .. } | Open::Call | Open::Image => {}
        }
        let stop = Object::new().with("contentBlockIndex", self.next);
        send("contentBlockStop", &stop, out);
        self.next += 1;
    }

    fn hidden(&self, data: String, out: &mut Vec<u8>) {
        let hidden = Object::new().with("redactedContent", data);
        self.delta("reasoningContent", hidden, out);
    }

    fn start_part(&mut self, start: &PartStart, out: &mut Vec<u8>) {
        self.stop(out);
        self.open = match start {
            PartStart::Text | PartStart::Refusal => Open::Text(false),
            PartStart::Reasoning { redacted, .. } => Open::Reasoning {
                redacted: *redacted,
            },
            PartStart::ToolCall {
                id,
                name,
                signature,
            } => {
                if let Some(signature) = signature {
                    self.hidden(block::to_hidden(signature), out);
                    self.open = Open::Reasoning { redacted: true };
                    self.stop(out);
                }
                let call = Object::new().with("toolUseId", id).with("name", name);
                self.block("toolUse", call, out);
                Open::Call
            }
            PartStart::Media { kind, media_type } => {
                let media_type = media_type.as_deref().unwrap_or("image/png");
                match file::format(*kind, media_type).filter(|_| *kind == MediaKind::Image) {
                    Some(format) => {
                        self.block("image", Object::new().with("format", format), out);
                        Open::Image
                    }
                    None => {
                        self.delta("text", format!("![](data:{media_type};base64,"), out);
                        Open::File
                    }
                }
            }
        };
    }

    fn part_delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match (delta, self.open) {
            (Delta::Text(text), Open::Text(_)) => {
                self.open = Open::Text(true);
                self.delta("text", text, out);
            }
            (Delta::Text(text), Open::Reasoning { .. }) => {
                self.delta("reasoningContent", Object::new().with("text", text), out);
            }
            (Delta::Arguments(more), Open::Call) => {
                self.delta("toolUse", Object::new().with("input", more), out);
            }
            (Delta::Signature(signature), Open::Reasoning { redacted: true }) => {
                self.hidden(block::to_hidden(signature), out);
            }
            (Delta::Signature(signature), Open::Reasoning { redacted: false }) => {
                let token = signature.to_token(Format::Converse);
                let signed = Object::new().with("signature", token);
                self.delta("reasoningContent", signed, out);
            }
            (Delta::Citation(citation), Open::Text(_)) => {
                self.delta("citation", block::write_citation(citation), out);
            }
            (Delta::Data(data), Open::Image) => {
                let source = Object::new().with("bytes", data);
                self.delta("image", Object::new().with("source", source), out);
            }
            (Delta::Data(data), Open::File) => self.delta("text", data, out),
            _ => {}
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.stop(out);
        self.over = true;
        let finish = self.finish.take().unwrap_or(Finish::Stop);
        let stop = Object::new().with("stopReason", answer::stop_reason(&finish));
        send("messageStop", &stop, out);
        let metadata = Object::new()
            .with("usage", usage::write(&self.usage))
            .with("metrics", answer::metrics());
        send("metadata", &metadata, out);
    }
}

impl Encoder for Writer {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Usage(usage) => {
                self.usage = *usage;
                return;
            }
            Event::Failed(problem) => {
                self.over = true;
                out.extend_from_slice(&error::event(problem));
                return;
            }
            // The format has no events that mean nothing.
            Event::Ping => return,
            _ => self.begin(out),
        }
        match event {
            Event::PartStart {
                choice: 0, start, ..
            } => self.start_part(start, out),
            Event::Delta {
                choice: 0, delta, ..
            } => self.part_delta(delta, out),
            Event::PartEnd { choice: 0, .. } => self.stop(out),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            Event::End => self.end(out),
            _ => {}
        }
    }
}
