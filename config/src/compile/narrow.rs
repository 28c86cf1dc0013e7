//! What a refused version takes back from the last good one.
//!
//! A refused version is read as far as it can be: what it says is an upper bound on what it would let through, and
//! what can't be read bounds nothing. The last good version is cut down to that bound, so that a withdrawal counts at
//! once, and a slip of the pen beside it costs nothing.
//!
//! A list lets through what its readable entries do: beside one that can be read, one that can't is taken for something
//! new, and keeps nothing of what was there before. A list of which nothing can be read, and a value that is no list,
//! can't be read. An empty list of consumers is nobody; models of which there are none say nothing: to serve none is to
//! delete the resource.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::namespace::namespaces;
use crate::snapshot::{
    ConsumerKind, Consumers, NAME_LABEL, Namespaces, Operator, ProviderModel, Requirement,
    SecretRef, WorkloadIdentity,
};

/// More sets of consumers than one route could ever have come to by mistake; what is beyond is let go of.
const MOST_CONSUMERS: usize = 256;

/// The namespaces that a refused version lets in, if it says so readably.
pub(super) fn readable_namespaces(written: Option<&Value>) -> Option<Namespaces> {
    let wide = weir_crds::Namespaces::deserialize(written?).ok()?;
    Some(namespaces(Some(&wide)))
}

/// Whether a refused version still has this as its `credentials.secretRef`, as far as it can be read.
pub(super) fn still_refers(credentials: Option<&Value>, from: &SecretRef) -> bool {
    match credentials {
        None => false,
        Some(Value::Object(members)) => match members.get("secretRef") {
            Some(reference) => {
                let same = |field: &str, value: &str| {
                    reference
                        .get(field)
                        .and_then(Value::as_str)
                        .is_none_or(|new| new == value)
                };
                same("name", &from.name) && same("key", &from.key)
            }
            None => may_be_misspelt(members, &["workloadIdentity"]),
        },
        Some(_) => true,
    }
}

/// Whether there is a member that nobody knows, which may be a misspelt one; `others` are known.
fn may_be_misspelt(members: &Map<String, Value>, others: &[&str]) -> bool {
    members.keys().any(|name| !others.contains(&name.as_str()))
}

/// Whether a refused version still has this as its `credentials.workloadIdentity`, as far as it can be read.
pub(super) fn still_is(credentials: Option<&Value>, identity: &WorkloadIdentity) -> bool {
    let member = match identity {
        WorkloadIdentity::Aws { .. } => "aws",
        WorkloadIdentity::Gcp {} => "gcp",
        WorkloadIdentity::Azure { .. } => "azure",
    };
    let given = match identity {
        WorkloadIdentity::Aws { role_arn } => vec![("roleArn", role_arn)],
        WorkloadIdentity::Gcp {} => Vec::new(),
        WorkloadIdentity::Azure {
            tenant_id,
            client_id,
        } => vec![("tenantId", tenant_id), ("clientId", client_id)],
    };
    // The member of this name, or whether what stands there may be meant to be it.
    let below = |above: &Value, name: &str, others: &[&str]| match above {
        Value::Object(members) => match members.get(name) {
            Some(below) => Ok(below.clone()),
            None => Err(may_be_misspelt(members, others)),
        },
        _ => Err(true),
    };
    let Some(credentials) = credentials else {
        return false;
    };
    let found = below(credentials, "workloadIdentity", &["secretRef"])
        .and_then(|of| below(&of, member, &["aws", "gcp", "azure"]));
    match found {
        Err(unclear) => unclear,
        Ok(fields) => given.into_iter().all(|(name, last)| {
            let new = fields.get(name);
            new.is_some_and(|new| !new.is_string())
                || new.and_then(Value::as_str) == last.as_deref()
        }),
    }
}

/// The models that a refused provider lists, as far as its entries can be read; none if there is no list.
pub(super) fn readable_models(written: Option<&Value>) -> Option<Vec<ProviderModel>> {
    let entries = written?.as_array()?.iter();
    let models = entries.filter_map(|entry| {
        let text = |field: &str| entry.get(field).and_then(Value::as_str);
        let name = text("name")?;
        Some(ProviderModel {
            name: name.to_owned(),
            upstream_name: text("upstreamName").unwrap_or(name).to_owned(),
            price: BTreeMap::new(),
        })
    });
    some(models.collect())
}

