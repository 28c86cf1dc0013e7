//! The end of a request: counted and logged once, whenever and however it ends.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use weir_config::linked::{Consumer, LinkedProvider, LinkedRoute};
use weir_llm::exchange::{Estimate, Exchange, Passed};
use weir_llm::frame::Framing;
use weir_llm::price::Counts;
use weir_llm::{Format, Operation, Usage};
use weir_records::access::{AccessRecord, Outcome};

use super::Shared;
use crate::metrics::Served;
use crate::refusal::Refusal;
use crate::rng::Rng;
use crate::room::Permit;
use crate::wire::{Response, ResponseBody};

/// The end of a request: what is known of it so far. Dropping it counts and logs it, or has that done once its usage is
/// counted; until something else is said, that is because its caller left.
#[derive(Debug)]
pub(super) struct Tail {
    record: Record,
    /// The usage is still to be counted.
    pub(super) estimate: Option<Estimate>,
}

/// What is known of a request.
#[derive(Debug)]
pub(crate) struct Record {
    shared: Arc<Shared>,
    started: Instant,
    time: SystemTime,
    duration: Duration,
    pub(super) request_id: String,
    /// Unknown where the request was refused before it was one.
    peer: Option<SocketAddr>,
    pub(super) seat: Option<Permit>,
    /// The format in which the caller reads errors.
    pub(super) format: Format,
    pub(super) operation: &'static str,
    /// The same, where a provider answers.
    pub(super) called: Option<Operation>,
    pub(super) stream: bool,
    pub(super) consumer: Option<Arc<Consumer>>,
    pub(super) route: Option<Arc<LinkedRoute>>,
    pub(super) rule: Option<usize>,
    pub(super) provider: Option<Arc<LinkedProvider>>,
    pub(super) model: Option<Arc<str>>,
    pub(super) upstream_model: Option<Arc<str>>,
    pub(super) status: u16,
    pub(super) code: Option<&'static str>,
    pub(super) attempts: u32,
    first_byte: Option<Duration>,
    pub(super) usage: Option<Usage>,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    pub(super) outcome: Outcome,
}

impl Deref for Tail {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

impl DerefMut for Tail {
    fn deref_mut(&mut self) -> &mut Record {
        &mut self.record
    }
}

impl Record {
    fn new(shared: Arc<Shared>, request_id: String, peer: Option<SocketAddr>) -> Self {
        Self {
            shared,
            started: Instant::now(),
            time: SystemTime::now(),
            duration: Duration::ZERO,
            request_id,
            peer,
            seat: None,
            format: Format::Chat,
            operation: "unknown",
            called: None,
            stream: false,
            consumer: None,
            route: None,
            rule: None,
            provider: None,
            model: None,
            upstream_model: None,
            status: 0,
            code: None,
            attempts: 0,
            first_byte: None,
            usage: None,
            bytes_in: 0,
            bytes_out: 0,
            outcome: Outcome::ClientLeft,
        }
    }
}

impl Tail {
    /// Starts the clock.
    pub(super) fn begin(shared: Arc<Shared>, rng: &Rng, peer: Option<SocketAddr>) -> Self {
        Self {
            record: Record::new(shared, rng.id(), peer),
            estimate: None,
        }
    }

    /// When the request came.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// The id as a header; it is hexadecimal.
    pub(super) fn request_id_header(&self) -> HeaderValue {
        super::header(&self.request_id)
    }

    /// When a stream has to end itself, since the process stops.
    pub(super) fn last_call(&self) -> Option<Instant> {
        self.shared.stop.last_call()
    }

    /// A provider is called, for a model by this name of its own.
    pub(super) fn calls(&mut self, provider: &Arc<LinkedProvider>, upstream_model: &str) {
        self.provider = Some(Arc::clone(provider));
        self.upstream_model = Some(Arc::from(upstream_model));
        self.attempts += 1;
        // That of a call before is of no answer that the caller gets.
        self.first_byte = None;
    }

    /// The first byte of the provider's answer is here.
    pub(super) fn first_byte(&mut self) {
        self.first_byte = Some(self.started.elapsed());
    }

    /// Counts a call of a provider.
    pub(super) fn attempted(&mut self, provider: &Arc<LinkedProvider>, outcome: &'static str) {
        self.shared.metrics.attempted(&provider.id, outcome);
    }

