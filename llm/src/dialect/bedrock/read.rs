//! A caller's request, read.

use std::borrow::Cow;

use super::block::{self, cache_marker};
use crate::Format;
use crate::chat::{
    Effort, Extra, Message, Problem, Request, ResponseFormat, Role, Thinking, Tool, ToolChoice,
};
use crate::codec::Asked;
use crate::dialect::anthropic::read::{keep, string, wrong};
use crate::json::{Object, Value};

pub(super) fn read<'a>(body: &Value<'a>, asked: &Asked<'_>) -> Result<Request<'a>, Problem> {
    let object = body
        .as_object()
        .ok_or_else(|| wrong("body", "an object", body))?;
    let mut request = Request {
        from: Some(Format::Converse),
        model: Cow::Owned(asked.model.to_owned()),
        stream: asked.stream,
        ..Request::default()
    };
    for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        let known = match name {
            // The path says it.
            "modelId" => Some(()),
            "messages" => Some(messages(value, &mut request)?),
            "system" => {
                request.system = block::parts(value, "system", &mut request.extras)?;
                Some(())
            }
            "inferenceConfig" => inference(value, &mut request),
            "toolConfig" => tool_config(value, &mut request),
            "outputConfig" => output_config(value, &mut request),
            "additionalModelRequestFields" => additional(value, &mut request),
            "requestMetadata" => metadata(value, &mut request),
            "serviceTier" => value.get("type").and_then(string).map(|tier| {
                request.service_tier = Some(tier);
            }),
            // As fast as ever.
            "performanceConfig" => {
                (value.get("latency").and_then(Value::as_str) == Some("standard")).then_some(())
            }
            _ => None,
        };
        if known.is_none() {
            keep(&mut request.extras, name.to_owned(), value);
        }
    }
    Ok(request)
}

fn messages<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Result<(), Problem> {
    let turns = value
        .as_array()
        .ok_or_else(|| wrong("messages", "an array", value))?;
    for (index, turn) in turns.iter().enumerate() {
        let path = format!("messages[{index}]");
        let turn = turn
            .as_object()
            .ok_or_else(|| wrong(&path, "an object", turn))?;
        let role = match turn.get("role").and_then(Value::as_str) {
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("system") => Role::System,
            _ => {
                let path = format!("{path}.role");
                let message = format!("{path}: 'user' or 'assistant' is expected");
                return Err(Problem::invalid("invalid_value", path, message));
            }
        };
        let content = turn.get("content").unwrap_or(&Value::Null);
        let parts = block::parts(content, &format!("{path}.content"), &mut request.extras)?;
        keep_rest(turn, &["role", "content"], &path, &mut request.extras);
        request.messages.push(Message {
            role,
            parts,
            name: None,
        });
    }
    Ok(())
}

fn keep_rest<'a>(object: &Object<'a>, known: &[&str], path: &str, extras: &mut Vec<Extra<'a>>) {
    for (name, value) in object.iter() {
        if !known.contains(&name) && !value.is_null() {
            keep(extras, format!("{path}.{name}"), value);
        }
    }
}

fn inference<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    for (name, value) in value.as_object()?.iter().filter(|(_, v)| !v.is_null()) {
        let sampling = &mut request.sampling;
        let known = match name {
            "maxTokens" => value.as_u64().map(|n| request.max_tokens = Some(n)),
            "temperature" => value.as_f64().map(|n| sampling.temperature = Some(n)),
            "topP" => value.as_f64().map(|n| sampling.top_p = Some(n)),
            "stopSequences" => value
                .as_array()
                .and_then(|items| items.iter().map(string).collect())
                .map(|stop| request.stop = stop),
            _ => None,
        };
        if known.is_none() {
            keep(
                &mut request.extras,
                format!("inferenceConfig.{name}"),
                value,
            );
        }
    }
    Some(())
}

fn tool_config<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    for (name, value) in value.as_object()?.iter().filter(|(_, v)| !v.is_null()) {
        let known = match name {
            "tools" => tools(value, request),
            "toolChoice" => tool_choice(value).map(|choice| request.tool_choice = Some(choice)),
            _ => None,
        };
        if known.is_none() {
            keep(&mut request.extras, format!("toolConfig.{name}"), value);
        }
    }
    Some(())
}

fn tool_choice<'a>(value: &Value<'a>) -> Option<ToolChoice<'a>> {
    let tool = value.get("tool").and_then(|tool| tool.get("name"));
    match (value.get("auto"), value.get("any"), tool) {
        (.., Some(name)) => Some(ToolChoice::Tool(string(name)?)),
        (Some(_), ..) => Some(ToolChoice::Auto),
        (_, Some(_), _) => Some(ToolChoice::Required),
        _ => None,
    }
}

