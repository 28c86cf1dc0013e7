//! Keeps a credential that expires at hand: fetches it at once, and again before it expires.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use weir_llm::scrub::Scrubber;

use super::http::Client;
use super::source::{FetchError, Fetched, Material, Source};
use super::{Environment, Unauthorised};
use crate::rng::Rng;
use crate::wire::DenyList;

/// How long requests wait for a credential, from when there was none.
const WAIT: Duration = Duration::from_secs(5);
/// How long one attempt may take: it is up to three calls.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long after a failure it is tried again: this at first, twice as long each time, up to the most.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How long before it expires a credential is renewed, at least; half of its life where that is shorter.
const MARGIN: Duration = Duration::from_secs(300);
/// How long a credential is left as it is, at least, however soon it expires.
const LEAST: Duration = Duration::from_millis(500);

/// The keepers of this process, one for each credential.
#[derive(Debug)]
pub struct Keepers {
    runtime: Handle,
    client: Arc<Client>,
    environment: Arc<Environment>,
    kept: Mutex<HashMap<Source, Weak<Keeper>>>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What renews one credential. The last one that drops it ends its task.
#[derive(Debug)]
pub(super) struct Keeper {
    state: Arc<State>,
    task: AbortHandle,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the task and the requests share.
struct State {
    made: Instant,
    current: ArcSwapOption<Current>,
    scrubber: ArcSwap<Scrubber>,
    /// How often `current` was replaced.
    renewals: watch::Sender<u64>,
    failures: AtomicU64,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("renewals", &*self.renewals.borrow())
            .finish_non_exhaustive()
    }
}

/// A credential.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) material: Material,
    until: Instant,
}

/// How it stands with a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Whole seconds until it expires; 0 where there is none.
    pub seconds_left: u64,
    /// How often it was renewed.
    pub renewals: u64,
    /// How often that failed.
    pub failures: u64,
}

impl Keepers {
    /// Keepers that run on this runtime. Addresses that teams choose are checked against `deny`.
    #[must_use]
    pub fn new(runtime: Handle, deny: Arc<DenyList>, environment: Environment) -> Self {
        Self {
            runtime,
            client: Arc::new(Client::new(deny)),
            environment: Arc::new(environment),
            kept: Mutex::default(),
        }
    }

    /// The keeper of this credential: the one that there is, or a new one, which fetches it at once.
    pub(super) fn keeper(&self, source: Source) -> Arc<Keeper> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, keeper| keeper.strong_count() > 0);
        if let Some(keeper) = kept.get(&source).and_then(Weak::upgrade) {
            return keeper;
        }
        let state = Arc::new(State::new());
        let (client, environment) = (Arc::clone(&self.client), Arc::clone(&self.environment));
        let task = {
            let (state, source) = (Arc::clone(&state), source.clone());
            async move {
                let fetch = || source.fetch(&client, &environment);
                keep(&state, source.name(), fetch).await;
            }
        };
        let keeper = Arc::new(Keeper {
            state,
            task: self.runtime.spawn(task).abort_handle(),
        });
        kept.insert(source, Arc::downgrade(&keeper));
        keeper
    }
}

impl Keeper {
    /// What requests are authorised with now.
    ///
    /// # Errors
    /// There is nothing that has not expired, and there was nothing for [`WAIT`].
    pub(super) async fn current(&self) -> Result<Arc<Current>, Unauthorised> {
        if let Some(current) = self.state.usable() {
            return Ok(current);
        }
        let mut renewals = self.state.renewals.subscribe();
        let until = self.state.without_since() + WAIT;
        let renewed = renewals.wait_for(|_| self.state.usable().is_some());
        let _ = timeout_at(until, renewed).await;
        self.state.usable().ok_or(Unauthorised::Unavailable)
    }

    pub(super) fn scrubber(&self) -> Arc<Scrubber> {
        self.state.scrubber.load_full()
    }

    pub(super) fn status(&self) -> Status {
        let left = |current: &Arc<Current>| current.until.duration_since(Instant::now());
        let current = self.state.current.load();
        Status {
            seconds_left: current
                .as_ref()
                .map_or(0, |current| left(current).as_secs()),
            renewals: *self.state.renewals.borrow(),
            failures: self.state.failures.load(Ordering::Relaxed),
        }
    }
}

impl State {
    fn new() -> Self {
        Self {
            made: Instant::now(),
            current: ArcSwapOption::empty(),
            scrubber: ArcSwap::default(),
            renewals: watch::Sender::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// What has not expired.
    fn usable(&self) -> Option<Arc<Current>> {
        let current = self.current.load();
        let usable = |current: &&Arc<Current>| Instant::now() < current.until;
        current.as_ref().filter(usable).map(Arc::clone)
    }

    /// Since when there has been nothing usable, where there is nothing.
    fn without_since(&self) -> Instant {
        let current = self.current.load();
        current.as_ref().map_or(self.made, |current| current.until)
    }
}

/// Fetches and renews until it is dropped. A failure leaves what there is, which serves until it expires.
async fn keep<F>(state: &State, name: &str, fetch: impl Fn() -> F)
where
    F: Future<Output = Result<Fetched, FetchError>>,
{
    let rng = Rng::new();
    let mut failures = 0;
    let mut told = String::new();
    let mut secrets = Vec::new();
    loop {
        let began = Instant::now();
        let next = match timeout(PATIENCE, fetch()).await {
            Ok(Ok(fetched)) => {
                (failures, told) = (0, String::new());
                // An answer to what was sent with the old one may still be under way.
                state.scrubber.store(Arc::new(fetched.scrubber(&secrets)));
                secrets = fetched.secrets;
                let lifetime = fetched.lifetime;
                state.current.store(Some(Arc::new(Current {
                    material: fetched.material,
                    until: began + lifetime,
                })));
                state.renewals.send_modify(|count| *count += 1);
                tracing::debug!(credential = name, ?lifetime, "a credential is renewed");
                renew_in(lifetime)
            }
            failed => {
                let error = match failed {
                    Ok(Err(error)) => error.to_string(),
                    _ => "it takes too long".into(),
                };
                if error != told {
                    tracing::warn!(credential = name, %error, "a provider's credential can't be fetched; one that has not expired serves on");
                    told = error;
                }
                failures += 1;
                state.failures.fetch_add(1, Ordering::Relaxed);
                (RETRY.0 * 2u32.saturating_pow(failures - 1)).min(RETRY.1)
            }
        };
        // The pods of a deployment begin together; they need not go on so.
        sleep(next.mul_f64(0.9 + rng.fraction() / 10.0)).await;
    }
}

/// When to renew what lives so long: after three quarters of it, and no later than [`MARGIN`] before its end, or else
/// after half of it.
fn renew_in(lifetime: Duration) -> Duration {
    let ahead = (lifetime / 4).max(MARGIN.min(lifetime / 2));
    (lifetime - ahead).max(LEAST)
}

#[cfg(test)]
mod tests;
