//! One field of an object that passes by.

use super::{plain_len, text_len};

/// The longest value that is kept, in bytes; a longer one is not read.
const MAX_VALUE: usize = 16 * 1024;

/// Finds the value of one top-level field of an object that is fed as it comes, cut anywhere.
///
/// It keeps nothing of the object but that one value, and at most 16 KiB of it. It believes that
/// it is fed JSON: of what is not, it may find nothing. If the field comes twice the last counts.
#[derive(Debug)]
pub struct FieldReader {
    /// The name that is looked for, as it stands between its quotes.
    key: &'static str,
    /// Open brackets and braces.
    depth: usize,
    text: Text,
    place: Place,
    /// How much of `key` the key that is being read has matched; more than its length if it differs.
    matched: usize,
    value: Vec<u8>,
}

/// Whether the next byte is inside of a string.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    /// Behind a backslash.
    Escaped,
}

/// Where in the top-level object the next byte is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before a colon.
    #[default]
    Key,
    /// Behind the colon of another key.
    Other,
    /// Behind the colon of the field.
    Wanted,
}

impl FieldReader {
    /// A reader of this field, at the start of an object. The name is one that JSON does not escape.
    #[must_use]
    pub fn new(key: &'static str) -> Self {
        Self {
            key,
            depth: 0,
            text: Text::Outside,
            place: Place::Key,
            matched: 0,
            value: Vec::new(),
        }
    }

    /// Takes the next bytes of the body.
    pub fn feed(&mut self, chunk: &[u8]) {
        let mut at = 0;
        while at < chunk.len() {
            let rest = &chunk[at..];
            at += match self.text {
                Text::Escaped => {
                    self.keep(&rest[..1]);
                    self.matched = usize::MAX;
                    self.text = Text::Inside;
                    1
                }
                Text::Inside => self.inside(rest),
                Text::Outside if self.depth == 1 => self.top_level(rest),
                Text::Outside => self.nested(rest),
            };
        }
    }

    /// The value, once the object has been fed; `None` if there is none, or it is longer than 16 KiB.
    #[must_use]
    pub fn value(&self) -> Option<&[u8]> {
        let kept = !self.value.is_empty() && self.value.len() <= MAX_VALUE;
        kept.then_some(&self.value)
    }

    /// In a string: up to its end or an escape. Gives how many bytes it took.
    fn inside(&mut self, rest: &[u8]) -> usize {
        let len = text_len(rest);
        self.match_key(&rest[..len]);
        let taken = match rest.get(len) {
            Some(b'"') => {
                self.text = Text::Outside;
                len + 1
            }
            Some(_) => {
                self.text = Text::Escaped;
                len + 1
            }
            None => len,
        };
        self.keep(&rest[..taken]);
        taken
    }

    /// Outside of strings and not directly in the top-level object: up to where structure changes.
    fn nested(&mut self, rest: &[u8]) -> usize {
        let len = plain_len(rest);
        let taken = match rest.get(len) {
            Some(&byte) => {
                self.structure(byte);
                len + 1
            }
            None => len,
        };
        self.keep(&rest[..taken]);
        taken
    }

    /// Directly in the top-level object: one byte.
    fn top_level(&mut self, rest: &[u8]) -> usize {
        match rest[0] {
            b',' => self.place = Place::Key,
            b':' if self.place == Place::Key => {
                self.place = if self.matched == self.key.len() {
                    self.value.clear();
                    Place::Wanted
                } else {
                    Place::Other
                };
                return 1;
            }
            b'}' => {
                self.place = Place::Key;
                self.depth = 0;
            }
            byte => self.structure(byte),
        }
        self.keep(&rest[..1]);
        1
    }

