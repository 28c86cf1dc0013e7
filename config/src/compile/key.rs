//! API keys: Secrets of type `weir.dev/api-key`, or with the label `weir.dev/api-key: "true"`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::object::Object;
use super::secret::{Entries, header_text};
use super::variables::{Holds, Variables};
use super::workspace::Claims;
use crate::schema::{known_or, suggestion};
use crate::snapshot::{ApiKey, Sha256, Snapshot};
use crate::text::child;
use crate::verdict::{ObjectId, Problem, Reason};

/// The type, and the key of the label.
const MARK: &str = "weir.dev/api-key";
/// The annotation that holds the expiry.
const EXPIRY: &str = "weir.dev/expires-at";
/// The shortest value that is no guess.
const LEAST: usize = 32;
/// The longest value, which is well below what a header may hold.
const MOST: usize = 1024;
/// The entries that hold values.
const ENTRIES: [&str; 2] = ["key", "nextKey"];

/// What a Secret says of itself as an API key.
pub(super) struct Draft {
    /// What could be read: the hashes of the values that are fit for use, and the expiry.
    pub(super) key: ApiKey,
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
}

/// Whether a Secret means to be an API key: it says so in its type, or the label is `"true"`. One whose label is no text,
/// as of a `true` without its quotes, is refused as a key rather than passed over.
pub(super) fn is_key(secret: &Object<'_>) -> bool {
    has_type(secret) || label(secret).is_some_and(|label| label == "true" || !label.is_string())
}

fn has_type(secret: &Object<'_>) -> bool {
    secret.field("type").and_then(Value::as_str) == Some(MARK)
}

fn label<'a>(secret: &Object<'a>) -> Option<&'a Value> {
    secret.field("metadata")?.get("labels")?.get(MARK)
}

/// Reads an API key.
pub(super) fn read(secret: &Object<'_>, variables: Option<Variables<'_>>) -> Draft {
    let mut problems = secret.problems.clone();
    let mut hashes = Vec::new();
    let entries = Entries::of(secret);
    for name in ENTRIES {
        match entries.value(name, Holds::Token, variables) {
            Some(value) => match value.and_then(header_text) {
                Ok(text) if (LEAST..=MOST).contains(&text.len()) => {
                    let hash = Sha256::of(text.as_bytes());
                    if !hashes.contains(&hash) {
                        hashes.push(hash);
                    }
                }
                Ok(text) => problems.push(Problem::new(
                    Reason::InvalidSecret,
                    entries.path(name),
                    format!(
                        "must have {LEAST} to {MOST} characters, and has {}",
                        text.len()
                    ),
                )),
                Err(fault) => {
                    problems.push(Problem::new(
                        fault.reason,
                        entries.path(name),
                        fault.message,
                    ));
                }
            },
            None => problems.extend(missing(name, &entries)),
        }
    }
    // Refused for what it is written as, but it says no readably.
    if !has_type(secret) && label(secret) == Some(&Value::Bool(false)) {
        hashes.clear();
    }
    let expires_at = expiry(secret, &mut problems);
    unknown_annotations(secret, &mut problems);
    let key = ApiKey {
        created: secret.created,
        hashes,
        expires_at,
    };
    Draft { key, problems }
}

fn missing(name: &str, entries: &Entries<'_>) -> Option<Problem> {
    let others: Vec<&str> = entries
        .names()
        .filter(|other| !ENTRIES.contains(other))
        .collect();
    if name == "key" {
        let hint = match others.as_slice() {
            [] => String::new(),
            others => format!("; the Secret has {}", others.join(", ")),
        };
        let message = format!("is required: the value of the API key{hint}");
        return Some(Problem::new(Reason::Required, "data.key", message));
    }
    let meant = suggestion(name, others);
    meant.map(|meant| {
        let message = "there is no such entry; did you mean nextKey?";
        Problem::new(Reason::UnknownField, entries.path(meant), message)
    })
}

fn expiry(secret: &Object<'_>, problems: &mut Vec<Problem>) -> Option<i64> {
    let written = secret.annotations.get(EXPIRY)?;
    match written.parse::<Timestamp>() {
        Ok(time) => Some(time.as_second()),
        Err(_) => {
            problems.push(Problem::new(
                Reason::InvalidFormat,
                child("metadata.annotations", EXPIRY),
                "must be a time as in RFC 3339 with its offset, such as 2027-01-31T00:00:00Z",
            ));
            None
        }
    }
}

/// An expiry that is misspelt would be one that never comes.
fn unknown_annotations(secret: &Object<'_>, problems: &mut Vec<Problem>) {
    for name in secret.annotations.keys() {
        if name.starts_with("weir.dev/") && name != EXPIRY {
            let hint = known_or(name, [EXPIRY], || format!("; there is only {EXPIRY}"));
            problems.push(Problem::new(
                Reason::UnknownField,
                child("metadata.annotations", name),
                format!("there is no such annotation{hint}"),
            ));
        }
    }
}

/// The last good version of a key, less what the refused one takes back: a value that is not in it any more, and
/// time. None if nothing is left.
pub(super) fn narrow(last: &ApiKey, draft: &ApiKey) -> Option<ApiKey> {
    let hashes: Vec<Sha256> = last
        .hashes
        .iter()
        .filter(|hash| draft.hashes.contains(hash))
        .copied()
        .collect();
    let expires_at = match (last.expires_at, draft.expires_at) {
        (Some(last), Some(draft)) => Some(last.min(draft)),
        (last, draft) => last.or(draft),
    };
    (!hashes.is_empty()).then_some(ApiKey {
        created: last.created,
        hashes,
        expires_at,
    })
}

/// Refuses each value that another Secret has a better claim to.
pub(super) fn refuse_duplicates(
    drafts: &mut BTreeMap<ObjectId, Draft>,
    claims: &Claims,
    previous: &Snapshot,
) {
    for (id, draft) in drafts {
        let problems = &mut draft.problems;
        let created = draft.key.created;
        draft.key.hashes.retain(|hash| {
            let Some((owner, of)) = claims.owner(hash, previous) else {
                return true;
            };
            if owner == id {
                return true;
            }
            let why = if created == of {
                "which goes first"
            } else {
                "which is older"
            };
            problems.push(Problem::new(
                Reason::DuplicateKey,
                "data",
                format!(
                    "a value of this key stands in {owner} too, {why}: give each key a value of its own"
                ),
            ));
            false
        });
    }
}
