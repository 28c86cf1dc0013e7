use std::borrow::Cow;

use crate::Format;
use crate::json::Text;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Whoever runs the app, in the middle of a conversation; what comes first is in
    /// [`Request::system`](super::Request::system).
    System,
    /// The user, and results of tools.
    User,
    /// The model.
    Assistant,
}

/// One turn of a conversation. Formats with a role for results of tools are read into a user's turn
/// that holds them; neighbours of one role are not joined.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// Who speaks.
    pub role: Role,
    /// What of, in order.
    pub parts: Vec<Part<'a>>,
    /// The speaker's name, where there are several of one role.
    pub name: Option<Cow<'a, str>>,
}

/// A piece of a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<'a> {
    /// What it is.
    pub kind: PartKind<'a>,
    /// The provider shall keep the prompt up to the end of this part in its cache.
    pub cache: Option<CacheMarker>,
    /// Where in the body it stands, for messages: `messages[2].content[0]`. Empty in answers.
    pub path: String,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq)]
pub enum PartKind<'a> {
    /// Text, and what it cites.
    Text(Text<'a>, Vec<Citation<'a>>),
    /// An image, audio, a document or a video.
    Media(Media<'a>),
    /// The model calls a tool.
    ToolCall(ToolCall<'a>),
    /// What a tool gave.
    ToolResult(ToolResult<'a>),
    /// The model's reasoning.
    Reasoning(Reasoned<'a>),
    /// The model declines, in words of its own.
    Refusal(Text<'a>),
}

/// How long the provider shall keep a prompt in its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheMarker {
    /// As long as it does by default (five minutes at Anthropic).
    Default,
    /// An hour.
    Hour,
}

/// A file that the model looks at or listens to.
#[derive(Clone, Debug, PartialEq)]
pub struct Media<'a> {
    /// What it is.
    pub kind: MediaKind,
    /// Where it is.
    pub source: Source<'a>,
    /// `image/png` and the like; `None` where the caller did not say.
    pub media_type: Option<Cow<'a, str>>,
    /// The file's name or title.
    pub name: Option<Cow<'a, str>>,
    /// How closely an image is looked at.
    pub detail: Option<Detail>,
    /// Of a document: the model shall cite it.
    pub citations: bool,
}

/// What a file is to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum MediaKind {
    Image,
    Audio,
    Document,
    Video,
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq)]
pub enum Source<'a> {
    /// In the body, in base64 (RFC 4648 §4).
    Base64(Cow<'a, str>),
    /// In the body, as text.
    Text(Text<'a>),
    /// At a URL that the provider reads, `gs://` and `s3://` included.
    Url(Cow<'a, str>),
    /// At the provider, by an id that it gave.
    File(Cow<'a, str>),
}

/// How closely an image is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Detail {
    Auto,
    Low,
    High,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall<'a> {
    /// Ties the result to it. Where the format has none, the reader makes one of the position.
    pub id: Cow<'a, str>,
    /// The name of the tool.
    pub name: Cow<'a, str>,
    /// The arguments, the text of a JSON object; it is whatever the model wrote, and may be no JSON.
    pub arguments: Text<'a>,
    /// What proves the reasoning behind the call (Gemini's `thoughtSignature`).
    pub signature: Option<Signature<'a>>,
}

/// The result of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult<'a> {
    /// The id of the call.
    pub call: Cow<'a, str>,
    /// The name of the tool, where the format says it or the call was seen before.
    pub name: Option<Cow<'a, str>>,
    /// Texts and media. A result that is JSON is a text of it.
    pub parts: Vec<Part<'a>>,
    /// The tool failed.
    pub error: bool,
}

/// A piece of reasoning.
#[derive(Clone, Debug, PartialEq)]
pub struct Reasoned<'a> {
    /// What may be read of it; empty where all is hidden.
    pub text: Text<'a>,
    /// The text is a summary, and not the reasoning itself.
    pub summary: bool,
    /// What lets the provider take it up again.
    pub signature: Option<Signature<'a>>,
    /// All of it is in the signature, encrypted (Anthropic's `redacted_thinking`).
    pub redacted: bool,
}

/// Bytes that one provider understands and that have to come back to it as they are.
///
/// A caller of another format gets it in the field that its format has for such a thing, in the form
/// of [`to_token`](Self::to_token), and so does not need to know whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// Whose it is.
    pub from: Format,
    /// What it is.
    pub data: Cow<'a, str>,
}

impl<'a> Signature<'a> {
    /// In a field of `format`: as it is where it is that format's own, else marked with whose it is.
    #[must_use]
    pub fn to_token(&self, format: Format) -> Cow<'_, str> {
        if self.from == format {
            return Cow::Borrowed(&self.data);
        }
        Cow::Owned(format!("weir.{}.{}", self.from, self.data))
    }

    /// What such a field of `format` holds.
    #[must_use]
    pub fn from_token(token: Cow<'a, str>, format: Format) -> Self {
        let marked = token.strip_prefix("weir.").and_then(|rest| {
            let (name, data) = rest.split_once('.')?;
            let from = Format::ALL.into_iter().find(|one| one.name() == name)?;
            Some((from, token.len() - data.len()))
        });
        match marked {
            None => Self {
                from: format,
                data: token,
            },
            Some((from, start)) => Self {
                from,
                data: match token {
                    Cow::Borrowed(token) => Cow::Borrowed(&token[start..]),
                    Cow::Owned(mut token) => Cow::Owned(token.split_off(start)),
                },
            },
        }
    }
}

/// What a text rests on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Citation<'a> {
    /// The words that are cited.
    pub quote: Option<Cow<'a, str>>,
    /// The title of where they stand.
    pub title: Option<Cow<'a, str>>,
    /// The URL of where they stand.
    pub url: Option<Cow<'a, str>>,
    /// The document of the request, counted from 0 over all of them.
    pub document: Option<u64>,
    /// Where in the answer's text it belongs, in characters (Unicode code points) from the text's start.
    pub span: Option<(u64, u64)>,
    /// Where in the source, in characters.
    pub source: Option<(u64, u64)>,
    /// Where in the source, told in greater pieces.
    pub place: Option<Place>,
    /// The search result of the request, counted from 0 over all of them.
    pub result: Option<u64>,
}

/// A place in a source that is not told in characters: from the first of its pieces to before the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Pages of a PDF, counted from 1.
    Pages(u64, u64),
    /// Pieces that the caller gave the source in, counted from 0.
    Pieces(u64, u64),
}

impl<'a> Part<'a> {
    /// A part of an answer.
    #[must_use]
    pub fn new(kind: PartKind<'a>) -> Self {
        Self {
            kind,
            cache: None,
            path: String::new(),
        }
    }

    /// A text without citations.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(PartKind::Text(Text::new(text), Vec::new()))
    }
}
