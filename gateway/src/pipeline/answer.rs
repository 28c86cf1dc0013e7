//! The last stage: the answer goes to the caller as it comes, and is read on the way.

mod error;
mod events;
mod plain;

use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use weir_llm::Usage;
use weir_llm::exchange::{Exchange, Passed};
use weir_records::access::Outcome;

use super::attempt::{Content, Opened};
use super::count;
use super::mock::Player;
use super::tail::Tail;
use crate::headers;
use crate::refusal::Refusal;
use crate::wire::{Response, ResponseBody, UpstreamBody, UpstreamError};

/// Names what the provider can't do and was left out, by its path in the caller's body.
const DROPPED: HeaderName = HeaderName::from_static("x-weir-dropped");

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
    pub(super) async fn answer(self, mut tail: Tail) -> Response {
        let Self {
            mut status,
            mut headers,
            scrubber,
            exchange,
            ..
        } = self;
        tail.status = status.as_u16();
        headers::scrub(&mut headers, |value| scrubber.finds(value.as_bytes()));
        headers.remove(DROPPED);
        headers.remove(count::ESTIMATED);
        if let Some(dropped) = dropped(&exchange.dropped) {
            headers.insert(DROPPED, dropped);
        }
        let body = match self.content {
            Content::Whole(body)
                if status.as_u16() >= 400 || exchange.hidden_problem(&body).is_some() =>
            {
                let body = error::shaped(&mut status, body, &mut headers, &exchange, &scrubber);
                tail.status = status.as_u16();
                tail.bytes_out = body.len() as u64;
                tail.outcome = Outcome::Complete;
                ResponseBody::Full(body)
            }
            Content::Whole(body) => match whole(&exchange, body.clone(), &mut headers) {
                Ok((mut own, usage)) => {
                    tail.usage = usage;
                    if usage.is_none() {
                        let mut passed = Passed::whole();
                        passed.push(&body);
                        tail.estimate(&exchange, None, passed);
                        if let Some(told) = estimated(&exchange, &body, &mut tail).await {
                            own = told;
                            let yes = HeaderValue::from_static("true");
                            headers.insert(count::ESTIMATED, yes);
                        }
                    }
                    let body = scrubber.scrub(own);
                    tail.bytes_out = body.len() as u64;
                    tail.outcome = Outcome::Complete;
                    ResponseBody::Full(body)
                }
                Err(why) => return tail.refused(&Refusal::UpstreamUnreadable(why)),
            },
            Content::Events(first, source) => ResponseBody::Pull(Box::pin(events::Relay::new(
                first,
                source,
                exchange,
                &mut headers,
                scrubber,
                &self.timeouts,
                tail,
            ))),
            Content::Bytes(start, source) => ResponseBody::Pull(Box::pin(plain::Relay::new(
                start,
                source,
                &exchange,
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

/// Bytes of paths that are named in a header: more than that, and some SDKs refuse the answer.
const MOST_NAMED: usize = 2048;

/// What was left out as a header: the paths have names in them that a caller made up, of any length and any characters.
fn dropped(paths: &[String]) -> Option<HeaderValue> {
    let mut named = String::new();
    for path in paths {
        let before = if named.is_empty() { "" } else { ", " };
        if named.len() + before.len() + path.len() > MOST_NAMED {
            named.push_str(before);
            named.push_str("...");
            break;
        }
        named.push_str(before);
        named.extend(path.chars().map(|one| match one {
            ' '..='~' => one,
            _ => '?',
        }));
    }
    if named.is_empty() {
        return None;
    }
    HeaderValue::try_from(named).ok()
}

/// An answer of which the provider did not tell what was used, with what Weir counts: in the caller's format the numbers may
/// have to be there, and none is 0. `None` for one that passes as it is.
async fn estimated(exchange: &Exchange, body: &Bytes, tail: &mut Tail) -> Option<Bytes> {
    if exchange.passes() {
        return None;
    }
    let usage = count::soon(tail.estimate.clone()?).await;
    let told = exchange.answer_with(body, usage)?;
    tail.estimate = None;
    tail.usage = Some(usage);
    Some(told)
}

/// A plain answer as the caller gets it, and what was used.
fn whole(
    exchange: &Exchange,
    body: Bytes,
    headers: &mut HeaderMap,
) -> Result<(Bytes, Option<Usage>), String> {
    if !exchange.passes() && headers.contains_key(CONTENT_ENCODING) {
        return Err("The provider's answer is compressed and can't be read.".to_owned());
    }
    let whole = exchange.answer(body).map_err(|bad| {
        let mut message = bad.to_string();
        message.get_mut(..1).map(str::make_ascii_uppercase);
        message + "."
    })?;
    if whole.rewritten {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        crate::headers::forget_body(headers);
    }
    Ok((whole.body, whole.usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(paths: &[&str]) -> Option<String> {
        let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
        dropped(&paths).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_was_left_out_is_told_whatever_it_is_called() {
        assert_eq!(named(&[]), None);
        assert_eq!(named(&["seed", "n"]), Some("seed, n".into()));
        assert_eq!(named(&["a\r\nx: y", "é"]), Some("a??x: y, ?".into()));
        let long = "x".repeat(MOST_NAMED);
        assert_eq!(named(&["seed", &long]), Some("seed, ...".into()));
        assert_eq!(named(&[&long, "seed"]), Some(format!("{long}, ...")));
    }
}
