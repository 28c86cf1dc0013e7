//! The access log: one line of JSON for each request.

mod write;

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// What the access log says of one request. No body and no secret is in it.
///
/// [`write_line`](Self::write_line) is the writer; reading is by serde. What is `None` is left out
/// of the line, and fields that a reader does not know are passed over, so that records may grow.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessRecord<'a> {
    /// When the request came, in milliseconds since the Unix epoch; RFC 3339 in the line.
    #[serde(deserialize_with = "read_time")]
    pub time: i64,
    /// As the answer's `x-request-id` says it.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// Who called, in full (`key:NAMESPACE/NAME`), once that is known.
    #[serde(borrow, default)]
    pub consumer: Option<Cow<'a, str>>,
    /// `NAMESPACE/NAME` of the route.
    #[serde(borrow, default)]
    pub route: Option<Cow<'a, str>>,
    /// Which rule of the route held; the first is 0, as in the field path `spec.rules[0]`.
    #[serde(default)]
    pub rule: Option<u32>,
    /// `NAMESPACE/NAME` of the provider that gave the answer, or was tried last.
    #[serde(borrow, default)]
    pub provider: Option<Cow<'a, str>>,
    /// The model that the caller asked for.
    #[serde(borrow, default)]
    pub model: Option<Cow<'a, str>>,
    /// What that provider was asked for.
    #[serde(borrow, default)]
    pub upstream_model: Option<Cow<'a, str>>,
    /// `chat`, `embeddings`, `models` and so on.
    #[serde(borrow, default)]
    pub operation: Option<Cow<'a, str>>,
    /// Whether the caller asked for a stream.
    pub stream: bool,
    /// The HTTP status that was answered; 0 where the caller left before there was one.
    pub status: u16,
    /// The `code` of a refusal.
    #[serde(borrow, default)]
    pub code: Option<Cow<'a, str>>,
    /// Upstream calls that were made.
    pub attempts: u32,
    /// From the request's head to the end of the answer; `durationMs` in the line, in
    /// milliseconds with microseconds behind the point.
    #[serde(rename = "durationMs", deserialize_with = "read_millis")]
    pub duration: Duration,
    /// From the request's head to the first byte of the answer's body; `firstByteMs` in the line.
    #[serde(
        rename = "firstByteMs",
        default,
        deserialize_with = "read_optional_millis"
    )]
    pub first_byte: Option<Duration>,
    /// Tokens that went in, as the provider counted them, or else Weir.
    #[serde(default)]
    pub input_tokens: Option<u64>,
    /// Tokens that came out, as the provider counted them, or else Weir.
    #[serde(default)]
    pub output_tokens: Option<u64>,
    /// Tokens of those that went in that were read from the provider's prompt cache.
    #[serde(default)]
    pub cached_tokens: Option<u64>,
    /// And those that were written to it.
    #[serde(default)]
    pub cache_write_tokens: Option<u64>,
    /// Tokens of those that came out that were spent on reasoning.
    #[serde(default)]
    pub reasoning_tokens: Option<u64>,
    /// Whether Weir counted the tokens, because the provider did not; left out of the line where not.
    #[serde(default)]
    pub usage_estimated: bool,
    /// What the tokens cost, in nano-dollars; `costNanoUsd` in the line. Left out where nobody knows a price.
    #[serde(rename = "costNanoUsd", default)]
    pub cost: Option<u64>,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body that were sent.
    pub bytes_out: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The address of the connection's other end.
    #[serde(borrow, default)]
    pub peer: Option<Cow<'a, str>>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The whole answer was sent, be it the provider's error.
    Complete,
    /// Weir itself answered with an error; `code` says which.
    Refused,
    /// The caller was gone before the answer was whole.
    ClientLeft,
    /// The provider's answer broke off after its start had been sent.
    UpstreamError,
    /// A time limit ran out after the answer's start had been sent.
    Timeout,
    /// The gateway ended it, for it had to stop.
    Shutdown,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 6] = [
        Self::Complete,
        Self::Refused,
        Self::ClientLeft,
        Self::UpstreamError,
        Self::Timeout,
        Self::Shutdown,
    ];

    /// The stable name, as in records and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Refused => "refused",
            Self::ClientLeft => "client_left",
            Self::UpstreamError => "upstream_error",
            Self::Timeout => "timeout",
            Self::Shutdown => "shutdown",
        }
    }
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    crate::time::read(&text)
        .ok_or_else(|| de::Error::custom("time is not RFC 3339 in UTC with milliseconds"))
}

fn read_millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    duration(f64::deserialize(deserializer)?)
}

fn read_optional_millis<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    Option::<f64>::deserialize(deserializer)?
        .map(duration)
        .transpose()
}

/// Whole microseconds, so that what is written reads back as the same.
fn duration<E: de::Error>(millis: f64) -> Result<Duration, E> {
    Duration::try_from_secs_f64((millis * 1000.0).round() / 1_000_000.0)
        .map(|read| Duration::from_micros((read.as_secs_f64() * 1_000_000.0).round() as u64))
        .map_err(E::custom)
}
