//! A request, written for Bedrock.

use super::turns::{self, cache_point, one};
use crate::Format;
use crate::chat::{
    Effort, Field, PartKind, Problem, Request, ResponseFormat, Thinking, Tool, ToolChoice,
};
use crate::codec::{Gaps, Keeps, Target};
use crate::dialect::anthropic::beside::Beside;
use crate::dialect::anthropic::models::Claude;
use crate::dialect::anthropic::write::{
    Sampled, Thought, refuse_what_none_can, sampled, with_type,
};
use crate::json::{Object, Value};

/// Whose model it is, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    Anthropic,
    Amazon,
    Other,
    /// What only Claude takes is passed on, and Bedrock refuses it if it is another's.
    Unknown,
}

pub(super) fn write<'r>(
    request: &'r Request<'_>,
    target: &Target<'r>,
    gaps: &mut Gaps,
) -> Result<Object<'r>, Problem> {
    let claude = Claude::of(target.model);
    let maker = match target.model {
        model if model.contains("claude") => Maker::Anthropic,
        model if model.contains("nova") => Maker::Amazon,
        // `meta.llama3-…`; a name without a maker is that of a profile, of which nothing is known.
        model if model.contains('.') => Maker::Other,
        _ => Maker::Unknown,
    };
    refuse_what_none_can(request, gaps)?;
    gaps.hints_of(
        request,
        Keeps {
            cache: true,
            user: false,
            schema_name: true,
        },
    );
    let (system, messages) = turns::write(request, claude, gaps)?;
    let mut body = Object::new().with("messages", messages);
    if !system.is_empty() {
        body.push("system", Value::Array(system));
    }
    let mut more = Object::new();
    let mut output = Object::new();
    let thought = thinking(request, claude, maker, gaps, &mut more, &mut output)?;
    let mut drawn = sampled(request, claude, thought.on, gaps)?;
    top_k(&mut drawn, request, maker, gaps, &mut more)?;
    let inference = inference(request, &thought, &drawn);
    if !inference.is_empty() {
        body.push("inferenceConfig", inference);
    }
    if let Some(tools) = tool_config(request, claude, thought.on, gaps)? {
        body.push("toolConfig", tools);
    }
    parallel(request, maker, thought.on, gaps, &mut more)?;
    if let Some(format) = format(request, claude, gaps)? {
        output.push("textFormat", format);
    }
    for (name, fields) in [
        ("outputConfig", output),
        ("additionalModelRequestFields", more),
    ] {
        if !fields.is_empty() {
            body.push(name, fields);
        }
    }
    besides(request, gaps, &mut body)?;
    Ok(body)
}

/// What is said of the call and not to the model.
fn besides<'r>(
    request: &'r Request<'_>,
    gaps: &mut Gaps,
    body: &mut Object<'r>,
) -> Result<(), Problem> {
    if !request.metadata.is_empty() {
        let mut notes = Object::new();
        for (name, value) in &request.metadata {
            notes.push(&**name, value);
        }
        body.push("requestMetadata", notes);
    }
    match request.service_tier.as_deref() {
        // By default it is the default.
        None | Some("auto") => {}
        Some("standard_only" | "standard") => body.push("serviceTier", tier("default")),
        Some(name @ ("default" | "flex" | "priority" | "reserved")) => {
            body.push("serviceTier", tier(name));
        }
        Some(_) => gaps.leave_out(request.path_of(Field::ServiceTier), "this tier")?,
    }
    if request.from != Some(Format::Converse) {
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

fn tier(name: &str) -> Object<'_> {
    Object::new().with("type", name)
}

fn inference<'r>(request: &'r Request<'_>, thought: &Thought, drawn: &Sampled) -> Object<'r> {
    // Without a bound Bedrock takes the model's own; a budget for thinking wants one that is above it.
    let budget = thought
        .field
        .as_ref()
        .is_some_and(|field| field.get("budget_tokens").is_some());
    let most = request.max_tokens.or(budget.then_some(thought.max_tokens));
    let stop = (!request.stop.is_empty()).then(|| Value::from_iter(&request.stop));
    Object::new()
        .maybe("maxTokens", most)
        .maybe("temperature", drawn.temperature)
        .maybe("topP", drawn.top_p)
        .maybe("stopSequences", stop)
}

/// `top_k` is a matter of each model
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html>).
fn top_k(
    drawn: &mut Sampled,
    request: &Request<'_>,
    maker: Maker,
    gaps: &mut Gaps,
    more: &mut Object<'_>,
) -> Result<(), Problem> {
    let Some(top_k) = drawn.top_k.take() else {
        return Ok(());
    };
    match maker {
        Maker::Anthropic | Maker::Unknown => more.push("top_k", top_k),
        Maker::Amazon => more.push("inferenceConfig", Object::new().with("topK", top_k)),
        Maker::Other => gaps.leave_out(request.path_of(Field::TopK), "it with this model")?,
    }
    Ok(())
}

