//! An item that is told as it comes.

use crate::chat::{Delta, Event, PartStart};
use crate::dialect::openai::typed::said;
use crate::dialect::responses::item::{owned_signature, tokens};
use crate::dialect::responses::{citation, signature};
use crate::json::{Object, Value};

/// See the module.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) index: u64,
    call: bool,
    /// A call whose arguments have not come.
    bare: bool,
    /// The piece under way.
    open: Option<Piece>,
    /// Some of it was told.
    said: bool,
}

/// A piece of an item, by its own index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Text(u64),
    Refusal(u64),
    Summary(u64),
    Reasoning(u64),
    Call,
}

/// What an event tells of a piece.
enum Told {
    /// More of it.
    Delta,
    /// All of it.
    Done,
}

/// The events that tell of texts, and of a call's arguments.
fn piece(kind: &str, data: &Value<'_>) -> Option<(Piece, Told, &'static str)> {
    let at = |name: &str| data.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (content, summary) = (at("content_index"), at("summary_index"));
    Some(match kind {
        "response.output_text.delta" => (Piece::Text(content), Told::Delta, "delta"),
        "response.output_text.done" => (Piece::Text(content), Told::Done, "text"),
        "response.refusal.delta" => (Piece::Refusal(content), Told::Delta, "delta"),
        "response.refusal.done" => (Piece::Refusal(content), Told::Done, "refusal"),
        "response.reasoning_text.delta" => (Piece::Reasoning(content), Told::Delta, "delta"),
        "response.reasoning_text.done" => (Piece::Reasoning(content), Told::Done, "text"),
        "response.reasoning_summary_text.delta" => (Piece::Summary(summary), Told::Delta, "delta"),
        "response.reasoning_summary_text.done" => (Piece::Summary(summary), Told::Done, "text"),
        "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
            (Piece::Call, Told::Delta, "delta")
        }
        "response.function_call_arguments.done" => (Piece::Call, Told::Done, "arguments"),
        "response.custom_tool_call_input.done" => (Piece::Call, Told::Done, "input"),
        _ => return None,
    })
}

/// Whether an event tells a piece of a text.
pub(super) fn is_piece(kind: &str) -> bool {
    piece(kind, &Value::Null).is_some_and(|(piece, ..)| piece != Piece::Call)
}

impl Live {
    pub(super) fn new(index: u64) -> Self {
        Self {
            index,
            call: false,
            bare: false,
            open: None,
            said: false,
        }
    }

    pub(super) fn is_call(&self) -> bool {
        self.call
    }

    /// Begins the part of a call; other parts begin with what they say.
    pub(super) fn begin(&mut self, item: &Object<'_>, part: &mut u32, events: &mut Vec<Event>) {
        let arguments = match item.get("type").and_then(Value::as_str) {
            Some("function_call") => "arguments",
            Some("custom_tool_call") => "input",
            _ => return,
        };
        let text = |name: &str| said(item, name).unwrap_or_default();
        let id = said(item, "call_id").or_else(|| said(item, "id"));
        self.call = true;
        self.bare = true;
        self.open(
            Piece::Call,
            PartStart::ToolCall {
                id: id.unwrap_or_default(),
                name: text("name"),
                signature: None,
            },
            *part,
            events,
        );
        let begun = text(arguments);
        if !begun.is_empty() {
            self.say(&begun, *part, events);
        }
    }

    fn open(&mut self, piece: Piece, start: PartStart, part: u32, events: &mut Vec<Event>) {
        self.open = Some(piece);
        self.said = true;
        events.push(Event::PartStart {
            choice: 0,
            part,
            start,
        });
    }

    fn say(&mut self, more: &str, part: u32, events: &mut Vec<Event>) {
        if more.is_empty() {
            return;
        }
        let delta = match self.open {
            Some(Piece::Call) => {
                self.bare = false;
                Delta::Arguments(more.to_owned())
            }
            _ => Delta::Text(more.to_owned()),
        };
        push(part, delta, events);
    }

    /// Makes sure that a piece is open; `false` where it can't be: a call that did not begin.
    fn go_on(&mut self, piece: Piece, part: &mut u32, events: &mut Vec<Event>) -> bool {
        if self.open == Some(piece) {
            return true;
        }
        let start = match piece {
            Piece::Call => return false,
            Piece::Text(_) => PartStart::Text,
            Piece::Refusal(_) => PartStart::Refusal,
            Piece::Summary(_) | Piece::Reasoning(_) => PartStart::Reasoning {
                summary: matches!(piece, Piece::Summary(_)),
                redacted: false,
            },
        };
        // Nothing may come between the parts of one choice.
        self.close(part, events);
        self.open(piece, start, *part, events);
        true
    }

    /// Takes an event of the item.
    pub(super) fn more(
        &mut self,
        kind: &str,
        data: &Value<'_>,
        part: &mut u32,
        events: &mut Vec<Event>,
    ) {
        if let Some((piece, told, field)) = piece(kind, data) {
            let text = data.get(field).and_then(Value::as_str).unwrap_or_default();
            let heard = match piece {
                Piece::Call => !self.bare,
                piece => self.open == Some(piece),
            };
            match told {
                Told::Delta => {
                    if self.go_on(piece, part, events) {
                        self.say(text, *part, events);
                    }
                    self.likelihoods(data, events);
                }
                // All of it, of which nothing was told.
                Told::Done if !heard && !text.is_empty() => {
                    if self.go_on(piece, part, events) {
                        self.say(text, *part, events);
                    }
                    self.likelihoods(data, events);
                }
                Told::Done => {}
            }
            return;
        }
        if kind == "response.output_text.annotation.added"
            && let Some(cited) = data.get("annotation").and_then(citation::read)
        {
            let at = data.get("content_index").and_then(Value::as_u64);
            self.go_on(Piece::Text(at.unwrap_or_default()), part, events);
            push(*part, Delta::Citation(cited), events);
        }
    }

    fn likelihoods(&self, data: &Value<'_>, events: &mut Vec<Event>) {
        let tokens = data.get("logprobs").map(tokens).unwrap_or_default();
        if !tokens.is_empty() {
            events.push(Event::Logprobs { choice: 0, tokens });
        }
    }

    /// The item ends; `false` where nothing of it was told.
    pub(super) fn end(
        &mut self,
        item: &Value<'_>,
        part: &mut u32,
        events: &mut Vec<Event>,
    ) -> bool {
        if !self.said {
            return false;
        }
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        if self.bare && self.open == Some(Piece::Call) {
            let arguments = text("arguments").or_else(|| text("input"));
            self.say(arguments.unwrap_or_default(), *part, events);
        }
        if text("type") == Some("reasoning")
            && let Some(encrypted) = text("encrypted_content").filter(|text| !text.is_empty())
            && let Some(Piece::Summary(_) | Piece::Reasoning(_)) = self.open
        {
            let signature = signature::read(text("id"), encrypted.into());
            push(*part, Delta::Signature(owned_signature(signature)), events);
        }
        self.close(part, events);
        true
    }

    /// Ends the piece under way.
    pub(super) fn close(&mut self, part: &mut u32, events: &mut Vec<Event>) {
        if self.open.take().is_some() {
            events.push(Event::PartEnd {
                choice: 0,
                part: *part,
            });
            *part += 1;
        }
    }
}

fn push(part: u32, delta: Delta, events: &mut Vec<Event>) {
    events.push(Event::Delta {
        choice: 0,
        part,
        delta,
    });
}
