//! JSON as Weir reads and writes it: a walk without a tree for the hot path, and a tree that borrows
//! from its text where more has to be known.

mod field;
mod scan;
mod tree;
mod walk;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, Error, Visitor};

pub use field::FieldReader;
pub(crate) use scan::{plain_len, text_len};
pub use tree::{BadJson, MAX_NODES, Object, Text, Value};
pub use walk::MAX_DEPTH;
pub(crate) use walk::{Fault, fields};

/// The text between the quotes of a JSON string that was walked. A half of a surrogate pair, which no text can
/// hold, becomes U+FFFD.
pub(crate) fn unescape(inside: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
        return Cow::Borrowed(inside);
    }
    let quoted = format!("\"{inside}\"");
    let mut deserializer = serde_json::Deserializer::from_str(&quoted);
    let bytes = deserializer.deserialize_bytes(Bytes).unwrap_or_default();
    Cow::Owned(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// Takes a string as bytes, in which halves of surrogate pairs stand.
struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

/// Writes the inside of a JSON string (no quotes), escaped as RFC 8259 §7 demands and no further.
pub(crate) fn write_escaped(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut rest = text.as_bytes();
    loop {
        let (verbatim, behind) = rest.split_at(scan::verbatim_len(rest));
        out.extend_from_slice(verbatim);
        let Some((&byte, behind)) = behind.split_first() else {
            return;
        };
        rest = behind;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
    }
}

/// Writes a JSON string with its quotes.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(text in any::<String>()) {
            let mut out = Vec::new();
            write_string(&text, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
