//! How a stream is cut into events, whatever the pieces are in which it comes.

mod event_stream;
mod json_array;

use std::borrow::Cow;
use std::fmt;

use bytes::{Bytes, BytesMut};

pub use event_stream::{Header, write_message};

use crate::sse;
use event_stream::Lengths;
use json_array::Brackets;

/// How events are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// Amazon's binary event streams.
    EventStream,
    /// One event a line (Cohere's streams of before).
    Lines,
    /// One JSON array whose elements are the events (Gemini's streams without `alt=sse`).
    JsonArray,
}

impl Framing {
    /// The `Content-Type` of such a stream.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream; charset=utf-8",
            Self::EventStream => "application/vnd.amazon.eventstream",
            Self::Lines => "application/stream+json",
            Self::JsonArray => "application/json; charset=UTF-8",
        }
    }
}

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is called: `event:` of a server-sent event, `:event-type` or `:exception-type` of Amazon's.
    pub name: Option<Cow<'a, str>>,
    /// What it holds, JSON for the most part.
    pub data: Cow<'a, [u8]>,
    /// Amazon's framing says that it is an exception.
    pub exception: bool,
}

/// A stream can't be cut into events any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadFrame {
    /// An event is larger than may be held, in bytes.
    TooBig(usize),
    /// The framing makes no sense, or a checksum is wrong.
    Corrupt,
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooBig(limit) => write!(f, "an event of the stream is bigger than {limit} bytes"),
            Self::Corrupt => f.write_str("the framing of the stream is broken"),
        }
    }
}

impl std::error::Error for BadFrame {}

/// Cuts a stream at the ends of its events.
///
/// What [`feed`](Self::feed) gives are the bytes that came, unchanged and in order, up to the end of the last event
/// that is whole; the rest is held back until the rest of that event comes. So whoever writes what it gives may add an
/// event of his own at any time. Nothing is copied but events that came in more than one piece.
#[derive(Debug)]
pub struct Cutter {
    /// The start of an event that is not whole yet.
    held: BytesMut,
    limit: usize,
    ends: Ends,
}

#[derive(Debug)]
enum Ends {
    Sse(sse::Boundaries),
    EventStream(Lengths),
    Lines,
    JsonArray(Brackets),
}

/// What is whole now, in order: nothing, or one or two runs of whole events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fed {
    /// The event that was held back and is whole now, or else all there is.
    pub first: Option<Bytes>,
    /// What came behind it.
    pub second: Option<Bytes>,
}

impl Ends {
    /// The end of the first event that ends in `chunk`, and of the last. Where nothing is held back, the first is not asked for,
    /// and may be the last.
    fn find(&self, chunk: &[u8], held: bool) -> Result<Option<(usize, usize)>, BadFrame> {
        match self {
            Self::Sse(boundaries) => Ok(boundaries.last(chunk).map(|last| {
                let first = held.then(|| boundaries.first(chunk)).flatten();
                (first.unwrap_or(last), last)
            })),
            Self::EventStream(lengths) => lengths.find(chunk),
            Self::Lines => Ok(memchr::memrchr(b'\n', chunk).map(|last| {
                let first = memchr::memchr(b'\n', chunk).unwrap_or(last);
                (first + 1, last + 1)
            })),
            Self::JsonArray(brackets) => Ok(brackets.find(chunk)),
        }
    }

    fn advance(&mut self, chunk: &[u8]) {
        match self {
            Self::Sse(boundaries) => boundaries.advance(chunk),
            Self::EventStream(lengths) => lengths.advance(chunk),
            Self::Lines => {}
            Self::JsonArray(brackets) => brackets.advance(chunk),
        }
    }
}

impl Cutter {
    /// How much of an event is held back, in bytes: 4 MiB.
    pub const LIMIT: usize = 4 << 20;

