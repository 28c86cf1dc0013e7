//! Calls of the services that give credentials: few, small and bounded.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Uri};
use serde_json::Value;
use weir_llm::scrub::Scrubber;

use super::source::FetchError;
use crate::wire::tls::ClientTls;
use crate::wire::{
    DenyList, HttpVersion, Target, UpstreamLimits, UpstreamRequest, UpstreamResponse, Upstreams,
};

/// How long a call may take, answer included.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes of the longest answer. Tokens and keys have some 2 KiB.
const MAX_ANSWER: usize = 256 << 10;
/// Characters of a service's own words that are repeated.
const MAX_WORDS: usize = 300;

/// Who chose an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Trust {
    /// Whoever runs the gateway, by its environment, or Weir itself. Metadata services are at link-local addresses, which
    /// the deny list usually has; it does not count here.
    Admin,
    /// A team, in a Secret. It may go where its providers' endpoints may: nowhere that the deny list names.
    Team,
}

/// A call to be made.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) trust: Trust,
    pub(super) method: Method,
    pub(super) url: &'a str,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// What of the request must not be repeated.
    pub(super) secrets: &'a [&'a str],
}

impl<'a> Call<'a> {
    /// Asks for something.
    pub(super) fn get(trust: Trust, url: &'a str) -> Self {
        Self {
            trust,
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            secrets: &[],
        }
    }

    /// Posts a body of this type.
    pub(super) fn post(trust: Trust, url: &'a str, kind: &'static str, body: String) -> Self {
        let mut call = Self::get(trust, url);
        call.method = Method::POST;
        call.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        call.body = body.into();
        call
    }

    /// Posts a form.
    pub(super) fn form(trust: Trust, url: &'a str, fields: &[(&str, &str)]) -> Self {
        let body = super::encode::form(fields);
        Self::post(trust, url, "application/x-www-form-urlencoded", body)
    }

    /// With these secrets in it, which are not repeated.
    pub(super) fn hiding(self, secrets: &'a [&'a str]) -> Self {
        Self { secrets, ..self }
    }

    /// With this header, whose value is secret.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Result<Self, FetchError> {
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| FetchError::Setting(format!("{name}: can't stand in a header")))?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }
}

/// Makes the calls.
#[derive(Debug)]
pub(super) struct Client {
    free: Upstreams,
    guarded: Upstreams,
    tls: OnceLock<ClientTls>,
    pools: RandomState,
}

/// Where a URL leads.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) secure: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) authority: HeaderValue,
    pub(super) path: PathAndQuery,
}

impl Place {
    /// Reads an absolute URL; `what` names it in the error, which does not quote it.
    pub(super) fn of(what: &str, url: &str) -> Result<Self, FetchError> {
        let wrong = || FetchError::Setting(format!("{what}: not an http:// or https:// URL"));
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        // Who would put a password there would see it in messages.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(wrong());
        }
        let host = authority.host();
        Ok(Self {
            secure,
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_ascii_lowercase(),
            port: authority
                .port_u16()
                .unwrap_or(if secure { 443 } else { 80 }),
            authority: HeaderValue::try_from(authority.as_str()).map_err(|_| wrong())?,
            path: uri
                .path_and_query()
                .cloned()
                .unwrap_or_else(|| PathAndQuery::from_static("/")),
        })
    }
}

impl Client {
    /// A client that keeps away from `deny` where a team chose the address.
    pub(super) fn new(deny: Arc<DenyList>) -> Self {
        let limits = UpstreamLimits {
            max_idle: 1,
            ..UpstreamLimits::default()
        };
        Self {
            free: Upstreams::new(Arc::default(), limits),
            guarded: Upstreams::new(deny, limits),
            tls: OnceLock::new(),
            pools: RandomState::new(),
        }
    }

    /// Makes a call and gives the body of an answer of success.
    pub(super) async fn call(&self, what: &str, call: Call<'_>) -> Result<Bytes, FetchError> {
        let place = Place::of(what, call.url)?;
        let answered = tokio::time::timeout(PATIENCE, self.answer(&place, &call)).await;
        answered.unwrap_or_else(|_| Err(FetchError::service(&place.host, "does not answer")))
    }

    async fn answer(&self, place: &Place, call: &Call<'_>) -> Result<Bytes, FetchError> {
        let service = |problem: &str| FetchError::service(&place.host, problem);
        let upstreams = match call.trust {
            Trust::Admin => &self.free,
            Trust::Team => &self.guarded,
        };
        let target = Target {
            key: self
                .pools
                .hash_one((place.secure, &place.host, place.port, call.trust)),
            tls: place.secure.then(|| self.tls()).transpose()?,
            host: place.host.clone(),
            port: place.port,
            authority: place.authority.clone(),
            http: HttpVersion::Http1,
            connect_timeout: CONNECT,
        };
        let request = UpstreamRequest {
            method: call.method.clone(),
            path: place.path.clone(),
            headers: call.headers.clone(),
            body: call.body.clone().into(),
            // All of them can be asked twice.
            resend: true,
        };
        let response = upstreams
            .send(&target, request)
            .await
            .map_err(|error| FetchError::Unreachable(error.to_string()))?;
        let status = response.status;
        let body = read(response).await.map_err(service)?;
        if status.is_success() {
            return Ok(body);
        }
        let body = Scrubber::new(call.secrets).scrub(body);
        Err(service(&match words(&body) {
            Some(words) => format!("answered {}: {words}", status.as_u16()),
            None => format!("answered {}", status.as_u16()),
        }))
    }

    fn tls(&self) -> Result<ClientTls, FetchError> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls.clone());
        }
        let tls = ClientTls::new(None, HttpVersion::Http1)
            .map_err(|error| FetchError::Unreachable(error.to_string()))?;
        Ok(self.tls.get_or_init(|| tls).clone())
    }
}

async fn read(response: UpstreamResponse) -> Result<Bytes, &'static str> {
    let mut from = response.body;
    let mut body = Vec::new();
    while let Some(chunk) = from.next().await {
        let chunk = chunk.map_err(|_| "broke its answer off")?;
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err("answers with more than it should");
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// What an error says: `error` and `error_description` (RFC 6749, section 5.2), `error.message` of Google's APIs, `Code`
/// and `Message` of AWS.
fn words(body: &[u8]) -> Option<String> {
    let said = if let Ok(said) = serde_json::from_slice::<Value>(body) {
        let text = |name: &str| Some(said.get(name)?.as_str()?.to_owned());
        let parts = [
            text("error"),
            said.pointer("/error/message")
                .and_then(Value::as_str)
                .map(str::to_owned),
            text("error_description"),
            text("code").or_else(|| text("Code")),
            text("message").or_else(|| text("Message")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
    } else {
        let text = std::str::from_utf8(body).ok()?;
        super::aws::error_words(text)?
    };
    let printable = |one: char| if one.is_control() { ' ' } else { one };
    let said: String = said.chars().take(MAX_WORDS).map(printable).collect();
    (!said.trim().is_empty()).then_some(said)
}
