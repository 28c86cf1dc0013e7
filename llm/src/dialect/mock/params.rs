//! What a mock provider reads of a request beyond what the gateway does.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::body::BadBody;

/// The fields that a mock provider honours, unread. `null` counts as absent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Params<'a> {
    #[serde(borrow)]
    pub(super) messages: Option<&'a RawValue>,
    pub(super) prompt: Option<&'a RawValue>,
    pub(super) input: Option<&'a RawValue>,
    n: Option<&'a RawValue>,
    max_tokens: Option<&'a RawValue>,
    max_completion_tokens: Option<&'a RawValue>,
    dimensions: Option<&'a RawValue>,
    encoding_format: Option<&'a RawValue>,
    pub(super) tools: Option<&'a RawValue>,
    pub(super) tool_choice: Option<&'a RawValue>,
    pub(super) response_format: Option<&'a RawValue>,
}

impl<'a> Params<'a> {
    /// Reads a body that was found to be a JSON object before.
    pub(super) fn read(json: &'a str) -> Result<Self, BadBody> {
        serde_json::from_str(json).map_err(|_| BadBody {
            code: "duplicate_parameter",
            param: None,
            message: "Duplicate parameter: each may be given only once.".to_owned(),
        })
    }

    /// How many choices to give for each prompt, 1..=128 as with OpenAI.
    pub(super) fn n(&self) -> Result<usize, BadBody> {
        Ok(integer("n", self.n, 1..=128)?.unwrap_or(1))
    }

    /// The most tokens that a choice may have.
    pub(super) fn max_tokens(&self) -> Result<Option<usize>, BadBody> {
        const RANGE: RangeInclusive<usize> = 1..=1 << 40;
        let new = integer("max_completion_tokens", self.max_completion_tokens, RANGE)?;
        let old = integer("max_tokens", self.max_tokens, RANGE)?;
        Ok(new.or(old))
    }

    /// The length of an embedding.
    pub(super) fn dimensions(&self) -> Result<Option<usize>, BadBody> {
        integer("dimensions", self.dimensions, 1..=3072)
    }

    /// Whether embeddings shall be base64 of little-endian 32-bit floats.
    pub(super) fn base64(&self) -> Result<bool, BadBody> {
        match self.encoding_format.map(RawValue::get) {
            None | Some("\"float\"") => Ok(false),
            Some("\"base64\"") => Ok(true),
            Some(_) => Err(BadBody {
                code: "invalid_value",
                param: Some("encoding_format"),
                message: "Invalid value for 'encoding_format'. Supported values are: 'float' and 'base64'.".to_owned(),
            }),
        }
    }
}

pub(super) fn missing(param: &'static str) -> BadBody {
    BadBody {
        code: "missing_required_parameter",
        param: Some(param),
        message: format!("Missing required parameter: '{param}'."),
    }
}

pub(super) fn wrong_type(param: &'static str, expected: &str) -> BadBody {
    BadBody {
        code: "invalid_type",
        param: Some(param),
        message: format!("Invalid type for '{param}': expected {expected}."),
    }
}

/// The items of an array, or the value itself as the only one: how a prompt or an input is given.
/// An array of numbers is one item.
pub(super) fn items<'a>(
    param: &'static str,
    value: &'a RawValue,
) -> Result<Vec<Cow<'a, str>>, BadBody> {
    let expected =
        "a string, an array of strings, an array of integers, or an array of arrays of integers";
    let one = |raw: &'a RawValue| match raw.get().as_bytes().first() {
        Some(b'"') => Ok(Cow::Owned(
            serde_json::from_str(raw.get()).unwrap_or_default(),
        )),
        Some(b'[') => Ok(Cow::Borrowed(raw.get())),
        _ => Err(wrong_type(param, expected)),
    };
    if !value.get().starts_with('[') {
        return match one(value) {
            Ok(Cow::Owned(text)) => Ok(vec![Cow::Owned(text)]),
            _ => Err(wrong_type(param, expected)),
        };
    }
    let listed: Vec<&RawValue> =
        serde_json::from_str(value.get()).map_err(|_| wrong_type(param, expected))?;
    if listed.is_empty() {
        return Err(BadBody {
            code: "empty_array",
            param: Some(param),
            message: format!(
                "Invalid '{param}': empty array. Expected an array with minimum length 1."
            ),
        });
    }
    if serde_json::from_str::<Vec<u32>>(value.get()).is_ok() {
        return Ok(vec![Cow::Borrowed(value.get())]);
    }
    listed.into_iter().map(one).collect()
}

fn integer(
    param: &'static str,
    value: Option<&RawValue>,
    range: RangeInclusive<usize>,
) -> Result<Option<usize>, BadBody> {
    let Some(value) = value else {
        return Ok(None);
    };
    let number: i64 =
        serde_json::from_str(value.get()).map_err(|_| wrong_type(param, "an integer"))?;
    let (start, end) = (*range.start(), *range.end());
    let (code, message) = match usize::try_from(number) {
        Ok(number) if range.contains(&number) => return Ok(Some(number)),
        Ok(number) if number > end => (
            "integer_above_max_value",
            format!(
                "Invalid '{param}': integer above maximum value. Expected a value <= {end}, but got {number} instead."
            ),
        ),
        _ => (
            "integer_below_min_value",
            format!(
                "Invalid '{param}': integer below minimum value. Expected a value >= {start}, but got {number} instead."
            ),
        ),
    };
    Err(BadBody {
        code,
        param: Some(param),
        message,
    })
}
