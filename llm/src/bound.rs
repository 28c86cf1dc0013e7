//! What a call can cost at most, before it is made.
//!
//! No text is tokenised for it: a token is at least one byte, so bytes bound them. What the provider puts around turns and
//! tools is added, and what media can come to; all of it at the dearest price that any token of an input of that length
//! can have, as often as there are answers. The output is bounded by the maximum that the provider is told.

mod facts;
mod leaving;
mod media;

pub use facts::Facts;
pub use leaving::{Leaving, leaving};
pub use media::Medium;

use crate::price::{Kind, Prices};
use crate::{Format, dialect};

/// What a call can cost at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Tokens that can go in at most, for one answer.
    pub input: u64,
    /// What everything but the output costs at most, in nano-dollars.
    pub fixed: u64,
    /// What a token more of [`Bound::most`] costs at most, in nano-dollars per million: the price of a token of the
    /// output, as often as there are answers.
    pub per_output: u64,
    /// The smallest maximum that the provider can be told: [`least_output`].
    pub least: u64,
    /// The maximum that the caller asked for. `None` where it left that to the provider, which has to be told one then.
    pub most: Option<u64>,
    /// Fields whose cost has no bound, by their paths in the body.
    pub unbounded: Vec<String>,
    /// Whether what goes in has a price, and what comes out, if anything does. What has none is bounded by nothing here.
    pub priced: bool,
}

impl Bound {
    /// The bound on a call.
    #[must_use]
    pub fn of(facts: &Facts, prices: &Prices) -> Self {
        let input = facts.input();
        let answers = u64::from(facts.answers.max(1));
        // Whoever counts the input once for each answer may reach a step of the prices by that.
        let (per_input, per_output) = prices.dearest(input.saturating_mul(answers));
        let per_request = prices.get(Kind::Requests).map_or(0, |rate| rate.base);
        let tokens = u128::from(input) * u128::from(per_input.unwrap_or(0));
        // Rejected words of a prediction are charged as output, beyond its maximum.
        let predicted = u128::from(facts.predicted) * u128::from(per_output.unwrap_or(0));
        // A character is a byte or more, too.
        let per_character = prices.get(Kind::Characters).map_or(0, |rate| rate.base);
        let characters = u128::from(facts.text_bytes) * u128::from(per_character);
        let sum = (tokens + predicted)
            .saturating_mul(u128::from(answers))
            .saturating_add(u128::from(per_request) * 1_000)
            .saturating_add(characters);
        let mut unbounded = facts.unbounded.clone();
        if prices.get(Kind::Citations).is_some() {
            // A model that searches as long as it likes, and charges for what it found.
            unbounded.push("model".to_owned());
        }
        let by_length = [Kind::AudioMillis, Kind::Pages]
            .iter()
            .any(|kind| prices.get(*kind).is_some());
        if by_length && per_input.is_none() {
            // An hour of silence takes hardly a byte.
            unbounded.push("file".to_owned());
        }
        let silent = facts.max_output == Some(0);
        Self {
            input,
            fixed: nano(sum),
            per_output: per_output.unwrap_or(0).saturating_mul(answers),
            least: least_output(facts.format, facts.thinking_budget),
            most: facts.max_output.map(|most| {
                let beyond = if thinks_beyond(facts.format) {
                    facts.thinking_budget.unwrap_or(0)
                } else {
                    0
                };
                most.saturating_add(beyond)
            }),
            unbounded,
            priced: (per_input.is_some() || per_character > 0) && (per_output.is_some() || silent),
        }
    }

    /// What the call costs at most where the provider is told this maximum, in nano-dollars.
    #[must_use]
    pub fn cost(&self, output: u64) -> u64 {
        let output = nano(u128::from(output) * u128::from(self.per_output));
        self.fixed.saturating_add(output)
    }
}

/// Nano-dollars of a sum of tokens × price per million, rounded up.
fn nano(sum: u128) -> u64 {
    u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// The smallest maximum of output tokens that a provider of this format accepts, where the model may reason with this
/// many.
///
/// - Responses refuses `max_output_tokens` under 16
///   (<https://platform.openai.com/docs/api-reference/responses/create#responses-create-max_output_tokens>).
/// - Messages wants `max_tokens` to be greater than `budget_tokens`, which is 1,024 at least
///   (<https://platform.claude.com/docs/en/build-with-claude/extended-thinking>); so does Converse of Claude.
/// - The others accept 1, and where reasoning takes it all the answer is empty.
#[must_use]
pub fn least_output(format: Format, thinking_budget: Option<u64>) -> u64 {
    let above = thinking_budget
        .filter(|budget| *budget > 0)
        .map_or(1, |budget| budget.saturating_add(1));
    let limits = dialect::codec(format).limits();
    if limits.above_budget {
        above.max(limits.least_output)
    } else {
        limits.least_output
    }
}

/// Whether reasoning may come on top of the maximum of the output.
///
/// Elsewhere it is within (OpenAI's `max_completion_tokens` and `max_output_tokens`, Anthropic's `max_tokens`, Gemini's
/// `maxOutputTokens`); of Cohere's `thinking.token_budget` the page does not say
/// (<https://docs.cohere.com/docs/reasoning>).
fn thinks_beyond(format: Format) -> bool {
    dialect::codec(format).limits().thinks_beyond
}
