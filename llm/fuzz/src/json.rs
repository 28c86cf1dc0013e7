//! JSON as a tree.

use serde::de::IgnoredAny;
use weir_llm::json::{Text, Value};

use super::promise::is_json;

/// The deepest that may be read.
const MAX_DEPTH: usize = 128;

/// The tree reads what `serde_json` reads, keeps it, and says of each text where it lies.
pub fn json(bytes: &[u8]) {
    let read = Value::from_bytes(bytes);
    // This checks the grammar alone: no number is too large for it, no surrogate without its pair.
    let grammar =
        std::str::from_utf8(bytes).is_ok() && serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    let Ok(value) = read else {
        let deep = grammar && depth(bytes) > MAX_DEPTH;
        assert!(!grammar || deep, "JSON is refused");
        return;
    };
    assert!(grammar, "what is read is no JSON");
    assert!(depth(bytes) <= MAX_DEPTH);
    let written = value.to_json();
    is_json(written.as_bytes(), "a tree");
    let escaped = written.len() <= bytes.len() * 3 + 8;
    assert!(escaped, "{} bytes of {}", written.len(), bytes.len());
    assert_eq!(Value::parse(&written).as_ref(), Ok(&value));
    let (theirs, ours) = (
        serde_json::from_slice::<serde_json::Value>(bytes),
        serde_json::from_str::<serde_json::Value>(&written),
    );
    if let Ok(theirs) = theirs {
        assert_eq!(ours.ok(), Some(theirs));
    }
    assert_eq!(value.clone().into_owned(), value);
    texts(&value, &mut |text| lies_there(text, bytes));
}

fn texts(value: &Value<'_>, each: &mut impl FnMut(&Text<'_>)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, each)),
        Value::Object(object) => object.iter().for_each(|(_, item)| texts(item, each)),
        _ => {}
    }
}

fn lies_there(text: &Text<'_>, bytes: &[u8]) {
    let Some(range) = text.range.clone() else {
        panic!("a text that was read lies nowhere");
    };
    assert_eq!(bytes[range.start - 1], b'"');
    assert_eq!(bytes[range.end], b'"');
    let quoted = &bytes[range.start - 1..=range.end];
    if let Ok(theirs) = serde_json::from_slice::<String>(quoted) {
        assert_eq!(theirs, *text.value);
    }
}

/// How deep brackets and braces nest outside of strings.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut string, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if string => escaped = true,
            b'"' => string = !string,
            _ if string => {}
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
