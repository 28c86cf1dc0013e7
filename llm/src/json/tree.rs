//! A JSON text as a tree that borrows from it.
//!
//! Unlike `serde_json::Value` it keeps what a translation must not change: the order of an object's
//! fields, numbers as they are written, and where in the body each string lies.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::walk::Walker;
use super::{unescape, write_string};

/// How many values a tree may hold: one takes some 40 bytes, of a text that may spend two on it.
pub const MAX_NODES: usize = 1 << 20;

/// One JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'a> {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it is written.
    Number(Cow<'a, str>),
    /// A string.
    String(Text<'a>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object.
    Object(Object<'a>),
    /// A JSON text that is passed on as it is. Reading never gives one; see [`Value::raw`].
    Raw(Cow<'a, str>),
}

/// A text, and where in the body it lies.
#[derive(Clone, Default)]
pub struct Text<'a> {
    /// The text itself, its escapes undone.
    pub value: Cow<'a, str>,
    /// Where it lies in the body, between its quotes and escaped; `None` for one that came otherwise.
    pub range: Option<Range<usize>>,
}

/// The fields of an object in their order. A name that comes twice is kept twice; the first is found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a> {
    fields: Vec<(Cow<'a, str>, Value<'a>)>,
}

/// A text is not JSON, or more than is read of one. Says where, and never quotes the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadJson {
    /// The line, from 1; 0 where it is not known.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

impl fmt::Display for BadJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no JSON that can be read at line {}, column {}",
            self.line, self.column
        )
    }
}

impl std::error::Error for BadJson {}

impl<'a> Value<'a> {
    /// Reads a whole text.
    ///
    /// # Errors
    /// [`BadJson`] if it is not one JSON value alone, nests deeper than 128, or holds more than
    /// [`MAX_NODES`] values.
    pub fn parse(text: &'a str) -> Result<Self, BadJson> {
        let mut reader = Reader {
            text,
            walker: Walker::new(text),
            left: MAX_NODES,
        };
        reader.whole().ok_or_else(|| reader.place())
    }

    /// The same of bytes.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and for what is not UTF-8.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, BadJson> {
        let text = std::str::from_utf8(bytes).map_err(|_| BadJson { line: 0, column: 0 })?;
        Self::parse(text)
    }

    /// A value of a JSON text that is known to be one; it is written as it is.
    pub fn raw(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Raw(text.into())
    }

    /// The field of an object; `None` for what is none, and where it is `null`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        match self {
            Self::Object(object) => object.get(name),
            _ => None,
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(&text.value),
            _ => None,
        }
    }

    /// The string with its range.
    #[must_use]
    pub fn as_text(&self) -> Option<&Text<'a>> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// A number without a fraction that is not negative; `12.0` counts, as some SDKs write it.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(text) => text.parse().ok().or_else(|| {
                let whole: f64 = text.parse().ok()?;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "in the range where floats hold every whole number"
                )]
                (whole.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&whole))
                    .then_some(whole as u64)
            }),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A number.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// `true` or `false`.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The elements of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What kind of value it is, with its article, for messages: `a string`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
            Self::Raw(_) => "a value",
        }
    }

    /// Writes it without blanks.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Number(text) | Self::Raw(text) => out.extend_from_slice(text.as_bytes()),
            Self::String(text) => write_string(&text.value, out),
            Self::Array(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(object) => object.write(out),
        }
    }

    /// It as a JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        // Made of strings alone.
        String::from_utf8(out).unwrap_or_default()
    }

    /// The same value without a borrow; ranges stay.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(text) => Value::Number(text.into_owned().into()),
            Self::String(text) => Value::String(text.into_owned()),
            Self::Array(items) => Value::Array(items.into_iter().map(Value::into_owned).collect()),
            Self::Object(object) => Value::Object(object.into_owned()),
            Self::Raw(text) => Value::Raw(text.into_owned().into()),
        }
    }
}

