//! The walk over an object, along its schema.

use serde_json::{Map, Value};

use super::{ListType, Node, Type, known_or};
use crate::text::{child, item};
use crate::verdict::{Problem, Reason};

/// Where the walk is. Only a problem needs the path as text.
#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn text(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Field(above, name) => child(&above.text(), name),
            Self::Item(above, index) => item(&above.text(), *index),
        }
    }
}

struct Walk<'p> {
    problems: &'p mut Vec<Problem>,
}

/// Checks an object as a whole; its `apiVersion`, `kind` and `metadata` are another's business.
pub(super) fn object(node: &Node, object: &Value, problems: &mut Vec<Problem>) {
    let mut walk = Walk { problems };
    let Some(fields) = object.as_object() else {
        walk.report(Reason::WrongType, &Path::Root, "must be an object".into());
        return;
    };
    walk.fields(node, fields, &Path::Root);
}

impl Walk<'_> {
    fn report(&mut self, reason: Reason, path: &Path<'_>, message: String) {
        self.problems.push(Problem {
            reason,
            field: path.text(),
            message,
            location: None,
        });
    }

    fn value(&mut self, node: &Node, value: &Value, path: &Path<'_>) {
        let before = self.problems.len();
        match (node.kind, value) {
            (Type::Object, Value::Object(fields)) => self.fields(node, fields, path),
            (Type::Array, Value::Array(items)) => self.items(node, items, path),
            (Type::String, Value::String(text)) => self.text(node, text, path),
            (Type::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {
                self.integer(node, number, path);
            }
            _ => self.report(Reason::WrongType, path, wrong_type(node, value)),
        }
        // A rule may rely on the structure below it.
        if self.problems.len() == before {
            for rule in node.rules.iter().filter(|rule| !rule.holds(value)) {
                let reason = match node.kind {
                    _ if rule.requires => Reason::Required,
                    Type::String => Reason::InvalidFormat,
                    Type::Object | Type::Array | Type::Integer => Reason::Conflict,
                };
                let field = rule
                    .fields()
                    .fold(path.text(), |above, name| child(&above, name));
                self.problems
                    .push(Problem::new(reason, field, rule.message.clone()));
            }
        }
    }

    fn fields(&mut self, node: &Node, fields: &Map<String, Value>, path: &Path<'_>) {
        for name in &node.required {
            if !fields.contains_key(name) {
                let message = match node.properties.get(name) {
                    Some(field) if !field.values.is_empty() => {
                        format!("is required: one of {}", field.values.join(", "))
                    }
                    _ => "is required".to_owned(),
                };
                self.report(Reason::Required, &Path::Field(path, name), message);
            }
        }
        let root = matches!(path, Path::Root);
        for (name, value) in fields {
            let path = Path::Field(path, name);
            match (
                node.properties.get(name),
                node.additional_properties.as_deref(),
            ) {
                (Some(field), _) | (None, Some(field)) => self.value(field, value, &path),
                (None, None) if root && ENVELOPE.contains(&name.as_str()) => {}
                (None, None) => {
                    let known = node.properties.keys().map(String::as_str);
                    let hint = known_or(name, known.clone(), || match listed(known) {
                        none if none.is_empty() => "; this object is empty: {}".to_owned(),
                        known => format!("; the fields here are {known}"),
                    });
                    self.report(
                        Reason::UnknownField,
                        &path,
                        format!("there is no such field{hint}"),
                    );
                }
            }
        }
        if let Some(most) = node.max_properties.filter(|most| fields.len() > *most) {
            let message = format!("must have at most {most} entries, and has {}", fields.len());
            self.report(Reason::OutOfBounds, path, message);
        }
    }

    fn items(&mut self, node: &Node, items: &[Value], path: &Path<'_>) {
        let count = items.len();
        if let Some(most) = node.max_items.filter(|most| count > *most) {
            let message = format!("must have at most {}, and has {count}", entries(most));
            self.report(Reason::OutOfBounds, path, message);
            // What is over the bound is not looked at: the API server does not, either.
            return;
        }
        if let Some(least) = node.min_items.filter(|least| count < *least) {
            let message = format!("must have at least {}, and has none", entries(least));
            self.report(Reason::OutOfBounds, path, message);
        }
        let Some(of) = &node.items else { return };
        for (index, value) in items.iter().enumerate() {
            self.value(of, value, &Path::Item(path, index));
        }
        self.unique(node, items, path);
    }

    fn unique(&mut self, node: &Node, items: &[Value], path: &Path<'_>) {
        let same = |left: &Value, right: &Value| match node.list {
            ListType::Atomic => false,
            ListType::Set => left == right,
            ListType::Map => node
                .list_keys
                .iter()
                .all(|key| left.get(key).is_some() && left.get(key) == right.get(key)),
        };
        for (index, value) in items.iter().enumerate() {
            if let Some(first) = items[..index].iter().position(|other| same(other, value)) {
                let message = match node.list {
                    ListType::Map => format!(
                        "has the same {} as [{first}]: each may stand once",
                        node.list_keys.join(" and ")
                    ),
                    ListType::Atomic | ListType::Set => {
                        format!("is the same as [{first}]: each may stand once")
                    }
                };
                self.report(Reason::Duplicate, &Path::Item(path, index), message);
            }
        }
    }

    fn text(&mut self, node: &Node, text: &str, path: &Path<'_>) {
        if !node.values.is_empty() && !node.values.iter().any(|value| value == text) {
            let known = node.values.iter().map(String::as_str);
            let hint = known_or(text, known, String::new);
            let message = format!("must be one of {}{hint}", node.values.join(", "));
            self.report(Reason::UnknownValue, path, message);
        }
        if node.min_length.is_none() && node.max_length.is_none() {
            return;
        }
        let count = text.chars().count();
        if let Some(most) = node.max_length.filter(|most| count > *most) {
            let message = format!("must have at most {most} characters, and has {count}");
            self.report(Reason::OutOfBounds, path, message);
        }
        if let Some(least) = node.min_length.filter(|least| count < *least) {
            let message = match (least, count) {
                (_, 0) => "must not be empty".to_owned(),
                _ => format!("must have at least {least} characters, and has {count}"),
            };
            self.report(Reason::OutOfBounds, path, message);
        }
    }

    fn integer(&mut self, node: &Node, number: &serde_json::Number, path: &Path<'_>) {
        let within = number.as_i64().is_some_and(|integer| {
            node.minimum.is_none_or(|least| integer >= least)
                && node.maximum.is_none_or(|most| integer <= most)
        });
        if !within {
            let message = match (node.minimum, node.maximum) {
                (Some(least), Some(most)) => {
                    format!("must be from {least} to {most}, and is {number}")
                }
                (Some(least), None) => format!("must be at least {least}, and is {number}"),
                (None, Some(most)) => format!("must be at most {most}, and is {number}"),
                (None, None) => format!("must be a number of 64 bits, and is {number}"),
            };
            self.report(Reason::OutOfBounds, path, message);
        }
    }
}

