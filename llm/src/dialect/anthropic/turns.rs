//! The turns of a request, written.
//!
//! Neighbours of one role are one turn; results of tools stand first in theirs; texts that are empty or blank, which the
//! API refuses, are left out, and so is reasoning that Claude did not sign: it is a record of what was, and no model but
//! its own can take it up. Citations of earlier answers are not sent back. Both are told.

use std::borrow::Cow;

use base64::Engine as _;

use super::beside::Beside;
use super::models::Claude;
use super::write::cache_control;
use crate::Format;
use crate::chat::{
    Detail, Media, MediaKind, Message, Part, PartKind, Problem, Reasoned, Request, Role, Source,
    ToolCall, ToolResult,
};
use crate::codec::Gaps;
use crate::json::{Object, Value};

/// Stands where the caller's conversation begins with an answer of the model: the first turn has to be the user's.
pub(crate) const NO_WORDS: &str = "...";

/// A turn under way.
struct Turn<'r> {
    role: Role,
    /// Results of tools.
    results: Vec<Value<'r>>,
    blocks: Vec<Value<'r>>,
}

/// `system` and `messages`.
pub(super) fn write<'r>(
    request: &'r Request<'_>,
    claude: Claude,
    gaps: &mut Gaps,
) -> Result<(Option<Value<'r>>, Value<'r>), Problem> {
    let mut system = Vec::new();
    for part in &request.system {
        add_text_only(part, &mut system, gaps)?;
    }
    let beside = Beside::of(request);
    let mut turns: Vec<Turn<'r>> = Vec::new();
    for (index, message) in request.messages.iter().enumerate() {
        let role = role_of(message, &turns, request.messages.get(index + 1), claude);
        gaps.speaker(message)?;
        let mut turn = Turn {
            role,
            results: Vec::new(),
            blocks: Vec::new(),
        };
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
        turns.push(Turn {
            role: Role::User,
            results: Vec::new(),
            blocks: std::mem::take(&mut system),
        });
    }
    if turns
        .first()
        .is_some_and(|turn| turn.role == Role::Assistant)
    {
        turns.insert(
            0,
            Turn {
                role: Role::User,
                results: Vec::new(),
                blocks: vec![text_block(NO_WORDS, None)],
            },
        );
    }
    if let Some(last) = turns.last_mut().filter(|turn| turn.role == Role::Assistant) {
        trim_end(&mut last.blocks);
    }
    let system = (!system.is_empty()).then(|| shortest(system));
    Ok((system, turns.into_iter().map(Turn::into_value).collect()))
}

/// Instructions in the middle are a turn of their own where the model takes them and behind a user's turn, before an
/// answer or the end; else they are words in the user's turn.
fn role_of(
    message: &Message<'_>,
    before: &[Turn<'_>],
    next: Option<&Message<'_>>,
    claude: Claude,
) -> Role {
    let behind_user = before
        .last()
        .is_some_and(|turn| turn.role != Role::Assistant);
    let before_answer = next.is_none_or(|next| next.role != Role::User);
    match message.role {
        Role::System if claude.takes_system_turns() && behind_user && before_answer => Role::System,
        Role::System => Role::User,
        role => role,
    }
}

impl<'r> Turn<'r> {
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
            .with("content", shortest(blocks))
            .into()
    }

    fn add(
        &mut self,
        request: &Request<'_>,
        part: &'r Part<'_>,
        beside: &Beside<'r>,
        gaps: &mut Gaps,
    ) -> Result<(), Problem> {
        let cache = part.cache.map(cache_control);
        let block = match &part.kind {
            PartKind::Text(text, _) | PartKind::Refusal(text) => {
                if text.trim().is_empty() {
                    return Ok(());
                }
                text_block(text, cache)
            }
            PartKind::Media(_) if self.role == Role::Assistant => {
                return Err(gaps.refuse(&part.path, "files in the model's turns"));
            }
            PartKind::Media(file) => media(file, &part.path, beside, gaps)?
                .maybe("cache_control", cache)
                .into(),
            PartKind::ToolCall(call) => {
                match own_token(call) {
                    Some(data) => self.blocks.push(redacted(data)),
                    None if call.signature.is_some() => gaps.unproven(request, part),
                    None => {}
                }
                tool_use(call).maybe("cache_control", cache).into()
            }
            PartKind::ToolResult(result) => {
                let result = tool_result(result, beside, gaps)?.maybe("cache_control", cache);
                self.results.push(result.into());
                return Ok(());
            }
            PartKind::Reasoning(reasoned) => match reasoning(reasoned) {
                Some(block) => block,
                None => {
                    gaps.forgotten(request, part);
                    return Ok(());
                }
            },
        };
        self.blocks.push(block);
        Ok(())
    }
}

