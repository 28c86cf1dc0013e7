//! Calls of providers, one after another, until one has an answer that begins.
//!
//! A call fails over while nothing has reached the caller: the status and the first bytes of an
//! answer are waited for here, and a plain answer that is short is read to its end.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::time::{sleep, timeout_at};
use weir_config::linked::{LinkedBackend, LinkedRule};
use weir_config::snapshot::{RetryCause, Timeouts};
use weir_llm::dialect::{mock, openai};
use weir_llm::scrub::Scrubber;
use weir_llm::splice;

use super::Worker;
use super::answer::Source;
use super::mock::Player;
use super::route::Routed;
use super::tail::Tail;
use crate::credentials::{Authorizer, Unsigned};
use crate::headers;
use crate::live::{Endpoint, EndpointKind, Remote};
use crate::refusal::{Refusal, Tried};
use crate::wire::{SendErrorKind, UpstreamRequest};

/// Bytes of a plain answer that are read before it is passed on, and the most of an error.
pub(super) const GATHER: usize = 64 * 1024;

/// Waited before a provider is called once more; doubled each round, up to a second.
const BACKOFF: Duration = Duration::from_millis(100);

/// An answer that has begun.
pub(super) struct Opened {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) content: Content,
    /// Takes the credential that the provider was called with out of what it says.
    pub(super) scrubber: Arc<Scrubber>,
    pub(super) timeouts: Timeouts,
    /// When a plain answer has to be complete.
    pub(super) deadline: Instant,
}

/// What is there of an answer's body.
pub(super) enum Content {
    /// All of it.
    Whole(Bytes),
    /// The start of a stream of events, and where the rest comes from.
    Events(Option<Bytes>, Source),
    /// The start of another answer, and where the rest comes from.
    Bytes(Bytes, Source),
}

/// A call without an answer to pass on.
struct Failure {
    cause: RetryCause,
    refusal: fn(Tried) -> Refusal,
    why: &'static str,
}

/// What a call came to.
enum Outcome {
    Opened(Opened),
    /// The provider's own error.
    Error(RetryCause, Opened),
    Failed(Failure),
    /// The provider can't be asked for this.
    Unfit(Refusal),
}

impl Routed {
    /// Calls the backends in the order of the decision, as often as the route says.
    pub(super) async fn attempt(self, worker: &Worker, tail: &mut Tail) -> Result<Opened, Refusal> {
        let order = &self.decision.order;
        let retry = &self.decision.route.retry;
        let calls = retry.attempts.map_or(order.len(), usize::from);
        let turns = retry.attempts.map_or(order.len(), |_| usize::MAX);
        let any = |rule: &LinkedRule| !rule.backends.is_empty();
        let mut last = Err(
            if order.is_empty() && self.decision.rule().is_some_and(any) {
                Refusal::ModelNotServed {
                    model: self.model.to_string(),
                }
            } else {
                Refusal::NoBackend
            },
        );
        let mut tried = Tried::default();
        let mut deadline = None;
        for turn in 0..turns {
            // A provider that can't be asked is passed over, which is no call; once all were, that is all.
            let made = tail.attempts as usize;
            if made >= calls || (made == 0 && turn >= order.len()) {
                break;
            }
            let Some(backend) = self.decision.backends().nth(turn % order.len()) else {
                break;
            };
            let round = turn / order.len();
            if round > 0 && self.generation.endpoint(&backend.provider).is_some() {
                let wait = BACKOFF * (1 << (round - 1).min(3)) as u32;
                sleep(wait.min(Duration::from_secs(1))).await;
            }
            let deadline = *deadline
                .get_or_insert_with(|| tail.started() + backend.provider.spec.timeouts.total);
            let cause = match self.call(worker, backend, deadline, tail).await {
                Outcome::Opened(opened) => return Ok(opened),
                Outcome::Error(cause, opened) => {
                    tried.add(&backend.provider.id, opened.status.as_str());
                    last = Ok(opened);
                    cause
                }
                Outcome::Failed(failure) => {
                    tried.add(&backend.provider.id, failure.why);
                    last = Err((failure.refusal)(tried.clone()));
                    failure.cause
                }
                Outcome::Unfit(refusal) => {
                    // What another provider said tells the caller more.
                    if tail.attempts == 0 {
                        last = Err(refusal);
                    }
                    continue;
                }
            };
            if !retry.on.contains(&cause) || Instant::now() >= deadline {
                break;
            }
        }
        last
    }

