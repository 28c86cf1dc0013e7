//! A request of chat completions, as callers of OpenAI and of those who are compatible with it write it
//! (<https://platform.openai.com/docs/api-reference/chat/create>).

mod history;
mod message;
mod part;
mod tool;

use std::borrow::Cow;

use crate::Format;
use crate::chat::{
    Effort, Extra, Logprobs, Problem, Request, ResponseFormat, Thinking, ToolChoice,
};
use crate::dialect::openai::typed::{
    array, boolean, count, integer, invalid, missing, number, object, required, small_count,
    string, wrong,
};
use crate::json::{Object, Value};

pub(crate) use part::{cache_marker, cache_of, data_url, detail_of, file_data, kind_of, thinking};
pub(crate) use tool::{function_tool, tool_choice};

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
            from: Some(Format::Chat),
            ..Request::default()
        },
        thinking: Thinking::default(),
        asks_for_logprobs: false,
        top_logprobs: None,
        max_completion_tokens: None,
    };
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
    if body.get("messages").is_none() {
        return Err(missing("messages"));
    }
    Ok(reader.finish())
}

struct Reader<'a> {
    request: Request<'a>,
    thinking: Thinking,
    asks_for_logprobs: bool,
    top_logprobs: Option<u32>,
    max_completion_tokens: Option<u64>,
}

