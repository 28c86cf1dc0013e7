//! The turns of a request, written.
//!
//! Neighbours of one role are one turn, results of tools stand first in theirs, texts that are blank are left out, and so
//! is reasoning that no model of Bedrock's signed: it is a record of what was. Citations of earlier answers are not sent
//! back. Both are told.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{block, file};
use crate::Format;
use crate::chat::{
    CacheMarker, Hint, Message, Part, PartKind, Problem, Reasoned, Request, Role, ToolResult,
};
use crate::codec::Gaps;
use crate::dialect::anthropic::beside::Beside;
use crate::dialect::anthropic::models::Claude;
use crate::dialect::anthropic::turns::{NO_WORDS, fitting_id, input, trim_end};
use crate::json::{Object, Value};

/// A turn under way.
struct Turn<'r> {
    role: Role,
    /// Results of tools.
    results: Vec<Value<'r>>,
    blocks: Vec<Value<'r>>,
}

/// `system` and `messages`; the first is empty where there are no instructions.
pub(super) fn write<'r>(
    request: &'r Request<'_>,
    claude: Claude,
    gaps: &mut Gaps,
) -> Result<(Vec<Value<'r>>, Value<'r>), Problem> {
    let mut system = Vec::new();
    for part in &request.system {
        add_text_only(part, &mut system, gaps)?;
    }
    let beside = Beside::of(request);
    let mut turns: Vec<Turn<'r>> = Vec::new();
    for (index, message) in request.messages.iter().enumerate() {
        let role = role_of(message, &turns, request.messages.get(index + 1), claude);
        let mut turn = Turn::new(role);
        gaps.speaker(message)?;
        for part in &message.parts {
            if message.role == Role::System {
                add_text_only(part, &mut turn.blocks, gaps)?;
            } else {
                turn.add(request, part, &beside, gaps)?;
            }
        }
        turn.join(&mut turns);
    }
    if turns.is_empty() {
        // Instructions alone are what is asked.
        let mut turn = Turn::new(Role::User);
        turn.blocks = std::mem::take(&mut system);
        turns.push(turn);
    }
    if turns
        .first()
        .is_some_and(|turn| turn.role == Role::Assistant)
    {
        let mut turn = Turn::new(Role::User);
        turn.blocks.push(one("text", NO_WORDS));
        turns.insert(0, turn);
    }
    let mut names = HashMap::new();
    for block in turns.iter_mut().flat_map(Turn::all) {
        file::tell_apart(block, &mut names);
    }
    if let Some(last) = turns.last_mut().filter(|turn| turn.role == Role::Assistant) {
        trim_end(&mut last.blocks);
    }
    Ok((system, turns.into_iter().map(Turn::into_value).collect()))
}

/// Instructions in the middle are a turn of their own where the model is known to take them there, else words of the
/// user's.
fn role_of(
    message: &Message<'_>,
    before: &[Turn<'_>],
    next: Option<&Message<'_>>,
    claude: Claude,
) -> Role {
    let takes = claude.is_known() && claude.takes_system_turns();
    let behind_user = before
        .last()
        .is_some_and(|turn| turn.role != Role::Assistant);
    let before_answer = next.is_none_or(|next| next.role != Role::User);
    match message.role {
        Role::System if takes && behind_user && before_answer => Role::System,
        Role::System => Role::User,
        role => role,
    }
}

impl<'r> Turn<'r> {
    fn new(role: Role) -> Self {
        Self {
            role,
            results: Vec::new(),
            blocks: Vec::new(),
        }
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Value<'r>> {
        self.results.iter_mut().chain(&mut self.blocks)
    }

    fn join(self, turns: &mut Vec<Self>) {
        if self.results.is_empty() && self.blocks.is_empty() {
            return;
        }
        match turns.last_mut().filter(|last| last.role == self.role) {
            Some(last) => {
                last.results.extend(self.results);
                last.blocks.extend(self.blocks);
            }
            None => turns.push(self),
        }
    }

    fn into_value(self) -> Value<'r> {
        let role = match self.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let mut blocks = self.results;
        blocks.extend(self.blocks);
        Object::new()
            .with("role", role)
            .with("content", Value::Array(blocks))
            .into()
    }

    fn add(
        &mut self,
        request: &Request<'_>,
        part: &'r Part<'_>,
        beside: &Beside<'r>,
        gaps: &mut Gaps,
    ) -> Result<(), Problem> {
        let mut into = &mut self.blocks;
        match &part.kind {
            PartKind::Text(text, _) | PartKind::Refusal(text) => {
                if text.trim().is_empty() {
                    return Ok(());
                }
                into.push(one("text", text));
            }
            PartKind::Media(_) if self.role == Role::Assistant => {
                return Err(gaps.refuse(&part.path, "files in the model's turns"));
            }
            PartKind::Media(media) => {
                into.push(file::write(media, &part.path, beside.at(&part.path), gaps)?.into());
            }
            PartKind::ToolCall(call) => {
                if call.signature.is_some() {
                    gaps.unproven(request, part);
                }
                let call = Object::new()
                    .with("toolUseId", id(&call.id))
                    .with("name", &call.name)
                    .with("input", input(&call.arguments));
                into.push(one("toolUse", call));
            }
            PartKind::ToolResult(result) => {
                into = &mut self.results;
                into.push(one(
                    "toolResult",
                    tool_result(request, result, beside, gaps)?,
                ));
            }
            PartKind::Reasoning(reasoned) => match reasoning(reasoned) {
                Some(reasoned) => into.push(one("reasoningContent", reasoned)),
                None => {
                    gaps.forgotten(request, part);
                    return Ok(());
                }
            },
        }
        into.extend(part.cache.map(cache_point));
        Ok(())
    }
}