/// Claude thinks as at Anthropic's; others know an effort at most
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_OutputConfig.html>).
fn thinking<'r>(
    request: &Request<'_>,
    claude: Claude,
    maker: Maker,
    gaps: &mut Gaps,
    more: &mut Object<'r>,
    output: &mut Object<'r>,
) -> Result<Thought, Problem> {
    if matches!(maker, Maker::Anthropic | Maker::Unknown) {
        let thought = Thought::of(request, claude, gaps)?;
        if let Some(field) = &thought.field {
            more.push("thinking", field.clone());
        }
        if let Some(effort) = thought.effort {
            output.push("effort", effort.name());
        }
        return Ok(thought);
    }
    let nothing = Thought {
        on: false,
        field: None,
        effort: None,
        max_tokens: request.max_tokens.unwrap_or_default(),
    };
    match request.thinking {
        None => {}
        Some(Thinking {
            enabled: Some(false),
            ..
        }) => {}
        Some(Thinking {
            effort: Some(effort),
            ..
        }) if effort >= Effort::Low => output.push("effort", effort.name()),
        Some(_) => {
            gaps.leave_out(request.path_of(Field::Thinking), "it with this model")?;
        }
    }
    Ok(nothing)
}

/// Only Claude can be told to call one tool at a time, by its own field
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>).
fn parallel(
    request: &Request<'_>,
    maker: Maker,
    thinks: bool,
    gaps: &mut Gaps,
    more: &mut Object<'_>,
) -> Result<(), Problem> {
    if request.parallel_tools != Some(false) || request.tools.is_empty() {
        return Ok(());
    }
    let free = matches!(request.tool_choice, None | Some(ToolChoice::Auto));
    if maker == Maker::Anthropic && (free || thinks) {
        let choice = Object::new()
            .with("type", "auto")
            .with("disable_parallel_tool_use", true);
        more.push("tool_choice", choice);
        return Ok(());
    }
    gaps.leave_out(request.path_of(Field::ParallelTools), "it with this model")
}

fn tool_config<'r>(
    request: &'r Request<'_>,
    claude: Claude,
    thinks: bool,
    gaps: &mut Gaps,
) -> Result<Option<Object<'r>>, Problem> {
    let mut tools = tools(request, claude, gaps)?;
    let called = called(request);
    let path = request.path_of(Field::ToolChoice);
    if tools.is_empty() {
        // Calls and results are refused where no tool is declared.
        tools.extend(called.into_iter().map(|name| spec(name, None, None, None)));
        let forced = !matches!(
            request.tool_choice,
            None | Some(ToolChoice::Auto | ToolChoice::None)
        );
        if forced {
            gaps.leave_out(path, "a choice without tools")?;
        }
        let declared = (!tools.is_empty()).then_some(tools);
        return Ok(declared.map(|tools| Object::new().with("tools", Value::Array(tools))));
    }
    let choice = match &request.tool_choice {
        None => None,
        Some(
            ToolChoice::Auto
            | ToolChoice::Allowed {
                required: false, ..
            },
        ) => Some("auto"),
        // Tools that may not be called need not be declared, unless some were before.
        Some(ToolChoice::None) if called.is_empty() => return Ok(None),
        Some(ToolChoice::None) => {
            gaps.leave_out(path, "tools that may not be called any more")?;
            None
        }
        Some(_) if thinks => {
            gaps.leave_out(path, "a forced choice while the model thinks")?;
            None
        }
        Some(ToolChoice::Tool(name)) => {
            let choice = one("tool", Object::new().with("name", name));
            let config = Object::new().with("tools", Value::Array(tools));
            return Ok(Some(config.with("toolChoice", choice)));
        }
        Some(ToolChoice::Required | ToolChoice::Allowed { .. }) => Some("any"),
    };
    let choice = choice.map(|choice| one(choice, Object::new()));
    let config = Object::new().with("tools", Value::Array(tools));
    Ok(Some(config.maybe("toolChoice", choice)))
}

/// The names of the tools that were called, each once.
fn called<'r>(request: &'r Request<'_>) -> Vec<&'r str> {
    let mut names: Vec<&str> = Vec::new();
    for part in request.messages.iter().flat_map(|turn| &turn.parts) {
        if let PartKind::ToolCall(call) = &part.kind
            && !names.contains(&&*call.name)
        {
            names.push(&call.name);
        }
    }
    names
}

fn spec<'r>(
    name: &'r str,
    description: Option<&'r str>,
    schema: Option<Value<'r>>,
    strict: Option<bool>,
) -> Value<'r> {
    let schema = schema.unwrap_or_else(|| Object::new().with("type", "object").into());
    let spec = Object::new()
        .with("name", name)
        .maybe("description", description.filter(|text| !text.is_empty()))
        .with("inputSchema", Object::new().with("json", with_type(schema)))
        .maybe("strict", strict);
    one("toolSpec", spec)
}

fn tools<'r>(
    request: &'r Request<'_>,
    claude: Claude,
    gaps: &mut Gaps,
) -> Result<Vec<Value<'r>>, Problem> {
    let mut tools = Vec::new();
    for (index, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Server { kind, path } => gaps.leave_out(path, &format!("the tool {kind}"))?,
            Tool::Function {
                name,
                description,
                parameters,
                strict,
                cache,
            } => {
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
                tools.push(spec(
                    name,
                    description.as_deref(),
                    parameters.clone(),
                    strict,
                ));
                tools.extend(cache.map(cache_point));
            }
        }
    }
    Ok(tools)
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
            name,
            description,
            schema,
            ..
        }) => {
            let schema = Object::new()
                .with("schema", schema.to_json())
                .with("name", name)
                .maybe("description", description.as_ref());
            let structure = Object::new().with("jsonSchema", schema);
            Ok(Some(
                Object::new()
                    .with("type", "json_schema")
                    .with("structure", structure),
            ))
        }
    }
}