/// The names and patterns that a refused route lists, as far as its entries can be read; none if there is no list.
pub(super) fn readable_patterns(written: Option<&Value>) -> Option<Vec<String>> {
    let entries = written?.as_array()?.iter();
    let texts = entries.filter_map(|entry| entry.as_str().map(str::to_owned));
    some(texts.collect())
}

/// The entries that can be read, if there are any.
fn some<T>(readable: Vec<T>) -> Option<Vec<T>> {
    (!readable.is_empty()).then_some(readable)
}

/// The consumers that a refused route lets in, by the entries that can be read in part at least; none if there is no
/// list.
pub(super) fn readable_consumers(written: Option<&Value>) -> Option<Vec<Consumers>> {
    let Some(written) = written else {
        return Some(Consumers::of_the_namespace());
    };
    let entries = written.as_array()?;
    if entries.is_empty() {
        return Some(Vec::new());
    }
    some(entries.iter().flat_map(readable_consumer).collect())
}

/// Those whom an entry lets in. One that has two members is refused, and lets in those of both.
fn readable_consumer(entry: &Value) -> Vec<Consumers> {
    let members = [
        ("serviceAccounts", ConsumerKind::ServiceAccount),
        ("apiKeys", ConsumerKind::ApiKey),
    ];
    let members = members.into_iter().filter_map(|(member, kind)| {
        let some = entry.as_object()?.get(member)?.as_object()?;
        let written = some.get("names");
        let nobody = written.is_some_and(|names| names.as_array().is_some_and(Vec::is_empty));
        let names = nobody.then(Vec::new).or_else(|| readable_patterns(written));
        let namespaces = match some.get("namespaces") {
            None => Namespaces::Same,
            // What can't be read bounds nothing.
            written => readable_namespaces(written).unwrap_or(Namespaces::All),
        };
        Some(Consumers::new(kind, names, namespaces))
    });
    members.collect()
}

/// Those that both let in, for a resource in the namespace `own`.
pub(super) fn both(left: &Namespaces, right: &Namespaces, own: &str) -> Namespaces {
    match (left, right) {
        (Namespaces::All, other) | (other, Namespaces::All) => other.clone(),
        (Namespaces::Same, Namespaces::Same) => Namespaces::Same,
        (Namespaces::Same, Namespaces::Selector(requirements))
        | (Namespaces::Selector(requirements), Namespaces::Same) => {
            Namespaces::Selector(joined(requirements, &[named(own)]))
        }
        (Namespaces::Selector(left), Namespaces::Selector(right)) => {
            Namespaces::Selector(joined(left, right))
        }
    }
}

fn named(namespace: &str) -> Requirement {
    Requirement {
        key: NAME_LABEL.to_owned(),
        operator: Operator::In,
        values: vec![namespace.to_owned()],
    }
}

fn joined(left: &[Requirement], right: &[Requirement]) -> Vec<Requirement> {
    let mut all = [left, right].concat();
    all.sort();
    all.dedup();
    all
}

/// Those whom both lists let in, for a route in the namespace `own`. Cutting down twice by the same is cutting down
/// once, so that a version that stays refused changes nothing.
pub(super) fn consumers(last: &[Consumers], refused: &[Consumers], own: &str) -> Vec<Consumers> {
    if last == refused {
        return last.to_vec();
    }
    let pairs = last.iter().flat_map(|left| {
        refused
            .iter()
            .filter_map(move |right| shared(left, right, own))
    });
    let mut kept: Vec<Consumers> = Vec::new();
    for one in pairs {
        if kept.len() < MOST_CONSUMERS && !kept.iter().any(|other| within(&one, other)) {
            kept.retain(|other| !within(other, &one));
            kept.push(one);
        }
    }
    kept
}

fn shared(left: &Consumers, right: &Consumers, own: &str) -> Option<Consumers> {
    if left.kind() != right.kind() {
        return None;
    }
    let names = match (left.names(), right.names()) {
        (None, other) | (other, None) => other.map(<[String]>::to_vec),
        (Some(left), Some(right)) => {
            let shared = left.iter().filter(|name| right.contains(name));
            Some(shared.cloned().collect())
        }
    };
    if names.as_ref().is_some_and(Vec::is_empty) {
        return None;
    }
    let namespaces = both(left.namespaces(), right.namespaces(), own);
    Some(Consumers::new(left.kind(), names, namespaces))
}

