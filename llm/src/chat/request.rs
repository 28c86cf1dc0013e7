use std::borrow::Cow;

use super::{Message, Part, PartKind, Tool, ToolChoice};
use crate::Format;
use crate::json::{Text, Value};

/// What a caller asks of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request<'a> {
    /// The format that it was read from; every reader says it. See [`path_of`](Self::path_of).
    pub from: Option<Format>,
    /// The model, as the caller calls it; written as the provider calls it.
    pub model: Cow<'a, str>,
    /// The instructions before the first turn: texts, for the most part.
    pub system: Vec<Part<'a>>,
    /// The turns.
    pub messages: Vec<Message<'a>>,
    /// What may be called.
    pub tools: Vec<Tool<'a>>,
    /// Whether it is called.
    pub tool_choice: Option<ToolChoice<'a>>,
    /// Whether several may be called at once.
    pub parallel_tools: Option<bool>,
    /// What the answer has to look like.
    pub format: Option<ResponseFormat<'a>>,
    /// The most tokens of an answer, reasoning included.
    pub max_tokens: Option<u64>,
    /// Where an answer ends.
    pub stop: Vec<Cow<'a, str>>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Whether and how the model reasons first.
    pub thinking: Option<Thinking>,
    /// How likely each token was.
    pub logprobs: Option<Logprobs>,
    /// How many answers; one without it.
    pub n: Option<u32>,
    /// Whether the answer comes as a stream.
    pub stream: bool,
    /// The caller's own user.
    pub user: Option<Cow<'a, str>>,
    /// What the caller notes of the call.
    pub metadata: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// How fast and dear it shall be: `auto`, `default`, `flex`, `priority`, `standard_only`.
    pub service_tier: Option<Cow<'a, str>>,
    /// What the reader's own format alone can say, in the order of the body. A writer of another format refuses or drops
    /// each.
    pub extras: Vec<Extra<'a>>,
    /// Hints that the reader itself left out, since no format has a place for them: by the shape of their paths, each once.
    pub left_out: Vec<&'static str>,
    /// The mark of a prompt cache at the last part was set for the request as a whole.
    pub caches_whole: bool,
}

/// A field that the canonical form does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Extra<'a> {
    /// Where it stands, as `store` or `messages[2].content[0].type`.
    pub path: String,
    /// What it says.
    pub value: Value<'a>,
}

/// How tokens are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampling {
    /// 0 to 2, or 0 to 1 at some.
    pub temperature: Option<f64>,
    /// Of the likeliest that make up this much.
    pub top_p: Option<f64>,
    /// Of so many of the likeliest.
    pub top_k: Option<u64>,
    /// -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// -2 to 2.
    pub presence_penalty: Option<f64>,
    /// The same seed draws the same, if the provider can.
    pub seed: Option<i64>,
}

/// What an answer has to look like.
#[derive(Clone, Debug, PartialEq)]
pub enum ResponseFormat<'a> {
    /// Anything.
    Text,
    /// A JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema {
        /// What it is called; formats without names are read as `response`.
        name: Cow<'a, str>,
        /// What it is for.
        description: Option<Cow<'a, str>>,
        /// The schema.
        schema: Value<'a>,
        /// It must fit exactly.
        strict: Option<bool>,
    },
}

/// Whether and how a model reasons before it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thinking {
    /// Not at all, where `Some(false)`.
    pub enabled: Option<bool>,
    /// How hard.
    pub effort: Option<Effort>,
    /// With at most so many tokens.
    pub budget: Option<u64>,
    /// The caller wants to read it, or a summary.
    pub visible: Option<bool>,
}

/// How hard a model reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    XHigh,
    Max,
}

/// How likely tokens were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logprobs {
    /// And how likely so many others in their place.
    pub top: Option<u32>,
}

impl Effort {
    /// Its name, as OpenAI and Anthropic write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// What a name means.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::None,
            Self::Minimal,
            Self::Low,
            Self::Medium,
            Self::High,
            Self::XHigh,
            Self::Max,
        ]
        .into_iter()
        .find(|one| one.name() == name)
    }

    /// The budget that stands for it where a provider knows budgets alone. The figures are those by which Google's
    /// API reads OpenAI's efforts (<https://ai.google.dev/gemini-api/docs/openai#thinking>).
    #[must_use]
    pub fn budget(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minimal | Self::Low => 1024,
            Self::Medium => 8192,
            Self::High | Self::XHigh | Self::Max => 24_576,
        }
    }

    /// The effort that is nearest to a budget: the least whose own is no smaller.
    #[must_use]
    pub fn of_budget(budget: u64) -> Self {
        match budget {
            0 => Self::None,
            1..=1024 => Self::Low,
            1025..=8192 => Self::Medium,
            _ => Self::High,
        }
    }
}

impl<'a> Request<'a> {
    /// Every text that the model reads, in order: instructions, turns, results and arguments of tools, documents
    /// that are text. With their places in the body.
    pub fn texts(&self) -> Vec<&Text<'a>> {
        let mut texts = Vec::new();
        let turns = self.messages.iter().flat_map(|message| &message.parts);
        for part in self.system.iter().chain(turns) {
            collect(part, &mut texts);
        }
        texts
    }

    /// Says that a hint was left out.
    pub(crate) fn leaves_out(&mut self, shape: &'static str) {
        if !self.left_out.contains(&shape) {
            self.left_out.push(shape);
        }
    }

    /// The path of the first file that is kept at a provider, if there is one.
    #[must_use]
    pub fn kept_file(&self) -> Option<&str> {
        let turns = self.messages.iter().flat_map(|message| &message.parts);
        self.system.iter().chain(turns).find_map(kept)
    }

    /// Bytes of these texts.
    #[must_use]
    pub fn text_bytes(&self) -> u64 {
        self.texts().iter().map(|text| text.len() as u64).sum()
    }
}

fn collect<'r, 'a>(part: &'r Part<'a>, texts: &mut Vec<&'r Text<'a>>) {
    match &part.kind {
        PartKind::Text(text, _) | PartKind::Refusal(text) => texts.push(text),
        PartKind::Media(media) => {
            if let super::Source::Text(text) = &media.source {
                texts.push(text);
            }
        }
        PartKind::ToolCall(call) => texts.push(&call.arguments),
        PartKind::ToolResult(result) => {
            for part in &result.parts {
                collect(part, texts);
            }
        }
        PartKind::Reasoning(reasoned) => texts.push(&reasoned.text),
    }
}

fn kept<'r>(part: &'r Part<'_>) -> Option<&'r str> {
    match &part.kind {
        PartKind::Media(media) if matches!(media.source, super::Source::File(_)) => {
            Some(&part.path)
        }
        PartKind::ToolResult(result) => result.parts.iter().find_map(kept),
        _ => None,
    }
}
