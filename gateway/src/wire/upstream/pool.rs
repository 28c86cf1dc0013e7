//! Connections that wait for a request. There is one pool for each worker, so its lock is never
//! waited for.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{UpstreamLimits, h1, h2};

/// How often idle connections are looked through for old and closed ones.
const SWEEP: Duration = Duration::from_secs(5);

/// The connections of one worker.
#[derive(Debug)]
pub(super) struct Pool {
    limits: UpstreamLimits,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    targets: HashMap<u64, Connections>,
    sweeping: bool,
}

/// The connections to one target.
#[derive(Debug, Default)]
struct Connections {
    /// Idle ones, the last used last: that one is taken first, so that the others can grow old.
    #[expect(
        clippy::vec_box,
        reason = "a connection moves by its pointer, in and out of the pool"
    )]
    http1: Vec<Box<h1::Connection>>,
    /// All that are open.
    http2: Vec<h2::Connection>,
}

/// A connection to send one request over.
#[derive(Debug)]
pub(super) enum Lease {
    Http1(Box<h1::Connection>),
    Http2(h2::Lease),
}

impl Pool {
    pub(super) fn new(limits: UpstreamLimits) -> Self {
        Self {
            limits,
            kept: Mutex::default(),
        }
    }

    pub(super) fn limits(&self) -> &UpstreamLimits {
        &self.limits
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that is fit for a request now.
    pub(super) fn take(&self, key: u64) -> Option<Lease> {
        let mut kept = self.lock();
        let connections = kept.targets.get_mut(&key)?;
        let now = Instant::now();
        while let Some(connection) = connections.http1.pop() {
            let age = now.saturating_duration_since(connection.idle_since);
            if age < self.limits.idle_timeout && connection.is_fresh() {
                return Some(Lease::Http1(connection));
            }
        }
        connections.http2.retain(h2::Connection::is_open);
        let least = connections
            .http2
            .iter_mut()
            .min_by_key(|connection| connection.streams())?;
        (least.streams() < self.limits.max_streams).then(|| Lease::Http2(least.lease(now)))
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(super) fn put(self: &Arc<Self>, key: u64, mut connection: Box<h1::Connection>) {
        connection.idle_since = Instant::now();
        connection.input = bytes::BytesMut::new();
        let mut kept = self.lock();
        let idle = &mut kept.targets.entry(key).or_default().http1;
        if idle.len() < self.limits.max_idle {
            idle.push(connection);
        }
        self.sweep_from_now_on(&mut kept);
    }

    /// Makes a connection that many requests can share known to them, and takes a first lease.
    pub(super) fn share(self: &Arc<Self>, key: u64, mut connection: h2::Connection) -> h2::Lease {
        let lease = connection.lease(Instant::now());
        let mut kept = self.lock();
        kept.targets.entry(key).or_default().http2.push(connection);
        self.sweep_from_now_on(&mut kept);
        lease
    }

    pub(super) fn idle(&self) -> usize {
        let kept = self.lock();
        let idle = |of: &Connections| {
            of.http1.len()
                + of.http2
                    .iter()
                    .filter(|connection| connection.streams() == 0)
                    .count()
        };
        kept.targets.values().map(idle).sum()
    }

    /// Sweeps as long as there is something to sweep.
    fn sweep_from_now_on(self: &Arc<Self>, kept: &mut Kept) {
        if std::mem::replace(&mut kept.sweeping, true) {
            return;
        }
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let Some(pool) = pool.upgrade() else { return };
                if !pool.sweep() {
                    return;
                }
            }
        });
    }

    /// Drops what is old or closed; whether anything is left.
    fn sweep(&self) -> bool {
        let now = Instant::now();
        let idle_timeout = self.limits.idle_timeout;
        let mut kept = self.lock();
        kept.targets.retain(|_, connections| {
            connections.http1.retain(|connection| {
                let age = now.saturating_duration_since(connection.idle_since);
                age < idle_timeout && connection.is_fresh()
            });
            connections.http2.retain(|connection| {
                connection.is_open() && !connection.is_idle_since(now, idle_timeout)
            });
            !connections.http1.is_empty() || !connections.http2.is_empty()
        });
        kept.sweeping = !kept.targets.is_empty();
        kept.sweeping
    }
}
