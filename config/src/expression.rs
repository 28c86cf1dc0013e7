//! CEL: the conditions of rules, and the rules of the schema. The one module that knows the `cel` crate.
//!
//! A condition is checked when it is compiled, so that little is left to go wrong when a request comes: variables,
//! fields and functions exist, types fit, the result is a bool, and the work is bounded by [`MAX_COST`]. Regular
//! expressions are compiled then, too.

mod check;
mod pattern;
mod rule;
mod variables;

use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::types::CelBool;
use cel::parser::PrattParser;
use cel::{Context, Env, IdedExpr, Value};

use self::pattern::Pattern;
use self::variables::Resolver;

pub use rule::Rule;
pub use variables::{CONSUMER, REQUEST, REQUEST_FIELDS, Variables, operations};

/// The longest expression, in characters; the CRD says the same.
pub const MAX_LENGTH: usize = 4096;
/// The most steps that evaluating an expression may take: one a node, times the items of the lists around it. At well
/// under a microsecond a step, an expression takes a few milliseconds at the very worst.
pub const MAX_COST: u64 = 10_000;

/// The deepest nesting of an expression. Parser and interpreter recurse, and a stack that overflows would take the
/// process with it.
pub const MAX_DEPTH: usize = 48;

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(pattern::environment()));

/// A condition on a request, compiled and checked.
pub struct Expression {
    source: Arc<str>,
    ast: IdedExpr,
    patterns: Vec<Pattern>,
    needs_input_tokens: bool,
}

/// Why an expression can't be used. `Display` says what is wrong and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError(String);

impl Expression {
    /// Compiles and checks a condition.
    ///
    /// # Errors
    ///
    /// The text is too long or no CEL; it names what does not exist; its types don't fit; it gives no bool; it costs
    /// too much; a regular expression in it is no literal or does not compile.
    pub fn compile(source: &str) -> Result<Self, ExpressionError> {
        let mut ast = parse(source)?;
        check::names(&ast)?;
        check::cost(&ast)?;
        let patterns = pattern::extract(&mut ast)?;
        check::types(&ast, &patterns)?;
        Ok(Self {
            source: source.into(),
            needs_input_tokens: check::uses(&ast, "inputTokens"),
            ast,
            patterns,
        })
    }

    /// The text that it was compiled from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether evaluating it may ask for the request's tokens, which takes a look at the whole body.
    #[must_use]
    pub fn needs_input_tokens(&self) -> bool {
        self.needs_input_tokens
    }

    /// Whether the condition holds for a request. What can only go wrong with values (a division by zero, an overflow,
    /// an index out of bounds) makes it not hold.
    #[must_use]
    pub fn holds(&self, variables: &Variables<'_>) -> bool {
        let tokens = if self.needs_input_tokens {
            (variables.input_tokens)()
        } else {
            0
        };
        let resolver = Resolver::new(variables, tokens, &self.patterns);
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(&resolver);
        Value::resolve_val(&self.ast, &context).is_ok_and(|value| {
            value
                .downcast_ref::<CelBool>()
                .is_some_and(|holds| *holds.inner())
        })
    }
}

/// The syntax tree of a text within [`MAX_LENGTH`].
fn parse(source: &str) -> Result<IdedExpr, ExpressionError> {
    if source.trim().is_empty() {
        return Err(ExpressionError::new(
            "the expression is empty; leave the field out for a condition that always holds",
        ));
    }
    let length = source.chars().count();
    if length > MAX_LENGTH {
        let message = format!(
            "the expression has {length} characters, more than the {MAX_LENGTH} that are allowed"
        );
        return Err(ExpressionError::new(message));
    }
    // Unlike the crate's other parser, this one bounds its own recursion.
    let parser = PrattParser::new().max_recursion_depth(MAX_DEPTH as u16);
    let ast = parser.parse(source).map_err(|errors| {
        let Some(first) = errors.errors.first() else {
            return ExpressionError::new("this is no CEL expression");
        };
        let said = first.msg.lines().next().unwrap_or_default();
        let said = said.strip_prefix("Syntax error: ").unwrap_or(said);
        let (line, column) = first.pos;
        ExpressionError(format!(
            "this is no CEL expression: line {line}, column {column}: {said}"
        ))
    })?;
    if check::is_deeper_than(&ast, MAX_DEPTH) {
        let message = format!(
            "the expression is nested more than {MAX_DEPTH} deep; use `in` with a list, or several rules"
        );
        return Err(ExpressionError(message));
    }
    Ok(ast)
}

impl ExpressionError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ExpressionError {}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

/// Two expressions are equal if their texts are.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Expression {}

#[cfg(test)]
mod tests;
