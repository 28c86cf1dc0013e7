//! A stream, written for a caller (<https://platform.openai.com/docs/api-reference/responses-streaming>).

mod open;

use super::head::{self, Head, State};
use super::{citation, problem, signature};
use crate::chat::{Delta, Event, Finish, MediaKind, PartStart, Problem, Signature};
use crate::codec::{Asked, Encoder};
use crate::dialect::openai::chat::logprobs;
use crate::json::{Object, Value};
use crate::{Format, Usage, sse};
use open::{Content, Item, Kind};

/// Writes events of one stream. Of several choices the first is written: its callers can't ask for more.
#[derive(Debug)]
pub(super) struct Writer {
    head: Head,
    /// Of which the names of items are made.
    id: String,
    /// Nothing is written but the response that it comes to.
    quiet: bool,
    sequence: u64,
    begun: bool,
    over: bool,
    /// The items that have ended.
    output: Vec<Object<'static>>,
    /// How many items there were.
    items: u64,
    open: Option<Item>,
    usage: Option<Usage>,
    finish: Option<Finish>,
    refused: bool,
}

impl Writer {
    pub(super) fn new(asked: &Asked<'_>) -> Self {
        Self {
            head: Head::new(asked),
            id: asked.id.to_owned(),
            quiet: false,
            sequence: 0,
            begun: false,
            over: false,
            output: Vec::new(),
            items: 0,
            open: None,
            usage: None,
            finish: None,
            refused: false,
        }
    }

    /// One that writes no events, for [`into_response`](Self::into_response).
    pub(super) fn quiet(asked: &Asked<'_>) -> Self {
        Self {
            quiet: true,
            ..Self::new(asked)
        }
    }

    /// What the stream came to.
    pub(super) fn into_response(mut self, service_tier: Option<&str>) -> Vec<u8> {
        if let Some(tier) = service_tier {
            self.head.service_tier = Some(tier.to_owned());
        }
        let finish = self.finish.take().unwrap_or(Finish::Stop);
        let (status, incomplete) = head::ending(&finish, self.refused);
        let failure = (status == "failed").then(|| head::failure(&finish));
        let state = State {
            status,
            incomplete,
            error: failure.as_ref(),
            output: &self.output,
            usage: self.usage.as_ref(),
        };
        self.head.response(&state).to_bytes()
    }

    /// Writes one event: its type is its name.
    fn send(&mut self, name: &'static str, fields: Object<'_>, out: &mut Vec<u8>) {
        if self.quiet {
            return;
        }
        let mut event = Object::new()
            .with("type", name)
            .with("sequence_number", self.sequence);
        self.sequence += 1;
        for (name, value) in fields {
            event.push(name, value);
        }
        sse::write(Some(name), &event.to_bytes(), out);
    }

    fn lifecycle(&mut self, name: &'static str, state: &State<'_>, out: &mut Vec<u8>) {
        if self.quiet {
            return;
        }
        let response = self.head.response(state).into_owned();
        self.send(name, Object::new().with("response", response), out);
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.begun {
            return;
        }
        self.begun = true;
        let state = State {
            status: "in_progress",
            ..State::default()
        };
        self.lifecycle("response.created", &state, out);
        self.lifecycle("response.in_progress", &state, out);
    }

    /// Begins an item.
    fn add(&mut self, prefix: &str, kind: Kind, out: &mut Vec<u8>) {
        self.close("completed", out);
        let item = Item::new(format!("{prefix}_{}_{}", self.id, self.items), kind);
        self.items += 1;
        let added = Object::new()
            .with("output_index", self.index())
            .with("item", item.object("in_progress"));
        self.send("response.output_item.added", added, out);
        self.open = Some(item);
    }

    /// The place of the item under way.
    fn index(&self) -> u64 {
        self.output.len() as u64
    }

    /// Ends the item under way.
    fn close(&mut self, status: &'static str, out: &mut Vec<u8>) {
        self.end_content(out);
        let Some(item) = self.open.take() else {
            return;
        };
        let object = item.object(status);
        if !self.quiet {
            let done = Object::new()
                .with("output_index", self.index())
                .with("item", object.clone());
            self.send("response.output_item.done", done, out);
        }
        self.output.push(object);
    }

    /// An event of the item under way.
    fn tell(&mut self, name: &'static str, fields: Object<'_>, out: &mut Vec<u8>) {
        if self.quiet {
            return;
        }
        let Some(item) = &self.open else {
            return;
        };
        let mut event = Object::new()
            .with("item_id", item.id.clone())
            .with("output_index", self.index());
        for (name, value) in fields {
            event.push(name, value);
        }
        self.send(name, event, out);
    }

