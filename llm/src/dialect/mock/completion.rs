//! Made-up texts and tool calls, whole and as events
//! (<https://platform.openai.com/docs/api-reference/chat>,
//! <https://platform.openai.com/docs/api-reference/completions>).

mod call;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::{digest, tokens};
use super::example::example;
use super::params::{Params, items, missing};
use super::settings::Settings;
use crate::Operation;
use crate::body::{BadBody, Body};
use crate::json::{write_escaped, write_string};
use call::Call;

/// When every mock answer says it was `created`, in Unix seconds: 2025-01-01T00:00:00Z.
pub const CREATED: i64 = 1_735_689_600;
/// The most choices of one request, over all its prompts.
const MAX_CHOICES: usize = 128;
/// Bytes that the mock counts as a token.
const BYTES_PER_TOKEN: usize = 4;

/// An answer of text, or of one tool call, the same in each of its choices.
#[derive(Clone, Debug)]
pub(super) struct Completion {
    shape: Shape,
    /// Hexadecimal, of the request's bytes.
    id: String,
    model: String,
    /// The text, or the arguments of the call.
    text: String,
    choices: usize,
    finish: &'static str,
    input: u64,
    output: u64,
}

#[derive(Clone, Debug)]
enum Shape {
    Chat,
    /// A chat that is answered by calling the function of this name.
    Call(String),
    Legacy,
}

impl Completion {
    pub(super) fn new(body: &Body<'_>, settings: &Settings) -> Result<Self, BadBody> {
        let params = Params::read(body.json())?;
        let n = params.n()?;
        let (choices, call) = if body.operation() == Operation::Completions {
            (n * prompts(&params)?, None)
        } else {
            check_messages(&params)?;
            (n, call::forced(&params)?)
        };
        if choices > MAX_CHOICES {
            return Err(BadBody {
                code: "array_above_max_length",
                param: Some("prompt"),
                message: format!(
                    "Invalid 'prompt': at most {MAX_CHOICES} choices can be asked for, over all prompts."
                ),
            });
        }
        let (shape, mut text, mut finish) = match call {
            Some(Call { name, arguments }) => (Shape::Call(name), arguments, "tool_calls"),
            None if body.operation() == Operation::Completions => {
                (Shape::Legacy, text(body, &params, settings), "stop")
            }
            None => (Shape::Chat, text(body, &params, settings), "stop"),
        };
        let mut each = settings.tokens.output;
        if let Some(most) = params.max_tokens()? {
            let bytes = most.saturating_mul(BYTES_PER_TOKEN);
            let most = most as u64;
            if text.len() > bytes || each.is_some_and(|each| each > most) {
                text.truncate(text.floor_char_boundary(bytes));
                each = each.map(|each| each.min(most));
                finish = "length";
            }
        }
        let each = each.unwrap_or_else(|| tokens(text.len() as u64));
        Ok(Self {
            shape,
            id: format!("{:016x}", digest(body.json().as_bytes())),
            model: body.model().to_owned(),
            text,
            choices,
            finish,
            input: settings
                .tokens
                .input
                .unwrap_or_else(|| tokens(body.text_bytes())),
            output: each.saturating_mul(choices as u64),
        })
    }

    /// The body of the answer in one piece.
    pub(super) fn plain(&self) -> Bytes {
        let mut out = Vec::with_capacity(512 + self.choices * (self.text.len() + 128));
        self.write_head("chat.completion", &mut out);
        for index in 0..self.choices {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(format!("{{\"index\":{index},").as_bytes());
            match &self.shape {
                Shape::Chat => {
                    out.extend_from_slice(b"\"message\":{\"role\":\"assistant\",\"content\":");
                    write_string(&self.text, &mut out);
                    out.extend_from_slice(b",\"refusal\":null}");
                }
                Shape::Call(name) => {
                    out.extend_from_slice(
                        b"\"message\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{",
                    );
                    self.write_call(index, name, &self.text, &mut out);
                    out.extend_from_slice(b"}],\"refusal\":null}");
                }
                Shape::Legacy => {
                    out.extend_from_slice(b"\"text\":");
                    write_string(&self.text, &mut out);
                }
            }
            let end = format!(",\"logprobs\":null,\"finish_reason\":\"{}\"}}", self.finish);
            out.extend_from_slice(end.as_bytes());
        }
        out.extend_from_slice(b"],\"usage\":");
        self.write_usage(&mut out);
        out.push(b'}');
        out.into()
    }

