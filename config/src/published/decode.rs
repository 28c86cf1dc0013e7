//! What was published, read back. No error quotes what it reads: there are credentials in it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use flate2::bufread::GzDecoder;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::{FORMAT_ANNOTATION, MAX_UNPACKED, PARTS_ENTRY, SHARD_ENTRY, TERM_ANNOTATION};
use crate::snapshot::{FORMATS, Shard};

/// What the Secret of a namespace says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Index {
    /// All of the shard.
    Whole(Shard),
    /// The names of the Secrets that hold its parts, in their order.
    Parts(Vec<String>),
}

/// Who wrote a shard, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its format, one of [`FORMATS`].
    pub format: u32,
    /// The term of the leader.
    pub term: u64,
}

/// Why what was published can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// There is no such entry, or no such annotation.
    Missing(&'static str),
    /// The annotation of this name is no number.
    NoNumber(&'static str),
    /// It is of a format that this version does not read.
    Format(u32),
    /// It is not gzip, or cut off, or its checksum is wrong.
    Packing,
    /// It unpacks to more than [`MAX_UNPACKED`] bytes.
    TooLarge,
    /// It is not JSON: at this line and column.
    Json(usize, usize),
    /// It is JSON and not of this format, such as a field that this version does not know: at this line and column.
    Shape(usize, usize),
}

impl DecodeError {
    pub(super) fn content(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        match error.classify() {
            Category::Data => Self::Shape(line, column),
            Category::Io | Category::Syntax | Category::Eof => Self::Json(line, column),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "has no {name}"),
            Self::NoNumber(name) => write!(f, "its {name} is no number"),
            Self::Format(format) => {
                let known = FORMATS.map(|known| known.to_string()).join(" and ");
                write!(f, "is of format {format}; this version reads {known}")
            }
            Self::Packing => f.write_str("is no gzip that is whole"),
            Self::TooLarge => write!(f, "unpacks to more than {MAX_UNPACKED} bytes"),
            Self::Json(line, column) => write!(f, "is no JSON (line {line}, column {column})"),
            Self::Shape(line, column) => write!(
                f,
                "has something that this version does not know (line {line}, column {column})"
            ),
        }
    }
}

impl std::error::Error for DecodeError {}

impl Stamp {
    /// Reads the annotations of a shard's Secret. To be asked before the data is read: what another format means by
    /// the same words is not known here.
    ///
    /// # Errors
    /// One is missing or no number, or the format is none of [`FORMATS`].
    pub fn read(annotations: &BTreeMap<String, String>) -> Result<Self, DecodeError> {
        let format = number(annotations, FORMAT_ANNOTATION)?;
        if !FORMATS.contains(&format) {
            return Err(DecodeError::Format(format));
        }
        let term = number(annotations, TERM_ANNOTATION)?;
        Ok(Self { format, term })
    }
}

fn number<T: std::str::FromStr>(
    annotations: &BTreeMap<String, String>,
    name: &'static str,
) -> Result<T, DecodeError> {
    let text = annotations.get(name).ok_or(DecodeError::Missing(name))?;
    text.parse().map_err(|_| DecodeError::NoNumber(name))
}

/// Reads the data of a namespace's Secret. Whether the shard is of the namespace that the Secret's
/// [name](super::namespace_of) says is for the caller to see.
///
/// # Errors
/// It is not what [`encode`](super::encode) writes.
pub fn read_index(data: &BTreeMap<String, Vec<u8>>) -> Result<Index, DecodeError> {
    if let Some(packed) = data.get(SHARD_ENTRY) {
        return join([packed.as_slice()]).map(Index::Whole);
    }
    let names = data
        .get(PARTS_ENTRY)
        .ok_or(DecodeError::Missing(SHARD_ENTRY))?;
    parse(names).map(Index::Parts)
}

/// The shard whose parts these are, in their order: the entries [`PART_ENTRY`](super::PART_ENTRY) of the Secrets that
/// the index names.
///
/// # Errors
/// They are not what [`encode`](super::encode) writes, or not in its order.
pub fn join<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Shard, DecodeError> {
    let packed: Vec<u8> = parts.into_iter().flatten().copied().collect();
    parse(&unpack(&packed)?)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(bytes).map_err(|error| DecodeError::content(&error))
}

/// Bounded, as a few bytes may unpack to very many.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut bytes = Vec::new();
    let mut reader = GzDecoder::new(packed).take(MAX_UNPACKED as u64 + 1);
    reader
        .read_to_end(&mut bytes)
        .map_err(|_| DecodeError::Packing)?;
    if bytes.len() > MAX_UNPACKED {
        return Err(DecodeError::TooLarge);
    }
    if !reader.into_inner().into_inner().is_empty() {
        return Err(DecodeError::Packing);
    }
    Ok(bytes)
}
