//! One message.

use std::borrow::Cow;

use super::items;
use super::part::{self, cache_marker};
use crate::chat::{Extra, Message, Part, PartKind, Problem, Request, Role, ToolCall};
use crate::dialect::openai::chat::reasoning;
use crate::dialect::openai::typed::{object, required, string, text};
use crate::json::{Object, Text, Value};

/// A message while it is read.
pub(super) struct Turn<'a> {
    pub(super) path: String,
    index: usize,
    pub(super) parts: Vec<Part<'a>>,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) tool_call_id: Option<Cow<'a, str>>,
    /// The id that was made for a `function_call`.
    pub(super) legacy_call: Option<String>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(path: String, index: usize) -> Self {
        Self {
            path,
            index,
            parts: Vec::new(),
            name: None,
            tool_call_id: None,
            legacy_call: None,
        }
    }

    pub(super) fn message(self, role: Role) -> Message<'a> {
        Message {
            role,
            parts: self.parts,
            name: self.name,
        }
    }

    /// Reads all fields but `role`. What the model said comes in the order in which it said it: reasoning, words, calls.
    pub(super) fn read(
        &mut self,
        fields: &Object<'a>,
        request: &mut Request<'a>,
    ) -> Result<(), Problem> {
        let mut calls = Vec::new();
        let mut refusal = None;
        self.parts = reasoning::of_message(fields, &self.path);
        let reasoned = self.parts.len();
        let mut cache = None;
        for (name, value) in fields.iter() {
            let path = format!("{}.{name}", self.path);
            match name {
                _ if value.is_null() => {}
                "role" | "reasoning_content" | "reasoning" | "reasoning_details" => {}
                "content" => {
                    part::content(&path, value, &mut self.parts, &mut request.extras)?;
                }
                "name" => self.name = Some(string(&path, value)?),
                "refusal" => {
                    refusal = Some(self.part(path.clone(), PartKind::Refusal(text(&path, value)?)));
                }
                "tool_calls" => {
                    for (path, call) in items(&path, value)? {
                        calls.push(tool_call(path, call, &mut request.extras)?);
                    }
                }
                "function_call" => calls.push(self.function_call(&path, value)?),
                "tool_call_id" => self.tool_call_id = Some(string(&path, value)?),
                "cache_control" => cache = cache_marker(value),
                // Mistral's mark of an answer that is begun, where it is none
                // (<https://docs.mistral.ai/api/endpoint/chat>).
                "prefix" if value.as_bool() == Some(false) => {}
                // What was cited before is of no use to the model.
                "annotations" => {
                    if value.as_array().is_none_or(|cited| !cited.is_empty()) {
                        request.leaves_out("messages[].annotations");
                    }
                }
                _ => request.extras.push(Extra {
                    path,
                    value: value.clone(),
                }),
            }
        }
        if let (Some(marker), Some(last)) = (
            cache,
            self.parts.get_mut(reasoned..).and_then(<[_]>::last_mut),
        ) {
            last.cache = Some(marker);
        }
        self.parts.extend(refusal);
        self.parts.append(&mut calls);
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "parts belong to a turn")]
    fn part(&self, path: String, kind: PartKind<'a>) -> Part<'a> {
        Part {
            kind,
            cache: None,
            path,
        }
    }

    /// The call of before there were `tool_calls`: it has no id, and the next message of role `function` answers it.
    fn function_call(&mut self, path: &str, value: &Value<'a>) -> Result<Part<'a>, Problem> {
        let call = object(path, value)?;
        let id = format!("call_{}", self.index);
        self.legacy_call = Some(id.clone());
        let kind = PartKind::ToolCall(ToolCall {
            id: id.into(),
            name: required(call, path, "name")?.value,
            arguments: arguments(path, call)?,
            signature: None,
        });
        Ok(self.part(path.to_owned(), kind))
    }
}

fn tool_call<'a>(
    path: String,
    value: &Value<'a>,
    extras: &mut Vec<Extra<'a>>,
) -> Result<Part<'a>, Problem> {
    let call = object(&path, value)?;
    let id = required(call, &path, "id")?.value;
    let kind = call.get("type").and_then(Value::as_str);
    let (inside, input) = match kind {
        Some("custom") => ("custom", "input"),
        _ => ("function", "arguments"),
    };
    let inside_path = format!("{path}.{inside}");
    let value = call
        .get(inside)
        .ok_or_else(|| crate::dialect::openai::typed::missing(&inside_path))?;
    let function = object(&inside_path, value)?;
    let name = required(function, &inside_path, "name")?.value;
    let arguments = if input == "input" {
        // A custom tool takes text, where every other takes JSON.
        extras.push(Extra {
            path: format!("{path}.type"),
            value: Value::from("custom"),
        });
        required(function, &inside_path, input)?
    } else {
        arguments(&inside_path, function)?
    };
    let signature = reasoning::call_signature(call);
    Ok(Part {
        kind: PartKind::ToolCall(ToolCall {
            id,
            name,
            arguments,
            signature,
        }),
        cache: call.get("cache_control").and_then(cache_marker),
        path,
    })
}

/// The text of the arguments; some apps send the object itself.
fn arguments<'a>(path: &str, function: &Object<'a>) -> Result<Text<'a>, Problem> {
    match function.get("arguments") {
        None => Ok(Text::new("{}")),
        Some(value @ Value::Object(_)) => Ok(Text::new(value.to_json())),
        Some(value) => text(&format!("{path}.arguments"), value),
    }
}
