//! A request, written for a provider.

use std::borrow::Cow;

use super::beside::Beside;
use super::models::{Claude, LEAST_BUDGET, ThinkingForm};
use super::turns;
use crate::Format;
use crate::chat::{
    CacheMarker, Effort, Field, Problem, Request, ResponseFormat, Thinking, Tool, ToolChoice,
};
use crate::codec::{Gaps, Keeps, Target};
use crate::json::{Object, Value};

/// `cache_control`.
pub(super) fn cache_control(marker: CacheMarker) -> Object<'static> {
    let ttl = match marker {
        CacheMarker::Default => None,
        CacheMarker::Hour => Some("1h"),
    };
    Object::new().with("type", "ephemeral").maybe("ttl", ttl)
}

pub(super) fn write<'r>(
    request: &'r Request<'_>,
    target: &Target<'r>,
    gaps: &mut Gaps,
) -> Result<Object<'r>, Problem> {
    let claude = Claude::of(target.model);
    refuse_what_none_can(request, gaps)?;
    gaps.hints_of(
        request,
        Keeps {
            cache: true,
            user: true,
            schema_name: false,
        },
    );
    if !request.metadata.is_empty() {
        gaps.leave_out(request.path_of(Field::Metadata), "notes")?;
    }
    let (system, messages) = turns::write(request, claude, gaps)?;
    let thinking = Thought::of(request, claude, gaps)?;
    let mut body = Object::new()
        .with("model", target.model)
        .with("max_tokens", thinking.max_tokens)
        .maybe("system", system)
        .with("messages", messages);
    if !request.tools.is_empty() {
        let tools = tools(request, claude, gaps)?;
        if !tools.is_empty() {
            body.push("tools", tools);
        }
    }
    if let Some(choice) = tool_choice(request, &thinking, gaps)? {
        body.push("tool_choice", choice);
    }
    let sampled = sampled(request, claude, thinking.on, gaps)?;
    body = body
        .maybe("temperature", sampled.temperature)
        .maybe("top_p", sampled.top_p)
        .maybe("top_k", sampled.top_k);
    if !request.stop.is_empty() {
        let stop = stop(request, gaps)?;
        body.push("stop_sequences", Value::from_iter(stop));
    }
    let format = format(request, claude, gaps)?;
    let effort = thinking.effort.map(Effort::name);
    if effort.is_some() || format.is_some() {
        let config = Object::new()
            .maybe("effort", effort)
            .maybe("format", format);
        body.push("output_config", config);
    }
    if let Some(thinking) = thinking.field {
        body.push("thinking", thinking);
    }
    if let Some(user) = &request.user {
        body.push("metadata", Object::new().with("user_id", user));
    }
    if let Some(tier) = service_tier(request, gaps)? {
        body.push("service_tier", tier);
    }
    if request.stream {
        body.push("stream", true);
    }
    own_extras(request, gaps, &mut body)?;
    Ok(body)
}

/// Fields at the top that only this format has go back where they were; all others are gaps.
fn own_extras<'r>(
    request: &'r Request<'_>,
    gaps: &mut Gaps,
    body: &mut Object<'r>,
) -> Result<(), Problem> {
    if request.from != Some(Format::Messages) {
        return Beside::of(request).rest(&request.extras, gaps);
    }
    for extra in &request.extras {
        if extra.path.contains(['.', '[']) || body.get(&extra.path).is_some() {
            gaps.leave_out(&extra.path, "it")?;
        } else {
            body.push(&*extra.path, extra.value.clone());
        }
    }
    Ok(())
}

/// What neither Anthropic's API nor Bedrock's has a field for.
pub(crate) fn refuse_what_none_can(request: &Request<'_>, gaps: &mut Gaps) -> Result<(), Problem> {
    let mut lacks = |there: bool, field: Field, what: &str| match there {
        true => gaps.leave_out(request.path_of(field), what),
        false => Ok(()),
    };
    let sampling = &request.sampling;
    let weighs = |penalty: Option<f64>| penalty.is_some_and(|penalty| penalty != 0.0);
    lacks(
        request.n.is_some_and(|n| n != 1),
        Field::N,
        "several answers",
    )?;
    lacks(
        request.logprobs.is_some(),
        Field::Logprobs,
        "log probabilities",
    )?;
    lacks(sampling.seed.is_some(), Field::Seed, "seeds")?;
    let penalties = [
        (sampling.frequency_penalty, Field::FrequencyPenalty),
        (sampling.presence_penalty, Field::PresencePenalty),
    ];
    for (penalty, field) in penalties {
        lacks(weighs(penalty), field, "penalties")?;
    }
    Ok(())
}

