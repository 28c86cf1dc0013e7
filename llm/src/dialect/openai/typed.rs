//! Values of the types that a field wants, or the refusal that names the field.

use std::borrow::Cow;

use crate::chat::Problem;
use crate::json::{Object, Text, Value};

/// The refusal of a value that is of the wrong type.
pub(crate) fn wrong(path: &str, expected: &str, got: &Value<'_>) -> Problem {
    let got = got.kind();
    Problem::invalid(
        "invalid_type",
        path,
        format!("Invalid type for '{path}': expected {expected}, but got {got} instead."),
    )
}

/// The refusal of a value that its field does not take.
pub(crate) fn invalid(path: &str, expected: &str) -> Problem {
    Problem::invalid(
        "invalid_value",
        path,
        format!("Invalid value for '{path}': expected {expected}."),
    )
}

/// The refusal of a body without a field that it has to have.
pub(crate) fn missing(path: &str) -> Problem {
    Problem::invalid(
        "missing_required_parameter",
        path,
        format!("Missing required parameter: '{path}'."),
    )
}

pub(crate) fn number(path: &str, value: &Value<'_>) -> Result<f64, Problem> {
    value.as_f64().ok_or_else(|| wrong(path, "a number", value))
}

pub(crate) fn count(path: &str, value: &Value<'_>) -> Result<u64, Problem> {
    value
        .as_u64()
        .ok_or_else(|| wrong(path, "an integer that is not negative", value))
}

pub(crate) fn small_count(path: &str, value: &Value<'_>) -> Result<u32, Problem> {
    u32::try_from(count(path, value)?).map_err(|_| invalid(path, "a smaller number"))
}

pub(crate) fn integer(path: &str, value: &Value<'_>) -> Result<i64, Problem> {
    value
        .as_i64()
        .ok_or_else(|| wrong(path, "an integer", value))
}

pub(crate) fn boolean(path: &str, value: &Value<'_>) -> Result<bool, Problem> {
    value
        .as_bool()
        .ok_or_else(|| wrong(path, "a boolean", value))
}

pub(crate) fn text<'a>(path: &str, value: &Value<'a>) -> Result<Text<'a>, Problem> {
    value
        .as_text()
        .cloned()
        .ok_or_else(|| wrong(path, "a string", value))
}

pub(crate) fn string<'a>(path: &str, value: &Value<'a>) -> Result<Cow<'a, str>, Problem> {
    text(path, value).map(|text| text.value)
}

pub(crate) fn array<'v, 'a>(path: &str, value: &'v Value<'a>) -> Result<&'v [Value<'a>], Problem> {
    value
        .as_array()
        .ok_or_else(|| wrong(path, "an array", value))
}

pub(crate) fn object<'v, 'a>(path: &str, value: &'v Value<'a>) -> Result<&'v Object<'a>, Problem> {
    value
        .as_object()
        .ok_or_else(|| wrong(path, "an object", value))
}

/// A field that has to be a string.
pub(crate) fn required<'a>(
    object: &Object<'a>,
    path: &str,
    name: &str,
) -> Result<Text<'a>, Problem> {
    let path = format!("{path}.{name}");
    let value = object.get(name).ok_or_else(|| missing(&path))?;
    text(&path, value)
}

/// A string that is there, and not empty, in an answer.
pub(crate) fn said(object: &Object<'_>, name: &str) -> Option<String> {
    object
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}
