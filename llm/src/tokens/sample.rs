use crate::chat::{
    Answer, Delta, Detail, Event, Media, MediaKind, Part, PartKind, PartStart, Request,
    ResponseFormat, Source, Tool,
};

use super::Tokenizer;

/// How many bytes of a text are counted at most. What goes beyond is taken to be like them.
pub const SAMPLE: usize = 256 * 1024;

/// What was said, as far as its tokens are to be counted later. Holds [`SAMPLE`] bytes at most of what was said, and as
/// many of what was reasoned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    said: Kept,
    reasoned: Kept,
    /// Tokens of what is no text.
    beside: u64,
    /// Parts of a stream that are reasoning and have not ended, by choice and part.
    reasoning: Vec<(u32, u32)>,
}

/// The beginning of a text, and how long all of it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kept {
    text: String,
    bytes: u64,
}

/// More parts than this are not under way at once in any stream; further ones count as text.
const OPEN: usize = 64;

impl Kept {
    fn push(&mut self, text: &str) {
        let room = text.floor_char_boundary(SAMPLE.saturating_sub(self.text.len()));
        // Once something is left out, what follows is no part of the beginning.
        if self.bytes == self.text.len() as u64 {
            self.text.push_str(&text[..room]);
        }
        self.bytes = self.bytes.saturating_add(text.len() as u64);
    }

    fn count(&self, tokenizer: Tokenizer) -> u64 {
        if self.text.is_empty() {
            return 0;
        }
        let counted = u128::from(tokenizer.count(&self.text)) * u128::from(self.bytes);
        u64::try_from(counted.div_ceil(self.text.len() as u128)).unwrap_or(u64::MAX)
    }
}

impl Sample {
    /// Adds a text.
    pub fn push(&mut self, text: &str) {
        self.said.push(text);
    }

    /// The tokens of all but reasoning.
    #[must_use]
    pub fn text(&self, tokenizer: Tokenizer) -> u64 {
        self.said.count(tokenizer).saturating_add(self.beside)
    }

    /// The tokens of reasoning.
    #[must_use]
    pub fn reasoning(&self, tokenizer: Tokenizer) -> u64 {
        self.reasoned.count(tokenizer)
    }

    /// What a request says: 4 tokens around each turn and 12 around each tool, as OpenAI's come to
    /// (<https://developers.openai.com/cookbook/examples/how_to_count_tokens_with_tiktoken>), and files as
    /// [`file`] has them.
    #[must_use]
    pub fn of_request(request: &Request<'_>) -> Self {
        let mut sample = Self::default();
        let turns = request.messages.len() as u64 + u64::from(!request.system.is_empty());
        sample.beside = turns * 4 + request.tools.len() as u64 * 12 + 3;
        request.system.iter().for_each(|part| sample.add(part));
        for message in &request.messages {
            sample.push(message.name.as_deref().unwrap_or_default());
            message.parts.iter().for_each(|part| sample.add(part));
        }
        for tool in &request.tools {
            if let Tool::Function {
                name,
                description,
                parameters,
                ..
            } = tool
            {
                sample.push(name);
                sample.push(description.as_deref().unwrap_or_default());
                sample.push(
                    &parameters
                        .as_ref()
                        .map(crate::json::Value::to_json)
                        .unwrap_or_default(),
                );
            }
        }
        if let Some(ResponseFormat::JsonSchema { schema, .. }) = &request.format {
            sample.push(&schema.to_json());
        }
        sample
    }

    /// What an answer says.
    #[must_use]
    pub fn of_answer(answer: &Answer) -> Self {
        let mut sample = Self::default();
        let parts = answer.choices.iter().flat_map(|choice| &choice.parts);
        parts.for_each(|part| sample.add(part));
        sample
    }

    /// Adds what an event of a stream says.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::PartStart {
                choice,
                part,
                start,
            } => match start {
                PartStart::Reasoning { .. } if self.reasoning.len() < OPEN => {
                    self.reasoning.push((*choice, *part))
                }
                PartStart::ToolCall { name, .. } => {
                    self.push(name);
                    self.beside += 8;
                }
                _ => {}
            },
            Event::Delta {
                choice,
                part,
                delta,
            } => match delta {
                Delta::Text(text) if self.reasoning.contains(&(*choice, *part)) => {
                    self.reasoned.push(text)
                }
                Delta::Text(text) | Delta::Arguments(text) => self.push(text),
                Delta::Data(data) => self.beside += data.len() as u64 / AUDIO,
                Delta::Signature(_) | Delta::Citation(_) => {}
            },
            Event::PartEnd { choice, part } => {
                self.reasoning.retain(|open| *open != (*choice, *part))
            }
            _ => {}
        }
    }

    fn add(&mut self, part: &Part<'_>) {
        match &part.kind {
            PartKind::Text(text, _) | PartKind::Refusal(text) => self.push(text),
            PartKind::Reasoning(reasoned) => self.reasoned.push(&reasoned.text),
            PartKind::ToolCall(call) => {
                self.push(&call.name);
                self.push(&call.arguments);
                self.beside += 8;
            }
            PartKind::ToolResult(result) => result.parts.iter().for_each(|part| self.add(part)),
            PartKind::Media(media) => match &media.source {
                Source::Text(text) => self.push(text),
                _ => self.beside = self.beside.saturating_add(file(media)),
            },
        }
    }
}

/// Characters of base64 that are a token of audio: MP3 of 128 kbit a second, of which OpenAI and Gemini make 10 and 32 tokens.
const AUDIO: u64 = 1_000;
/// And of a PDF: 50 KB a page, of which Anthropic makes 1,500 to 3,000 tokens
/// (<https://platform.claude.com/docs/en/build-with-claude/pdf-support>).
const DOCUMENT: u64 = 33;
/// And of video: 1 Mbit a second, of which Gemini makes 263 (<https://ai.google.dev/gemini-api/docs/tokens>).
const VIDEO: u64 = 630;
/// An image: OpenAI's 765 for 1024 × 1024, Gemini's 1,120 and Anthropic's 1,600 are about it.
const IMAGE: u64 = 1_100;
/// One that is not looked at closely: OpenAI's (<https://platform.openai.com/docs/guides/images-vision>).
const IMAGE_LOW: u64 = 85;
/// A file that is not in the request: a page.
const ELSEWHERE: u64 = 2_000;

/// The tokens that a file may come to, of which nothing but its kind and length is looked at.
fn file(media: &Media<'_>) -> u64 {
    let length = match &media.source {
        Source::Base64(data) => Some(data.len() as u64),
        _ => None,
    };
    match (media.kind, length) {
        (MediaKind::Image, _) if media.detail == Some(Detail::Low) => IMAGE_LOW,
        (MediaKind::Image, _) => IMAGE,
        (_, None) => ELSEWHERE,
        (MediaKind::Audio, Some(length)) => length / AUDIO + 1,
        (MediaKind::Document, Some(length)) => length / DOCUMENT + 1,
        (MediaKind::Video, Some(length)) => length / VIDEO + 1,
    }
}
