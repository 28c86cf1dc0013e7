//! Keeps the cluster's keys at hand: reads them at the start, now and then, and when a token names one that is not
//! known.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kube::Client;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{sleep_until, timeout};

use super::keys::{Keys, NoKeys};
use super::{Attempt, Verifier};
use crate::source::state::{KeptKeys, State};

/// How often the keys are read where nobody asks for them.
const INTERVAL: Duration = Duration::from_secs(300);
/// How long after the beginning of one attempt the next one begins, at least: whoever makes up key ids may not send
/// the gateway to the API server more often.
const GAP: Duration = Duration::from_secs(1);
/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long after a failure it is tried again: this at first, twice as long each time, up to the most.
const RETRY: (Duration, Duration) = (GAP, Duration::from_secs(30));

/// When the keys were read last; shared with the metrics.
#[derive(Debug)]
pub struct Age {
    made: Instant,
    /// Milliseconds since `made`, and one.
    read: AtomicU64,
}

impl Default for Age {
    fn default() -> Self {
        Self {
            made: Instant::now(),
            read: AtomicU64::new(0),
        }
    }
}

impl Age {
    fn reset(&self) {
        self.read.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.made.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// Whole seconds since they were read; since the start where they never were.
    pub fn seconds(&self) -> u64 {
        self.now().saturating_sub(self.read.load(Ordering::Relaxed)) / 1000
    }
}

/// Why the keys can't be read.
#[derive(Debug, thiserror::Error)]
enum KeysError {
    #[error("{0}: {1}")]
    Request(&'static str, kube::Error),
    #[error("{DISCOVERY} is not what it should be")]
    Discovery,
    #[error("{JWKS}: {0}")]
    Keys(#[from] NoKeys),
    #[error("{JWKS} is no JSON")]
    Json,
    #[error("the API server does not answer")]
    TimedOut,
}

const DISCOVERY: &str = "/.well-known/openid-configuration";
const JWKS: &str = "/openid/v1/jwks";

/// Reads the keys until the process ends. A failure, or an answer without a key, leaves what there is.
pub async fn keep(client: Client, verifier: Arc<Verifier>, state: Option<State>, age: Arc<Age>) {
    let mut failures = 0;
    let mut told = String::new();
    loop {
        let started = Instant::now();
        let read = match timeout(PATIENCE, read(&client)).await {
            Ok(read) => read,
            Err(_) => Err(KeysError::TimedOut),
        };
        let succeeded = read.is_ok();
        let next = match read {
            Ok((keys, kept)) => {
                (failures, told) = (0, String::new());
                age.reset();
                let count = keys.len();
                if verifier.renew(keys) {
                    tracing::info!(count, "the keys of ServiceAccount tokens are renewed");
                    save(state.as_ref(), &kept);
                }
                INTERVAL
            }
            Err(error) => {
                let error = error.to_string();
                if error != told {
                    tracing::warn!(%error, known = verifier.key_count(), "the keys of ServiceAccount tokens can't be read; those that are known go on");
                    told = error;
                }
                failures += 1;
                (RETRY.0 * 2u32.saturating_pow(failures - 1)).min(RETRY.1)
            }
        };
        verifier
            .attempts
            .send_replace(Some(Attempt { started, succeeded }));
        tokio::select! {
            () = sleep_until((started + next).into()) => {}
            () = verifier.wanted.notified() => sleep_until((started + GAP).into()).await,
        }
    }
}

async fn read(client: &Client) -> Result<(Keys, KeptKeys), KeysError> {
    #[derive(Deserialize)]
    struct Discovery {
        issuer: String,
    }
    let discovery = get(client, DISCOVERY).await?;
    let Discovery { issuer } =
        serde_json::from_str(&discovery).map_err(|_| KeysError::Discovery)?;
    let jwks = get(client, JWKS).await?;
    let keys = Keys::read(&issuer, jwks.as_bytes())?;
    let jwks = RawValue::from_string(jwks).map_err(|_| KeysError::Json)?;
    Ok((keys, KeptKeys { issuer, jwks }))
}

async fn get(client: &Client, path: &'static str) -> Result<String, KeysError> {
    let request = http::Request::get(path)
        .body(Vec::new())
        .map_err(|error| KeysError::Request(path, kube::Error::HttpError(error)))?;
    client
        .request_text(request)
        .await
        .map_err(|error| KeysError::Request(path, error))
}

fn save(state: Option<&State>, kept: &KeptKeys) {
    if let Some(state) = state
        && let Err(error) = state.save_keys(kept)
    {
        tracing::error!(%error, "the keys can't be kept in the state folder");
    }
}
