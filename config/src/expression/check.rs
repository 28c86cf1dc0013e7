//! What is checked when a condition is compiled.

use std::sync::Arc;

use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, operators};
use cel::common::types::CelBool;
use cel::{Context, ExecutionError, IdedExpr, Value};

use super::pattern::Pattern;
use super::variables::{CONSUMER, REQUEST, REQUEST_FIELDS, Resolver, Variables};
use super::{ENVIRONMENT, ExpressionError, MAX_COST};

/// What a condition can call, operators aside.
const FUNCTIONS: [&str; 10] = [
    "contains",
    "endsWith",
    "matches",
    "size",
    "startsWith",
    "bool",
    "double",
    "int",
    "string",
    "uint",
];
const MACROS: [&str; 5] = ["all", "exists", "exists_one", "filter", "map"];
const OPERATORS: [&str; 18] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::IN,
];

/// Every variable, field and function exists, and nothing hides one.
pub(super) fn names(ast: &IdedExpr) -> Result<(), ExpressionError> {
    known(ast, &mut Vec::new())
}

fn known<'a>(ast: &'a IdedExpr, bound: &mut Vec<&'a str>) -> Result<(), ExpressionError> {
    match &ast.expr {
        Expr::Ident(name) => variable(name, bound),
        Expr::Select(select) => match &select.operand.expr {
            Expr::Ident(name) if name == REQUEST => {
                if !REQUEST_FIELDS.contains(&select.field.as_str()) {
                    let message = format!(
                        "request has no field {}; it has {}",
                        select.field,
                        REQUEST_FIELDS.join(", ")
                    );
                    return Err(ExpressionError(message));
                }
                if select.test {
                    let message = format!(
                        "request.{} is always there; has() is of no use on it",
                        select.field
                    );
                    return Err(ExpressionError(message));
                }
                Ok(())
            }
            _ => known(&select.operand, bound),
        },
        Expr::Call(call) => {
            let name = call.func_name.as_str();
            if !FUNCTIONS.contains(&name)
                && !OPERATORS.contains(&name)
                && name != operators::NOT_STRICTLY_FALSE
            {
                return Err(no_function(name));
            }
            children(ast)
                .into_iter()
                .try_for_each(|child| known(child, bound))
        }
        Expr::Comprehension(comprehension) => {
            known(&comprehension.iter_range, bound)?;
            known(&comprehension.accu_init, bound)?;
            let before = bound.len();
            for name in loop_variables(comprehension) {
                if name == REQUEST || name == CONSUMER {
                    let message = format!(
                        "the variable {name} of a macro hides the {name} of the caller; call it something else"
                    );
                    return Err(ExpressionError(message));
                }
                bound.push(name);
            }
            [
                &comprehension.loop_cond,
                &comprehension.loop_step,
                &comprehension.result,
            ]
            .into_iter()
            .try_for_each(|part| known(part, bound))?;
            bound.truncate(before);
            Ok(())
        }
        Expr::Struct(message) => Err(ExpressionError(format!(
            "there is no type {}",
            message.type_name
        ))),
        Expr::Unspecified | Expr::Literal(_) | Expr::List(_) | Expr::Map(_) => children(ast)
            .into_iter()
            .try_for_each(|child| known(child, bound)),
    }
}

fn loop_variables(comprehension: &ComprehensionExpr) -> impl Iterator<Item = &str> {
    [
        comprehension.iter_var.as_str(),
        comprehension.accu_var.as_str(),
    ]
    .into_iter()
    .chain(comprehension.iter_var2.as_deref())
}

fn variable(name: &str, bound: &[&str]) -> Result<(), ExpressionError> {
    if name == CONSUMER || bound.contains(&name) {
        return Ok(());
    }
    let fields = REQUEST_FIELDS
        .map(|field| format!("{REQUEST}.{field}"))
        .join(", ");
    if name == REQUEST {
        return Err(ExpressionError(format!(
            "request is no value of its own; ask for one of {fields}"
        )));
    }
    Err(ExpressionError(format!(
        "there is no variable {name}; there are {fields} and {CONSUMER}"
    )))
}

fn no_function(name: &str) -> ExpressionError {
    ExpressionError(format!(
        "there is no function {name}; there are {} and {}",
        FUNCTIONS.join(", "),
        MACROS.join(", ")
    ))
}

/// The work is within [`MAX_COST`], and lists are walked only where they are written out, so that it can be told.
pub(super) fn cost(ast: &IdedExpr) -> Result<(), ExpressionError> {
    let steps = steps(ast)?;
    if steps > MAX_COST {
        let message = format!(
            "evaluating the expression takes up to {steps} steps, more than the {MAX_COST} that are allowed"
        );
        return Err(ExpressionError(message));
    }
    Ok(())
}

fn steps(ast: &IdedExpr) -> Result<u64, ExpressionError> {
    let Expr::Comprehension(comprehension) = &ast.expr else {
        return children(ast)
            .into_iter()
            .try_fold(1u64, |sum, child| Ok(sum.saturating_add(steps(child)?)));
    };
    let Expr::List(list) = &comprehension.iter_range.expr else {
        let message = format!(
            "{} walk only lists that are written out, as in ['a', 'b'].exists(m, m == request.model)",
            MACROS.join(", ")
        );
        return Err(ExpressionError(message));
    };
    let items = u64::try_from(list.elements.len()).unwrap_or(u64::MAX);
    let each = steps(&comprehension.loop_cond)?.saturating_add(steps(&comprehension.loop_step)?);
    let once = [
        &comprehension.iter_range,
        &comprehension.accu_init,
        &comprehension.result,
    ];
    once.into_iter()
        .try_fold(items.saturating_mul(each), |sum, part| {
            Ok(sum.saturating_add(steps(part)?))
        })
}

