//! Events of streams: whether they come in order, and that encoders cope with any order.

use std::collections::BTreeMap;

use weir_llm::chat::{
    Citation, Delta, Event, Finish, Logprob, MediaKind, PartStart, Problem, Signature, TokenLogprob,
};
use weir_llm::{Format, Usage};

use super::Input;
use super::promise::{asked, codec, is_stream};

/// Events in any order whatever are written without a panic, each as whole events of the format.
pub fn encode(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let options = input.byte();
    let mut events = Vec::new();
    while !input.rest.is_empty() && events.len() < 64 {
        events.push(made_up(&mut input));
    }
    for to in Format::ALL {
        let framing = asked(None, to, options).framing;
        let written = written(&events, to, options, bytes.len());
        is_stream(&written, framing, to.name());
    }
}

/// What a format writes of events. One event makes at most 16 times as much as came of all, 16 KiB,
/// and 1 KiB for each event (OpenAI's responses say all of it again at their end).
pub(crate) fn written(events: &[Event], to: Format, options: u8, came: usize) -> Vec<u8> {
    let mut encoder = codec(to).encoder(&asked(None, to, options));
    let mut written = Vec::new();
    for event in events {
        let before = written.len();
        encoder.event(event, &mut written);
        let more = written.len() - before;
        assert!(
            more <= came * 16 + (16 << 10) + events.len() * 1024,
            "{to}: an event makes {more} bytes of {came}: {event:?}"
        );
    }
    written
}

/// The order that [`Event`] promises.
pub(crate) fn in_order(events: &[Event], from: Format) {
    let mut order = Order::default();
    for event in events {
        let wrong = order.next(event);
        assert!(
            wrong.is_none(),
            "{from}: {wrong:?} at {event:?} in {events:?}"
        );
    }
}

#[derive(Default)]
struct Order {
    started: bool,
    over: bool,
    choices: BTreeMap<u32, Choice>,
}

#[derive(Default)]
struct Choice {
    parts: u32,
    /// The part under way.
    open: Option<PartStart>,
    finished: bool,
}

impl Order {
    /// What is wrong with the next event.
    fn next(&mut self, event: &Event) -> Option<&'static str> {
        if self.over {
            return Some("something comes behind the end");
        }
        match event {
            Event::Start { .. } if std::mem::replace(&mut self.started, true) => {
                return Some("it starts twice");
            }
            Event::Start { .. } | Event::Ping => return None,
            Event::Failed(_) => {
                self.over = true;
                return None;
            }
            _ if !self.started => return Some("it did not start"),
            Event::End => {
                self.over = true;
                let open = self.choices.values().any(|choice| choice.open.is_some());
                return open.then_some("a part is open");
            }
            _ => {}
        }
        self.of_choice(event)
    }

    fn of_choice(&mut self, event: &Event) -> Option<&'static str> {
        match event {
            Event::PartStart {
                choice,
                part,
                start,
            } => {
                let choice = self.choices.entry(*choice).or_default();
                let before = choice.open.replace(start.clone());
                choice.parts += 1;
                if before.is_some() {
                    Some("two parts are open")
                } else if *part != choice.parts - 1 {
                    Some("parts are not numbered")
                } else {
                    choice.finished.then_some("a part comes behind the finish")
                }
            }
            Event::Delta {
                choice,
                part,
                delta,
            } => {
                let choice = self.choices.entry(*choice).or_default();
                let Some(open) = &choice.open else {
                    return Some("no part is open");
                };
                let arguments = matches!(delta, Delta::Arguments(_));
                let call = matches!(open, PartStart::ToolCall { .. });
                let text = matches!(delta, Delta::Text(_));
                if *part + 1 != choice.parts {
                    Some("another part is open")
                } else if (arguments && !call) || (text && call) {
                    Some("it is nothing for such a part")
                } else {
                    None
                }
            }
            Event::PartEnd { choice, part } => {
                let choice = self.choices.entry(*choice).or_default();
                let open = choice.open.take().is_some() && *part + 1 == choice.parts;
                (!open).then_some("that part is not open")
            }
            Event::Finish { choice, .. } => {
                let choice = self.choices.entry(*choice).or_default();
                if choice.open.is_some() {
                    return Some("a part is open");
                }
                let twice = std::mem::replace(&mut choice.finished, true);
                twice.then_some("it finishes twice")
            }
            _ => None,
        }
    }
}