fn service_tier<'r>(request: &'r Request<'_>, gaps: &mut Gaps) -> Result<Option<&'r str>, Problem> {
    Ok(match request.service_tier.as_deref() {
        None => None,
        Some(tier @ ("auto" | "standard_only")) => Some(tier),
        Some("default" | "standard") => Some("standard_only"),
        Some(_) => {
            gaps.leave_out(request.path_of(Field::ServiceTier), "this tier")?;
            None
        }
    })
}

/// A sequence of blanks alone is refused by the API.
fn stop<'r>(request: &'r Request<'_>, gaps: &mut Gaps) -> Result<Vec<&'r str>, Problem> {
    let mut stop = Vec::new();
    for sequence in &request.stop {
        if sequence.trim().is_empty() {
            gaps.leave_out(request.path_of(Field::Stop), "sequences of blanks alone")?;
        } else {
            stop.push(&**sequence);
        }
    }
    Ok(stop)
}

/// How tokens are drawn, as far as a model lets it be said.
pub(crate) struct Sampled {
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) top_k: Option<u64>,
}

/// What of the sampling a model takes; `thinks`: it thinks first.
pub(crate) fn sampled(
    request: &Request<'_>,
    claude: Claude,
    thinks: bool,
    gaps: &mut Gaps,
) -> Result<Sampled, Problem> {
    let asked = &request.sampling;
    let mut sampled = Sampled {
        temperature: asked.temperature,
        // Everything is what a model draws from anyway.
        top_p: asked
            .top_p
            .filter(|p| *p < 1.0 || !claude.wants_one_sampler()),
        top_k: asked.top_k,
    };
    if claude.lacks_sampling() {
        sampled.take(
            request,
            |_| true,
            "anything but the default with this model",
            gaps,
        )?;
        sampled.temperature = None;
        return Ok(sampled);
    }
    // <https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility>
    if thinks {
        sampled.take(request, |p| p < 0.95, "it while the model thinks", gaps)?;
    }
    if sampled.temperature.is_some_and(|one| one > 1.0) {
        gaps.leave_out(request.path_of(Field::Temperature), "temperatures above 1")?;
        sampled.temperature = Some(1.0);
    }
    if claude.wants_one_sampler() && sampled.temperature.is_some() && sampled.top_p.take().is_some()
    {
        let what = "it beside a temperature with this model";
        gaps.leave_out(request.path_of(Field::TopP), what)?;
    }
    Ok(sampled)
}

impl Sampled {
    /// Leaves out a temperature that is not the default, a `top_k`, and a `top_p` that is `refused`.
    fn take(
        &mut self,
        request: &Request<'_>,
        refused: impl Fn(f64) -> bool,
        what: &str,
        gaps: &mut Gaps,
    ) -> Result<(), Problem> {
        let other = |one: &mut f64| (*one - 1.0).abs() > f64::EPSILON;
        if self.temperature.take_if(other).is_some() {
            gaps.leave_out(request.path_of(Field::Temperature), what)?;
        }
        if self.top_p.take_if(|p| refused(*p)).is_some() {
            gaps.leave_out(request.path_of(Field::TopP), what)?;
        }
        if self.top_k.take().is_some() {
            gaps.leave_out(request.path_of(Field::TopK), what)?;
        }
        Ok(())
    }
}