    /// At the start of a stream.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        Self::with_limit(framing, Self::LIMIT)
    }

    /// One that holds back at most `limit` bytes.
    #[must_use]
    pub fn with_limit(framing: Framing, limit: usize) -> Self {
        Self {
            held: BytesMut::new(),
            limit,
            ends: match framing {
                Framing::Sse => Ends::Sse(sse::Boundaries::default()),
                Framing::EventStream => Ends::EventStream(Lengths::new(limit)),
                Framing::Lines => Ends::Lines,
                Framing::JsonArray => Ends::JsonArray(Brackets::default()),
            },
        }
    }

    /// Takes the next bytes and gives what is whole now.
    ///
    /// # Errors
    /// [`BadFrame`]; the stream can't be read any further.
    pub fn feed(&mut self, mut chunk: Bytes) -> Result<Fed, BadFrame> {
        let mut fed = Fed::default();
        let Some((first, last)) = self.ends.find(&chunk, !self.held.is_empty())? else {
            self.ends.advance(&chunk);
            self.hold(&chunk)?;
            return Ok(fed);
        };
        self.ends.advance(&chunk);
        // Most chunks are one whole event.
        if self.held.is_empty() && last == chunk.len() {
            fed.first = Some(chunk);
            return Ok(fed);
        }
        let mut end = last;
        if !self.held.is_empty() {
            self.hold(&chunk[..first])?;
            fed.first = Some(self.held.split().freeze());
            chunk = chunk.split_off(first);
            end -= first;
        }
        let rest = chunk.split_off(end);
        self.hold(&rest)?;
        if !chunk.is_empty() {
            let slot = if fed.first.is_none() {
                &mut fed.first
            } else {
                &mut fed.second
            };
            *slot = Some(chunk);
        }
        Ok(fed)
    }

    /// Bytes held back now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// The stream is over: what came of an event that nothing ended.
    #[must_use]
    pub fn finish(self) -> Bytes {
        self.held.freeze()
    }

    fn hold(&mut self, part: &[u8]) -> Result<(), BadFrame> {
        if self.held.len() + part.len() > self.limit {
            return Err(BadFrame::TooBig(self.limit));
        }
        self.held.extend_from_slice(part);
        Ok(())
    }
}

impl IntoIterator for Fed {
    type Item = Bytes;
    type IntoIter = std::iter::Flatten<std::array::IntoIter<Option<Bytes>, 2>>;

    fn into_iter(self) -> Self::IntoIter {
        [self.first, self.second].into_iter().flatten()
    }
}

/// The events of a run of whole ones, in order; server-sent events without data are left out.
#[must_use]
pub fn frames(framing: Framing, run: &[u8]) -> Frames<'_> {
    Frames { framing, rest: run }
}

/// See [`frames`].
#[derive(Debug)]
pub struct Frames<'a> {
    framing: Framing,
    rest: &'a [u8],
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, BadFrame>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            match self.framing {
                Framing::Sse => {
                    let boundaries = sse::Boundaries::default();
                    let len = boundaries.first(self.rest).unwrap_or(self.rest.len());
                    let (event, rest) = self.rest.split_at(len);
                    self.rest = rest;
                    if let Some(data) = sse::data(event) {
                        return Some(Ok(Frame {
                            name: sse::name(event),
                            data,
                            exception: false,
                        }));
                    }
                }
                Framing::EventStream => {
                    let read = event_stream::read_message(self.rest);
                    self.rest = match &read {
                        Ok((_, len)) => &self.rest[*len..],
                        Err(_) => &[],
                    };
                    return Some(read.map(|(frame, _)| frame));
                }
                Framing::Lines => {
                    let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
                    let (line, rest) = self.rest.split_at(end);
                    self.rest = rest.get(1..).unwrap_or_default();
                    let line = line.trim_ascii();
                    if !line.is_empty() {
                        return Some(Ok(Frame {
                            name: None,
                            data: Cow::Borrowed(line),
                            exception: false,
                        }));
                    }
                }
                Framing::JsonArray => {
                    let (element, rest) = json_array::split(self.rest);
                    self.rest = rest;
                    if let Some(data) = element {
                        return Some(Ok(Frame {
                            name: None,
                            data: Cow::Borrowed(data),
                            exception: false,
                        }));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_an_event() {
        let stream = b"{\"a\":1}\r\n\n{\"b\":2}\n{";
        for cut in 0..stream.len() {
            let mut cutter = Cutter::new(Framing::Lines);
            let mut read: Vec<Vec<u8>> = Vec::new();
            for piece in [&stream[..cut], &stream[cut..]] {
                for run in cutter.feed(Bytes::copy_from_slice(piece)).unwrap() {
                    let found = frames(Framing::Lines, &run);
                    read.extend(found.map(|one| one.unwrap().data.into_owned()));
                }
            }
            assert_eq!(read, [b"{\"a\":1}", b"{\"b\":2}"], "{cut}");
            assert_eq!(cutter.finish(), "{");
        }
    }
}