/// Every part of the expression that does not depend on a macro's variable evaluates on sample requests, operands of
/// `==` and `in` are of one type, and the whole is a bool.
pub(super) fn types(ast: &IdedExpr, patterns: &[Pattern]) -> Result<(), ExpressionError> {
    for stream in [false, true] {
        let sample = Variables {
            model: "model",
            stream,
            operation: "chat",
            input_tokens: &|| 1000,
            consumer: "key:namespace/name",
        };
        let resolver = Resolver::new(&sample, 1000, patterns);
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(&resolver);
        fits(ast, &context)?;
        let value = Value::resolve_val(ast, &context);
        if let Ok(value) = value
            && value.downcast_ref::<CelBool>().is_none()
        {
            let message = format!(
                "the expression gives a value of type {}; a condition gives true or false",
                value.get_type().name()
            );
            return Err(ExpressionError(message));
        }
    }
    Ok(())
}

fn fits(ast: &IdedExpr, context: &Context<'_, '_>) -> Result<(), ExpressionError> {
    match &ast.expr {
        Expr::Comprehension(comprehension) => fits(&comprehension.iter_range, context)?,
        Expr::Select(select) if matches!(&select.operand.expr, Expr::Ident(_)) => {}
        _ => children(ast)
            .into_iter()
            .try_for_each(|child| fits(child, context))?,
    }
    if let Expr::Call(call) = &ast.expr
        && let [left, right] = call.args.as_slice()
    {
        match call.func_name.as_str() {
            operators::EQUALS | operators::NOT_EQUALS => comparable(left, right, context)?,
            operators::IN => {
                if let Expr::List(list) = &right.expr {
                    list.elements
                        .iter()
                        .try_for_each(|element| comparable(left, element, context))?;
                }
            }
            _ => {}
        }
    }
    match Value::resolve_val(ast, context) {
        Err(error) if !depends_on_values(&error) => Err(ExpressionError(said(&error))),
        _ => Ok(()),
    }
}

/// Two values of different types are never equal, which CEL leaves unsaid.
fn comparable(
    left: &IdedExpr,
    right: &IdedExpr,
    context: &Context<'_, '_>,
) -> Result<(), ExpressionError> {
    let (Ok(left), Ok(right)) = (
        Value::resolve_val(left, context),
        Value::resolve_val(right, context),
    ) else {
        return Ok(());
    };
    let number = |name: &str| matches!(name, "int" | "uint" | "double");
    let (left, right) = (left.get_type().name(), right.get_type().name());
    if left == right || (number(left) && number(right)) {
        return Ok(());
    }
    Err(ExpressionError(format!(
        "a value of type {left} is compared with one of type {right}, which it never equals"
    )))
}

fn depends_on_values(error: &ExecutionError) -> bool {
    matches!(
        error,
        ExecutionError::DivisionByZero(_)
            | ExecutionError::RemainderByZero(_)
            | ExecutionError::Overflow(..)
            | ExecutionError::IndexOutOfBounds(_)
            | ExecutionError::NoSuchKey(_)
            | ExecutionError::FunctionError { .. }
    )
}

fn said(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchOverload(overload) => {
            let name = overload
                .function()
                .trim_start_matches('@')
                .replace('_', " ");
            let types = overload.argument_types().join(", ");
            format!("{} can't be used on values of type {types}", name.trim())
        }
        ExecutionError::UndeclaredReference(name) => {
            format!("there is no function or variable {name}")
        }
        ExecutionError::UnexpectedType { got, want } => {
            format!("a value of type {got} stands where {want} is wanted")
        }
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            format!(
                "{operator} can't be used on values of type {} and {}",
                type_name(left),
                type_name(right)
            )
        }
        ExecutionError::ValuesNotComparable(left, right) => {
            format!(
                "values of type {} and {} can't be compared",
                type_name(left),
                type_name(right)
            )
        }
        error => error.to_string(),
    }
}

fn type_name(value: &Value) -> String {
    format!("{:?}", value.type_of()).to_lowercase()
}

/// Whether the expression asks for `request.FIELD`.
pub(super) fn uses(ast: &IdedExpr, field: &str) -> bool {
    if let Expr::Select(select) = &ast.expr
        && select.field == field
        && matches!(&select.operand.expr, Expr::Ident(name) if name == REQUEST)
    {
        return true;
    }
    children(ast).into_iter().any(|child| uses(child, field))
}

/// Whether the expression is nested deeper than that. It does not recurse itself.
pub(super) fn is_deeper_than(ast: &IdedExpr, most: usize) -> bool {
    let mut open = vec![(ast, 1)];
    while let Some((node, depth)) = open.pop() {
        if depth > most {
            return true;
        }
        open.extend(children(node).into_iter().map(|child| (child, depth + 1)));
    }
    false
}

/// The parts of a node.
fn children(ast: &IdedExpr) -> Vec<&IdedExpr> {
    match &ast.expr {
        Expr::Call(call) => call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .collect(),
        Expr::Comprehension(comprehension) => vec![
            &comprehension.iter_range,
            &comprehension.accu_init,
            &comprehension.loop_cond,
            &comprehension.loop_step,
            &comprehension.result,
        ],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map
            .entries
            .iter()
            .flat_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
                EntryExpr::StructField(field) => vec![&field.value],
            })
            .collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) => Vec::new(),
    }
}