/// A call's own proof is Claude's only where a caller's format had no other place for it.
fn own_token<'r>(call: &'r ToolCall<'_>) -> Option<&'r str> {
    let signature = call.signature.as_ref()?;
    (signature.from == Format::Messages).then_some(&*signature.data)
}

/// One text without a marker is written as a text.
fn shortest(mut blocks: Vec<Value<'_>>) -> Value<'_> {
    if let [block] = blocks.as_mut_slice()
        && let Value::Object(object) = block
        && object.len() == 2
        && let Some(Value::String(text)) = object.get("text")
    {
        return Value::String(text.clone());
    }
    Value::Array(blocks)
}

fn text_block<'r>(text: &'r str, cache: Option<Object<'r>>) -> Value<'r> {
    Object::new()
        .with("type", "text")
        .with("text", text)
        .maybe("cache_control", cache)
        .into()
}

fn add_text_only<'r>(
    part: &'r Part<'_>,
    blocks: &mut Vec<Value<'r>>,
    gaps: &Gaps,
) -> Result<(), Problem> {
    match &part.kind {
        PartKind::Text(text, _) => {
            if !text.trim().is_empty() {
                blocks.push(text_block(text, part.cache.map(cache_control)));
            }
            Ok(())
        }
        _ => Err(gaps.refuse(&part.path, "instructions that are no text")),
    }
}

/// The last words of a turn that the model is to go on with must not end in blanks.
pub(crate) fn trim_end(blocks: &mut [Value<'_>]) {
    let Some(Value::Object(block)) = blocks.last_mut() else {
        return;
    };
    let trimmed = match block.get("text") {
        Some(Value::String(text)) if text.ends_with(char::is_whitespace) => {
            text.trim_end().to_owned()
        }
        _ => return,
    };
    let fields = std::mem::take(block);
    for (name, value) in fields {
        if name == "text" {
            block.push(name, trimmed.clone());
        } else {
            block.push(name, value);
        }
    }
}

fn reasoning<'r>(reasoned: &'r Reasoned<'_>) -> Option<Value<'r>> {
    let signature = reasoned.signature.as_ref()?;
    // A thought that was signed at Bedrock is good here too
    // (<https://platform.claude.com/docs/en/build-with-claude/extended-thinking#thinking-encryption>).
    let at_bedrock = signature.from == Format::Converse && !reasoned.redacted;
    if signature.from != Format::Messages && !at_bedrock {
        return None;
    }
    if reasoned.redacted {
        return Some(redacted(&signature.data));
    }
    let thinking = Object::new()
        .with("type", "thinking")
        .with("thinking", &reasoned.text)
        .with("signature", &signature.data);
    Some(thinking.into())
}

fn redacted(data: &str) -> Value<'_> {
    Object::new()
        .with("type", "redacted_thinking")
        .with("data", data)
        .into()
}

fn tool_use<'r>(call: &'r ToolCall<'_>) -> Object<'r> {
    Object::new()
        .with("type", "tool_use")
        .with("id", id(&call.id))
        .with("name", &call.name)
        .with("input", input(&call.arguments))
}

/// The arguments as an object. What a model wrote that is none stands in one, as `arguments`.
pub(crate) fn input(arguments: &str) -> Value<'_> {
    match Value::parse(arguments) {
        Ok(Value::Object(_)) => Value::raw(arguments),
        _ if arguments.trim().is_empty() => Object::new().into(),
        _ => Object::new().with("arguments", arguments).into(),
    }
}

fn id<'r>(given: &'r str) -> Cow<'r, str> {
    fitting_id(given, 256, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
    })
}

/// An id that a provider takes: the caller's where it fits, else one made of it, the same each time.
pub(crate) fn fitting_id(given: &str, longest: usize, fits: impl Fn(u8) -> bool) -> Cow<'_, str> {
    if (1..=longest).contains(&given.len()) && given.bytes().all(&fits) {
        return Cow::Borrowed(given);
    }
    // FNV-1a, so that two that differ where they don't fit stay two
    // (<https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>).
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in given.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let kept = given.bytes().filter(|byte| fits(*byte)).take(32);
    let kept: String = kept.map(char::from).collect();
    Cow::Owned(format!("{kept}_{hash:016x}"))
}

