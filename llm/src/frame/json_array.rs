//! A stream that is one JSON array: each element is an event.

use super::BadFrame;

/// How deep in the array the next byte is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Brackets {
    depth: u32,
    string: bool,
    escaped: bool,
}

impl Brackets {
    /// The ends of the first and the last element that end in `chunk`; the array's own end is part of the last.
    pub(super) fn find(self, chunk: &[u8]) -> Option<(usize, usize)> {
        let mut found = None;
        let mut state = self;
        for (at, &byte) in chunk.iter().enumerate() {
            if state.step(byte) {
                let (first, _) = found.unwrap_or((at + 1, 0));
                found = Some((first, at + 1));
            }
        }
        found
    }

    pub(super) fn advance(&mut self, chunk: &[u8]) {
        for &byte in chunk {
            self.step(byte);
        }
    }

    /// Takes a byte; whether an element, or the array itself, ends with it.
    fn step(&mut self, byte: u8) -> bool {
        if self.escaped {
            self.escaped = false;
            return false;
        }
        match byte {
            b'\\' if self.string => self.escaped = true,
            b'"' => self.string = !self.string,
            _ if self.string => {}
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth <= 1;
            }
            _ => {}
        }
        false
    }
}

/// The first element in a run of whole ones, without what parts it from others, and what is behind it.
pub(super) fn split(run: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let start = run
        .iter()
        .position(|byte| !matches!(byte, b'[' | b']' | b',' | b' ' | b'\n' | b'\r' | b'\t'));
    let Some(start) = start else {
        return (None, &[]);
    };
    let mut state = Brackets {
        depth: 1,
        ..Brackets::default()
    };
    let element = &run[start..];
    let end = element.iter().position(|&byte| state.step(byte));
    let end = end.map_or(element.len(), |at| at + 1);
    let (element, rest) = element.split_at(end);
    (Some(element), rest)
}

impl From<std::str::Utf8Error> for BadFrame {
    fn from(_: std::str::Utf8Error) -> Self {
        Self::Corrupt
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Cutter, Framing, frames};

    #[test]
    fn any_cut_gives_the_same_elements() {
        let text = br#"[{"a":"]}\"","b":[1,{}]}
,
 {"c":{}}]
"#;
        let read = |pieces: &[&[u8]]| {
            let mut cutter = Cutter::new(Framing::JsonArray);
            let mut read = Vec::new();
            for piece in pieces {
                for run in cutter.feed(Bytes::copy_from_slice(piece)).unwrap() {
                    let found = frames(Framing::JsonArray, &run);
                    read.extend(found.map(|one| one.unwrap().data.into_owned()));
                }
            }
            read
        };
        let whole = read(&[text]);
        assert_eq!(whole, [&br#"{"a":"]}\"","b":[1,{}]}"#[..], br#"{"c":{}}"#]);
        for cut in 0..=text.len() {
            assert_eq!(read(&[&text[..cut], &text[cut..]]), whole, "{cut}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(read(&bytes), whole);
    }
}
