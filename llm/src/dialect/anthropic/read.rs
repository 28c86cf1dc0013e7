//! A caller's request, read.

use std::borrow::Cow;

use super::content::{self, cache_marker};
use crate::Format;
use crate::chat::{
    CacheMarker, Effort, Extra, Message, Problem, Request, ResponseFormat, Role, Thinking, Tool,
    ToolChoice,
};
use crate::codec::Asked;
use crate::json::{Object, Value};

/// A text without its place.
pub(crate) fn string<'a>(value: &Value<'a>) -> Option<Cow<'a, str>> {
    value.as_text().map(|text| text.value.clone())
}

/// Keeps what the canonical form does not hold.
pub(crate) fn keep<'a>(extras: &mut Vec<Extra<'a>>, path: String, value: &Value<'a>) {
    extras.push(Extra {
        path,
        value: value.clone(),
    });
}

/// A refusal of what can't be understood.
pub(crate) fn wrong(path: &str, wanted: &str, found: &Value<'_>) -> Problem {
    Problem::invalid(
        "invalid_type",
        path,
        format!(
            "{path}: {wanted} is expected, and {} was given",
            found.kind()
        ),
    )
}

pub(super) fn read<'a>(body: &Value<'a>, asked: &Asked<'_>) -> Result<Request<'a>, Problem> {
    let object = body
        .as_object()
        .ok_or_else(|| wrong("body", "an object", body))?;
    let mut request = Request {
        from: Some(Format::Messages),
        model: Cow::Owned(asked.model.to_owned()),
        stream: asked.stream,
        ..Request::default()
    };
    let mut last_cached = None;
    for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        let known = match name {
            "model" => string(value).map(|model| request.model = model),
            "messages" => {
                messages(value, &mut request)?;
                Some(())
            }
            "system" => {
                request.system = content::parts(value, "system", &mut request.extras)?;
                Some(())
            }
            "cache_control" => cache_marker(value).map(|marker| last_cached = Some(marker)),
            "tools" => tools(value, &mut request),
            "tool_choice" => tool_choice(value, &mut request),
            "thinking" => thinking(value, &mut request),
            "output_config" => output_config(value, &mut request),
            "output_format" => output_format(value, "output_format", &mut request),
            "metadata" => metadata(value, &mut request),
            "stop_sequences" => stop(value, &mut request),
            _ => scalar(name, value, &mut request),
        };
        if known.is_none() {
            keep(&mut request.extras, name.to_owned(), value);
        }
    }
    if object.get("messages").is_none() {
        return Err(Problem::invalid(
            "missing_required_parameter",
            "messages",
            "messages: Field required",
        ));
    }
    if let Some(marker) = last_cached {
        cache_last(&mut request, marker);
    }
    Ok(request)
}

/// The marker for the whole request is one at its last part.
fn cache_last(request: &mut Request<'_>, marker: CacheMarker) {
    let last = request
        .messages
        .last_mut()
        .and_then(|one| one.parts.last_mut());
    if let Some(part) = last {
        request.caches_whole = part.cache.is_none();
        part.cache.get_or_insert(marker);
    }
}

fn scalar<'a>(name: &str, value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    let sampling = &mut request.sampling;
    match name {
        "max_tokens" => request.max_tokens = Some(value.as_u64()?),
        "temperature" => sampling.temperature = Some(value.as_f64()?),
        "top_p" => sampling.top_p = Some(value.as_f64()?),
        "top_k" => sampling.top_k = Some(value.as_u64()?),
        "stream" => request.stream = value.as_bool()?,
        // As fast as ever.
        "speed" if value.as_str() == Some("standard") => {}
        "service_tier" => request.service_tier = Some(string(value)?),
        _ => return None,
    }
    Some(())
}

fn stop<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    request.stop = value
        .as_array()?
        .iter()
        .map(string)
        .collect::<Option<_>>()?;
    Some(())
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
        let mut message = Message {
            role: Role::User,
            parts: Vec::new(),
            name: None,
        };
        for (name, value) in turn.iter() {
            let path = format!("{path}.{name}");
            match name {
                "role" => {
                    message.role = match value.as_str() {
                        Some("user") => Role::User,
                        Some("assistant") => Role::Assistant,
                        Some("system") => Role::System,
                        _ => {
                            return Err(Problem::invalid(
                                "invalid_value",
                                &*path,
                                format!("{path}: 'user', 'assistant' or 'system' is expected"),
                            ));
                        }
                    }
                }
                "content" => {
                    message.parts = content::parts(value, &path, &mut request.extras)?;
                }
                _ if value.is_null() => {}
                _ => keep(&mut request.extras, path, value),
            }
        }
        request.messages.push(message);
    }
    Ok(())
}

