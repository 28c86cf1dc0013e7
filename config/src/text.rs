//! Text to objects: YAML (and the JSON in it) as kubectl reads it, with the line and column of every field.
//!
//! kubectl reads YAML 1.1 through `sigs.k8s.io/yaml`, whose grammar is libyaml's: `on` is true, `010` is eight,
//! `<<` merges. The grammar here is libyaml's too, and scalars are resolved as that library does it; `tests/yaml/` holds
//! recordings of what it answers, which a test compares with this module.
//!
//! This reader is stricter in one thing: a key that stands twice in one mapping is refused, where kubectl silently takes
//! the last. An object without `apiVersion` or `kind` is refused, as by kubectl. It differs in two that nobody writes: it takes the escape `\/` outside of JSON, and refuses a tag that stands
//! right before a comma.

mod base64;
mod bounds;
mod identity;
mod json;
mod objects;
mod path;
mod scalar;
mod split;
mod tree;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use base64::decode as decode_base64;
pub use bounds::{MAX_DEPTH, MAX_FILE_BYTES, MAX_NODES, MAX_TEXT_BYTES};
pub use path::{child, item};

/// A place in a file. Lines and columns start at 1; a column counts characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Location {
    /// `FILE:LINE:COLUMN`, as editors and terminals link it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One object of a file: a mapping that stood as a document, or as an item of a `List`.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// What kubectl would send to the API server. Always an object; one that comes from a file has an `apiVersion` and
    /// a `kind`, each a text.
    pub value: Value,
    /// Where its fields stand.
    pub origin: Origin,
}

impl Document {
    /// An object that comes from no file, but from an API.
    #[must_use]
    pub fn of_value(value: Value) -> Self {
        let origin = Origin::default();
        Self { value, origin }
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        Self::of_value(value)
    }
}

/// Where the fields of one object stand: a field path to a place.
///
/// A path is written `spec.rules[0].when`; a key that is more than letters, digits, `_` and `-` stands in brackets and
/// quotes, as in `metadata.labels['weir.dev/api-key']`. [`child`] and [`item`] write such paths.
///
/// The origin of an object that comes from no file (`default()`) knows no places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    start: Option<(Arc<str>, Position)>,
    fields: BTreeMap<Box<str>, Position>,
}

impl Origin {
    /// The file that the object stands in, as the caller of [`parse_file`] named it.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.start.as_ref().map(|(file, _)| &**file)
    }

    /// Where `field` stands (its key, or the item of a list); a field that is absent stands where its nearest
    /// ancestor does. The empty path is the object itself.
    #[must_use]
    pub fn locate(&self, field: &str) -> Option<Location> {
        let (file, start) = self.start.as_ref()?;
        let mut path = field;
        while !path.is_empty() {
            if let Some(position) = self.fields.get(path) {
                return Some(position.of(file));
            }
            path = path::parent(path);
        }
        Some(start.of(file))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    line: u32,
    column: u32,
}

impl Position {
    fn of(self, file: &str) -> Location {
        Location {
            file: file.to_owned(),
            line: self.line,
            column: self.column,
        }
    }
}

/// What a file holds. Both lists are in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParsedFile {
    /// Every object that could be read.
    pub documents: Vec<Document>,
    /// Every document that could not. A file has more in it than `documents` exactly when this is not empty.
    pub problems: Vec<FileProblem>,
}

/// Why a document, or a whole file, can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// Where reading stopped.
    pub location: Location,
    /// What is wrong and what would be right. May quote keys, never values: they may be secrets.
    pub message: String,
    /// A stable name for the kind of fault.
    pub reason: FileReason,
}

/// The kinds of fault that keep text from being an object. `Display` is the stable name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileReason {
    /// The file could not be read from where it lies. Never made here, but by those who read files.
    Unreadable,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text is no YAML.
    InvalidYaml,
    /// A key stands twice in one mapping.
    DuplicateKey,
    /// A document is not a mapping.
    NotAnObject,
    /// An object has no `apiVersion` or no `kind`, so that nobody can say what it is.
    Unidentified,
    /// A bound on size, depth or expansion is passed.
    TooLarge,
}

