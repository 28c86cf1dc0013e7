//! Tool calls that a request forces.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::example::example;
use super::super::params::{Params, wrong_type};
use crate::body::BadBody;

/// A call to make.
pub(super) struct Call {
    pub(super) name: String,
    /// JSON.
    pub(super) arguments: String,
}

#[derive(Deserialize)]
struct Tool {
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    parameters: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    function: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// The call that `tool_choice` forces: of the function that it names, or of the first for
/// `"required"`. `None` where it leaves the model free.
pub(super) fn forced(params: &Params<'_>) -> Result<Option<Call>, BadBody> {
    let name = match params.tool_choice.map(RawValue::get) {
        None | Some("\"auto\"" | "\"none\"") => return Ok(None),
        Some("\"required\"") => None,
        Some(choice) => {
            let choice: Choice = serde_json::from_str(choice).map_err(|_| {
                wrong_type("tool_choice", "'none', 'auto', 'required' or an object")
            })?;
            match choice.function {
                Some(named) => Some(named.name),
                // Choices of other kinds (`allowed_tools`, `custom`) leave the mock free.
                None => return Ok(None),
            }
        }
    };
    let tools: Vec<Tool> = match params.tools {
        Some(raw) => {
            serde_json::from_str(raw.get()).map_err(|_| wrong_type("tools", "an array of tools"))?
        }
        None => Vec::new(),
    };
    let function = tools
        .into_iter()
        .filter_map(|tool| tool.function)
        .find(|function| name.as_ref().is_none_or(|name| *name == function.name));
    let Some(function) = function else {
        return Err(BadBody {
            code: "invalid_value",
            param: Some("tool_choice"),
            message: "Invalid value for 'tool_choice': no such function is in 'tools'.".to_owned(),
        });
    };
    Ok(Some(Call {
        arguments: function
            .parameters
            .map_or_else(|| "{}".to_owned(), |schema| example(&schema)),
        name: function.name,
    }))
}
