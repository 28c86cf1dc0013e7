//! A provider's answer, whole or in pieces, as events.

use super::super::names::{field, number, text};
use super::super::partial::Partial;
use super::super::{cite, finish, logprobs, problem, ruler::Ruler, sign, time, usage};
use crate::chat::{Citation, Delta, Event, Finish, MediaKind, PartStart, Signature};
use crate::codec::{BadAnswer, Decoder};
use crate::frame::Frame;
use crate::json::Value;
use crate::{Format, Usage};

/// How many choices are told apart.
const MOST_CHOICES: usize = 128;

/// Reads a stream, or a plain answer as a stream of one event.
///
/// The reason why a choice ends is held back to the end of the stream: some models give one with every event.
#[derive(Debug, Default)]
pub(in crate::dialect::gemini) struct Decode {
    started: bool,
    failed: bool,
    /// The prompt was blocked; no choice comes.
    blocked: bool,
    /// And why, in words.
    why: Option<String>,
    choices: Vec<Choice>,
    usage: Option<Usage>,
    /// The provider's name of the answer, as far as it goes into the ids of calls.
    id: String,
}

#[derive(Debug, Default)]
struct Choice {
    index: u32,
    open: Option<Open>,
    parts: u32,
    texts: u32,
    calls: u32,
    /// A signature that goes with the text, as reasoning of its own.
    pending: Option<Signature<'static>>,
    finish: Option<String>,
    /// A call whose arguments come in pieces.
    partial: Option<Partial>,
    /// Measures the first text.
    ruler: Ruler,
    cited: Vec<Citation<'static>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Reasoning,
}

impl Decoder for Decode {
    fn frame(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) -> Result<(), BadAnswer> {
        if self.failed {
            return Ok(());
        }
        let value = Value::from_bytes(&frame.data)?;
        self.response(&value, events)
    }

    fn finish(&mut self, events: &mut Vec<Event>) {
        if self.failed {
            return;
        }
        let mut whole = self.started && (self.blocked || !self.choices.is_empty());
        for choice in &mut self.choices {
            choice.whole(events);
            choice.close(events);
            match &choice.finish {
                Some(reason) => events.push(Event::Finish {
                    choice: choice.index,
                    finish: finish::read(reason, choice.calls > 0),
                }),
                None => whole = false,
            }
        }
        if self.blocked && self.choices.is_empty() {
            if let Some(why) = self.why.take() {
                let (choice, part) = (0, 0);
                let start = PartStart::Refusal;
                events.push(Event::PartStart {
                    choice,
                    part,
                    start,
                });
                let delta = Delta::Text(why);
                events.push(Event::Delta {
                    choice,
                    part,
                    delta,
                });
                events.push(Event::PartEnd { choice, part });
            }
            events.push(Event::Finish {
                choice: 0,
                finish: Finish::ContentFilter,
            });
        }
        if whole {
            events.push(Event::End);
        }
        self.failed = true;
    }
}

impl Decode {
    /// One `GenerateContentResponse`.
    pub(in crate::dialect::gemini) fn response(
        &mut self,
        value: &Value<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), BadAnswer> {
        if value.as_object().is_none() {
            return Err(BadAnswer::new("an event of the stream is no object"));
        }
        if field(value, "error").is_some()
            && let Some(problem) = problem::of_value(0, value)
        {
            self.failed = true;
            events.push(Event::Failed(problem));
            return Ok(());
        }
        self.start(value, events);
        let candidates = field(value, "candidates")
            .and_then(Value::as_array)
            .unwrap_or_default();
        for (place, candidate) in candidates.iter().enumerate() {
            let index = number(candidate, "index").unwrap_or(place as u64);
            let index = u32::try_from(index)
                .map_err(|_| BadAnswer::new("the index of a candidate is too large"))?;
            self.candidate(index, candidate, events)?;
        }
        let feedback = field(value, "promptFeedback");
        if feedback
            .and_then(|feedback| text(feedback, "blockReason"))
            .is_some()
        {
            self.blocked = true;
            let said = feedback.and_then(|feedback| text(feedback, "blockReasonMessage"));
            self.why = said.filter(|said| !said.is_empty()).map(str::to_owned);
        }
        let used = field(value, "usageMetadata").and_then(usage::read);
        if let Some(used) = used
            && self.usage != Some(used)
        {
            self.usage = Some(used);
            events.push(Event::Usage(used));
        }
        Ok(())
    }

