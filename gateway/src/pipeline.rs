//! The life of a request. Each stage hands on a type that only it can make:
//!
//! ```text
//! Received → Authenticated → Routed → Attempt… → Answering
//! ```
//!
//! [`Received`] has a seat in the process, [`Authenticated`] a consumer, [`Routed`] a body that was
//! read and a decision, [`Opened`](attempt::Opened) an answer that has begun. Guards, look-ups and
//! holds come between the last three. The answer's body owns a [`Tail`], which counts and logs when
//! it is dropped: whole, broken off, or left by its caller.

mod answer;
mod attempt;
mod authenticate;
mod content;
mod count;
mod mock;
mod models;
mod named;
mod receive;
mod route;
mod tail;

use std::sync::Arc;

use http::HeaderValue;
use http::header::HeaderName;

use crate::access_log;
use crate::estimates::Estimates;
use crate::identity::Tokens;
use crate::live::Live;
use crate::metrics::Shard;
use crate::prices::Prices;
use crate::refusal::Refusal;
use crate::rng::Rng;
use crate::room::Room;
use crate::stop::Stop;
use crate::wire::{Fault, Handler, Request, Response, Upstreams};

use authenticate::Authenticated;
use receive::{Call, Received};
use route::Routed;
use tail::Tail;

pub(crate) use tail::Record;

/// `x-request-id`: names the request in the access log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// `x-weir-route`: in an answer the route that was taken, in a request the one that is wanted.
pub(crate) const ROUTE: HeaderName = HeaderName::from_static("x-weir-route");
/// `x-weir-provider`: the provider that answered, or was tried last.
pub(crate) const PROVIDER: HeaderName = HeaderName::from_static("x-weir-provider");

/// Bounds that hold for every request.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Largest request body, in bytes.
    pub body: usize,
}

/// What one worker needs to answer requests.
#[derive(Debug)]
pub struct Worker {
    shared: Arc<Shared>,
    live: Arc<Live>,
    tokens: Tokens,
    upstreams: Upstreams,
    seats: Arc<Room>,
    buffers: Arc<Room>,
    bounds: Bounds,
    rng: Rng,
}

/// What a worker is made of.
#[derive(Debug)]
pub struct Parts {
    /// Where the configuration is.
    pub live: Arc<Live>,
    /// What knows the tokens of ServiceAccounts.
    pub tokens: Tokens,
    /// Connections to providers.
    pub upstreams: Upstreams,
    /// Where it counts.
    pub metrics: Arc<Shard>,
    /// Where it logs requests, if anywhere.
    pub access: Option<Arc<access_log::Writer>>,
    /// What counts the usage that no provider told.
    pub estimates: Arc<Estimates>,
    /// When the process ends.
    pub stop: Arc<Stop>,
    /// Requests that the process has room for; shared by all workers.
    pub seats: Arc<Room>,
    /// Bytes of bodies that it has room for; shared by all workers.
    pub buffers: Arc<Room>,
    /// Bounds of each request.
    pub bounds: Bounds,
}

/// The part of a worker that answers keep hold of until they end.
#[derive(Debug)]
struct Shared {
    metrics: Arc<Shard>,
    access: Option<Arc<access_log::Writer>>,
    estimates: Arc<Estimates>,
    prices: Prices,
    stop: Arc<Stop>,
}

impl Worker {
    /// A worker made of these.
    pub fn new(parts: Parts) -> Self {
        Self {
            shared: Arc::new(Shared {
                metrics: parts.metrics,
                access: parts.access,
                estimates: parts.estimates,
                prices: Prices::default(),
                stop: parts.stop,
            }),
            live: parts.live,
            tokens: parts.tokens,
            upstreams: parts.upstreams,
            seats: parts.seats,
            buffers: parts.buffers,
            bounds: parts.bounds,
            rng: Rng::new(),
        }
    }

    /// The stages in their order.
    async fn stages(&self, request: Request, tail: &mut Tail) -> Result<Served, Refusal> {
        let received = Received::new(self, request, tail)?;
        match received.call.clone() {
            Call::Models(shape) => {
                let authenticated = received.authenticate(self, tail).await?;
                Ok(Served::Ready(models::list(&authenticated, shape)))
            }
            Call::Model(shape, wanted) => {
                let authenticated = received.authenticate(self, tail).await?;
                models::one(&authenticated, shape, &wanted).map(Served::Ready)
            }
            Call::Provider(call) => {
                let authenticated: Authenticated = received.authenticate(self, tail).await?;
                let routed: Routed = authenticated.route(self, call, tail).await?;
                routed.attempt(self, tail).await
            }
        }
    }
}

/// What the stages end in, short of a refusal.
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is the usual one, and a box would be an allocation a request"
)]
enum Served {
    /// An answer that Weir makes itself.
    Ready(Response),
    /// A provider's answer that has begun.
    Opened(attempt::Opened),
}

impl Handler for Worker {
    async fn handle(&self, request: Request) -> Response {
        let mut tail = Tail::begin(Arc::clone(&self.shared), &self.rng, Some(request.peer));
        let served = self.stages(request, &mut tail).await;
        let id = tail.request_id_header();
        let route = tail.route.as_ref().map(|route| header(&route.id));
        let provider = tail.provider.as_ref().map(|one| header(&one.id));
        let mut response = match served {
            Ok(Served::Opened(opened)) => opened.answer(tail).await,
            Ok(Served::Ready(response)) => tail.answered(response),
            Err(refusal) => tail.refused(&refusal),
        };
        response.headers.insert(REQUEST_ID, id);
        if let Some(route) = route {
            response.headers.insert(ROUTE, route);
        }
        if let Some(provider) = provider {
            response.headers.insert(PROVIDER, provider);
        }
        response
    }

    fn refuse(&self, fault: Fault) -> Response {
        let tail = Tail::begin(Arc::clone(&self.shared), &self.rng, None);
        let id = tail.request_id_header();
        let mut response = tail.refused(&Refusal::Wire(fault));
        response.headers.insert(REQUEST_ID, id);
        response
    }
}

/// A name of a resource as a header; Kubernetes' names always are one.
fn header(name: &str) -> HeaderValue {
    HeaderValue::from_str(name).unwrap_or_else(|_| HeaderValue::from_static("-"))
}
