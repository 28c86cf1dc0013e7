//! A body of `/v2/chat`, as callers send it (<https://docs.cohere.com/reference/chat#request>).

mod message;

pub(super) use message::ERROR;

use crate::Format;
use crate::chat::{
    Extra, Logprobs, Part, Problem, Request, ResponseFormat, Thinking, Tool, ToolChoice,
};
use crate::codec::Asked;
use crate::json::Value;

/// What is being read.
pub(super) struct Reader<'a> {
    request: Request<'a>,
    strict: bool,
    /// Documents beside the turns.
    documents: Vec<Part<'a>>,
    /// Answers shall not cite them.
    uncited: bool,
}

pub(super) fn request<'a>(body: &Value<'a>, asked: &Asked<'_>) -> Result<Request<'a>, Problem> {
    let Some(object) = body.as_object() else {
        return Err(Problem::new(
            400,
            "invalid_body",
            "The body of the request is not a JSON object.",
        ));
    };
    if object.get("messages").is_none() {
        let message = "Missing required parameter: 'messages'. Version 1 of Cohere's chat is served by Cohere alone.";
        return Err(Problem::invalid(
            "missing_required_parameter",
            "messages",
            message,
        ));
    }
    let mut reader = Reader {
        request: Request {
            from: Some(Format::Cohere),
            model: asked.model.to_owned().into(),
            stream: asked.stream,
            ..Request::default()
        },
        strict: false,
        documents: Vec::new(),
        uncited: false,
    };
    for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        reader.field(name, value)?;
    }
    reader.place_documents();
    if reader.strict {
        for tool in &mut reader.request.tools {
            if let Tool::Function { strict, .. } = tool {
                *strict = Some(true);
            }
        }
    }
    Ok(reader.request)
}

impl<'a> Reader<'a> {
    fn field(&mut self, name: &str, value: &Value<'a>) -> Result<(), Problem> {
        match name {
            "model" => {}
            "stream" => self.request.stream = value.as_bool().unwrap_or(false),
            "messages" => self.messages(value)?,
            "tools" => self.tools(value)?,
            "strict_tools" => self.strict = value.as_bool() == Some(true),
            "tool_choice" => match value.as_str() {
                Some("REQUIRED") => self.request.tool_choice = Some(ToolChoice::Required),
                Some("NONE") => self.request.tool_choice = Some(ToolChoice::None),
                _ => self.extra(name.to_owned(), value),
            },
            "response_format" => self.response_format(value),
            "max_tokens" => {
                let most = value
                    .as_u64()
                    .ok_or_else(|| wrong(name, value, "a whole number"))?;
                self.request.max_tokens = Some(most);
            }
            "stop_sequences" => {
                let items = value
                    .as_array()
                    .ok_or_else(|| wrong(name, value, "an array"))?;
                for (index, stop) in items.iter().enumerate() {
                    let path = format!("stop_sequences[{index}]");
                    let stop = stop
                        .as_text()
                        .ok_or_else(|| wrong(&path, stop, "a string"))?;
                    self.request.stop.push(stop.value.clone());
                }
            }
            "logprobs" => {
                if value.as_bool() == Some(true) {
                    self.request.logprobs = Some(Logprobs { top: None });
                }
            }
            "thinking" => self.thinking(value),
            "documents" => self.documents(value),
            "citation_options" => match value.get("mode").and_then(Value::as_str) {
                // Both names are in use (https://docs.cohere.com/reference/chat#request.body.citation_options).
                Some(mode) if ["OFF", "DISABLED"].contains(&&*mode.to_ascii_uppercase()) => {
                    self.uncited = true;
                }
                Some(mode) if mode.eq_ignore_ascii_case("ENABLED") => {}
                _ => self.extra(name.to_owned(), value),
            },
            // As it is by default.
            "safety_mode" if value.as_str() == Some("CONTEXTUAL") => {}
            _ => {
                if !self.sampling(name, value)? {
                    self.extra(name.to_owned(), value);
                }
            }
        }
        Ok(())
    }

    fn extra(&mut self, path: String, value: &Value<'a>) {
        self.request.extras.push(Extra {
            path,
            value: value.clone(),
        });
    }

    /// Whether it was a field of how tokens are drawn.
    fn sampling(&mut self, name: &str, value: &Value<'a>) -> Result<bool, Problem> {
        let sampling = &mut self.request.sampling;
        let slot = match name {
            "temperature" => &mut sampling.temperature,
            "p" => &mut sampling.top_p,
            "frequency_penalty" => &mut sampling.frequency_penalty,
            "presence_penalty" => &mut sampling.presence_penalty,
            "k" => {
                let k = value
                    .as_u64()
                    .ok_or_else(|| wrong(name, value, "a whole number"))?;
                // 0 is all of them.
                sampling.top_k = (k > 0).then_some(k);
                return Ok(true);
            }
            "seed" => {
                sampling.seed = value.as_i64();
                return Ok(sampling.seed.is_some());
            }
            _ => return Ok(false),
        };
        *slot = Some(
            value
                .as_f64()
                .ok_or_else(|| wrong(name, value, "a number"))?,
        );
        Ok(true)
    }

    fn thinking(&mut self, value: &Value<'a>) {
        let mut thinking = Thinking::default();
        for (name, value) in value
            .as_object()
            .into_iter()
            .flat_map(|object| object.iter())
        {
            match name {
                "type" => thinking.enabled = value.as_str().map(|kind| kind != "disabled"),
                "token_budget" => thinking.budget = value.as_u64(),
                _ => self.extra(format!("thinking.{name}"), value),
            }
        }
        self.request.thinking = Some(thinking);
    }

    fn response_format(&mut self, value: &Value<'a>) {
        let kind = value.get("type").and_then(Value::as_str);
        let schema = value.get("json_schema").or_else(|| value.get("schema"));
        self.request.format = match (kind, schema) {
            (Some("text"), None) => Some(ResponseFormat::Text),
            (Some("json_object"), None) => Some(ResponseFormat::JsonObject),
            (Some("json_object"), Some(schema)) => Some(ResponseFormat::JsonSchema {
                name: "response".into(),
                description: None,
                schema: schema.clone(),
                strict: None,
            }),
            _ => return self.extra("response_format".to_owned(), value),
        };
    }

    fn tools(&mut self, value: &Value<'a>) -> Result<(), Problem> {
        let tools = value
            .as_array()
            .ok_or_else(|| wrong("tools", value, "an array"))?;
        for (index, tool) in tools.iter().enumerate() {
            let path = format!("tools[{index}].function");
            let function = tool.get("function").and_then(Value::as_object);
            let function = function.ok_or_else(|| wrong(&path, tool, "a function"))?;
            let name = function.get("name").and_then(Value::as_text);
            let name = name.ok_or_else(|| wrong(&format!("{path}.name"), tool, "a string"))?;
            for (name, value) in function.iter() {
                if !matches!(name, "name" | "description" | "parameters") && !value.is_null() {
                    self.extra(format!("{path}.{name}"), value);
                }
            }
            let description = function.get("description").and_then(Value::as_text);
            self.request.tools.push(Tool::Function {
                name: name.value.clone(),
                description: description.map(|text| text.value.clone()),
                parameters: function.get("parameters").cloned(),
                strict: None,
                cache: None,
            });
        }
        Ok(())
    }
}

/// A value of the wrong kind.
fn wrong(path: &str, value: &Value<'_>, expected: &str) -> Problem {
    let message = format!(
        "Invalid type of '{path}': expected {expected}, got {}.",
        value.kind()
    );
    Problem::invalid("invalid_type", path, message)
}