impl FileReason {
    /// The stable name, as logs, metrics and `--format json` show it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "Unreadable",
            Self::NotUtf8 => "NotUTF8",
            Self::InvalidYaml => "InvalidYAML",
            Self::DuplicateKey => "DuplicateKey",
            Self::NotAnObject => "NotAnObject",
            Self::Unidentified => "Unidentified",
            Self::TooLarge => "TooLarge",
        }
    }
}

impl fmt::Display for FileReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads a file: any number of YAML documents, each an object or a `List` of objects.
///
/// Documents are cut at `---` before they are parsed, so that one that is broken does not take the others with it.
/// Empty documents are nothing. `name` is what locations say; no file is opened. Time and memory are bounded by
/// [`MAX_FILE_BYTES`], [`MAX_NODES`], [`MAX_TEXT_BYTES`] and [`MAX_DEPTH`].
#[must_use]
pub fn parse_file(name: &str, bytes: &[u8]) -> ParsedFile {
    identity::check(read_file(name, bytes))
}

/// The same, and objects that do not say what they are too.
fn read_file(name: &str, bytes: &[u8]) -> ParsedFile {
    let mut parsed = ParsedFile::default();
    match bounds::readable(bytes) {
        Ok(text) => {
            let file: Arc<str> = name.into();
            for chunk in split::documents(text) {
                objects::read(&file, &chunk, &mut parsed);
            }
        }
        Err(fault) => parsed.problems.push(fault.of(name)),
    }
    parsed
}

/// The text of the document that a problem of this file stands in; all of the file where that can't be told.
///
/// Whoever remembers what a file held finds out with it what a broken document may still stand for.
#[must_use]
pub fn around<'a>(bytes: &'a [u8], problem: &FileProblem) -> Cow<'a, str> {
    let Ok(text) = bounds::readable(bytes) else {
        return String::from_utf8_lossy(bytes);
    };
    let line = problem.location.line as usize;
    // A document that lacks its end is found wanting where the next one begins.
    let is_broken = |chunk: &split::Chunk<'_>| {
        let mut parsed = ParsedFile::default();
        objects::read(&"".into(), chunk, &mut parsed);
        !parsed.problems.is_empty()
    };
    let chunk = split::documents(text)
        .into_iter()
        .rfind(|chunk| chunk.lines_before < line && is_broken(chunk));
    Cow::Borrowed(chunk.map_or(text, |chunk| chunk.text))
}

/// Whether the folder source reads a file of this name (the last component only): `*.yaml`, `*.yml` and
/// `*.json`, no dotfiles. All are read alike, as YAML has JSON in it.
#[must_use]
pub fn is_config_file(name: &str) -> bool {
    let read = [".yaml", ".yml", ".json"];
    !name.starts_with('.') && read.iter().any(|end| name.ends_with(end))
}

/// Whether the folder source descends into a folder of this name: all but dotfolders, which include the `..data` and
/// `..2006_01_02…` of a mounted ConfigMap (its files are links beside them, and would be read twice).
#[must_use]
pub fn is_config_folder(name: &str) -> bool {
    !name.starts_with('.')
}

/// A fault before it knows its file.
#[derive(Debug)]
struct Fault {
    position: Position,
    reason: FileReason,
    message: String,
}

impl Fault {
    fn new(position: Position, reason: FileReason, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            position,
            reason,
            message,
        }
    }

    fn of(self, file: &str) -> FileProblem {
        FileProblem {
            location: self.position.of(file),
            message: self.message,
            reason: self.reason,
        }
    }
}

#[cfg(test)]
mod recorded_tests;
#[cfg(test)]
mod tests;