impl<'a> Object<'a> {
    /// One without fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// It with one more field at its end.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Value<'a>>) -> Self {
        self.push(name, value);
        self
    }

    /// It with one more field, if there is a value.
    #[must_use]
    pub fn maybe<V: Into<Value<'a>>>(
        mut self,
        name: impl Into<Cow<'a, str>>,
        value: Option<V>,
    ) -> Self {
        if let Some(value) = value {
            self.push(name, value);
        }
        self
    }

    /// Adds a field at the end.
    pub fn push(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Value<'a>>) {
        self.fields.push((name.into(), value.into()));
    }

    /// The first field of this name, unless it is `null`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
            .filter(|value| !value.is_null())
    }

    /// Every field in order, `null`s too.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.fields.iter().map(|(name, value)| (&**name, value))
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Writes it without blanks.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (index, (name, value)) in self.fields.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(name, out);
            out.push(b':');
            value.write(out);
        }
        out.push(b'}');
    }

    /// It as bytes of JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// The same without a borrow.
    #[must_use]
    pub fn into_owned(self) -> Object<'static> {
        let fields = self.fields.into_iter();
        Object {
            fields: fields
                .map(|(name, value)| (name.into_owned().into(), value.into_owned()))
                .collect(),
        }
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Value<'a>);
    type IntoIter = std::vec::IntoIter<(Cow<'a, str>, Value<'a>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields.into_iter()
    }
}

impl<'a> Text<'a> {
    /// A text that lies in no body.
    pub fn new(value: impl Into<Cow<'a, str>>) -> Self {
        Self {
            value: value.into(),
            range: None,
        }
    }

    /// Whether it stands in the body just as it reads, without an escape.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self.value, Cow::Borrowed(_))
    }

    /// The same text without a borrow; its range stays.
    #[must_use]
    pub fn into_owned(self) -> Text<'static> {
        Text {
            value: self.value.into_owned().into(),
            range: self.range,
        }
    }

    /// A borrow of it.
    #[must_use]
    pub fn borrowed(&self) -> Text<'_> {
        Text {
            value: Cow::Borrowed(&self.value),
            range: self.range.clone(),
        }
    }
}

/// Texts are equal that read the same; where they came from does not count.
impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Text<'_> {}

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<'a> From<Text<'a>> for Value<'a> {
    fn from(text: Text<'a>) -> Self {
        Self::String(text)
    }
}

impl<'a> From<&'a Text<'_>> for Value<'a> {
    fn from(text: &'a Text<'_>) -> Self {
        Self::String(text.borrowed())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::String(Text::new(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::String(Text::new(text.as_str()))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::String(Text::new(text))
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::String(Text::new(text))
    }
}

impl<'a> From<&'a Cow<'_, str>> for Value<'a> {
    fn from(text: &'a Cow<'_, str>) -> Self {
        Self::String(Text::new(&**text))
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Value<'_> {
    fn from(value: u64) -> Self {
        Self::Number(value.to_string().into())
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        u64::from(value).into()
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Number(value.to_string().into())
    }
}

/// What JSON has no number for is `null`.
impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        match serde_json::Number::from_f64(value) {
            Some(number) => Self::Number(number.to_string().into()),
            None => Self::Null,
        }
    }
}

impl<'a> From<Object<'a>> for Value<'a> {
    fn from(object: Object<'a>) -> Self {
        Self::Object(object)
    }
}

impl<'a, V: Into<Value<'a>>> From<Vec<V>> for Value<'a> {
    fn from(items: Vec<V>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<'a, V: Into<Value<'a>>> FromIterator<V> for Value<'a> {
    fn from_iter<I: IntoIterator<Item = V>>(items: I) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

/// Reads a tree off a walk. Recursion is bounded by the walker's depth.
struct Reader<'a> {
    text: &'a str,
    walker: Walker<'a>,
    left: usize,
}

