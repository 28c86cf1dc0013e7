//! Regular expressions, compiled once: `x.matches('…')` is rewritten to refer to the compiled one.

use std::sync::LazyLock;

use cel::common::ast::{EntryExpr, Expr, LiteralValue};
use cel::common::types::{CelBool, CelString, STRING_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Env, ExecutionError, IdedExpr};
use regex::{Regex, RegexBuilder};

use super::ExpressionError;

/// What a compiled regular expression may take, in bytes. They run in time linear in the text.
const MAX_REGEX_BYTES: usize = 256 << 10;
/// The most regular expressions of one condition.
const MAX_PATTERNS: usize = 16;

static PATTERN_TYPE: LazyLock<Type> = LazyLock::new(|| Type::new_opaque_type("pattern"));

/// A compiled regular expression, as a value that conditions can't name.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// No variable can begin so: `@` is no part of a name in CEL.
    pub(super) const PREFIX: &str = "@pattern";
}

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &PATTERN_TYPE
    }

    fn cel_type() -> &'static Type {
        &PATTERN_TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

/// The standard environment, and `matches` on a compiled pattern.
pub(super) fn environment() -> Env {
    let mut env = Env::stdlib();
    // It fails only for a name and signature that are taken, and the type is our own.
    let _ = env.add_member_overload(
        "matches",
        "string_matches_pattern",
        STRING_TYPE,
        vec![Type::new_opaque_type("pattern")],
        matches,
    );
    env
}

fn matches<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let found = match args.as_slice() {
        [text, pattern] => text
            .downcast_ref::<CelString<'_>>()
            .zip(pattern.downcast_ref::<Pattern>())
            .map(|(text, pattern)| pattern.0.is_match(text.inner())),
        _ => None,
    };
    found
        .map(|found| CowVal::owned(CelBool::from(found)))
        .ok_or_else(ExecutionError::missing_argument_or_target)
}

/// Takes the regular expressions out of `ast`, leaving references to them.
pub(super) fn extract(ast: &mut IdedExpr) -> Result<Vec<Pattern>, ExpressionError> {
    let mut patterns = Vec::new();
    visit(ast, &mut patterns)?;
    Ok(patterns)
}

fn visit(ast: &mut IdedExpr, patterns: &mut Vec<Pattern>) -> Result<(), ExpressionError> {
    match &mut ast.expr {
        Expr::Call(call) => {
            if let Some(target) = &mut call.target {
                visit(target, patterns)?;
            }
            if call.func_name == "matches" {
                // `matches(text, pattern)` and `text.matches(pattern)` mean the same.
                if call.target.is_none() && call.args.len() == 2 {
                    call.target = Some(Box::new(call.args.remove(0)));
                }
                return match call.args.as_mut_slice() {
                    [pattern] => take(pattern, patterns),
                    _ => Err(ExpressionError::new(
                        "matches takes one regular expression, as in request.model.matches('^gpt-')",
                    )),
                };
            }
            call.args
                .iter_mut()
                .try_for_each(|arg| visit(arg, patterns))
        }
        Expr::Comprehension(comprehension) => {
            visit(&mut comprehension.iter_range, patterns)?;
            visit(&mut comprehension.accu_init, patterns)?;
            visit(&mut comprehension.loop_cond, patterns)?;
            visit(&mut comprehension.loop_step, patterns)?;
            visit(&mut comprehension.result, patterns)
        }
        Expr::List(list) => list
            .elements
            .iter_mut()
            .try_for_each(|element| visit(element, patterns)),
        Expr::Map(map) => map
            .entries
            .iter_mut()
            .try_for_each(|entry| match &mut entry.expr {
                EntryExpr::MapEntry(entry) => {
                    visit(&mut entry.key, patterns)?;
                    visit(&mut entry.value, patterns)
                }
                EntryExpr::StructField(field) => visit(&mut field.value, patterns),
            }),
        Expr::Select(select) => visit(&mut select.operand, patterns),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) => Ok(()),
    }
}

fn take(pattern: &mut IdedExpr, patterns: &mut Vec<Pattern>) -> Result<(), ExpressionError> {
    let Expr::Literal(LiteralValue::String(text)) = &pattern.expr else {
        return Err(ExpressionError::new(
            "the regular expression of matches must be written out in quotes",
        ));
    };
    if patterns.len() >= MAX_PATTERNS {
        let message =
            format!("there are more than {MAX_PATTERNS} regular expressions; join some with |");
        return Err(ExpressionError::new(message));
    }
    let regex = RegexBuilder::new(text.inner())
        .size_limit(MAX_REGEX_BYTES)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => ExpressionError(format!(
                "the regular expression {:?} is too big",
                text.inner()
            )),
            error => {
                // The last line says what is wrong; those before it draw where.
                let said = error.to_string();
                let said = said
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ");
                ExpressionError(format!(
                    "the regular expression {:?} does not compile: {said}",
                    text.inner()
                ))
            }
        })?;
    pattern.expr = Expr::Ident(format!("{}{}", Pattern::PREFIX, patterns.len()));
    patterns.push(Pattern(regex));
    Ok(())
}
