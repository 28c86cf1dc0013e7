//! Instructions and turns, as items of the input.

use super::Writer;
use crate::Format;
use crate::chat::{Message, Part, PartKind, Problem, Reasoned, Role, ToolCall, ToolResult, shape};
use crate::dialect::responses::signature;
use crate::json::{Object, Value};

/// What is put before the result of a tool that failed: the format has no mark for it.
const FAILED: &str = "The tool failed: ";

/// Whose words a message holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    In,
    Out,
}

impl<'r> Writer<'_, 'r, '_> {
    pub(super) fn conversation(&mut self) -> Result<(), Problem> {
        let request = self.request;
        let mut input: Vec<Object<'r>> = Vec::new();
        match request.system.as_slice() {
            [
                Part {
                    kind: PartKind::Text(text, _),
                    ..
                },
            ] => self.body.push("instructions", text),
            [] => {}
            several => {
                let content = self.content(several.iter(), Words::In)?;
                input.push(message("system", content));
            }
        }
        for turn in &request.messages {
            if turn.name.is_some() {
                self.gaps.hint(shape(&turn.name_path()));
            }
            match turn.role {
                Role::System => {
                    let content = self.content(turn.parts.iter(), Words::In)?;
                    input.push(message("system", content));
                }
                Role::User => self.user(turn, &mut input)?,
                Role::Assistant => self.assistant(turn, &mut input)?,
            }
        }
        self.body.push("input", input);
        Ok(())
    }

    /// Results come first, as they have to follow the calls at once.
    fn user(&mut self, turn: &'r Message<'r>, input: &mut Vec<Object<'r>>) -> Result<(), Problem> {
        let mut rest = Vec::new();
        for part in &turn.parts {
            match &part.kind {
                PartKind::ToolResult(result) => input.push(self.result(result)?),
                _ => rest.push(part),
            }
        }
        if rest.is_empty() && !turn.parts.is_empty() {
            return Ok(());
        }
        let content = self.content(rest, Words::In)?;
        input.push(message("user", content));
        Ok(())
    }

    fn result(&mut self, result: &'r ToolResult<'r>) -> Result<Object<'r>, Problem> {
        let mut content = Vec::new();
        if result.error {
            content.push(text(Words::In, FAILED));
        }
        content.append(&mut self.content(&result.parts, Words::In)?);
        // Most of all a result is one text.
        let output = match content.as_slice() {
            [] => "".into(),
            [one] if result.parts.len() == 1 => match one.get("text") {
                Some(text) => text.clone(),
                None => content.into(),
            },
            _ => content.into(),
        };
        Ok(Object::new()
            .with("type", "function_call_output")
            .with("call_id", &result.call)
            .with("output", output))
    }

    /// Words in a row are one message, reasoning in a row is one item until something proves it.
    fn assistant(
        &mut self,
        turn: &'r Message<'r>,
        input: &mut Vec<Object<'r>>,
    ) -> Result<(), Problem> {
        let mut words: Vec<&'r Part<'r>> = Vec::new();
        let mut thoughts: Vec<&'r Part<'r>> = Vec::new();
        for part in &turn.parts {
            match &part.kind {
                PartKind::Text(..) | PartKind::Refusal(_) => {
                    words.push(part);
                    continue;
                }
                _ => self.words(&mut words, input)?,
            }
            match &part.kind {
                PartKind::Reasoning(one) => {
                    thoughts.push(part);
                    if one.signature.is_some() {
                        let item = reasoning(&thoughts);
                        self.takes_up |= item.is_some();
                        if item.is_some() {
                            thoughts.clear();
                        }
                        self.forget(&mut thoughts);
                        input.extend(item);
                    }
                }
                PartKind::ToolCall(one) => {
                    if one.signature.is_some() {
                        self.gaps.unproven(self.request, part);
                    }
                    input.push(call(one));
                }
                PartKind::Media(_) => self
                    .gaps
                    .leave_out(&part.path, "files in what the model said")?,
                PartKind::ToolResult(_) => self
                    .gaps
                    .leave_out(&part.path, "results of tools in what the model said")?,
                PartKind::Text(..) | PartKind::Refusal(_) => {}
            }
        }
        self.forget(&mut thoughts);
        self.words(&mut words, input)
    }

    /// Leaves out what nothing of the provider's proves.
    fn forget(&mut self, thoughts: &mut Vec<&'r Part<'r>>) {
        for part in thoughts.drain(..) {
            self.gaps.forgotten(self.request, part);
        }
    }

    fn words(
        &mut self,
        words: &mut Vec<&'r Part<'r>>,
        input: &mut Vec<Object<'r>>,
    ) -> Result<(), Problem> {
        if !words.is_empty() {
            let content = self.content(std::mem::take(words), Words::Out)?;
            input.push(message("assistant", content));
        }
        Ok(())
    }

    fn content(
        &mut self,
        parts: impl IntoIterator<Item = &'r Part<'r>>,
        whose: Words,
    ) -> Result<Vec<Object<'r>>, Problem> {
        let mut content = Vec::new();
        for part in parts {
            match &part.kind {
                PartKind::Text(words, _) => content.push(text(whose, words)),
                PartKind::Refusal(words) if whose == Words::Out => {
                    content.push(Object::new().with("type", "refusal").with("refusal", words))
                }
                PartKind::Refusal(words) => content.push(text(whose, words)),
                PartKind::Media(media) => content.push(self.media(media, &part.path)?),
                PartKind::ToolCall(_) | PartKind::ToolResult(_) | PartKind::Reasoning(_) => {
                    self.gaps.leave_out(&part.path, "parts of this kind here")?;
                }
            }
        }
        Ok(content)
    }
}

fn message<'r>(role: &'static str, content: Vec<Object<'r>>) -> Object<'r> {
    Object::new()
        .with("type", "message")
        .with("role", role)
        .with("content", content)
}

/// What a text cites is of no use to the model.
fn text<'r>(whose: Words, words: &'r str) -> Object<'r> {
    let kind = match whose {
        Words::In => "input_text",
        Words::Out => "output_text",
    };
    Object::new().with("type", kind).with("text", words)
}

fn call<'r>(call: &'r ToolCall<'_>) -> Object<'r> {
    let arguments = match call.arguments.trim() {
        "" => Value::from("{}"),
        _ => Value::from(&call.arguments),
    };
    Object::new()
        .with("type", "function_call")
        .with("call_id", &call.id)
        .with("name", &call.name)
        .with("arguments", arguments)
}

/// The item that the provider encrypted; `None` for what another said, which means nothing to this one.
fn reasoning<'r>(parts: &[&'r Part<'r>]) -> Option<Object<'r>> {
    let thoughts: Vec<&'r Reasoned<'r>> = parts
        .iter()
        .filter_map(|part| match &part.kind {
            PartKind::Reasoning(one) => Some(one),
            _ => None,
        })
        .collect();
    let proof = thoughts.last()?.signature.as_ref()?;
    if proof.from != Format::Responses {
        return None;
    }
    let (id, encrypted) = signature::split(&proof.data);
    let texts = |summary: bool, kind: &'static str| -> Vec<Object<'r>> {
        let told = thoughts
            .iter()
            .filter(|one| one.summary == summary && !one.text.is_empty());
        told.map(|one| Object::new().with("type", kind).with("text", &one.text))
            .collect()
    };
    let content = texts(false, "reasoning_text");
    Some(
        Object::new()
            .with("type", "reasoning")
            .maybe("id", id)
            .with("summary", texts(true, "summary_text"))
            .maybe("content", (!content.is_empty()).then_some(content))
            .with("encrypted_content", encrypted),
    )
}
