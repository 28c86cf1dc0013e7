//! What a scalar means: the resolution of `go.yaml.in/yaml/v2` (its `resolve.go`), which `sigs.k8s.io/yaml` reads
//! with, down to what Go's `strconv` takes for a number.

use serde_json::{Number, Value};

use super::base64;
use super::tree::Written;

/// A resolved scalar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Only where it is above `i64::MAX`.
    Unsigned(u64),
    Float(f64),
    Text(String),
}

const STANDARD: &str = "tag:yaml.org,2002:";

/// The value of a scalar, or why its text does not fit its tag.
pub(super) fn resolve(written: &Written) -> Result<Scalar, String> {
    let text = written.text.as_str();
    let Some(tag) = written.tag.as_deref().filter(|tag| !tag.is_empty()) else {
        return Ok(if written.implicit {
            plain(text)
        } else {
            Scalar::Text(text.to_owned())
        });
    };
    let short = tag.strip_prefix(STANDARD);
    let resolved = match short {
        Some("binary") => return binary(text),
        Some("bool" | "int" | "float" | "null") => plain(text),
        Some("timestamp") if !is_date(text) => Scalar::Null,
        _ => return Ok(Scalar::Text(text.to_owned())),
    };
    match (short.unwrap_or_default(), resolved) {
        ("bool", value @ Scalar::Bool(_))
        | ("int", value @ (Scalar::Int(_) | Scalar::Unsigned(_)))
        | ("float", value @ Scalar::Float(_))
        | ("null", value @ Scalar::Null) => Ok(value),
        #[expect(clippy::cast_precision_loss, reason = "the same conversion as in Go")]
        ("float", Scalar::Int(int)) => Ok(Scalar::Float(int as f64)),
        (short, _) => Err(format!("the text does not fit its tag !!{short}")),
    }
}

fn binary(text: &str) -> Result<Scalar, String> {
    let bytes = base64::decode(text).ok_or("a !!binary value is no base64")?;
    String::from_utf8(bytes)
        .map(Scalar::Text)
        .map_err(|_| "a !!binary value is not UTF-8 inside; write the base64 itself as a string, as Kubernetes takes bytes".to_owned())
}

/// An untagged plain scalar.
fn plain(text: &str) -> Scalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Scalar::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let number = match text.bytes().next() {
        Some(b'.') if underscores_separate_digits(text) => float(&text.replace('_', "")),
        Some(b'0'..=b'9' | b'+' | b'-') => number(&text.replace('_', "")),
        _ => None,
    };
    number.unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

/// A text that begins with a digit or a sign, its underscores removed.
fn number(text: &str) -> Option<Scalar> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..)?),
        Some(b'+') => (false, text.get(1..)?),
        _ => (false, text),
    };
    integer(negative, text.starts_with('+'), digits)
        .or_else(|| float(text))
        .or_else(|| odd_binary(text))
}

/// Go's `strconv.ParseInt` and `ParseUint` with base 0. The unsigned one takes no sign.
fn integer(negative: bool, plus: bool, digits: &str) -> Option<Scalar> {
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match (negative, i64::try_from(magnitude)) {
        (false, Ok(int)) => Some(Scalar::Int(int)),
        (true, _) => 0i64.checked_sub_unsigned(magnitude).map(Scalar::Int),
        (false, Err(_)) => (!plus).then_some(Scalar::Unsigned(magnitude)),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?` that is within range.
fn float(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let well_formed = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| {
            let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent)
        });
    let value: f64 = well_formed.then(|| text.parse().ok())??;
    value.is_finite().then_some(Scalar::Float(value))
}

/// Go's rule for `_` in a number, which counts only where a number begins with a point.
fn underscores_separate_digits(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    let mut underscores = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_');
    underscores.all(|(at, _)| digit(at.checked_sub(1)) && digit(at.checked_add(1)))
}

/// `0b` before a signed number, which the Go library takes through its last branch: `0b-1` is -1.
fn odd_binary(text: &str) -> Option<Scalar> {
    let digits = text.strip_prefix("0b")?;
    i64::from_str_radix(digits, 2).ok().map(Scalar::Int)
}

/// Whether a text begins with a date, `2006-1-2`.
fn is_date(text: &str) -> bool {
    let date = text.split(['T', 't', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = date.split('-').collect();
    let within = |part: &str, most: u32| {
        part.len() <= 2 && part.parse().is_ok_and(|n: u32| (1..=most).contains(&n))
    };
    matches!(parts.as_slice(), [year, month, day]
        if year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()) && within(month, 12) && within(day, 31))
}

impl Scalar {
    /// The value as JSON, or `None` for what JSON can't say (infinities, not a number).
    ///
    /// A float without a fraction below 1e21 is written without a point by Go, and so read as an integer.
    pub(super) fn into_json(self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(int) => Value::from(int),
            Self::Unsigned(int) => Value::from(int),
            Self::Float(float) => Value::Number(whole(float).or_else(|| Number::from_f64(float))?),
            Self::Text(text) => Value::String(text),
        })
    }

    /// The value as the key of a JSON object, or `None` for what `sigs.k8s.io/yaml` takes for no key.
    pub(super) fn into_key(self) -> Option<String> {
        match self {
            Self::Null | Self::Unsigned(_) => None,
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(int) => Some(int.to_string()),
            Self::Float(float) => Some(float_key(float)),
            Self::Text(text) => Some(text),
        }
    }
}

fn whole(float: f64) -> Option<Number> {
    if float.fract() != 0.0 || float.abs() >= 1e21 || (float == 0.0 && float.is_sign_negative()) {
        return None;
    }
    // The shortest digits that mean this float, filled up with zeros: what Go writes.
    let digits = float.to_string();
    let int = digits.parse::<i64>().map(Number::from);
    int.or_else(|_| digits.parse::<u64>().map(Number::from))
        .ok()
}

/// Go's `strconv.FormatFloat(float, 'g', -1, 32)`, with YAML's names for what is no number.
fn float_key(float: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the key is written with 32 bits"
    )]
    let single = float as f32;
    if single.is_nan() {
        return ".nan".to_owned();
    }
    if single.is_infinite() {
        return if single > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{single:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format!("{single}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