    /// One call of one provider.
    async fn call(
        &self,
        worker: &Worker,
        backend: &LinkedBackend,
        deadline: Instant,
        tail: &mut Tail,
    ) -> Outcome {
        let provider = &backend.provider;
        let Some(upstream_model) = backend.upstream_name(&self.model) else {
            return Outcome::Unfit(Refusal::ModelNotServed {
                model: backend.model.as_ref().unwrap_or(&self.model).to_string(),
            });
        };
        let Some(endpoint) = self.generation.endpoint(provider) else {
            return Outcome::Unfit(Refusal::NoBackend);
        };
        tail.calls(provider, upstream_model);
        let timeouts = &provider.spec.timeouts;
        let first_byte = if tail.stream {
            deadline.min(Instant::now() + timeouts.first_token)
        } else {
            deadline
        };
        let opening = async {
            match &endpoint.kind {
                EndpointKind::Mock(count) => {
                    let number = EndpointKind::next_number(count);
                    let settings = provider.spec.mock.as_ref();
                    self.mock(upstream_model, settings, number).await
                }
                EndpointKind::Http(remote) => {
                    let reached = (&**remote, &endpoint.authorizer);
                    self.send(worker, reached, upstream_model, tail.stream)
                        .await
                }
            }
        };
        let opened = timeout_at(first_byte.into(), opening)
            .await
            .unwrap_or(Err(TIMEOUT));
        let outcome = match opened {
            Ok(answer) => {
                tail.first_byte();
                let opened = answer.open(endpoint, timeouts, deadline, tail.stream).await;
                judge(opened)
            }
            Err(failure) => Outcome::Failed(failure),
        };
        let name = match &outcome {
            Outcome::Opened(_) => "answered",
            Outcome::Error(RetryCause::RateLimited, _) => "rate_limited",
            Outcome::Error(..) => "server_error",
            Outcome::Failed(failure) if failure.cause == RetryCause::Timeout => "timeout",
            Outcome::Failed(_) | Outcome::Unfit(_) => "connection_error",
        };
        tail.attempted(provider, name);
        outcome
    }

    /// Sends the request over the network and waits for the first bytes of the answer's body.
    async fn send(
        &self,
        worker: &Worker,
        (remote, authorizer): (&Remote, &Authorizer),
        upstream_model: &str,
        stream: bool,
    ) -> Result<Answer, Failure> {
        let Remote { target, paths } = remote;
        let body = self.body_for(upstream_model);
        let mut request = UpstreamRequest {
            method: Method::POST,
            path: paths.of(self.operation, self.head.uri.query()),
            headers: headers::for_provider(&self.head.headers),
            body: body.clone().into(),
            resend: self
                .decision
                .route
                .retry
                .on
                .contains(&RetryCause::ConnectionError),
        };
        let unsigned = Unsigned {
            method: &request.method,
            authority: &target.authority,
            path: &request.path,
            body: Some(&body),
        };
        authorizer
            .authorize(unsigned, &mut request.headers, SystemTime::now())
            .await
            .map_err(|_| NO_CREDENTIAL)?;
        let response = worker
            .upstreams
            .send(target, request)
            .await
            .map_err(|error| {
                tracing::debug!(provider = %target.host, %error, "no answer");
                match error.kind {
                    SendErrorKind::Denied => DENIED,
                    SendErrorKind::ConnectTimeout => TIMEOUT,
                    SendErrorKind::Reset | SendErrorKind::Protocol => BROKEN,
                    SendErrorKind::Tls => Failure {
                        why: "failed the TLS handshake",
                        ..UNREACHABLE
                    },
                    SendErrorKind::Resolve => Failure {
                        why: "has a name without an address",
                        ..UNREACHABLE
                    },
                    _ => UNREACHABLE,
                }
            })?;
        if response.status.is_redirection() {
            return Err(REDIRECT);
        }
        let mut body = response.body;
        // A stream's status alone is no answer yet: it may still break before its first token.
        let first = if stream || response.status.as_u16() >= 400 {
            body.next().await.transpose().map_err(|_| BROKEN)?
        } else {
            None
        };
        Ok(Answer {
            status: response.status,
            headers: headers::for_caller(response.headers),
            first,
            source: Source::Upstream(body),
        })
    }

    /// Asks the mock in this process.
    async fn mock(
        &self,
        upstream_model: &str,
        settings: Option<&mock::Settings>,
        number: u64,
    ) -> Result<Answer, Failure> {
        let body = self.body_for(upstream_model);
        // It was read once already.
        let body = openai::read(self.operation, &body).map_err(|_| BROKEN)?;
        let script = mock::answer(
            &body,
            settings.unwrap_or(&mock::Settings::default()),
            number,
        );
        let status = StatusCode::from_u16(script.status).map_err(|_| BROKEN)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(script.content_type));
        for (name, value) in &script.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let (player, first) = Player::begin(script).await.ok_or(BROKEN)?;
        Ok(Answer {
            status,
            headers,
            first,
            source: Source::Mock(player),
        })
    }

    /// The body as the provider gets it: the caller's bytes, but for the name of the model.
    fn body_for(&self, upstream_model: &str) -> Bytes {
        if *self.model == *upstream_model {
            return self.body.clone();
        }
        openai::read(self.operation, &self.body)
            .ok()
            .and_then(|body| body.with_model(upstream_model))
            .map_or_else(
                || self.body.clone(),
                |change| splice::apply(&self.body, &[change]),
            )
    }
}

