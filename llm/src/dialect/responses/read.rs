//! A request, as callers write it (<https://platform.openai.com/docs/api-reference/responses/create>).

mod item;
mod part;

pub(super) use item::reasoned;

use crate::Format;
use crate::chat::{
    Effort, Extra, Logprobs, Part, PartKind, Problem, Request, ResponseFormat, Thinking, Tool,
};
use crate::dialect::openai::chat::read::{
    function_tool, items, json_schema, metadata, tool_choice,
};
use crate::dialect::openai::typed::{
    array, boolean, count, missing, number, object, required, small_count, string, text,
};
use crate::json::Value;

/// Reads a whole body.
pub(super) fn request<'a>(body: &Value<'a>) -> Result<Request<'a>, Problem> {
    let body = body.as_object().ok_or_else(|| {
        Problem::invalid(
            "invalid_type",
            "",
            "The body of your request must be a JSON object.",
        )
    })?;
    let mut reader = Reader {
        request: Request {
            from: Some(Format::Responses),
            ..Request::default()
        },
        thinking: Thinking::default(),
        includes_logprobs: false,
        top_logprobs: None,
    };
    // Instructions come before whatever of the input is instructions too.
    if let Some(value) = body.get("instructions") {
        reader.instructions(value)?;
    }
    for (index, (name, value)) in body.iter().enumerate() {
        if value.is_null() {
            continue;
        }
        if body.iter().take(index).any(|(before, _)| before == name) {
            return Err(Problem::invalid(
                "duplicate_parameter",
                name,
                format!("Duplicate parameter: '{name}'."),
            ));
        }
        reader.field(name, value)?;
    }
    // Without any the prompt is elsewhere: one of these.
    let elsewhere = ["input", "prompt", "previous_response_id", "conversation"];
    if elsewhere.iter().all(|name| body.get(name).is_none()) {
        return Err(missing("input"));
    }
    Ok(reader.finish())
}

struct Reader<'a> {
    request: Request<'a>,
    thinking: Thinking,
    includes_logprobs: bool,
    top_logprobs: Option<u32>,
}

impl<'a> Reader<'a> {
    fn field(&mut self, name: &str, value: &Value<'a>) -> Result<(), Problem> {
        let request = &mut self.request;
        match name {
            "model" => request.model = string(name, value)?,
            "instructions" => {}
            "input" => item::input(value, request)?,
            "tools" => tools(value, request)?,
            "tool_choice" => match tool_choice(name, value)? {
                Some(choice) => request.tool_choice = Some(choice),
                None => self.extra(name, value),
            },
            "parallel_tool_calls" => request.parallel_tools = Some(boolean(name, value)?),
            "text" => self.text(value)?,
            "reasoning" => self.reasoning(value)?,
            "max_output_tokens" => request.max_tokens = Some(count(name, value)?),
            "temperature" => request.sampling.temperature = Some(number(name, value)?),
            "top_p" => request.sampling.top_p = Some(number(name, value)?),
            "top_logprobs" => self.top_logprobs = Some(small_count(name, value)?),
            "stream" => request.stream = boolean(name, value)?,
            // Its one option pads events.
            "stream_options" => {}
            "include" => self.include(value)?,
            "metadata" => request.metadata = metadata(value)?,
            "user" => request.user = Some(string(name, value)?),
            "service_tier" => request.service_tier = Some(string(name, value)?),
            _ if idle(name, value) => {}
            _ => self.extra(name, value),
        }
        Ok(())
    }

    fn extra(&mut self, path: &str, value: &Value<'a>) {
        self.request.extras.push(Extra {
            path: path.to_owned(),
            value: value.clone(),
        });
    }

    fn instructions(&mut self, value: &Value<'a>) -> Result<(), Problem> {
        self.request.system.push(Part {
            kind: PartKind::Text(text("instructions", value)?, Vec::new()),
            cache: None,
            path: "instructions".to_owned(),
        });
        Ok(())
    }

    fn text(&mut self, value: &Value<'a>) -> Result<(), Problem> {
        for (name, value) in object("text", value)?.iter() {
            let path = format!("text.{name}");
            match name {
                _ if value.is_null() => {}
                "format" => self.format(&path, value)?,
                _ if idle(&path, value) => {}
                _ => self.extra(&path, value),
            }
        }
        Ok(())
    }

    fn format(&mut self, path: &str, value: &Value<'a>) -> Result<(), Problem> {
        let format = object(path, value)?;
        self.request.format = Some(match &*required(format, path, "type")? {
            "text" => ResponseFormat::Text,
            "json_object" => ResponseFormat::JsonObject,
            "json_schema" => json_schema(path, format)?,
            _ => {
                self.extra(path, value);
                return Ok(());
            }
        });
        Ok(())
    }

    fn reasoning(&mut self, value: &Value<'a>) -> Result<(), Problem> {
        for (name, value) in object("reasoning", value)?.iter() {
            let path = format!("reasoning.{name}");
            match name {
                _ if value.is_null() => {}
                "effort" => match Effort::from_name(&string(&path, value)?) {
                    Some(effort) => {
                        self.thinking.effort = Some(effort);
                        if effort == Effort::None {
                            self.thinking.enabled = Some(false);
                        }
                    }
                    None => self.extra(&path, value),
                },
                // How long it shall be is the model's to say at every other provider. The second is the name of before.
                "summary" | "generate_summary" => {
                    string(&path, value)?;
                    self.thinking.visible = Some(true);
                }
                _ if idle(&path, value) => {}
                _ => self.extra(&path, value),
            }
        }
        Ok(())
    }

    fn include(&mut self, value: &Value<'a>) -> Result<(), Problem> {
        for (path, value) in items("include", value)? {
            match &*string(&path, value)? {
                // It comes in any case.
                "reasoning.encrypted_content" => {}
                "message.output_text.logprobs" => self.includes_logprobs = true,
                _ => self.extra(&path, value),
            }
        }
        Ok(())
    }

    fn finish(self) -> Request<'a> {
        let mut request = self.request;
        request.thinking = Some(self.thinking).filter(|one| *one != Thinking::default());
        let top = self.top_logprobs.filter(|top| *top > 0);
        if self.includes_logprobs || top.is_some() {
            request.logprobs = Some(Logprobs { top });
        }
        request
    }
}

/// Whether a field, said so, changes nothing of any answer: so it is no loss where a target has no such field.
fn idle(name: &str, value: &Value<'_>) -> bool {
    match name {
        "store" | "background" => value.as_bool() == Some(false),
        "truncation" => value.as_str() == Some("disabled"),
        // What these are by default.
        "text.verbosity" => value.as_str() == Some("medium"),
        "reasoning.context" => value.as_str() == Some("auto"),
        "reasoning.mode" => value.as_str() == Some("standard"),
        _ => false,
    }
}

/// Functions are the caller's; all other tools run at the provider or are made for its own models.
fn tools<'a>(value: &Value<'a>, request: &mut Request<'a>) -> Result<(), Problem> {
    for (index, item) in array("tools", value)?.iter().enumerate() {
        let path = format!("tools[{index}]");
        let fields = object(&path, item)?;
        let kind = required(fields, &path, "type")?;
        let tool = match &*kind {
            "function" => function_tool(fields, &path, &mut request.extras)?,
            _ => Tool::Server {
                kind: kind.value,
                path,
            },
        };
        request.tools.push(tool);
    }
    Ok(())
}