/// Whether `one` lets in nobody whom `other` does not; false where that is not plain to see.
fn within(one: &Consumers, other: &Consumers) -> bool {
    let names = match (one.names(), other.names()) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(one), Some(other)) => one.iter().all(|name| other.contains(name)),
    };
    let namespaces = match (one.namespaces(), other.namespaces()) {
        (_, Namespaces::All) | (Namespaces::Same, Namespaces::Same) => true,
        (Namespaces::Selector(one), Namespaces::Selector(other)) => {
            other.iter().all(|requirement| one.contains(requirement))
        }
        _ => false,
    };
    one.kind() == other.kind() && names && namespaces
}

/// The names and patterns that both lists let through. Of two patterns that overlap in part, nothing is kept.
pub(super) fn patterns(last: &[String], refused: &[String]) -> Vec<String> {
    if last == refused {
        return last.to_vec();
    }
    let mut kept: Vec<String> = Vec::new();
    for left in last {
        for right in refused {
            let shared = if covers(right, left) {
                left
            } else if covers(left, right) {
                right
            } else {
                continue;
            };
            if !kept.contains(shared) {
                kept.push(shared.clone());
            }
        }
    }
    kept
}

/// Whether a pattern matches all that another does: true only if it is plain to see. A name is a pattern without `*`,
/// and a `*` of the other one is matched by a `*` alone.
pub(super) fn covers(pattern: &str, other: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == other;
    };
    let Some(mut left) = other.strip_prefix(start) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        let Some(at) = left.find(part) else {
            return false;
        };
        left = &left[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str]) -> Consumers {
        Consumers::ApiKeys {
            names: Some(names.iter().map(|name| (*name).to_owned()).collect()),
            namespaces: Namespaces::Same,
        }
    }

    fn every(namespaces: Namespaces) -> Consumers {
        Consumers::ApiKeys {
            names: None,
            namespaces,
        }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_pattern_covers_what_it_matches_and_narrower_patterns() {
        for (pattern, other, expected) in [
            ("gpt-4", "gpt-4", true),
            ("gpt-4", "gpt-5", false),
            ("gpt-*", "gpt-4", true),
            ("gpt-*", "gpt-", true),
            ("gpt-*", "gp", false),
            ("gpt-*", "gpt-4*", true),
            ("gpt-4*", "gpt-*", false),
            ("*", "gpt-*", true),
            ("*-mini", "gpt-5-mini", true),
            ("*-mini", "gpt-5-mini-2", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("gpt-4", "gpt-*", false),
        ] {
            assert_eq!(covers(pattern, other), expected, "{pattern} {other}");
        }
    }

    #[test]
    fn models_are_cut_down_to_what_both_let_through() {
        for (last, refused, kept) in [
            (["a", "b"].as_slice(), ["a"].as_slice(), ["a"].as_slice()),
            (&["gpt-*"], &["gpt-4", "gpt-5"], &["gpt-4", "gpt-5"]),
            (&["gpt-4"], &["*"], &["gpt-4"]),
            (&["a"], &["b"], &[]),
            (&["a*"], &["*b"], &[]),
        ] {
            let once = patterns(&texts(last), &texts(refused));
            assert_eq!(once, kept, "{last:?} {refused:?}");
            assert_eq!(patterns(&once, &texts(refused)), once, "twice is once");
        }
    }

    #[test]
    fn consumers_are_cut_down_to_those_whom_both_let_in() {
        let own = Namespaces::Selector(vec![named("team-a")]);
        for (last, refused, kept) in [
            (
                vec![keys(&["ci", "web"])],
                vec![keys(&["ci"])],
                vec![keys(&["ci"])],
            ),
            (vec![keys(&["ci"])], vec![keys(&["web"])], vec![]),
            (
                vec![keys(&["ci"]), keys(&["web"])],
                vec![keys(&["ci"]), keys(&["web"])],
                vec![keys(&["ci"]), keys(&["web"])],
            ),
            (
                vec![every(Namespaces::All)],
                vec![every(Namespaces::Same)],
                vec![every(Namespaces::Same)],
            ),
            (
                vec![every(Namespaces::Same)],
                vec![every(own.clone())],
                vec![every(own.clone())],
            ),
            (
                vec![every(Namespaces::All)],
                vec![keys(&["ci"]), every(Namespaces::Same)],
                vec![every(Namespaces::Same)],
            ),
        ] {
            let once = consumers(&last, &refused, "team-a");
            assert_eq!(once, kept);
            assert_eq!(consumers(&once, &refused, "team-a"), once, "twice is once");
        }
    }
}
