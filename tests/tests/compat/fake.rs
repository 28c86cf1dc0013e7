//! Providers that look at what they are sent as the real ones would, and play back an answer.

use serde_json::{Map, Value, json};
use weir_tests::upstream::Seen;

use crate::played::{Ask, Played, Wire, played};
use crate::told::{IMAGE, RESULT, TOOLS};

/// What the gateway calls providers with.
pub(crate) const CREDENTIAL: &str = "credential-of-the-provider-0123456789";
/// The id of the access key that it signs with for Bedrock.
pub(crate) const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// What a provider answers to a request, as it goes over the wire. `key` is what its callers show.
pub(crate) fn reply(provider: &str, key: &str, seen: &Seen) -> Vec<u8> {
    match answer(provider, key, seen) {
        Ok(played) => written(200, &played.content_type, &played.body),
        Err(Wrong::Path(target)) => {
            let body = no_such_path(provider, &target);
            written(404, "application/json", body.to_string().as_bytes())
        }
        Err(Wrong::Request(message)) => {
            let body = json!({"error": {"message": message, "type": "test"}, "message": message});
            written(400, "application/json", body.to_string().as_bytes())
        }
    }
}

/// What is wrong with a request.
enum Wrong {
    /// The provider has no such path.
    Path(String),
    /// Anything else.
    Request(String),
}

impl From<String> for Wrong {
    fn from(message: String) -> Self {
        Self::Request(message)
    }
}

/// What Azure and OpenAI's own servers say of a path that they do not know.
fn no_such_path(provider: &str, target: &str) -> Value {
    match provider {
        "azure" => json!({"error": {"code": "404", "message": "Resource not found"}}),
        _ => {
            let message =
                format!("Unknown request URL: POST {target}. Please check the URL for typos.");
            json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": "unknown_url"}})
        }
    }
}

fn written(status: u16, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} Because\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn answer(provider: &str, key: &str, seen: &Seen) -> Result<Played, Wrong> {
    let target = seen.head.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body: Value = serde_json::from_slice(&seen.body).map_err(|error| error.to_string())?;
    let called =
        Called::of(provider, path, query, &body).ok_or_else(|| Wrong::Path(target.to_owned()))?;
    if !is_authorized(provider, key, seen) {
        return Err(format!("the credential is wrong: {}", seen.head).into());
    }
    let ask = Ask::of_model(&called.model)
        .ok_or_else(|| format!("{} is no model of {provider}", called.model))?;
    if called.stream != matches!(ask, Ask::Stream | Ask::StreamedTools) {
        return Err(format!("{ask:?} with stream: {}", called.stream).into());
    }
    let again = check(called.wire, ask, &body)?;
    let ask = match ask {
        Ask::Tools if again => Ask::Plain,
        Ask::StreamedTools if again => Ask::Stream,
        ask => ask,
    };
    Ok(played(provider, called.wire, ask))
}

/// What a path calls.
struct Called {
    wire: Wire,
    model: String,
    stream: bool,
}