impl<'a> Reader<'a> {
    fn whole(&mut self) -> Option<Value<'a>> {
        self.walker.blanks();
        let value = self.value()?;
        self.walker.end().ok()?;
        Some(value)
    }

    fn value(&mut self) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        let walker = &mut self.walker;
        let start = walker.at();
        match walker.peek()? {
            b'{' => {
                walker.push(true).ok()?;
                let object = self.fields()?;
                self.walker.pop();
                Some(Value::Object(object))
            }
            b'[' => {
                walker.push(false).ok()?;
                let items = self.items()?;
                self.walker.pop();
                Some(Value::Array(items))
            }
            b'"' => self.string().map(Value::String),
            b't' => walker.word(b"true").ok().map(|_| Value::Bool(true)),
            b'f' => walker.word(b"false").ok().map(|_| Value::Bool(false)),
            b'n' => walker.word(b"null").ok().map(|_| Value::Null),
            _ => {
                walker.number().ok()?;
                let end = walker.at();
                Some(Value::Number(Cow::Borrowed(&self.text[start..end])))
            }
        }
    }

    fn string(&mut self) -> Option<Text<'a>> {
        let range = self.walker.string().ok()?;
        Some(Text {
            value: unescape(&self.text[range.clone()]),
            range: Some(range),
        })
    }

    fn fields(&mut self) -> Option<Object<'a>> {
        let mut object = Object::new();
        self.walker.blanks();
        if self.walker.take(b'}').is_ok() {
            return Some(object);
        }
        loop {
            self.walker.blanks();
            let name = self.string()?;
            self.walker.blanks();
            self.walker.take(b':').ok()?;
            self.walker.blanks();
            let value = self.value()?;
            object.fields.push((name.value, value));
            self.walker.blanks();
            if self.walker.take(b',').is_err() {
                self.walker.take(b'}').ok()?;
                return Some(object);
            }
        }
    }

    fn items(&mut self) -> Option<Vec<Value<'a>>> {
        let mut items = Vec::new();
        self.walker.blanks();
        if self.walker.take(b']').is_ok() {
            return Some(items);
        }
        loop {
            self.walker.blanks();
            items.push(self.value()?);
            self.walker.blanks();
            if self.walker.take(b',').is_err() {
                self.walker.take(b']').ok()?;
                return Some(items);
            }
        }
    }

    fn place(&self) -> BadJson {
        let before = &self.text.as_bytes()[..self.walker.at().min(self.text.len())];
        let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        BadJson {
            line: memchr::memchr_iter(b'\n', before).count() + 1,
            column: before.len() - start + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn order_numbers_and_places_are_kept() {
        let text = r#" {"b":1.50,"a":[true,null,"x\ny"],"b":"é"} "#;
        let value = Value::parse(text).unwrap();
        assert_eq!(
            value.to_json(),
            r#"{"b":1.50,"a":[true,null,"x\ny"],"b":"é"}"#
        );
        let texts = value.get("a").and_then(Value::as_array).unwrap();
        let escaped = texts[2].as_text().unwrap();
        assert_eq!(&**escaped, "x\ny");
        assert_eq!(&text[escaped.range.clone().unwrap()], r"x\ny");
        assert!(!escaped.is_plain());
    }

    #[test]
    fn what_is_no_json_is_placed_and_bounds_hold() {
        let bad = Value::parse("{\n \"a\": }").unwrap_err();
        assert_eq!((bad.line, bad.column), (2, 7));
        assert!(Value::parse(&"[".repeat(100_000)).is_err());
        assert!(Value::parse(&format!("[{}1]", "1,".repeat(MAX_NODES))).is_err());
        assert!(Value::parse("1 2").is_err());
        assert!(Value::from_bytes(b"\"\xff\"").is_err());
    }

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        let number = |text| Value::parse(text).unwrap().as_u64();
        assert_eq!(number("12"), Some(12));
        assert_eq!(number("12.0"), Some(12));
        assert_eq!(number("-1"), None);
        assert_eq!(number("1.5"), None);
        assert_eq!(number("18446744073709551615"), Some(u64::MAX));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_reads_and_writes_what_serde_json_does(value in json(), pretty in any::<bool>()) {
            let text = if pretty {
                serde_json::to_string_pretty(&value).unwrap()
            } else {
                value.to_string()
            };
            let read = Value::parse(&text).unwrap();
            let written: serde_json::Value = serde_json::from_str(&read.to_json()).unwrap();
            prop_assert_eq!(written, value);
        }

        #[test]
        fn anything_is_read_or_refused(text in "[\\[\\]{}:,\"\\\\a1\\-. u0-9dD8]{0,40}") {
            let ours = Value::parse(&text).is_ok();
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(ours, theirs);
        }
    }
}
