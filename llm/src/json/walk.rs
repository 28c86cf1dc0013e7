//! One pass over a JSON text: is it JSON, how deep, and where are its top-level fields.

use std::ops::Range;

/// How deep a text may nest, the top-level object included. The open ones are kept in the bits of
/// one number, so it can't be more.
pub const MAX_DEPTH: u32 = 128;

/// Why a text was not walked to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not one JSON value (RFC 8259) alone.
    Syntax,
    /// It is one, but no object.
    NoObject,
    /// It nests deeper than [`MAX_DEPTH`], and may be no JSON behind that.
    TooDeep,
}

/// Gives each field of the top-level object to `field`, in order: the key between its quotes, as it
/// is escaped there, and where the value lies.
///
/// Without recursion. What is refused may have given some fields before. Halves of surrogate pairs
/// pass, as the grammar has it.
pub(crate) fn fields<'a>(
    text: &'a str,
    mut field: impl FnMut(&'a str, Range<usize>),
) -> Result<(), Fault> {
    let mut walker = Walker::new(text);
    walker.blanks();
    if walker.peek() != Some(b'{') {
        walker.value()?;
        walker.end()?;
        return Err(Fault::NoObject);
    }
    walker.push(true)?;
    walker.blanks();
    if walker.take(b'}').is_ok() {
        return walker.end();
    }
    loop {
        walker.blanks();
        let key = walker.string()?;
        walker.blanks();
        walker.take(b':')?;
        walker.blanks();
        let start = walker.at;
        walker.value()?;
        field(&text[key], start..walker.at);
        walker.blanks();
        if walker.take(b',').is_err() {
            walker.take(b'}')?;
            return walker.end();
        }
    }
}

/// A place in a text, moved forward over what is checked.
pub(super) struct Walker<'a> {
    bytes: &'a [u8],
    at: usize,
    /// One bit for each open one, the innermost the lowest: set for an object.
    open: u128,
    depth: u32,
}

impl<'a> Walker<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            open: 0,
            depth: 0,
        }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn take(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(Fault::Syntax)
        }
    }

    pub(super) fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.blanks();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(Fault::Syntax),
        }
    }

    /// Steps over the opening byte.
    pub(super) fn push(&mut self, object: bool) -> Result<(), Fault> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        self.at += 1;
        self.depth += 1;
        self.open = self.open << 1 | u128::from(object);
        Ok(())
    }

    pub(super) fn pop(&mut self) {
        self.depth -= 1;
        self.open >>= 1;
    }

    /// Steps over one value, whatever is in it.
    fn value(&mut self) -> Result<(), Fault> {
        let outside = self.depth;
        loop {
            let opened = match self.peek() {
                Some(b'{') => {
                    self.push(true)?;
                    true
                }
                Some(b'[') => {
                    self.push(false)?;
                    true
                }
                Some(b'"') => {
                    self.string()?;
                    false
                }
                Some(b'-' | b'0'..=b'9') => {
                    self.number()?;
                    false
                }
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                _ => return Err(Fault::Syntax),
            };
            if !self.on_to_the_next(opened, outside)? {
                return Ok(());
            }
        }
    }

    /// From behind a value, or from behind an opening, to the next value; false if all that was
    /// opened is closed again.
    fn on_to_the_next(&mut self, opened: bool, outside: u32) -> Result<bool, Fault> {
        let mut first = opened;
        while self.depth > outside {
            self.blanks();
            let object = self.open & 1 == 1;
            if self.peek() == Some(if object { b'}' } else { b']' }) {
                self.at += 1;
                self.pop();
                first = false;
                continue;
            }
            if !first {
                self.take(b',')?;
                self.blanks();
            }
            if object {
                self.string()?;
                self.blanks();
                self.take(b':')?;
                self.blanks();
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Always false: a word opens nothing.
    pub(super) fn word(&mut self, word: &[u8]) -> Result<bool, Fault> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(false)
        } else {
            Err(Fault::Syntax)
        }
    }

    /// Steps over a string and gives where its inside lies.
    pub(super) fn string(&mut self) -> Result<Range<usize>, Fault> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            self.at += text_len(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at - 1);
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(Fault::Syntax),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(Fault::Syntax);
                }
                self.at += 6;
            }
            _ => return Err(Fault::Syntax),
        }
        Ok(())
    }

    pub(super) fn number(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let rest = &self.bytes[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 {
            return Err(Fault::Syntax);
        }
        Ok(())
    }
}

