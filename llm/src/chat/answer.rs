use super::Part;
use crate::Usage;

/// What a model answered, whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The provider's name of it; empty where it has none.
    pub id: String,
    /// The model that answered, as the provider calls it; empty where it does not say.
    pub model: String,
    /// When, in Unix seconds, where it says so.
    pub created: Option<i64>,
    /// The answers: one, unless more were asked for.
    pub choices: Vec<Choice>,
    /// What was used.
    pub usage: Option<Usage>,
    /// How fast and dear it was.
    pub service_tier: Option<String>,
}

/// One of the answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Which one, from 0.
    pub index: u32,
    /// What of, in order.
    pub parts: Vec<Part<'static>>,
    /// Why it ends.
    pub finish: Option<Finish>,
    /// How likely its tokens were, where asked for.
    pub logprobs: Vec<TokenLogprob>,
}

/// Why an answer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model had said all.
    Stop,
    /// It wrote what the caller said it shall end at; which, where the provider says so.
    StopSequence(Option<String>),
    /// It reached the most tokens.
    Length,
    /// The context is full.
    ContextFull,
    /// Tools are to be called.
    ToolCalls,
    /// The provider's filter stepped in.
    ContentFilter,
    /// The model declined.
    Refusal,
    /// The provider paused, and goes on when it is sent what there is (Anthropic's `pause_turn`).
    Pause,
    /// The model's call of a tool made no sense.
    MalformedCall,
    /// The provider failed on the way.
    Failed,
    /// What one format alone knows, by its name there.
    Other(String),
}

/// How likely a token was.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenLogprob {
    /// The token that was drawn.
    pub token: Logprob,
    /// The likeliest in its place.
    pub top: Vec<Logprob>,
}

/// A token and how likely it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Logprob {
    /// The token's text.
    pub token: String,
    /// The natural logarithm of its probability.
    pub logprob: f64,
    /// Its bytes, where the provider says them.
    pub bytes: Option<Vec<u8>>,
}
