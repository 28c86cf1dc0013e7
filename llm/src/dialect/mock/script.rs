//! An answer as a list of what to send and when.

use std::time::Duration;

use bytes::Bytes;

/// An answer to play: whoever plays it owns the clock and the socket.
///
/// The head goes out together with the first step that has bytes, after its delay. With no step
/// and [`End::Disconnect`] not even the head does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The HTTP status.
    pub status: u16,
    /// The value of `content-type`.
    pub content_type: &'static str,
    /// Further headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// What to send, in order.
    pub steps: Vec<Step>,
    /// How the answer ends after the last step.
    pub end: End,
}

/// Wait, then send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Waited first.
    pub delay: Duration,
    /// Sent next; may be empty.
    pub bytes: Bytes,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The body is complete.
    Clean,
    /// The connection is cut before the body is complete.
    Disconnect,
}

impl Script {
    /// Every byte of the body that is sent, in one piece.
    #[must_use]
    pub fn body(&self) -> Bytes {
        match self.steps.as_slice() {
            [only] => only.bytes.clone(),
            steps => steps
                .iter()
                .flat_map(|step| step.bytes.iter().copied())
                .collect(),
        }
    }
}
