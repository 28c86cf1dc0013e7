//! The access log: one JSON line a request on standard output.
//!
//! A worker appends its line to a buffer of its own and goes on; a thread of its own collects the
//! buffers and writes them out, at most every [`COLLECT`]. So a request never waits for the log,
//! and a reader that stalls costs records (counted) and never memory or time.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use weir_records::access::AccessRecord;

/// How long records may wait for company before they are written.
const COLLECT: Duration = Duration::from_millis(20);

/// Bytes of records that one worker may have waiting; what comes beyond is dropped and counted.
const WAITING: usize = 4 << 20;

/// The buffer of one worker.
#[derive(Debug)]
pub struct Writer {
    buffer: Mutex<Vec<u8>>,
    shared: Arc<Shared>,
    collector: Thread,
}

#[derive(Debug)]
struct Shared {
    dropped: AtomicU64,
    closing: AtomicBool,
    /// Set by the first record after a collection, so that only it pays for waking the collector.
    woken: AtomicBool,
}

/// The thread that writes the log; see [`AccessLog::close`].
#[derive(Debug)]
pub struct AccessLog {
    writers: Vec<Arc<Writer>>,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl AccessLog {
    /// Starts the log for `workers` workers, written to `out`.
    ///
    /// # Errors
    /// The operating system gave no thread.
    pub fn start(workers: usize, out: impl Write + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            dropped: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            woken: AtomicBool::new(false),
        });
        let (send, receive) = std::sync::mpsc::channel::<Vec<Arc<Writer>>>();
        let thread = thread::Builder::new().name("access-log".into()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                if let Ok(writers) = receive.recv() {
                    collect(&shared, &writers, out);
                }
            }
        })?;
        let writers: Vec<Arc<Writer>> = (0..workers)
            .map(|_| {
                Arc::new(Writer {
                    buffer: Mutex::new(Vec::new()),
                    shared: Arc::clone(&shared),
                    collector: thread.thread().clone(),
                })
            })
            .collect();
        // The thread waits for its writers; it can't be gone.
        let _ = send.send(writers.clone());
        Ok(Self {
            writers,
            shared,
            thread,
        })
    }

    /// The buffer of each worker.
    pub fn writers(&self) -> Vec<Arc<Writer>> {
        self.writers.clone()
    }

    /// Counts the records that were dropped because nobody read the log fast enough.
    pub fn dropped(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.dropped.load(Ordering::Relaxed)
    }

    /// Writes what is waiting and ends the thread; false if whoever reads the log did not take it
    /// within `patience`.
    #[must_use]
    pub fn close(self, patience: Duration) -> bool {
        self.shared.closing.store(true, Ordering::Release);
        self.thread.thread().unpark();
        let until = Instant::now() + patience;
        while !self.thread.is_finished() {
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }
}

impl Writer {
    /// Takes one record. Never blocks but on the collector's swap of two pointers.
    pub fn write(&self, record: &AccessRecord<'_>) {
        {
            let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
            if buffer.len() >= WAITING {
                self.shared.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
            record.write_line(&mut buffer);
        }
        if !self.shared.woken.swap(true, Ordering::AcqRel) {
            self.collector.unpark();
        }
    }
}

fn collect(shared: &Shared, writers: &[Arc<Writer>], mut out: impl Write) {
    let mut spare = Vec::new();
    loop {
        let closing = shared.closing.load(Ordering::Acquire);
        shared.woken.store(false, Ordering::Release);
        for writer in writers {
            {
                let mut buffer = writer.buffer.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::swap(&mut *buffer, &mut spare);
            }
            if out.write_all(&spare).is_err() {
                let lines = memchr::memchr_iter(b'\n', &spare).count() as u64;
                shared.dropped.fetch_add(lines, Ordering::Relaxed);
            }
            spare.clear();
        }
        // A reader that is gone shows in `write_all` already.
        let _ = out.flush();
        if closing {
            return;
        }
        if !shared.woken.load(Ordering::Acquire) {
            thread::park();
        }
        if !shared.closing.load(Ordering::Acquire) {
            thread::sleep(COLLECT);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// Whoever reads the log, and stalls until told to go on.
    struct Stalled(Receiver<()>);

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_end_does_not_wait_for_a_reader_that_stalls() {
        for reads in [true, false] {
            let (goes_on, stalled) = channel();
            let log = AccessLog::start(1, Stalled(stalled)).unwrap();
            log.writers[0].buffer.lock().unwrap().extend(b"{}\n");
            if reads {
                goes_on.send(()).unwrap();
            }
            assert_eq!(log.close(Duration::from_millis(500)), reads);
        }
    }
}
