//! Tools, and whether they are called
//! (<https://ai.google.dev/api/caching#Tool>, <https://ai.google.dev/api/caching#FunctionCallingConfig>).

use super::super::names::{fields, list};
use super::super::schema::to_json_schema;
use super::part::is;
use super::{Reader, wrong};
use crate::chat::{Problem, Tool, ToolChoice};
use crate::json::Value;

impl<'a> Reader<'a> {
    pub(super) fn tools(&mut self, value: &Value<'a>, path: &str) -> Result<(), Problem> {
        for (path, tool) in list(value, path) {
            let object = tool
                .as_object()
                .ok_or_else(|| wrong(&path, tool, "an object"))?;
            for (name, own, value) in fields(object) {
                let here = format!("{path}.{own}");
                if name != "functionDeclarations" {
                    // `googleSearch`, `codeExecution` and their like run at Google.
                    self.request.tools.push(Tool::Server {
                        kind: name.into_owned().into(),
                        path: here,
                    });
                    continue;
                }
                for (path, function) in list(value, &here) {
                    self.function(function, &path)?;
                }
            }
        }
        Ok(())
    }

    /// One declaration. Where `parameters` and `parametersJsonSchema` are both there, which Google refuses, the first
    /// counts.
    fn function(&mut self, value: &Value<'a>, path: &str) -> Result<(), Problem> {
        let object = value
            .as_object()
            .ok_or_else(|| wrong(path, value, "an object"))?;
        let mut tool = None;
        let mut description = None;
        let mut parameters = None;
        let mut json_schema = None;
        for (name, own, value) in fields(object) {
            match (&*name, value) {
                ("name", Value::String(text)) => tool = Some(text.value.clone()),
                ("description", Value::String(text)) => description = Some(text.value.clone()),
                ("parameters", schema) => parameters = Some(to_json_schema(schema)),
                ("parametersJsonSchema", schema) => json_schema = Some(schema.clone()),
                // What a function gives is for people and for SDKs, which say it unasked; that it blocks is how all do.
                ("response", _) => {
                    self.request
                        .leaves_out("tools[].functionDeclarations[].response");
                }
                ("responseJsonSchema", _) => {
                    self.request
                        .leaves_out("tools[].functionDeclarations[].responseJsonSchema");
                }
                ("behavior", Value::String(text)) if &*text.value == "BLOCKING" => {}
                _ => self.extra(format!("{path}.{own}"), value),
            }
        }
        let Some(name) = tool else {
            let path = format!("{path}.name");
            let message = format!("Missing required parameter: '{path}'.");
            return Err(Problem::invalid(
                "missing_required_parameter",
                path,
                message,
            ));
        };
        self.request.tools.push(Tool::Function {
            name,
            description,
            parameters: parameters.or(json_schema),
            strict: None,
            cache: None,
        });
        Ok(())
    }

    pub(super) fn tool_config(&mut self, value: &Value<'a>, path: &str) -> Result<(), Problem> {
        let object = value
            .as_object()
            .ok_or_else(|| wrong(path, value, "an object"))?;
        for (name, own, value) in fields(object) {
            let here = format!("{path}.{own}");
            match (&*name, value) {
                ("functionCallingConfig", Value::Object(_)) => self.calling(value, &here)?,
                _ => self.extra(here, value),
            }
        }
        Ok(())
    }

    fn calling(&mut self, value: &Value<'a>, path: &str) -> Result<(), Problem> {
        let mut mode = "AUTO".to_owned();
        let mut names = Vec::new();
        for (own, value) in value
            .as_object()
            .into_iter()
            .flat_map(|object| object.iter())
        {
            if value.is_null() {
                continue;
            }
            let here = format!("{path}.{own}");
            if is(own, "mode") {
                mode = value
                    .as_str()
                    .ok_or_else(|| wrong(&here, value, "a string"))?
                    .to_ascii_uppercase();
            } else if is(own, "allowedFunctionNames") {
                for (path, name) in list(value, &here) {
                    let name = name
                        .as_text()
                        .ok_or_else(|| wrong(&path, name, "a string"))?;
                    names.push(name.value.clone());
                }
            } else {
                self.extra(here, value);
            }
        }
        self.strict = mode == "VALIDATED";
        let required = mode == "ANY";
        self.request.tool_choice = Some(match mode.as_str() {
            "NONE" => ToolChoice::None,
            "ANY" | "AUTO" | "VALIDATED" | "MODE_UNSPECIFIED" if names.is_empty() => {
                if required {
                    ToolChoice::Required
                } else {
                    ToolChoice::Auto
                }
            }
            "ANY" if names.len() == 1 => ToolChoice::Tool(names.swap_remove(0)),
            "ANY" | "AUTO" | "VALIDATED" | "MODE_UNSPECIFIED" => {
                ToolChoice::Allowed { names, required }
            }
            _ => {
                let path = format!("{path}.mode");
                let message =
                    format!("Invalid value of '{path}': expected AUTO, ANY, NONE or VALIDATED.");
                return Err(Problem::invalid("invalid_value", path, message));
            }
        });
        Ok(())
    }
}