impl Called {
    fn of(provider: &str, path: &str, query: &str, body: &Value) -> Option<Self> {
        let in_body = |wire| {
            Some(Self {
                wire,
                model: body["model"].as_str()?.to_owned(),
                stream: body["stream"] == true,
            })
        };
        let in_path = |wire, start: &str, plain: &str, streamed: &str| {
            let rest = path.strip_prefix(start)?;
            let (model, stream) = match rest.strip_suffix(plain) {
                Some(model) => (model, false),
                None => (rest.strip_suffix(streamed)?, true),
            };
            Some(Self {
                wire,
                model: model.to_owned(),
                stream,
            })
        };
        let gemini = |start: &str| {
            let called = in_path(
                Wire::Gemini,
                start,
                ":generateContent",
                ":streamGenerateContent",
            )?;
            (!called.stream || query.contains("alt=sse")).then_some(called)
        };
        match (provider, path) {
            ("openai", "/v1/responses") => in_body(Wire::Responses),
            ("openai" | "mistral", "/v1/chat/completions")
            | ("groq", "/openai/v1/chat/completions") => in_body(Wire::Chat),
            ("azure", _) => {
                let rest = path.strip_prefix("/openai/deployments/")?;
                let deployment = rest.strip_suffix("/chat/completions")?;
                let called = Self {
                    wire: Wire::Chat,
                    model: deployment.to_owned(),
                    stream: body["stream"] == true,
                };
                query.contains("api-version=").then_some(called)
            }
            ("anthropic", "/v1/messages") => in_body(Wire::Messages),
            ("gemini", _) => gemini("/v1beta/models/").or_else(|| gemini("/v1/models/")),
            ("vertex", _) => gemini("/v1/projects/p/locations/l/publishers/google/models/"),
            ("claude", _) => {
                let start = "/v1/projects/p/locations/l/publishers/anthropic/models/";
                let called = in_path(Wire::Messages, start, ":rawPredict", ":streamRawPredict")?;
                let fine =
                    body["anthropic_version"] == "vertex-2023-10-16" && body.get("model").is_none();
                fine.then_some(called)
            }
            ("bedrock", _) => in_path(Wire::Converse, "/model/", "/converse", "/converse-stream"),
            ("cohere", "/v2/chat") => in_body(Wire::Cohere),
            _ => None,
        }
    }
}

fn is_authorized(provider: &str, key: &str, seen: &Seen) -> bool {
    let bearer = seen.header("authorization").unwrap_or_default();
    match provider {
        "azure" => seen.header("api-key") == Some(key),
        "anthropic" => {
            let shown = seen.header("x-api-key") == Some(key) || bearer == format!("Bearer {key}");
            shown && seen.header("anthropic-version").is_some()
        }
        "gemini" => seen.header("x-goog-api-key") == Some(key),
        "bedrock" => bearer.starts_with(&format!("AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/")),
        _ => bearer == format!("Bearer {key}"),
    }
}

/// Whether a request holds what was asked, in the shape of its wire; and whether it has results of tools.
fn check(wire: Wire, ask: Ask, body: &Value) -> Result<bool, String> {
    let mut all = Vec::new();
    objects(body, &mut all);
    match ask {
        Ask::Plain | Ask::Stream => {
            fine(
                body.get("tools").is_none_or(is_empty),
                "no tools were asked for",
            )?;
        }
        Ask::Tools | Ask::StreamedTools => {
            for (name, ..) in TOOLS {
                let known = all.iter().any(|one| declares(wire, one, name));
                fine(known, &format!("the tool {name} is missing"))?;
            }
            return results(wire, &all);
        }
        Ask::Image => fine(
            all.iter().any(|one| is_image(wire, one)),
            "the image is missing",
        )?,
        Ask::Structured => {
            let place = match wire {
                Wire::Chat => "/response_format/json_schema/schema",
                Wire::Responses => "/text/format/schema",
                Wire::Messages => "/output_config/format/schema",
                Wire::Gemini => "/generationConfig",
                Wire::Converse => "/outputConfig/textFormat/structure/jsonSchema/schema",
                Wire::Cohere => "/response_format",
            };
            let schema = body
                .pointer(place)
                .ok_or_else(|| format!("{place} is missing"))?;
            let text = schema.to_string().replace(['\\', ' '], "");
            fine(text.contains(r#""rating":{"#), "the schema is another")?;
        }
    }
    Ok(false)
}

fn fine(is: bool, otherwise: &str) -> Result<(), String> {
    if is {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

/// Every object in a value.
fn objects<'v>(value: &'v Value, all: &mut Vec<&'v Map<String, Value>>) {
    match value {
        Value::Object(object) => {
            all.push(object);
            object.values().for_each(|value| objects(value, all));
        }
        Value::Array(items) => items.iter().for_each(|value| objects(value, all)),
        _ => {}
    }
}

type Object = Map<String, Value>;

fn at<'v>(object: &'v Object, name: &str) -> &'v Value {
    object.get(name).unwrap_or(&Value::Null)
}

/// Google's APIs take a field by either name (<https://protobuf.dev/programming-guides/json/>), and its SDK sends both.
fn either<'v>(value: &'v Value, camel: &str, snake: &str) -> &'v Value {
    match &value[camel] {
        Value::Null => &value[snake],
        found => found,
    }
}

