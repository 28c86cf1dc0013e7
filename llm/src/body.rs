//! The body of a request in JSON, read once: what Weir goes by, and where in the body it stands.

pub mod named;
mod text;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::call::Call;
use crate::chat::Problem;
use crate::codec::Asked;
use crate::dialect;
use crate::frame::Framing;
use crate::json::{self, Fault, Value, write_string};
use crate::splice::Splice;
use crate::{Format, Operation};

/// How deep a body may nest, its own braces included; that is `serde_json`'s limit for trees.
pub const MAX_DEPTH: u32 = json::MAX_DEPTH;
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
    text: &'a str,
    reading: Cow<'a, Reading>,
}

/// What was read of a body, apart from its bytes.
#[derive(Clone, Debug)]
pub struct Reading {
    operation: Operation,
    format: Format,
    model: Arc<str>,
    /// `None` where the path names the model.
    model_range: Option<Range<usize>>,
    stream: bool,
    include_usage: bool,
}

impl Reading {
    /// With the bytes that it was read from; `None` for others that are no text.
    #[must_use]
    pub fn of<'a>(&'a self, bytes: &'a [u8]) -> Option<Body<'a>> {
        Some(Body {
            text: std::str::from_utf8(bytes).ok()?,
            reading: Cow::Borrowed(self),
        })
    }

    /// Of a body that is no JSON.
    #[must_use]
    pub fn bare(call: &Call, model: &str, stream: bool) -> Self {
        Self {
            operation: call.operation,
            format: call.format,
            model: model.into(),
            model_range: None,
            stream,
            include_usage: false,
        }
    }

    /// See [`Body::stream`].
    #[must_use]
    pub fn stream(&self) -> bool {
        self.stream
    }

    /// See [`Body::model`].
    #[must_use]
    pub fn model(&self) -> &Arc<str> {
        &self.model
    }
}

impl<'a> Body<'a> {
    /// What the request is for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.reading.operation
    }

    /// What was read, without the bytes.
    #[must_use]
    pub fn into_reading(self) -> Reading {
        self.reading.into_owned()
    }

    /// How it is asked for.
    #[must_use]
    pub fn format(&self) -> Format {
        self.reading.format
    }

    /// The whole body, as it came.
    #[must_use]
    pub fn json(&self) -> &'a str {
        self.text
    }

    /// The model that the caller asks for; empty only where the operation goes without one.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.reading.model
    }

    /// Whether the body itself names the model.
    #[must_use]
    pub fn names_model(&self) -> bool {
        self.reading.model_range.is_some()
    }

    /// Whether the answer shall be a stream. Always false for what knows no stream.
    #[must_use]
    pub fn stream(&self) -> bool {
        self.reading.stream
    }

    /// Whether the caller asked for `stream_options.include_usage`.
    #[must_use]
    pub fn include_usage(&self) -> bool {
        self.reading.include_usage
    }

    /// Bytes of text that the model will read, as UTF-8 with escapes undone: message contents, instructions, results
    /// and arguments of earlier tool calls in a chat; prompts, inputs, queries and documents elsewhere. A token that is given by its
    /// number counts as four bytes. Images, audio, files and the declarations of tools do not count.
    /// Reads the body anew: ask only where it matters.
    #[must_use]
    pub fn text_bytes(&self) -> u64 {
        let rule_of_its_own = matches!(self.format(), Format::Chat | Format::Completions)
            || self.operation() != Operation::Chat;
        if rule_of_its_own {
            return text::count(self.operation(), self.text);
        }
        let Ok(value) = Value::parse(self.text) else {
            return 0;
        };
        let codec = dialect::codec(self.format());
        codec
            .read_request(&value, &self.asked(&value))
            .map_or(0, |request| request.text_bytes())
    }

    /// What a reader is told of the call where nothing comes back of it.
    fn asked<'b>(&'b self, body: &'b Value<'b>) -> Asked<'b> {
        Asked {
            model: self.model(),
            stream: self.stream(),
            include_usage: self.include_usage(),
            id: "",
            now: 0,
            body: Some(body),
            framing: Framing::Sse,
        }
    }

    /// What makes this a request for another model; `None` if it names that one already, or none in its body.
    #[must_use]
    pub fn with_model(&self, name: &str) -> Option<Splice> {
        if *self.reading.model == *name {
            return None;
        }
        let mut quoted = Vec::with_capacity(name.len() + 2);
        write_string(name, &mut quoted);
        Some(Splice::new(self.reading.model_range.clone()?, quoted))
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
pub fn read<'a>(call: &Call, body: &'a [u8]) -> Result<Body<'a>, BadBody> {
    let text = std::str::from_utf8(body).map_err(|_| {
        bad(
            "invalid_utf8",
            None,
            "We could not parse the body of your request: it is not valid UTF-8.",
        )
    })?;
    let mut fields = Fields::find(text)?;
    // Where a provider's reader does not tell `Model` from `model` (Go's `encoding/json`), the last of them counts.
    if fields.miscased_model && (fields.model.is_some() || call.operation.goes_without_model()) {
        fields.duplicate.get_or_insert("model");
    }
    if let Some(field) = fields.duplicate {
        let message = format!("Duplicate parameter: '{field}' may be given only once.");
        return Err(bad("duplicate_parameter", Some(field), message));
    }
    let (model, model_range) = match (&call.model, fields.model) {
        (Some(model), _) => (named_by_path(model)?, None),
        (None, Some(raw)) => (read_model(&text[raw.clone()])?, Some(raw)),
        (None, None) if call.operation.goes_without_model() => (Cow::Borrowed(""), None),
        (None, None) => return Err(missing_model()),
    };
    let stream = match (call.stream, fields.stream) {
        (Some(stream), _) => stream,
        (None, Some(raw)) => read_stream(&text[raw])?,
        (None, None) => false,
    };
    let reading = Reading {
        operation: call.operation,
        format: call.format,
        model: model.into(),
        model_range,
        stream: stream && call.operation.streams(),
        include_usage: fields
            .stream_options
            .is_some_and(|raw| asks_for_usage(&text[raw])),
    };
    Ok(Body {
        text,
        reading: Cow::Owned(reading),
    })
}

