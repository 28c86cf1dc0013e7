//! Looks on as a stream of chat completions, or of completions, passes.

use crate::codec::{Seen, Watch};
use crate::dialect::openai::findings::Findings;

/// See [`Watch`].
#[derive(Debug, Default)]
pub(crate) struct ChatWatch {
    findings: Findings,
}

impl Watch for ChatWatch {
    fn run(&mut self, events: &[u8]) {
        self.findings.inspect(events);
    }

    fn seen(&self) -> Seen {
        Seen {
            content: self.findings.content,
            finished: self.findings.finished,
            done: self.findings.done,
            failed: self.findings.failed,
            usage: self.findings.usage,
        }
    }
}
