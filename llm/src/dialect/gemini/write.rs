//! A body of `generateContent`, as a provider gets it: Google AI Studio or Vertex AI
//! (<https://ai.google.dev/api/generate-content#request-body>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>).
//!
//! What has no place here and no meaning to the answer is told and not refused: markers of the prompt cache (Google caches
//! prompts by itself, <https://ai.google.dev/gemini-api/docs/caching>), the name of a schema, the caller's own user, names
//! of files, and reasoning of other providers, which is history. That tools may be called at once goes without a word: it
//! is so by default.

mod config;
mod media;
mod part;

pub(super) use part::arguments;

use crate::Dialect;
use crate::chat::{Field, Message, Part, PartKind, Problem, Request, Role, Tool, ToolChoice};
use crate::codec::{Gaps, Keeps, Target};
use crate::json::{Object, Value};

/// What is being written, for whom.
struct Writer<'w, 'r> {
    request: &'r Request<'r>,
    target: &'w Target<'r>,
    gaps: &'w mut Gaps,
    body: Object<'r>,
}

pub(super) fn request<'r>(
    request: &'r Request<'_>,
    target: &Target<'r>,
    gaps: &mut Gaps,
) -> Result<Object<'r>, Problem> {
    let mut writer = Writer {
        request,
        target,
        gaps,
        body: Object::new(),
    };
    writer.write()?;
    Ok(writer.body)
}

/// The generation of a model of Google's: 2 for `gemini-2.5-pro`; `None` where the name does not say.
pub(super) fn generation(model: &str) -> Option<u32> {
    let (_, rest) = model.split_once("gemini-")?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    rest[..digits].parse().ok()
}

