//! Plays the answers of the mock provider: the waits and the bytes of a script.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};
use weir_llm::dialect::mock::{End, Script, Steps};

use crate::wire::UpstreamError;

/// The body of a mock's answer, as it comes.
pub(super) struct Player {
    steps: Steps,
    end: End,
    due: Pin<Box<Sleep>>,
    next: Option<Bytes>,
}

impl Player {
    /// Waits for the first step that has bytes; `None` where the script cuts the connection before.
    pub(super) async fn begin(script: Script) -> Option<(Self, Option<Bytes>)> {
        let mut player = Self {
            steps: script.steps,
            end: script.end,
            due: Box::pin(sleep_until(Instant::now())),
            next: None,
        };
        player.advance();
        match std::future::poll_fn(|cx| player.poll_next(cx)).await {
            Some(Ok(first)) => Some((player, Some(first))),
            None => Some((player, None)),
            Some(Err(_)) => None,
        }
    }

    /// As [`UpstreamBody::poll_next`](crate::wire::UpstreamBody::poll_next).
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        loop {
            if self.next.is_none() {
                return Poll::Ready(match self.end {
                    End::Clean => None,
                    End::Disconnect => Some(Err(UpstreamError::Truncated)),
                });
            }
            std::task::ready!(self.due.as_mut().poll(cx));
            let bytes = self.next.take().unwrap_or_default();
            self.advance();
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(bytes)));
            }
        }
    }

    /// Takes the next step; its wait starts now.
    fn advance(&mut self) {
        if let Some(step) = self.steps.next() {
            self.due.as_mut().reset(Instant::now() + step.delay);
            self.next = Some(step.bytes);
        }
    }
}
