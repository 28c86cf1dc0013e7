//! Streamed answers, event by event.

use std::mem;

use bytes::Bytes;

use super::{Exchange, Way};
use crate::chat::{Event, Problem};
use crate::codec::{BadAnswer, Codec, Decoder, Encoder, Seen, Watch};
use crate::dialect::openai;
use crate::frame::{BadFrame, Cutter, Fed, Framing, frames};

/// A provider's stream on its way to the caller.
///
/// What [`feed`](Self::feed) gives are whole events of the caller's format alone, so an event may be added at any time.
/// Any cut of a stream gives the same bytes in all.
pub struct Stream {
    cutter: Cutter,
    /// How the provider's stream is cut.
    framing: Framing,
    caller: &'static dyn Codec,
    /// Bytes of the provider's that were taken.
    taken: usize,
    mode: Mode,
}

/// The most of a stream that is translated for a caller of OpenAI's responses, in bytes: its last event repeats all of it, so
/// that all of it is kept.
const MOST_REPEATED: usize = 64 << 20;

enum Mode {
    Pass {
        watch: Box<dyn Watch>,
        usage: Option<openai::UsageOut>,
        /// Something was given.
        begun: bool,
    },
    Translate {
        decoder: Box<dyn Decoder>,
        encoder: Box<dyn Encoder>,
        seen: Seen,
        events: Vec<Event>,
    },
}

/// How the provider's bytes came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// As their framing says.
    Marked,
    /// With the connection, as an early end would look too.
    Closed,
    /// Before their framing says, or not at all.
    Broken,
}

/// What there is to say of a stream that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// It was whole. Where it was not, an error event belongs behind it.
    pub complete: bool,
    /// What is still to be sent.
    pub rest: Bytes,
    /// What was seen in all.
    pub seen: Seen,
}

/// Why a stream can't be read any further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadStream {
    /// An event is larger than this, in bytes.
    TooBig(usize),
    /// It makes no sense.
    Unreadable(BadAnswer),
}

impl From<BadAnswer> for BadStream {
    fn from(bad: BadAnswer) -> Self {
        Self::Unreadable(bad)
    }
}

impl From<BadFrame> for BadStream {
    fn from(bad: BadFrame) -> Self {
        match bad {
            BadFrame::TooBig(limit) => Self::TooBig(limit),
            BadFrame::Corrupt => Self::Unreadable(bad.into()),
        }
    }
}

impl Exchange {
    /// Reads the stream that answers. `content_type` is the provider's: some know two framings.
    #[must_use]
    pub fn stream(&self, content_type: &str) -> Stream {
        let (from, to) = self.codecs();
        let is = |name: &str| {
            let start = content_type.get(..name.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        let framing = match from.framing() {
            Framing::Sse if is("application/json") => Framing::JsonArray,
            Framing::Sse if is("application/stream+json") || is("application/x-ndjson") => {
                Framing::Lines
            }
            framing => framing,
        };
        Stream {
            cutter: Cutter::new(framing),
            framing,
            caller: to,
            taken: 0,
            mode: match self.way {
                Way::Pass { take_usage_out, .. } => Mode::Pass {
                    watch: from.watch(),
                    usage: take_usage_out.then(openai::UsageOut::default),
                    begun: false,
                },
                _ => Mode::Translate {
                    decoder: from.decoder(),
                    encoder: to.encoder(&self.asked.borrowed()),
                    seen: Seen::default(),
                    events: Vec::new(),
                },
            },
        }
    }

    /// The `Content-Type` of the caller's stream, where it is another than the provider's.
    #[must_use]
    pub fn stream_type(&self) -> Option<&'static str> {
        (!self.passes()).then(|| self.asked.framing.content_type())
    }

    /// Whether an answer of this type is a stream of the provider's that can be read.
    #[must_use]
    pub fn is_stream(&self, content_type: Option<&str>) -> bool {
        let starts = |start: &str| {
            content_type
                .and_then(|given| given.get(..start.len()))
                .is_some_and(|found| found.eq_ignore_ascii_case(start))
        };
        if starts("text/event-stream") || starts("application/vnd.amazon.eventstream") {
            return true;
        }
        if starts("application/json") {
            // An answer in JSON is none, whatever was asked for; but for arrays that a caller has his streams in.
            return self.asked.stream && self.passes() && self.asked.framing == Framing::JsonArray;
        }
        // Some providers call it something else than it is.
        self.asked.stream && !starts("audio/") && !starts("image/")
    }
}

impl Stream {
    /// Takes the provider's next bytes and gives what can be sent now.
    ///
    /// # Errors
    /// [`BadStream`]: the stream can't be read any further. End it with an error event.
    pub fn feed(&mut self, chunk: Bytes) -> Result<Fed, BadStream> {
        self.taken = self.taken.saturating_add(chunk.len());
        let kept = matches!(self.mode, Mode::Translate { .. })
            && self.caller.format() == crate::Format::Responses;
        if kept && self.taken > MOST_REPEATED {
            return Err(BadStream::TooBig(MOST_REPEATED));
        }
        let fed = self.cutter.feed(chunk)?;
        if let Mode::Pass {
            watch,
            usage: None,
            begun,
        } = &mut self.mode
        {
            for run in [&fed.first, &fed.second].into_iter().flatten() {
                watch.run(run);
                *begun = true;
            }
            return Ok(fed);
        }
        let mut run = |run: Option<Bytes>| -> Result<Option<Bytes>, BadAnswer> {
            let out = run.map(|run| self.run(run)).transpose()?;
            Ok(out.filter(|out| !out.is_empty()))
        };
        Ok(Fed {
            first: run(fed.first)?,
            second: run(fed.second)?,
        })
    }

