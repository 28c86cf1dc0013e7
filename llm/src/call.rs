//! What a caller calls: from a method and a path to an operation and a format.

use std::borrow::Cow;

use crate::dialect;
use crate::{Format, Operation};

/// A call as its method and path say it. What the body says of it comes later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What is asked for.
    pub operation: Operation,
    /// How: the format of the body and the answer, for chat; for everything else that of errors.
    pub format: Format,
    /// The model, where the path names it; percent-encoding is undone.
    pub model: Option<String>,
    /// Whether a stream is asked for, where the path says it.
    pub stream: Option<bool>,
    /// What the body is.
    pub body: BodyKind,
}

/// What the body of a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// JSON, read whole.
    Json,
    /// A form with files (RFC 7578), passed on as it comes.
    Form,
    /// Anything or nothing, passed on as it comes.
    Opaque,
}

/// A path that callers may call.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// The methods that it takes.
    pub methods: &'static [&'static str],
    /// Segments as they are; `{model}` stands for a model's name (which may hold slashes, plain or encoded),
    /// `{id}` for one segment, and `{rest}` at the end for all that is left, at least one byte.
    pub pattern: &'static str,
    /// What is asked for.
    pub operation: Operation,
    /// How.
    pub format: Format,
    /// What the body is.
    pub body: BodyKind,
    /// Whether a stream is asked for, where the path says it.
    pub stream: Option<bool>,
}

/// Why there is no such call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCall {
    /// No such path.
    Path,
    /// The path takes these methods.
    Method(&'static [&'static str]),
}

impl Call {
    /// A call with a body in JSON that says everything.
    #[must_use]
    pub fn json(operation: Operation, format: Format) -> Self {
        Self {
            operation,
            format,
            model: None,
            stream: None,
            body: BodyKind::Json,
        }
    }

    /// The call of a method and a path without its query. `anthropic` says that the caller is Anthropic's SDK (it sends
    /// `anthropic-version`): some paths are both OpenAI's and Anthropic's.
    ///
    /// # Errors
    /// [`NoCall`].
    pub fn of(method: &str, path: &str, anthropic: bool) -> Result<Self, NoCall> {
        let mut other = None;
        let ours = |format: &Format| (*format == Format::Messages) == anthropic;
        // First those of the caller's own SDK, then all.
        for own in [true, false] {
            for one in dialect::paths().filter(|one| ours(&one.format) == own) {
                let Some(model) = matches(one.pattern, path) else {
                    continue;
                };
                if !one.methods.contains(&method) {
                    other = other.or(Some(one.methods));
                    continue;
                }
                return Ok(Self {
                    operation: one.operation,
                    format: one.format,
                    model: model.map(decoded),
                    stream: one.stream,
                    body: one.body,
                });
            }
        }
        Err(other.map_or(NoCall::Path, NoCall::Method))
    }
}

/// Whether a path fits a pattern, and which part of it is the model.
fn matches<'p>(pattern: &str, path: &'p str) -> Option<Option<&'p str>> {
    let Some(open) = pattern.find('{') else {
        return (pattern == path).then_some(None);
    };
    let rest = path.strip_prefix(&pattern[..open])?;
    let (name, behind) = pattern[open + 1..].split_once('}')?;
    match name {
        "rest" => (!rest.is_empty()).then_some(None),
        "id" => {
            let end = rest.find('/').unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            matches(behind, &rest[end..])
        }
        // Behind the model nothing is left open.
        _ => {
            let model = rest.strip_suffix(behind)?;
            (!model.is_empty()).then_some(Some(model))
        }
    }
}

/// Undoes percent-encoding (RFC 3986 §2.1); what is not text then is no model's name, and empty.
#[must_use]
pub fn decoded(path: &str) -> String {
    String::from_utf8(undone(path.as_bytes())).unwrap_or_default()
}

