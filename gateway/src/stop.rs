//! When the process ends what is under way, so that streams can say so in their last event, and what is
//! cut can be told from what its caller left.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long before the cut a stream ends itself, at most.
const MARGIN: Duration = Duration::from_millis(250);

/// Set once, when the process is told to stop. Read on the path of every chunk: two atomics, no lock.
#[derive(Debug)]
pub struct Stop {
    made: Instant,
    /// Nanoseconds since `made`; 0 until the process is told to stop.
    last_call: AtomicU64,
    cutting: AtomicBool,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            made: Instant::now(),
            last_call: AtomicU64::new(0),
            cutting: AtomicBool::new(false),
        }
    }
}

impl Stop {
    /// What is under way is cut after this time. Streams that have anything to do until then end
    /// themselves shortly before.
    pub fn within(&self, time: Duration) {
        let last_call = self.made.elapsed() + time.saturating_sub(MARGIN.min(time / 4));
        let nanos = u64::try_from(last_call.as_nanos()).unwrap_or(u64::MAX);
        self.last_call.store(nanos.max(1), Ordering::Release);
    }

    /// When streams have to end themselves, if they have to.
    pub fn last_call(&self) -> Option<Instant> {
        match self.last_call.load(Ordering::Acquire) {
            0 => None,
            nanos => self.made.checked_add(Duration::from_nanos(nanos)),
        }
    }

    /// From now on requests are cut.
    pub fn cut(&self) {
        self.cutting.store(true, Ordering::Release);
    }

    /// Whether requests are being cut.
    pub fn is_cutting(&self) -> bool {
        self.cutting.load(Ordering::Acquire)
    }
}
