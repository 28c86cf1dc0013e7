//! `multipart/form-data` (RFC 7578, with the framing of RFC 2046 §5.1), read as it comes: where each
//! part's value lies, and the values of the small ones. Files pass by and are not kept.
//!
//! What two readers could read differently is refused, since the provider is the other reader: a
//! model that Weir does not see is a model that nobody allowed.

use std::fmt;
use std::ops::Range;

use memchr::memmem::{self, Finder};

use crate::splice::Splice;

mod header;

/// The longest value that is kept, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;
/// What all values that are kept may come to, in bytes.
const MAX_KEPT: usize = 256 * 1024;
/// What the header of a part may come to, in bytes.
const MAX_HEADER: usize = 8 * 1024;
/// Parts of a body.
const MAX_PARTS: usize = 256;
/// What is looked at in one go, so that what is carried over stays small.
const STEP: usize = 16 * 1024;

/// Reads a form as its bytes come. How they are cut makes no difference.
#[derive(Debug)]
pub struct Multipart {
    /// CRLF, two hyphens and the boundary.
    delimiter: Vec<u8>,
    finder: Finder<'static>,
    single: &'static [&'static str],
    state: State,
    /// What was fed and is not yet used; it begins at `at` in the body.
    pending: Vec<u8>,
    at: u64,
    /// How far `pending` was looked through for the end of a header.
    seen: usize,
    part: Option<Part>,
    fields: Vec<Field>,
    kept: usize,
    failed: Option<BadForm>,
}

/// A part that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Whether it is a file: whether it has a file name.
    pub file: bool,
    /// Its value, unless it is a file or longer than [`MAX_VALUE`], or too many were kept before it.
    pub value: Option<Vec<u8>>,
    /// Where its value lies in the body.
    pub range: Range<u64>,
}

/// A part under way.
#[derive(Debug)]
struct Part {
    name: String,
    file: bool,
    single: bool,
    value: Option<Vec<u8>>,
    start: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    Start,
    /// Behind a boundary.
    Boundary,
    Header,
    /// At the first byte of a value.
    ValueStart,
    Value,
    /// Behind the last boundary.
    End,
}

/// Why a form can't be read. No value of it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadForm {
    /// The content type is not `multipart/form-data` with one boundary.
    ContentType,
    /// The body is not framed as its content type says, or not unambiguously; says in what.
    Malformed(&'static str),
    /// The header of a part is too large.
    HeaderTooLarge,
    /// There are too many parts.
    TooManyParts,
    /// This field, which may be there once, is there again.
    Repeated(&'static str),
    /// This field, which has to be a short text, is a file, or too long.
    NotText(&'static str),
}

impl fmt::Display for BadForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContentType => {
                f.write_str("the content type is not multipart/form-data with a boundary")
            }
            Self::Malformed(what) => write!(f, "the form can't be read: {what}"),
            Self::HeaderTooLarge => f.write_str("a part of the form has too large a header"),
            Self::TooManyParts => write!(f, "the form has more than {MAX_PARTS} parts"),
            Self::Repeated(name) => write!(f, "the form has {name} more than once"),
            Self::NotText(name) => write!(f, "{name} is not a short text in UTF-8"),
        }
    }
}

impl std::error::Error for BadForm {}

impl Field {
    /// Its value, if that was kept and is text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.value.as_ref()?).ok()
    }

    /// The change that gives it another value.
    #[must_use]
    pub fn with(&self, value: impl Into<Vec<u8>>) -> Option<Splice> {
        let start = usize::try_from(self.range.start).ok()?;
        let end = usize::try_from(self.range.end).ok()?;
        Some(Splice::new(start..end, value))
    }
}

