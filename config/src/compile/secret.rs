//! The values of Secrets. No value of one is ever part of a message.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Environment;
use super::object::Object;
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
    fn new(reason: Reason, message: impl Into<String>) -> Self {
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

    /// The value of an entry, decoded and with its variables filled in. None if there is no such
    /// entry.
    pub(super) fn value(
        &self,
        name: &str,
        env: Option<Environment<'_>>,
    ) -> Option<Result<Vec<u8>, Fault>> {
        self.entries.get(name).map(|entry| entry.read(env))
    }
}

impl Entry<'_> {
    fn read(&self, env: Option<Environment<'_>>) -> Result<Vec<u8>, Fault> {
        let Value::String(written) = self.value else {
            return Err(Fault::new(
                Reason::WrongType,
                "must be a text: put it in quotes",
            ));
        };
        let filled = fill(written, env)?;
        if self.below == "stringData" {
            return Ok(filled.unwrap_or_else(|| written.clone()).into_bytes());
        }
        let base64 = filled.as_deref().unwrap_or(written);
        let Some(decoded) = decode_base64(base64) else {
            return Err(Fault::new(
                Reason::InvalidFormat,
                "must be base64; plain text goes under stringData",
            ));
        };
        // `kubectl create secret` makes base64 of `${VARIABLE}` as of anything.
        match (filled.is_some(), std::str::from_utf8(&decoded)) {
            (false, Ok(text)) => Ok(fill(text, env)?.map_or(decoded, String::into_bytes)),
            _ => Ok(decoded),
        }
    }
}

/// The text with each `${VARIABLE}` replaced by its value, or none if there is nothing to replace. `$${` stands
/// for a `${` that is meant as it is. What the variables hold is not looked at again.
fn fill(text: &str, env: Option<Environment<'_>>) -> Result<Option<String>, Fault> {
    let Some(env) = env.filter(|_| text.contains("${")) else {
        return Ok(None);
    };
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, opened) = (&rest[..at], &rest[at + 2..]);
        if let Some(plain) = before.strip_suffix('$') {
            filled.push_str(plain);
            filled.push_str("${");
            rest = opened;
            continue;
        }
        filled.push_str(before);
        let Some((name, after)) = opened.split_once('}').filter(|(name, _)| is_variable(name))
        else {
            return Err(Fault::new(
                Reason::InvalidFormat,
                "has a ${ that begins no variable such as ${OPENAI_API_KEY}; write $${ for one that is meant as it is",
            ));
        };
        let Some(value) = env(name) else {
            return Err(Fault::new(
                Reason::UnsetVariable,
                format!("the environment variable {name} is not set"),
            ));
        };
        filled.push_str(&value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(Some(filled))
}

fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
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

/// A secret that is sent in a header: visible ASCII without spaces (RFC 9110 §5.5, less what no provider uses).
pub(super) fn header_text(bytes: Vec<u8>) -> Result<String, Fault> {
    let refuse = |message: &str| Err(Fault::new(Reason::InvalidSecret, message));
    if bytes.is_empty() {
        return refuse("must not be empty");
    }
    if bytes.ends_with(b"\n") || bytes.ends_with(b"\r") {
        return refuse(
            "ends with a line break, which is no part of the secret: write it without one (echo -n, or |- in YAML)",
        );
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(text),
        _ => refuse("must be visible ASCII characters without spaces, as it is sent in a header"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<Option<String>, String> {
        let env = |name: &str| (name == "KEY").then(|| "${KEY}-1".to_owned());
        fill(text, Some(&env)).map_err(|fault| fault.message)
    }

    #[test]
    fn variables_are_filled_in_once() {
        assert_eq!(filled("plain $KEY"), Ok(None));
        assert_eq!(
            filled("a${KEY}b${KEY}"),
            Ok(Some("a${KEY}-1b${KEY}-1".into()))
        );
        assert_eq!(filled("$${KEY}"), Ok(Some("${KEY}".into())));
        assert_eq!(
            filled("${OTHER}"),
            Err("the environment variable OTHER is not set".into())
        );
        for broken in ["${", "${}", "${a b}", "${1}", "x${KEY"] {
            assert_eq!(
                filled(broken),
                Err("has a ${ that begins no variable such as ${OPENAI_API_KEY}; write $${ for one that is meant as it is".into()),
                "{broken}"
            );
        }
    }

    #[test]
    fn without_an_environment_nothing_is_filled_in() {
        assert_eq!(fill("${KEY}", None), Ok(None));
    }
}