    fn structure(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.text = Text::Inside;
                self.matched = 0;
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn match_key(&mut self, part: &[u8]) {
        let end = self.matched.saturating_add(part.len());
        self.matched = match self.key.as_bytes().get(self.matched..end) {
            Some(expected) if expected == part => end,
            _ => usize::MAX,
        };
    }

    /// Keeps a part of the wanted value; one byte past the bound tells that it was too long.
    fn keep(&mut self, part: &[u8]) {
        if self.place == Place::Wanted {
            let room = (MAX_VALUE + 1).saturating_sub(self.value.len());
            self.value.extend_from_slice(&part[..part.len().min(room)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Usage;

    /// What such a value is for.
    fn usage(reader: &FieldReader) -> Option<Usage> {
        Usage::from_openai(reader.value()?)
    }

    fn whole(body: &str) -> Option<Usage> {
        let mut reader = FieldReader::new("usage");
        reader.feed(body.as_bytes());
        usage(&reader)
    }

    fn used(input: u64, output: u64) -> Option<Usage> {
        Some(Usage {
            input,
            output,
            ..Usage::default()
        })
    }

    #[test]
    fn the_top_level_usage_is_found_wherever_it_stands() {
        let usage = r#""usage":{"prompt_tokens":3,"completion_tokens":4}"#;
        for body in [
            format!("{{{usage}}}"),
            format!(" {{ {usage} , \"b\":[1,2]}} "),
            format!("{{\"a\":{{\"x\":[\"}}\"]}},{usage}}}"),
            format!("{{\"a\":\"\\\"usage\\\":\",{usage},\"z\":null}}"),
            format!("{{\"usag\":1,\"usages\":{{}},{usage}}}"),
        ] {
            assert_eq!(whole(&body), used(3, 4), "{body}");
        }
    }

    #[test]
    fn a_nested_or_quoted_usage_is_not_the_answers() {
        for body in [
            r#"{"choices":[{"usage":{"prompt_tokens":3}}]}"#,
            r#"{"a":"usage","b":{"prompt_tokens":3}}"#,
            r#"[{"usage":{"prompt_tokens":3}}]"#,
            r#"{"usage":null}"#,
            r#"{"us\u0061ges":{"prompt_tokens":3}}"#,
            r#"{"usage\"":{"prompt_tokens":3}}"#,
            r#""usage""#,
            "",
        ] {
            assert_eq!(whole(body), None, "{body}");
        }
    }

    #[test]
    fn a_usage_past_the_bound_is_not_read() {
        let padding = " ".repeat(MAX_VALUE);
        let body = format!(r#"{{"usage":{{{padding}"prompt_tokens":3}}}}"#);
        assert_eq!(whole(&body), None);
    }

    fn pieces() -> impl Strategy<Value = String> {
        let piece = proptest::sample::select(vec![
            "\"usage\"",
            ":",
            ",",
            "{",
            "}",
            "[",
            "]",
            "\"",
            "\\",
            "null",
            "1",
            " ",
            "é",
            "\"prompt_tokens\":12",
            "\"a\":\"b\\\"\"",
            "{\"usage\":",
            "{\"completion_tokens\":5}",
        ]);
        proptest::collection::vec(piece, 0..24).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn any_cut_finds_the_same(body in pieces(), cut in any::<proptest::sample::Index>()) {
            let bytes = body.as_bytes();
            let expected = whole(&body);
            let at = cut.index(bytes.len() + 1);
            let mut halves = FieldReader::new("usage");
            halves.feed(&bytes[..at]);
            halves.feed(&bytes[at..]);
            prop_assert_eq!(usage(&halves), expected);
            let mut single = FieldReader::new("usage");
            bytes.chunks(1).for_each(|byte| single.feed(byte));
            prop_assert_eq!(usage(&single), expected);
        }

        #[test]
        fn what_serde_finds_is_found(
            before in any::<Vec<String>>(),
            input in any::<u32>(),
            after in any::<String>(),
        ) {
            let body = serde_json::json!({
                "a": before, "usage": {"prompt_tokens": input, "completion_tokens": 1}, "z": {after: [1.5, {"usage": 2}]},
            });
            prop_assert_eq!(whole(&body.to_string()), used(u64::from(input), 1));
        }
    }
}
