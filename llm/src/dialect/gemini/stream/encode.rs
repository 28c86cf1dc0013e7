//! An answer as a caller's stream.

use super::super::answer::malformed_message;
use super::super::cite::Grounds;
use super::super::write::arguments;
use super::super::{finish, logprobs, problem, ruler::Ruler, sign, time, usage};
use crate::chat::{Delta, Event, Finish, MediaKind, PartStart, Signature};
use crate::codec::{Asked, Encoder};
use crate::frame::Framing;
use crate::json::{Object, Value};
use crate::sse;
use crate::{Format, Usage};

/// How much of a call's arguments is held back until they are whole; a longer call is malformed.
const MOST_ARGUMENTS: usize = 4 << 20;

/// Writes a stream: texts as they come, calls whole, reasons and usage with the last event.
#[derive(Debug)]
pub(in crate::dialect::gemini) struct Encode {
    framing: Framing,
    /// Elements of the array were written.
    begun: bool,
    model: String,
    id: String,
    created: Option<i64>,
    choices: Vec<Choice>,
    usage: Option<Usage>,
    done: bool,
}

#[derive(Debug, Default)]
struct Choice {
    index: u32,
    open: Option<Open>,
    parts: u32,
    ruler: Ruler,
    grounds: Grounds,
    finish: Option<Finish>,
    /// The tool whose call made no sense.
    malformed: Option<String>,
}

#[derive(Debug)]
enum Open {
    Text,
    Reasoning {
        redacted: bool,
        /// Some of it was told.
        told: bool,
    },
    Call {
        id: String,
        name: String,
        signature: Option<Signature<'static>>,
        arguments: String,
        /// There were too many.
        over: bool,
    },
    Media(String),
}

impl Encode {
    pub(in crate::dialect::gemini) fn new(asked: &Asked<'_>) -> Self {
        Self {
            framing: asked.framing,
            begun: false,
            model: asked.model.to_owned(),
            id: asked.id.to_owned(),
            created: None,
            choices: Vec::new(),
            usage: None,
            done: false,
        }
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let at = self.choices.iter().position(|one| one.index == index);
        let at = at.unwrap_or_else(|| {
            self.choices.push(Choice {
                index,
                ..Choice::default()
            });
            self.choices.len() - 1
        });
        &mut self.choices[at]
    }

    fn delta(&mut self, index: u32, delta: &Delta, out: &mut Vec<u8>) {
        let choice = self.choice(index);
        let part = match (&mut choice.open, delta) {
            (Some(Open::Text), Delta::Text(text)) if !text.is_empty() => {
                choice.ruler.push(text);
                Object::new().with("text", text)
            }
            (Some(Open::Text), Delta::Citation(citation)) => {
                let Choice {
                    parts,
                    grounds,
                    ruler,
                    ..
                } = choice;
                return grounds.add(*parts, citation, ruler);
            }
            (Some(Open::Reasoning { told, .. }), Delta::Text(text)) if !text.is_empty() => {
                *told = true;
                Object::new().with("text", text).with("thought", true)
            }
            (Some(Open::Reasoning { redacted, told }), Delta::Signature(signature)) => {
                let mut object = Object::new();
                if !*redacted {
                    object.push("text", "");
                }
                if *told || signature.from != Format::Gemini {
                    object.push("thought", true);
                }
                object.with("thoughtSignature", sign::write(signature))
            }
            (
                Some(Open::Call {
                    arguments, over, ..
                }),
                Delta::Arguments(more),
            ) => {
                *over |= arguments.len() + more.len() > MOST_ARGUMENTS;
                if !*over {
                    arguments.push_str(more);
                }
                return;
            }
            (Some(Open::Call { signature, .. }), Delta::Signature(own)) => {
                *signature = Some(own.clone());
                return;
            }
            (Some(Open::Media(media_type)), Delta::Data(data)) => {
                let blob = Object::new()
                    .with("mimeType", media_type.clone())
                    .with("data", data);
                Object::new().with("inlineData", blob)
            }
            _ => return,
        };
        self.part(index, part, out);
    }

    fn end_part(&mut self, index: u32, out: &mut Vec<u8>) {
        let choice = self.choice(index);
        let open = choice.open.take();
        choice.parts += 1;
        let grounds = std::mem::take(&mut choice.grounds);
        if let Some(grounds) = grounds.object() {
            let candidate = Object::new()
                .with("index", index)
                .with("groundingMetadata", grounds);
            self.chunk(vec![candidate], None, out);
        }
        let Some(Open::Call {
            id,
            name,
            signature,
            arguments: text,
            over,
        }) = open
        else {
            return;
        };
        let Some(arguments) = arguments(&text).filter(|_| !over) else {
            self.choice(index).malformed = Some(name);
            return;
        };
        let function = Object::new()
            .with("id", &id)
            .with("name", &name)
            .with("args", arguments);
        let part = Object::new()
            .with("functionCall", function)
            .maybe("thoughtSignature", signature.as_ref().map(sign::write));
        self.part(index, part, out);
    }