impl<'r> Writer<'_, 'r> {
    fn write(&mut self) -> Result<(), Problem> {
        let request = self.request;
        self.gaps.extras(&request.extras)?;
        self.gaps.hints_of(request, Keeps::default());
        let mut contents = self.contents()?;
        let mut system = self.system()?;
        if contents.is_empty() && !system.is_empty() {
            // Instructions alone are what is asked: Google refuses a call without contents.
            let parts = std::mem::take(&mut system);
            contents.push(
                Object::new()
                    .with("role", "user")
                    .with("parts", parts)
                    .into(),
            );
        }
        self.body.push("contents", contents);
        if !system.is_empty() {
            self.body
                .push("systemInstruction", Object::new().with("parts", system));
        }
        self.tools()?;
        self.config()?;
        self.notes()
    }

    /// The target has nothing for a field of the whole call.
    fn lacks(&mut self, field: Field, what: &str) -> Result<(), Problem> {
        self.gaps.leave_out(self.request.path_of(field), what)
    }

    fn is_vertex(&self) -> bool {
        self.target.dialect == Dialect::Vertex
    }

    /// Turns. Results of tools stand alone and together, as Google wants as many of them in one turn as there were
    /// calls in the one before (<https://ai.google.dev/gemini-api/docs/function-calling>).
    fn contents(&mut self) -> Result<Vec<Value<'r>>, Problem> {
        let mut contents: Vec<(bool, Turn<'r>)> = Vec::new();
        for message in &self.request.messages {
            self.gaps.speaker(message)?;
            if message.role == Role::System {
                continue;
            }
            let skip = self.unsigned(message);
            let mut first_call = true;
            for part in &message.parts {
                let result = matches!(part.kind, PartKind::ToolResult(_));
                let call = matches!(part.kind, PartKind::ToolCall(_));
                let stand_in = skip && call && std::mem::replace(&mut first_call, false);
                let Some(written) = self.part(part, stand_in)? else {
                    continue;
                };
                match contents.last_mut() {
                    Some((of_results, turn))
                        if *of_results == result
                            && (result || std::ptr::eq(turn.message, message)) =>
                    {
                        turn.parts.push(written.into());
                    }
                    _ => contents.push((
                        result,
                        Turn {
                            message,
                            parts: vec![written.into()],
                        },
                    )),
                }
            }
        }
        Ok(contents
            .into_iter()
            .map(|(_, turn)| {
                let role = if turn.message.role == Role::Assistant {
                    "model"
                } else {
                    "user"
                };
                Object::new()
                    .with("role", role)
                    .with("parts", turn.parts)
                    .into()
            })
            .collect())
    }

    /// Whether the calls of a turn were made by another model, which a model that checks signatures has to be told.
    fn unsigned(&self, message: &Message<'_>) -> bool {
        generation(self.target.model).is_some_and(|generation| generation >= 3)
            && !message.parts.iter().any(|part| match &part.kind {
                PartKind::ToolCall(call) => part::own(call.signature.as_ref()).is_some(),
                _ => false,
            })
    }

    /// Instructions; those in the middle of the conversation join the ones before it, as there is no such role.
    fn system(&mut self) -> Result<Vec<Value<'r>>, Problem> {
        let request = self.request;
        let later = request
            .messages
            .iter()
            .filter(|message| message.role == Role::System)
            .flat_map(|message| &message.parts);
        let mut parts: Vec<Value<'r>> = Vec::new();
        for part in request.system.iter().chain(later) {
            parts.extend(self.part(part, false)?.map(Value::from));
        }
        Ok(parts)
    }

    fn tools(&mut self) -> Result<(), Problem> {
        let mut functions: Vec<Object<'r>> = Vec::new();
        let mut exact = false;
        for tool in &self.request.tools {
            match tool {
                Tool::Function {
                    name,
                    description,
                    parameters,
                    strict,
                    ..
                } => {
                    exact |= *strict == Some(true);
                    functions.push(
                        Object::new()
                            .with("name", name)
                            .maybe("description", description.as_ref())
                            .maybe("parametersJsonSchema", parameters.clone()),
                    );
                }
                Tool::Server { path, .. } => {
                    self.gaps
                        .leave_out(path, "tools that run at another provider")?;
                }
            }
        }
        if !functions.is_empty() {
            let tool = Object::new().with("functionDeclarations", functions);
            self.body.push("tools", vec![tool]);
        }
        self.choice(exact);
        if self.request.parallel_tools == Some(false) {
            self.lacks(Field::ParallelTools, "one call of a tool at a time")?;
        }
        Ok(())
    }

    /// Whether tools are called. `VALIDATED` is `AUTO` with arguments that fit their schema.
    fn choice(&mut self, exact: bool) {
        let some = |names: &'r [_]| -> Value<'r> { names.iter().collect() };
        let (mode, names) = match &self.request.tool_choice {
            None if exact => ("VALIDATED", None),
            None => return,
            Some(ToolChoice::Auto) => (if exact { "VALIDATED" } else { "AUTO" }, None),
            Some(ToolChoice::None) => ("NONE", None),
            Some(ToolChoice::Required) => ("ANY", None),
            Some(ToolChoice::Tool(name)) => ("ANY", Some(some(std::slice::from_ref(name)))),
            Some(ToolChoice::Allowed { names, required }) => (
                if *required { "ANY" } else { "VALIDATED" },
                Some(some(names)),
            ),
        };
        let calling = Object::new()
            .with("mode", mode)
            .maybe("allowedFunctionNames", names);
        let config = Object::new().with("functionCallingConfig", calling);
        self.body.push("toolConfig", config);
    }

    fn notes(&mut self) -> Result<(), Problem> {
        let request = self.request;
        if !request.metadata.is_empty() {
            if self.is_vertex() {
                let mut labels = Object::new();
                for (name, value) in &request.metadata {
                    labels.push(&**name, value);
                }
                self.body.push("labels", labels);
            } else {
                self.lacks(Field::Metadata, "notes of a call")?;
            }
        }
        match request.service_tier.as_deref() {
            None | Some("auto") => {}
            Some("default" | "standard_only") => self.body.push("serviceTier", "standard"),
            Some(tier @ ("flex" | "priority")) => self.body.push("serviceTier", tier),
            Some(_) => self.lacks(Field::ServiceTier, "this tier of service")?,
        }
        Ok(())
    }
}

struct Turn<'r> {
    message: &'r Message<'r>,
    parts: Vec<Value<'r>>,
}

/// The name of the tool that a call of this id calls.
fn name_of<'r>(request: &'r Request<'r>, id: &str) -> Option<&'r str> {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let mut calls = parts.filter_map(|part: &Part<'r>| match &part.kind {
        PartKind::ToolCall(call) => Some(call),
        _ => None,
    });
    calls.find(|call| call.id == id).map(|call| &*call.name)
}
