//! The body of a request to a provider: all there, or read from the caller while it is sent.
use bytes::Bytes;

use crate::wire::body::RequestBody;

/// The body of a request to a provider.
#[derive(Debug)]
pub enum RequestPayload {
    /// All of it.
    Full(Bytes),
    /// What was read of a caller's body, changed or not, and the rest of that body, which is read no
    /// faster than the provider takes it. It goes out with a `content-length` where the caller
    /// declared one, else in chunks (HTTP/1.1) or without one (HTTP/2).
    Stream {
        /// What goes first.
        head: Bytes,
        /// What the caller is still to send.
        rest: RequestBody,
    },
}

impl RequestPayload {
    /// The bytes `head`, and behind them what the caller is still to send: whole where that is known
    /// to be nothing.
    #[must_use]
    pub fn stream(head: Bytes, rest: RequestBody) -> Self {
        if rest.remaining() == Some(0) {
            Self::Full(head)
        } else {
            Self::Stream { head, rest }
        }
    }

    /// Its length in bytes, where that is known before its end.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Full(bytes) => Some(bytes.len() as u64),
            Self::Stream { head, rest } => rest
                .remaining()
                .and_then(|rest| rest.checked_add(head.len() as u64)),
        }
    }

    /// Whether it is known to be empty.
    pub(super) fn is_empty(&self) -> bool {
        self.length() == Some(0)
    }

    /// What is here of it.
    pub(super) fn head(&self) -> &Bytes {
        match self {
            Self::Full(bytes) => bytes,
            Self::Stream { head, .. } => head,
        }
    }

    /// Takes the caller's part out, if there is one, to be put back by [`RequestPayload::restore`] if
    /// nothing was read of it.
    pub(super) fn take_rest(&mut self) -> Option<RequestBody> {
        match self {
            Self::Full(_) => None,
            Self::Stream { rest, .. } => Some(std::mem::take(rest)),
        }
    }

    /// Undoes [`RequestPayload::take_rest`].
    pub(super) fn restore(&mut self, unread: RequestBody) {
        if let Self::Stream { rest, .. } = self {
            *rest = unread;
        }
    }
}

impl Default for RequestPayload {
    /// No body.
    fn default() -> Self {
        Self::Full(Bytes::new())
    }
}

impl From<Bytes> for RequestPayload {
    fn from(bytes: Bytes) -> Self {
        Self::Full(bytes)
    }
}
