//! YAML as a tree that keeps what a `!!binary` scalar is: bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libyaml_safer::{EventData, Parser, ScalarStyle};

/// A value of a cassette.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A plain scalar that says there is nothing: `null`, `~` or empty.
    Nothing,
    /// Any other scalar, as its bytes.
    Scalar(Vec<u8>),
    /// A sequence.
    List(Vec<Value>),
    /// A mapping, in its order.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// What stands under a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        let (_, value) = entries.iter().find(|(key, _)| key == name)?;
        Some(value)
    }

    /// A scalar's bytes; none of what is nothing.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Nothing => b"",
            Self::Scalar(bytes) => bytes,
            other => panic!("{other:?} is no scalar"),
        }
    }

    /// A scalar's text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap()
    }
}

/// The one document of a file.
pub(crate) fn parse(text: &str) -> Value {
    let mut bytes = text.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut bytes);
    loop {
        match parser.parse().unwrap().data {
            EventData::StreamStart { .. } | EventData::DocumentStart { .. } => {}
            event => return value(event, &mut parser),
        }
    }
}

fn value(event: EventData, parser: &mut Parser<&mut &[u8]>) -> Value {
    match event {
        EventData::Scalar {
            tag, value, style, ..
        } => scalar(tag.as_deref(), value, style),
        EventData::SequenceStart { .. } => {
            let mut items = Vec::new();
            loop {
                match parser.parse().unwrap().data {
                    EventData::SequenceEnd => return Value::List(items),
                    event => items.push(value(event, parser)),
                }
            }
        }
        EventData::MappingStart { .. } => {
            let mut entries = Vec::new();
            loop {
                match parser.parse().unwrap().data {
                    EventData::MappingEnd => return Value::Map(entries),
                    EventData::Scalar { value: key, .. } => {
                        let event = parser.parse().unwrap().data;
                        entries.push((key, value(event, parser)));
                    }
                    other => panic!("{other:?} is no key"),
                }
            }
        }
        other => panic!("{other:?} is not expected in a cassette"),
    }
}

fn scalar(tag: Option<&str>, value: String, style: ScalarStyle) -> Value {
    match tag {
        Some("tag:yaml.org,2002:binary") => {
            let digits: Vec<u8> = value.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
            Value::Scalar(STANDARD.decode(digits).unwrap())
        }
        Some(other) => panic!("{other} is not expected in a cassette"),
        None if style == ScalarStyle::Plain && matches!(&*value, "" | "~" | "null") => {
            Value::Nothing
        }
        None => Value::Scalar(value.into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_vcr_writes_is_read() {
        let text = "a:\n- !!binary |\n  AAEC\n  Aw==\n- 'x\n\n  y'\nb: null\nc: 200\nd: 'null'\n";
        let scalar = |bytes: &[u8]| Value::Scalar(bytes.to_vec());
        let list = vec![scalar(&[0, 1, 2, 3]), scalar(b"x\ny")];
        assert_eq!(
            parse(text),
            Value::Map(vec![
                ("a".into(), Value::List(list)),
                ("b".into(), Value::Nothing),
                ("c".into(), scalar(b"200")),
                ("d".into(), scalar(b"null")),
            ])
        );
    }
}
