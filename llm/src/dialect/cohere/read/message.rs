//! Turns (<https://docs.cohere.com/reference/chat#request.body.messages>).

use super::{Reader, wrong};
use crate::Format;
use crate::chat::{
    Detail, Media, MediaKind, Message, Part, PartKind, Problem, Reasoned, Role, Signature, Source,
    ToolCall, ToolResult,
};
use crate::json::{Text, Value};

impl<'a> Reader<'a> {
    pub(super) fn messages(&mut self, value: &Value<'a>) -> Result<(), Problem> {
        let messages = value
            .as_array()
            .ok_or_else(|| wrong("messages", value, "an array"))?;
        for (index, message) in messages.iter().enumerate() {
            let path = format!("messages[{index}]");
            let object = message
                .as_object()
                .ok_or_else(|| wrong(&path, message, "an object"))?;
            let role = object
                .get("role")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let (role, parts) = match role.to_ascii_lowercase().as_str() {
                "system" | "developer" => (Role::System, self.turn(message, &path)?),
                "user" => (Role::User, self.turn(message, &path)?),
                "assistant" | "chatbot" => (Role::Assistant, self.turn(message, &path)?),
                "tool" => (Role::User, vec![self.result(message, &path)?]),
                _ => {
                    let path = format!("{path}.role");
                    let message = format!(
                        "Invalid value of '{path}': expected user, assistant, system or tool."
                    );
                    return Err(Problem::invalid("invalid_value", path, message));
                }
            };
            if role == Role::System && self.request.messages.is_empty() {
                self.request.system.extend(parts);
            } else {
                self.request.messages.push(Message {
                    role,
                    parts,
                    name: None,
                });
            }
        }
        Ok(())
    }

    fn turn(&mut self, message: &Value<'a>, path: &str) -> Result<Vec<Part<'a>>, Problem> {
        let mut parts = Vec::new();
        if let Some(plan) = message.get("tool_plan").and_then(Value::as_text)
            && !plan.is_empty()
        {
            parts.push(placed(
                thinking(plan.clone(), None),
                format!("{path}.tool_plan"),
            ));
        }
        if let Some(content) = message.get("content") {
            self.content(content, &format!("{path}.content"), &mut parts)?;
        }
        for (name, value) in message
            .as_object()
            .into_iter()
            .flat_map(|object| object.iter())
        {
            match name {
                // Citations of an answer of before are not the model's to read.
                "citations" if value.is_null() => {}
                "citations" => {
                    if value.as_array().is_none_or(|cited| !cited.is_empty()) {
                        self.request.leaves_out("messages[].citations");
                    }
                }
                "role" | "content" | "tool_plan" => {}
                _ if value.is_null() => {}
                "tool_calls" => {
                    for (index, call) in value.as_array().unwrap_or_default().iter().enumerate() {
                        let path = format!("{path}.tool_calls[{index}]");
                        let call = tool_call(call, &path)?;
                        parts.push(placed(PartKind::ToolCall(call), path));
                    }
                }
                _ => self.extra(format!("{path}.{name}"), value),
            }
        }
        Ok(parts)
    }

    fn content(
        &mut self,
        value: &Value<'a>,
        path: &str,
        parts: &mut Vec<Part<'a>>,
    ) -> Result<(), Problem> {
        let blocks = match value {
            Value::String(text) => {
                parts.push(placed(
                    PartKind::Text(text.clone(), Vec::new()),
                    path.to_owned(),
                ));
                return Ok(());
            }
            Value::Array(blocks) => blocks,
            other => return Err(wrong(path, other, "a string or an array")),
        };
        for (index, block) in blocks.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let text = |name: &str| block.get(name).and_then(Value::as_text).cloned();
            let kind = match block.get("type").and_then(Value::as_str) {
                Some("text") => text("text").map(|text| PartKind::Text(text, Vec::new())),
                Some("thinking") => {
                    let signature = text("signature").map(|token| token.value);
                    let signature =
                        signature.map(|token| Signature::from_token(token, Format::Cohere));
                    text("thinking").map(|text| thinking(text, signature))
                }
                Some("image_url") => block.get("image_url").and_then(image).map(PartKind::Media),
                Some("document") => block.get("document").map(document),
                _ => None,
            };
            match kind {
                Some(kind) => parts.push(placed(kind, path)),
                None => self.extra(path, block),
            }
        }
        Ok(())
    }

    fn result(&mut self, message: &Value<'a>, path: &str) -> Result<Part<'a>, Problem> {
        let id = message.get("tool_call_id").and_then(Value::as_text);
        let id =
            id.ok_or_else(|| wrong(&format!("{path}.tool_call_id"), &Value::Null, "a string"))?;
        let mut parts = Vec::new();
        let mut error = false;
        if let Some(content) = message.get("content") {
            self.content(content, &format!("{path}.content"), &mut parts)?
        }
        // A lone error is written as a document that says so.
        if let [
            Part {
                kind: PartKind::Media(media),
                ..
            },
        ] = parts.as_slice()
            && media.name.as_deref() == Some(ERROR)
        {
            error = true;
        }
        for part in &mut parts {
            if let PartKind::Media(Media {
                source: Source::Text(text),
                ..
            }) = &part.kind
            {
                part.kind = PartKind::Text(text.clone(), Vec::new());
            }
        }
        let result = ToolResult {
            call: id.value.clone(),
            name: None,
            parts,
            error,
        };
        Ok(placed(PartKind::ToolResult(result), path.to_owned()))
    }
}

impl<'a> Reader<'a> {
    /// `documents`: strings, or `{data, id}` (<https://docs.cohere.com/reference/chat#request.body.documents>).
    pub(super) fn documents(&mut self, value: &Value<'a>) {
        let Some(documents) = value.as_array() else {
            return self.extra("documents".to_owned(), value);
        };
        for (index, document) in documents.iter().enumerate() {
            let path = format!("documents[{index}]");
            match beside(document) {
                Some(media) => self.documents.push(placed(PartKind::Media(media), path)),
                None => self.extra(path, document),
            }
        }
    }

