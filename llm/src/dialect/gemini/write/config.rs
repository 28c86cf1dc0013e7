//! `generationConfig` (<https://ai.google.dev/api/generate-content#generationconfig>).

use super::{Writer, generation};
use crate::chat::{Detail, Effort, MediaKind, PartKind, Problem, ResponseFormat, Source, Thinking};
use crate::json::{Object, Value};

impl<'r> Writer<'_, 'r> {
    pub(super) fn config(&mut self) -> Result<(), Problem> {
        let request = self.request;
        let sampling = &request.sampling;
        let mut config = Object::new();
        if !request.stop.is_empty() {
            config.push("stopSequences", request.stop.iter().collect::<Value<'_>>());
        }
        let mut config = config
            .maybe("candidateCount", request.n)
            .maybe("maxOutputTokens", request.max_tokens)
            .maybe("temperature", sampling.temperature)
            .maybe("topP", sampling.top_p)
            .maybe("topK", sampling.top_k)
            .maybe("presencePenalty", sampling.presence_penalty)
            .maybe("frequencyPenalty", sampling.frequency_penalty)
            .maybe("seed", sampling.seed);
        if let Some(logprobs) = request.logprobs {
            config.push("responseLogprobs", true);
            if let Some(top) = logprobs.top.filter(|top| *top > 0) {
                config.push("logprobs", top);
            }
        }
        shape(request.format.as_ref(), &mut config);
        if let Some(thinking) = &request.thinking {
            let thinking = self.thinking(thinking);
            if !thinking.is_empty() {
                config.push("thinkingConfig", thinking);
            }
        }
        if let Some(resolution) = self.resolution()? {
            config.push("mediaResolution", resolution);
        }
        if !config.is_empty() {
            self.body.push("generationConfig", config);
        }
        Ok(())
    }

    /// Models up to the second generation take a budget, later ones a level and not both; a budget alone they take
    /// still (<https://ai.google.dev/gemini-api/docs/thinking#levels-budgets>).
    fn thinking(&self, thinking: &Thinking) -> Object<'r> {
        let levels = generation(self.target.model).is_some_and(|generation| generation >= 3);
        let off = thinking.enabled == Some(false) || thinking.effort == Some(Effort::None);
        let mut config = Object::new();
        match (thinking.effort, thinking.budget) {
            _ if off => config.push("thinkingBudget", 0u32),
            (Some(effort), _) if levels => config.push("thinkingLevel", level(effort)),
            (_, Some(budget)) => config.push("thinkingBudget", budget),
            (Some(effort), None) => config.push("thinkingBudget", effort.budget()),
            (None, None) if thinking.enabled == Some(true) => config.push("thinkingBudget", -1i64),
            (None, None) => {}
        }
        config.maybe("includeThoughts", thinking.visible)
    }

    /// How closely images are looked at is said once for all of them.
    fn resolution(&mut self) -> Result<Option<&'static str>, Problem> {
        let turns = self
            .request
            .messages
            .iter()
            .flat_map(|message| &message.parts);
        let mut images = turns.filter_map(|part| match &part.kind {
            PartKind::Media(media)
                if media.kind == MediaKind::Image && !matches!(media.source, Source::Text(_)) =>
            {
                Some((
                    part.path.as_str(),
                    media.detail.filter(|detail| *detail != Detail::Auto),
                ))
            }
            _ => None,
        });
        let Some((_, first)) = images.next() else {
            return Ok(None);
        };
        let mut differs = None;
        for (path, detail) in images {
            if detail != first {
                differs = Some(path);
            }
        }
        if let Some(path) = differs {
            self.gaps
                .leave_out(&format!("{path}.detail"), "a resolution of each image")?;
            return Ok(None);
        }
        Ok(first.map(|detail| match detail {
            Detail::Low => "MEDIA_RESOLUTION_LOW",
            Detail::Auto | Detail::High => "MEDIA_RESOLUTION_HIGH",
        }))
    }
}

fn level(effort: Effort) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal => "MINIMAL",
        Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High | Effort::XHigh | Effort::Max => "HIGH",
    }
}

/// Schemas go whole, as JSON Schema; what it is for becomes the schema's own description.
fn shape<'r>(format: Option<&'r ResponseFormat<'r>>, config: &mut Object<'r>) {
    match format {
        None => {}
        Some(ResponseFormat::Text) => config.push("responseMimeType", "text/plain"),
        Some(ResponseFormat::JsonObject) => config.push("responseMimeType", "application/json"),
        Some(ResponseFormat::JsonSchema {
            description,
            schema,
            ..
        }) => {
            config.push("responseMimeType", "application/json");
            let mut schema = schema.clone();
            if let (Value::Object(object), Some(description)) = (&mut schema, description)
                && object.get("description").is_none()
            {
                object.push("description", description);
            }
            config.push("responseJsonSchema", schema);
        }
    }
}