fn made_up(input: &mut Input<'_>) -> Event {
    let kind = input.byte();
    let (choice, part) = (u32::from(input.byte() & 3), u32::from(input.byte() & 7));
    let text = String::from_utf8_lossy(input.short()).into_owned();
    let number = u64::from(input.byte());
    match kind % 12 {
        0 => Event::Start {
            id: text.clone(),
            model: text,
            created: (number > 9).then_some(i64::MAX),
        },
        1 => Event::PartStart {
            choice,
            part,
            start: started(number, text),
        },
        2 | 3 => Event::Delta {
            choice,
            part,
            delta: more(number, text),
        },
        4 => Event::PartEnd { choice, part },
        5 => Event::Logprobs {
            choice,
            tokens: vec![likely(number, text)],
        },
        6 => Event::Finish {
            choice,
            finish: finished(number, text),
        },
        7 => Event::Usage(Usage {
            input: number << 56,
            output: u64::MAX,
            cached: (number & 1 == 1).then_some(u64::MAX),
            cache_write: (number & 2 == 2).then_some(u64::MAX),
            cache_write_hour: (number & 4 == 4).then_some(u64::MAX),
            reasoning: (number & 8 == 8).then_some(u64::MAX),
            audio_input: (number & 16 == 16).then_some(u64::MAX),
            audio_output: (number & 32 == 32).then_some(u64::MAX),
            image_input: (number & 64 == 64).then_some(u64::MAX),
            image_output: (number & 128 == 128).then_some(u64::MAX),
            ..Usage::default()
        }),
        8 => Event::Ping,
        9 => Event::End,
        10 => Event::Failed(Problem::new(529, &text, text.clone())),
        _ => Event::Delta {
            choice,
            part,
            delta: Delta::Text(text),
        },
    }
}

fn started(number: u64, text: String) -> PartStart {
    match number % 5 {
        0 => PartStart::Text,
        1 => PartStart::Reasoning {
            summary: number & 32 == 32,
            redacted: number & 64 == 64,
        },
        2 => PartStart::Refusal,
        3 => PartStart::ToolCall {
            id: text.clone(),
            name: text.clone(),
            signature: (number & 32 == 32).then(|| signed(number, text)),
        },
        _ => PartStart::Media {
            kind: [
                MediaKind::Image,
                MediaKind::Audio,
                MediaKind::Document,
                MediaKind::Video,
            ][(number / 5) as usize % 4],
            media_type: (number & 32 == 32).then_some(text),
        },
    }
}

fn more(number: u64, text: String) -> Delta {
    match number % 5 {
        0 => Delta::Text(text),
        1 => Delta::Arguments(text),
        2 => Delta::Signature(signed(number, text)),
        3 => Delta::Citation(Citation {
            quote: Some(text.clone().into()),
            title: (number & 32 == 32).then(|| text.clone().into()),
            url: (number & 64 == 64).then(|| text.into()),
            document: (number & 16 == 16).then_some(u64::MAX),
            span: (number & 8 == 8).then_some((u64::MAX, 0)),
            source: (number & 128 == 128).then_some((0, u64::MAX)),
            ..Citation::default()
        }),
        _ => Delta::Data(text),
    }
}

fn signed(number: u64, text: String) -> Signature<'static> {
    Signature {
        from: Format::ALL[(number / 5) as usize % Format::ALL.len()],
        data: text.into(),
    }
}

fn likely(number: u64, text: String) -> TokenLogprob {
    let one = Logprob {
        token: text.clone(),
        logprob: [-0.5, f64::NAN, f64::NEG_INFINITY, 1e308][number as usize % 4],
        bytes: (number & 4 == 4).then(|| text.into_bytes()),
    };
    TokenLogprob {
        top: vec![one.clone(); number as usize % 3],
        token: one,
    }
}

fn finished(number: u64, text: String) -> Finish {
    match number % 11 {
        0 => Finish::Stop,
        1 => Finish::StopSequence(Some(text)),
        2 => Finish::StopSequence(None),
        3 => Finish::Length,
        4 => Finish::ContextFull,
        5 => Finish::ToolCalls,
        6 => Finish::ContentFilter,
        7 => Finish::Refusal,
        8 => Finish::Pause,
        9 => Finish::MalformedCall,
        _ => Finish::Other(text),
    }
}