    /// Documents stand before what is asked of them: at the head of the user's last turn.
    pub(super) fn place_documents(&mut self) {
        let mut documents = std::mem::take(&mut self.documents);
        if documents.is_empty() {
            return;
        }
        for part in &mut documents {
            if let PartKind::Media(media) = &mut part.kind {
                media.citations = !self.uncited;
            }
        }
        let asks = |message: &Message<'_>| {
            let result = |part: &Part<'_>| matches!(part.kind, PartKind::ToolResult(_));
            message.role == Role::User && !message.parts.iter().all(result)
        };
        let turns = &mut self.request.messages;
        match turns.iter().rposition(asks) {
            Some(last) => {
                turns[last].parts.splice(0..0, documents);
            }
            None => turns.insert(
                0,
                Message {
                    role: Role::User,
                    parts: documents,
                    name: None,
                },
            ),
        }
    }
}

/// A document beside the turns: its text and its title where it has nothing else, else all of it as JSON.
fn beside<'a>(value: &Value<'a>) -> Option<Media<'a>> {
    let data = value.get("data").unwrap_or(value);
    let (text, name) = match data {
        Value::String(text) => (text.clone(), None),
        Value::Object(object) => {
            let field = |name: &str| object.get(name).and_then(Value::as_text);
            let text = ["text", "snippet", "content"].into_iter().find_map(field);
            let title = field("title");
            let fields = 1 + usize::from(title.is_some());
            let text = text.filter(|_| object.len() == fields).cloned();
            let title = title.map(|title| title.value.clone());
            (text.unwrap_or_else(|| Text::new(data.to_json())), title)
        }
        _ => return None,
    };
    Some(Media {
        kind: MediaKind::Document,
        source: Source::Text(text),
        media_type: Some("text/plain".into()),
        name,
        detail: None,
        citations: false,
    })
}

/// The field of a document that holds the error of a tool.
pub(in crate::dialect::cohere) const ERROR: &str = "error";

fn tool_call<'a>(call: &Value<'a>, path: &str) -> Result<ToolCall<'a>, Problem> {
    let function = call.get("function");
    let inside = |name: &str| {
        function
            .and_then(|function| function.get(name))
            .and_then(Value::as_text)
    };
    let name =
        inside("name").ok_or_else(|| wrong(&format!("{path}.function.name"), call, "a string"))?;
    let id = call.get("id").and_then(Value::as_text);
    let id = id.ok_or_else(|| wrong(&format!("{path}.id"), call, "a string"))?;
    let signature = call.get("signature").and_then(Value::as_text);
    Ok(ToolCall {
        id: id.value.clone(),
        name: name.value.clone(),
        arguments: inside("arguments")
            .cloned()
            .unwrap_or_else(|| Text::new("{}")),
        signature: signature
            .map(|token| Signature::from_token(token.value.clone(), Format::Cohere)),
    })
}

fn image<'a>(value: &Value<'a>) -> Option<Media<'a>> {
    let url = match value {
        Value::String(url) => url,
        object => object.get("url")?.as_text()?,
    };
    let detail = match value.get("detail").and_then(Value::as_str) {
        Some("low") => Some(Detail::Low),
        Some("high") => Some(Detail::High),
        Some("auto") => Some(Detail::Auto),
        _ => None,
    };
    let data = url
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"));
    let (media_type, source) = match data {
        Some((media_type, data)) => (
            Some(media_type.to_owned().into()),
            Source::Base64(data.to_owned().into()),
        ),
        None => (None, Source::Url(url.value.clone())),
    };
    Some(Media {
        kind: MediaKind::Image,
        source,
        media_type,
        name: None,
        detail,
        citations: false,
    })
}

/// A document of a result: its text where it has nothing else, else all of it as JSON.
fn document<'a>(value: &Value<'a>) -> PartKind<'a> {
    let data = value.get("data").unwrap_or(value);
    let lone = data.as_object().filter(|object| object.len() == 1);
    let field = |name: &str| {
        lone.and_then(|object| object.get(name))
            .and_then(Value::as_text)
    };
    let (text, name) = match (data, field(ERROR)) {
        (Value::String(text), _) => (text.clone(), None),
        (_, Some(error)) => (error.clone(), Some(ERROR.into())),
        (data, None) => (Text::new(data.to_json()), None),
    };
    PartKind::Media(Media {
        kind: MediaKind::Document,
        source: Source::Text(text),
        media_type: None,
        name,
        detail: None,
        citations: false,
    })
}

fn thinking<'a>(text: Text<'a>, signature: Option<Signature<'a>>) -> PartKind<'a> {
    PartKind::Reasoning(Reasoned {
        text,
        summary: false,
        signature,
        redacted: false,
    })
}

fn placed<'a>(kind: PartKind<'a>, path: String) -> Part<'a> {
    Part {
        path,
        ..Part::new(kind)
    }
}