fn tool_result<'r>(
    result: &'r ToolResult<'_>,
    beside: &Beside<'r>,
    gaps: &mut Gaps,
) -> Result<Object<'r>, Problem> {
    let mut blocks = Vec::new();
    for part in &result.parts {
        let cache = part.cache.map(cache_control);
        match &part.kind {
            PartKind::Text(text, _) | PartKind::Refusal(text) => {
                if !text.trim().is_empty() {
                    blocks.push(text_block(text, cache));
                }
            }
            PartKind::Media(file) => {
                let block = media(file, &part.path, beside, gaps)?.maybe("cache_control", cache);
                blocks.push(block.into());
            }
            _ => return Err(gaps.refuse(&part.path, "such a part of a result")),
        }
    }
    let content = (!blocks.is_empty()).then(|| shortest(blocks));
    Ok(Object::new()
        .with("type", "tool_result")
        .with("tool_use_id", id(&result.call))
        .maybe("content", content)
        .maybe("is_error", result.error.then_some(true)))
}

fn media<'r>(
    file: &'r Media<'_>,
    path: &str,
    beside: &Beside<'r>,
    gaps: &mut Gaps,
) -> Result<Object<'r>, Problem> {
    let kind = match file.kind {
        MediaKind::Image => "image",
        MediaKind::Document => "document",
        MediaKind::Audio => return Err(gaps.refuse(path, "audio")),
        MediaKind::Video => return Err(gaps.refuse(path, "videos")),
    };
    if let Some(Detail::Low | Detail::High) = file.detail {
        gaps.leave_out(
            &format!("{path}.detail"),
            "how closely an image is looked at",
        )?;
    }
    let said = beside.at(path);
    let citations = file.citations.then(|| Object::new().with("enabled", true));
    if let (Some(from), Source::Text(text)) = (said.source, &file.source) {
        return Ok(Object::new()
            .with("type", "search_result")
            .with("source", from)
            .with("title", file.name.as_deref().unwrap_or_default())
            .with("content", vec![text_block(text, None)])
            .maybe("citations", citations));
    }
    let block = Object::new().with("type", kind);
    let block = block.with("source", source(file, path, gaps)?);
    Ok(match file.kind {
        MediaKind::Document => block
            .maybe("title", file.name.as_ref())
            .maybe("context", said.context)
            .maybe("citations", citations),
        _ => block,
    })
}

fn source<'r>(file: &'r Media<'_>, path: &str, gaps: &Gaps) -> Result<Object<'r>, Problem> {
    let kind = |kind| Object::new().with("type", kind);
    Ok(match &file.source {
        Source::Base64(data) => {
            let media_type = match (file.kind, file.media_type.as_deref()) {
                (MediaKind::Image, None) => image_type(data),
                (_, None) => "application/pdf",
                (MediaKind::Image, Some("image/jpg")) => "image/jpeg",
                (MediaKind::Image, Some(media_type)) => media_type,
                (_, Some("application/pdf")) => "application/pdf",
                (_, Some(media_type)) => {
                    let text = decoded_text(media_type, data);
                    let text = text.ok_or_else(|| gaps.refuse(path, "documents of this type"))?;
                    return Ok(kind("text")
                        .with("media_type", "text/plain")
                        .with("data", text));
                }
            };
            kind("base64")
                .with("media_type", media_type)
                .with("data", data)
        }
        Source::Text(text) if file.kind == MediaKind::Document => kind("text")
            .with("media_type", "text/plain")
            .with("data", text),
        Source::Text(_) => return Err(gaps.refuse(path, "an image that is text")),
        Source::Url(url) if url.starts_with("http://") || url.starts_with("https://") => {
            kind("url").with("url", url)
        }
        Source::Url(_) => return Err(gaps.refuse(path, "files at such a URL")),
        Source::File(id) => kind("file").with("file_id", id),
    })
}

/// A document of some sort of text, out of its base64.
fn decoded_text(media_type: &str, data: &str) -> Option<String> {
    let is_text = media_type.starts_with("text/") || media_type == "application/json";
    let bytes = is_text.then(|| base64::prelude::BASE64_STANDARD.decode(data))?;
    String::from_utf8(bytes.ok()?).ok()
}

/// What an image is by its first bytes, where nobody said.
pub(crate) fn image_type(base64: &str) -> &'static str {
    match base64.get(..4) {
        Some("/9j/") => "image/jpeg",
        Some("R0lG") => "image/gif",
        Some("UklG") => "image/webp",
        _ => "image/png",
    }
}
