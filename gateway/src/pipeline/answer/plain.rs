//! A plain answer that is too long to wait for: it passes as it comes, and its usage is read. One that
//! has the provider's credential in it is broken off before it: its length is told already.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use tokio::time::{Sleep, sleep_until};
use weir_llm::exchange::{Exchange, PlainUsage};
use weir_llm::scrub::Scrubber;
use weir_records::access::Outcome;

use super::Source;
use crate::pipeline::tail::Tail;
use crate::wire::{Abort, Pull};

/// The body of such an answer.
pub(super) struct Relay {
    start: Option<Bytes>,
    source: Source,
    length: Option<u64>,
    scrubber: Arc<Scrubber>,
    /// The end of what came, too short to hold the credential; it waits for what comes behind it.
    held: Bytes,
    deadline: Pin<Box<Sleep>>,
    reader: PlainUsage,
    tail: Tail,
}

impl Relay {
    pub(super) fn new(
        start: Bytes,
        source: Source,
        exchange: &Exchange,
        scrubber: Arc<Scrubber>,
        deadline: Instant,
        tail: Tail,
    ) -> Self {
        Self {
            length: source.remaining().map(|rest| rest + start.len() as u64),
            start: Some(start),
            source,
            scrubber,
            held: Bytes::new(),
            deadline: Box::pin(sleep_until(deadline.into())),
            reader: exchange.plain_usage(),
            tail,
        }
    }

    fn end(&mut self, outcome: Outcome) {
        self.tail.usage = self.reader.usage();
        self.tail.outcome = outcome;
    }
}

impl Relay {
    /// What can be sent now that this came: all but what may be the start of the credential.
    fn cleared(&mut self, chunk: Bytes) -> Result<Bytes, Abort> {
        let scrubber = &self.scrubber;
        let keep = scrubber.longest().saturating_sub(1);
        let mut chunk = if self.held.is_empty() {
            chunk
        } else {
            [&*self.held, &*chunk].concat().into()
        };
        if scrubber.finds(&chunk) {
            return Err(Abort);
        }
        self.held = chunk.split_off(chunk.len().saturating_sub(keep));
        Ok(chunk)
    }
}

impl Pull for Relay {
    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Abort>>> {
        loop {
            let next = match self.start.take() {
                Some(start) => Poll::Ready(Some(Ok(start))),
                None => self.source.poll_next(cx),
            };
            let (chunk, outcome) = match next {
                Poll::Ready(Some(Ok(chunk))) => {
                    self.reader.feed(&chunk);
                    (self.cleared(chunk), None)
                }
                Poll::Ready(None) => (Ok(mem::take(&mut self.held)), Some(Outcome::Complete)),
                Poll::Ready(Some(Err(_))) => (Err(Abort), Some(Outcome::UpstreamError)),
                Poll::Pending => {
                    ready!(self.deadline.as_mut().poll(cx));
                    (Err(Abort), Some(Outcome::Timeout))
                }
            };
            match chunk {
                Err(Abort) => {
                    self.end(outcome.unwrap_or(Outcome::UpstreamError));
                    return Poll::Ready(Some(Err(Abort)));
                }
                Ok(chunk) if !chunk.is_empty() => {
                    self.tail.bytes_out += chunk.len() as u64;
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Ok(_) if outcome.is_some() => {
                    self.end(Outcome::Complete);
                    return Poll::Ready(None);
                }
                Ok(_) => {}
            }
        }
    }

    fn length(&self) -> Option<u64> {
        self.length
    }
}
