//! A body of `/v2/chat`, as Cohere gets it (<https://docs.cohere.com/reference/chat#request>).
//!
//! What has no place here and no meaning to the answer is told and not refused: markers of the prompt cache, the name of a
//! schema, the caller's own user, and reasoning of other providers, which is history.

mod message;

use crate::chat::{Effort, Field, Problem, Request, ResponseFormat, Thinking, Tool, ToolChoice};
use crate::codec::{Gaps, Keeps, Target};
use crate::json::{Object, Value};

/// What is being written.
struct Writer<'w, 'r> {
    request: &'r Request<'r>,
    gaps: &'w mut Gaps,
    body: Object<'r>,
    /// Documents that the model shall cite.
    documents: Vec<Object<'r>>,
}

pub(super) fn request<'r>(
    request: &'r Request<'_>,
    target: &Target<'r>,
    gaps: &mut Gaps,
) -> Result<Object<'r>, Problem> {
    let mut writer = Writer {
        request,
        gaps,
        body: Object::new().with("model", target.model),
        documents: Vec::new(),
    };
    writer.write()?;
    Ok(writer.body)
}

impl<'r> Writer<'_, 'r> {
    fn write(&mut self) -> Result<(), Problem> {
        let request = self.request;
        self.gaps.extras(&request.extras)?;
        self.gaps.hints_of(request, Keeps::default());
        self.body.push("stream", request.stream);
        let messages = self.messages()?;
        self.body.push("messages", messages);
        if !self.documents.is_empty() {
            let documents = std::mem::take(&mut self.documents);
            self.body.push("documents", documents);
        }
        self.tools()?;
        self.shape();
        self.sampling()?;
        self.notes()
    }

    /// The target has nothing for a field of the whole call.
    fn lacks(&mut self, field: Field, what: &str) -> Result<(), Problem> {
        self.gaps.leave_out(self.request.path_of(field), what)
    }

    /// Tools. There is no choice among them: one that has to be called, or those that may be, are all that is shown.
    fn tools(&mut self) -> Result<(), Problem> {
        let request = self.request;
        let shown = |name: &str| match &request.tool_choice {
            Some(ToolChoice::Tool(one)) => one == name,
            Some(ToolChoice::Allowed { names, .. }) => names.iter().any(|one| one == name),
            _ => true,
        };
        let mut tools = Vec::new();
        let mut exact = false;
        for tool in &request.tools {
            match tool {
                Tool::Function {
                    name,
                    description,
                    parameters,
                    strict,
                    ..
                } if shown(name) => {
                    exact |= *strict == Some(true);
                    let empty = || {
                        Object::new()
                            .with("type", "object")
                            .with("properties", Object::new())
                            .into()
                    };
                    let function = Object::new()
                        .with("name", name)
                        .maybe("description", description.as_ref())
                        .with("parameters", parameters.clone().unwrap_or_else(empty));
                    tools.push(
                        Object::new()
                            .with("type", "function")
                            .with("function", function),
                    );
                }
                Tool::Function { .. } => {}
                Tool::Server { path, .. } => {
                    self.gaps
                        .leave_out(path, "tools that run at another provider")?;
                }
            }
        }
        if !tools.is_empty() {
            self.body.push("tools", tools);
            if exact {
                self.body.push("strict_tools", true);
            }
        }
        let choice = match &request.tool_choice {
            Some(ToolChoice::None) => Some("NONE"),
            Some(
                ToolChoice::Required
                | ToolChoice::Tool(_)
                | ToolChoice::Allowed { required: true, .. },
            ) => Some("REQUIRED"),
            Some(ToolChoice::Auto | ToolChoice::Allowed { .. }) | None => None,
        };
        if let Some(choice) = choice {
            self.body.push("tool_choice", choice);
        }
        if request.parallel_tools == Some(false) {
            self.lacks(Field::ParallelTools, "one call of a tool at a time")?;
        }
        Ok(())
    }

    fn shape(&mut self) {
        let format = match &self.request.format {
            None => return,
            Some(ResponseFormat::Text) => Object::new().with("type", "text"),
            Some(ResponseFormat::JsonObject) => Object::new().with("type", "json_object"),
            Some(ResponseFormat::JsonSchema {
                schema,
                description,
                ..
            }) => {
                let mut schema = schema.clone();
                if let (Value::Object(object), Some(description)) = (&mut schema, description)
                    && object.get("description").is_none()
                {
                    object.push("description", description);
                }
                Object::new()
                    .with("type", "json_object")
                    .with("json_schema", schema)
            }
        };
        self.body.push("response_format", format);
    }

    fn sampling(&mut self) -> Result<(), Problem> {
        let request = self.request;
        let sampling = &request.sampling;
        if let Some(most) = request.max_tokens {
            self.body.push("max_tokens", most);
        }
        if !request.stop.is_empty() {
            self.body
                .push("stop_sequences", request.stop.iter().collect::<Value<'_>>());
        }
        let numbers = [
            ("temperature", sampling.temperature),
            ("p", sampling.top_p),
            ("frequency_penalty", sampling.frequency_penalty),
            ("presence_penalty", sampling.presence_penalty),
        ];
        for (name, value) in numbers {
            if let Some(value) = value {
                self.body.push(name, value);
            }
        }
        if let Some(k) = sampling.top_k {
            self.body.push("k", k);
        }
        if let Some(seed) = sampling.seed {
            self.body.push("seed", seed);
        }
        if let Some(thinking) = request.thinking.as_ref().and_then(thinking) {
            self.body.push("thinking", thinking);
        }
        if let Some(logprobs) = request.logprobs {
            self.body.push("logprobs", true);
            if logprobs.top.is_some_and(|top| top > 0) {
                self.lacks(
                    Field::Logprobs,
                    "the likeliest tokens besides the one drawn",
                )?;
            }
        }
        Ok(())
    }

    fn notes(&mut self) -> Result<(), Problem> {
        if self.request.n.is_some_and(|n| n > 1) {
            self.lacks(Field::N, "several answers")?;
        }
        if !self.request.metadata.is_empty() {
            self.lacks(Field::Metadata, "notes of a call")?;
        }
        match self.request.service_tier.as_deref() {
            None | Some("auto" | "default" | "standard_only") => Ok(()),
            Some(_) => self.lacks(Field::ServiceTier, "a tier of service"),
        }
    }
}

/// `{type, token_budget}` (<https://docs.cohere.com/docs/reasoning>).
fn thinking(thinking: &Thinking) -> Option<Object<'static>> {
    let off = thinking.enabled == Some(false) || thinking.effort == Some(Effort::None);
    if off {
        return Some(Object::new().with("type", "disabled"));
    }
    let budget = thinking
        .budget
        .or_else(|| thinking.effort.map(Effort::budget));
    if budget.is_none() && thinking.enabled.is_none() {
        return None;
    }
    Some(
        Object::new()
            .with("type", "enabled")
            .maybe("token_budget", budget),
    )
}
