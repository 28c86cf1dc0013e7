//! A call whose arguments come in pieces, each with the path of what it is a piece of
//! (<https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc>).

use super::names::{field, text};
use crate::chat::Signature;
use crate::json::{Object, Text, Value};

/// How many bytes of arguments and of their paths are kept; what goes beyond is left out.
const MOST: usize = 4 << 20;

/// How deep arguments lie.
const DEEPEST: usize = 32;

/// A call under way.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) signature: Option<Signature<'static>>,
    root: Node,
    kept: usize,
}

#[derive(Debug, Default)]
enum Node {
    #[default]
    Nothing,
    Object(Vec<(String, Node)>),
    Array(Vec<Node>),
    /// A string, which may go on.
    Words(String),
    Value(Value<'static>),
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

impl Partial {
    pub(super) fn new(id: String, name: String, signature: Option<Signature<'static>>) -> Self {
        Self {
            id,
            name,
            signature,
            root: Node::Object(Vec::new()),
            kept: 0,
        }
    }

    /// Takes the next pieces, of a `functionCall`.
    pub(super) fn take(&mut self, call: &Value<'_>) {
        // Some arguments may be whole.
        if let Some(Value::Object(args)) = field(call, "args") {
            for (name, value) in args.iter() {
                self.put(
                    &[Step::Name(name.to_owned())],
                    Node::Value(value.clone().into_owned()),
                );
            }
        }
        let pieces = field(call, "partialArgs").and_then(Value::as_array);
        for piece in pieces.unwrap_or_default() {
            let Some(path) = text(piece, "jsonPath").and_then(steps) else {
                continue;
            };
            let said = if let Some(words) = text(piece, "stringValue") {
                Node::Words(words.to_owned())
            } else if let Some(value) =
                field(piece, "numberValue").or_else(|| field(piece, "boolValue"))
            {
                Node::Value(value.clone().into_owned())
            } else if field(piece, "nullValue").is_some() {
                Node::Value(Value::Null)
            } else {
                continue;
            };
            self.put(&path, said);
        }
    }

    fn put(&mut self, path: &[Step], said: Node) {
        let size = |step: &Step| match step {
            Step::Name(name) => name.len() + 8,
            Step::Index(_) => 8,
        };
        let value = match &said {
            Node::Words(words) => words.len(),
            Node::Value(value) => value.to_json().len(),
            _ => 0,
        };
        self.kept += path.iter().map(size).sum::<usize>() + value;
        if self.kept > MOST {
            return;
        }
        let mut node = &mut self.root;
        for step in path {
            node = node.at(step);
        }
        match (node, said) {
            (Node::Words(before), Node::Words(more)) => before.push_str(&more),
            (node, said) => *node = said,
        }
    }

    /// The arguments, as the text of an object.
    pub(super) fn arguments(self) -> String {
        self.root.into_value().to_json()
    }
}

impl Node {
    /// What lies a step below; it becomes what it has to be.
    fn at(&mut self, step: &Step) -> &mut Self {
        match step {
            Step::Name(name) => {
                if !matches!(self, Self::Object(_)) {
                    *self = Self::Object(Vec::new());
                }
                let Self::Object(fields) = self else {
                    return self;
                };
                let found = fields.iter().position(|(own, _)| own == name);
                let place = found.unwrap_or_else(|| {
                    fields.push((name.clone(), Self::Nothing));
                    fields.len() - 1
                });
                &mut fields[place].1
            }
            Step::Index(index) => {
                if !matches!(self, Self::Array(_)) {
                    *self = Self::Array(Vec::new());
                }
                let Self::Array(items) = self else {
                    return self;
                };
                // They come in order, so that a place beyond the next one is a mistake.
                let place = (*index).min(items.len());
                if place == items.len() {
                    items.push(Self::Nothing);
                }
                &mut items[place]
            }
        }
    }

    fn into_value(self) -> Value<'static> {
        match self {
            Self::Nothing => Value::Null,
            Self::Object(fields) => {
                let mut object = Object::new();
                for (name, node) in fields {
                    object.push(name, node.into_value());
                }
                object.into()
            }
            Self::Array(items) => Value::Array(items.into_iter().map(Self::into_value).collect()),
            Self::Words(words) => Value::String(Text::new(words)),
            Self::Value(value) => value,
        }
    }
}

/// A path of names and places: `$.foo.bar[0]['a b']` (RFC 9535).
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() == DEEPEST {
            return None;
        }
        if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            steps.push(Step::Name(name[..end].to_owned()));
            rest = &name[end..];
            continue;
        }
        let inside = rest.strip_prefix('[')?;
        let quote = inside.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let end = match quote {
            Some(quote) => {
                let (name, behind) = quoted(&inside[1..], quote)?;
                steps.push(Step::Name(name));
                behind
            }
            None => {
                let end = inside.find(']')?;
                steps.push(Step::Index(inside[..end].trim().parse().ok()?));
                &inside[end..]
            }
        };
        rest = end.strip_prefix(']')?;
    }
    (!steps.is_empty()).then_some(steps)
}

/// A name up to its closing quote, and what follows.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                name.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            _ if c == quote => return Some((name, &text[at + c.len_utf8()..])),
            _ => name.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_the_arguments_that_they_are_pieces_of() {
        let mut call = Partial::new("c".into(), "f".into(), None);
        for pieces in [
            r#"{"partialArgs":[{"jsonPath":"$.place","stringValue":"Par","willContinue":true}]}"#,
            r#"{"partial_args":[{"json_path":"$.place","string_value":"is"},{"jsonPath":"$.days[0].n","numberValue":2.50}]}"#,
            r#"{"partialArgs":[{"jsonPath":"$.days[1]['a.b']","boolValue":false},{"jsonPath":"$.none","nullValue":"NULL_VALUE"}]}"#,
        ] {
            call.take(&Value::parse(pieces).unwrap());
        }
        assert_eq!(
            call.arguments(),
            r#"{"place":"Paris","days":[{"n":2.50},{"a.b":false}],"none":null}"#
        );
    }

    #[test]
    fn paths_that_make_no_sense_and_too_much_are_passed_over() {
        for path in ["", "$", "x", "$x", "$[", "$['a", "$[x]", "$['a'x"] {
            assert_eq!(steps(path), None, "{path}");
        }
        assert_eq!(
            steps(
                &"$".chars()
                    .chain(".a".repeat(33).chars())
                    .collect::<String>()
            ),
            None
        );
        let mut call = Partial::new(String::new(), String::new(), None);
        let long = "x".repeat(MOST);
        let piece = format!(r#"{{"partialArgs":[{{"jsonPath":"$.a","stringValue":"{long}"}}]}}"#);
        call.take(&Value::parse(&piece).unwrap());
        assert_eq!(call.arguments(), "{}");
    }
}