impl<'a> Reader<'a> {
    fn field(&mut self, name: &str, value: &Value<'a>) -> Result<(), Problem> {
        let request = &mut self.request;
        match name {
            "model" => request.model = string(name, value)?,
            "messages" => history::messages(value, request)?,
            "tools" => tool::tools(value, request)?,
            "functions" => tool::functions(value, request)?,
            "tool_choice" => self.choice(name, value, tool::tool_choice(name, value)?),
            "function_call" => self.choice(name, value, tool::function_call(name, value)?),
            "parallel_tool_calls" => request.parallel_tools = Some(boolean(name, value)?),
            "response_format" => self.response_format(value)?,
            "max_tokens" => request.max_tokens = Some(count(name, value)?),
            "max_completion_tokens" => self.max_completion_tokens = Some(count(name, value)?),
            "stop" => request.stop = stop(value)?,
            "n" => request.n = Some(small_count(name, value)?),
            "stream" => request.stream = boolean(name, value)?,
            // How usage is told is not the model's business; obfuscation only pads events.
            "stream_options" => {}
            "user" => request.user = Some(string(name, value)?),
            "metadata" => request.metadata = metadata(value)?,
            "service_tier" => {
                request.service_tier = Some(match string(name, value)? {
                    // Groq's default (<https://console.groq.com/docs/service-tiers>).
                    tier if tier == "on_demand" => "auto".into(),
                    tier => tier,
                });
            }
            "logprobs" => self.asks_for_logprobs = boolean(name, value)?,
            "top_logprobs" => self.top_logprobs = Some(small_count(name, value)?),
            "web_search_options" => request.tools.push(crate::chat::Tool::Server {
                kind: Cow::Borrowed("web_search"),
                path: name.to_owned(),
            }),
            _ if self.sampling(name, value)?
                || self.thinking(name, value)?
                || idle(name, value) => {}
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

    fn choice(&mut self, name: &str, value: &Value<'a>, choice: Option<ToolChoice<'a>>) {
        match choice {
            Some(choice) => self.request.tool_choice = Some(choice),
            None => self.extra(name, value),
        }
    }

    fn sampling(&mut self, name: &str, value: &Value<'a>) -> Result<bool, Problem> {
        let sampling = &mut self.request.sampling;
        match name {
            "temperature" => sampling.temperature = Some(number(name, value)?),
            "top_p" => sampling.top_p = Some(number(name, value)?),
            "top_k" => match value.as_u64() {
                Some(top_k) => sampling.top_k = Some(top_k),
                // vLLM's -1 means all.
                None if value.as_i64() == Some(-1) => {}
                None => return Err(wrong(name, "an integer", value)),
            },
            "frequency_penalty" => sampling.frequency_penalty = Some(number(name, value)?),
            "presence_penalty" => sampling.presence_penalty = Some(number(name, value)?),
            // Mistral's SDK says `random_seed`.
            "seed" | "random_seed" => sampling.seed = Some(integer(name, value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// How reasoning is asked for: OpenAI's `reasoning_effort`, OpenRouter's `reasoning`
    /// (<https://openrouter.ai/docs/use-cases/reasoning-tokens>), and `thinking` as DeepSeek has it
    /// (<https://api-docs.deepseek.com/guides/thinking_mode>).
    fn thinking(&mut self, name: &str, value: &Value<'a>) -> Result<bool, Problem> {
        match name {
            "reasoning_effort" => self.effort(name, value)?,
            "reasoning" => {
                for (key, value) in object(name, value)?.iter() {
                    let path = format!("reasoning.{key}");
                    match key {
                        _ if value.is_null() => {}
                        "effort" => self.effort(&path, value)?,
                        "max_tokens" => self.thinking.budget = Some(count(&path, value)?),
                        "enabled" => self.thinking.enabled = Some(boolean(&path, value)?),
                        "exclude" => self.thinking.visible = Some(!boolean(&path, value)?),
                        _ => self.extra(&path, value),
                    }
                }
            }
            "thinking" => {
                for (key, value) in object(name, value)?.iter() {
                    let path = format!("thinking.{key}");
                    match (key, value.as_str()) {
                        _ if value.is_null() => {}
                        ("type", Some("enabled" | "adaptive")) => {
                            self.thinking.enabled = Some(true);
                        }
                        ("type", Some("disabled")) => self.thinking.enabled = Some(false),
                        ("budget_tokens", _) => self.thinking.budget = Some(count(&path, value)?),
                        _ => self.extra(&path, value),
                    }
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn effort(&mut self, path: &str, value: &Value<'a>) -> Result<(), Problem> {
        let name = string(path, value)?;
        match Effort::from_name(&name) {
            Some(effort) => {
                self.thinking.effort = Some(effort);
                if effort == Effort::None {
                    self.thinking.enabled = Some(false);
                }
            }
            // What a provider calls its own.
            None => self.extra(path, value),
        }
        Ok(())
    }

    fn response_format(&mut self, value: &Value<'a>) -> Result<(), Problem> {
        let path = "response_format";
        let format = object(path, value)?;
        let kind = required(format, path, "type")?;
        self.request.format = Some(match &*kind {
            "text" => ResponseFormat::Text,
            "json_object" => ResponseFormat::JsonObject,
            "json_schema" => {
                let path = "response_format.json_schema";
                let schema = format.get("json_schema").ok_or_else(|| missing(path))?;
                json_schema(path, object(path, schema)?)?
            }
            _ => {
                self.extra(path, value);
                return Ok(());
            }
        });
        Ok(())
    }

    fn finish(self) -> Request<'a> {
        let mut request = self.request;
        request.max_tokens = self.max_completion_tokens.or(request.max_tokens);
        request.thinking = Some(self.thinking).filter(|one| *one != Thinking::default());
        if self.asks_for_logprobs {
            request.logprobs = Some(Logprobs {
                top: self.top_logprobs,
            });
        }
        request
    }
}

/// Whether a field, said so, changes nothing of any answer: so it is no loss where a target has no such field.
fn idle(name: &str, value: &Value<'_>) -> bool {
    match name {
        "store" => value.as_bool() == Some(false),
        // What it is by default.
        "verbosity" => value.as_str() == Some("medium"),
        // Groq's way to have reasoning where Weir puts it
        // (<https://console.groq.com/docs/reasoning>).
        "reasoning_format" => value.as_str() == Some("parsed"),
        // OpenRouter's way to ask for what is told anyway (<https://openrouter.ai/docs/use-cases/usage-accounting>).
        "usage" => value.get("include").and_then(Value::as_bool) == Some(true),
        "logit_bias" => value.as_object().is_some_and(Object::is_empty),
        "modalities" => value
            .as_array()
            .is_some_and(|all| all.iter().all(|one| one.as_str() == Some("text"))),
        _ => false,
    }
}

/// `{name, description, schema, strict}`, which chat and responses have in common.
pub(crate) fn json_schema<'a>(
    path: &str,
    format: &Object<'a>,
) -> Result<ResponseFormat<'a>, Problem> {
    let optional = |name: &str| {
        let value = format.get(name);
        value.map(|value| string(&format!("{path}.{name}"), value))
    };
    Ok(ResponseFormat::JsonSchema {
        name: optional("name").transpose()?.unwrap_or("response".into()),
        description: optional("description").transpose()?,
        schema: match format.get("schema") {
            Some(schema) => schema.clone(),
            None => Value::Object(Object::new()),
        },
        strict: match format.get("strict") {
            Some(strict) => Some(boolean(&format!("{path}.strict"), strict)?),
            None => None,
        },
    })
}

/// A text or several.
pub(crate) fn stop<'a>(value: &Value<'a>) -> Result<Vec<Cow<'a, str>>, Problem> {
    match value {
        Value::String(text) => Ok(vec![text.value.clone()]),
        Value::Array(items) => items.iter().map(|item| string("stop", item)).collect(),
        _ => Err(wrong("stop", "a string or an array of strings", value)),
    }
}

/// What the caller notes of a call, by name.
type Notes<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// What the caller notes of a call.
pub(crate) fn metadata<'a>(value: &Value<'a>) -> Result<Notes<'a>, Problem> {
    let noted = object("metadata", value)?.clone().into_iter();
    noted
        .map(|(name, value)| {
            let path = format!("metadata.{name}");
            Ok((name, string(&path, &value)?))
        })
        .collect()
}

/// The elements of an array with the path of each.
pub(crate) fn items<'v, 'a>(
    path: &'v str,
    value: &'v Value<'a>,
) -> Result<impl Iterator<Item = (String, &'v Value<'a>)> + use<'v, 'a>, Problem> {
    let items = array(path, value)?.iter().enumerate();
    Ok(items.map(move |(index, item)| (format!("{path}[{index}]"), item)))
}

/// What a role or type is that nobody knows.
pub(crate) fn unknown(path: &str, expected: &str) -> Problem {
    invalid(path, expected)
}
