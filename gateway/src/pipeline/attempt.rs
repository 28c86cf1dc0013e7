//! Calls of providers, one after another, until one has an answer that begins.
//!
//! A call fails over while nothing has reached the caller: the status and the first bytes of an
//! answer are waited for here, and a plain answer that is short is read to its end.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::time::{sleep, timeout_at};
use weir_config::linked::{LinkedBackend, LinkedRule};
use weir_config::snapshot::{RetryCause, Timeouts, Unsupported};
use weir_llm::call::{BodyKind, Call};
use weir_llm::dialect::mock;
use weir_llm::exchange::{self, Exchange, Order, Unfit};
use weir_llm::scrub::Scrubber;
use weir_llm::{Format, Operation, body};

use super::answer::Source;
use super::mock::Player;
use super::route::Routed;
use super::tail::Tail;
use super::{Served, Worker, count};
use crate::credentials::{Authorizer, Unsigned};
use crate::headers;
use crate::live::{Endpoint, EndpointKind, Remote};
use crate::refusal::{Refusal, Tried};
use crate::wire::{RequestBody, RequestPayload, Response, SendErrorKind, UpstreamRequest};

/// Bytes of a plain answer that are read before it is passed on, and the most of an error.
pub(super) const GATHER: usize = 64 * 1024;

/// Waited before a provider is called once more; doubled each round, up to a second.
const BACKOFF: Duration = Duration::from_millis(100);

/// An answer that has begun.
pub(super) struct Opened {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) content: Content,
    pub(super) exchange: Exchange,
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
    /// Nobody has to be asked.
    Ready(Response),
}

impl Routed {
    /// Calls the backends in the order of the decision, as often as the route says.
    pub(super) async fn attempt(
        mut self,
        worker: &Worker,
        tail: &mut Tail,
    ) -> Result<Served, Refusal> {
        let mut rest = self.rest.take();
        let streamed = rest.is_some();
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
            let cause = match self.call(worker, backend, &mut rest, deadline, tail).await {
                Outcome::Opened(opened) => return Ok(Served::Opened(opened)),
                Outcome::Ready(response) => return Ok(Served::Ready(response)),
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
            // What was streamed is gone, unless nothing of it was sent.
            if streamed && rest.is_none()
                || !retry.on.contains(&cause)
                || Instant::now() >= deadline
            {
                break;
            }
        }
        last.map(Served::Opened)
    }

