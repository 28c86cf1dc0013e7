//! [`eventually`](crate::wait::eventually) for a machine that also starts API servers.

use std::time::{Duration, Instant};

/// How long anything on a cluster may take that has no bound of its own.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Asks until there is an answer; gives it and how long that took.
///
/// ```no_run
/// # async fn example(world: &weir_tests::cluster::World) {
/// use weir_tests::cluster::eventually;
/// eventually("the gateway has gone", async || {
///     let leases = world.cluster().kubectl(&["get", "leases", "-n", "weir-config", "-o", "name"]).await;
///     leases.ok().is_empty().then_some(())
/// })
/// .await;
/// # }
/// ```
///
/// # Panics
/// There was none within [`PATIENCE`]; the message names `what`.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> (T, Duration) {
    eventually_else(what, async || ask().await.ok_or_else(String::new)).await
}

/// [`eventually`], and where it fails the message ends in the last reason why not.
///
/// # Panics
/// As there.
pub async fn eventually_else<T>(
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<T, String>,
) -> (T, Duration) {
    let started = Instant::now();
    loop {
        match ask().await {
            Ok(found) => return (found, started.elapsed()),
            Err(why) => assert!(
                started.elapsed() < PATIENCE,
                "waited {PATIENCE:?} in vain for this: {what}\n{why}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Asserts that something holds each time it is looked at during `time`.
///
/// For what must *not* happen: there is no event to wait for then. Take a time that is long beside
/// what would make it happen.
///
/// # Panics
/// It did not hold; `what` and the reason are in the message.
pub async fn throughout(
    time: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<(), String>,
) {
    let started = Instant::now();
    while started.elapsed() < time {
        if let Err(why) = ask().await {
            panic!(
                "after {:?} this did not hold: {what}\n{why}",
                started.elapsed()
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
