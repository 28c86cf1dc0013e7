//! What an answer said, however it came: what has to be equal in every format.

use std::collections::BTreeMap;

use serde_json::Value;
use weir_llm::chat::{Answer, Delta, Event, Finish, Part, PartKind, PartStart};
use weir_llm::{Format, Usage};

/// What an answer said.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Said {
    /// Each choice by its index.
    pub(crate) choices: BTreeMap<u32, Spoken>,
    /// The last usage that was told.
    pub(crate) usage: Option<Usage>,
    /// The message of the error that a stream ended in.
    pub(crate) failed: Option<String>,
}

/// What one choice said.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Spoken {
    /// Its texts, joined.
    pub(crate) text: String,
    /// Its refusals, joined.
    pub(crate) refusal: String,
    /// Its reasoning, joined.
    pub(crate) reasoning: String,
    /// The name and the arguments of each call, in order.
    pub(crate) calls: Vec<(String, Value)>,
    /// Why it ended.
    pub(crate) finish: Option<Finish>,
}

impl Said {
    /// By a plain answer.
    pub(crate) fn plainly(answer: &Answer) -> Self {
        let choices = answer.choices.iter().map(|choice| {
            let mut spoken = Spoken {
                finish: choice.finish.clone(),
                ..Spoken::default()
            };
            for part in &choice.parts {
                spoken.add(part);
            }
            (choice.index, spoken)
        });
        Self {
            choices: choices.collect(),
            usage: answer.usage,
            failed: None,
        }
    }

    /// By a stream.
    pub(crate) fn streamed(events: &[Event]) -> Self {
        let mut said = Self::default();
        let mut open: BTreeMap<(u32, u32), Open> = BTreeMap::new();
        for event in events {
            match event {
                Event::PartStart {
                    choice,
                    part,
                    start,
                } => {
                    open.insert((*choice, *part), Open::new(start));
                }
                Event::Delta {
                    choice,
                    part,
                    delta,
                } => {
                    let open = open.get_mut(&(*choice, *part)).unwrap();
                    match delta {
                        Delta::Text(more) | Delta::Arguments(more) => open.text.push_str(more),
                        Delta::Signature(_) | Delta::Citation(_) | Delta::Data(_) => {}
                    }
                }
                Event::PartEnd { choice, part } => {
                    let open = open.remove(&(*choice, *part)).unwrap();
                    said.choices.entry(*choice).or_default().close(open);
                }
                Event::Finish { choice, finish } => {
                    said.choices.entry(*choice).or_default().finish = Some(finish.clone());
                }
                Event::Usage(usage) => said.usage = Some(*usage),
                Event::Failed(problem) => said.failed = Some(problem.message.clone()),
                Event::Start { .. } | Event::Logprobs { .. } | Event::Ping | Event::End => {}
            }
        }
        assert!(open.is_empty(), "parts were left open: {open:?}");
        said
    }

    /// Whether a caller of this format could have had this answer, and if not, why not.
    pub(crate) fn fits(&self, format: Format) -> Result<(), &'static str> {
        let one = !matches!(format, Format::Chat | Format::Completions | Format::Gemini);
        if one && self.choices.len() > 1 {
            return Err("several choices, which its callers can't ask for");
        }
        let mut spoken = self.choices.values();
        if format == Format::Completions && spoken.any(|one| !one.calls.is_empty()) {
            return Err("calls of tools, which its callers can't offer");
        }
        Ok(())
    }

    /// What of it a format can say.
    pub(crate) fn said_by(&self, format: Format) -> Self {
        let mut said = self.clone();
        for spoken in said.choices.values_mut() {
            spoken.finish = spoken.finish.as_ref().map(|one| nearest(one, format));
            if !matches!(format, Format::Chat | Format::Responses) {
                // Words are words where a format has no field for a refusal.
                let refusal = std::mem::take(&mut spoken.refusal);
                spoken.text.push_str(&refusal);
            }
            if format == Format::Completions {
                spoken.reasoning.clear();
            }
        }
        // Where a format has to say something, nothing is known by zeros.
        let known = said.usage.filter(|usage| usage.input + usage.output > 0);
        said.usage = known.map(|usage| usage_by(usage, format));
        said
    }
}

impl Spoken {
    fn add(&mut self, part: &Part<'_>) {
        match &part.kind {
            PartKind::Text(text, _) => self.text.push_str(text),
            PartKind::Refusal(text) => self.refusal.push_str(text),
            PartKind::Reasoning(reasoned) => self.reasoning.push_str(&reasoned.text),
            PartKind::ToolCall(call) => self.call(&call.name, &call.arguments),
            PartKind::Media(_) | PartKind::ToolResult(_) => {}
        }
    }

    fn close(&mut self, open: Open) {
        match open.kind {
            Opened::Text => self.text.push_str(&open.text),
            Opened::Refusal => self.refusal.push_str(&open.text),
            Opened::Reasoning => self.reasoning.push_str(&open.text),
            Opened::Call(name) => self.call(&name, &open.text),
            Opened::Media => {}
        }
    }

    fn call(&mut self, name: &str, arguments: &str) {
        let arguments = if arguments.is_empty() {
            "{}"
        } else {
            arguments
        };
        let value = serde_json::from_str(arguments).unwrap_or_else(|_| arguments.into());
        self.calls.push((name.to_owned(), value));
    }
}

/// A part of a stream that has not ended.
#[derive(Debug)]
struct Open {
    kind: Opened,
    text: String,
}

#[derive(Debug)]
enum Opened {
    Text,
    Refusal,
    Reasoning,
    Call(String),
    Media,
}

impl Open {
    fn new(start: &PartStart) -> Self {
        let kind = match start {
            PartStart::Text => Opened::Text,
            PartStart::Refusal => Opened::Refusal,
            PartStart::Reasoning { .. } => Opened::Reasoning,
            PartStart::ToolCall { name, .. } => Opened::Call(name.clone()),
            PartStart::Media { .. } => Opened::Media,
        };
        Self {
            kind,
            text: String::new(),
        }
    }
}

/// The reason to end that a format has for one that it may not have.
fn nearest(finish: &Finish, format: Format) -> Finish {
    use Format::{Chat, Cohere, Completions, Converse, Gemini, Messages, Responses};
    match (finish, format) {
        // Who names the sequence: https://docs.claude.com/en/api/messages (`stop_sequence`).
        // A filter is what they have for an answer that was withheld.
        (Finish::Refusal, Completions | Gemini | Converse | Cohere) => Finish::ContentFilter,
        // And a refusal where there is no filter.
        (Finish::ContentFilter, Messages) => Finish::Refusal,
        (Finish::StopSequence(_), Chat | Completions | Responses | Gemini) => Finish::Stop,
        (Finish::StopSequence(_), Converse | Cohere) => Finish::StopSequence(None),
        (other, Messages) => other.clone(),
        (other, _) => other.clone(),
    }
}

/// What a format can say of usage.
fn usage_by(usage: Usage, format: Format) -> Usage {
    use Format::{Chat, Cohere, Completions, Gemini, Messages, Responses};
    let mut said = Usage {
        input: usage.input,
        output: usage.output,
        // A count of nothing and no count are the same.
        cached: usage.cached.filter(|n| *n > 0),
        ..Usage::default()
    };
    if matches!(format, Messages | Format::Converse) {
        said.cache_write = usage.cache_write.filter(|n| *n > 0);
    }
    if matches!(format, Chat | Completions | Responses | Gemini) {
        said.reasoning = usage.reasoning.filter(|n| *n > 0);
    }
    if format == Cohere {
        said.cached = usage.cached.filter(|n| *n > 0);
    }
    said
}