impl Multipart {
    /// A form of this `content-type`. The fields of the names in `single` may be there once each, and
    /// are short texts: a form where one is not is refused, however late that is seen. Weir decides
    /// by such a field, and which of two the provider would take is anybody's guess.
    ///
    /// # Errors
    /// [`BadForm::ContentType`]
    pub fn new(content_type: &[u8], single: &'static [&'static str]) -> Result<Self, BadForm> {
        let boundary = header::boundary(content_type).ok_or(BadForm::ContentType)?;
        let delimiter = [b"\r\n--", boundary].concat();
        Ok(Self {
            finder: Finder::new(&delimiter).into_owned(),
            delimiter,
            single,
            state: State::Start,
            pending: Vec::new(),
            at: 0,
            seen: 0,
            part: None,
            fields: Vec::new(),
            kept: 0,
            failed: None,
        })
    }

    /// Reads on.
    ///
    /// # Errors
    /// What makes a form unreadable, and that again ever after.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), BadForm> {
        for step in bytes.chunks(STEP) {
            if let Some(failed) = &self.failed {
                return Err(failed.clone());
            }
            self.pending.extend_from_slice(step);
            loop {
                match self.step() {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        self.pending = Vec::new();
                        self.part = None;
                        self.failed = Some(error.clone());
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    /// The parts that have ended, in their order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The first part of this name that has ended.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether the last boundary was read: a body that ends before it is not whole.
    #[must_use]
    pub fn done(&self) -> bool {
        self.state == State::End
    }

    /// One step; false where more bytes are needed for it.
    fn step(&mut self) -> Result<bool, BadForm> {
        match self.state {
            State::Start => {
                let bare = begins(&self.pending, &self.delimiter[2..]);
                let with_line_end = begins(&self.pending, &self.delimiter);
                let length = match (bare, with_line_end) {
                    (Some(true), _) => self.delimiter.len() - 2,
                    (_, Some(true)) => self.delimiter.len(),
                    (Some(false), Some(false)) => {
                        return Err(BadForm::Malformed("it does not begin with its boundary"));
                    }
                    _ => return Ok(false),
                };
                self.consume(length);
                self.state = State::Boundary;
                Ok(true)
            }
            State::Boundary => {
                let next = begins(&self.pending, b"\r\n");
                let last = begins(&self.pending, b"--");
                self.state = match (next, last) {
                    (Some(true), _) => State::Header,
                    (_, Some(true)) => State::End,
                    (Some(false), Some(false)) => {
                        return Err(BadForm::Malformed("a boundary goes on"));
                    }
                    _ => return Ok(false),
                };
                self.consume(2);
                Ok(true)
            }
            State::Header => self.header(),
            State::ValueStart => match begins(&self.pending, &self.delimiter[2..]) {
                // Some take this for the end of an empty value.
                Some(true) => Err(BadForm::Malformed("a value begins with the boundary")),
                Some(false) => {
                    self.state = State::Value;
                    Ok(true)
                }
                None => Ok(false),
            },
            State::Value => self.value(),
            State::End => match begins(b"\r\n", &self.pending) {
                Some(false) => Err(BadForm::Malformed("something follows its last boundary")),
                _ if self.pending.len() > 2 => {
                    Err(BadForm::Malformed("something follows its last boundary"))
                }
                _ => Ok(false),
            },
        }
    }

    fn header(&mut self) -> Result<bool, BadForm> {
        let from = self.seen.saturating_sub(3);
        let Some(end) = memmem::find(&self.pending[from..], b"\r\n\r\n") else {
            self.seen = self.pending.len();
            return if self.pending.len() > MAX_HEADER + 3 {
                Err(BadForm::HeaderTooLarge)
            } else {
                Ok(false)
            };
        };
        let end = from + end;
        if end > MAX_HEADER {
            return Err(BadForm::HeaderTooLarge);
        }
        let read = header::part(&self.pending[..end]).map_err(BadForm::Malformed)?;
        if self.fields.len() == MAX_PARTS {
            return Err(BadForm::TooManyParts);
        }
        let single = self.single.iter().find(|name| **name == read.name);
        if let Some(name) = single {
            if read.file || !read.plain {
                return Err(BadForm::NotText(name));
            }
            if self.field(name).is_some() {
                return Err(BadForm::Repeated(name));
            }
        }
        let kept = !read.file && (self.kept < MAX_KEPT || single.is_some());
        self.consume(end + 4);
        self.seen = 0;
        self.part = Some(Part {
            name: read.name,
            file: read.file,
            single: single.is_some(),
            value: kept.then(Vec::new),
            start: self.at,
        });
        self.state = State::ValueStart;
        Ok(true)
    }

    fn value(&mut self) -> Result<bool, BadForm> {
        let end = self.finder.find(&self.pending);
        // The start of a boundary may be the last that has come.
        let carried = self.delimiter.len() - 1;
        let length = end.unwrap_or(self.pending.len().saturating_sub(carried));
        self.keep(length)?;
        let value_end = self.at + length as u64;
        if end.is_none() {
            self.consume(length);
            return Ok(false);
        }
        self.consume(length + self.delimiter.len());
        if let Some(part) = self.part.take() {
            self.end(part, value_end)?;
        }
        self.state = State::Boundary;
        Ok(true)
    }

    /// Keeps what comes next of a value, unless that becomes too long.
    fn keep(&mut self, length: usize) -> Result<(), BadForm> {
        let Some(part) = &mut self.part else {
            return Ok(());
        };
        let Some(value) = &mut part.value else {
            return Ok(());
        };
        if value.len() + length <= MAX_VALUE {
            value.extend_from_slice(&self.pending[..length]);
            return Ok(());
        }
        part.value = None;
        if part.single {
            return Err(not_text(self.single, &part.name));
        }
        Ok(())
    }

    fn end(&mut self, part: Part, end: u64) -> Result<(), BadForm> {
        let value = part.value.map(|mut value| {
            value.shrink_to_fit();
            value
        });
        let text = |value: &Vec<u8>| std::str::from_utf8(value).is_ok();
        if part.single && !value.as_ref().is_some_and(text) {
            return Err(not_text(self.single, &part.name));
        }
        self.kept += value.as_ref().map_or(0, Vec::len);
        self.fields.push(Field {
            name: part.name,
            file: part.file,
            value,
            range: part.start..end,
        });
        Ok(())
    }

    fn consume(&mut self, length: usize) {
        self.pending.drain(..length);
        self.at += length as u64;
    }
}

fn not_text(single: &[&'static str], name: &str) -> BadForm {
    let name = single.iter().find(|single| **single == name);
    BadForm::NotText(name.copied().unwrap_or_default())
}

/// Whether `bytes` begin with `with`; `None` where they end too early to tell.
fn begins(bytes: &[u8], with: &[u8]) -> Option<bool> {
    let here = bytes.len().min(with.len());
    if bytes[..here] == with[..here] {
        (here == with.len()).then_some(true)
    } else {
        Some(false)
    }
}
