//! What may be called, and whether it is.

use super::{cache_marker, items};
use crate::chat::{Extra, Problem, Request, Tool, ToolChoice};
use crate::dialect::openai::typed::{boolean, missing, object, required, string, wrong};
use crate::json::{Object, Value};

pub(super) fn tools<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Result<(), Problem> {
    for (path, item) in items("tools", value)? {
        let fields = object(&path, item)?;
        let kind = match fields.get("type") {
            Some(kind) => string(&format!("{path}.type"), kind)?,
            None => "function".into(),
        };
        if kind != "function" {
            request.tools.push(Tool::Server { kind, path });
            continue;
        }
        let inside_path = format!("{path}.function");
        let inside = fields
            .get("function")
            .ok_or_else(|| missing(&inside_path))?;
        let function = object(&inside_path, inside)?;
        let mut tool = function_tool(function, &inside_path, &mut request.extras)?;
        if let (Tool::Function { cache, .. }, Some(marker)) =
            (&mut tool, fields.get("cache_control"))
        {
            *cache = cache_marker(marker);
        }
        request.tools.push(tool);
    }
    Ok(())
}

/// The tools of before.
pub(super) fn functions<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Result<(), Problem> {
    for (path, item) in items("functions", value)? {
        let tool = function_tool(object(&path, item)?, &path, &mut request.extras)?;
        request.tools.push(tool);
    }
    Ok(())
}

/// `{name, description, parameters, strict}`; `type` stands beside them in responses.
pub(crate) fn function_tool<'a>(
    function: &Object<'a>,
    path: &str,
    extras: &mut Vec<Extra<'a>>,
) -> Result<Tool<'a>, Problem> {
    let mut description = None;
    let mut parameters = None;
    let mut strict = None;
    let mut cache = None;
    for (name, value) in function.iter() {
        let path = format!("{path}.{name}");
        match name {
            _ if value.is_null() => {}
            "name" | "type" => {}
            "description" => description = Some(string(&path, value)?),
            "parameters" => {
                object(&path, value)?;
                parameters = Some(value.clone());
            }
            "strict" => strict = Some(boolean(&path, value)?),
            "cache_control" => cache = cache_marker(value),
            _ => extras.push(Extra {
                path,
                value: value.clone(),
            }),
        }
    }
    Ok(Tool::Function {
        name: required(function, path, "name")?.value,
        description,
        parameters,
        strict,
        cache,
    })
}

/// `None` for a choice that is made of nothing known.
pub(crate) fn tool_choice<'a>(
    path: &str,
    value: &Value<'a>,
) -> Result<Option<ToolChoice<'a>>, Problem> {
    let choice = match value {
        Value::String(word) => {
            return Ok(match &**word {
                "auto" => Some(ToolChoice::Auto),
                "none" => Some(ToolChoice::None),
                // Mistral says `any`.
                "required" | "any" => Some(ToolChoice::Required),
                _ => None,
            });
        }
        Value::Object(choice) => choice,
        _ => return Err(wrong(path, "a string or an object", value)),
    };
    Ok(match choice.get("type").and_then(Value::as_str) {
        Some("allowed_tools") => {
            let inside_path = format!("{path}.allowed_tools");
            // Responses has the fields beside the type.
            let inside = match choice.get("allowed_tools") {
                Some(inside) => object(&inside_path, inside)?,
                None => choice,
            };
            allowed(inside)
        }
        Some("function") | None => {
            // Responses has the name beside the type.
            let inside_path = format!("{path}.function");
            match choice.get("function") {
                Some(inside) => {
                    let name = required(object(&inside_path, inside)?, &inside_path, "name")?;
                    Some(ToolChoice::Tool(name.value))
                }
                None => Some(ToolChoice::Tool(required(choice, path, "name")?.value)),
            }
        }
        Some(_) => None,
    })
}

/// `None` where anything but functions is among them.
fn allowed<'a>(inside: &Object<'a>) -> Option<ToolChoice<'a>> {
    let tools = inside.get("tools")?.as_array()?;
    let names = tools.iter().map(|tool| {
        let name = tool
            .get("function")
            .and_then(|function| function.get("name"))
            .or_else(|| tool.get("name"))?;
        name.as_text().map(|name| name.value.clone())
    });
    Some(ToolChoice::Allowed {
        names: names.collect::<Option<_>>()?,
        required: inside.get("mode").and_then(Value::as_str) == Some("required"),
    })
}

/// The choice of before: a word, or the name of a function.
pub(super) fn function_call<'a>(
    path: &str,
    value: &Value<'a>,
) -> Result<Option<ToolChoice<'a>>, Problem> {
    match value {
        Value::Object(choice) => {
            let name = required(choice, path, "name")?;
            Ok(Some(ToolChoice::Tool(name.value)))
        }
        _ => tool_choice(path, value),
    }
}