/// A name that a path gives is bounded as one in a body is.
fn named_by_path(model: &str) -> Result<Cow<'static, str>, BadBody> {
    match model.len() {
        0 => Err(missing_model()),
        1..=MAX_MODEL_LEN => Ok(Cow::Owned(model.to_owned())),
        _ => Err(too_long(model)),
    }
}

impl From<BadBody> for Problem {
    fn from(bad: BadBody) -> Self {
        Self {
            param: bad.param.map(str::to_owned),
            ..Self::new(400, bad.code, bad.message)
        }
    }
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

/// Says where by asking `serde_json`, whose own messages are not told: they might quote the body.
fn invalid_json(text: &str) -> BadBody {
    let place = match serde_json::from_str::<IgnoredAny>(text) {
        Err(error) => format!(" (line {}, column {})", error.line(), error.column()),
        Ok(_) => String::new(),
    };
    let message = format!(
        "We could not parse the JSON body of your request{place}. The API expects a JSON payload."
    );
    bad("invalid_json", None, message)
}

fn read_model(text: &str) -> Result<Cow<'_, str>, BadBody> {
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
        return Err(too_long(&name));
    }
    Ok(name)
}

fn too_long(name: &str) -> BadBody {
    let message = format!(
        "Invalid 'model': string too long. Expected at most {MAX_MODEL_LEN} bytes, but got {}.",
        name.len()
    );
    bad("string_above_max_length", Some("model"), message)
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

/// A key as it is meant, of what stands between its quotes: `mod\u0065l` is `model` to every provider, so it is here. Empty if
/// it is no Unicode.
pub(crate) fn unescaped(key: &str) -> Cow<'_, str> {
    if !key.contains('\\') {
        return Cow::Borrowed(key);
    }
    unquote(&format!("\"{key}\""))
        .map_or_else(String::new, Cow::into_owned)
        .into()
}

fn read_stream(text: &str) -> Result<bool, BadBody> {
    match text {
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

fn asks_for_usage(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Options {
        include_usage: Option<bool>,
    }
    // Options that are no such object ask for nothing; the provider says what is wrong with them.
    serde_json::from_str::<Options>(text).is_ok_and(|options| options.include_usage == Some(true))
}

/// Where the values of the fields lie that Weir goes by.
#[derive(Default)]
struct Fields {
    model: Option<Range<usize>>,
    stream: Option<Range<usize>>,
    stream_options: Option<Range<usize>>,
    /// One is called `Model`, or the like.
    miscased_model: bool,
    /// The first that came twice.
    duplicate: Option<&'static str>,
}

impl Fields {
    fn find(text: &str) -> Result<Self, BadBody> {
        let mut fields = Self::default();
        let walked = json::fields(text, |key, range| fields.note(key, range));
        match walked {
            Ok(()) => Ok(fields),
            Err(Fault::Syntax) => Err(invalid_json(text)),
            Err(Fault::NoObject) => Err(bad(
                "invalid_type",
                None,
                "The body of your request must be a JSON object.",
            )),
            Err(Fault::TooDeep) => {
                let message = format!(
                    "We could not parse the JSON body of your request: it nests deeper than {MAX_DEPTH} levels."
                );
                Err(bad("body_too_deep", None, message))
            }
        }
    }

    fn note(&mut self, key: &str, range: Range<usize>) {
        let key = unescaped(key);
        let (slot, name) = match &*key {
            "model" => (&mut self.model, "model"),
            other if other.eq_ignore_ascii_case("model") => {
                self.miscased_model = true;
                return;
            }
            "stream" => (&mut self.stream, "stream"),
            "stream_options" => (&mut self.stream_options, "stream_options"),
            _ => return,
        };
        if slot.replace(range).is_some() && self.duplicate.is_none() {
            self.duplicate = Some(name);
        }
    }
}
