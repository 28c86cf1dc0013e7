//! The body of a request, read once.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::text;
use crate::Operation;
use crate::json::{deeper_than, write_string};
use crate::splice::Splice;

/// How deep a body may nest; the same as `serde_json`'s own limit for trees.
pub const MAX_DEPTH: usize = 128;
/// The longest model name, in bytes.
pub const MAX_MODEL_LEN: usize = 256;

/// A body that is refused with status 400 and type `invalid_request_error`.
///
/// `code` is one of `invalid_utf8`, `invalid_json`, `body_too_deep`, `invalid_type`,
/// `missing_model`, `string_above_max_length`, `duplicate_parameter`. The message never quotes
/// the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadBody {
    /// The stable name of the error.
    pub code: &'static str,
    /// The field at fault.
    pub param: Option<&'static str>,
    /// For people.
    pub message: String,
}

impl fmt::Display for BadBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BadBody {}

/// What Weir reads of a request; everything else passes unread.
#[derive(Clone, Debug)]
pub struct Body<'a> {
    operation: Operation,
    text: &'a str,
    model: Cow<'a, str>,
    model_range: Range<usize>,
    stream: bool,
    include_usage: bool,
}

impl<'a> Body<'a> {
    /// What the request is for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The whole body, as it came.
    #[must_use]
    pub fn json(&self) -> &'a str {
        self.text
    }

    /// The model that the caller asks for; never empty.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether the answer shall be a stream. Always false for embeddings, which know no stream.
    #[must_use]
    pub fn stream(&self) -> bool {
        self.stream
    }

    /// Whether the caller asked for `stream_options.include_usage`.
    #[must_use]
    pub fn include_usage(&self) -> bool {
        self.include_usage
    }

    /// Bytes of text that the model will read: message contents and the arguments of earlier tool
    /// calls in a chat, `prompt` and `suffix` of a completion, `input` of embeddings, as UTF-8
    /// with escapes undone. A token that is given by its number counts as four bytes. Images,
    /// audio, files and the declarations of tools do not count.
    ///
    /// Reads the body anew: ask only where it matters.
    #[must_use]
    pub fn text_bytes(&self) -> u64 {
        text::count(self.operation, self.text)
    }

    /// What makes this a request for another model; `None` if it names that one already.
    #[must_use]
    pub fn with_model(&self, name: &str) -> Option<Splice> {
        if self.model == name {
            return None;
        }
        let mut quoted = Vec::with_capacity(name.len() + 2);
        write_string(name, &mut quoted);
        Some(Splice::new(self.model_range.clone(), quoted))
    }
}

/// Reads the body of a request.
///
/// Checked are: UTF-8, JSON as RFC 8259 has it, nesting of at most [`MAX_DEPTH`], an object at the
/// top, a `model` that is a string of 1..=[`MAX_MODEL_LEN`] bytes, a `stream` that is a boolean or
/// null. A field that Weir goes by and that comes twice is refused: the provider might go by the
/// other one. The provider checks the rest.
///
/// # Errors
/// [`BadBody`] names the first of these that does not hold.
pub fn read(operation: Operation, body: &[u8]) -> Result<Body<'_>, BadBody> {
    let text = std::str::from_utf8(body).map_err(|_| {
        bad(
            "invalid_utf8",
            None,
            "We could not parse the body of your request: it is not valid UTF-8.",
        )
    })?;
    if deeper_than(body, MAX_DEPTH) {
        let message = format!(
            "We could not parse the JSON body of your request: it nests deeper than {MAX_DEPTH} levels."
        );
        return Err(bad("body_too_deep", None, message));
    }
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(not_an_object(text));
    }
    let fields: Fields<'_> = serde_json::from_str(text).map_err(|error| invalid_json(&error))?;
    if let Some(field) = fields.duplicate {
        let message = format!("Duplicate parameter: '{field}' may be given only once.");
        return Err(bad("duplicate_parameter", Some(field), message));
    }
    let raw_model = fields.model.ok_or_else(missing_model)?;
    let stream = match fields.stream {
        Some(raw) => read_stream(raw)?,
        None => false,
    };
    Ok(Body {
        operation,
        text,
        model: read_model(raw_model)?,
        model_range: range_in(text, raw_model),
        stream: stream && operation != Operation::Embeddings,
        include_usage: fields.stream_options.is_some_and(asks_for_usage),
    })
}

