//! A plain answer that is too long to wait for: it passes as it comes, and its usage is read.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use tokio::time::{Sleep, sleep_until};
use weir_llm::dialect::openai::PlainReader;
use weir_records::access::Outcome;

use super::Source;
use crate::pipeline::tail::Tail;
use crate::wire::{Abort, Pull};

/// The body of such an answer.
pub(super) struct Relay {
    start: Option<Bytes>,
    source: Source,
    length: Option<u64>,
    deadline: Pin<Box<Sleep>>,
    reader: PlainReader,
    tail: Tail,
}

impl Relay {
    pub(super) fn new(start: Bytes, source: Source, deadline: Instant, tail: Tail) -> Self {
        Self {
            length: source.remaining().map(|rest| rest + start.len() as u64),
            start: Some(start),
            source,
            deadline: Box::pin(sleep_until(deadline.into())),
            reader: PlainReader::new(),
            tail,
        }
    }

    fn end(&mut self, outcome: Outcome) {
        self.tail.usage = self.reader.usage();
        self.tail.outcome = outcome;
    }
}

impl Pull for Relay {
    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Abort>>> {
        let next = match self.start.take() {
            Some(start) => Poll::Ready(Some(Ok(start))),
            None => self.source.poll_next(cx),
        };
        match next {
            Poll::Ready(Some(Ok(chunk))) => {
                self.reader.feed(&chunk);
                self.tail.bytes_out += chunk.len() as u64;
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(None) => {
                self.end(Outcome::Complete);
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(_))) => {
                self.end(Outcome::UpstreamError);
                Poll::Ready(Some(Err(Abort)))
            }
            Poll::Pending => match self.deadline.as_mut().poll(cx) {
                Poll::Ready(()) => {
                    self.end(Outcome::Timeout);
                    Poll::Ready(Some(Err(Abort)))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn length(&self) -> Option<u64> {
        self.length
    }
}
