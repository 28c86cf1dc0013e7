//! How much text a request holds.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::Operation;

/// What a token counts that is given by its number.
const BYTES_PER_TOKEN: u64 = 4;

/// Bytes of text in the body of a request, see [`Body::text_bytes`](super::Body::text_bytes).
pub(super) fn count(operation: Operation, body: &str) -> u64 {
    let rule = match operation {
        Operation::Chat => Rule::Chat,
        Operation::Completions => Rule::Completion,
        Operation::Embeddings => Rule::Embeddings,
        _ => Rule::Other,
    };
    let mut total = 0;
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let counted = Counter {
        rule,
        total: &mut total,
    }
    .deserialize(&mut deserializer);
    // A body that was read before can't fail here; what was counted until then stands anyway.
    drop(counted);
    total
}

/// What counts in a value.
#[derive(Clone, Copy)]
enum Rule {
    Nothing,
    /// Every string that is not in an object, and every number as a token.
    Prompt,
    /// A string as it is; in an object what `child` says of each key.
    Content,
    Chat,
    Completion,
    Embeddings,
    /// What is no conversation.
    Other,
    Messages,
    ToolCalls,
    Function,
    Part,
}

impl Rule {
    fn child(self, key: &str) -> Self {
        match (self, key) {
            (Self::Chat, "messages") => Self::Messages,
            (Self::Completion, "prompt" | "suffix")
            | (Self::Embeddings, "input" | "texts")
            | (Self::Other, "input" | "prompt" | "query" | "documents") => Self::Prompt,
            (Self::Messages, "content") => Self::Part,
            (Self::Messages, "refusal") | (Self::Part, "text" | "refusal") => Self::Content,
            (Self::Messages, "tool_calls") => Self::ToolCalls,
            (Self::Messages, "function_call") | (Self::ToolCalls, "function") => Self::Function,
            (Self::Function, "arguments") => Self::Content,
            _ => Self::Nothing,
        }
    }

    fn counts_strings(self) -> bool {
        matches!(self, Self::Prompt | Self::Content | Self::Part)
    }
}

struct Counter<'t> {
    rule: Rule,
    total: &'t mut u64,
}

impl<'de> DeserializeSeed<'de> for Counter<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.rule {
            Rule::Nothing => de::IgnoredAny::deserialize(deserializer).map(|_| ()),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Counter<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        if self.rule.counts_strings() {
            *self.total += text.len() as u64;
        }
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        if matches!(self.rule, Rule::Prompt) {
            *self.total += BYTES_PER_TOKEN;
        }
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        loop {
            let item = Counter {
                rule: self.rule,
                total: &mut *self.total,
            };
            if seq.next_element_seed(item)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            map.next_value_seed(Counter {
                rule: self.rule.child(&key),
                total: &mut *self.total,
            })?;
        }
        Ok(())
    }
}
