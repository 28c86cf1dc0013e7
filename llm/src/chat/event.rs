use super::{Citation, Finish, Problem, Signature, TokenLogprob};
use crate::Usage;

/// A step of a streamed answer.
///
/// The order: one [`Start`](Self::Start); then parts, each `PartStart … Delta* … PartEnd`, those of one choice one after
/// the other and numbered from 0 (those of several choices may be mixed); [`Finish`](Self::Finish) once for each choice,
/// after its parts have ended; [`Usage`](Self::Usage) any number of times, each in place of the one before; at last one
/// [`End`](Self::End) or one [`Failed`](Self::Failed).
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The answer begins.
    Start {
        /// The provider's name of it; empty where it has none.
        id: String,
        /// The model that answers, as the provider calls it; empty where it does not say.
        model: String,
        /// When, in Unix seconds.
        created: Option<i64>,
    },
    /// A part begins.
    PartStart {
        /// Of which choice.
        choice: u32,
        /// Which part of it.
        part: u32,
        /// What it is.
        start: PartStart,
    },
    /// A part goes on.
    Delta {
        /// Of which choice.
        choice: u32,
        /// Which part of it.
        part: u32,
        /// With what.
        delta: Delta,
    },
    /// A part ends.
    PartEnd {
        /// Of which choice.
        choice: u32,
        /// Which part of it.
        part: u32,
    },
    /// How likely tokens of a choice were.
    Logprobs {
        /// Of which choice.
        choice: u32,
        /// The tokens, in order.
        tokens: Vec<TokenLogprob>,
    },
    /// A choice ends.
    Finish {
        /// Which one.
        choice: u32,
        /// Why.
        finish: Finish,
    },
    /// What was used so far. The last one counts.
    Usage(Usage),
    /// Nothing, but the connection lives.
    Ping,
    /// All is said.
    End,
    /// The provider failed on the way.
    Failed(Problem),
}

/// What a part is that begins.
#[derive(Clone, Debug, PartialEq)]
pub enum PartStart {
    /// Text.
    Text,
    /// Reasoning.
    Reasoning {
        /// A summary of it.
        summary: bool,
        /// Encrypted as a whole: its signature is all there is.
        redacted: bool,
    },
    /// The model declines.
    Refusal,
    /// A call of a tool; its arguments follow.
    ToolCall {
        /// Ties the result to it.
        id: String,
        /// The name of the tool.
        name: String,
        /// What proves the reasoning behind it.
        signature: Option<Signature<'static>>,
    },
    /// An image or audio that the model made.
    Media {
        /// What it is.
        kind: super::MediaKind,
        /// `image/png` and the like.
        media_type: Option<String>,
    },
}

/// More of a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// More text, of a text, of reasoning or of a refusal.
    Text(String),
    /// More of a call's arguments.
    Arguments(String),
    /// What proves the reasoning; once.
    Signature(Signature<'static>),
    /// What the text so far rests on.
    Citation(Citation<'static>),
    /// More of a file, in base64; each piece is whole in itself.
    Data(String),
}
