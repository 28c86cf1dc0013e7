//! Parts of turns.

use super::super::sign;
use super::{Writer, name_of};
use crate::Format;
use crate::chat::{Part, PartKind, Problem, Reasoned, Signature, ToolCall, ToolResult};
use crate::json::{Object, Value};

/// A signature that Google's models made.
pub(super) fn own<'s, 'a>(signature: Option<&'s Signature<'a>>) -> Option<&'s Signature<'a>> {
    signature.filter(|signature| signature.from == Format::Gemini)
}

impl<'r> Writer<'_, 'r> {
    /// One part; `None` where there is nothing to say. `stand_in`: the call needs something in place of a signature.
    pub(super) fn part(
        &mut self,
        part: &'r Part<'r>,
        stand_in: bool,
    ) -> Result<Option<Object<'r>>, Problem> {
        Ok(match &part.kind {
            PartKind::Text(text, _) | PartKind::Refusal(text) => {
                (!text.is_empty()).then(|| Object::new().with("text", text))
            }
            PartKind::Media(media) => self.media(media, &part.path)?,
            PartKind::ToolCall(call) => {
                if call.signature.is_some() && own(call.signature.as_ref()).is_none() {
                    self.gaps.unproven(self.request, part);
                }
                Some(self.call(call, &part.path, stand_in)?)
            }
            PartKind::ToolResult(result) => Some(self.result(result, &part.path)?),
            PartKind::Reasoning(reasoned) => {
                let written = thinking(reasoned);
                if written.is_none() {
                    self.gaps.forgotten(self.request, part);
                }
                written
            }
        })
    }

    fn call(
        &self,
        call: &'r ToolCall<'r>,
        path: &str,
        stand_in: bool,
    ) -> Result<Object<'r>, Problem> {
        let arguments = arguments(&call.arguments).ok_or_else(|| {
            Problem::invalid(
                "invalid_arguments",
                path,
                format!("Invalid value of '{path}': the arguments of the call are not a JSON object, which Gemini wants."),
            )
        })?;
        let function = Object::new()
            .maybe("id", self.id(&call.id))
            .with("name", &call.name)
            .with("args", arguments);
        let signature = own(call.signature.as_ref()).map(sign::write);
        let object = Object::new().with("functionCall", function);
        Ok(match signature {
            Some(signature) => object.with("thoughtSignature", signature),
            None if stand_in => object.with("thoughtSignature", sign::SKIP),
            None => object,
        })
    }

    fn result(&mut self, result: &'r ToolResult<'r>, path: &str) -> Result<Object<'r>, Problem> {
        let name = result
            .name
            .as_deref()
            .or_else(|| name_of(self.request, &result.call));
        let Some(name) = name else {
            let message = format!("Invalid value of '{path}': no call before it has this id.");
            return Err(Problem::invalid("invalid_tool_call_id", path, message));
        };
        let mut texts: Vec<&'r str> = Vec::new();
        let mut files = Vec::new();
        for part in &result.parts {
            match &part.kind {
                PartKind::Text(text, _) | PartKind::Refusal(text) => texts.push(text),
                PartKind::Media(media) => match super::media::text_of(media) {
                    Some(text) => texts.push(text),
                    None => files.extend(self.media(media, &part.path)?),
                },
                _ => self
                    .gaps
                    .leave_out(&part.path, "this in a result of a tool")?,
            }
        }
        let function = Object::new()
            .maybe("id", self.id(&result.call))
            .with("name", name)
            .with("response", response(texts, result.error));
        let function = if files.is_empty() {
            function
        } else {
            function.with("parts", files)
        };
        Ok(Object::new().with("functionResponse", function))
    }

    /// Vertex AI tells calls apart by their names and order, and knows no ids
    /// (<https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/Content#FunctionCall>).
    fn id(&self, id: &'r str) -> Option<&'r str> {
        (!self.is_vertex() && !id.is_empty()).then_some(id)
    }
}

fn thinking<'r>(reasoned: &'r Reasoned<'r>) -> Option<Object<'r>> {
    let signature = own(reasoned.signature.as_ref());
    if signature.is_none() && (reasoned.signature.is_some() || reasoned.text.is_empty()) {
        return None;
    }
    let object = Object::new().with("text", &reasoned.text);
    let object = if reasoned.text.is_empty() {
        object
    } else {
        object.with("thought", true)
    };
    Some(object.maybe("thoughtSignature", signature.map(sign::write)))
}

/// Arguments as an object; `None` for what is none. Nothing at all is an object without fields.
pub(in crate::dialect::gemini) fn arguments(text: &str) -> Option<Value<'_>> {
    if text.trim().is_empty() {
        return Some(Object::new().into());
    }
    Value::parse(text)
        .ok()
        .filter(|value| value.as_object().is_some())
}

/// What a function said: an object stands for itself, unless it could be taken for Google's own wrapping.
fn response<'r>(texts: Vec<&'r str>, error: bool) -> Value<'r> {
    let key = if error { "error" } else { "output" };
    let text: Value<'r> = match texts.as_slice() {
        [one] => match Value::parse(one) {
            Ok(Value::Object(object)) => {
                let own = object.get("output").is_none() && object.get("error").is_none();
                if own && !error {
                    return object.into();
                }
                object.into()
            }
            _ => (*one).into(),
        },
        several => several.join("\n").into(),
    };
    Object::new().with(key, text).into()
}
