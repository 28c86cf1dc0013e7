//! A body of `generateContent`, as callers send it
//! (<https://ai.google.dev/api/generate-content#request-body>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>).

mod config;
mod media;
mod part;
mod tool;

pub(super) use media::{kind_of, media_type_of};

use std::borrow::Cow;

use super::names::{fields, list};
use crate::Format;
use crate::chat::{
    Detail, Extra, MediaKind, Message, Part, PartKind, Problem, Request, Role, Tool,
};
use crate::codec::Asked;
use crate::json::Value;

/// What is being read.
pub(super) struct Reader<'a> {
    request: Request<'a>,
    /// The calls that were seen: id and name, and whether the result came.
    calls: Vec<Seen<'a>>,
    /// How closely every image is looked at.
    detail: Option<Detail>,
    /// All arguments must fit their schema.
    strict: bool,
}

struct Seen<'a> {
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    answered: bool,
}

pub(super) fn request<'a>(body: &Value<'a>, asked: &Asked<'_>) -> Result<Request<'a>, Problem> {
    let Some(object) = body.as_object() else {
        return Err(Problem::new(
            400,
            "invalid_body",
            "The body of the request is not a JSON object.",
        ));
    };
    let mut reader = Reader {
        request: Request {
            from: Some(Format::Gemini),
            model: asked.model.to_owned().into(),
            stream: asked.stream,
            ..Request::default()
        },
        calls: Vec::new(),
        detail: None,
        strict: false,
    };
    for (name, own, value) in fields(object) {
        match &*name {
            "contents" => reader.contents(value, own)?,
            "systemInstruction" => reader.system(value, own)?,
            "tools" => reader.tools(value, own)?,
            "toolConfig" => reader.tool_config(value, own)?,
            "generationConfig" => reader.config(value, own)?,
            "labels" => reader.labels(value, own),
            "serviceTier" => reader.service_tier(value, own),
            // The path says which model it is.
            "model" => {}
            _ => reader.extra(own.to_owned(), value),
        }
    }
    reader.settle();
    Ok(reader.request)
}

impl<'a> Reader<'a> {
    fn extra(&mut self, path: String, value: &Value<'a>) {
        // A list of nothing asks for nothing. SDKs send such for `safetySettings`.
        if value.as_array().is_some_and(<[_]>::is_empty) {
            return;
        }
        self.request.extras.push(Extra {
            path,
            value: value.clone(),
        });
    }

    fn contents(&mut self, value: &Value<'a>, path: &str) -> Result<(), Problem> {
        for (path, content) in list(value, path) {
            let (role, parts) = self.content(content, &path)?;
            // The pieces of a stream, which Google's SDKs keep as turns of their own, are one turn of the model.
            match self.request.messages.last_mut() {
                Some(last) if role == Role::Assistant && last.role == Role::Assistant => {
                    for part in parts {
                        part::join(&mut last.parts, part);
                    }
                }
                _ => self.request.messages.push(Message {
                    role,
                    parts,
                    name: None,
                }),
            }
        }
        Ok(())
    }

    fn system(&mut self, value: &Value<'a>, path: &str) -> Result<(), Problem> {
        self.request.system = match value {
            Value::String(text) => vec![Part {
                path: path.to_owned(),
                ..Part::new(PartKind::Text(text.clone(), Vec::new()))
            }],
            content => self.content(content, path)?.1,
        };
        Ok(())
    }

    fn content(
        &mut self,
        content: &Value<'a>,
        path: &str,
    ) -> Result<(Role, Vec<Part<'a>>), Problem> {
        let Some(object) = content.as_object() else {
            return Err(wrong(path, content, "an object with `parts`"));
        };
        let mut role = Role::User;
        let mut parts = Vec::new();
        for (name, own, value) in fields(object) {
            let path = format!("{path}.{own}");
            match &*name {
                "role" => role = role_of(value, &path)?,
                "parts" => {
                    for (path, part) in list(value, &path) {
                        self.part(part, &path, &mut parts)?;
                    }
                }
                _ => self.extra(path, value),
            }
        }
        Ok((role, parts))
    }

    /// What was said once for all.
    fn settle(&mut self) {
        if let Some(detail) = self.detail {
            let turns = self.request.messages.iter_mut();
            for part in turns.flat_map(|message| &mut message.parts) {
                if let PartKind::Media(media) = &mut part.kind
                    && media.kind == MediaKind::Image
                {
                    media.detail = media.detail.or(Some(detail));
                }
            }
        }
        if self.strict {
            for tool in &mut self.request.tools {
                if let Tool::Function { strict, .. } = tool {
                    *strict = Some(true);
                }
            }
        }
    }

    fn labels(&mut self, value: &Value<'a>, path: &str) {
        let Some(labels) = value.as_object() else {
            return self.extra(path.to_owned(), value);
        };
        for (name, label) in labels.clone() {
            match label {
                Value::String(text) => self.request.metadata.push((name, text.value)),
                other => self.extra(format!("{path}.{name}"), &other),
            }
        }
    }

    fn service_tier(&mut self, value: &Value<'a>, path: &str) {
        let name = value.as_str().map(str::to_ascii_lowercase);
        self.request.service_tier = match name.as_deref() {
            Some("standard") => Some("default".into()),
            Some("flex") => Some("flex".into()),
            Some("priority") => Some("priority".into()),
            Some("unspecified") => None,
            _ => return self.extra(path.to_owned(), value),
        };
    }
}

fn role_of(value: &Value<'_>, path: &str) -> Result<Role, Problem> {
    match value.as_str() {
        Some("model") => Ok(Role::Assistant),
        // Results of functions had a role of their own once.
        Some("user" | "function" | "tool" | "") => Ok(Role::User),
        Some("system") => Ok(Role::System),
        _ => Err(Problem::invalid(
            "invalid_value",
            path,
            format!("Invalid value of '{path}': a role is `user` or `model`."),
        )),
    }
}

/// A value of the wrong kind.
fn wrong(path: &str, value: &Value<'_>, expected: &str) -> Problem {
    let message = format!(
        "Invalid type of '{path}': expected {expected}, got {}.",
        value.kind()
    );
    Problem::invalid("invalid_type", path, message)
}
