//! What a format has to be able to do: it is read into the canonical form and written from it.

mod gaps;

use std::borrow::Cow;
use std::fmt;

use crate::chat::{Answer, Event, Problem, Request};
use crate::frame::{BadFrame, Frame, Framing};
use crate::json::{Object, Value};
use crate::splice::Splice;
use crate::{Dialect, Format, Preset, Usage};

pub use gaps::{Gaps, Keeps};

/// A wire format of chat, both ways. Stateless; what a stream has to remember is in its [`Decoder`] or [`Encoder`].
pub trait Codec: Sync {
    /// Which one it is.
    fn format(&self) -> Format;

    /// How its streams are cut into events.
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    /// How a caller of this format wants its stream cut, by the query that it called with.
    fn framing_asked(&self, _query: Option<&str>) -> Framing {
        self.framing()
    }

    /// Who keeps the files that bodies of this format name by an id: formats of one keeper share their ids.
    fn files_of(&self) -> Format {
        self.format()
    }

    /// Whether answers repeat parts of what was asked.
    fn repeats_request(&self) -> bool {
        false
    }

    /// Whether a stream tells its usage only where `stream_options` ask for it.
    fn tells_usage_if_asked(&self) -> bool {
        false
    }

    /// What a call in this format can cost at most.
    fn limits(&self) -> Limits;

    /// The field of a plain answer's top-level object that holds its usage.
    fn usage_key(&self) -> &'static str {
        "usage"
    }

    /// Reads a caller's body. Lenient: what the canonical form does not hold becomes an
    /// [`Extra`](crate::chat::Extra), never an error and never nothing.
    ///
    /// # Errors
    /// A 400 that names the field, for what can't be understood at all.
    fn read_request<'a>(&self, body: &Value<'a>, asked: &Asked<'_>)
    -> Result<Request<'a>, Problem>;

    /// Writes a body for a provider.
    ///
    /// # Errors
    /// A 400 that names the field of the *caller's* body that this format can't express, unless
    /// [`Gaps`] says that it is dropped.
    fn write_request<'r>(
        &self,
        request: &'r Request<'_>,
        target: &Target<'r>,
        gaps: &mut Gaps,
    ) -> Result<Object<'r>, Problem>;

    /// Reads a provider's plain answer.
    ///
    /// # Errors
    /// [`BadAnswer`] if it is none.
    fn read_answer(&self, body: &[u8]) -> Result<Answer, BadAnswer>;

    /// Writes a plain answer for a caller.
    fn write_answer(&self, answer: &Answer, asked: &Asked<'_>) -> Vec<u8>;

    /// Reads a provider's stream.
    fn decoder(&self) -> Box<dyn Decoder>;

    /// Writes a stream for a caller.
    fn encoder(&self, asked: &Asked<'_>) -> Box<dyn Encoder>;

    /// Looks on as a stream passes untouched.
    fn watch(&self) -> Box<dyn Watch>;

    /// The value of [`usage_key`](Self::usage_key); `None` if it holds no count.
    fn read_usage(&self, value: &[u8]) -> Option<Usage>;

    /// Reads a caller's body that asks how many tokens a request would take.
    ///
    /// # Errors
    /// As [`read_request`](Self::read_request).
    fn read_count_request<'a>(
        &self,
        body: &Value<'a>,
        asked: &Asked<'_>,
    ) -> Result<Request<'a>, Problem> {
        self.read_request(body, asked)
    }

    /// Makes of a body that asks for an answer one that asks for its count; `None` where the format knows no counts.
    fn count_request<'r>(&self, _body: Object<'r>, _target: &Target<'r>) -> Option<Object<'r>> {
        None
    }

    /// Reads a provider's count.
    fn read_count(&self, _body: &[u8]) -> Option<u64> {
        None
    }

    /// Writes a count for a caller.
    fn write_count(&self, tokens: u64) -> Vec<u8> {
        format!("{{\"input_tokens\":{tokens}}}").into_bytes()
    }

    /// Reads a provider's error, of whatever shape providers of this format send; `None` where the body says nothing
    /// that can be read.
    fn read_problem(&self, status: u16, body: &[u8]) -> Option<Problem>;

    /// The header in which a provider of this format names its errors, where their bodies do not.
    fn problem_header(&self) -> Option<&'static str> {
        None
    }

    /// Gives an error the name that stood in [`problem_header`](Self::problem_header).
    fn name_problem(&self, _name: &str, _problem: &mut Problem) {}

    /// What else of a passing body names the model, which the path names too: what it becomes with another model.
    fn name_model(&self, _body: &str, _model: &str) -> Vec<Splice> {
        Vec::new()
    }

    /// How many seconds a provider's error says that a caller shall wait, where its body says so; for a `Retry-After`
    /// where the provider sent none.
    fn retry_after(&self, _body: &[u8]) -> Option<u64> {
        None
    }

    /// Writes an error for a caller. The status is the problem's, or the nearest that the format knows.
    fn write_problem(&self, problem: &Problem, asked: &Asked<'_>) -> WrittenProblem;

    /// An event that ends a stream in an error; the caller's SDK raises on it.
    fn problem_event(&self, problem: &Problem) -> Vec<u8>;

    /// Whether a passing body holds the error shape of this very format, so that it need not be written anew.
    fn is_problem(&self, body: &[u8]) -> bool;
}

