//! `input`: a text, or items of a conversation
//! (<https://platform.openai.com/docs/api-reference/responses/create#responses-create-input>).

use std::borrow::Cow;
use std::collections::HashMap;

use super::part;
use crate::Format;
use crate::chat::{
    Extra, Message, Part, PartKind, Problem, Reasoned, Request, Role, Signature, ToolCall,
    ToolResult,
};
use crate::dialect::openai::chat::read::{items, unknown};
use crate::dialect::openai::typed::{object, required, string};
use crate::dialect::responses::signature;
use crate::json::{Object, Text, Value};

/// Reads all of it. Instructions before the first turn join the others; what the model said in a row is one turn, since
/// its answer was one.
pub(super) fn input<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Result<(), Problem> {
    if let Value::String(text) = value {
        request.messages.push(Message {
            role: Role::User,
            parts: vec![Part {
                kind: PartKind::Text(text.clone(), Vec::new()),
                cache: None,
                path: "input".to_owned(),
            }],
            name: None,
        });
        return Ok(());
    }
    let mut history = History {
        request,
        names: HashMap::new(),
    };
    for (path, value) in items("input", value)? {
        history.item(path, value)?;
    }
    Ok(())
}

struct History<'q, 'a> {
    request: &'q mut Request<'a>,
    /// Names of tools by the ids of their calls.
    names: HashMap<Cow<'a, str>, Cow<'a, str>>,
}

impl<'a> History<'_, 'a> {
    fn item(&mut self, path: String, value: &Value<'a>) -> Result<(), Problem> {
        let fields = object(&path, value)?;
        let kind = match fields.get("type") {
            Some(kind) => string(&format!("{path}.type"), kind)?,
            None if fields.get("role").is_some() => "message".into(),
            None => {
                return Err(crate::dialect::openai::typed::missing(&format!(
                    "{path}.type"
                )));
            }
        };
        match &*kind {
            "message" => self.message(&path, fields),
            "function_call" => self.call(path, fields),
            "function_call_output" => self.result(path, fields),
            "reasoning" => self.reasoning(&path, fields),
            // Steps of tools at the provider, names of what it stored, calls of tools that take no JSON.
            _ => {
                self.request.extras.push(Extra {
                    path,
                    value: value.clone(),
                });
                Ok(())
            }
        }
    }

    fn message(&mut self, path: &str, fields: &Object<'a>) -> Result<(), Problem> {
        let role = match &*required(fields, path, "role")? {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => {
                return Err(unknown(
                    &format!("{path}.role"),
                    "'system', 'developer', 'user' or 'assistant'",
                ));
            }
        };
        let mut parts = Vec::new();
        for (name, value) in fields.iter() {
            let path = format!("{path}.{name}");
            match name {
                _ if value.is_null() => {}
                // `phase` tells parts of an answer apart that are all of them words.
                "type" | "role" | "id" | "status" | "phase" => {}
                "content" => part::content(&path, value, &mut parts, &mut self.request.extras)?,
                _ => self.request.extras.push(Extra {
                    path,
                    value: value.clone(),
                }),
            }
        }
        match role {
            Role::System if self.request.messages.is_empty() => {
                self.request.system.append(&mut parts);
            }
            Role::Assistant => self.said(parts),
            role => self.request.messages.push(Message {
                role,
                parts,
                name: None,
            }),
        }
        Ok(())
    }

    /// The model's turn, or more of it.
    fn said(&mut self, mut parts: Vec<Part<'a>>) {
        match self.request.messages.last_mut() {
            Some(last) if last.role == Role::Assistant => last.parts.append(&mut parts),
            _ => self.request.messages.push(Message {
                role: Role::Assistant,
                parts,
                name: None,
            }),
        }
    }

    fn call(&mut self, path: String, fields: &Object<'a>) -> Result<(), Problem> {
        let id = required(fields, &path, "call_id")?.value;
        let name = required(fields, &path, "name")?.value;
        let arguments = match fields.get("arguments") {
            None => Text::new("{}"),
            Some(value) => {
                crate::dialect::openai::typed::text(&format!("{path}.arguments"), value)?
            }
        };
        self.names.insert(id.clone(), name.clone());
        let signature = self.signature_of_a_call();
        self.said(vec![Part {
            kind: PartKind::ToolCall(ToolCall {
                id,
                name,
                arguments,
                signature,
            }),
            cache: None,
            path,
        }]);
        Ok(())
    }

    /// What proves the reasoning behind a call of Gemini's came to the caller as reasoning before it, and comes back so.
    fn signature_of_a_call(&mut self) -> Option<Signature<'a>> {
        let last = self.request.messages.last_mut()?;
        let of_a_call = |part: &mut Part<'_>| match &part.kind {
            PartKind::Reasoning(Reasoned {
                redacted: true,
                signature: Some(signature),
                ..
            }) => signature.from == Format::Gemini,
            _ => false,
        };
        match last.parts.pop_if(of_a_call)?.kind {
            PartKind::Reasoning(reasoned) => reasoned.signature,
            _ => None,
        }
    }

    fn result(&mut self, path: String, fields: &Object<'a>) -> Result<(), Problem> {
        let call = required(fields, &path, "call_id")?.value;
        let mut parts = Vec::new();
        if let Some(value) = fields.get("output") {
            let path = format!("{path}.output");
            part::content(&path, value, &mut parts, &mut self.request.extras)?;
        }
        let name = self.names.get(&call).cloned();
        self.request.messages.push(Message {
            role: Role::User,
            parts: vec![Part {
                kind: PartKind::ToolResult(ToolResult {
                    call,
                    name,
                    parts,
                    error: false,
                }),
                cache: None,
                path,
            }],
            name: None,
        });
        Ok(())
    }

    fn reasoning(&mut self, path: &str, fields: &Object<'a>) -> Result<(), Problem> {
        let parts = reasoned(fields, path);
        self.said(parts);
        Ok(())
    }
}

/// What an item of reasoning says: a part for each of its texts, the last with what proves them all; one part without a
/// text where there is none. `path` is empty for an answer's.
pub(in crate::dialect::responses) fn reasoned<'a>(
    fields: &Object<'a>,
    path: &str,
) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    for (name, summary) in [("summary", true), ("content", false)] {
        let texts = fields.get(name).and_then(Value::as_array);
        for (index, item) in texts.into_iter().flatten().enumerate() {
            let Some(text) = item.get("text").and_then(Value::as_text) else {
                continue;
            };
            parts.push(Part {
                kind: PartKind::Reasoning(Reasoned {
                    text: text.clone(),
                    summary,
                    signature: None,
                    redacted: false,
                }),
                cache: None,
                path: match path {
                    "" => String::new(),
                    path => format!("{path}.{name}[{index}]"),
                },
            });
        }
    }
    let id = fields.get("id").and_then(Value::as_str);
    let encrypted = fields.get("encrypted_content").and_then(Value::as_text);
    let Some(proof) = encrypted.filter(|text| !text.is_empty()) else {
        return parts;
    };
    let proof = signature::read(id, proof.value.clone());
    match parts.last_mut() {
        Some(Part {
            kind: PartKind::Reasoning(last),
            ..
        }) => last.signature = Some(proof),
        _ => parts.push(Part {
            kind: PartKind::Reasoning(Reasoned {
                text: Text::new(""),
                summary: false,
                signature: Some(proof),
                redacted: true,
            }),
            cache: None,
            path: path.to_owned(),
        }),
    }
    parts
}
