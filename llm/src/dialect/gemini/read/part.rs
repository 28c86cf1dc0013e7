//! Parts (<https://ai.google.dev/api/caching#Part>).

use std::borrow::Cow;

use super::super::names::{camel, field, fields, text};
use super::super::sign;
use super::{Reader, Seen, wrong};
use crate::chat::{
    Detail, MediaKind, Part, PartKind, Problem, Reasoned, Signature, ToolCall, ToolResult,
};
use crate::json::{Text, Value};

impl<'a> Reader<'a> {
    pub(super) fn part(
        &mut self,
        value: &Value<'a>,
        path: &str,
        parts: &mut Vec<Part<'a>>,
    ) -> Result<(), Problem> {
        let object = match value {
            Value::Object(object) => object,
            // `parts: ["text"]`, as some write it.
            Value::String(text) => {
                let kind = PartKind::Text(text.clone(), Vec::new());
                parts.push(placed(kind, path));
                return Ok(());
            }
            other => return Err(wrong(path, other, "an object")),
        };
        let mut kind = None;
        let mut thought = false;
        let mut signature = None;
        let mut detail = None;
        for (name, own, value) in fields(object) {
            let here = format!("{path}.{own}");
            match &*name {
                "text" => {
                    let text = value
                        .as_text()
                        .ok_or_else(|| wrong(&here, value, "a string"))?;
                    kind = Some(PartKind::Text(text.clone(), Vec::new()));
                }
                "thought" => thought = value.as_bool() == Some(true),
                "thoughtSignature" => {
                    let text = value
                        .as_text()
                        .ok_or_else(|| wrong(&here, value, "a string"))?;
                    signature = sign::read(text.value.clone());
                }
                "inlineData" => kind = Some(PartKind::Media(self.inline(value, &here)?)),
                "fileData" => kind = Some(PartKind::Media(self.file(value, &here)?)),
                "functionCall" => kind = Some(PartKind::ToolCall(self.call(value, &here)?)),
                "functionResponse" => {
                    kind = Some(PartKind::ToolResult(self.result(value, &here)?));
                }
                "mediaResolution" => match text(value, "level") {
                    Some("MEDIA_RESOLUTION_LOW") => detail = Some(Detail::Low),
                    Some("MEDIA_RESOLUTION_HIGH") => detail = Some(Detail::High),
                    _ => self.extra(here, value),
                },
                _ => self.extra(here, value),
            }
        }
        let kind = match kind {
            Some(PartKind::Media(mut media)) => {
                if media.kind == MediaKind::Image {
                    media.detail = detail;
                }
                PartKind::Media(media)
            }
            Some(PartKind::ToolCall(call)) => PartKind::ToolCall(ToolCall {
                signature: signature.take(),
                ..call
            }),
            Some(PartKind::Text(text, _)) if thought => thinking(Some(text), signature.take()),
            Some(PartKind::Text(text, citations)) => {
                if !text.is_empty() || signature.is_none() {
                    parts.push(placed(PartKind::Text(text, citations), path));
                }
                if signature.is_none() {
                    return Ok(());
                }
                thinking(Some(Text::default()), signature.take())
            }
            None if signature.is_some() => thinking(None, signature.take()),
            None => return Ok(()),
            Some(other) => other,
        };
        let merges = thought;
        let part = placed(kind, path);
        if merges {
            join(parts, part)
        } else {
            parts.push(part)
        }
        Ok(())
    }

    fn call(&mut self, value: &Value<'a>, path: &str) -> Result<ToolCall<'a>, Problem> {
        let object = value
            .as_object()
            .ok_or_else(|| wrong(path, value, "an object"))?;
        let mut id = None;
        let mut tool = None;
        let mut arguments = None;
        for (name, own, value) in fields(object) {
            match (&*name, value) {
                ("id", Value::String(text)) => id = Some(text.value.clone()),
                ("name", Value::String(text)) => tool = Some(text.value.clone()),
                ("args", Value::Object(args)) => {
                    let mut text = Vec::new();
                    args.write(&mut text);
                    arguments = String::from_utf8(text).ok();
                }
                ("args", other) => {
                    return Err(wrong(&format!("{path}.{own}"), other, "an object"));
                }
                _ => self.extra(format!("{path}.{own}"), value),
            }
        }
        let name = tool.ok_or_else(|| missing(&format!("{path}.name")))?;
        let id = id
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| Cow::Owned(format!("call_{}", self.calls.len())));
        self.calls.push(Seen {
            id: id.clone(),
            name: name.clone(),
            answered: false,
        });
        Ok(ToolCall {
            id,
            name,
            arguments: Text::new(arguments.unwrap_or_else(|| "{}".to_owned())),
            signature: None,
        })
    }