/// How many bytes from the start on stand for themselves in a string.
fn text_len(bytes: &[u8]) -> usize {
    /// Up to here words are looked at: most keys, and texts between two escapes, are that short.
    const NEAR: usize = 64;
    const BLOCK: usize = 32;
    let near = &bytes[..bytes.len().min(NEAR)];
    let mut passed = word_len(near);
    if passed < near.len() {
        return passed;
    }
    for block in bytes[passed..].chunks_exact(BLOCK) {
        // Without an early exit inside of the block, so that it becomes vector code.
        let hit = block
            .iter()
            .fold(false, |hit, &byte| hit | is_special(byte));
        if hit {
            break;
        }
        passed += BLOCK;
    }
    passed + word_len(&bytes[passed..])
}

/// The same, eight bytes at a time.
fn word_len(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // Subtracting borrows from the high bit of each byte that is smaller; what spills over
        // reaches only bytes behind the first hit (Hacker's Delight, 6-1).
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        let quote = quote.wrapping_sub(ONES) & !quote;
        let backslash = backslash.wrapping_sub(ONES) & !backslash;
        let hits = (control | quote | backslash) & HIGH;
        if hits != 0 {
            return index * 8 + hits.trailing_zeros() as usize / 8;
        }
    }
    let special = rest.iter().position(|&byte| is_special(byte));
    words.len() * 8 + special.unwrap_or(rest.len())
}

fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn walk(text: &str) -> Result<Vec<(&str, &str)>, Fault> {
        let mut found = Vec::new();
        fields(text, |key, range| found.push((key, &text[range])))?;
        Ok(found)
    }

    #[test]
    fn fields_come_in_order_as_they_are_written() {
        let text = r#" { "a" : [1, {"b":[]}] ,"\u0062":-1.5E+3,"c":"x\"}","d":{},"e":null} "#;
        let expected = vec![
            ("a", r#"[1, {"b":[]}]"#),
            (r"\u0062", "-1.5E+3"),
            ("c", r#""x\"}""#),
            ("d", "{}"),
            ("e", "null"),
        ];
        assert_eq!(walk(text), Ok(expected));
        assert_eq!(walk("{}"), Ok(vec![]));
    }

    #[test]
    fn what_is_no_object_is_told_from_what_is_no_json() {
        for text in ["1", "null", " [{}] ", "\"a\"", "-0.0e-7"] {
            assert_eq!(walk(text), Err(Fault::NoObject), "{text}");
        }
        for text in [
            "",
            " ",
            "nul",
            "[1,]",
            "01",
            "1.",
            "{\"a\":1,}",
            "{} {}",
            "[}",
        ] {
            assert_eq!(walk(text), Err(Fault::Syntax), "{text}");
        }
    }

    #[test]
    fn the_depth_is_that_of_all_open_ones() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(walk(&nested(127)).is_ok());
        assert_eq!(walk(&nested(128)), Err(Fault::TooDeep));
        let many = format!("{{\"a\":[{}1]}}", "[{}],".repeat(500));
        assert!(walk(&many).is_ok());
        let quoted = format!("{{\"a\":\"{}\"}}", "[".repeat(500));
        assert!(walk(&quoted).is_ok());
    }

    /// Texts that are JSON, or nearly.
    fn texts() -> impl Strategy<Value = String> {
        let pieces = vec![
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"",
            "\\",
            "\"a\"",
            "\"\":",
            "{\"a\":",
            "1",
            "-",
            "0",
            ".5",
            "e+1",
            "E",
            "true",
            "false",
            "null",
            "t",
            " ",
            "\n",
            "\t",
            "\u{1}",
            "\\u00e9",
            "\\u00g0",
            "\\ud800",
            "\\n",
            "\\x",
            "é",
            "\"a long text without anything in it, past one block and one more\"",
            "{}",
            "[]",
            "[1,2]",
        ];
        proptest::collection::vec(proptest::sample::select(pieces), 0..14)
            .prop_map(|all| all.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn json_is_what_serde_json_takes_for_it(text in texts()) {
            let text = if text.len() % 2 == 0 { text } else { format!("{{\"a\":{text}}}") };
            let json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            prop_assert_eq!(walk(&text) != Err(Fault::Syntax), json);
        }

        #[test]
        fn text_len_is_the_first_special_byte(
            quiet in 0usize..120,
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let bytes = [vec![b'x'; quiet], bytes].concat();
            let expected = bytes.iter().position(|byte| *byte < 0x20 || b"\"\\".contains(byte));
            prop_assert_eq!(text_len(&bytes), expected.unwrap_or(bytes.len()));
        }
    }
}
