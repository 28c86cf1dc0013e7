//! Whether the process cuts what is under way, so that this can be told from what its caller left.

use std::sync::atomic::{AtomicBool, Ordering};

/// Set once, when waiting for requests under way has an end.
#[derive(Debug, Default)]
pub struct Stop(AtomicBool);

impl Stop {
    /// From now on requests are cut.
    pub fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether requests are being cut.
    pub fn is_cutting(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
