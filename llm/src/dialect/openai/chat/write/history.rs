//! The turns of a conversation.

use std::borrow::Cow;

use super::Writer;
use crate::Format;
use crate::chat::{
    CacheMarker, Hint, Message, Part, PartKind, Problem, Reasoned, Role, Signature, ToolCall,
    ToolResult,
};
use crate::dialect::openai::chat::reasoning;
use crate::json::{Object, Text, Value};

/// The longest id of a call that OpenAI takes.
const MAX_ID: usize = 40;
/// What is put before the result of a tool that failed: chat completions has no mark for it.
const FAILED: &str = "The tool failed: ";

impl<'r> Writer<'_, 'r, '_> {
    pub(super) fn messages(&mut self) -> Result<Vec<Object<'r>>, Problem> {
        let request = self.request;
        let mut messages = Vec::new();
        if !request.system.is_empty() {
            let content = self.content(&request.system)?;
            messages.push(said("system", None, content));
        }
        for message in &request.messages {
            match message.role {
                Role::System => {
                    let content = self.content(&message.parts)?;
                    messages.push(said("system", message.name.as_deref(), content));
                }
                Role::User => self.user(message, &mut messages)?,
                Role::Assistant => messages.push(self.assistant(message)?),
            }
        }
        Ok(messages)
    }

    /// Results come first: they have to follow the calls at once.
    fn user(
        &mut self,
        message: &'r Message<'r>,
        messages: &mut Vec<Object<'r>>,
    ) -> Result<(), Problem> {
        let mut rest = Vec::new();
        for part in &message.parts {
            match &part.kind {
                PartKind::ToolResult(result) => messages.push(self.result(result, part.cache)?),
                _ => rest.push(part),
            }
        }
        if rest.is_empty() && !message.parts.is_empty() {
            return Ok(());
        }
        let content = self.content(rest)?;
        messages.push(said("user", message.name.as_deref(), content));
        Ok(())
    }

    fn result(
        &mut self,
        result: &'r ToolResult<'r>,
        cache: Option<CacheMarker>,
    ) -> Result<Object<'r>, Problem> {
        let mut parts = Vec::new();
        if result.error {
            parts.push(text_part(FAILED));
        }
        for part in &result.parts {
            match &part.kind {
                PartKind::Text(..) | PartKind::Refusal(_) => parts.push(self.part(part)?),
                PartKind::Media(media) => match &media.source {
                    crate::chat::Source::Text(_) => parts.push(self.part(part)?),
                    _ => {
                        let what = "results of tools that are no text";
                        return Err(self.gaps.refuse(&part.path, what));
                    }
                },
                _ => self
                    .gaps
                    .leave_out(&part.path, "results of tools that are no text")?,
            }
        }
        if let (Some(marker), Some(last)) = (cache, parts.last_mut())
            && last.get("cache_control").is_none()
            && let Some(marker) = self.marker(marker)
        {
            last.push("cache_control", marker);
        }
        Ok(Object::new()
            .with("role", "tool")
            .with("tool_call_id", self.id(&result.call))
            .with("content", joined(parts)))
    }

    fn assistant(&mut self, message: &'r Message<'r>) -> Result<Object<'r>, Problem> {
        let mut words: Vec<&'r Text<'r>> = Vec::new();
        let mut refusal = None;
        let mut calls = Vec::new();
        let mut reasoned = Vec::new();
        for part in &message.parts {
            match &part.kind {
                PartKind::Text(text, _) => {
                    // Words of the model's are one text, which has no place for a marker.
                    if self.quirks.cache_markers && part.cache.is_some() {
                        self.gaps.hint_at(self.request, Hint::Cache, &part.path);
                    }
                    words.push(text);
                }
                PartKind::Refusal(text) if self.quirks.own => refusal = Some(text),
                PartKind::Refusal(text) => words.push(text),
                PartKind::ToolCall(call) => {
                    let own = |one: &Signature<'_>| one.from == Format::Chat;
                    if !call.signature.as_ref().is_none_or(own) {
                        self.gaps.unproven(self.request, part);
                    }
                    calls.push(self.call(call));
                }
                PartKind::Reasoning(one) if self.takes_back(one) => reasoned.push(one),
                // History of another provider's: it means nothing to this one.
                PartKind::Reasoning(_) => self.gaps.forgotten(self.request, part),
                PartKind::Media(_) => self
                    .gaps
                    .leave_out(&part.path, "files in what the model said")?,
                PartKind::ToolResult(_) => self
                    .gaps
                    .leave_out(&part.path, "results of tools in what the model said")?,
            }
        }
        let content = match words.as_slice() {
            [] if calls.is_empty() && refusal.is_none() => "".into(),
            [] => Value::Null,
            [one] => Value::from(*one),
            several => {
                let all: String = several.iter().map(|text| &***text).collect();
                all.into()
            }
        };
        let mut object =
            said("assistant", message.name.as_deref(), content).maybe("refusal", refusal);
        reasoning::write(&reasoned, &mut object);
        if !calls.is_empty() {
            object.push("tool_calls", calls);
        }
        Ok(object)
    }

    fn takes_back(&self, reasoned: &Reasoned<'_>) -> bool {
        self.quirks.reasons_on
            && match &reasoned.signature {
                Some(signature) => signature.from == Format::Chat,
                None => !reasoned.text.is_empty(),
            }
    }

    fn call(&self, call: &'r ToolCall<'r>) -> Object<'r> {
        let arguments = match call.arguments.trim() {
            "" => Value::from("{}"),
            _ => Value::from(&call.arguments),
        };
        let function = Object::new()
            .with("name", &call.name)
            .with("arguments", arguments);
        let signature = call.signature.as_ref();
        let own = signature.filter(|one| one.from == Format::Chat);
        Object::new()
            .with("id", self.id(&call.id))
            .with("type", "function")
            .with("function", function)
            .maybe("extra_content", own.map(reasoning::extra_content))
    }

    /// The id of a call in a form that the target takes; the same for the call and for its result.
    fn id(&self, id: &'r str) -> Cow<'r, str> {
        if self.quirks.short_ids {
            let fits = id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            return if fits {
                id.into()
            } else {
                hashed(id, 9).into()
            };
        }
        if id.len() <= MAX_ID && !id.is_empty() {
            return id.into();
        }
        format!("call_{}", hashed(id, 24)).into()
    }

    /// A turn's content: a text where it is one and no more, else parts.
    fn content(
        &mut self,
        parts: impl IntoIterator<Item = &'r Part<'r>>,
    ) -> Result<Value<'r>, Problem> {
        let mut written = Vec::new();
        for part in parts {
            match &part.kind {
                PartKind::Text(..) | PartKind::Refusal(_) => written.push(self.part(part)?),
                PartKind::Media(media) => {
                    let mut object = self.media(media, &part.path)?;
                    self.mark(part, &mut object);
                    written.push(object);
                }
                PartKind::Reasoning(_) => self.gaps.forgotten(self.request, part),
                PartKind::ToolCall(_) | PartKind::ToolResult(_) => {
                    self.gaps.leave_out(&part.path, "calls of tools here")?;
                }
            }
        }
        Ok(joined(written))
    }

    fn part(&self, part: &'r Part<'r>) -> Result<Object<'r>, Problem> {
        let text: &'r str = match &part.kind {
            PartKind::Text(text, _) | PartKind::Refusal(text) => text,
            PartKind::Media(media) => match &media.source {
                crate::chat::Source::Text(text) => text,
                _ => "",
            },
            _ => "",
        };
        let mut object = text_part(text);
        self.mark(part, &mut object);
        Ok(object)
    }

    fn mark(&self, part: &Part<'_>, object: &mut Object<'r>) {
        if let Some(marker) = part.cache.and_then(|marker| self.marker(marker)) {
            object.push("cache_control", marker);
        }
        // A caller of responses said it in OpenAI's own words, which not all of its models take: so no other's are put so.
        if let (Some(marker), true, Some(Format::Responses)) =
            (part.cache, self.quirks.own, self.request.from)
        {
            let own = Object::new().with("mode", "explicit");
            let own = match marker {
                CacheMarker::Default => own,
                CacheMarker::Hour => own.with("ttl", "12h"),
            };
            object.push("prompt_cache_breakpoint", own);
        }
    }

    /// A marker for a target that goes by them. All others cache prompts by themselves or not at all, and no answer is
    /// another for it: so it is no loss.
    pub(super) fn marker(&self, marker: CacheMarker) -> Option<Object<'static>> {
        let object = Object::new().with("type", "ephemeral");
        self.quirks.cache_markers.then(|| match marker {
            CacheMarker::Default => object,
            CacheMarker::Hour => object.with("ttl", "1h"),
        })
    }
}

