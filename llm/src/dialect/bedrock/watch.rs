//! A stream that passes, looked at.

use super::usage;
use crate::codec::{Seen, Watch};
use crate::frame::{Framing, frames};
use crate::json::Value;

/// See [`Watch`]. Only the last of the events is read, the one with the usage.
#[derive(Debug, Default)]
pub(super) struct Looker {
    seen: Seen,
    /// One of the events can't be read, so none behind it is.
    broken: bool,
}

impl Watch for Looker {
    fn run(&mut self, events: &[u8]) {
        if self.broken {
            return;
        }
        for frame in frames(Framing::EventStream, events) {
            // What can't be read is the caller's to notice: the bytes pass.
            let Ok(frame) = frame else {
                self.broken = true;
                return;
            };
            if frame.exception {
                self.seen.failed = true;
                continue;
            }
            match frame.name.as_deref() {
                Some("contentBlockStart" | "contentBlockDelta") => self.seen.content = true,
                Some("messageStop") => self.seen.finished = true,
                Some("metadata") => {
                    self.seen.done = true;
                    let data = Value::from_bytes(&frame.data).unwrap_or_default();
                    let usage = data.get("usage").and_then(usage::read);
                    self.seen.usage = usage.or(self.seen.usage);
                }
                _ => {}
            }
        }
    }

    fn seen(&self) -> Seen {
        self.seen
    }
}
