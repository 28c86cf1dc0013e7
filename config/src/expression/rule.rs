//! The rules of the schema (`x-kubernetes-validations`): CEL over `self`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use cel::objects::{Key, Map};
use cel::{Context, IdedExpr, Value};

use super::{ENVIRONMENT, ExpressionError, parse};

/// A rule of the schema. They are our own, so that only their syntax is checked here; tests see to the rest.
pub struct Rule {
    ast: IdedExpr,
}

impl Rule {
    /// Compiles a rule as it stands in the CRD.
    ///
    /// # Errors
    ///
    /// The text is no CEL.
    pub fn compile(source: &str) -> Result<Self, ExpressionError> {
        parse(source).map(|ast| Self { ast })
    }

    /// Whether the rule holds for `this`, which it calls `self`.
    ///
    /// # Errors
    ///
    /// The rule can't be evaluated on this value, or gives no bool.
    pub fn holds(&self, this: &serde_json::Value) -> Result<bool, ExpressionError> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.add_variable_from_value("self", value(this));
        match Value::resolve(&self.ast, &context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(ExpressionError(format!(
                "the rule gives {:?} and no bool",
                other.type_of()
            ))),
            Err(error) => Err(ExpressionError(format!(
                "the rule can't be evaluated: {error}"
            ))),
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").finish_non_exhaustive()
    }
}

fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(int), _) => Value::Int(int),
            (None, Some(int)) => Value::UInt(int),
            (None, None) => Value::Float(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => Value::String(Arc::new(text.clone())),
        serde_json::Value::Array(items) => Value::List(Arc::new(items.iter().map(value).collect())),
        serde_json::Value::Object(fields) => {
            let map: HashMap<Key, Value> = fields
                .iter()
                .map(|(key, field)| (Key::String(Arc::new(key.clone())), value(field)))
                .collect();
            Value::Map(Map { map: Arc::new(map) })
        }
    }
}