fn said<'r>(role: &'static str, name: Option<&'r str>, content: Value<'r>) -> Object<'r> {
    Object::new()
        .with("role", role)
        .maybe("name", name)
        .with("content", content)
}

pub(super) fn text_part(text: &str) -> Object<'_> {
    Object::new().with("type", "text").with("text", text)
}

/// One text with nothing to it is a text.
fn joined(mut parts: Vec<Object<'_>>) -> Value<'_> {
    let plain = |part: &Object<'_>| {
        part.len() == 2 && part.get("type").and_then(Value::as_str) == Some("text")
    };
    match parts.as_slice() {
        [] => "".into(),
        [only] if plain(only) => parts
            .remove(0)
            .into_iter()
            .nth(1)
            .map(|(_, text)| text)
            .unwrap_or_default(),
        _ => parts.into(),
    }
}

/// So many letters and digits made of a text: always the same of the same.
fn hashed(text: &str, len: usize) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // FNV-1a of 128 bits (http://www.isthe.com/chongo/tech/comp/fnv/).
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in text.bytes() {
        hash ^= u128::from(byte);
        hash = hash.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    let mut out = String::with_capacity(len);
    for _ in 0..len {
        let digit = usize::try_from(hash % 62).unwrap_or_default();
        out.push(char::from(LETTERS[digit]));
        hash /= 62;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hashed_id_is_always_the_same_and_another_for_another() {
        assert_eq!(hashed("toolu_1", 9), hashed("toolu_1", 9));
        assert_ne!(hashed("toolu_1", 9), hashed("toolu_2", 9));
        assert_eq!(hashed("", 9).len(), 9);
    }
}