    /// Up to the opening bracket of `choices`. `object` is that of a chat.
    fn write_head(&self, object: &str, out: &mut Vec<u8>) {
        let (prefix, object) = match self.shape {
            Shape::Chat | Shape::Call(_) => ("chatcmpl", object),
            Shape::Legacy => ("cmpl", "text_completion"),
        };
        let head = format!(
            "{{\"id\":\"{prefix}-mock-{}\",\"object\":\"{object}\",\"created\":{CREATED},\"model\":",
            self.id
        );
        out.extend_from_slice(head.as_bytes());
        write_string(&self.model, out);
        out.extend_from_slice(b",\"choices\":[");
    }

    /// The inside of a tool call.
    fn write_call(&self, choice: usize, name: &str, arguments: &str, out: &mut Vec<u8>) {
        let id = format!("\"id\":\"call_{}_{choice}\"", self.id);
        out.extend_from_slice(id.as_bytes());
        out.extend_from_slice(b",\"type\":\"function\",\"function\":{\"name\":");
        write_string(name, out);
        out.extend_from_slice(b",\"arguments\":");
        write_string(arguments, out);
        out.push(b'}');
    }

    fn write_usage(&self, out: &mut Vec<u8>) {
        let usage = format!(
            "{{\"prompt_tokens\":{},\"completion_tokens\":{},\"total_tokens\":{},\"prompt_tokens_details\":{{\"cached_tokens\":0}},\"completion_tokens_details\":{{\"reasoning_tokens\":0}}}}",
            self.input,
            self.output,
            self.input.saturating_add(self.output)
        );
        out.extend_from_slice(usage.as_bytes());
    }
}

/// How many prompts there are; none is one, as with OpenAI.
fn prompts(params: &Params<'_>) -> Result<usize, BadBody> {
    match params.prompt {
        Some(prompt) if prompt.get().len() > 2 => items("prompt", prompt).map(|all| all.len()),
        _ => Ok(1),
    }
}

fn check_messages(params: &Params<'_>) -> Result<(), BadBody> {
    let raw = params.messages.ok_or_else(|| missing("messages"))?;
    let messages: Vec<&RawValue> = serde_json::from_str(raw.get())
        .map_err(|_| super::params::wrong_type("messages", "an array of objects"))?;
    if messages.is_empty() {
        return Err(BadBody {
            code: "empty_array",
            param: Some("messages"),
            message: "Invalid 'messages': empty array. Expected an array with minimum length 1."
                .to_owned(),
        });
    }
    Ok(())
}

/// The text that was set, or one that the request asks for in form, or a sentence over and over
/// until there are four letters for each chunk.
fn text(body: &Body<'_>, params: &Params<'_>, settings: &Settings) -> String {
    if let Some(text) = &settings.text {
        return text.clone();
    }
    let sentence = format!("This is a mock answer from the model {}.", body.model());
    match params.response_format.and_then(format) {
        Some(Format::Schema(schema)) => return example(&schema),
        Some(Format::Object) => {
            let mut out = b"{\"answer\":".to_vec();
            write_string(&sentence, &mut out);
            out.push(b'}');
            return String::from_utf8(out).unwrap_or_default();
        }
        None => {}
    }
    let wanted = settings.chunks.min(Settings::MAX_CHUNKS) as usize * BYTES_PER_TOKEN;
    let mut text = sentence.clone();
    while text.len() < wanted {
        text.push(' ');
        text.push_str(&sentence);
    }
    text
}

enum Format {
    Object,
    Schema(Value),
}

fn format(raw: &RawValue) -> Option<Format> {
    #[derive(Deserialize)]
    struct Raw {
        r#type: String,
        json_schema: Option<Named>,
    }
    #[derive(Deserialize)]
    struct Named {
        schema: Option<Value>,
    }
    let raw: Raw = serde_json::from_str(raw.get()).ok()?;
    match raw.r#type.as_str() {
        "json_object" => Some(Format::Object),
        "json_schema" => raw.json_schema?.schema.map(Format::Schema),
        _ => None,
    }
}

/// A completion as the events of a stream, made one at a time.
///
/// In order: the role of each choice (chats alone), the pieces of the text in turn for each choice,
/// the end of each choice, the usage if it was asked for, `[DONE]`.
#[derive(Clone, Debug)]
pub(super) struct Events {
    completion: Completion,
    /// What every event begins with.
    head: Vec<u8>,
    pieces: usize,
    /// Letters of the text.
    letters: usize,
    include_usage: bool,
    next: usize,
    /// Which piece lies in `range` of the text.
    piece: usize,
    range: std::ops::Range<usize>,
}

