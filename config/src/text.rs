//! Text of resources, and where in it each field stands.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The file's name, as the caller gave it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// One object of a text.
#[derive(Clone, Debug)]
pub struct Document {
    /// The object.
    pub value: serde_json::Value,
    /// Where its fields stand.
    pub origin: Origin,
}

/// Where the fields of a document stand.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    places: BTreeMap<String, Location>,
}

impl Origin {
    /// Where the field of this path stands, or the nearest thing around it that is there.
    #[must_use]
    pub fn locate(&self, path: &str) -> Option<Location> {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return Some(place.clone());
            }
            if path.is_empty() {
                return None;
            }
            path = &path[..path.rfind(['.', '[']).unwrap_or(0)];
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
