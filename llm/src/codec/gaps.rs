//! What a target can't do.

use crate::chat::{
    Extra, Field, Hint, Message, Part, PartKind, Problem, Request, ResponseFormat, Tool,
};
use crate::json::Value;

/// What a target can't do: refused, or dropped and told, as the route says. What no answer hangs on is never refused, and
/// told all the same.
#[derive(Debug)]
pub struct Gaps {
    drop: bool,
    /// The format that can't.
    to: &'static str,
    dropped: Vec<String>,
    hints: Vec<String>,
}

/// Which hints a target has a place for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeps {
    /// Marks of prompt caches.
    pub cache: bool,
    /// The caller's own name of its user.
    pub user: bool,
    /// The name of the schema that the answer has to fit.
    pub schema_name: bool,
}

/// Fields of OpenAI's responses that stand for a part of the conversation, or for when it is answered.
const NEEDED: [&str; 4] = [
    "previous_response_id",
    "conversation",
    "prompt",
    "background",
];

/// Items of the input of OpenAI's responses that stand for a part of the conversation that is not in the body.
const NEEDED_ITEMS: [&str; 2] = ["item_reference", "compaction"];

/// How many of the paths that were left out are told: a caller may make up any number.
const MOST_TOLD: usize = 100;

impl Gaps {
    /// `drop`: what can be left out is; otherwise it is refused.
    /// `to` is what the target is called in messages.
    #[must_use]
    pub fn new(drop: bool, to: &'static str) -> Self {
        Self {
            drop,
            to,
            dropped: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// The target can't do what stands at this path; the call makes sense without it.
    ///
    /// # Errors
    /// The refusal, where the route does not say that it is dropped.
    pub fn leave_out(&mut self, path: &str, what: &str) -> Result<(), Problem> {
        if self.drop {
            add(&mut self.dropped, path.to_owned());
            return Ok(());
        }
        Err(self.refuse(path, what))
    }

    /// The target can't do what stands at this path, and without it the call would mean something else.
    #[must_use]
    pub fn refuse(&self, path: &str, what: &str) -> Problem {
        Problem::invalid(
            "unsupported_parameter",
            path,
            format!(
                "Unsupported parameter: '{path}'. The model behind this route is called by {}, which has nothing for {what}.",
                self.to
            ),
        )
    }

    /// The target has nothing for any of what another format alone can say.
    ///
    /// # Errors
    /// The refusal of the first, where the route does not say that it is dropped; and of one without which the call would
    /// mean something else, in any case.
    pub fn extras(&mut self, extras: &[Extra<'_>]) -> Result<(), Problem> {
        extras.iter().try_for_each(|extra| self.extra(extra))
    }

    /// The same of one.
    ///
    /// # Errors
    /// As [`extras`](Self::extras).
    pub fn extra(&mut self, extra: &Extra<'_>) -> Result<(), Problem> {
        let kind = extra.value.get("type").and_then(Value::as_str);
        let item = kind.is_some_and(|kind| NEEDED_ITEMS.contains(&kind));
        if item || NEEDED.contains(&&*extra.path) {
            return Err(self.refuse(&extra.path, "what is kept at a provider"));
        }
        self.leave_out(&extra.path, "it")
    }

    /// The target has no names of speakers.
    ///
    /// # Errors
    /// As [`leave_out`](Self::leave_out).
    pub(crate) fn speaker(&mut self, message: &Message<'_>) -> Result<(), Problem> {
        match message.name {
            None => Ok(()),
            Some(_) => self.leave_out(&message.name_path(), "names of speakers"),
        }
    }

    /// A hint is left out, whatever the route says of parameters: no answer hangs on it. `shape` is its path without numbers
    /// of turns and parts, so that each is told once.
    pub(crate) fn hint(&mut self, shape: impl Into<String>) {
        add(&mut self.hints, shape.into());
    }

    /// The same of one that belongs to the part at this path.
    pub(crate) fn hint_at(&mut self, request: &Request<'_>, hint: Hint, path: &str) {
        self.hint(request.shape_of(hint, path));
    }

    /// What proves the reasoning behind a call is another's.
    pub(crate) fn unproven(&mut self, request: &Request<'_>, part: &Part<'_>) {
        self.hint_at(request, Hint::Signature, &part.path);
    }

    /// What a model thought that is not the target's. Words that were not even said leave nothing out.
    pub(crate) fn forgotten(&mut self, request: &Request<'_>, part: &Part<'_>) {
        if let PartKind::Reasoning(reasoned) = &part.kind
            && (reasoned.signature.is_some() || !reasoned.text.is_empty())
        {
            let redacted = reasoned.redacted;
            self.hint_at(request, Hint::Reasoning { redacted }, &part.path);
        }
    }

    /// Tells of the hints of a whole request those that a target does not keep. Citations of earlier answers none does.
    pub(crate) fn hints_of(&mut self, request: &Request<'_>, keeps: Keeps) {
        for &shape in &request.left_out {
            self.hint(shape);
        }
        if request.user.is_some() && !keeps.user {
            self.hint(request.path_of(Field::User));
        }
        if let (Some(ResponseFormat::JsonSchema { name, .. }), Some(path)) =
            (&request.format, request.schema_name_path())
            && !keeps.schema_name
            // That is what one without a name is read as.
            && name != "response"
        {
            self.hint(path);
        }
        let turns = request.messages.iter().flat_map(|message| &message.parts);
        for part in request.system.iter().chain(turns) {
            self.hints_of_part(request, part, keeps);
        }
        if keeps.cache {
            return;
        }
        if request.caches_whole {
            self.hint("cache_control");
        }
        let marked = |tool: &Tool<'_>| matches!(tool, Tool::Function { cache: Some(_), .. });
        if request.tools.iter().any(marked) {
            let tools = format!("{}[]", request.path_of(Field::Tools));
            self.hint_at(request, Hint::Cache, &tools);
        }
    }

    fn hints_of_part(&mut self, request: &Request<'_>, part: &Part<'_>, keeps: Keeps) {
        let whole = request.caches_whole
            && request
                .messages
                .last()
                .and_then(|message| message.parts.last())
                .is_some_and(|last| std::ptr::eq(last, part));
        let of_parts = match &part.kind {
            PartKind::ToolResult(result) => request.marks_parts_of(result),
            _ => false,
        };
        if part.cache.is_some() && !keeps.cache && !whole && !of_parts {
            self.hint_at(request, Hint::Cache, &part.path);
        }
        match &part.kind {
            PartKind::Text(_, citations) if !citations.is_empty() => {
                self.hint_at(request, Hint::Citations, &part.path);
            }
            PartKind::ToolResult(result) => {
                for inner in &result.parts {
                    self.hints_of_part(request, inner, keeps);
                }
            }
            _ => {}
        }
    }

    /// What was dropped and would have been refused, by path, in order: the first 100.
    #[must_use]
    pub fn dropped(&self) -> &[String] {
        &self.dropped
    }

    /// The hints that were left out, by the shape of their paths, in order: the first 100.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Both, what was dropped first: 100 of them in all.
    #[must_use]
    pub fn into_told(self) -> Vec<String> {
        let mut told = self.dropped;
        for hint in self.hints {
            add(&mut told, hint);
        }
        told
    }
}

/// Adds a path that is not there yet, while there is room.
fn add(paths: &mut Vec<String>, path: String) {
    if paths.len() < MOST_TOLD && !paths.contains(&path) {
        paths.push(path);
    }
}
