//! Events of one answer, gathered into the answer.

use crate::chat::{
    Answer, Choice, Citation, Delta, Event, Media, Part, PartKind, PartStart, Reasoned, Signature,
    Source, ToolCall,
};
use crate::codec::BadAnswer;
use crate::json::Text;

/// Gathers events in the order that [`Event`] promises.
#[derive(Default)]
pub(super) struct Gather {
    answer: Answer,
}

#[derive(Default)]
struct Piece {
    text: String,
    signature: Option<Signature<'static>>,
    citations: Vec<Citation<'static>>,
}

impl Gather {
    /// Takes events.
    ///
    /// # Errors
    /// [`BadAnswer`] where one of them says that the provider failed.
    pub(super) fn take(&mut self, events: Vec<Event>) -> Result<(), BadAnswer> {
        // Parts of one choice come one after the other, those of several may be mixed.
        let mut open: Vec<(u32, PartStart, Piece)> = Vec::new();
        for event in events {
            match event {
                Event::Start { id, model, created } => {
                    self.answer.id = id;
                    self.answer.model = model;
                    self.answer.created = created;
                }
                Event::PartStart { choice, start, .. } => {
                    open.push((choice, start, Piece::default()));
                }
                Event::Delta { choice, delta, .. } => {
                    if let Some((.., piece)) = open.iter_mut().find(|(of, ..)| *of == choice) {
                        piece.take(delta);
                    }
                }
                Event::PartEnd { choice, .. } => {
                    if let Some(at) = open.iter().position(|(of, ..)| *of == choice) {
                        let (_, start, piece) = open.remove(at);
                        self.choice(choice).parts.push(piece.part(start));
                    }
                }
                Event::Logprobs { choice, mut tokens } => {
                    self.choice(choice).logprobs.append(&mut tokens);
                }
                Event::Finish { choice, finish } => self.choice(choice).finish = Some(finish),
                Event::Usage(usage) => self.answer.usage = Some(usage),
                Event::Ping | Event::End => {}
                Event::Failed(_) => return Err(BadAnswer::new("it holds an error")),
            }
        }
        Ok(())
    }

    /// What was gathered.
    pub(super) fn answer(self) -> Answer {
        self.answer
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let choices = &mut self.answer.choices;
        let at = choices.iter().position(|one| one.index == index);
        let at = at.unwrap_or_else(|| {
            choices.push(Choice {
                index,
                ..Choice::default()
            });
            choices.len() - 1
        });
        &mut choices[at]
    }
}

impl Piece {
    fn take(&mut self, delta: Delta) {
        match delta {
            Delta::Text(text) | Delta::Arguments(text) | Delta::Data(text) => {
                self.text.push_str(&text);
            }
            Delta::Signature(signature) => self.signature = Some(signature),
            Delta::Citation(citation) => self.citations.push(citation),
        }
    }

    fn part(self, start: PartStart) -> Part<'static> {
        let text = Text::new(self.text);
        Part::new(match start {
            PartStart::Text => PartKind::Text(text, self.citations),
            PartStart::Refusal => PartKind::Refusal(text),
            PartStart::Reasoning { summary, redacted } => PartKind::Reasoning(Reasoned {
                text,
                summary,
                signature: self.signature,
                redacted,
            }),
            PartStart::ToolCall {
                id,
                name,
                signature,
            } => PartKind::ToolCall(ToolCall {
                id: id.into(),
                name: name.into(),
                arguments: text,
                signature: signature.or(self.signature),
            }),
            PartStart::Media { kind, media_type } => PartKind::Media(Media {
                kind,
                source: Source::Base64(text.value),
                media_type: media_type.map(Into::into),
                name: None,
                detail: None,
                citations: false,
            }),
        })
    }
}