    /// Begins a piece of the item under way, which has a place for it.
    fn begin_content(&mut self, content: Content, out: &mut Vec<u8>) {
        let part = content.object();
        let name = content.names().added;
        let Some(item) = &mut self.open else {
            return;
        };
        let place = item.place(&content);
        item.content = Some(content);
        let (index, at) = place;
        self.tell(name, Object::new().with(index, at).with("part", part), out);
    }

    fn end_content(&mut self, out: &mut Vec<u8>) {
        let Some(item) = &mut self.open else {
            return;
        };
        let Some(content) = item.content.take() else {
            return;
        };
        let (index, at) = item.place(&content);
        let names = content.names();
        let mut done = Object::new()
            .with(index, at)
            .with(content.field(), content.text.clone());
        if let Content {
            sort: open::Sort::Text,
            ..
        } = content
        {
            done.push("logprobs", content.logprobs.clone());
        }
        let part = content.object();
        item.keep(content);
        self.tell(names.done, done, out);
        self.tell(
            names.part_done,
            Object::new().with(index, at).with("part", part),
            out,
        );
    }

    fn start_part(&mut self, start: &PartStart, out: &mut Vec<u8>) {
        let kind = self.open.as_ref().map(|item| &item.kind);
        match start {
            PartStart::Text | PartStart::Refusal => {
                if !matches!(kind, Some(Kind::Message)) {
                    self.add("msg", Kind::Message, out);
                }
                let refusal = *start == PartStart::Refusal;
                self.refused |= refusal;
                let sort = if refusal {
                    open::Sort::Refusal
                } else {
                    open::Sort::Text
                };
                self.begin_content(Content::new(sort), out);
            }
            PartStart::Reasoning { summary, redacted } => {
                let goes_on = matches!(kind, Some(Kind::Reasoning { encrypted: None }));
                if *redacted || !goes_on {
                    self.add(signature::MADE, Kind::Reasoning { encrypted: None }, out);
                }
                if !redacted {
                    let sort = if *summary {
                        open::Sort::Summary
                    } else {
                        open::Sort::Reasoning
                    };
                    self.begin_content(Content::new(sort), out);
                }
            }
            PartStart::ToolCall {
                id,
                name,
                signature,
            } => {
                if let Some(signature) = signature {
                    self.add(signature::MADE, Kind::Reasoning { encrypted: None }, out);
                    self.prove(signature);
                }
                let call = Kind::Call {
                    id: id.clone(),
                    name: name.clone(),
                    arguments: String::new(),
                };
                self.add("fc", call, out);
            }
            PartStart::Media {
                kind: MediaKind::Image,
                media_type,
            } => {
                let image = Kind::Image {
                    media_type: media_type.clone(),
                    data: String::new(),
                };
                self.add("ig", image, out);
            }
            // The format has no other files in answers: they are shown as text that links to them.
            PartStart::Media { media_type, .. } => {
                self.start_part(&PartStart::Text, out);
                let media_type = media_type.as_deref().unwrap_or("application/octet-stream");
                self.text(&format!("![](data:{media_type};base64,"), out);
                if let Some(content) = self.content() {
                    content.file = true;
                }
            }
        }
    }

    fn content(&mut self) -> Option<&mut Content> {
        self.open.as_mut()?.content.as_mut()
    }

    fn text(&mut self, more: &str, out: &mut Vec<u8>) {
        let Some(item) = &mut self.open else {
            return;
        };
        let Some(content) = &mut item.content else {
            return;
        };
        content.push(more);
        let names = content.names();
        let is_text = content.sort == open::Sort::Text;
        let place = item.content.as_ref().map(|content| item.place(content));
        let Some((index, at)) = place else {
            return;
        };
        let mut delta = Object::new().with(index, at).with("delta", more);
        if is_text {
            delta.push("logprobs", Value::Array(Vec::new()));
        }
        self.tell(names.delta, delta, out);
    }

    fn prove(&mut self, signature: &Signature<'_>) {
        if let Some(Item {
            kind: Kind::Reasoning { encrypted },
            ..
        }) = &mut self.open
        {
            *encrypted = Some(signature.to_token(Format::Responses).into_owned());
        }
    }