fn tools<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    for (index, tool) in value.as_array()?.iter().enumerate() {
        let path = format!("toolConfig.tools[{index}]");
        if let Some(spec) = tool.get("toolSpec").and_then(Value::as_object) {
            let text = |name| spec.get(name).and_then(string);
            let known = ["name", "description", "inputSchema", "strict"];
            keep_rest(
                spec,
                &known,
                &format!("{path}.toolSpec"),
                &mut request.extras,
            );
            request.tools.push(Tool::Function {
                name: text("name").unwrap_or_default(),
                description: text("description"),
                parameters: spec
                    .get("inputSchema")
                    .and_then(|schema| schema.get("json"))
                    .cloned(),
                strict: spec.get("strict").and_then(Value::as_bool),
                cache: None,
            });
        } else if let Some(marker) = tool.get("cachePoint").and_then(cache_marker)
            && let Some(Tool::Function { cache, .. }) = request.tools.last_mut()
        {
            *cache = Some(marker);
        } else if let Some(kind) = tool.get("systemTool").and_then(|tool| tool.get("name")) {
            let kind = string(kind).unwrap_or_default();
            request.tools.push(Tool::Server { kind, path });
        } else {
            keep(&mut request.extras, path, tool);
        }
    }
    Some(())
}

fn thought<'r>(request: &'r mut Request<'_>) -> &'r mut Thinking {
    request.thinking.get_or_insert_with(Thinking::default)
}

fn effort(value: &Value<'_>, request: &mut Request<'_>) -> Option<()> {
    thought(request).effort = Some(Effort::from_name(value.as_str()?)?);
    Some(())
}

fn output_config<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    for (name, value) in value.as_object()?.iter().filter(|(_, v)| !v.is_null()) {
        let known = match name {
            "textFormat" => text_format(value, request),
            "effort" => effort(value, request),
            _ => None,
        };
        if known.is_none() {
            keep(&mut request.extras, format!("outputConfig.{name}"), value);
        }
    }
    Some(())
}

/// The schema is the text of one.
fn text_format<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    let schema = value.get("structure")?.get("jsonSchema")?;
    let text = |name| schema.get(name).and_then(string);
    request.format = Some(ResponseFormat::JsonSchema {
        name: text("name").unwrap_or("response".into()),
        description: text("description"),
        schema: Value::parse(&text("schema")?).ok()?.into_owned(),
        strict: Some(true),
    });
    Some(())
}

fn metadata<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    let pairs = value.as_object()?.iter();
    request.metadata = pairs
        .map(|(name, value)| Some((name.to_owned().into(), string(value)?)))
        .collect::<Option<_>>()?;
    Some(())
}

/// What models take besides, each in its own way: Claude's thinking and `top_k`, Nova's `topK`
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html>).
fn additional<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    for (name, value) in value.as_object()?.iter().filter(|(_, v)| !v.is_null()) {
        let known = match name {
            "thinking" | "reasoning_config" => thinking(value, request),
            "reasoning_effort" => effort(value, request),
            "output_config" => match value.as_object() {
                Some(config) if config.len() == 1 => config
                    .get("effort")
                    .and_then(|value| effort(value, request)),
                _ => None,
            },
            "top_k" => value.as_u64().map(|n| request.sampling.top_k = Some(n)),
            "inferenceConfig" => match value.as_object() {
                Some(config) if config.len() == 1 => config
                    .get("topK")
                    .and_then(Value::as_u64)
                    .map(|n| request.sampling.top_k = Some(n)),
                _ => None,
            },
            _ => None,
        };
        if known.is_none() {
            let path = format!("additionalModelRequestFields.{name}");
            keep(&mut request.extras, path, value);
        }
    }
    Some(())
}

fn thinking(value: &Value<'_>, request: &mut Request<'_>) -> Option<()> {
    let enabled = match value.get("type")?.as_str()? {
        "enabled" | "adaptive" => true,
        "disabled" => false,
        _ => return None,
    };
    let thought = thought(request);
    thought.enabled = Some(enabled);
    thought.budget = value.get("budget_tokens").and_then(Value::as_u64);
    thought.visible = match value.get("display").and_then(Value::as_str) {
        Some("summarized") => Some(true),
        Some("omitted") => Some(false),
        _ => None,
    };
    Some(())
}