/// The head of an answer and, of a stream or an error, its first bytes.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    first: Option<Bytes>,
    source: Source,
}

impl Answer {
    /// Tells what kind of answer it is, and reads what is read before passing it on.
    async fn open(
        mut self,
        endpoint: &Arc<Endpoint>,
        timeouts: &Timeouts,
        deadline: Instant,
        stream: bool,
    ) -> Result<Opened, Failure> {
        let error = self.status.as_u16() >= 400;
        let content = if !error && self.is_events(stream) {
            Content::Events(self.first.take(), self.source)
        } else {
            let gathering = gather(self.first.take(), &mut self.source);
            let (start, whole) = match timeout_at(deadline.into(), gathering).await {
                Ok(gathered) => gathered?,
                Err(_) => return Err(TIMEOUT),
            };
            if whole || error {
                Content::Whole(start)
            } else {
                Content::Bytes(start, self.source)
            }
        };
        Ok(Opened {
            status: self.status,
            headers: self.headers,
            content,
            scrubber: endpoint.scrubber(),
            timeouts: timeouts.clone(),
            deadline,
        })
    }

    /// Whether the body is a stream of events that can be read. Some providers call it something
    /// else than it is; but an answer in JSON is none, whatever was asked for.
    fn is_events(&self, stream: bool) -> bool {
        let starts_with = |start: &[u8]| {
            self.headers.get(CONTENT_TYPE).is_some_and(|value| {
                value
                    .as_bytes()
                    .get(..start.len())
                    .is_some_and(|found| found.eq_ignore_ascii_case(start))
            })
        };
        !self.headers.contains_key(CONTENT_ENCODING)
            && (starts_with(b"text/event-stream") || stream && !starts_with(b"application/json"))
    }
}

/// Reads up to [`GATHER`] bytes and what came with them, and says whether that is all. An answer
/// that comes in one piece is not copied.
async fn gather(first: Option<Bytes>, source: &mut Source) -> Result<(Bytes, bool), Failure> {
    let mut start = first.unwrap_or_default();
    let mut pieces: Option<BytesMut> = None;
    while pieces.as_ref().map_or(start.len(), BytesMut::len) < GATHER {
        match source.next().await {
            None => return Ok((pieces.map_or(start, BytesMut::freeze), true)),
            Some(Err(_)) => return Err(BROKEN),
            Some(Ok(chunk)) if start.is_empty() => start = chunk,
            Some(Ok(chunk)) => pieces
                .get_or_insert_with(|| BytesMut::from(&start[..]))
                .extend_from_slice(&chunk),
        }
    }
    Ok((pieces.map_or(start, BytesMut::freeze), false))
}

/// Tells an answer from an error that another provider might not make.
fn judge(opened: Result<Opened, Failure>) -> Outcome {
    match opened {
        Err(failure) => Outcome::Failed(failure),
        Ok(opened) => match opened.status.as_u16() {
            429 => Outcome::Error(RetryCause::RateLimited, opened),
            500.. => Outcome::Error(RetryCause::ServerError, opened),
            _ => Outcome::Opened(opened),
        },
    }
}

const TIMEOUT: Failure = Failure {
    cause: RetryCause::Timeout,
    refusal: Refusal::UpstreamTimeout,
    why: "took too long",
};
const UNREACHABLE: Failure = Failure {
    cause: RetryCause::ConnectionError,
    refusal: Refusal::ConnectionFailed,
    why: "could not be reached",
};
const DENIED: Failure = Failure {
    cause: RetryCause::ConnectionError,
    refusal: Refusal::UpstreamDenied,
    why: "has an address that may not be connected to",
};
const BROKEN: Failure = Failure {
    cause: RetryCause::ConnectionError,
    refusal: Refusal::UpstreamBroken,
    why: "broke off before its answer began",
};
const NO_CREDENTIAL: Failure = Failure {
    cause: RetryCause::ConnectionError,
    refusal: Refusal::CredentialsUnavailable,
    why: "could not be called without a credential",
};
const REDIRECT: Failure = Failure {
    cause: RetryCause::ServerError,
    refusal: Refusal::UpstreamRedirect,
    why: "answered with a redirect",
};