    /// One call of one provider.
    async fn call(
        &self,
        worker: &Worker,
        backend: &LinkedBackend,
        rest: &mut Option<RequestBody>,
        deadline: Instant,
        tail: &mut Tail,
    ) -> Outcome {
        let provider = &backend.provider;
        let upstream_model = if self.model.is_empty() {
            Some("")
        } else {
            backend.upstream_name(&self.model)
        };
        let Some(upstream_model) = upstream_model else {
            return Outcome::Unfit(Refusal::ModelNotServed {
                model: backend.model.as_ref().unwrap_or(&self.model).to_string(),
            });
        };
        let Some(endpoint) = self.generation.endpoint(provider) else {
            return Outcome::Unfit(Refusal::NoBackend);
        };
        let named = self.named.as_ref();
        let body = match named.map(|named| named.at(backend, &self.body)) {
            None => self.body.clone(),
            Some(Ok(body)) => body,
            Some(Err(refusal)) => return Outcome::Unfit(refusal),
        };
        let mut exchange = match self.exchange(endpoint, upstream_model, &body, tail) {
            Ok(exchange) => exchange,
            Err(Unfit::NoOperation) => {
                let operation = self.call.operation.name();
                return Outcome::Unfit(Refusal::OperationNotServed { operation });
            }
            Err(Unfit::Problem(problem)) => return Outcome::Unfit(Refusal::Problem(problem)),
            Err(Unfit::Here(count)) => return Outcome::Ready(count::answer(count).await),
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
                    self.mock(&exchange, settings, number).await
                }
                EndpointKind::Http(remote) => {
                    let reached = (&**remote, &endpoint.authorizer);
                    let answer = self
                        .send(worker, reached, &exchange, rest, tail.stream)
                        .await?;
                    // A provider without OpenAI's responses is asked by chat completions, from then on.
                    // That it keeps none, or counts none, says nothing of that.
                    if answer.status == StatusCode::NOT_FOUND
                        && self.call.operation == Operation::Chat
                        && endpoint.learn(&exchange, answer.first.as_deref().unwrap_or_default())
                        && let Ok(other) = self.exchange(endpoint, upstream_model, &body, tail)
                    {
                        exchange = other;
                        return self
                            .send(worker, reached, &exchange, rest, tail.stream)
                            .await;
                    }
                    Ok(answer)
                }
            }
        };
        let opened = timeout_at(first_byte.into(), opening)
            .await
            .unwrap_or(Err(TIMEOUT));
        let outcome = match opened {
            Ok(answer) => {
                tail.first_byte();
                let bounds = Bounds {
                    timeouts,
                    deadline,
                    largest: worker.bounds.body,
                };
                let opened = answer.open(endpoint, exchange, &bounds).await;
                judge(opened)
            }
            Err(failure) => Outcome::Failed(failure),
        };
        let name = match &outcome {
            Outcome::Opened(_) => "answered",
            Outcome::Error(RetryCause::RateLimited, _) => "rate_limited",
            Outcome::Error(..) => "server_error",
            Outcome::Failed(failure) if failure.cause == RetryCause::Timeout => "timeout",
            Outcome::Failed(_) | Outcome::Unfit(_) | Outcome::Ready(_) => "connection_error",
        };
        tail.attempted(provider, name);
        outcome
    }

    /// What is sent to a provider, or why it can't be asked.
    fn exchange(
        &self,
        endpoint: &Endpoint,
        upstream_model: &str,
        bytes: &Bytes,
        tail: &Tail,
    ) -> Result<Exchange, Unfit> {
        let json = self.call.body == BodyKind::Json;
        let body = json.then(|| self.reading.of(bytes)).flatten();
        let settings = endpoint.settings();
        exchange::prepare(&Order {
            call: &self.call,
            method: self.head.method.as_str(),
            path: self.head.uri.path(),
            query: self.head.uri.query(),
            body: body.as_ref(),
            bytes,
            form_model: self.form_model.as_ref(),
            stream: self.reading.stream(),
            dialect: endpoint.dialect,
            settings: &settings,
            model: upstream_model,
            drop: self.decision.route.parameters.unsupported == Unsupported::Drop,
            id: &tail.request_id,
            now: tail.seconds(),
        })
    }

    /// Sends the request over the network and waits for the first bytes of the answer's body.
    async fn send(
        &self,
        worker: &Worker,
        (remote, authorizer): (&Remote, &Authorizer),
        exchange: &Exchange,
        rest: &mut Option<RequestBody>,
        stream: bool,
    ) -> Result<Answer, Failure> {
        let mut headers = headers::for_provider(&self.head.headers, !exchange.passes());
        for (name, value) in &exchange.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.entry(*name).or_insert(value);
            }
        }
        if !exchange.passes() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let path = PathAndQuery::try_from(&*exchange.path).map_err(|_| BROKEN)?;
        let target = &remote.target;
        let mut request = UpstreamRequest {
            method: self.head.method.clone(),
            path,
            headers,
            body: match rest.take() {
                Some(rest) => RequestPayload::stream(exchange.body.clone(), rest),
                None => exchange.body.clone().into(),
            },
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
            // What streams through is not signed.
            body: matches!(request.body, RequestPayload::Full(_)).then_some(&*exchange.body),
        };
        authorizer
            .authorize(unsigned, &mut request.headers, SystemTime::now())
            .await
            .map_err(|_| NO_CREDENTIAL)?;
        let response = worker
            .upstreams
            .send(target, request)
            .await
            .map_err(|mut error| {
                if let Some(unsent) = error.rest.take() {
                    *rest = Some(*unsent);
                }
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
        exchange: &Exchange,
        settings: Option<&mock::Settings>,
        number: u64,
    ) -> Result<Answer, Failure> {
        let operation = match exchange.provider_format() {
            Format::Completions => Operation::Completions,
            _ if self.call.operation == Operation::Embeddings => Operation::Embeddings,
            _ => Operation::Chat,
        };
        let call = Call::json(operation, exchange.provider_format());
        // It was read, or written, before.
        let body = body::read(&call, &exchange.body).map_err(|_| BROKEN)?;
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
        exchange: Exchange,
        bounds: &Bounds<'_>,
    ) -> Result<Opened, Failure> {
        let error = self.status.as_u16() >= 400;
        let deadline = bounds.deadline;
        let content = if !error && self.is_events(&exchange) {
            Content::Events(self.first.take(), self.source)
        } else {
            // What is translated has to be there as a whole.
            let most = if error || exchange.passes() {
                GATHER
            } else {
                bounds.largest
            };
            let gathering = gather(self.first.take(), &mut self.source, most);
            let (start, whole) = match timeout_at(deadline.into(), gathering).await {
                Ok(gathered) => gathered?,
                Err(_) => return Err(TIMEOUT),
            };
            if whole || error {
                Content::Whole(start)
            } else if exchange.passes() {
                Content::Bytes(start, self.source)
            } else {
                return Err(TOO_LARGE);
            }
        };
        Ok(Opened {
            status: self.status,
            headers: self.headers,
            content,
            exchange,
            scrubber: endpoint.scrubber(),
            timeouts: bounds.timeouts.clone(),
            deadline,
        })
    }

    /// Whether the body is a stream of events that can be read.
    fn is_events(&self, exchange: &Exchange) -> bool {
        let content_type = self.headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        !self.headers.contains_key(CONTENT_ENCODING) && exchange.is_stream(content_type)
    }
}

/// What bounds an answer.
struct Bounds<'a> {
    timeouts: &'a Timeouts,
    /// When a plain one has to be complete.
    deadline: Instant,
    /// Bytes of a plain one that is translated.
    largest: usize,
}

/// Reads up to `most` bytes and what came with them, and says whether that is all. An answer
/// that comes in one piece is not copied.
async fn gather(
    first: Option<Bytes>,
    source: &mut Source,
    most: usize,
) -> Result<(Bytes, bool), Failure> {
    let mut start = first.unwrap_or_default();
    let mut pieces: Option<BytesMut> = None;
    while pieces.as_ref().map_or(start.len(), BytesMut::len) < most {
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
const TOO_LARGE: Failure = Failure {
    cause: RetryCause::ServerError,
    refusal: Refusal::UpstreamBroken,
    why: "gave an answer that is too large to be translated",
};
const REDIRECT: Failure = Failure {
    cause: RetryCause::ServerError,
    refusal: Refusal::UpstreamRedirect,
    why: "answered with a redirect",
};
