//! The turns of a conversation, and which of them are its instructions.

use std::borrow::Cow;
use std::collections::HashMap;

use super::message::Turn;
use super::{items, unknown};
use crate::chat::{Message, Part, PartKind, Problem, Request, Role, ToolResult};
use crate::dialect::openai::typed::{object, required};
use crate::json::Value;

/// Reads `messages` into the request: those of the app before the first turn become its instructions.
pub(super) fn messages<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Result<(), Problem> {
    // Names of tools by the ids of their calls.
    let mut names: HashMap<String, Cow<'a, str>> = HashMap::new();
    // The last call by `function_call`, which has no id.
    let mut last: Option<String> = None;
    for (index, (path, value)) in items("messages", value)?.enumerate() {
        let fields = object(&path, value)?;
        let role = required(fields, &path, "role")?;
        let mut turn = Turn::new(path, index);
        match &*role {
            "system" | "developer" => {
                turn.read(fields, request)?;
                if request.messages.is_empty() && turn.name.is_none() {
                    request.system.append(&mut turn.parts);
                    continue;
                }
                request.messages.push(turn.message(Role::System));
            }
            "user" => {
                turn.read(fields, request)?;
                request.messages.push(turn.message(Role::User));
            }
            "assistant" => {
                turn.read(fields, request)?;
                for part in &turn.parts {
                    if let PartKind::ToolCall(call) = &part.kind {
                        names.insert(call.id.to_string(), call.name.clone());
                    }
                }
                last = turn.legacy_call.take().or(last);
                request.messages.push(turn.message(Role::Assistant));
            }
            "tool" | "function" => {
                turn.read(fields, request)?;
                let call = match turn.tool_call_id.take() {
                    Some(id) => id,
                    None => last.clone().unwrap_or_default().into(),
                };
                request.messages.push(result(turn, call, &names));
            }
            _ => {
                let path = format!("{}.role", turn.path);
                return Err(unknown(
                    &path,
                    "'system', 'developer', 'user', 'assistant', 'tool' or 'function'",
                ));
            }
        }
    }
    Ok(())
}

/// The turn of a user that holds the result of a call.
fn result<'a>(
    turn: Turn<'a>,
    call: Cow<'a, str>,
    names: &HashMap<String, Cow<'a, str>>,
) -> Message<'a> {
    let name = turn.name.or_else(|| names.get(&*call).cloned());
    Message {
        role: Role::User,
        parts: vec![Part {
            cache: turn.parts.last().and_then(|part| part.cache),
            kind: PartKind::ToolResult(ToolResult {
                call,
                name,
                parts: turn.parts,
                error: false,
            }),
            path: turn.path,
        }],
        name: None,
    }
}