    fn result(&mut self, value: &Value<'a>, path: &str) -> Result<ToolResult<'a>, Problem> {
        let object = value
            .as_object()
            .ok_or_else(|| wrong(path, value, "an object"))?;
        let mut id = None;
        let mut tool = None;
        let mut parts = Vec::new();
        let mut media = Vec::new();
        let mut error = false;
        for (name, own, value) in fields(object) {
            let here = format!("{path}.{own}");
            match (&*name, value) {
                ("id", Value::String(text)) => id = Some(text.value.clone()),
                ("name", Value::String(text)) => tool = Some(text.value.clone()),
                ("response", response) => {
                    let (text, failed) = said(response);
                    error = failed;
                    parts.push(placed(PartKind::Text(text, Vec::new()), &here));
                }
                ("parts", list) => self.result_parts(list, &here, &mut media)?,
                _ => self.extra(here, value),
            }
        }
        parts.append(&mut media);
        let name = tool.ok_or_else(|| missing(&format!("{path}.name")))?;
        Ok(ToolResult {
            call: self.answered(id.filter(|id| !id.is_empty()), &name),
            name: Some(name),
            parts,
            error,
        })
    }

    fn result_parts(
        &mut self,
        value: &Value<'a>,
        path: &str,
        parts: &mut Vec<Part<'a>>,
    ) -> Result<(), Problem> {
        for (path, item) in super::list(value, path) {
            let object = item
                .as_object()
                .ok_or_else(|| wrong(&path, item, "an object"))?;
            for (name, own, value) in fields(object) {
                let here = format!("{path}.{own}");
                let media = match &*name {
                    "inlineData" => self.inline(value, &here)?,
                    "fileData" => self.file(value, &here)?,
                    _ => {
                        self.extra(here, value);
                        continue;
                    }
                };
                parts.push(placed(PartKind::Media(media), &path));
            }
        }
        Ok(())
    }

    /// The id of the call that a result answers: its own, else that of the first call of this name without a result.
    fn answered(&mut self, id: Option<Cow<'a, str>>, name: &str) -> Cow<'a, str> {
        let call = self.calls.iter_mut().find(|call| match &id {
            Some(id) => call.id == *id,
            None => !call.answered && call.name == name,
        });
        match (call, id) {
            (Some(call), _) => {
                call.answered = true;
                call.id.clone()
            }
            (None, Some(id)) => id,
            (None, None) => Cow::Owned(format!("call_{name}")),
        }
    }
}

/// Adds a part; one of reasoning that only has the signature of the one before gives it that.
pub(super) fn join<'a>(parts: &mut Vec<Part<'a>>, mut part: Part<'a>) {
    if let (PartKind::Reasoning(new), Some(last)) = (&mut part.kind, parts.last_mut())
        && let PartKind::Reasoning(old) = &mut last.kind
        && old.signature.is_none()
        && new.text.is_empty()
        && !new.redacted
        && new.signature.is_some()
    {
        old.signature = new.signature.take();
        return;
    }
    parts.push(part);
}

fn thinking<'a>(text: Option<Text<'a>>, signature: Option<Signature<'a>>) -> PartKind<'a> {
    let foreign = signature
        .as_ref()
        .is_some_and(|signature| signature.from != crate::Format::Gemini);
    PartKind::Reasoning(Reasoned {
        redacted: foreign && text.is_none(),
        // What Google shows of its models' thoughts are summaries.
        summary: text.as_ref().is_some_and(|text| !text.is_empty()),
        text: text.unwrap_or_default(),
        signature,
    })
}

/// What a function said, and whether it failed: Google reads a lone `output` or `error` as that
/// (<https://ai.google.dev/api/caching#FunctionResponse>), and anything else as a whole.
fn said<'a>(response: &Value<'a>) -> (Text<'a>, bool) {
    if let Some(object) = response.as_object()
        && object.len() == 1
    {
        for (name, error) in [("output", false), ("error", true)] {
            match field(response, name) {
                Some(Value::String(text)) => return (text.clone(), error),
                Some(other) => return (Text::new(other.to_json()), error),
                None => {}
            }
        }
    }
    match response {
        Value::String(text) => (text.clone(), false),
        other => (Text::new(other.to_json()), false),
    }
}

fn placed<'a>(kind: PartKind<'a>, path: &str) -> Part<'a> {
    Part {
        path: path.to_owned(),
        ..Part::new(kind)
    }
}

fn missing(path: &str) -> Problem {
    let message = format!("Missing required parameter: '{path}'.");
    Problem::invalid("missing_required_parameter", path, message)
}

/// Whether an object says its name as it is asked for.
pub(super) fn is(name: &str, wanted: &str) -> bool {
    camel(name) == wanted
}
