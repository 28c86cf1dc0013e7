//! Who calls by the token of a ServiceAccount, as a pod has it projected: verified here, with the keys that the
//! cluster publishes, so that no request waits for the API server.
//!
//! [`Verifier`] holds the keys, which a [`keeper`] renews; [`Tokens`] is one worker's memory of what was verified.
//! Whether the account still lives is none of their business: the configuration says that, at every request.

pub mod keeper;
mod keys;
mod seen;
mod token;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};
use tokio::time::timeout_at;

use crate::metrics::Shard;
use crate::room::Room;
use seen::Seen;

pub use keys::{Keys, NoKeys};
pub use token::Account;

/// How far the clocks of the cluster and of this machine may lie apart, for `exp` and `nbf`.
pub const LEEWAY: Duration = Duration::from_secs(10);
/// How long a request with a key that is not known waits for the cluster's keys to be read anew.
const WAIT: Duration = Duration::from_secs(2);
/// How many requests wait for that at once. Whoever has no good token may not fill the gateway with those that wait.
const WAITERS: usize = 256;
/// Whatever is longer is no token of a ServiceAccount; they have about 1 KiB.
const MAX_TOKEN_BYTES: usize = 16 << 10;

/// Why a token is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It was good once.
    Expired,
    /// It is not good yet.
    NotYet,
    /// It is no JWT as the cluster makes them.
    Malformed,
    /// The cluster has no such key, as far as it says.
    UnknownKey,
    /// Its key did not sign it.
    Signature,
    /// Another cluster made it.
    Issuer,
    /// It is meant for somebody else.
    Audience {
        /// Whom it has to be meant for.
        right: Arc<str>,
    },
    /// It is not of a ServiceAccount.
    NoAccount,
    /// No such account lives, as far as the configuration says.
    UnknownAccount,
    /// The cluster's keys can't be read now.
    Unavailable,
    /// This gateway serves a folder; it knows no cluster.
    NoCluster,
}

impl Fault {
    /// What the metrics call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NotYet => "not_yet_valid",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "wrong_signature",
            Self::Issuer => "wrong_issuer",
            Self::Audience { .. } => "wrong_audience",
            Self::NoAccount => "no_service_account",
            Self::UnknownAccount => "unknown_service_account",
            Self::Unavailable => "keys_unavailable",
            Self::NoCluster => "no_cluster",
        }
    }
}

/// How an attempt to read the cluster's keys went.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    started: Instant,
    succeeded: bool,
}

/// The cluster's keys, and the way to ask for newer ones.
#[derive(Debug)]
pub struct Verifier {
    keys: ArcSwap<Keys>,
    audience: Arc<str>,
    wanted: Notify,
    attempts: watch::Sender<Option<Attempt>>,
    waiters: Arc<Room>,
}

impl Verifier {
    /// A verifier of tokens for this audience, with the keys that were kept, if any.
    pub fn new(audience: &str, kept: Option<Keys>) -> Self {
        Self {
            keys: ArcSwap::from_pointee(kept.unwrap_or_default()),
            audience: audience.into(),
            wanted: Notify::new(),
            attempts: watch::Sender::new(None),
            waiters: Room::new(WAITERS),
        }
    }

    /// Takes these keys in place of those there are; those that are not among them count no more. False where nothing
    /// changes.
    pub fn renew(&self, keys: Keys) -> bool {
        let same = self.keys.load().says_the_same(&keys);
        if !same {
            self.keys.store(Arc::new(keys));
        }
        !same
    }

    /// How many keys there are.
    pub fn key_count(&self) -> usize {
        self.keys.load().len()
    }

    fn verify(&self, keys: &Keys, token: &[u8]) -> Result<token::Verified, Fault> {
        token::verify(keys, &self.audience, token)
    }

    /// Waits until the keys were read anew, from now on; false if they could not be.
    async fn newer(&self) -> bool {
        let Some(_waiting) = self.waiters.take(1) else {
            return false;
        };
        let asked = Instant::now();
        let mut attempts = self.attempts.subscribe();
        self.wanted.notify_one();
        let after = |attempt: &Option<Attempt>| attempt.is_some_and(|one| one.started >= asked);
        match timeout_at((asked + WAIT).into(), attempts.wait_for(after)).await {
            Ok(Ok(attempt)) => attempt.is_some_and(|attempt| attempt.succeeded),
            _ => false,
        }
    }
}

/// What one worker knows of tokens.
#[derive(Debug)]
pub struct Tokens {
    verifier: Option<Arc<Verifier>>,
    /// Nobody else takes this lock but the requests of one worker.
    seen: Mutex<Seen>,
    metrics: Arc<Shard>,
}

impl Tokens {
    /// Without a verifier there is no cluster whose tokens could be taken.
    pub fn new(verifier: Option<Arc<Verifier>>, metrics: Arc<Shard>) -> Self {
        Self {
            verifier,
            seen: Mutex::default(),
            metrics,
        }
    }

    /// The account whose token this is, by the word of the cluster's keys alone. `sha256` is that of the token.
    ///
    /// Waits only where the token names a key that is not known, and no more than two seconds.
    ///
    /// # Errors
    /// Says what is wrong with the token; nothing of it stands in that.
    pub async fn account(&self, sha256: &[u8; 32], token: &[u8]) -> Result<Arc<Account>, Fault> {
        let account = self.find(sha256, token).await;
        if let Err(fault) = &account {
            self.metrics.token(fault.name());
        }
        account
    }

    /// Counts a token that is good, but whose account does not live.
    pub fn unknown_account(&self) -> Fault {
        self.metrics.token(Fault::UnknownAccount.name());
        Fault::UnknownAccount
    }

    async fn find(&self, sha256: &[u8; 32], token: &[u8]) -> Result<Arc<Account>, Fault> {
        let verifier = self.verifier.as_ref().ok_or(Fault::NoCluster)?;
        let keys = verifier.keys.load_full();
        if let Some(account) = self.seen().get(sha256, &keys) {
            self.metrics.token("remembered");
            return Ok(account);
        }
        match verifier.verify(&keys, token) {
            Err(Fault::UnknownKey) => {}
            other => return self.remember(sha256, keys, other),
        }
        let read = verifier.newer().await;
        let keys = verifier.keys.load_full();
        match verifier.verify(&keys, token) {
            Err(Fault::UnknownKey) if !read => Err(Fault::Unavailable),
            other => self.remember(sha256, keys, other),
        }
    }

    fn remember(
        &self,
        sha256: &[u8; 32],
        keys: Arc<Keys>,
        verified: Result<token::Verified, Fault>,
    ) -> Result<Arc<Account>, Fault> {
        let verified = verified?;
        self.metrics.token("verified");
        let account = Arc::clone(&verified.account);
        self.seen().put(*sha256, verified, keys);
        Ok(account)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this looks like a JWT: three parts in base64url, the first of which begins with `{"`.
#[must_use]
pub fn looks_like_token(text: &[u8]) -> bool {
    text.starts_with(b"ey")
        && text.iter().filter(|byte| **byte == b'.').count() == 2
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

#[cfg(test)]
mod tests;
