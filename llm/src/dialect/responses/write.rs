//! A request, as a provider gets it (<https://platform.openai.com/docs/api-reference/responses/create>).

mod history;
mod media;

use crate::bound::least_output;
use crate::chat::{Effort, Extra, Field, Problem, Request, ResponseFormat, Tool, ToolChoice};
use crate::codec::{Gaps, Keeps, Target};
use crate::dialect::openai::chat::write::{effort, off};
use crate::dialect::openai::quirks::reasons;
use crate::json::{Object, Value};
use crate::{Dialect, Format};

/// Fields that chat has by the same name.
const SHARED: [&str; 5] = [
    "moderation",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
];

/// What is being written, for whom.
pub(super) struct Writer<'w, 'r, 'g> {
    request: &'r Request<'r>,
    target: &'w Target<'r>,
    gaps: &'g mut Gaps,
    body: Object<'r>,
    text: Object<'r>,
    reasoning: Object<'r>,
    include: Vec<Value<'r>>,
    /// The history holds reasoning that the provider encrypted.
    takes_up: bool,
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
        text: Object::new(),
        reasoning: Object::new(),
        include: Vec::new(),
        takes_up: false,
    };
    writer.write()?;
    Ok(writer.body)
}

impl<'r> Writer<'_, 'r, '_> {
    fn write(&mut self) -> Result<(), Problem> {
        self.body.push("model", self.target.model);
        self.gaps.hints_of(
            self.request,
            Keeps {
                cache: false,
                user: true,
                schema_name: true,
            },
        );
        self.conversation()?;
        self.tools()?;
        self.format();
        self.bounds()?;
        self.sampling()?;
        self.thinking()?;
        self.notes()?;
        self.extras()?;
        let nested = [
            ("text", std::mem::take(&mut self.text)),
            ("reasoning", std::mem::take(&mut self.reasoning)),
        ];
        for (name, object) in nested {
            if !object.is_empty() {
                self.body.push(name, object);
            }
        }
        if !self.include.is_empty() {
            self.body.push("include", std::mem::take(&mut self.include));
        }
        // What the caller sends next time holds all of the conversation.
        self.body.push("store", false);
        if self.request.stream {
            self.body.push("stream", true);
        }
        Ok(())
    }

    /// The target has nothing for a field of the whole call.
    fn lacks(&mut self, field: Field, what: &str) -> Result<(), Problem> {
        self.gaps.leave_out(self.request.path_of(field), what)
    }

    fn bounds(&mut self) -> Result<(), Problem> {
        let request = self.request;
        if let Some(most) = request.max_tokens {
            let least = least_output(Format::Responses, None);
            if most < least {
                let what = format!("answers of fewer than {least} tokens");
                self.lacks(Field::MaxTokens, &what)?;
            }
            self.body.push("max_output_tokens", most.max(least));
        }
        if !request.stop.is_empty() {
            self.lacks(Field::Stop, "sequences that end an answer")?;
        }
        if request.n.is_some_and(|n| n != 1) {
            self.lacks(Field::N, "several answers")?;
        }
        Ok(())
    }

    fn sampling(&mut self) -> Result<(), Problem> {
        let sampling = &self.request.sampling;
        for (name, value) in [
            ("temperature", sampling.temperature),
            ("top_p", sampling.top_p),
        ] {
            if let Some(value) = value {
                self.body.push(name, value);
            }
        }
        if sampling.top_k.is_some() {
            let what = "a choice among the likeliest tokens by count";
            self.lacks(Field::TopK, what)?;
        }
        let penalties = [
            (sampling.frequency_penalty, Field::FrequencyPenalty),
            (sampling.presence_penalty, Field::PresencePenalty),
        ];
        for (penalty, field) in penalties {
            if penalty.is_some_and(|penalty| penalty != 0.0) {
                self.lacks(field, "penalties")?;
            }
        }
        if sampling.seed.is_some() {
            self.lacks(Field::Seed, "seeds")?;
        }
        if let Some(logprobs) = self.request.logprobs {
            self.include.push("message.output_text.logprobs".into());
            if let Some(top) = logprobs.top {
                self.body.push("top_logprobs", top);
            }
        }
        Ok(())
    }

    fn format(&mut self) {
        let format = match &self.request.format {
            None => return,
            Some(ResponseFormat::Text) => Object::new().with("type", "text"),
            Some(ResponseFormat::JsonObject) => Object::new().with("type", "json_object"),
            Some(ResponseFormat::JsonSchema {
                name,
                description,
                schema,
                strict,
            }) => Object::new()
                .with("type", "json_schema")
                .with("name", name)
                .maybe("description", description.as_ref())
                .with("schema", schema.clone())
                .maybe("strict", *strict),
        };
        self.text.push("format", format);
    }

