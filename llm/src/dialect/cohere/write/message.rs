//! Turns.

use super::super::cite::document_id;
use super::super::read::ERROR;
use super::Writer;
use crate::Format;
use crate::chat::{
    Detail, Media, MediaKind, Message, Part, PartKind, Problem, Reasoned, Role, Source, ToolCall,
    ToolResult,
};
use crate::json::{Object, Value};

impl<'r> Writer<'_, 'r> {
    pub(super) fn messages(&mut self) -> Result<Vec<Value<'r>>, Problem> {
        let request = self.request;
        let mut messages: Vec<Value<'r>> = Vec::new();
        if !request.system.is_empty() {
            let content = self.content(&request.system)?;
            messages.push(
                Object::new()
                    .with("role", "system")
                    .with("content", content)
                    .into(),
            );
        }
        for message in &request.messages {
            self.gaps.speaker(message)?;
            if message.role == Role::Assistant {
                messages.push(self.assistant(message)?.into());
                continue;
            }
            self.others(message, &mut messages)?;
        }
        Ok(messages)
    }

    /// A turn of the user, of tools, or of the app.
    fn others(
        &mut self,
        message: &'r Message<'r>,
        messages: &mut Vec<Value<'r>>,
    ) -> Result<(), Problem> {
        for part in &message.parts {
            if let PartKind::ToolResult(result) = &part.kind {
                messages.push(self.result(result)?.into());
            }
        }
        let content = self.content(&message.parts)?;
        let empty = matches!(&content, Value::Array(blocks) if blocks.is_empty());
        if !empty || message.parts.is_empty() {
            let role = if message.role == Role::System {
                "system"
            } else {
                "user"
            };
            messages.push(
                Object::new()
                    .with("role", role)
                    .with("content", content)
                    .into(),
            );
        }
        Ok(())
    }

    /// Texts and images; one text alone as a string.
    fn content(&mut self, parts: &'r [Part<'r>]) -> Result<Value<'r>, Problem> {
        if let [
            Part {
                kind: PartKind::Text(text, _),
                ..
            },
        ] = parts
        {
            return Ok(text.into());
        }
        let mut blocks: Vec<Value<'r>> = Vec::new();
        for part in parts {
            match &part.kind {
                PartKind::Text(text, _) | PartKind::Refusal(text) => {
                    blocks.push(text_block(text).into())
                }
                PartKind::Media(media) => {
                    blocks.extend(self.media(media, &part.path)?.map(Value::from));
                }
                PartKind::ToolCall(_) => {
                    self.gaps.leave_out(&part.path, "a call of a tool here")?
                }
                PartKind::Reasoning(_) => self.gaps.forgotten(self.request, part),
                PartKind::ToolResult(_) => {}
            }
        }
        Ok(blocks.into())
    }

    fn assistant(&mut self, message: &'r Message<'r>) -> Result<Object<'r>, Problem> {
        let calls: Vec<Object<'r>> = message
            .parts
            .iter()
            .filter_map(|part| match &part.kind {
                PartKind::ToolCall(call) => Some(tool_call(call)),
                _ => None,
            })
            .collect();
        let mut plan: Vec<&'r str> = Vec::new();
        let mut blocks: Vec<Value<'r>> = Vec::new();
        for part in &message.parts {
            match &part.kind {
                PartKind::Text(text, _) | PartKind::Refusal(text) => {
                    blocks.push(text_block(text).into())
                }
                PartKind::Reasoning(reasoned) if !is_own(reasoned) => {
                    self.gaps.forgotten(self.request, part);
                }
                // What is thought before a call is its plan.
                PartKind::Reasoning(reasoned) if !calls.is_empty() => plan.push(&reasoned.text),
                PartKind::Reasoning(reasoned) => blocks.push(
                    Object::new()
                        .with("type", "thinking")
                        .with("thinking", &reasoned.text)
                        .into(),
                ),
                PartKind::Media(_) | PartKind::ToolResult(_) => {
                    self.gaps
                        .leave_out(&part.path, "this in a turn of the model")?;
                }
                PartKind::ToolCall(call) if call.signature.is_some() => {
                    self.gaps.unproven(self.request, part);
                }
                PartKind::ToolCall(_) => {}
            }
        }
        let mut object = Object::new().with("role", "assistant");
        if !plan.is_empty() {
            object.push("tool_plan", plan.join("\n"));
        }
        if !blocks.is_empty() {
            object.push("content", blocks);
        }
        if !calls.is_empty() {
            object.push("tool_calls", calls);
        }
        Ok(object)
    }

    fn result(&mut self, result: &'r ToolResult<'r>) -> Result<Object<'r>, Problem> {
        let mut texts: Vec<&'r crate::json::Text<'r>> = Vec::new();
        for part in &result.parts {
            match &part.kind {
                PartKind::Text(text, _) | PartKind::Refusal(text) => texts.push(text),
                PartKind::Media(Media {
                    source: Source::Text(text),
                    ..
                }) => texts.push(text),
                _ => self
                    .gaps
                    .leave_out(&part.path, "this in a result of a tool")?,
            }
        }
        let content: Value<'r> = if result.error {
            let texts: Vec<&str> = texts.iter().map(|text| &*text.value).collect();
            let data = Object::new().with(ERROR, texts.join("\n"));
            let document = Object::new().with("data", data);
            vec![
                Object::new()
                    .with("type", "document")
                    .with("document", document),
            ]
            .into()
        } else if let [one] = texts.as_slice() {
            (*one).into()
        } else {
            texts.into_iter().map(text_block).collect()
        };
        Ok(Object::new()
            .with("role", "tool")
            .with("tool_call_id", &result.call)
            .with("content", content))
    }

    /// A block; `None` for a document, which stands beside the turns, and for what is left out.
    fn media(&mut self, media: &'r Media<'r>, path: &str) -> Result<Option<Object<'r>>, Problem> {
        let url: Value<'r> = match (media.kind, &media.source) {
            (MediaKind::Document, Source::Text(text)) => {
                let data = Object::new()
                    .maybe("title", media.name.as_ref())
                    .with("snippet", text);
                let id = document_id(self.documents.len() as u64);
                self.documents
                    .push(Object::new().with("id", id).with("data", data));
                return Ok(None);
            }
            (MediaKind::Image, Source::Url(url)) if is_reachable(url) => url.into(),
            (MediaKind::Image, Source::Base64(data)) => {
                let media_type = media.media_type.as_deref().unwrap_or(match data {
                    jpeg if jpeg.starts_with("/9j/") => "image/jpeg",
                    gif if gif.starts_with("R0lGOD") => "image/gif",
                    webp if webp.starts_with("UklGR") => "image/webp",
                    _ => "image/png",
                });
                format!("data:{media_type};base64,{data}").into()
            }
            (kind, _) => {
                let what = match kind {
                    MediaKind::Image => "images of this kind",
                    MediaKind::Audio => "audio",
                    MediaKind::Document => "documents that are no text",
                    MediaKind::Video => "videos",
                };
                self.gaps.leave_out(path, what)?;
                return Ok(None);
            }
        };
        let detail = media.detail.map(|detail| match detail {
            Detail::Auto => "auto",
            Detail::Low => "low",
            Detail::High => "high",
        });
        let image = Object::new().with("url", url).maybe("detail", detail);
        Ok(Some(
            Object::new()
                .with("type", "image_url")
                .with("image_url", image),
        ))
    }
}

fn is_reachable(url: &str) -> bool {
    ["https://", "http://", "data:"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

/// Whether Cohere may read it: not what another provider's model thought.
fn is_own(reasoned: &Reasoned<'_>) -> bool {
    let own = |signature: &crate::chat::Signature<'_>| signature.from == Format::Cohere;
    reasoned.signature.as_ref().is_none_or(own) && !reasoned.text.is_empty()
}

fn text_block<'r>(text: &'r crate::json::Text<'r>) -> Object<'r> {
    Object::new().with("type", "text").with("text", text)
}

fn tool_call<'r>(call: &'r ToolCall<'r>) -> Object<'r> {
    let function = Object::new().with("name", &call.name);
    // Some say of a call without arguments nothing, which is no JSON.
    let function = if call.arguments.trim().is_empty() {
        function.with("arguments", "{}")
    } else {
        function.with("arguments", &call.arguments)
    };
    Object::new()
        .with("id", &call.id)
        .with("type", "function")
        .with("function", function)
}