fn tools<'r>(
    request: &'r Request<'_>,
    claude: Claude,
    gaps: &mut Gaps,
) -> Result<Vec<Object<'r>>, Problem> {
    let mut tools = Vec::new();
    for (index, tool) in request.tools.iter().enumerate() {
        let (name, description, parameters, strict, cache) = match tool {
            Tool::Server { kind, path } => {
                gaps.leave_out(path, &format!("the tool {kind}"))?;
                continue;
            }
            Tool::Function {
                name,
                description,
                parameters,
                strict,
                cache,
            } => (name, description, parameters, strict, cache),
        };
        if let Some(ToolChoice::Allowed { names, .. }) = &request.tool_choice
            && !names.contains(name)
        {
            continue;
        }
        let mut strict = strict.filter(|strict| *strict);
        if strict.is_some() && claude.lacks_structured_outputs() {
            let path = format!("{}[{index}].strict", request.path_of(Field::Tools));
            gaps.leave_out(&path, "strict tools with this model")?;
            strict = None;
        }
        let schema = parameters
            .clone()
            .unwrap_or_else(|| Object::new().with("type", "object").into());
        tools.push(
            Object::new()
                .with("name", name)
                .maybe("description", description.as_ref())
                .with("input_schema", with_type(schema))
                .maybe("strict", strict)
                .maybe("cache_control", cache.map(cache_control)),
        );
    }
    Ok(tools)
}

/// The schema of a tool has to be that of an object; one that leaves this out (`{}`) means it.
pub(crate) fn with_type(schema: Value<'_>) -> Value<'_> {
    match schema {
        Value::Object(object) if object.get("type").is_none() => {
            let mut typed = Object::new().with("type", "object");
            for (name, value) in object {
                if !value.is_null() || name != "type" {
                    typed.push(name, value);
                }
            }
            typed.into()
        }
        other => other,
    }
}

fn tool_choice<'r>(
    request: &'r Request<'_>,
    thinking: &Thought,
    gaps: &mut Gaps,
) -> Result<Option<Object<'r>>, Problem> {
    let alone = request.parallel_tools == Some(false);
    let kind = |kind| Object::new().with("type", kind);
    if request.tools.is_empty() {
        // Without tools none is called, and to say so means nothing.
        return match &request.tool_choice {
            None | Some(ToolChoice::Auto | ToolChoice::None) => Ok(None),
            Some(_) => {
                gaps.leave_out(request.path_of(Field::ToolChoice), "a choice without tools")?;
                Ok(None)
            }
        };
    }
    let choice = match &request.tool_choice {
        None if !alone => return Ok(None),
        None
        | Some(
            ToolChoice::Auto
            | ToolChoice::Allowed {
                required: false, ..
            },
        ) => kind("auto"),
        Some(ToolChoice::None) => return Ok(Some(kind("none"))),
        // <https://platform.claude.com/docs/en/build-with-claude/extended-thinking#extended-thinking-with-tool-use>
        Some(_) if thinking.on => {
            let what = "a forced choice while the model thinks";
            gaps.leave_out(request.path_of(Field::ToolChoice), what)?;
            kind("auto")
        }
        Some(ToolChoice::Required | ToolChoice::Allowed { .. }) => kind("any"),
        Some(ToolChoice::Tool(name)) => kind("tool").with("name", name),
    };
    Ok(Some(
        choice.maybe("disable_parallel_tool_use", alone.then_some(true)),
    ))
}

fn format<'r>(
    request: &'r Request<'_>,
    claude: Claude,
    gaps: &mut Gaps,
) -> Result<Option<Object<'r>>, Problem> {
    let path = request.path_of(Field::ResponseFormat);
    match &request.format {
        None | Some(ResponseFormat::Text) => Ok(None),
        Some(ResponseFormat::JsonObject) => {
            gaps.leave_out(path, "JSON without a schema")?;
            Ok(None)
        }
        Some(ResponseFormat::JsonSchema { .. }) if claude.lacks_structured_outputs() => {
            gaps.leave_out(path, "JSON by a schema with this model")?;
            Ok(None)
        }
        Some(ResponseFormat::JsonSchema {
            schema,
            description,
            ..
        }) => {
            let schema = described(schema.clone(), description.as_ref());
            Ok(Some(
                Object::new()
                    .with("type", "json_schema")
                    .with("schema", schema),
            ))
        }
    }
}