    fn part_delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Text(more) => self.text(more, out),
            Delta::Arguments(more) => self.arguments(more, out),
            Delta::Signature(signature) => self.prove(signature),
            Delta::Data(more) => match &mut self.open {
                Some(Item {
                    kind: Kind::Image { data, .. },
                    ..
                }) => data.push_str(more),
                _ => self.text(more, out),
            },
            Delta::Citation(one) => {
                let Some(content) = self.content().filter(|one| one.sort == open::Sort::Text)
                else {
                    return;
                };
                let annotation = citation::write(one, content.characters);
                let number = content.annotations.len() as u64;
                content.annotations.push(annotation.clone());
                let at = self.open.as_ref().map_or(0, |item| item.done.len() as u64);
                let added = Object::new()
                    .with("content_index", at)
                    .with("annotation_index", number)
                    .with("annotation", annotation);
                self.tell("response.output_text.annotation.added", added, out);
            }
        }
    }

    fn arguments(&mut self, more: &str, out: &mut Vec<u8>) {
        if let Some(Item {
            kind: Kind::Call { arguments, .. },
            ..
        }) = &mut self.open
        {
            arguments.push_str(more);
            let delta = Object::new().with("delta", more);
            self.tell("response.function_call_arguments.delta", delta, out);
        }
    }

    fn end_part(&mut self, out: &mut Vec<u8>) {
        if self.content().is_some_and(|content| content.file) {
            self.text(")", out);
        }
        self.end_content(out);
        match self.open.as_ref().map(|item| &item.kind) {
            Some(Kind::Call { arguments, .. }) => {
                if arguments.is_empty() {
                    // A call without arguments is one of an empty object, or else SDKs can't parse it.
                    self.arguments("{}", out);
                }
                if let Some(Item {
                    kind:
                        Kind::Call {
                            name, arguments, ..
                        },
                    ..
                }) = &self.open
                {
                    let done = Object::new()
                        .with("name", name.clone())
                        .with("arguments", arguments.clone());
                    self.tell("response.function_call_arguments.done", done, out);
                }
                self.close("completed", out);
            }
            Some(Kind::Image { .. }) => self.close("completed", out),
            // More of a message, or of reasoning, may follow.
            Some(Kind::Message | Kind::Reasoning { .. }) | None => {}
        }
    }

    /// Likelihoods come as a piece of the text without any text, since the canonical form tells them apart from it.
    fn tokens(&mut self, tokens: &[crate::chat::TokenLogprob], out: &mut Vec<u8>) {
        let written = Value::from(logprobs::write_with_bytes(tokens)).into_owned();
        let Value::Array(mut all) = written else {
            return;
        };
        let Some(content) = self.content().filter(|one| one.sort == open::Sort::Text) else {
            return;
        };
        let delta = Value::Array(all.clone());
        content.logprobs.append(&mut all);
        let at = self.open.as_ref().map_or(0, |item| item.done.len() as u64);
        let delta = Object::new()
            .with("content_index", at)
            .with("delta", "")
            .with("logprobs", delta);
        self.tell("response.output_text.delta", delta, out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.over = true;
        let finish = self.finish.clone().unwrap_or(Finish::Stop);
        let (status, incomplete) = head::ending(&finish, self.refused);
        let whole = status == "completed";
        self.close(if whole { "completed" } else { "incomplete" }, out);
        if self.quiet {
            return;
        }
        let failure = (status == "failed").then(|| head::failure(&finish));
        let name = match status {
            "completed" => "response.completed",
            "incomplete" => "response.incomplete",
            _ => "response.failed",
        };
        self.last(name, status, incomplete, failure.as_ref(), out);
    }

    fn last(
        &mut self,
        name: &'static str,
        status: &str,
        incomplete: Option<&str>,
        error: Option<&Problem>,
        out: &mut Vec<u8>,
    ) {
        let output = std::mem::take(&mut self.output);
        let usage = self.usage;
        let state = State {
            status,
            incomplete,
            error,
            output: &output,
            usage: usage.as_ref(),
        };
        self.lifecycle(name, &state, out);
        self.output = output;
    }

    /// The answer failed, and the error, on which the SDKs raise.
    fn fail(&mut self, error: &Problem, out: &mut Vec<u8>) {
        self.over = true;
        if self.begun {
            self.close("incomplete", out);
            self.last("response.failed", "failed", None, Some(error), out);
        }
        out.extend_from_slice(&problem::event(error, self.sequence));
    }
}

impl Encoder for Writer {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start { id, model, created } if !self.begun => {
                self.head.learn(id, model, *created);
            }
            Event::Usage(usage) => {
                self.usage = Some(*usage);
                return;
            }
            Event::Failed(problem) => return self.fail(problem, out),
            Event::Ping => {
                out.extend_from_slice(b": ping\n\n");
                return;
            }
            _ => {}
        }
        self.begin(out);
        match event {
            Event::PartStart {
                choice: 0, start, ..
            } => {
                self.end_content(out);
                self.start_part(start, out);
            }
            Event::Delta {
                choice: 0, delta, ..
            } => self.part_delta(delta, out),
            Event::PartEnd { choice: 0, .. } => self.end_part(out),
            Event::Logprobs { choice: 0, tokens } => self.tokens(tokens, out),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            Event::End => self.end(out),
            _ => {}
        }
    }
}