/// Whether an object declares this tool.
fn declares(wire: Wire, object: &Object, name: &str) -> bool {
    let schema = match wire {
        Wire::Chat | Wire::Cohere | Wire::Responses => at(object, "parameters"),
        Wire::Messages => at(object, "input_schema"),
        Wire::Converse => &at(object, "inputSchema")["json"],
        Wire::Gemini if object.contains_key("parameters") => at(object, "parameters"),
        Wire::Gemini if object.contains_key("parametersJsonSchema") => {
            at(object, "parametersJsonSchema")
        }
        Wire::Gemini => at(object, "parameters_json_schema"),
    };
    at(object, "name") == name && !schema["properties"]["location"].is_null()
}

fn is_image(wire: Wire, object: &Object) -> bool {
    let url = format!("data:image/png;base64,{IMAGE}");
    match wire {
        Wire::Chat | Wire::Cohere => {
            at(object, "type") == "image_url" && at(object, "image_url")["url"] == url
        }
        Wire::Responses => at(object, "type") == "input_image" && at(object, "image_url") == &url,
        Wire::Messages => {
            let source = json!({"type": "base64", "media_type": "image/png", "data": IMAGE});
            at(object, "type") == "image" && at(object, "source") == &source
        }
        Wire::Gemini => {
            // Bytes are in either alphabet of base64; Google's own SDK takes that for URLs.
            let data = at(object, "inlineData")["data"]
                .as_str()
                .unwrap_or_default();
            let mime = &either(at(object, "inlineData"), "mimeType", "mime_type");
            *mime == "image/png" && data.replace('-', "+").replace('_', "/") == IMAGE
        }
        Wire::Converse => {
            *at(object, "image") == json!({"format": "png", "source": {"bytes": IMAGE}})
        }
    }
}

/// Whether there are results of tools. Each call has to have one, and none is there without a call.
fn results(wire: Wire, all: &[&Object]) -> Result<bool, String> {
    let mut calls = Vec::new();
    let mut given = Vec::new();
    for object in all {
        let (call, result) = match wire {
            Wire::Chat | Wire::Cohere => {
                let is_call = at(object, "type") == "function" && object.contains_key("id");
                let is_result = at(object, "role") == "tool";
                (is_call.then_some("id"), is_result.then_some("tool_call_id"))
            }
            Wire::Responses => {
                let is = |kind| at(object, "type") == kind;
                let output = is("function_call_output");
                (
                    is("function_call").then_some("call_id"),
                    output.then_some("call_id"),
                )
            }
            Wire::Messages => {
                let is = |kind| at(object, "type") == kind;
                let result = is("tool_result");
                (
                    is("tool_use").then_some("id"),
                    result.then_some("tool_use_id"),
                )
            }
            Wire::Converse => {
                let result = object.contains_key("toolUseId") && object.contains_key("content");
                let call = object.contains_key("toolUseId") && object.contains_key("input");
                (call.then_some("toolUseId"), result.then_some("toolUseId"))
            }
            // Matched by name.
            Wire::Gemini => {
                let result = object.contains_key("response") && object.contains_key("name");
                let call = object.contains_key("args") && object.contains_key("name");
                (call.then_some("name"), result.then_some("name"))
            }
        };
        if let Some(id) = call {
            calls.push(at(object, id).to_string());
        }
        if let Some(id) = result {
            let text = Value::Object((*object).clone()).to_string();
            fine(text.contains(RESULT), "a result is not what the tool gave")?;
            given.push(at(object, id).to_string());
        }
    }
    calls.sort();
    given.sort();
    if calls == given {
        Ok(!calls.is_empty())
    } else {
        Err(format!("calls {calls:?} have results {given:?}"))
    }
}