    fn part(&mut self, index: u32, part: Object<'_>, out: &mut Vec<u8>) {
        let content = Object::new()
            .with("parts", vec![part])
            .with("role", "model");
        let candidate = Object::new().with("content", content).with("index", index);
        self.chunk(vec![candidate], None, out);
    }

    fn last(&mut self, out: &mut Vec<u8>) {
        let choices = std::mem::take(&mut self.choices);
        let candidates = choices.iter().map(|choice| {
            let mut object = Object::new();
            let reason = match (&choice.malformed, &choice.finish) {
                (Some(_), _) => Some(finish::write(&Finish::MalformedCall)),
                (None, Some(finish)) => Some(finish::write(finish)),
                (None, None) => None,
            };
            // SDKs look for parts wherever there is a candidate.
            let nothing: Vec<Value<'_>> = vec![Object::new().with("text", "").into()];
            object.push(
                "content",
                Object::new().with("parts", nothing).with("role", "model"),
            );
            object
                .maybe("finishReason", reason)
                .maybe(
                    "finishMessage",
                    choice.malformed.as_deref().map(malformed_message),
                )
                .with("index", choice.index)
        });
        let usage = self.usage.take();
        self.chunk(candidates.collect(), usage.as_ref(), out);
    }

    fn chunk(&mut self, candidates: Vec<Object<'_>>, used: Option<&Usage>, out: &mut Vec<u8>) {
        let mut object = Object::new();
        if !candidates.is_empty() {
            object.push("candidates", candidates);
        }
        let object = object
            .maybe("usageMetadata", used.map(usage::write))
            .with("modelVersion", self.model.clone())
            .with("responseId", self.id.clone())
            .maybe("createTime", self.created.map(time::write));
        self.write(&object.to_bytes(), out);
    }

    fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        if self.framing == Framing::JsonArray {
            out.extend_from_slice(if self.begun { b",\r\n" } else { b"[" });
            out.extend_from_slice(data);
        } else {
            sse::write(None, data, out);
        }
        self.begun = true;
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        self.done = true;
        if self.framing == Framing::JsonArray {
            out.extend_from_slice(if self.begun { b"]" } else { b"[]" });
        }
    }
}

impl Encoder for Encode {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.done {
            return;
        }
        match event {
            Event::Start { id, model, created } => {
                if !id.is_empty() {
                    self.id.clone_from(id);
                }
                if !model.is_empty() {
                    self.model.clone_from(model);
                }
                self.created = *created;
            }
            Event::PartStart { choice, start, .. } => {
                let choice = self.choice(*choice);
                choice.ruler = Ruler::default();
                choice.open = Some(open(start));
            }
            Event::Delta { choice, delta, .. } => self.delta(*choice, delta, out),
            Event::PartEnd { choice, .. } => self.end_part(*choice, out),
            Event::Logprobs { choice, tokens } => {
                if !tokens.is_empty() {
                    let candidate = Object::new()
                        .with("index", *choice)
                        .with("logprobsResult", logprobs::write(tokens));
                    self.chunk(vec![candidate], None, out);
                }
            }
            Event::Finish { choice, finish } => {
                self.choice(*choice).finish = Some(finish.clone());
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Ping => {}
            Event::End => {
                self.last(out);
                self.close(out);
            }
            Event::Failed(problem) => {
                self.write(&problem::object(problem).to_bytes(), out);
                self.close(out);
            }
        }
    }
}

fn open(start: &PartStart) -> Open {
    match start {
        PartStart::Text | PartStart::Refusal => Open::Text,
        PartStart::Reasoning { redacted, .. } => Open::Reasoning {
            redacted: *redacted,
            told: false,
        },
        PartStart::ToolCall {
            id,
            name,
            signature,
        } => Open::Call {
            id: id.clone(),
            name: name.clone(),
            signature: signature.clone(),
            arguments: String::new(),
            over: false,
        },
        PartStart::Media { kind, media_type } => {
            Open::Media(media_type.clone().unwrap_or_else(|| {
                match kind {
                    MediaKind::Image => "image/png",
                    MediaKind::Audio => "audio/wav",
                    MediaKind::Video => "video/mp4",
                    MediaKind::Document => "application/octet-stream",
                }
                .to_owned()
            }))
        }
    }
}
