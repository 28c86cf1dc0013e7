//! A streamed answer that passes by, event by event.

mod findings;

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::Usage;
use crate::sse::Boundaries;
pub(crate) use findings::Findings;

/// Relays a stream of server-sent events and notes what Weir has to know of it.
///
/// What [`feed`](Self::feed) gives are the bytes that came, unchanged and in order, up to the end
/// of the last event that is whole; the rest is held back until the rest of that event comes. So
/// whoever writes what it gives may add an event of his own at any time. Nothing is copied but
/// events that came in more than one piece.
///
/// Any cut of a stream gives the same bytes in all and the same [`Ending`].
#[derive(Debug)]
pub struct StreamReader {
    /// The start of an event that is not whole yet.
    held: BytesMut,
    limit: usize,
    boundaries: Boundaries,
    findings: Findings,
}

/// What to send now, in order: nothing, or one or two runs of whole events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fed {
    /// The event that was held back and is whole now, or else all there is.
    pub first: Option<Bytes>,
    /// What came behind it.
    pub second: Option<Bytes>,
}

/// An event does not fit into what may be held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooBig {
    /// What may be held back, in bytes.
    pub limit: usize,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// `data: [DONE]` came.
    pub done: bool,
    /// A choice gave its `finish_reason`.
    pub finished: bool,
    /// Bytes of an event that no blank line ended; they were not relayed.
    pub leftover: usize,
    /// The last usage that was told.
    pub usage: Option<Usage>,
}

impl StreamReader {
    /// How much of an event is held back by default, in bytes: 4 MiB.
    pub const DEFAULT_LIMIT: usize = 4 << 20;

    /// A reader at the start of a stream, with the default limit.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(Self::DEFAULT_LIMIT)
    }

    /// A reader that holds back at most `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            held: BytesMut::new(),
            limit,
            boundaries: Boundaries::default(),
            findings: Findings::default(),
        }
    }

    /// Takes the next bytes and gives what can be sent now.
    ///
    /// # Errors
    /// [`TooBig`] if an event that comes in pieces grows past the limit. The stream can't be
    /// relayed any further: end it with an error event.
    pub fn feed(&mut self, chunk: Bytes) -> Result<Fed, TooBig> {
        let Some(end) = self.boundaries.last(&chunk) else {
            self.boundaries.advance(&chunk);
            self.hold(&chunk)?;
            return Ok(Fed::default());
        };
        if self.held.is_empty() && end == chunk.len() {
            self.boundaries.advance(&chunk);
            self.findings.inspect(&chunk);
            return Ok(Fed {
                first: Some(chunk),
                second: None,
            });
        }
        self.feed_pieces(chunk, end)
    }

    /// Whether a token, or anything else of the answer itself, has been relayed.
    #[must_use]
    pub fn saw_content(&self) -> bool {
        self.findings.content
    }

    /// The last usage that was told so far.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.findings.usage
    }

    /// Bytes held back now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// The stream is over: how it ended, and the event that no blank line ended. Some providers end
    /// so, with `[DONE]` even; it is for the caller to say whether it is torn off or to be relayed.
    #[must_use]
    pub fn finish(self) -> (Ending, Bytes) {
        let held = self.held.freeze();
        let mut findings = self.findings;
        let finished = findings.finished;
        findings.inspect(&held);
        let ending = Ending {
            done: findings.done,
            // What is torn off finishes nothing.
            finished,
            leftover: held.len(),
            usage: findings.usage,
        };
        (ending, held)
    }

    /// A chunk that completes what is held, or that has a start of an event behind `end`.
    fn feed_pieces(&mut self, mut chunk: Bytes, end: usize) -> Result<Fed, TooBig> {
        let mut fed = Fed::default();
        let mut end = end;
        if !self.held.is_empty() {
            let len = self.boundaries.first(&chunk).unwrap_or(end);
            self.hold(&chunk[..len])?;
            let whole = self.held.split().freeze();
            self.findings.inspect(&whole);
            fed.first = Some(whole);
            self.boundaries.advance(&chunk[..len]);
            chunk = chunk.split_off(len);
            end -= len;
        }
        self.boundaries.advance(&chunk);
        let rest = chunk.split_off(end);
        self.hold(&rest)?;
        if !chunk.is_empty() {
            self.findings.inspect(&chunk);
            let slot = if fed.first.is_none() {
                &mut fed.first
            } else {
                &mut fed.second
            };
            *slot = Some(chunk);
        }
        Ok(fed)
    }

    fn hold(&mut self, part: &[u8]) -> Result<(), TooBig> {
        if self.held.len() + part.len() > self.limit {
            return Err(TooBig { limit: self.limit });
        }
        self.held.extend_from_slice(part);
        Ok(())
    }
}

impl Default for StreamReader {
    fn default() -> Self {
        Self::new()
    }
}

impl IntoIterator for Fed {
    type Item = Bytes;
    type IntoIter = std::iter::Flatten<std::array::IntoIter<Option<Bytes>, 2>>;

    fn into_iter(self) -> Self::IntoIter {
        [self.first, self.second].into_iter().flatten()
    }
}

impl fmt::Display for TooBig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "an event of the stream is bigger than {} bytes",
            self.limit
        )
    }
}

impl std::error::Error for TooBig {}
