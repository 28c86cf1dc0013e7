//! `generationConfig` (<https://ai.google.dev/api/generate-content#generationconfig>).

use super::super::names::{fields, list, whole};
use super::super::schema::to_json_schema;
use super::{Reader, wrong};
use crate::chat::{Detail, Effort, Logprobs, Problem, ResponseFormat, Thinking};
use crate::json::Value;

/// What `generationConfig` says of the shape of an answer.
#[derive(Default)]
struct Shape<'a> {
    media_type: Option<(String, Value<'a>)>,
    schema: Option<Value<'a>>,
    json_schema: Option<Value<'a>>,
    /// Where the schema stands.
    path: String,
    logprobs: Option<bool>,
    top: Option<u32>,
}

impl<'a> Reader<'a> {
    pub(super) fn config(&mut self, value: &Value<'a>, path: &str) -> Result<(), Problem> {
        let object = value
            .as_object()
            .ok_or_else(|| wrong(path, value, "an object"))?;
        let mut shape = Shape::default();
        for (name, own, value) in fields(object) {
            let here = format!("{path}.{own}");
            match &*name {
                "stopSequences" => {
                    for (path, stop) in list(value, &here) {
                        let stop = stop
                            .as_text()
                            .ok_or_else(|| wrong(&path, stop, "a string"))?;
                        self.request.stop.push(stop.value.clone());
                    }
                }
                "candidateCount" => match whole(value).and_then(|n| u32::try_from(n).ok()) {
                    Some(n) => self.request.n = Some(n),
                    None => return Err(wrong(&here, value, "a whole number")),
                },
                "maxOutputTokens" => match whole(value) {
                    Some(most) => self.request.max_tokens = Some(most),
                    None => return Err(wrong(&here, value, "a whole number")),
                },
                "thinkingConfig" => self.thinking(value, &here)?,
                "mediaResolution" => match value.as_str() {
                    Some("MEDIA_RESOLUTION_LOW") => self.detail = Some(Detail::Low),
                    Some("MEDIA_RESOLUTION_HIGH") => self.detail = Some(Detail::High),
                    _ => self.extra(here, value),
                },
                "responseModalities" if only_text(value) => {}
                _ => {
                    if !self.sampling(&name, value, &here)? && !shape.take(&name, value, &here) {
                        self.extra(here, value);
                    }
                }
            }
        }
        self.shape(shape, path);
        Ok(())
    }

    /// Whether it was a field of how tokens are drawn.
    fn sampling(&mut self, name: &str, value: &Value<'a>, path: &str) -> Result<bool, Problem> {
        let sampling = &mut self.request.sampling;
        let slot = match name {
            "temperature" => &mut sampling.temperature,
            "topP" => &mut sampling.top_p,
            "frequencyPenalty" => &mut sampling.frequency_penalty,
            "presencePenalty" => &mut sampling.presence_penalty,
            "topK" => {
                sampling.top_k = whole(value);
                return Ok(sampling.top_k.is_some());
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
                .ok_or_else(|| wrong(path, value, "a number"))?,
        );
        Ok(true)
    }

    /// `{thinkingBudget, includeThoughts, thinkingLevel}`; a budget of -1 leaves it to the model
    /// (<https://ai.google.dev/gemini-api/docs/thinking>).
    fn thinking(&mut self, value: &Value<'a>, path: &str) -> Result<(), Problem> {
        let object = value
            .as_object()
            .ok_or_else(|| wrong(path, value, "an object"))?;
        let mut thinking = Thinking::default();
        for (name, own, value) in fields(object) {
            let here = format!("{path}.{own}");
            match &*name {
                "includeThoughts" => thinking.visible = value.as_bool(),
                "thinkingBudget" if value.as_i64() == Some(-1) => thinking.enabled = Some(true),
                "thinkingBudget" => match whole(value) {
                    Some(0) => thinking.enabled = Some(false),
                    Some(budget) => thinking.budget = Some(budget),
                    None => return Err(wrong(&here, value, "a whole number")),
                },
                "thinkingLevel" => {
                    let level = value.as_str().map(str::to_ascii_lowercase);
                    match level.as_deref().map(Effort::from_name) {
                        Some(Some(effort)) => thinking.effort = Some(effort),
                        _ => self.extra(here, value),
                    }
                }
                _ => self.extra(here, value),
            }
        }
        self.request.thinking = Some(thinking);
        Ok(())
    }

    fn shape(&mut self, shape: Shape<'a>, path: &str) {
        if shape.logprobs == Some(true) {
            self.request.logprobs = Some(Logprobs { top: shape.top });
        } else if let Some(top) = shape.top {
            self.extra(format!("{path}.logprobs"), &top.into());
        }
        let schema = shape.schema.or(shape.json_schema);
        let media_type = shape
            .media_type
            .as_ref()
            .and_then(|(_, value)| value.as_str());
        match (media_type, schema) {
            (None, None) => {}
            (Some("application/json") | None, Some(schema)) => {
                self.request.format = Some(ResponseFormat::JsonSchema {
                    name: "response".into(),
                    description: None,
                    schema,
                    strict: None,
                });
            }
            (Some("application/json"), None) => {
                self.request.format = Some(ResponseFormat::JsonObject);
            }
            (Some("text/plain"), None) => self.request.format = Some(ResponseFormat::Text),
            // `text/x.enum` and whatever else comes.
            (Some(_), schema) => {
                if let Some((path, value)) = shape.media_type {
                    self.extra(path, &value);
                }
                if let Some(schema) = schema {
                    self.extra(shape.path, &schema);
                }
            }
        }
    }
}

impl<'a> Shape<'a> {
    fn take(&mut self, name: &str, value: &Value<'a>, path: &str) -> bool {
        match name {
            "responseMimeType" => self.media_type = Some((path.to_owned(), value.clone())),
            "responseSchema" => {
                self.schema = Some(to_json_schema(value));
                path.clone_into(&mut self.path);
            }
            "responseJsonSchema" => {
                self.json_schema = Some(value.clone());
                path.clone_into(&mut self.path);
            }
            "responseLogprobs" => self.logprobs = value.as_bool(),
            "logprobs" => {
                self.top = whole(value).and_then(|top| u32::try_from(top).ok());
                return self.top.is_some();
            }
            _ => return false,
        }
        true
    }
}

fn only_text(value: &Value<'_>) -> bool {
    list(value, "").iter().all(|(_, one)| {
        one.as_str()
            .is_some_and(|name| name.eq_ignore_ascii_case("TEXT"))
    })
}
