//! One choice of a stream: its deltas become parts, one after the other.

use crate::chat::{Citation, Delta, Event, Finish, MediaKind, PartStart, Signature, Source};
use crate::codec::BadAnswer;
use crate::dialect::openai::chat::read::{data_url, thinking};
use crate::dialect::openai::chat::{citation, finish, logprobs, reasoning};
use crate::dialect::openai::typed::said;
use crate::json::{Object, Value};

use super::waiting::{MAX_CALLS, MAX_WAITING, Progress, Waiting};

/// What a choice has come to.
#[derive(Debug, Default)]
pub(super) struct Choice {
    open: Option<Open>,
    /// The number of the part that is open, or of the next.
    part: u32,
    /// The highest index of a call so far.
    last_call: Option<u64>,
    /// How far the arguments of the call are that is open.
    progress: Progress,
    /// The calls that began meanwhile.
    waiting: Vec<Waiting>,
    reason: Option<String>,
    called: bool,
}

/// The part that is open.
#[derive(Debug, PartialEq)]
enum Open {
    Text,
    Refusal,
    /// By the index of its detail, where there are details.
    Reasoning(Option<u64>),
    /// By its index and id.
    Call(u64, String),
    Audio,
}

impl Choice {
    pub(super) fn is_finished(&self) -> bool {
        self.reason.is_some()
    }

    /// The number of the part that begins behind all that are open or wait.
    fn next_part(&self) -> u32 {
        let ahead = usize::from(self.open.is_some()) + self.waiting.len();
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        self.part.saturating_add(ahead)
    }

    /// Why it ends; one that does not say so has said all.
    pub(super) fn finish(&self) -> Finish {
        let reason = self.reason.as_deref().unwrap_or("stop");
        finish::read(reason, self.called)
    }

    /// Takes the choice of one chunk.
    pub(super) fn chunk(
        &mut self,
        index: u32,
        value: &Value<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), BadAnswer> {
        let mut at = At {
            choice: self,
            index,
            events,
        };
        // Some servers send a whole message in place of its only delta.
        let delta = value.get("delta").or_else(|| value.get("message"));
        if let Some(delta) = delta.and_then(Value::as_object) {
            at.delta(delta)?;
        }
        let tokens = value.get("logprobs").map(logprobs::read);
        if let Some(tokens) = tokens.filter(|tokens| !tokens.is_empty()) {
            at.events.push(Event::Logprobs {
                choice: index,
                tokens,
            });
        }
        if let Some(reason) = value.get("finish_reason").and_then(Value::as_str)
            && !reason.is_empty()
        {
            self.reason = Some(reason.to_owned());
        }
        Ok(())
    }

    /// Closes what is open; citations that came beside the choices belong to the first text that is.
    pub(super) fn close_with(
        &mut self,
        index: u32,
        beside: &mut Vec<Citation<'static>>,
        events: &mut Vec<Event>,
    ) {
        let mut at = At {
            choice: self,
            index,
            events,
        };
        if at.choice.open == Some(Open::Text) {
            for one in beside.drain(..) {
                at.push(Delta::Citation(one));
            }
        }
        at.close();
    }
}

/// A choice with its number, and where its events go.
struct At<'c> {
    choice: &'c mut Choice,
    index: u32,
    events: &'c mut Vec<Event>,
}