/// What bounds the tokens of a call in a format; each number has its source where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The tokens of an image at most.
    pub image: u64,
    /// The same of one that is looked at with `detail: low`.
    pub small_image: u64,
    /// The longest input, in tokens, that any model takes which is served in this format, of those that genai-prices
    /// 0.2.3 (2026-11-10) lists.
    pub window: u64,
    /// The smallest maximum of output tokens that is accepted.
    pub least_output: u64,
    /// That maximum has to be greater than the budget for reasoning.
    pub above_budget: bool,
    /// Reasoning may come on top of that maximum.
    pub thinks_beyond: bool,
}

/// A stream's events, to be read one after the other. Any sequence of frames is taken without a panic.
pub trait Decoder: Send {
    /// Takes an event of the stream and adds what it means.
    ///
    /// # Errors
    /// [`BadAnswer`] if it makes no sense; the stream can't be read any further.
    fn frame(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) -> Result<(), BadAnswer>;

    /// The stream ended as its transport says: closes what is open. Adds [`Event::End`] only if the answer was whole.
    fn finish(&mut self, events: &mut Vec<Event>);
}

/// A stream's events, to be written one after the other.
pub trait Encoder: Send {
    /// Adds the bytes of an event, whole events of the format alone. Must cope with events that its format has nothing
    /// for.
    fn event(&mut self, event: &Event, out: &mut Vec<u8>);
}

/// Looks on as a stream passes.
pub trait Watch: Send {
    /// Looks at one or more whole events.
    fn run(&mut self, events: &[u8]);

    /// What is known so far.
    fn seen(&self) -> Seen;
}

/// What is known of a stream that passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// A piece of the answer itself came.
    pub content: bool,
    /// A choice gave the reason why it ends.
    pub finished: bool,
    /// The format's own mark of the end came (`[DONE]`, `message_stop`, …).
    pub done: bool,
    /// An error came as an event.
    pub failed: bool,
    /// The last usage that was told.
    pub usage: Option<Usage>,
}

/// What a format may have to know of a call to write what comes back.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The model as the caller calls it.
    pub model: &'a str,
    /// The answer comes as a stream.
    pub stream: bool,
    /// The caller of OpenAI's chat asked for `stream_options.include_usage`.
    pub include_usage: bool,
    /// A name for what has none at the provider: lower-case letters and digits, no two calls have the same.
    pub id: &'a str,
    /// Now, in Unix seconds, for formats that want a time and providers that give none.
    pub now: i64,
    /// The caller's body, where there is one, for formats that repeat parts of it.
    pub body: Option<&'a Value<'a>>,
    /// How the caller wants its stream cut, where its format leaves the choice.
    pub framing: Framing,
}

/// For whom a body is written.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// What the provider speaks.
    pub dialect: Dialect,
    /// Which well-known provider it is.
    pub preset: Option<Preset>,
    /// The model as the provider calls it.
    pub model: &'a str,
}

/// An error as a caller gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenProblem {
    /// The status.
    pub status: u16,
    /// Headers that the format wants besides `content-type: application/json`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A provider's answer that is none of its format. Says what is wrong with it, and never quotes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAnswer {
    /// What.
    pub what: Cow<'static, str>,
}

impl BadAnswer {
    /// With this said of it.
    pub fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into() }
    }
}

impl fmt::Display for BadAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the provider's answer can't be read: {}", self.what)
    }
}

impl std::error::Error for BadAnswer {}

impl From<crate::json::BadJson> for BadAnswer {
    fn from(error: crate::json::BadJson) -> Self {
        Self::new(error.to_string())
    }
}

impl From<BadFrame> for BadAnswer {
    fn from(error: BadFrame) -> Self {
        Self::new(error.to_string())
    }
}
