//! Calls that are told at the same time, by turns: each has an index, and more of one may come after another began
//! (<https://platform.openai.com/docs/api-reference/chat-streaming/streaming#chat_streaming-streaming-choices-delta-tool_calls>).
//! The first is told as it comes, the others once those before them are whole.

use crate::chat::Signature;

/// How many bytes of arguments are kept of calls that wait.
pub(super) const MAX_WAITING: usize = 8 << 20;

/// How many calls wait at most: OpenAI takes no more tools than these.
pub(super) const MAX_CALLS: usize = 128;

/// A call that began while another's arguments were not whole.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) index: u64,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) signature: Option<Signature<'static>>,
    pub(super) arguments: String,
}

/// How far the arguments of a call are: a JSON object is whole with its last brace.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    depth: u32,
    begun: bool,
    string: bool,
    escaped: bool,
    /// They are no object: nothing is known of their end.
    other: bool,
}

impl Progress {
    pub(super) fn feed(&mut self, more: &str) {
        for byte in more.bytes() {
            if self.escaped {
                self.escaped = false;
                continue;
            }
            match byte {
                b'\\' if self.string => self.escaped = true,
                b'"' if self.begun => self.string = !self.string,
                _ if self.string => {}
                b'{' => {
                    self.begun = true;
                    self.depth += 1;
                }
                b'}' => self.depth = self.depth.saturating_sub(1),
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ if !self.begun => self.other = true,
                _ => {}
            }
        }
    }

    /// Whether more is to come.
    pub(super) fn may_go_on(&self) -> bool {
        !self.other && (!self.begun || self.depth > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_whole_with_their_last_brace() {
        for (pieces, goes_on) in [
            (&[""] as &[&str], true),
            (&["{\"a\":", "{\"b\": \"}\\", "\"}\"}"], true),
            (&["{\"a\":", "{\"b\": \"}\\", "\"}\"}", " } "], false),
            (&[" {}"], false),
            (&["*** Begin {"], false),
        ] {
            let mut progress = Progress::default();
            for piece in pieces {
                progress.feed(piece);
            }
            assert_eq!(progress.may_go_on(), goes_on, "{pieces:?}");
        }
    }
}