impl Events {
    /// In `chunks` pieces, or in as many as the text has letters if those are fewer; with several
    /// choices in at most [`Settings::MAX_CHUNKS`] over all of them.
    pub(super) fn new(completion: Completion, chunks: u32, include_usage: bool) -> Self {
        let most = (Settings::MAX_CHUNKS as usize / completion.choices).max(1);
        let letters = completion.text.chars().count();
        let pieces = (chunks as usize).clamp(1, most).min(letters);
        let mut head = b"data: ".to_vec();
        completion.write_head("chat.completion.chunk", &mut head);
        let mut events = Self {
            completion,
            head,
            pieces,
            letters,
            include_usage,
            next: 0,
            piece: 0,
            range: 0..0,
        };
        events.range = events.range_from(0);
        events
    }

    /// How many events there are in all.
    pub(super) fn total(&self) -> usize {
        let choices = self.completion.choices;
        self.roles() + choices * self.pieces + choices + usize::from(self.include_usage) + 1
    }

    fn roles(&self) -> usize {
        match self.completion.shape {
            Shape::Chat | Shape::Call(_) => self.completion.choices,
            Shape::Legacy => 0,
        }
    }

    /// Where the current piece lies, if it starts at `start`.
    fn range_from(&self, start: usize) -> std::ops::Range<usize> {
        let Some(pieces) = std::num::NonZero::new(self.pieces) else {
            return start..start;
        };
        let letters = self.letters * (self.piece + 1) / pieces - self.letters * self.piece / pieces;
        let rest = &self.completion.text[start..];
        let len = rest
            .char_indices()
            .nth(letters)
            .map_or(rest.len(), |(at, _)| at);
        start..start + len
    }

    fn role(&self, choice: usize) -> Bytes {
        self.event(choice, None, |out| match &self.completion.shape {
            Shape::Call(name) => {
                out.extend_from_slice(
                    b"{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,",
                );
                self.completion.write_call(choice, name, "", out);
                out.extend_from_slice(b"}],\"refusal\":null}");
            }
            _ => {
                out.extend_from_slice(b"{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}")
            }
        })
    }

    fn content(&mut self, number: usize) -> Bytes {
        let piece = number / self.completion.choices;
        if piece > self.piece {
            self.piece = piece;
            self.range = self.range_from(self.range.end);
        }
        let text = &self.completion.text[self.range.clone()];
        self.event(number % self.completion.choices, None, |out| {
            let (before, after): (&[u8], &[u8]) = match self.completion.shape {
                Shape::Chat => (b"{\"content\":\"", b"\"}"),
                Shape::Call(_) => (
                    b"{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"",
                    b"\"}}]}",
                ),
                Shape::Legacy => (b"\"", b"\""),
            };
            out.extend_from_slice(before);
            write_escaped(text, out);
            out.extend_from_slice(after);
        })
    }

    fn end(&self, choice: usize) -> Bytes {
        self.event(choice, Some(self.completion.finish), |out| {
            out.extend_from_slice(match self.completion.shape {
                Shape::Legacy => b"\"\"",
                _ => b"{}",
            });
        })
    }

    fn usage(&self) -> Bytes {
        let mut out = self.head.clone();
        out.extend_from_slice(b"],\"usage\":");
        self.completion.write_usage(&mut out);
        out.extend_from_slice(b"}\n\n");
        out.into()
    }

    /// An event of one choice, whose `delta` or `text` is written by `write`.
    fn event(
        &self,
        choice: usize,
        finish: Option<&str>,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Bytes {
        let mut out = Vec::with_capacity(self.head.len() + self.range.len() + 160);
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"{\"index\":");
        out.extend_from_slice(itoa::Buffer::new().format(choice).as_bytes());
        out.extend_from_slice(match self.completion.shape {
            Shape::Legacy => b",\"text\":",
            _ => b",\"delta\":",
        });
        write(&mut out);
        out.extend_from_slice(b",\"logprobs\":null,\"finish_reason\":");
        match finish {
            Some(finish) => write_string(finish, &mut out),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b"}]");
        if self.include_usage {
            out.extend_from_slice(b",\"usage\":null");
        }
        out.extend_from_slice(b"}\n\n");
        out.into()
    }
}

impl Iterator for Events {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let choices = self.completion.choices;
        let number = self.next;
        self.next += 1;
        let Some(number) = number.checked_sub(self.roles()) else {
            return Some(self.role(number));
        };
        let Some(number) = number.checked_sub(choices * self.pieces) else {
            return Some(self.content(number));
        };
        let Some(number) = number.checked_sub(choices) else {
            return Some(self.end(number));
        };
        match (number, self.include_usage) {
            (0, true) => Some(self.usage()),
            (0, false) | (1, true) => Some(Bytes::from_static(b"data: [DONE]\n\n")),
            _ => None,
        }
    }
}