fn bad(code: &'static str, param: Option<&'static str>, message: impl Into<String>) -> BadBody {
    BadBody {
        code,
        param,
        message: message.into(),
    }
}

fn missing_model() -> BadBody {
    bad(
        "missing_model",
        Some("model"),
        "you must provide a model parameter",
    )
}

/// Says where, in the words of `serde_json`, which never quote the input of a syntax error.
fn invalid_json(error: &serde_json::Error) -> BadBody {
    let message = format!(
        "We could not parse the JSON body of your request: line {}, column {}. The API expects a JSON payload.",
        error.line(),
        error.column(),
    );
    bad("invalid_json", None, message)
}

fn not_an_object(text: &str) -> BadBody {
    match serde_json::from_str::<de::IgnoredAny>(text) {
        Ok(_) => bad(
            "invalid_type",
            None,
            "The body of your request must be a JSON object.",
        ),
        Err(error) => invalid_json(&error),
    }
}

fn read_model(raw: &RawValue) -> Result<Cow<'_, str>, BadBody> {
    let text = raw.get();
    let name = match text.as_bytes().first() {
        Some(b'n') => return Err(missing_model()),
        Some(b'"') => unquote(text).ok_or_else(|| {
            let message = "Invalid 'model': it holds one half of a surrogate pair.";
            bad("invalid_type", Some("model"), message)
        })?,
        _ => return Err(wrong_type("model", "a string", text)),
    };
    if name.is_empty() {
        return Err(missing_model());
    }
    if name.len() > MAX_MODEL_LEN {
        let message = format!(
            "Invalid 'model': string too long. Expected at most {MAX_MODEL_LEN} bytes, but got {}.",
            name.len()
        );
        return Err(bad("string_above_max_length", Some("model"), message));
    }
    Ok(name)
}

/// The content of a JSON string; `None` if it is no Unicode.
fn unquote(quoted: &str) -> Option<Cow<'_, str>> {
    let inside = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') {
        serde_json::from_str(quoted).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inside))
    }
}

fn read_stream(raw: &RawValue) -> Result<bool, BadBody> {
    match raw.get() {
        "true" => Ok(true),
        "false" | "null" => Ok(false),
        other => Err(wrong_type("stream", "a boolean", other)),
    }
}

fn wrong_type(param: &'static str, expected: &str, got: &str) -> BadBody {
    let got = match got.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    };
    let message =
        format!("Invalid type for '{param}': expected {expected}, but got {got} instead.");
    bad("invalid_type", Some(param), message)
}

fn asks_for_usage(raw: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Options {
        include_usage: Option<bool>,
    }
    // Options that are no such object ask for nothing; the provider says what is wrong with them.
    serde_json::from_str::<Options>(raw.get())
        .is_ok_and(|options| options.include_usage == Some(true))
}

/// Where a value that was borrowed from `text` lies in it.
fn range_in(text: &str, raw: &RawValue) -> Range<usize> {
    let start = (raw.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    start..start + raw.get().len()
}

/// The fields of the top-level object that Weir goes by, unread.
#[derive(Default)]
struct Fields<'a> {
    model: Option<&'a RawValue>,
    stream: Option<&'a RawValue>,
    stream_options: Option<&'a RawValue>,
    /// The first that came twice.
    duplicate: Option<&'static str>,
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<Key>()? {
            let (slot, name) = match key {
                Key::Model => (&mut fields.model, "model"),
                Key::Stream => (&mut fields.stream, "stream"),
                Key::StreamOptions => (&mut fields.stream_options, "stream_options"),
                Key::Other => {
                    map.next_value::<de::IgnoredAny>()?;
                    continue;
                }
            };
            if slot.replace(map.next_value()?).is_some() && fields.duplicate.is_none() {
                fields.duplicate = Some(name);
            }
        }
        Ok(fields)
    }
}

/// A key with its escapes undone: `"mod\u0065l"` is `model` to every provider, so it is here.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Model,
    Stream,
    StreamOptions,
    #[serde(other)]
    Other,
}
