//! From a request to the script of its answer.

use std::time::Duration;

use bytes::Bytes;

use super::completion::{Completion, Events};
use super::embeddings;
use super::script::{End, Midway, Script, Steps};
use super::settings::{Disconnect, FaultKind, Settings};
use crate::Operation;
use crate::body::{BadBody, Body};
use crate::dialect::openai::{ErrorShape, error_body};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream; charset=utf-8";

/// What a mock provider answers.
///
/// `sequence` is the number of the request at this provider, the first is 1; faults go by it.
/// A request that OpenAI would refuse for a field that the mock reads is answered with status 400
/// and OpenAI's error.
#[must_use]
pub fn answer(body: &Body<'_>, settings: &Settings, sequence: u64) -> Script {
    let fault = settings.fault(sequence);
    let midway = match fault {
        Some(FaultKind::Status { code, retry_after }) => {
            return failure(code, retry_after, settings.latency);
        }
        Some(FaultKind::Disconnect(Disconnect::BeforeAnswer)) => {
            return Script {
                status: 200,
                content_type: JSON,
                headers: Vec::new(),
                steps: Steps::silence(settings.latency),
                end: End::Disconnect,
            };
        }
        Some(FaultKind::Disconnect(Disconnect::MidStream)) => Some(Midway::Cut),
        Some(FaultKind::Stall(stall)) => Some(Midway::Stall(stall)),
        None => None,
    };
    success(body, settings, midway).unwrap_or_else(|refused| refusal(&refused, settings.latency))
}

fn success(
    body: &Body<'_>,
    settings: &Settings,
    midway: Option<Midway>,
) -> Result<Script, BadBody> {
    let (content_type, steps) = match body.operation() {
        Operation::Embeddings => {
            let answer = embeddings::answer(body, settings)?;
            (JSON, Steps::body(answer, settings.latency, midway))
        }
        _ => {
            let completion = Completion::new(body, settings)?;
            if body.stream() {
                let events = Events::new(completion, settings.chunks, body.include_usage());
                let steps =
                    Steps::events(events, settings.latency, settings.chunk_interval, midway);
                (EVENTS, steps)
            } else {
                (
                    JSON,
                    Steps::body(completion.plain(), settings.latency, midway),
                )
            }
        }
    };
    Ok(Script {
        status: 200,
        content_type,
        headers: Vec::new(),
        steps,
        end: match midway {
            Some(Midway::Cut) => End::Disconnect,
            _ => End::Clean,
        },
    })
}

fn refusal(refused: &BadBody, latency: Duration) -> Script {
    let body = error_body(&ErrorShape {
        message: &refused.message,
        kind: "invalid_request_error",
        param: refused.param,
        code: Some(refused.code),
    });
    plain(400, body, latency)
}

fn failure(status: u16, retry_after: Option<Duration>, latency: Duration) -> Script {
    let (kind, code) = match status {
        429 => ("requests", Some("rate_limit_exceeded")),
        500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    };
    let body = error_body(&ErrorShape {
        message: &format!("The mock provider was told to fail with status {status}."),
        kind,
        param: None,
        code,
    });
    let mut script = plain(status, body, latency);
    if let Some(after) = retry_after {
        let seconds = after.as_millis().div_ceil(1000);
        script.headers.push(("retry-after", seconds.to_string()));
    }
    script
}

fn plain(status: u16, body: Bytes, latency: Duration) -> Script {
    Script {
        status,
        content_type: JSON,
        headers: Vec::new(),
        steps: Steps::body(body, latency, None),
        end: End::Clean,
    }
}

/// A number that depends on all bytes and nothing else: 64-bit FNV-1a
/// (RFC 9923 §5), mixed once more so that similar bytes give unlike numbers.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(fnv)
}

/// The finisher of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators, 2014).
pub(super) fn mix(seed: u64) -> u64 {
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Tokens of a text: a quarter of its bytes, rounded up.
pub(super) fn tokens(bytes: u64) -> u64 {
    bytes.div_ceil(4)
}
