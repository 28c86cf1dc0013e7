//! The values of Secrets. No value of one is ever part of a message.

use std::collections::BTreeMap;

use serde_json::Value;

use super::object::Object;
use super::variables::{Holds, Variables, fill};
use crate::credential::header;
use crate::text::{child, decode_base64};
use crate::verdict::{Problem, Reason};

/// The entries of one Secret.
pub(super) struct Entries<'a> {
    entries: BTreeMap<&'a str, Entry<'a>>,
}

/// One entry, as it is written.
#[derive(Clone, Copy)]
struct Entry<'a> {
    /// `data` or `stringData`.
    below: &'static str,
    value: &'a Value,
}

/// Why the value of an entry can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: Reason,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

impl<'a> Entries<'a> {
    /// The entries of a Secret; those of `stringData` go before those of `data`, as in Kubernetes.
    pub(super) fn of(secret: &Object<'a>) -> Self {
        let mut entries = BTreeMap::new();
        for below in ["data", "stringData"] {
            let fields = secret.field(below).and_then(Value::as_object);
            for (name, value) in fields.into_iter().flatten() {
                entries.insert(name.as_str(), Entry { below, value });
            }
        }
        Self { entries }
    }

    /// The names of the entries.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().copied()
    }

    /// The path of an entry in its Secret, as in `data.key`.
    pub(super) fn path(&self, name: &str) -> String {
        let below = self.entries.get(name).map_or("data", |entry| entry.below);
        child(below, name)
    }

    /// The value of an entry that holds this, decoded and with its variables filled in. None if there is no such
    /// entry.
    pub(super) fn value(
        &self,
        name: &str,
        holds: Holds,
        variables: Option<Variables<'_>>,
    ) -> Option<Result<Vec<u8>, Fault>> {
        let entry = self.entries.get(name)?;
        Some(entry.read(holds, variables))
    }
}

impl Entry<'_> {
    fn read(&self, holds: Holds, variables: Option<Variables<'_>>) -> Result<Vec<u8>, Fault> {
        let Value::String(written) = self.value else {
            return Err(Fault::new(
                Reason::WrongType,
                "must be a text: put it in quotes",
            ));
        };
        let filled = fill(written, holds, variables)?;
        if self.below == "stringData" {
            return Ok(filled
                .map_or(written.clone(), |filled| filled.text)
                .into_bytes());
        }
        let base64 = match &filled {
            // What stands in is not encoded.
            Some(filled) if filled.has_stand_in => return Ok(filled.text.clone().into_bytes()),
            Some(filled) => &filled.text,
            None => written,
        };
        let Some(decoded) = decode_base64(base64) else {
            return Err(Fault::new(
                Reason::InvalidFormat,
                "must be base64; plain text goes under stringData",
            ));
        };
        // `kubectl create secret` makes base64 of `${VARIABLE}` as of anything.
        match (filled.is_some(), std::str::from_utf8(&decoded)) {
            (false, Ok(text)) => {
                let filled = fill(text, holds, variables)?;
                Ok(filled.map_or(decoded, |filled| filled.text.into_bytes()))
            }
            _ => Ok(decoded),
        }
    }
}

/// Refuses what no Secret is like: other fields, and data that is no object.
pub(super) fn check_shape(secret: &mut Object<'_>) {
    secret.only_fields(&["data", "stringData", "type", "immutable"]);
    for below in ["data", "stringData"] {
        if let Some(value) = secret.field(below)
            && !value.is_object()
            && !value.is_null()
        {
            let message = "must be an object of texts";
            secret
                .problems
                .push(Problem::new(Reason::WrongType, below, message));
        }
    }
    if let Some(value) = secret.field("type")
        && !value.is_string()
    {
        let message = "must be a text: put it in quotes";
        secret
            .problems
            .push(Problem::new(Reason::WrongType, "type", message));
    }
}

/// A secret that is sent in a header: visible ASCII without spaces.
pub(super) fn header_text(bytes: Vec<u8>) -> Result<String, Fault> {
    let text = text(bytes);
    match header(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Fault::new(Reason::InvalidSecret, error.to_string())),
    }
}

/// The value as a text. What is none becomes one that is no ASCII, and is refused for that.
pub(super) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
