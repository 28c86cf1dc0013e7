//! A provider's stream, read (<https://platform.openai.com/docs/api-reference/responses-streaming>).

mod live;

use std::collections::BTreeMap;

use super::answer::seconds;
use super::item::{self, Items};
use super::{problem, usage};
use crate::chat::{Event, PartKind};
use crate::codec::{BadAnswer, Decoder};
use crate::dialect::openai::problem::in_stream;
use crate::frame::Frame;
use crate::json::{Object, Value};
use live::Live;

/// How many bytes of items are kept that ended while another was told.
const MAX_WAITING: usize = 8 << 20;

/// Reads events of one stream.
///
/// Items come one after the other; where they do not, the first is told as it comes, and the others whole once they
/// have ended.
#[derive(Debug, Default)]
pub(super) struct Reader {
    started: bool,
    /// The stream is over.
    over: bool,
    /// The item that is told as it comes.
    live: Option<Live>,
    /// Items that began while another was told, and what they are if they have ended.
    waiting: BTreeMap<u64, Option<Value<'static>>>,
    waiting_bytes: usize,
    /// The number of the next part.
    parts: u32,
    called: bool,
    /// An item came.
    any: bool,
}

impl Decoder for Reader {
    fn frame(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) -> Result<(), BadAnswer> {
        // Some servers end their streams as those of chat completions end.
        if self.over || &*frame.data == b"[DONE]" {
            return Ok(());
        }
        let data = Value::from_bytes(&frame.data)?;
        let kind = data.get("type").and_then(Value::as_str);
        let kind = kind.or(frame.name.as_deref()).unwrap_or_default();
        let response = data.get("response").unwrap_or(&Value::Null);
        self.start(response, events);
        match kind {
            "response.output_item.added" => self.added(&data, events),
            "response.output_item.done" => self.done(&data, frame.data.len(), events)?,
            "response.completed" | "response.incomplete" => self.end(response, events),
            "response.failed" => self.fail(response, events),
            _ => {
                if let Some(problem) = in_stream(&data, frame.name.as_deref()) {
                    self.close(events);
                    self.over = true;
                    events.push(Event::Failed(problem));
                } else {
                    self.more(kind, &data, events);
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, events: &mut Vec<Event>) {
        // The last event of a whole answer says so.
        if !self.over {
            self.over = true;
            self.close(events);
        }
    }
}

impl Reader {
    fn start(&mut self, response: &Value<'_>, events: &mut Vec<Event>) {
        if self.started {
            return;
        }
        self.started = true;
        let string = |name| response.get(name).and_then(Value::as_str);
        events.push(Event::Start {
            id: string("id").unwrap_or_default().to_owned(),
            model: string("model").unwrap_or_default().to_owned(),
            created: response.get("created_at").and_then(seconds),
        });
    }

    fn added(&mut self, data: &Value<'_>, events: &mut Vec<Event>) {
        let index = index(data);
        let Some(item) = data.get("item").and_then(Value::as_object) else {
            return;
        };
        self.any = true;
        if self.live.is_some() {
            self.waiting.entry(index).or_default();
            return;
        }
        let mut live = Live::new(index);
        live.begin(item, &mut self.parts, events);
        self.live = Some(live);
    }

    /// An item ends, and holds all that was said of it.
    fn done(
        &mut self,
        data: &Value<'_>,
        bytes: usize,
        events: &mut Vec<Event>,
    ) -> Result<(), BadAnswer> {
        let index = index(data);
        let Some(item) = data.get("item") else {
            return Ok(());
        };
        self.any = true;
        match &mut self.live {
            Some(live) if live.index == index => {
                let said = live.end(item, &mut self.parts, events);
                self.live = None;
                self.note(item);
                if !said {
                    self.whole(item, events);
                }
                self.catch_up(events);
            }
            Some(_) => {
                self.waiting_bytes = self.waiting_bytes.saturating_add(bytes);
                if self.waiting_bytes > MAX_WAITING {
                    return Err(BadAnswer::new("too much of it comes at once"));
                }
                self.waiting.insert(index, Some(item.clone().into_owned()));
            }
            None => {
                self.waiting.remove(&index);
                self.note(item);
                self.whole(item, events);
            }
        }
        Ok(())
    }

    /// Tells what has ended meanwhile.
    fn catch_up(&mut self, events: &mut Vec<Event>) {
        self.waiting_bytes = 0;
        for (_, item) in std::mem::take(&mut self.waiting) {
            // Of one that goes on, all is told once it has ended.
            if let Some(item) = item {
                self.note(&item);
                self.whole(&item, events);
            }
        }
    }

    /// Minds what an item means for the end.
    fn note(&mut self, item: &Value<'_>) {
        let kind = item.get("type").and_then(Value::as_str);
        self.called |= matches!(kind, Some("function_call" | "custom_tool_call"));
    }

    fn whole(&mut self, item: &Value<'_>, events: &mut Vec<Event>) {
        let mut items = Items::default();
        items.add(item);
        let last_text = items
            .parts
            .iter()
            .rposition(|part| matches!(part.kind, PartKind::Text(..)));
        for (at, part) in items.parts.iter().enumerate() {
            let tokens: &[_] = match last_text {
                Some(last) if last == at => &items.logprobs,
                _ => &[],
            };
            item::replay(part, self.parts, tokens, events);
            self.parts += 1;
        }
    }

    /// A piece of an item.
    fn more(&mut self, kind: &str, data: &Value<'_>, events: &mut Vec<Event>) {
        let index = index(data);
        if self.live.is_none() && live::is_piece(kind) && !self.waiting.contains_key(&index) {
            // Some servers do not say that an item begins.
            self.any = true;
            let mut live = Live::new(index);
            live.begin(&Object::new(), &mut self.parts, events);
            self.live = Some(live);
        }
        if let Some(live) = &mut self.live
            && live.index == index
        {
            live.more(kind, data, &mut self.parts, events);
        }
    }

    fn close(&mut self, events: &mut Vec<Event>) {
        if let Some(mut live) = self.live.take() {
            self.called |= live.is_call();
            live.close(&mut self.parts, events);
        }
        self.catch_up(events);
    }

    fn end(&mut self, response: &Value<'_>, events: &mut Vec<Event>) {
        self.close(events);
        if !self.any {
            // Some servers tell all at the end.
            let output = response.get("output").and_then(Value::as_array);
            for item in output.into_iter().flatten() {
                self.note(item);
                self.whole(item, events);
            }
        }
        self.over = true;
        events.push(Event::Finish {
            choice: 0,
            finish: item::finish(response, self.called),
        });
        self.count(response, events);
        events.push(Event::End);
    }

    fn fail(&mut self, response: &Value<'_>, events: &mut Vec<Event>) {
        self.close(events);
        self.over = true;
        self.count(response, events);
        events.push(Event::Failed(problem::of_response(response)));
    }

    fn count(&self, response: &Value<'_>, events: &mut Vec<Event>) {
        let told = response.get("usage").and_then(usage::read);
        events.extend(told.map(Event::Usage));
    }
}

/// Which item an event is of.
fn index(data: &Value<'_>) -> u64 {
    data.get("output_index")
        .and_then(Value::as_u64)
        .unwrap_or_default()
}