/// What a schema is for is said in the schema, unless it says so already.
fn described<'r>(schema: Value<'r>, description: Option<&'r Cow<'_, str>>) -> Value<'r> {
    match (schema, description) {
        (Value::Object(object), Some(description)) if object.get("description").is_none() => {
            Value::Object(object.with("description", description))
        }
        (schema, _) => schema,
    }
}

/// What a request says of thinking, as this model takes it.
pub(crate) struct Thought {
    /// The model thinks.
    pub(crate) on: bool,
    /// `thinking`.
    pub(crate) field: Option<Object<'static>>,
    /// `output_config.effort`.
    pub(crate) effort: Option<Effort>,
    pub(crate) max_tokens: u64,
}

impl Thought {
    pub(crate) fn of(
        request: &Request<'_>,
        claude: Claude,
        gaps: &mut Gaps,
    ) -> Result<Self, Problem> {
        let mut thought = Self {
            on: false,
            field: None,
            effort: None,
            max_tokens: request.max_tokens.unwrap_or(claude.max_tokens()),
        };
        let Some(asked) = request.thinking else {
            return Ok(thought);
        };
        let path = request.path_of(Field::Thinking);
        if thought.is_declined(asked) {
            if claude.thinks_unasked() || request.from == Some(Format::Messages) {
                thought.field = Some(Object::new().with("type", "disabled"));
            }
            return Ok(thought);
        }
        let own = request.from == Some(Format::Messages);
        let form = claude.thinking();
        if own && asked.enabled.is_none() {
            // An effort is no thinking to this format.
            if claude.lacks_effort() {
                gaps.leave_out("output_config.effort", "efforts with this model")?;
            } else {
                thought.effort = asked.effort;
            }
            return Ok(thought);
        }
        match form {
            ThinkingForm::None => gaps.leave_out(path, "thinking with this model")?,
            ThinkingForm::Budget => thought.by_budget(asked, claude, path, gaps)?,
            ThinkingForm::Either if asked.budget.is_some() => {
                thought.by_budget(asked, claude, path, gaps)?;
            }
            ThinkingForm::Either | ThinkingForm::Adaptive => {
                thought.on = true;
                let effort = asked.effort.or(asked.budget.map(Effort::of_budget));
                thought.effort = effort.map(known_effort);
                let field = Object::new().with("type", "adaptive");
                thought.field = Some(field.maybe("display", display(asked)));
            }
        }
        Ok(thought)
    }

    fn is_declined(&self, asked: Thinking) -> bool {
        asked.enabled == Some(false)
            || (asked.effort == Some(Effort::None) && asked.budget.is_none())
            || asked.budget == Some(0)
    }

    /// A budget is at least 1,024 and less than the most tokens. One that reaches them is made as large as it may be:
    /// thinking counts as output, so that more could not be thought anyway.
    fn by_budget(
        &mut self,
        asked: Thinking,
        claude: Claude,
        path: &str,
        gaps: &mut Gaps,
    ) -> Result<(), Problem> {
        if self.max_tokens <= LEAST_BUDGET {
            let what = "thinking within so few tokens (max_tokens has to be above 1,024)";
            return gaps.leave_out(path, what);
        }
        let effort = asked.effort.unwrap_or(Effort::Medium);
        let mut budget = asked.budget.unwrap_or_else(|| effort.budget());
        if budget < LEAST_BUDGET {
            gaps.leave_out(path, "a budget below 1,024 tokens")?;
            budget = LEAST_BUDGET;
        }
        let field = Object::new()
            .with("type", "enabled")
            .with("budget_tokens", budget.min(self.max_tokens - 1));
        self.field = Some(field.maybe("display", display(asked)));
        self.on = true;
        if asked.budget.is_some() && !claude.lacks_effort() {
            self.effort = asked.effort.map(known_effort);
        }
        Ok(())
    }
}

/// How much of the thinking is shown.
fn display(asked: Thinking) -> Option<&'static str> {
    asked.visible.map(|visible| match visible {
        true => "summarized",
        false => "omitted",
    })
}

/// The least effort that there is stands for one below it.
fn known_effort(effort: Effort) -> Effort {
    effort.max(Effort::Low)
}
