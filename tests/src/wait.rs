//! Waiting for a condition: often enough to be quick, long enough for a machine that is busy.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long anything that has no bound of its own may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks until there is an answer; gives it and how long that took.
///
/// # Panics
/// There was none within [`PATIENCE`]; the message names `what`.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> (T, Duration) {
    let started = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return (found, started.elapsed());
        }
        assert!(
            started.elapsed() < PATIENCE,
            "waited {PATIENCE:?} in vain for this: {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for a future, but not for ever.
///
/// # Panics
/// It took longer than `most`; the message names `what`.
pub async fn within<T>(most: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(most, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited {most:?} in vain for this: {what}"),
    }
}

/// [`within`] the usual patience.
///
/// # Panics
/// As there.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    within(PATIENCE, what, future).await
}