fn undone(bytes: &[u8]) -> Vec<u8> {
    let digit = |at: usize| {
        let byte = bytes.get(at)?;
        char::from(*byte).to_digit(16)
    };
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        out.push(hex.unwrap_or(bytes[at]));
        at += if hex.is_some() { 3 } else { 1 };
    }
    out
}

/// Whether a path leads to another place than it shows: one of its segments is `.` or `..`, plain, percent-encoded (once
/// or more often), before a `;`, or between backslashes. Servers take such segments away (RFC 3986 §5.2.4), and would
/// answer something that nobody allowed.
#[must_use]
pub fn climbs(path: &str) -> bool {
    let bytes = path.as_bytes();
    if memchr::memchr2(b'.', b'%', bytes).is_none() {
        return false;
    }
    let mut plain = Cow::Borrowed(bytes);
    // Some undo the encoding at each of their layers; nobody has this many.
    for _ in 0..DECODINGS {
        if !plain.contains(&b'%') {
            break;
        }
        plain = Cow::Owned(undone(&plain));
    }
    plain
        .split(|byte| matches!(byte, b'/' | b'\\'))
        .map(|segment| segment.split(|byte| *byte == b';').next())
        .any(|segment| matches!(segment, Some(b"." | b"..")))
}

/// How often the encoding of a path is undone where it is looked for what it hides.
const DECODINGS: usize = 4;

/// A model's name as one segment of a path: all but unreserved characters (RFC 3986 §2.3) encoded, but `:` and `@`,
/// which a segment may hold as they are.
#[must_use]
pub fn encoded(model: &str) -> Cow<'_, str> {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'@')
    };
    if model.bytes().all(plain) {
        return Cow::Borrowed(model);
    }
    let mut out = String::with_capacity(model.len() + 8);
    for byte in model.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_finds_the_model() {
        assert_eq!(matches("/v1/x", "/v1/x"), Some(None));
        assert_eq!(matches("/v1/x", "/v1/x/"), None);
        assert_eq!(
            matches("/model/{model}/converse", "/model/a:0/converse"),
            Some(Some("a:0"))
        );
        assert_eq!(
            matches(
                "/{id}/models/{model}:generateContent",
                "/v1beta/models/a/b:generateContent"
            ),
            Some(Some("a/b"))
        );
        assert_eq!(matches("/model/{model}/converse", "/model//converse"), None);
        assert_eq!(matches("/v1/files/{rest}", "/v1/files/"), None);
        assert_eq!(matches("/v1/files/{rest}", "/v1/files/a/b"), Some(None));
    }

    #[test]
    fn a_path_that_climbs_is_seen_however_it_is_written() {
        for path in [
            "/v1/files/../chat/completions",
            "/v1/files/..",
            "/v1/files/./x",
            "/v1/files/%2e%2E/x",
            "/v1/files/a%2F..%2Fb",
            "/v1/files/%252e%252e/x",
            "/v1/files/..;a=b/x",
            "/v1/files/..%3Bx/y",
            "/v1/files/..%5Cx",
            "/v1/files/%ff/../x",
        ] {
            assert!(climbs(path), "{path}");
        }
        for path in [
            "/v1/chat/completions",
            "/v1/files/file-1.txt/content",
            "/v1beta/models/gemini-2.5-pro:generateContent",
            "/v1/files/...",
            "/v1/files/.well",
            "/model/a%3A0/converse",
            "/v1/files/100%",
        ] {
            assert!(!climbs(path), "{path}");
        }
    }

    #[test]
    fn percent_encoding_is_undone_and_done() {
        assert_eq!(decoded("gpt-4%2Fmini"), "gpt-4/mini");
        assert_eq!(decoded("a%2"), "a%2");
        assert_eq!(decoded("a%zz%41"), "a%zzA");
        assert_eq!(decoded("%ff"), "");
        assert_eq!(decoded("%+1%é"), "%+1%é");
        assert_eq!(encoded("a/b c:0"), "a%2Fb%20c:0");
        assert_eq!(encoded("claude@1"), "claude@1");
    }
}
