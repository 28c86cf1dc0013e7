//! What a caller asks for.

use std::borrow::Cow;

use crate::chat::{Extra, Problem};
use crate::json::Value;

/// How many texts a call may hold, as OpenAI has it.
const MOST_TEXTS: usize = 2048;

/// Texts to be embedded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request<'a> {
    /// The texts, in order; at least one.
    pub input: Vec<Cow<'a, str>>,
    /// How long the vectors shall be.
    pub dimensions: Option<u64>,
    /// The vectors shall be base64 of little-endian 32-bit floats, and not lists of numbers.
    pub base64: bool,
    /// What the texts are embedded for, as Cohere names it.
    pub input_type: Option<Cow<'a, str>>,
    /// The caller named its own user, which says nothing to the model.
    pub user: bool,
    /// What else was said.
    pub extras: Vec<Extra<'a>>,
}

impl<'a> Request<'a> {
    /// Reads a caller's body.
    ///
    /// # Errors
    /// A 400 that names the field: for what can't be understood, and for texts that came as the numbers of their tokens,
    /// which mean something to OpenAI's models alone.
    pub fn read(body: &Value<'a>) -> Result<Self, Problem> {
        let Some(object) = body.as_object() else {
            return Err(Problem::new(
                400,
                "invalid_body",
                "The body of the request is not a JSON object.",
            ));
        };
        let mut request = Self::default();
        for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
            match name {
                // The model is named by the route.
                "model" => {}
                "user" => request.user = true,
                "input" => request.input = texts(value)?,
                "dimensions" => match value.as_u64() {
                    Some(dimensions) => request.dimensions = Some(dimensions),
                    None => return Err(wrong(name, "a whole number")),
                },
                "encoding_format" => match value.as_str() {
                    Some("float") => {}
                    Some("base64") => request.base64 = true,
                    _ => return Err(wrong(name, "`float` or `base64`")),
                },
                "input_type" => match value.as_text() {
                    Some(text) => request.input_type = Some(text.value.clone()),
                    None => return Err(wrong(name, "a string")),
                },
                _ => request.extras.push(Extra {
                    path: name.to_owned(),
                    value: value.clone(),
                }),
            }
        }
        if request.input.is_empty() {
            let message = "Missing required parameter: 'input'.";
            return Err(Problem::invalid(
                "missing_required_parameter",
                "input",
                message,
            ));
        }
        Ok(request)
    }

    /// Bytes of the texts.
    #[must_use]
    pub fn text_bytes(&self) -> u64 {
        self.input.iter().map(|text| text.len() as u64).sum()
    }
}

fn texts<'a>(value: &Value<'a>) -> Result<Vec<Cow<'a, str>>, Problem> {
    let items = match value {
        Value::String(text) => return Ok(vec![text.value.clone()]),
        Value::Array(items) => items,
        _ => return Err(wrong("input", "a string or an array")),
    };
    if items.len() > MOST_TEXTS {
        let message =
            format!("Invalid value of 'input': at most {MOST_TEXTS} texts are embedded at once.");
        return Err(Problem::invalid("array_above_max_length", "input", message));
    }
    items
        .iter()
        .enumerate()
        .map(|(index, item)| match item {
            Value::String(text) => Ok(text.value.clone()),
            Value::Number(_) | Value::Array(_) => Err(Problem::invalid(
                "unsupported_parameter",
                "input",
                "Unsupported parameter: 'input' as tokens. The model behind this route has tokens of its own: send texts.",
            )),
            _ => Err(wrong(&format!("input[{index}]"), "a string")),
        })
        .collect()
}

fn wrong(path: &str, expected: &str) -> Problem {
    let message = format!("Invalid value of '{path}': expected {expected}.");
    Problem::invalid("invalid_value", path, message)
}
