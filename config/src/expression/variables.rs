//! What a condition can ask about.

use cel::common::types::{CelBool, CelInt, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use weir_llm::Operation;

use super::pattern::Pattern;

/// The variable whose fields are [`REQUEST_FIELDS`].
pub const REQUEST: &str = "request";
/// The variable that is the caller, as a string: `key:NAMESPACE/NAME`.
pub const CONSUMER: &str = "consumer";
/// The fields of [`REQUEST`].
pub const REQUEST_FIELDS: [&str; 4] = ["model", "stream", "operation", "inputTokens"];

/// What `request.operation` may be.
pub fn operations() -> impl Iterator<Item = &'static str> {
    Operation::ALL.into_iter().map(Operation::name)
}

/// The values of a condition's variables, for one request.
#[derive(Clone, Copy)]
pub struct Variables<'a> {
    /// `request.model`: the model that the caller asks for; empty where the call names none.
    pub model: &'a str,
    /// `request.stream`: whether the caller asks for a stream.
    pub stream: bool,
    /// `request.operation`: one of [`operations`].
    pub operation: &'a str,
    /// `request.inputTokens`: about how many tokens the request's text has: its bytes ÷ 4. Called only by conditions that use it.
    pub input_tokens: &'a dyn Fn() -> u64,
    /// `consumer`: who calls, as in `key:team-a/web`.
    pub consumer: &'a str,
}

/// Gives the interpreter the variables by their full names, without a copy.
pub(super) struct Resolver<'a> {
    model: &'a str,
    stream: bool,
    operation: &'a str,
    input_tokens: i64,
    consumer: &'a str,
    patterns: &'a [Pattern],
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        variables: &Variables<'a>,
        input_tokens: u64,
        patterns: &'a [Pattern],
    ) -> Self {
        Self {
            model: variables.model,
            stream: variables.stream,
            operation: variables.operation,
            input_tokens: i64::try_from(input_tokens).unwrap_or(i64::MAX),
            consumer: variables.consumer,
            patterns,
        }
    }
}

impl VariableResolver for Resolver<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        Some(match variable {
            "request.model" => CowVal::owned(CelString::from(self.model)),
            "request.stream" => CowVal::owned(CelBool::from(self.stream)),
            "request.operation" => CowVal::owned(CelString::from(self.operation)),
            "request.inputTokens" => CowVal::owned(CelInt::from(self.input_tokens)),
            "consumer" => CowVal::owned(CelString::from(self.consumer)),
            name => {
                let index: usize = name.strip_prefix(Pattern::PREFIX)?.parse().ok()?;
                CowVal::Borrowed(self.patterns.get(index)?)
            }
        })
    }
}