    /// What is known so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        match &self.mode {
            Mode::Pass { watch, .. } => watch.seen(),
            Mode::Translate { seen, .. } => *seen,
        }
    }

    /// Whether the provider said that it failed, in a stream that is translated: nothing comes behind that.
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(&self.mode, Mode::Translate { seen, .. } if seen.failed)
    }

    /// Whether what it gives is text, in which a part may be replaced by another of any length.
    #[must_use]
    pub fn is_text(&self) -> bool {
        match self.mode {
            Mode::Pass { .. } => self.framing != Framing::EventStream,
            Mode::Translate { .. } => self.caller.framing() != Framing::EventStream,
        }
    }

    /// How the provider's stream is cut.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Bytes held back now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.cutter.held()
    }

    /// An event that ends the caller's stream in an error, as what was sent before wants it.
    #[must_use]
    pub fn problem(&mut self, problem: &Problem) -> Bytes {
        match &mut self.mode {
            Mode::Translate { encoder, .. } => {
                let mut out = Vec::new();
                encoder.event(&Event::Failed(problem.clone()), &mut out);
                out.into()
            }
            Mode::Pass { begun, .. } => {
                let event = self.caller.problem_event(problem);
                // The same without the framing of events.
                let bare = || crate::sse::data(&event).unwrap_or_default();
                match self.framing {
                    Framing::Lines => [&*bare(), b"\n"].concat().into(),
                    Framing::JsonArray => {
                        let before: &[u8] = if *begun { b",\n" } else { b"[" };
                        [before, &*bare(), b"]"].concat().into()
                    }
                    Framing::Sse | Framing::EventStream => event.into(),
                }
            }
        }
    }

    /// The provider's stream is over; nothing more is fed then.
    #[must_use]
    pub fn finish(&mut self, how: StreamEnd) -> Ended {
        let leftover = mem::replace(&mut self.cutter, Cutter::new(self.framing)).finish();
        let before = self.seen();
        match &mut self.mode {
            Mode::Pass { watch, .. } => {
                watch.run(&leftover);
                let mut seen = watch.seen();
                // What is torn off finishes nothing.
                seen.finished = before.finished;
                let complete = match how {
                    // Some end their last event with the stream, but none in the middle of its line.
                    StreamEnd::Marked => {
                        let lines = self.framing != Framing::EventStream;
                        seen.done || leftover.is_empty() || lines && leftover.ends_with(b"\n")
                    }
                    StreamEnd::Closed => seen.done || seen.finished,
                    StreamEnd::Broken => seen.done,
                };
                Ended {
                    complete,
                    rest: if complete { leftover } else { Bytes::new() },
                    seen,
                }
            }
            Mode::Translate { .. } => self.finish_translated(leftover, how),
        }
    }

    fn finish_translated(&mut self, leftover: Bytes, how: StreamEnd) -> Ended {
        let mut rest = Vec::new();
        if self.framing == Framing::Sse && how == StreamEnd::Marked && leftover.ends_with(b"\n") {
            rest = self
                .run(leftover)
                .map_or_else(|_| Vec::new(), |run| run.to_vec());
        }
        if let Mode::Translate {
            decoder,
            encoder,
            seen,
            events,
        } = &mut self.mode
            && !seen.done
            && !seen.failed
            // What broke off is not whole, however much of it seems to be.
            && how != StreamEnd::Broken
        {
            decoder.finish(events);
            for event in events.drain(..) {
                note(&event, seen);
                encoder.event(&event, &mut rest);
            }
        }
        let seen = self.seen();
        Ended {
            complete: seen.done || seen.failed,
            rest: rest.into(),
            seen,
        }
    }

    /// Whole events of the provider's as the caller gets them.
    fn run(&mut self, run: Bytes) -> Result<Bytes, BadAnswer> {
        match &mut self.mode {
            Mode::Pass { watch, usage, .. } => {
                watch.run(&run);
                Ok(match usage {
                    Some(usage) => usage.run(run),
                    None => run,
                })
            }
            Mode::Translate {
                decoder,
                encoder,
                seen,
                events,
            } => {
                let mut out = Vec::new();
                for frame in frames(self.framing, &run) {
                    let frame: Result<_, BadFrame> = frame;
                    decoder.frame(&frame?, events)?;
                    for event in events.drain(..) {
                        if seen.done || seen.failed {
                            continue;
                        }
                        note(&event, seen);
                        encoder.event(&event, &mut out);
                    }
                }
                Ok(out.into())
            }
        }
    }
}

fn note(event: &Event, seen: &mut Seen) {
    match event {
        Event::Delta { .. } => seen.content = true,
        Event::PartStart {
            start: crate::chat::PartStart::ToolCall { .. },
            ..
        } => seen.content = true,
        Event::Finish { .. } => seen.finished = true,
        Event::Usage(usage) => seen.usage = Some(*usage),
        Event::End => seen.done = true,
        Event::Failed(_) => seen.failed = true,
        _ => {}
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("framing", &self.framing)
            .field("caller", &self.caller.format())
            .field("seen", &self.seen())
            .finish_non_exhaustive()
    }
}
