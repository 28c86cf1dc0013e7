//! A request of chat completions, as a provider gets it.

mod history;
mod media;
mod thinking;
mod tool;

use crate::Format;
use crate::chat::{Extra, Field, Problem, Request, ResponseFormat};
use crate::codec::{Gaps, Keeps, Target};
use crate::dialect::openai::quirks::Quirks;
use crate::json::{Object, Value};

pub(crate) use media::{data_url, is_web, sniffed};
pub(crate) use thinking::{effort, off};

/// Fields that OpenAI's chat and responses have alike, where both are spoken by the same providers
/// (<https://platform.openai.com/docs/api-reference/chat/create>).
const SHARED: [&str; 6] = [
    "moderation",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "logit_bias",
];

/// What is being written, for whom.
pub(super) struct Writer<'w, 'r, 'g> {
    request: &'r Request<'r>,
    target: &'w Target<'r>,
    quirks: Quirks,
    gaps: &'g mut Gaps,
    body: Object<'r>,
}

pub(super) fn request<'r>(
    request: &'r Request<'_>,
    target: &Target<'r>,
    gaps: &mut Gaps,
) -> Result<Object<'r>, Problem> {
    let mut writer = Writer {
        request,
        target,
        quirks: Quirks::of(target),
        gaps,
        body: Object::new(),
    };
    writer.write()?;
    Ok(writer.body)
}

impl<'r> Writer<'_, 'r, '_> {
    fn write(&mut self) -> Result<(), Problem> {
        self.body.push("model", self.target.model);
        self.gaps.hints_of(
            self.request,
            Keeps {
                // Callers of responses say it in OpenAI's own words.
                cache: self.quirks.cache_markers
                    || self.quirks.own && self.request.from == Some(Format::Responses),
                user: self.quirks.user,
                schema_name: true,
            },
        );
        let messages = self.messages()?;
        self.body.push("messages", messages);
        self.tools()?;
        self.response_format()?;
        self.bounds();
        self.sampling()?;
        self.thinking()?;
        self.notes()?;
        self.extras()?;
        if self.request.stream {
            self.body.push("stream", true);
            if self.quirks.stream_options {
                let options = Object::new().with("include_usage", true);
                self.body.push("stream_options", options);
            }
        }
        Ok(())
    }

    /// The target has nothing for a field of the whole call.
    fn lacks(&mut self, field: Field, what: &str) -> Result<(), Problem> {
        self.gaps.leave_out(self.request.path_of(field), what)
    }

    fn bounds(&mut self) {
        let request = self.request;
        if let Some(most) = request.max_tokens {
            let name = self.quirks.max_tokens_name(self.target.model);
            self.body.push(name, most);
        }
        match request.stop.as_slice() {
            [] => {}
            [one] => self.body.push("stop", one),
            several => self
                .body
                .push("stop", several.iter().collect::<Value<'_>>()),
        }
        if let Some(n) = request.n {
            self.body.push("n", n);
        }
    }

    fn sampling(&mut self) -> Result<(), Problem> {
        let sampling = &self.request.sampling;
        let numbers = [
            ("temperature", sampling.temperature),
            ("top_p", sampling.top_p),
            ("frequency_penalty", sampling.frequency_penalty),
            ("presence_penalty", sampling.presence_penalty),
        ];
        for (name, value) in numbers {
            if let Some(value) = value {
                self.body.push(name, value);
            }
        }
        match sampling.top_k {
            Some(top_k) if self.quirks.top_k => self.body.push("top_k", top_k),
            Some(_) => self.lacks(Field::TopK, "a choice among the likeliest tokens by count")?,
            None => {}
        }
        if let Some(seed) = sampling.seed {
            self.body.push(self.quirks.seed, seed);
        }
        match self.request.logprobs {
            Some(_) if !self.quirks.logprobs => {
                self.lacks(Field::Logprobs, "how likely tokens are")?;
            }
            Some(logprobs) => {
                self.body.push("logprobs", true);
                if let Some(top) = logprobs.top {
                    self.body.push("top_logprobs", top);
                }
            }
            None => {}
        }
        Ok(())
    }

    fn response_format(&mut self) -> Result<(), Problem> {
        let format = match &self.request.format {
            None => return Ok(()),
            Some(ResponseFormat::Text) => Object::new().with("type", "text"),
            Some(ResponseFormat::JsonObject) => Object::new().with("type", "json_object"),
            Some(ResponseFormat::JsonSchema { .. }) if !self.quirks.json_schema => {
                return self.lacks(Field::ResponseFormat, "answers that fit a JSON schema");
            }
            Some(ResponseFormat::JsonSchema {
                name,
                description,
                schema,
                strict,
            }) => {
                let schema = Object::new()
                    .with("name", name)
                    .maybe("description", description.as_ref())
                    .with("schema", schema.clone())
                    .maybe("strict", *strict);
                Object::new()
                    .with("type", "json_schema")
                    .with("json_schema", schema)
            }
        };
        self.body.push("response_format", format);
        Ok(())
    }

    /// What the caller tells of the call.
    fn notes(&mut self) -> Result<(), Problem> {
        let request = self.request;
        if let Some(user) = request.user.as_ref().filter(|_| self.quirks.user) {
            self.body.push("user", user);
        }
        if !request.metadata.is_empty() {
            if self.quirks.metadata {
                let mut metadata = Object::new();
                for (name, value) in &request.metadata {
                    metadata.push(&**name, value);
                }
                self.body.push("metadata", metadata);
            } else {
                self.lacks(Field::Metadata, "notes of a call")?;
            }
        }
        match request.service_tier.as_deref() {
            // What every provider does by itself.
            None | Some("auto") => {}
            Some("default" | "standard_only") if !self.quirks.service_tier => {}
            Some(_) if !self.quirks.service_tier => {
                self.lacks(Field::ServiceTier, "a tier of service")?;
            }
            // Anthropic's name of it.
            Some("standard_only") => self.body.push("service_tier", "default"),
            Some(tier) => self.body.push("service_tier", tier),
        }
        Ok(())
    }

    fn extras(&mut self) -> Result<(), Problem> {
        let request = self.request;
        for extra in &request.extras {
            match self.own_name(extra) {
                Some(name) => self.body.push(name, extra.value.clone()),
                None => self.gaps.extra(extra)?,
            }
        }
        Ok(())
    }

    /// What a field of the caller's is called here; `None` where there is no such thing.
    fn own_name(&self, extra: &'r Extra<'r>) -> Option<&'r str> {
        let path = extra.path.as_str();
        match self.request.from {
            Some(Format::Chat) => (!path.contains(['.', '['])).then_some(path),
            Some(Format::Responses | Format::Completions) if self.quirks.own => match path {
                "text.verbosity" => Some("verbosity"),
                _ => SHARED.contains(&path).then_some(path),
            },
            _ => None,
        }
    }
}