    fn start(&mut self, value: &Value<'_>, events: &mut Vec<Event>) {
        if self.started {
            return;
        }
        self.started = true;
        let id = text(value, "responseId").unwrap_or_default();
        self.id = id
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            .take(40)
            .collect();
        events.push(Event::Start {
            id: id.to_owned(),
            model: text(value, "modelVersion").unwrap_or_default().to_owned(),
            created: text(value, "createTime").and_then(time::read),
        });
    }

    fn candidate(
        &mut self,
        index: u32,
        candidate: &Value<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), BadAnswer> {
        let place = match self.choices.iter().position(|one| one.index == index) {
            Some(place) => place,
            None if self.choices.len() == MOST_CHOICES => {
                return Err(BadAnswer::new("it has too many candidates"));
            }
            None => {
                self.choices.push(Choice {
                    index,
                    ..Choice::default()
                });
                self.choices.len() - 1
            }
        };
        let choice = &mut self.choices[place];
        let parts = field(candidate, "content").and_then(|content| field(content, "parts"));
        let mut cited = false;
        for part in parts.and_then(Value::as_array).unwrap_or_default() {
            // What a text cites is told before it ends.
            if !cited && !is_words(part) {
                cited = choice.cite(candidate, events);
            }
            choice.part(part, &self.id, events);
        }
        let tokens = field(candidate, "logprobsResult").map(logprobs::read);
        if let Some(tokens) = tokens.filter(|tokens| !tokens.is_empty()) {
            events.push(Event::Logprobs {
                choice: index,
                tokens,
            });
        }
        if !cited {
            choice.cite(candidate, events);
        }
        if let Some(reason) = text(candidate, "finishReason") {
            choice.finish = Some(reason.to_owned());
        }
        Ok(())
    }
}

impl Choice {
    fn part(&mut self, part: &Value<'_>, id: &str, events: &mut Vec<Event>) {
        let called = field(part, "functionCall");
        // A call goes on in parts without its name.
        let goes_on = called.is_some_and(|call| text(call, "name").is_none_or(str::is_empty));
        if !goes_on {
            self.whole(events);
        }
        let signature =
            text(part, "thoughtSignature").and_then(|field| sign::read(field.to_owned().into()));
        if let Some(words) = text(part, "text") {
            let thought = field(part, "thought").and_then(Value::as_bool) == Some(true);
            return if thought {
                self.thought(words, signature, events);
            } else {
                self.words(words, signature, events);
            };
        }
        if let Some(call) = called {
            return self.call(call, signature, id, events);
        }
        if let Some(blob) = field(part, "inlineData") {
            self.blob(blob, events);
        } else if let Some(file) = field(part, "fileData").and_then(|file| text(file, "fileUri")) {
            self.words(file, None, events);
        } else if let Some(code) = field(part, "executableCode") {
            let language = text(code, "language")
                .unwrap_or_default()
                .to_ascii_lowercase();
            let code = text(code, "code").unwrap_or_default();
            self.words(&format!("\n```{language}\n{code}\n```\n"), None, events);
        } else if let Some(result) = field(part, "codeExecutionResult") {
            let output = text(result, "output").unwrap_or_default();
            self.words(&format!("\n```\n{output}\n```\n"), None, events);
        }
        self.hold(signature, events);
    }

    fn words(
        &mut self,
        words: &str,
        signature: Option<Signature<'static>>,
        events: &mut Vec<Event>,
    ) {
        if !words.is_empty() {
            if self.pending.is_some() {
                self.close(events);
            }
            if self.open != Some(Open::Text) {
                self.begin(PartStart::Text, Some(Open::Text), events);
                self.texts += 1;
            }
            if self.texts == 1 {
                self.ruler.push(words);
            }
            self.delta(Delta::Text(words.to_owned()), events);
        }
        self.hold(signature, events);
    }

    /// Keeps a signature until what it goes with has ended.
    fn hold(&mut self, signature: Option<Signature<'static>>, events: &mut Vec<Event>) {
        if signature.is_some() {
            if self.pending.is_some() {
                self.close(events);
            }
            self.pending = signature;
        }
    }

    fn thought(
        &mut self,
        words: &str,
        signature: Option<Signature<'static>>,
        events: &mut Vec<Event>,
    ) {
        if words.is_empty() && signature.is_none() {
            return;
        }
        if self.open != Some(Open::Reasoning) {
            let start = PartStart::Reasoning {
                summary: true,
                redacted: false,
            };
            self.begin(start, Some(Open::Reasoning), events);
        }
        if !words.is_empty() {
            self.delta(Delta::Text(words.to_owned()), events);
        }
        if let Some(signature) = signature {
            self.delta(Delta::Signature(signature), events);
            self.close(events);
        }
    }

