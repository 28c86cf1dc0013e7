//! Ports that are free, and stay so while what listens there is down: they lie below those that the
//! system gives to outgoing connections, one of which could otherwise take the port of a server that
//! is about to come back.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

const FIRST: u32 = 12_000;
const COUNT: u32 = 18_000;

/// One that nothing listens at, and that this process has not given out before.
///
/// # Panics
/// There is none.
#[must_use]
pub fn free() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Test processes that run side by side begin far apart.
    let start = std::process::id().wrapping_mul(7_919);
    for _ in 0..COUNT {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + start.wrapping_add(next) % COUNT).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
