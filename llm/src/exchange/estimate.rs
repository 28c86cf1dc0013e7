//! Usage that no provider told: counted on what went in and on the beginning of what came out.

use bytes::Bytes;

use super::Exchange;
use crate::chat::Event;
use crate::codec::Asked;
use crate::frame::{Cutter, Framing, frames};
use crate::json::Value;
use crate::tokens::{self, Sample};
use crate::{Format, Operation, Usage, dialect};

/// Bytes of an answer that are kept to be counted; what comes behind them is taken to be like them.
const KEPT: usize = 16 * 1024;

/// The beginning of an answer as the provider gave it, and how long all of it was.
#[derive(Clone, Debug)]
pub struct Passed {
    start: Vec<u8>,
    bytes: u64,
    most: usize,
}

impl Default for Passed {
    /// Of a stream: 16 KiB of it are kept.
    fn default() -> Self {
        Self {
            start: Vec::new(),
            bytes: 0,
            most: KEPT,
        }
    }
}

impl Passed {
    /// Of an answer that is kept whole, since a part of it could not be read.
    #[must_use]
    pub fn whole() -> Self {
        Self {
            most: usize::MAX,
            ..Self::default()
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        let room = self.most - self.start.len();
        if room > 0 {
            self.start
                .extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        self.bytes += chunk.len() as u64;
    }
}

/// A usage that is still to be counted, which takes a while: nothing else may wait for the thread.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// What the provider spoke.
    format: Format,
    model: String,
    /// What it was sent.
    request: Bytes,
    /// How its stream was cut; `None` for a plain answer.
    framing: Option<Framing>,
    passed: Passed,
    /// What it told before it was cut.
    said: Option<Usage>,
}

impl Exchange {
    /// The usage of an answer that told none, or that was cut, is to be counted; `None` for what has no text to
    /// count.
    #[must_use]
    pub fn estimate(
        &self,
        operation: Operation,
        model: &str,
        framing: Option<Framing>,
        passed: Passed,
        said: Option<Usage>,
    ) -> Option<Estimate> {
        matches!(operation, Operation::Chat | Operation::Completions).then(|| Estimate {
            format: self.provider_format(),
            model: model.to_owned(),
            request: self.body.clone(),
            framing,
            passed,
            said,
        })
    }
}

impl Estimate {
    /// Counts.
    #[must_use]
    pub fn count(&self) -> Usage {
        let (output, read) = self.output();
        let mut usage = tokens::usage(&self.model, self.said, &self.input(), &output);
        if read > 0 && read < self.passed.bytes {
            let told = self.said.map_or(0, |said| said.output);
            let whole = u128::from(usage.output) * u128::from(self.passed.bytes);
            let whole = u64::try_from(whole / u128::from(read)).unwrap_or(u64::MAX);
            usage.output = whole.max(told);
        }
        usage
    }

    /// A guess that takes no time: a quarter of the bytes that went in, and of a sixteenth of those that came, for most of
    /// a stream is not text.
    #[must_use]
    pub fn guess(&self) -> Usage {
        let said = self.said.unwrap_or_default();
        let part = if self.framing.is_some() { 64 } else { 8 };
        Usage {
            input: said.input.max(self.request.len() as u64 / 4),
            output: said.output.max(self.passed.bytes / part),
            estimated: true,
            ..said
        }
    }

    fn input(&self) -> Sample {
        let asked = Asked {
            model: &self.model,
            stream: self.framing.is_some(),
            include_usage: false,
            id: "",
            now: 0,
            body: None,
            framing: Framing::Sse,
        };
        let Ok(value) = Value::from_bytes(&self.request) else {
            return Sample::default();
        };
        let request = dialect::codec(self.format).read_request(&value, &asked);
        request.map_or_else(
            |_| Sample::default(),
            |request| Sample::of_request(&request),
        )
    }

    /// What was said in the part that was kept, and how many bytes of that could be read.
    fn output(&self) -> (Sample, u64) {
        let codec = dialect::codec(self.format);
        let Some(framing) = self.framing else {
            let answer = codec.read_answer(&self.passed.start);
            let sample = answer.map_or_else(|_| Sample::default(), |one| Sample::of_answer(&one));
            return (sample, self.passed.bytes);
        };
        let mut sample = Sample::default();
        let mut read = 0;
        let mut cutter = Cutter::new(framing);
        let mut decoder = codec.decoder();
        let mut events: Vec<Event> = Vec::new();
        let fed = cutter.feed(Bytes::copy_from_slice(&self.passed.start));
        for run in fed.into_iter().flatten() {
            read += run.len() as u64;
            for frame in frames(framing, &run).map_while(Result::ok) {
                if decoder.frame(&frame, &mut events).is_err() {
                    break;
                }
            }
        }
        events.iter().for_each(|event| sample.event(event));
        (sample, read)
    }
}