    fn call(
        &mut self,
        call: &Value<'_>,
        signature: Option<Signature<'static>>,
        answer: &str,
        events: &mut Vec<Event>,
    ) {
        let more = field(call, "willContinue").and_then(Value::as_bool) == Some(true);
        if let Some(partial) = &mut self.partial {
            partial.take(call);
            partial.signature = signature.or(partial.signature.take());
            if !more {
                self.whole(events);
            }
            return;
        }
        let id = text(call, "id").filter(|id| !id.is_empty()).map_or_else(
            || {
                let between = if answer.is_empty() { "" } else { "_" };
                format!("call_{answer}{between}{}_{}", self.index, self.calls)
            },
            str::to_owned,
        );
        self.calls += 1;
        let name = text(call, "name").unwrap_or_default().to_owned();
        if more || field(call, "partialArgs").is_some() {
            self.close(events);
            let mut partial = Partial::new(id, name, signature);
            partial.take(call);
            self.partial = Some(partial);
            if !more {
                self.whole(events);
            }
            return;
        }
        let start = PartStart::ToolCall {
            id,
            name,
            signature,
        };
        self.begin(start, None, events);
        let arguments = field(call, "args").map_or_else(|| "{}".to_owned(), Value::to_json);
        self.delta(Delta::Arguments(arguments), events);
        self.end(events);
    }

    /// Tells a call that came in pieces, as it is over.
    fn whole(&mut self, events: &mut Vec<Event>) {
        let Some(mut partial) = self.partial.take() else {
            return;
        };
        let start = PartStart::ToolCall {
            id: std::mem::take(&mut partial.id),
            name: std::mem::take(&mut partial.name),
            signature: partial.signature.take(),
        };
        self.begin(start, None, events);
        self.delta(Delta::Arguments(partial.arguments()), events);
        self.end(events);
    }

    fn blob(&mut self, blob: &Value<'_>, events: &mut Vec<Event>) {
        let media_type = text(blob, "mimeType");
        let kind = match media_type.and_then(|media_type| media_type.split('/').next()) {
            Some("image") => MediaKind::Image,
            Some("audio") => MediaKind::Audio,
            Some("video") => MediaKind::Video,
            _ => MediaKind::Document,
        };
        let start = PartStart::Media {
            kind,
            media_type: media_type.map(str::to_owned),
        };
        self.begin(start, None, events);
        let data = text(blob, "data").unwrap_or_default();
        self.delta(Delta::Data(data.to_owned()), events);
        self.end(events);
    }

    /// Whether there is a text to tell it of.
    fn cite(&mut self, candidate: &Value<'_>, events: &mut Vec<Event>) -> bool {
        if self.open != Some(Open::Text) {
            return false;
        }
        // Places count in the text that is the only one.
        let ruler = (self.texts == 1).then_some(&self.ruler);
        for citation in cite::read(candidate, ruler, &mut self.cited) {
            self.delta(Delta::Citation(citation), events);
        }
        true
    }

    fn begin(&mut self, start: PartStart, open: Option<Open>, events: &mut Vec<Event>) {
        self.close(events);
        events.push(Event::PartStart {
            choice: self.index,
            part: self.parts,
            start,
        });
        self.open = open;
    }

    fn delta(&self, delta: Delta, events: &mut Vec<Event>) {
        events.push(Event::Delta {
            choice: self.index,
            part: self.parts,
            delta,
        });
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        events.push(Event::PartEnd {
            choice: self.index,
            part: self.parts,
        });
        self.parts += 1;
    }

    /// Ends what is open, and tells the signature that went with it.
    fn close(&mut self, events: &mut Vec<Event>) {
        if self.open.take().is_some() {
            self.end(events);
        }
        if let Some(signature) = self.pending.take() {
            events.push(Event::PartStart {
                choice: self.index,
                part: self.parts,
                start: PartStart::Reasoning {
                    summary: false,
                    redacted: signature.from != Format::Gemini,
                },
            });
            self.delta(Delta::Signature(signature), events);
            self.end(events);
        }
    }
}

/// Whether a part goes on with a text.
fn is_words(part: &Value<'_>) -> bool {
    text(part, "text").is_some() && field(part, "thought").and_then(Value::as_bool) != Some(true)
}
