//! The CEL rules of a schema (`x-kubernetes-validations`).

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::expression;

/// One rule, compiled.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct Rule {
    condition: Condition,
    /// What would be right, in the words that kubectl prints too.
    pub(super) message: String,
    /// Whether a breach is that something is missing.
    pub(super) requires: bool,
    /// The field below this one that a breach is told of, as in `.credentials.secretRef`.
    field: Option<String>,
}

#[derive(Debug)]
enum Condition {
    /// `self.matches('…')` and `!self.matches('…')`, by far the most frequent. The interpreter would
    /// compile the pattern anew for every text.
    Pattern { pattern: Regex, wanted: bool },
    /// Anything else.
    Program(expression::Rule),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    rule: String,
    message: String,
    field_path: Option<String>,
    #[serde(default)]
    reason: Cause,
}

/// What a breach is, as the API server says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Cause {
    #[default]
    FieldValueInvalid,
    FieldValueRequired,
}

impl TryFrom<Written> for Rule {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let condition = match pattern(&written.rule) {
            Some((pattern, wanted)) => Condition::Pattern {
                pattern: Regex::new(&pattern).map_err(|error| error.to_string())?,
                wanted,
            },
            None => Condition::Program(
                expression::Rule::compile(&written.rule).map_err(|error| error.to_string())?,
            ),
        };
        Ok(Self {
            condition,
            message: written.message,
            requires: written.reason == Cause::FieldValueRequired,
            field: written.field_path,
        })
    }
}

impl Rule {
    /// The names on the way to the field that a breach is told of.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        let path = self.field.as_deref().unwrap_or_default();
        path.split('.').filter(|name| !name.is_empty())
    }

    /// Whether the rule holds for this value. A rule that can't be evaluated does not hold, as on the
    /// API server.
    pub(super) fn holds(&self, value: &Value) -> bool {
        match &self.condition {
            Condition::Pattern { pattern, wanted } => value
                .as_str()
                .is_some_and(|text| pattern.is_match(text) == *wanted),
            Condition::Program(program) => program.holds(value).unwrap_or(false),
        }
    }
}

/// The pattern of a rule that is nothing but a match, and whether it is wanted.
fn pattern(rule: &str) -> Option<(String, bool)> {
    let (rule, wanted) = match rule.strip_prefix('!') {
        Some(rest) => (rest, false),
        None => (rule, true),
    };
    let literal = rule.strip_prefix("self.matches('")?.strip_suffix("')")?;
    let plain = literal.replace(r"\\", "");
    // Another quote or escape is a rule that says more: the interpreter's.
    if plain.contains(['\'', '\\']) {
        return None;
    }
    Some((literal.replace(r"\\", r"\"), wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_and_the_interpreter_agree() {
        let rules = [
            r"self.matches('^https?://[^/?#@\\s]+(/[^?#\\s]*)?$')",
            r"!self.matches('^(0+(h|m|s|ms))+$')",
        ];
        let texts = [
            "https://a/v1",
            "http://u@a",
            "0s",
            "0h0ms",
            "10s",
            "",
            "a b",
        ];
        for rule in rules {
            let fast: Rule =
                serde_json::from_value(serde_json::json!({"rule": rule, "message": "m"})).unwrap();
            assert!(matches!(fast.condition, Condition::Pattern { .. }));
            let slow = expression::Rule::compile(rule).unwrap();
            for text in texts {
                let value = Value::from(text);
                assert_eq!(Ok(fast.holds(&value)), slow.holds(&value), "{rule} {text}");
            }
        }
    }

    #[test]
    fn what_is_more_than_a_pattern_is_left_to_the_interpreter() {
        for rule in [
            "has(self.selector)",
            "self.matches('a') || self.matches('b')",
            r"self.matches('\n')",
            "self.matches('a').size()",
        ] {
            assert_eq!(pattern(rule), None, "{rule}");
        }
    }

    #[test]
    fn a_rule_that_fails_does_not_hold() {
        let rule: Rule =
            serde_json::from_value(serde_json::json!({"rule": "self.a > 1", "message": "m"}))
                .unwrap();
        let holds = |value: Value| rule.holds(&value);
        assert!(holds(serde_json::json!({"a": 2})));
        assert!(!holds(serde_json::json!({"a": 1})));
        assert!(!holds(serde_json::json!({})));
        assert!(!holds(serde_json::json!({"a": "x"})));
    }
}