fn tools<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    for (index, tool) in value.as_array()?.iter().enumerate() {
        let path = format!("tools[{index}]");
        let Some(object) = tool.as_object() else {
            keep(&mut request.extras, path, tool);
            continue;
        };
        let kind = object.get("type").and_then(string);
        match kind.filter(|kind| kind != "custom") {
            Some(kind) => request.tools.push(Tool::Server { kind, path }),
            None => {
                let tool = function(object, &path, &mut request.extras);
                request.tools.push(tool);
            }
        }
    }
    Some(())
}

fn function<'a>(object: &Object<'a>, path: &str, extras: &mut Vec<Extra<'a>>) -> Tool<'a> {
    let text = |name| object.get(name).and_then(string);
    for (name, value) in object.iter() {
        let known = [
            "type",
            "name",
            "description",
            "input_schema",
            "strict",
            "cache_control",
            // Whether arguments come in finer pieces changes no answer, and SDKs ask for it unasked
            // (https://docs.claude.com/en/docs/agents-and-tools/tool-use/fine-grained-tool-streaming).
            "eager_input_streaming",
        ];
        if !known.contains(&name) && !value.is_null() && !says_nothing(name, value) {
            keep(extras, format!("{path}.{name}"), value);
        }
    }
    Tool::Function {
        name: text("name").unwrap_or_default(),
        description: text("description"),
        parameters: object.get("input_schema").cloned(),
        strict: object.get("strict").and_then(Value::as_bool),
        cache: object.get("cache_control").and_then(cache_marker),
    }
}

/// Whether a field of a tool says what holds without it: that it is there from the start, and called by the model itself.
fn says_nothing(name: &str, value: &Value<'_>) -> bool {
    match name {
        "defer_loading" => value.as_bool() == Some(false),
        "allowed_callers" => value
            .as_array()
            .is_some_and(|callers| matches!(callers, [one] if one.as_str() == Some("direct"))),
        _ => false,
    }
}

fn tool_choice<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    let choice = match value.get("type")?.as_str()? {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Tool(string(value.get("name")?)?),
        _ => return None,
    };
    request.tool_choice = Some(choice);
    let alone = value
        .get("disable_parallel_tool_use")
        .and_then(Value::as_bool);
    request.parallel_tools = alone.map(|alone| !alone);
    Some(())
}

fn thinking<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    let enabled = match value.get("type")?.as_str()? {
        "enabled" | "adaptive" => true,
        "disabled" => false,
        _ => return None,
    };
    let thinking = request.thinking.get_or_insert_with(Thinking::default);
    thinking.enabled = Some(enabled);
    thinking.budget = value.get("budget_tokens").and_then(Value::as_u64);
    thinking.visible = match value.get("display").and_then(Value::as_str) {
        Some("summarized") => Some(true),
        Some("omitted") => Some(false),
        _ => None,
    };
    Some(())
}

fn output_config<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    for (name, value) in value.as_object()?.iter().filter(|(_, v)| !v.is_null()) {
        let path = format!("output_config.{name}");
        let known = match name {
            "format" => output_format(value, &path, request),
            "effort" => value.as_str().and_then(Effort::from_name).map(|effort| {
                let thinking = request.thinking.get_or_insert_with(Thinking::default);
                thinking.effort = Some(effort);
            }),
            _ => None,
        };
        if known.is_none() {
            keep(&mut request.extras, path, value);
        }
    }
    Some(())
}

/// `output_config.format`, and `output_format` as it was called at first.
fn output_format<'a>(value: &Value<'a>, path: &str, request: &mut Request<'a>) -> Option<()> {
    if value.get("type")?.as_str()? != "json_schema" {
        return None;
    }
    request.format = Some(ResponseFormat::JsonSchema {
        name: value
            .get("name")
            .and_then(string)
            .unwrap_or("response".into()),
        description: None,
        schema: value.get("schema")?.clone(),
        strict: Some(true),
    });
    for (name, value) in value.as_object()?.iter() {
        if !["type", "schema", "name"].contains(&name) && !value.is_null() {
            keep(&mut request.extras, format!("{path}.{name}"), value);
        }
    }
    Some(())
}

fn metadata<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Option<()> {
    for (name, value) in value.as_object()?.iter().filter(|(_, v)| !v.is_null()) {
        match (name, string(value)) {
            ("user_id", Some(user)) => request.user = Some(user),
            _ => keep(&mut request.extras, format!("metadata.{name}"), value),
        }
    }
    Some(())
}