/// The fields of every object that the schema of a CRD leaves to the API server.
const ENVELOPE: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];

fn entries(count: usize) -> String {
    match count {
        1 => "1 entry".to_owned(),
        _ => format!("{count} entries"),
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// What is wrong with a value of another type. It never quotes a text: that may be a secret which
/// stands in the wrong place.
fn wrong_type(node: &Node, value: &Value) -> String {
    let wanted = match node.kind {
        Type::Object => "an object",
        Type::Array => "a list",
        Type::String => "a text",
        Type::Integer => "a whole number",
    };
    let (is, hint) = match value {
        Value::Null => ("empty", ": give it a value, or remove the field"),
        Value::Bool(_) if node.kind == Type::String => ("true or false", ": put it in quotes"),
        Value::Bool(_) => ("true or false", ""),
        Value::Number(_) if node.kind == Type::String => ("a number", ": put it in quotes"),
        Value::Number(_) if node.kind == Type::Integer => ("a fraction", ""),
        Value::Number(_) => ("a number", ""),
        Value::String(text) if node.kind == Type::Integer && text.parse::<i64>().is_ok() => {
            ("a text", ": remove the quotes")
        }
        Value::String(_) if node.kind == Type::Array => ("a text", ": write it as [\"…\"]"),
        Value::String(_) => ("a text", ""),
        Value::Array(_) => ("a list", ""),
        Value::Object(_) if node.kind == Type::Array => {
            ("an object", ": begin each entry with a dash")
        }
        Value::Object(_) => ("an object", ""),
    };
    format!("must be {wanted}, and is {is}{hint}")
}
