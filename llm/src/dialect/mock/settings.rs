//! How a mock provider behaves, as the snapshot holds it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::millis;

/// How a mock provider behaves. [`Settings::default`] answers at once, without faults.
///
/// In JSON durations are whole milliseconds, and what is left out takes its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Waited before the first byte of every answer.
    #[serde(rename = "latencyMs", with = "millis")]
    pub latency: Duration,
    /// How many pieces a streamed text comes in, 1..=[`Settings::MAX_CHUNKS`].
    pub chunks: u32,
    /// Waited between two events of a stream.
    #[serde(rename = "chunkIntervalMs", with = "millis")]
    pub chunk_interval: Duration,
    /// Token counts to report in place of those derived from the request.
    pub tokens: Tokens,
    /// The text to answer with; by default a sentence that names the model.
    pub text: Option<String>,
    /// What goes wrong, and how often. The first entry that is due counts.
    pub faults: Vec<Fault>,
}

/// Token counts that a mock provider reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Tokens {
    /// Reported as input; by default a quarter of the bytes of text, rounded up.
    pub input: Option<u64>,
    /// Reported as output; by default counted on the text of the answer in the same way.
    pub output: Option<u64>,
}

/// A fault and its period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// Strikes each request whose number is a multiple of this; 1 strikes always, 0 never.
    pub every: u32,
    /// What happens to the request.
    pub kind: FaultKind,
}

/// What a fault does to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum FaultKind {
    /// It is answered with an error.
    Status {
        /// The HTTP status, 400..=599.
        code: u16,
        /// Sent as `retry-after`, in whole seconds rounded up.
        #[serde(
            rename = "retryAfterMs",
            with = "millis::option",
            skip_serializing_if = "Option::is_none",
            default
        )]
        retry_after: Option<Duration>,
    },
    /// The connection is cut.
    Disconnect(Disconnect),
    /// The answer halts midway for this long, and then goes on.
    #[serde(rename = "stallMs", with = "millis")]
    Stall(Duration),
}

/// When a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Disconnect {
    /// No byte of the answer comes, not even its status.
    BeforeAnswer,
    /// About half of the answer comes: of a stream half of its events and a part of the next,
    /// of a plain answer half of its bytes.
    MidStream,
}

impl Settings {
    /// The most pieces that a streamed text may come in.
    pub const MAX_CHUNKS: u32 = 10_000;
    /// The pieces that a streamed text comes in by default.
    pub const DEFAULT_CHUNKS: u32 = 8;

    /// The fault that strikes the request of this number; the first request is number 1.
    #[must_use]
    pub fn fault(&self, sequence: u64) -> Option<FaultKind> {
        self.faults
            .iter()
            .find(|fault| fault.every > 0 && sequence.is_multiple_of(u64::from(fault.every)))
            .map(|fault| fault.kind)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            chunks: Self::DEFAULT_CHUNKS,
            chunk_interval: Duration::ZERO,
            tokens: Tokens::default(),
            text: None,
            faults: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(every: u32, kind: FaultKind) -> Fault {
        Fault { every, kind }
    }

    #[test]
    fn settings_survive_json() {
        let settings = Settings {
            latency: Duration::from_millis(120),
            chunks: 3,
            chunk_interval: Duration::from_millis(7),
            tokens: Tokens {
                input: Some(10),
                output: None,
            },
            text: Some("hi".to_owned()),
            faults: vec![
                every(
                    3,
                    FaultKind::Status {
                        code: 429,
                        retry_after: Some(Duration::from_secs(2)),
                    },
                ),
                every(
                    4,
                    FaultKind::Status {
                        code: 500,
                        retry_after: None,
                    },
                ),
                every(5, FaultKind::Disconnect(Disconnect::MidStream)),
                every(7, FaultKind::Stall(Duration::from_secs(1))),
            ],
        };
        let json = r#"{"latencyMs":120,"chunks":3,"chunkIntervalMs":7,"tokens":{"input":10,"output":null},"text":"hi","faults":[{"every":3,"kind":{"status":{"code":429,"retryAfterMs":2000}}},{"every":4,"kind":{"status":{"code":500}}},{"every":5,"kind":{"disconnect":"MidStream"}},{"every":7,"kind":{"stallMs":1000}}]}"#;
        assert_eq!(serde_json::to_string(&settings).unwrap(), json);
        assert_eq!(serde_json::from_str::<Settings>(json).unwrap(), settings);
    }

    #[test]
    fn what_is_left_out_takes_its_default() {
        let settings: Settings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.chunks, 8);
    }

    #[test]
    fn the_first_fault_that_is_due_strikes() {
        let stall = FaultKind::Stall(Duration::from_secs(1));
        let cut = FaultKind::Disconnect(Disconnect::BeforeAnswer);
        let settings = Settings {
            faults: vec![every(0, stall), every(2, cut), every(3, stall)],
            ..Settings::default()
        };
        let struck: Vec<_> = (1..=6).map(|n| settings.fault(n)).collect();
        let expected = [None, Some(cut), Some(stall), Some(cut), None, Some(cut)];
        assert_eq!(struck, expected);
    }
}