    fn tools(&mut self) -> Result<(), Problem> {
        let request = self.request;
        // Here a function is strict unless it says otherwise, which it is nowhere else.
        let unsaid = (request.from != Some(Format::Responses)).then_some(false);
        let mut tools = Vec::new();
        for tool in &request.tools {
            match tool {
                Tool::Server { kind, path } => self
                    .gaps
                    .leave_out(path, &format!("the tool '{kind}' that runs at a provider"))?,
                Tool::Function {
                    name,
                    description,
                    parameters,
                    strict,
                    ..
                } => {
                    let strict = strict.or(unsaid);
                    tools.push(
                        Object::new()
                            .with("type", "function")
                            .with("name", name)
                            .maybe("description", description.as_ref())
                            .with("parameters", parameters.clone().unwrap_or_default())
                            .maybe("strict", strict),
                    );
                }
            }
        }
        // Choices among no tools are refused, and mean nothing.
        if tools.is_empty() {
            return Ok(());
        }
        self.body.push("tools", tools);
        if let Some(choice) = &request.tool_choice {
            self.body.push("tool_choice", choice_of(choice));
        }
        if let Some(parallel) = request.parallel_tools {
            self.body.push("parallel_tool_calls", parallel);
        }
        Ok(())
    }

    /// Whether and how the model reasons. Models that do not reason refuse to be asked for what is encrypted.
    fn thinking(&mut self) -> Result<(), Problem> {
        let model = self.target.model;
        let asked = self.request.thinking.unwrap_or_default();
        let disabled = asked.enabled == Some(false) || asked.effort == Some(Effort::None);
        let mut thinks = reasons(model) || self.takes_up;
        if disabled {
            // What a deployment at Azure is called says nothing of its model.
            let off = match self.target.dialect {
                Dialect::AzureOpenAI if !reasons(model) => Ok(None),
                _ => off(model),
            };
            match off {
                Ok(Some(effort)) => self.reasoning.push("effort", effort.name()),
                // Said by the caller in these very words.
                Ok(None) if asked.effort == Some(Effort::None) => {
                    self.reasoning.push("effort", "none");
                }
                Ok(None) => {}
                Err(()) => {
                    self.lacks(Field::Thinking, "answers of this model without reasoning")?;
                }
            }
        } else if self.request.thinking.is_some() {
            if let Some(effort) = effort(&asked) {
                self.reasoning.push("effort", effort.name());
                thinks = true;
            }
            if asked.visible == Some(true) {
                self.reasoning.push("summary", "auto");
                thinks = true;
            }
        }
        if thinks {
            self.include.push("reasoning.encrypted_content".into());
        }
        Ok(())
    }

    /// What the caller tells of the call.
    fn notes(&mut self) -> Result<(), Problem> {
        let request = self.request;
        if let Some(user) = &request.user {
            self.body.push("user", user);
        }
        if !request.metadata.is_empty() {
            let mut metadata = Object::new();
            for (name, value) in &request.metadata {
                metadata.push(&**name, value);
            }
            self.body.push("metadata", metadata);
        }
        match request.service_tier.as_deref() {
            None => {}
            // Anthropic's name of it.
            Some("standard_only") => self.body.push("service_tier", "default"),
            Some(tier) => self.body.push("service_tier", tier),
        }
        Ok(())
    }

    /// Fields that only this format has go back where they were, and those that chat has too; all others are gaps.
    fn extras(&mut self) -> Result<(), Problem> {
        let request = self.request;
        for extra in &request.extras {
            if !self.own(extra) {
                self.gaps.extra(extra)?;
            }
        }
        Ok(())
    }

    fn own(&mut self, extra: &'r Extra<'r>) -> bool {
        let path = extra.path.as_str();
        let (object, name) = match (self.request.from, path) {
            (Some(Format::Chat), "verbosity") => (&mut self.text, path),
            (Some(Format::Chat | Format::Completions), _) if SHARED.contains(&path) => {
                (&mut self.body, path)
            }
            // What is not stored can't be named the next time.
            (Some(Format::Responses), "store") => return false,
            (Some(Format::Responses), _) => match path.split_once('.') {
                Some(("text", name)) => (&mut self.text, name),
                Some(("reasoning", name)) => (&mut self.reasoning, name),
                None if path.starts_with("include[") => {
                    self.include.push(extra.value.clone());
                    return true;
                }
                None if !path.contains('[') => (&mut self.body, path),
                _ => return false,
            },
            _ => return false,
        };
        if object.get(name).is_some() {
            return false;
        }
        object.push(name, extra.value.clone());
        true
    }
}

fn choice_of<'r>(choice: &'r ToolChoice<'_>) -> Value<'r> {
    let function = |name: &'r str| Object::new().with("type", "function").with("name", name);
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Tool(name) => function(name).into(),
        ToolChoice::Allowed { names, required } => {
            let tools: Vec<Object<'r>> = names.iter().map(|name| function(name)).collect();
            Object::new()
                .with("type", "allowed_tools")
                .with("mode", if *required { "required" } else { "auto" })
                .with("tools", tools)
                .into()
        }
    }
}