/// A union with this member.
pub(super) fn one<'r>(name: &'static str, value: impl Into<Value<'r>>) -> Value<'r> {
    Object::new().with(name, value).into()
}

/// `cachePoint`, which stands behind what is kept.
pub(super) fn cache_point(marker: CacheMarker) -> Value<'static> {
    let ttl = match marker {
        CacheMarker::Default => None,
        CacheMarker::Hour => Some("1h"),
    };
    let point = Object::new().with("type", "default").maybe("ttl", ttl);
    one("cachePoint", point)
}

fn add_text_only<'r>(
    part: &'r Part<'_>,
    blocks: &mut Vec<Value<'r>>,
    gaps: &Gaps,
) -> Result<(), Problem> {
    let PartKind::Text(text, _) = &part.kind else {
        return Err(gaps.refuse(&part.path, "instructions that are no text"));
    };
    if !text.trim().is_empty() {
        blocks.push(one("text", text));
        blocks.extend(part.cache.map(cache_point));
    }
    Ok(())
}

fn reasoning<'r>(reasoned: &'r Reasoned<'_>) -> Option<Object<'r>> {
    let signature = reasoned.signature.as_ref();
    // A thought that Claude signed elsewhere is good here too
    // (<https://platform.claude.com/docs/en/build-with-claude/extended-thinking#thinking-encryption>).
    let good = |from| match from {
        Format::Converse => true,
        Format::Messages => !reasoned.redacted,
        _ => false,
    };
    let signature = signature.filter(|signature| good(signature.from))?;
    if reasoned.redacted {
        return Some(Object::new().with("redactedContent", block::to_hidden(signature)));
    }
    let words = Object::new()
        .with("text", &reasoned.text)
        .with("signature", &signature.data);
    Some(Object::new().with("reasoningText", words))
}

/// `[a-zA-Z0-9_.:-]+`, at most 64.
fn id(given: &str) -> Cow<'_, str> {
    fitting_id(given, 64, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-')
    })
}

fn tool_result<'r>(
    request: &Request<'_>,
    result: &'r ToolResult<'_>,
    beside: &Beside<'r>,
    gaps: &mut Gaps,
) -> Result<Object<'r>, Problem> {
    let mut blocks: Vec<Value<'r>> = Vec::new();
    for part in &result.parts {
        match &part.kind {
            PartKind::Text(text, _) | PartKind::Refusal(text) => {
                if !text.trim().is_empty() {
                    blocks.push(one("text", text));
                }
            }
            PartKind::Media(media) => {
                blocks.push(file::write(media, &part.path, beside.at(&part.path), gaps)?.into());
            }
            _ => return Err(gaps.refuse(&part.path, "such a part of a result")),
        }
        // Nothing is marked inside of a result.
        if part.cache.is_some() && !request.marks_parts_of(result) {
            gaps.hint_at(request, Hint::Cache, &part.path);
        }
    }
    Ok(Object::new()
        .with("toolUseId", id(&result.call))
        .with("content", Value::Array(blocks))
        .maybe("status", result.error.then_some("error")))
}
