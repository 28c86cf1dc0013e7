//! Usage that no provider told is counted by a thread of its own, so that no request waits for it.

use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use weir_llm::exchange::Estimate;

use crate::pipeline::Record;

/// How many may wait to be counted; the usage of what comes beyond is guessed.
const WAITING: usize = 1024;

/// Where what is to be counted goes.
#[derive(Debug)]
pub struct Estimates {
    send: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Job {
    estimate: Estimate,
    record: Record,
}

impl Estimates {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system gave none.
    pub fn start() -> std::io::Result<Self> {
        let (send, receive) = sync_channel::<Job>(WAITING);
        let thread = thread::Builder::new()
            .name("estimates".into())
            .spawn(move || {
                for job in receive {
                    let usage = job.estimate.count();
                    job.record.settle_with(usage);
                }
            })?;
        Ok(Self {
            send: Mutex::new(Some(send)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Has a usage counted, and the request's record settled with it.
    pub(crate) fn count(&self, estimate: Estimate, record: Record) {
        let job = Job { estimate, record };
        let send = self
            .send
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let refused = match send {
            None => job,
            Some(send) => match send.try_send(job) {
                Ok(()) => return,
                Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => job,
            },
        };
        refused.record.settle_with(refused.estimate.guess());
    }

    /// Counts what is waiting, and ends the thread.
    pub fn close(&self) {
        drop(
            self.send
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // It can't have panicked: what it counts with panics on nothing.
            let _ = thread.join();
        }
    }
}
