//! The item under way, and the piece of it under way.

use crate::json::{Object, Value};

/// An item of the output.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) kind: Kind,
    /// The pieces that have ended: content of a message; content of reasoning.
    pub(super) done: Vec<Object<'static>>,
    /// The summaries that have ended.
    summaries: Vec<Object<'static>>,
    /// The piece under way.
    pub(super) content: Option<Content>,
}

/// What an item is.
#[derive(Debug)]
pub(super) enum Kind {
    Message,
    Reasoning {
        encrypted: Option<String>,
    },
    Call {
        id: String,
        name: String,
        arguments: String,
    },
    Image {
        media_type: Option<String>,
        data: String,
    },
}

/// A piece of a message or of reasoning.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) sort: Sort,
    pub(super) text: String,
    /// Unicode code points of the text.
    pub(super) characters: u64,
    pub(super) annotations: Vec<Object<'static>>,
    pub(super) logprobs: Vec<Value<'static>>,
    /// The text shows a file.
    pub(super) file: bool,
}

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Text,
    Refusal,
    Summary,
    Reasoning,
}

/// How the events of a piece are called.
pub(super) struct Names {
    pub(super) added: &'static str,
    pub(super) delta: &'static str,
    pub(super) done: &'static str,
    pub(super) part_done: &'static str,
}

impl Content {
    pub(super) fn new(sort: Sort) -> Self {
        Self {
            sort,
            text: String::new(),
            characters: 0,
            annotations: Vec::new(),
            logprobs: Vec::new(),
            file: false,
        }
    }

    pub(super) fn push(&mut self, more: &str) {
        self.text.push_str(more);
        self.characters += more.chars().count() as u64;
    }

    pub(super) fn names(&self) -> Names {
        let (delta, done) = match self.sort {
            Sort::Text => ("response.output_text.delta", "response.output_text.done"),
            Sort::Refusal => ("response.refusal.delta", "response.refusal.done"),
            Sort::Reasoning => (
                "response.reasoning_text.delta",
                "response.reasoning_text.done",
            ),
            Sort::Summary => {
                return Names {
                    added: "response.reasoning_summary_part.added",
                    delta: "response.reasoning_summary_text.delta",
                    done: "response.reasoning_summary_text.done",
                    part_done: "response.reasoning_summary_part.done",
                };
            }
        };
        Names {
            added: "response.content_part.added",
            delta,
            done,
            part_done: "response.content_part.done",
        }
    }

    /// The field of it that holds its text.
    pub(super) fn field(&self) -> &'static str {
        match self.sort {
            Sort::Refusal => "refusal",
            Sort::Text | Sort::Summary | Sort::Reasoning => "text",
        }
    }

    /// It as it is by now.
    pub(super) fn object(&self) -> Object<'static> {
        let kind = match self.sort {
            Sort::Text => "output_text",
            Sort::Refusal => "refusal",
            Sort::Summary => "summary_text",
            Sort::Reasoning => "reasoning_text",
        };
        let object = Object::new().with("type", kind);
        let object = match self.sort {
            Sort::Text => object
                .with("annotations", self.annotations.clone())
                .with("logprobs", self.logprobs.clone()),
            _ => object,
        };
        object.with(self.field(), self.text.clone())
    }
}

impl Item {
    pub(super) fn new(id: String, kind: Kind) -> Self {
        Self {
            id,
            kind,
            done: Vec::new(),
            summaries: Vec::new(),
            content: None,
        }
    }

    /// The name and the value of the index of a piece that comes next.
    pub(super) fn place(&self, content: &Content) -> (&'static str, u64) {
        match content.sort {
            Sort::Summary => ("summary_index", self.summaries.len() as u64),
            _ => ("content_index", self.done.len() as u64),
        }
    }

    /// Takes a piece that has ended.
    pub(super) fn keep(&mut self, content: Content) {
        let object = content.object();
        match content.sort {
            Sort::Summary => self.summaries.push(object),
            _ => self.done.push(object),
        }
    }

    /// It as it is by now.
    pub(super) fn object(&self, status: &'static str) -> Object<'static> {
        let head = |kind: &'static str| {
            Object::new()
                .with("id", self.id.clone())
                .with("type", kind)
                .with("status", status)
        };
        match &self.kind {
            Kind::Message => head("message")
                .with("content", self.done.clone())
                .with("role", "assistant"),
            Kind::Reasoning { encrypted } => {
                let item = Object::new()
                    .with("id", self.id.clone())
                    .with("type", "reasoning")
                    .with("summary", self.summaries.clone());
                let content = (!self.done.is_empty()).then(|| self.done.clone());
                item.maybe("content", content)
                    .maybe("encrypted_content", encrypted.clone())
            }
            Kind::Call {
                id,
                name,
                arguments,
            } => head("function_call")
                .with("arguments", arguments.clone())
                .with("call_id", id.clone())
                .with("name", name.clone()),
            Kind::Image { media_type, data } => {
                let format = media_type
                    .as_deref()
                    .and_then(|one| one.strip_prefix("image/"));
                let result = match data.as_str() {
                    "" => Value::Null,
                    data => data.to_owned().into(),
                };
                head("image_generation_call")
                    .maybe("output_format", format.map(str::to_owned))
                    .with("result", result)
            }
        }
    }
}
