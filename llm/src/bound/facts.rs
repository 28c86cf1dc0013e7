//! What a request says of its cost.

use super::media::{Medium, tokens};
use crate::Format;
use crate::chat::{Part, PartKind, Request, ResponseFormat, Tool};
use crate::json::Value;

/// What is known of a request, without reading its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The format that the provider is sent.
    pub format: Format,
    /// Bytes of all that the model reads: texts, names, schemas, arguments.
    pub text_bytes: u64,
    /// Turns.
    pub messages: u64,
    /// Tools.
    pub tools: u64,
    /// Files.
    pub media: Vec<Medium>,
    /// The maximum of the output that the caller asked for.
    pub max_output: Option<u64>,
    /// How many answers it asked for.
    pub answers: u32,
    /// How many tokens the model may reason with.
    pub thinking_budget: Option<u64>,
    /// Bytes of what the caller predicts of the answer.
    pub predicted: u64,
    /// Fields whose cost has no bound, by their paths in the body.
    pub unbounded: Vec<String>,
}

/// Fields that one format alone knows and that spend without bound: what the provider does by itself, and what it has
/// stored, of any length.
const SPENDING: [&str; 14] = [
    // OpenAI.
    "web_search_options",
    "previous_response_id",
    "conversation",
    "prompt",
    "background",
    // Anthropic.
    "mcp_servers",
    "container",
    // Gemini.
    "cachedContent",
    // Bedrock: a stored prompt's variables, a guardrail that is billed by itself.
    "promptVariables",
    "guardrailConfig",
    // xAI, OpenRouter, Groq, Perplexity.
    "search_parameters",
    "plugins",
    "compound_custom",
    "web_search",
];

impl Facts {
    /// What a request says of its cost where it is sent in this format. A field that the format can't say counts all the
    /// same.
    #[must_use]
    pub fn of(request: &Request<'_>, format: Format) -> Self {
        let mut facts = Self {
            format,
            text_bytes: 0,
            messages: request.messages.len() as u64 + u64::from(!request.system.is_empty()),
            tools: request.tools.len() as u64,
            media: Vec::new(),
            max_output: request.max_tokens,
            answers: request.n.unwrap_or(1),
            thinking_budget: request.thinking.and_then(|thinking| thinking.budget),
            predicted: 0,
            unbounded: Vec::new(),
        };
        for part in &request.system {
            facts.add_part(part);
        }
        for message in &request.messages {
            facts.add(message.name.as_deref());
            for part in &message.parts {
                facts.add_part(part);
            }
        }
        for tool in &request.tools {
            facts.add_tool(tool);
        }
        if let Some(ResponseFormat::JsonSchema {
            name,
            description,
            schema,
            ..
        }) = &request.format
        {
            facts.add(Some(name));
            facts.add(description.as_deref());
            facts.add_value(schema);
        }
        for extra in &request.extras {
            facts.add_extra(&extra.path, &extra.value);
        }
        facts
    }

    /// Those of a call that is text alone, of so many bytes, and is answered without a word: embeddings, moderations,
    /// speech.
    #[must_use]
    pub fn of_text(bytes: u64) -> Self {
        Self {
            text_bytes: bytes,
            max_output: Some(0),
            ..Self::of(&Request::default(), Format::Chat)
        }
    }

    /// The tokens that can go in at most.
    #[must_use]
    pub fn input(&self) -> u64 {
        self.text_bytes
            .saturating_add(self.messages.saturating_mul(PER_MESSAGE))
            .saturating_add(self.tools.saturating_mul(PER_TOOL))
            .saturating_add(ONCE)
            .saturating_add(tokens(self.format, &self.media))
    }

    fn add(&mut self, text: Option<&str>) {
        let bytes = text.map_or(0, str::len) as u64;
        self.text_bytes = self.text_bytes.saturating_add(bytes);
    }

    fn add_value(&mut self, value: &Value<'_>) {
        let mut text = Vec::new();
        value.write(&mut text);
        self.text_bytes = self.text_bytes.saturating_add(text.len() as u64);
    }

    fn add_part(&mut self, part: &Part<'_>) {
        match &part.kind {
            PartKind::Text(text, citations) => {
                self.add(Some(text));
                for citation in citations {
                    let said = [&citation.quote, &citation.title, &citation.url];
                    said.into_iter().for_each(|text| self.add(text.as_deref()));
                }
            }
            PartKind::Refusal(text) => self.add(Some(text)),
            PartKind::Reasoning(reasoned) => {
                self.add(Some(&reasoned.text));
                // What is hidden in it was reasoned in fewer tokens than it has bytes.
                self.add(
                    reasoned
                        .signature
                        .as_ref()
                        .map(|signature| signature.data.as_ref()),
                );
            }
            PartKind::ToolCall(call) => {
                self.add(Some(&call.id));
                self.add(Some(&call.name));
                self.add(Some(&call.arguments));
                self.add(
                    call.signature
                        .as_ref()
                        .map(|signature| signature.data.as_ref()),
                );
            }
            PartKind::ToolResult(result) => {
                self.add(Some(&result.call));
                self.add(result.name.as_deref());
                result.parts.iter().for_each(|part| self.add_part(part));
            }
            PartKind::Media(media) => {
                self.add(media.name.as_deref());
                match (&media.source, Medium::of(media)) {
                    (crate::chat::Source::Text(text), _) => self.add(Some(text)),
                    (_, Some(medium)) => self.media.push(medium),
                    (_, None) => self.unbounded.push(part.path.clone()),
                }
            }
        }
    }

    fn add_tool(&mut self, tool: &Tool<'_>) {
        match tool {
            Tool::Function {
                name,
                description,
                parameters,
                ..
            } => {
                self.add(Some(name));
                self.add(description.as_deref());
                if let Some(parameters) = parameters {
                    self.add_value(parameters);
                }
            }
            Tool::Server { path, .. } => self.unbounded.push(path.clone()),
        }
    }

    fn add_extra(&mut self, path: &str, value: &Value<'_>) {
        if value.is_null() || value.as_bool() == Some(false) {
            return;
        }
        let before = self.text_bytes;
        self.add_value(value);
        let spoken_before = path.starts_with("messages[") && path.ends_with(".audio");
        if SPENDING.contains(&path) || spoken_before {
            self.unbounded.push(path.to_owned());
        } else if path == "prediction" {
            self.predicted = self.text_bytes - before;
        }
    }
}

/// Tokens that providers put around a turn at most: OpenAI's 4 and 1 for a name
/// (<https://developers.openai.com/cookbook/examples/how_to_count_tokens_with_tiktoken>); the others do not say.
const PER_MESSAGE: u64 = 16;
/// Around a tool: OpenAI's 12, and 6 and more for its properties (same page), which their bytes bound.
const PER_TOOL: u64 = 64;
/// And once a request: Anthropic's own words on tools, 804 at most
/// (<https://platform.claude.com/docs/en/about-claude/pricing#tool-use-pricing>), and those on what an answer has to look like.
const ONCE: u64 = 2_048;