    /// The usage of an answer is to be counted: nobody told it, or it was cut.
    pub(super) fn estimate(
        &mut self,
        exchange: &Exchange,
        framing: Option<Framing>,
        passed: Passed,
    ) {
        let (Some(operation), Some(model)) = (self.called, self.upstream_model.clone()) else {
            return;
        };
        let said = self.usage;
        self.estimate = exchange.estimate(operation, &model, framing, passed, said);
    }

    /// Ends with an answer that Weir makes itself.
    pub(super) fn answered(mut self, response: Response) -> Response {
        self.finish_with(&response, Outcome::Complete);
        response
    }

    /// Ends with a refusal.
    pub(super) fn refused(mut self, refusal: &Refusal) -> Response {
        let code = refusal.code();
        self.code = Some(code);
        self.shared.metrics.refused(code);
        let response = refusal.response(self.format, &self.request_id);
        self.finish_with(&response, Outcome::Refused);
        response
    }

    /// Ends with an answer that is all there.
    fn finish_with(&mut self, response: &Response, outcome: Outcome) {
        self.status = response.status.as_u16();
        if let ResponseBody::Full(body) = &response.body {
            self.bytes_out = body.len() as u64;
        }
        self.outcome = outcome;
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.record.duration = self.started.elapsed();
        if self.outcome == Outcome::ClientLeft && self.shared.stop.is_cutting() {
            self.outcome = Outcome::Shutdown;
        }
        let Some(estimate) = self.estimate.take() else {
            return self.record.settle();
        };
        // Its place is free while its tokens are counted.
        self.seat = None;
        let shared = Arc::clone(&self.shared);
        let blank = Record::new(Arc::clone(&shared), String::new(), None);
        let record = std::mem::replace(&mut self.record, blank);
        shared.estimates.count(estimate, record);
    }
}

impl Record {
    /// With a usage that was counted.
    pub(crate) fn settle_with(mut self, usage: Usage) {
        self.usage = Some(usage);
        self.settle();
    }

    /// Counts and logs the request.
    fn settle(&self) {
        let cost = self.cost();
        self.shared.metrics.served(
            Served {
                route: self.route.as_ref().map(|route| Arc::clone(&route.id)),
                provider: self.provider.as_ref().map(|one| Arc::clone(&one.id)),
                operation: self.operation,
                status: self.status,
                outcome: self.outcome.name(),
            },
            self.duration,
            self.first_byte,
            self.usage.as_ref(),
            cost,
        );
        let Some(access) = &self.shared.access else {
            return;
        };
        let consumer = self.consumer.as_ref().map(|one| one.to_string());
        let peer = self.peer.map(|peer| peer.to_string());
        let usage = self.usage.unwrap_or_default();
        access.write(&AccessRecord {
            time: self.time.duration_since(UNIX_EPOCH).map_or(0, |since| {
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }),
            request_id: Cow::Borrowed(&self.request_id),
            consumer: consumer.as_deref().map(Cow::Borrowed),
            route: self.route.as_ref().map(|one| Cow::Borrowed(&*one.id)),
            rule: self.rule.and_then(|rule| u32::try_from(rule).ok()),
            provider: self.provider.as_ref().map(|one| Cow::Borrowed(&*one.id)),
            model: self.model.as_deref().map(Cow::Borrowed),
            upstream_model: self.upstream_model.as_deref().map(Cow::Borrowed),
            operation: Some(Cow::Borrowed(self.operation)),
            stream: self.stream,
            status: self.status,
            code: self.code.map(Cow::Borrowed),
            attempts: self.attempts,
            duration: self.duration,
            first_byte: self.first_byte,
            input_tokens: self.usage.map(|usage| usage.input),
            output_tokens: self.usage.map(|usage| usage.output),
            cached_tokens: usage.cached,
            cache_write_tokens: usage.cache_write,
            reasoning_tokens: usage.reasoning,
            usage_estimated: usage.estimated,
            cost,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            outcome: self.outcome,
            peer: peer.as_deref().map(Cow::Borrowed),
        });
    }

    /// In nano-dollars; `None` where nobody knows a price, or nothing was used.
    fn cost(&self) -> Option<u64> {
        let (usage, provider) = (self.usage.as_ref()?, self.provider.as_ref()?);
        let prices =
            self.shared
                .prices
                .of(provider, self.upstream_model.as_ref()?, self.seconds())?;
        Some(prices.cost(&Counts::from(usage)))
    }

    /// When the request came, in Unix seconds.
    pub(super) fn seconds(&self) -> i64 {
        self.time.duration_since(UNIX_EPOCH).map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
    }
}
