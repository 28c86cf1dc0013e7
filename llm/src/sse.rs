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

/// The lines of an event without their ends; a CRLF has an empty one in it.
fn lines(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(event);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = memchr2(b'\n', b'\r', bytes);
        rest = end.map(|end| &bytes[end + 1..]);
        Some(&bytes[..end.unwrap_or(bytes.len())])
    })
}

/// The data of one event: its `data` lines without their names, joined by LF. Borrowed where there
/// is one line; `None` where there is none.
#[must_use]
pub fn data(event: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut data: Option<Cow<'_, [u8]>> = None;
    for line in lines(event) {
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        let value = match line.strip_prefix(b"data:") {
            Some(value) => value,
            None if line == b"data" => b"",
            None => continue,
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

/// The name of one event, its last `event` line; `None` where there is none, or it is no text.
#[must_use]
pub fn name(event: &[u8]) -> Option<Cow<'_, str>> {
    let name = lines(event)
        .filter_map(|line| {
            let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
            line.strip_prefix(b"event:")
        })
        .last()?;
    let name = std::str::from_utf8(name.strip_prefix(b" ").unwrap_or(name)).ok()?;
    Some(Cow::Borrowed(name))
}

/// Writes one event: `event:` where it has a name, and `data:`. The data holds no line end.
pub fn write(name: Option<&str>, data: &[u8], out: &mut Vec<u8>) {
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn lines_are_what_stands_between_line_ends() {
        for event in [&b""[..], b"a", b"a\n", b"\r\na\rb\n\n", b"data: x\r\n\r\n"] {
            let split: Vec<&[u8]> = event.split(|&byte| is_line_end(byte)).collect();
            assert_eq!(lines(event).collect::<Vec<_>>(), split);
        }
    }

    #[rstest]
    #[case::lf(b"a\n\nb\n\nc", Some(3), Some(6))]
    #[case::crlf(b"a\r\n\r\nb", Some(4), Some(5))]
    #[case::cr(b"a\r\rb\r", Some(3), Some(3))]
    #[case::lf_cr(b"a\n\rb", Some(3), Some(3))]
    #[case::cr_crlf(b"a\r\r\nb", Some(3), Some(4))]
    #[case::crlf_lf(b"a\r\n\nb", Some(4), Some(4))]
    #[case::blank_at_the_start(b"\r\na", Some(1), Some(2))]
    #[case::no_blank_line(b"a\nb\r\nc\rd", None, None)]
    #[case::nothing(b"", None, None)]
    fn a_blank_line_ends_an_event(
        #[case] chunk: &[u8],
        #[case] first: Option<usize>,
        #[case] last: Option<usize>,
    ) {
        let boundaries = Boundaries::default();
        assert_eq!(
            (boundaries.first(chunk), boundaries.last(chunk)),
            (first, last)
        );
    }

    #[rstest]
    #[case::second_line_end(b"a\n", b"\nb", Some(1))]
    #[case::lf_of_a_crlf(b"a\r", b"\nb", None)]
    #[case::lf_of_a_blank_crlf(b"a\r\n\r", b"\nb", Some(1))]
    #[case::blank_crlf(b"a\r\n", b"\r\n", Some(1))]
    #[case::in_a_line(b"a", b"\nb", None)]
    fn a_cut_changes_nothing(
        #[case] before: &[u8],
        #[case] chunk: &[u8],
        #[case] first: Option<usize>,
    ) {
        let mut boundaries = Boundaries::default();
        boundaries.advance(before);
        assert_eq!(boundaries.first(chunk), first);
        let mut bytewise = Boundaries::default();
        before.chunks(1).for_each(|byte| bytewise.advance(byte));
        assert_eq!(bytewise, boundaries);
    }

    #[rstest]
    #[case::one(b"event: x\ndata: {}\nid: 1\n\n", Some("{}"))]
    #[case::no_blank(b"data:{}\r\n\r\n", Some("{}"))]
    #[case::one_blank_goes(b"data:  {}\r\r", Some(" {}"))]
    #[case::lines(b"data: a\ndata\ndata: b\n\n", Some("a\n\nb"))]
    #[case::bom(b"\xEF\xBB\xBFdata: a\n\n", Some("a"))]
    #[case::comment(b": data: a\n\n", None)]
    #[case::other_field(b"database: a\n\n", None)]
    fn data_is_that_of_the_data_lines(#[case] event: &[u8], #[case] expected: Option<&str>) {
        assert_eq!(data(event).as_deref(), expected.map(str::as_bytes));
    }

    #[test]
    fn the_event_around_a_place_is_whole() {
        let events = b"data: a\n\ndata: b\r\n\r\n: c";
        let around: Vec<&[u8]> = [0, 8, 9, 15, 19, 21]
            .iter()
            .map(|&at| event_around(events, at))
            .collect();
        let (a, b): (&[u8], &[u8]) = (b"data: a\n\n", b"data: b\r\n\r");
        assert_eq!(around, [a, a, b, b, b"\n", b": c"]);
    }
}
