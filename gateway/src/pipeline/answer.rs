//! The last stage: the answer goes to the caller as it comes, and is read on the way.

mod error;
mod events;
mod plain;

use std::task::{Context, Poll};

use bytes::Bytes;
use weir_llm::dialect::openai::PlainReader;
use weir_records::access::Outcome;

use super::attempt::{Content, Opened};
use super::mock::Player;
use super::tail::Tail;
use crate::headers;
use crate::wire::{Response, ResponseBody, UpstreamBody, UpstreamError};

/// Where the bytes of an answer come from.
pub(super) enum Source {
    /// From a provider.
    Upstream(UpstreamBody),
    /// From the mock in this process.
    Mock(Player),
}

impl Source {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        match self {
            Self::Upstream(body) => body.poll_next(cx),
            Self::Mock(player) => player.poll_next(cx),
        }
    }

    pub(super) async fn next(&mut self) -> Option<Result<Bytes, UpstreamError>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Whether its end is marked, so that it can be told from breaking off.
    fn framed(&self) -> bool {
        match self {
            Self::Upstream(body) => body.framed(),
            Self::Mock(_) => true,
        }
    }

    /// Bytes to come, where that was declared.
    fn remaining(&self) -> Option<u64> {
        match self {
            Self::Upstream(body) => body.remaining(),
            Self::Mock(_) => None,
        }
    }
}

impl Opened {
    /// The answer as the wire sends it. Its body, or else this call, ends the request's tail.
    pub(super) fn answer(self, mut tail: Tail) -> Response {
        let Self {
            status,
            mut headers,
            scrubber,
            ..
        } = self;
        tail.status = status.as_u16();
        headers::scrub(&mut headers, |value| scrubber.finds(value.as_bytes()));
        let body = match self.content {
            Content::Whole(body) => {
                let body = if status.as_u16() >= 400 {
                    error::shaped(status, body, &mut headers, &scrubber)
                } else {
                    let mut reader = PlainReader::new();
                    reader.feed(&body);
                    tail.usage = reader.usage();
                    scrubber.scrub(body)
                };
                tail.bytes_out = body.len() as u64;
                tail.outcome = Outcome::Complete;
                ResponseBody::Full(body)
            }
            Content::Events(first, source) => ResponseBody::Pull(Box::pin(events::Relay::new(
                first,
                source,
                scrubber,
                &self.timeouts,
                tail,
            ))),
            Content::Bytes(start, source) => ResponseBody::Pull(Box::pin(plain::Relay::new(
                start,
                source,
                scrubber,
                self.deadline,
                tail,
            ))),
        };
        Response {
            status,
            headers,
            body,
        }
    }
}