impl At<'_> {
    fn delta(&mut self, delta: &Object<'_>) -> Result<(), BadAnswer> {
        self.reasoning(delta);
        match delta.get("content") {
            Some(Value::String(text)) => self.text(text),
            // Mistral's, of models that reason.
            Some(Value::Array(items)) => {
                for item in items.iter().filter_map(Value::as_object) {
                    match item.get("type").and_then(Value::as_str) {
                        Some("thinking") => self.thought(None, &thinking(item)),
                        _ => self.text(&said(item, "text").unwrap_or_default()),
                    }
                }
            }
            _ => {}
        }
        if let Some(refusal) = said(delta, "refusal") {
            self.go_on(Open::Refusal, || PartStart::Refusal);
            self.push(Delta::Text(refusal));
        }
        let annotations = delta.get("annotations").and_then(Value::as_array);
        for one in annotations.into_iter().flatten().filter_map(citation::read) {
            self.go_on(Open::Text, || PartStart::Text);
            self.push(Delta::Citation(one));
        }
        self.media(delta);
        let calls = delta.get("tool_calls").and_then(Value::as_array);
        for call in calls.into_iter().flatten().filter_map(Value::as_object) {
            self.call(call)?;
        }
        if let Some(call) = delta.get("function_call") {
            let made = Object::new()
                .with("index", 0_u64)
                .with("function", call.clone());
            self.call(&made)?;
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.go_on(Open::Text, || PartStart::Text);
            self.push(Delta::Text(text.to_owned()));
        }
    }

    fn thought(&mut self, detail: Option<u64>, text: &str) {
        if !text.is_empty() {
            self.reason(detail, false);
            self.push(Delta::Text(text.to_owned()));
        }
    }

    fn reason(&mut self, detail: Option<u64>, summary: bool) {
        self.go_on(Open::Reasoning(detail), || PartStart::Reasoning {
            summary,
            redacted: false,
        });
    }

    fn reasoning(&mut self, delta: &Object<'_>) {
        let details = delta.get("reasoning_details").and_then(Value::as_array);
        let mut told = false;
        for detail in details.into_iter().flatten() {
            let Some(fields) = detail.as_object() else {
                continue;
            };
            let Some(one) = reasoning::of_detail(fields) else {
                continue;
            };
            told = true;
            let index = fields.get("index").and_then(Value::as_u64).or(Some(0));
            let signature = one.signature.map(|signature| Signature {
                from: signature.from,
                data: signature.data.into_owned().into(),
            });
            if one.redacted {
                self.close();
                self.begin(PartStart::Reasoning {
                    summary: false,
                    redacted: true,
                });
                self.choice.open = Some(Open::Reasoning(index));
                self.events
                    .extend(signature.map(|one| self.event(Delta::Signature(one))));
                self.close();
                continue;
            }
            if one.text.is_empty() && signature.is_none() {
                continue;
            }
            self.reason(index, one.summary);
            if !one.text.is_empty() {
                self.push(Delta::Text(one.text.to_string()));
            }
            if let Some(signature) = signature {
                self.push(Delta::Signature(signature));
            }
        }
        if told {
            return;
        }
        let words = ["reasoning_content", "reasoning"];
        if let Some(text) = words.into_iter().find_map(|name| said(delta, name)) {
            self.thought(None, &text);
        }
    }

    fn media(&mut self, delta: &Object<'_>) {
        if let Some(audio) = delta.get("audio").and_then(Value::as_object) {
            // The words come before the sound of them, and in between.
            if let Some(words) = said(audio, "transcript") {
                self.text(&words);
            }
            if let Some(data) = said(audio, "data") {
                self.go_on(Open::Audio, || PartStart::Media {
                    kind: MediaKind::Audio,
                    media_type: None,
                });
                self.push(Delta::Data(data));
            }
        }
        let images = delta.get("images").and_then(Value::as_array);
        for image in images.into_iter().flatten() {
            let url = image.get("image_url").and_then(|one| one.get("url"));
            let Some(url) = url.and_then(Value::as_str) else {
                continue;
            };
            if let (Source::Base64(data), media_type) = data_url(url.into()) {
                self.close();
                self.begin(PartStart::Media {
                    kind: MediaKind::Image,
                    media_type: media_type.map(|one| one.into_owned()),
                });
                self.choice.open = Some(Open::Audio);
                self.push(Delta::Data(data.into_owned()));
                self.close();
            }
        }
    }

    fn call(&mut self, call: &Object<'_>) -> Result<(), BadAnswer> {
        let function = call.get("function").or_else(|| call.get("custom"));
        let name = function.and_then(|one| one.get("name")?.as_str());
        let name = name.unwrap_or_default();
        let id = said(call, "id");
        let (open, open_id) = match &self.choice.open {
            Some(Open::Call(index, id)) => (Some(*index), Some(id.as_str())),
            _ => (None, None),
        };
        let index = call.get("index").and_then(Value::as_u64);
        let index = index.or(open).unwrap_or(0);
        // Some servers give every call the same index, but an id of its own.
        let other_id = !name.is_empty() && id.as_deref().is_some_and(|id| open_id != Some(id));
        let arguments = function.and_then(|one| one.get("arguments").or_else(|| one.get("input")));
        let arguments = match arguments {
            Some(Value::String(text)) => text.to_string(),
            Some(value @ Value::Object(_)) => value.to_json(),
            _ => String::new(),
        };
        if open != Some(index) || other_id {
            if self.more_of_waiting(index, id.as_deref(), &arguments)? {
                return Ok(());
            }
            if name.is_empty() {
                let late = self.choice.last_call.is_some_and(|last| index <= last);
                let what = if late {
                    "more of a tool call that had ended"
                } else {
                    "a tool call without a name"
                };
                return Err(BadAnswer::new(what));
            }
            let number = self.choice.next_part();
            let begun = Waiting {
                index,
                id: id.unwrap_or_else(|| format!("call_{}_{number}", self.index)),
                name: name.to_owned(),
                signature: reasoning::call_signature(call).map(|one| Signature {
                    from: one.from,
                    data: one.data.into_owned().into(),
                }),
                arguments,
            };
            self.choice.called = true;
            self.choice.last_call = self.choice.last_call.max(Some(index));
            let other_goes_on = open.is_some_and(|open| open != index);
            if other_goes_on && self.choice.progress.may_go_on() {
                self.choice.waiting.push(begun);
                return self.bound();
            }
            self.close();
            self.begin_call(begun);
            return Ok(());
        }
        self.argue(arguments);
        self.catch_up();
        Ok(())
    }

    /// Takes more of a call that waits; `false` if there is none by this index. A name and another id make it another.
    fn more_of_waiting(
        &mut self,
        index: u64,
        id: Option<&str>,
        arguments: &str,
    ) -> Result<bool, BadAnswer> {
        let mut waiting = self.choice.waiting.iter_mut();
        let own = waiting.rfind(|one| one.index == index && id.is_none_or(|id| id == one.id));
        let Some(one) = own else {
            return Ok(false);
        };
        one.arguments.push_str(arguments);
        self.bound().map(|()| true)
    }

    fn bound(&self) -> Result<(), BadAnswer> {
        let waiting = &self.choice.waiting;
        let held: usize = waiting.iter().map(|one| one.arguments.len()).sum();
        if waiting.len() > MAX_CALLS || held > MAX_WAITING {
            return Err(BadAnswer::new("too many tool calls at once"));
        }
        Ok(())
    }

    fn begin_call(&mut self, call: Waiting) {
        self.begin(PartStart::ToolCall {
            id: call.id.clone(),
            name: call.name,
            signature: call.signature,
        });
        self.choice.open = Some(Open::Call(call.index, call.id));
        self.choice.progress = Progress::default();
        self.argue(call.arguments);
    }

    fn argue(&mut self, more: String) {
        if !more.is_empty() {
            self.choice.progress.feed(&more);
            self.push(Delta::Arguments(more));
        }
    }

    /// Goes on with the next of those that wait once the one before is whole.
    fn catch_up(&mut self) {
        while !self.choice.waiting.is_empty() && !self.choice.progress.may_go_on() {
            self.end_part();
            let next = self.choice.waiting.remove(0);
            self.begin_call(next);
        }
    }

    /// Makes sure that this part is open.
    fn go_on(&mut self, part: Open, start: impl FnOnce() -> PartStart) {
        if self.choice.open.as_ref() != Some(&part) {
            self.close();
            self.begin(start());
            self.choice.open = Some(part);
        }
    }

    fn begin(&mut self, start: PartStart) {
        self.events.push(Event::PartStart {
            choice: self.index,
            part: self.choice.part,
            start,
        });
    }

    fn push(&mut self, delta: Delta) {
        let event = self.event(delta);
        self.events.push(event);
    }

    fn event(&self, delta: Delta) -> Event {
        Event::Delta {
            choice: self.index,
            part: self.choice.part,
            delta,
        }
    }

    /// Ends the part that is open, and tells the calls that waited for it.
    fn close(&mut self) {
        self.end_part();
        for call in std::mem::take(&mut self.choice.waiting) {
            self.begin_call(call);
            self.end_part();
        }
    }

    fn end_part(&mut self) {
        if self.choice.open.take().is_some() {
            self.events.push(Event::PartEnd {
                choice: self.index,
                part: self.choice.part,
            });
            self.choice.part += 1;
        }
    }
}
