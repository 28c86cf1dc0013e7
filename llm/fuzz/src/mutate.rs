//! Changes to inputs that keep them what they are: JSON stays JSON, a stream stays a stream, and what they say turns
//! hostile. The same seed makes the same change.

use bytes::Bytes;
use serde_json::{Value, json};
use weir_llm::frame::{Cutter, Framing, Header, frames, write_message};
use weir_llm::sse;

/// The most bytes that choose before what somebody sends begins.
const MAX_HEAD: usize = 3;

/// A change to an input of any target; `None` where it is neither JSON nor a stream.
#[must_use]
pub fn any(input: &[u8], seed: u64) -> Option<Vec<u8>> {
    let mut random = Random::new(seed);
    for head in 0..=MAX_HEAD.min(input.len()) {
        let (chosen, sent) = input.split_at(head);
        let changed = if sent.starts_with(b"data:") || sent.starts_with(b"event:") {
            stream(Framing::Sse, sent, &mut random)
        } else if sent.starts_with(&[0, 0]) {
            stream(Framing::EventStream, sent, &mut random)
        } else {
            text(sent, &mut random)
        };
        if let Some(changed) = changed {
            return Some([chosen, &changed].concat());
        }
    }
    None
}

/// Numbers that look random, and are the same for the same seed (xorshift64*, Vigna 2016).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Those of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next, less than this.
    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        number as usize % most.max(1)
    }
}

fn text(text: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    if !text.starts_with(b"{") && !text.starts_with(b"[") {
        return None;
    }
    let mut value = serde_json::from_slice(text).ok()?;
    turn(&mut value, random);
    Some(value.to_string().into_bytes())
}

/// Events of a stream: one is turned, left out, said again, or changes places with another.
fn stream(framing: Framing, sent: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut events: Vec<(Option<String>, Vec<u8>, bool)> = Vec::new();
    let fed = Cutter::new(framing)
        .feed(Bytes::copy_from_slice(sent))
        .ok()?;
    for run in fed {
        for frame in frames(framing, &run).map_while(Result::ok) {
            let name = frame.name.map(|name| name.into_owned());
            events.push((name, frame.data.into_owned(), frame.exception));
        }
    }
    if events.is_empty() {
        return None;
    }
    let (one, other) = (random.below(events.len()), random.below(events.len()));
    match random.below(8) {
        0 => {
            events.remove(one);
        }
        1 => {
            let again = events[one].clone();
            events.insert(other, again);
        }
        2 => events.swap(one, other),
        3 => events[one].0 = events[other].0.clone(),
        _ => {
            if let Some(changed) = text(&events[one].1, random) {
                events[one].1 = changed;
            }
        }
    }
    let mut out = Vec::new();
    for (name, data, exception) in events {
        if framing == Framing::Sse {
            sse::write(name.as_deref(), &data, &mut out);
            continue;
        }
        let (kind, of) = if exception {
            (":exception-type", "exception")
        } else {
            (":event-type", "event")
        };
        let value = name.as_deref().unwrap_or_default();
        let headers = [
            Header { name: kind, value },
            Header {
                name: ":message-type",
                value: of,
            },
        ];
        write_message(&headers, &data, &mut out);
    }
    Some(out)
}

/// Changes one value of a tree.
pub fn turn(value: &mut Value, random: &mut Random) {
    let count = count(value);
    let mut donor = pick(value, &mut random.below(count)).clone();
    let mut at = random.below(count);
    let place = pick_mut(value, &mut at);
    match (random.below(6), place) {
        (0, Value::Array(items)) if !items.is_empty() => {
            items.remove(random.below(items.len()));
        }
        (1, Value::Array(items)) => {
            let at = random.below(items.len() + 1);
            items.insert(at, donor);
        }
        (0, Value::Object(fields)) if !fields.is_empty() => {
            let name = key(fields, random);
            fields.remove(&name);
        }
        (1, Value::Object(fields)) => {
            let name = match random.below(3) {
                0 => key(fields, random),
                1 => NAMES[random.below(NAMES.len())].to_owned(),
                _ => match &donor {
                    Value::Object(other) => key(other, random),
                    Value::String(text) => text.clone(),
                    _ => "type".to_owned(),
                },
            };
            fields.insert(name, donor);
        }
        (2, place) => std::mem::swap(place, &mut donor),
        (_, place) => *place = hostile(random),
    }
}

fn key(fields: &serde_json::Map<String, Value>, random: &mut Random) -> String {
    let at = random.below(fields.len());
    fields.keys().nth(at).cloned().unwrap_or_default()
}

/// Names that many formats know.
const NAMES: [&str; 24] = [
    "type",
    "role",
    "content",
    "text",
    "index",
    "id",
    "name",
    "arguments",
    "input",
    "tool_calls",
    "delta",
    "usage",
    "error",
    "message",
    "parts",
    "finish_reason",
    "signature",
    "stop",
    "n",
    "tools",
    "tool_choice",
    "response_format",
    "thinking",
    "cache_control",
];

/// A value that few expect.
fn hostile(random: &mut Random) -> Value {
    match random.below(20) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(false),
        3 => json!(0),
        4 => json!(-1),
        5 => json!(u64::MAX),
        6 => json!(i64::MIN),
        7 => json!(1e308),
        8 => json!(0.5),
        9 => json!(""),
        10 => json!("\u{0}\n\r\"\\\u{2028}\u{10FFFF}"),
        11 => json!("weir.messages.x"),
        12 => json!("data:;base64,"),
        13 => json!("{\"a\":"),
        14 => json!([]),
        15 => json!({}),
        16 => json!([[[[]]], null, {}]),
        17 => json!({"type": "text", "text": {}}),
        18 => json!("x".repeat(300)),
        _ => json!(4_294_967_296_u64),
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// The value of this number, counted from the top.
fn pick<'v>(value: &'v Value, at: &mut usize) -> &'v Value {
    let children: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    };
    if *at == 0 {
        return value;
    }
    *at -= 1;
    for child in children {
        let inside = count(child);
        if *at < inside {
            return pick(child, at);
        }
        *at -= inside;
    }
    value
}

fn pick_mut<'v>(value: &'v mut Value, at: &mut usize) -> &'v mut Value {
    if *at == 0 || count(value) <= *at {
        return value;
    }
    *at -= 1;
    let children: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        let inside = count(child);
        if *at < inside {
            return pick_mut(child, at);
        }
        *at -= inside;
    }
    unreachable!("the number is less than how many there are")
}
