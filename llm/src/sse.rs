//! Server-sent events, as the HTML standard has them (§9.2,
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>): lines end in LF, CRLF or CR,
//! a blank line ends an event.

use std::borrow::Cow;

use memchr::{memchr2, memrchr2};

/// Finds where events end, in a stream that is cut anywhere.
///
/// What it carries from one chunk to the next are the last two bytes. A CR that ends a blank line
/// ends the event at once, without a wait for the LF that may belong to it: such an LF, when it
/// comes, is itself a blank line, and so goes out at once too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundaries {
    before: [u8; 2],
}

impl Default for Boundaries {
    /// The start of a stream counts as the start of a line.
    fn default() -> Self {
        Self { before: *b"\n\n" }
    }
}

impl Boundaries {
    /// The end of the first event that ends in `chunk`.
    #[must_use]
    pub fn first(&self, chunk: &[u8]) -> Option<usize> {
        let mut from = 0;
        loop {
            let at = from + memchr2(b'\n', b'\r', &chunk[from..])?;
            if self.is_blank_line(chunk, at) {
                return Some(at + 1);
            }
            from = at + 1;
        }
    }

    /// The end of the last event that ends in `chunk`.
    #[must_use]
    pub fn last(&self, chunk: &[u8]) -> Option<usize> {
        let mut end = chunk.len();
        loop {
            let at = memrchr2(b'\n', b'\r', &chunk[..end])?;
            if self.is_blank_line(chunk, at) {
                return Some(at + 1);
            }
            end = at;
        }
    }

    /// Goes on behind `chunk`.
    pub fn advance(&mut self, chunk: &[u8]) {
        match *chunk {
            [] => {}
            [only] => self.before = [self.before[1], only],
            [.., a, b] => self.before = [a, b],
        }
    }

    /// Whether the line end at `at` ends a blank line.
    fn is_blank_line(&self, chunk: &[u8], at: usize) -> bool {
        let one = self.byte_before(chunk, at, 1);
        match one {
            b'\n' => true,
            // CR CR is two line ends. CR LF is one, of a line that was blank before the CR or not.
            b'\r' => chunk[at] == b'\r' || is_line_end(self.byte_before(chunk, at, 2)),
            _ => false,
        }
    }

    fn byte_before(&self, chunk: &[u8], at: usize, back: usize) -> u8 {
        match at.checked_sub(back) {
            Some(index) => chunk[index],
            None => self.before[2 + at - back],
        }
    }
}

fn is_line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// The event around a place: from behind the blank line before it to the end of the blank line
/// behind it, or to the end of the bytes. The bytes begin with the start of an event.
#[must_use]
pub fn event_around(events: &[u8], at: usize) -> &[u8] {
    let boundaries = Boundaries::default();
    let start = boundaries.last(&events[..at]).unwrap_or(0);
    let end = boundaries
        .first(&events[start..])
        .map_or(events.len(), |len| start + len);
    &events[start..end]
}

/// The data of one event: its `data` lines without their names, joined by LF. Borrowed where there
/// is one line; `None` where there is none.
#[must_use]
pub fn data(event: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut data: Option<Cow<'_, [u8]>> = None;
    for line in event.split(|&byte| is_line_end(byte)) {
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        let Some(value) = line.strip_prefix(b"data:") else {
            continue;
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        data = Some(match data {
            None => Cow::Borrowed(value),
            Some(before) => {
                let mut joined = before.into_owned();
                joined.push(b'\n');
                joined.extend_from_slice(value);
                Cow::Owned(joined)
            }
        });
    }
    data
}
