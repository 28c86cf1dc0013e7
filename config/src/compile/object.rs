//! An object of a text as the compiler takes it up: which one it is, and its metadata.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::kind::{Recognised, recognise};
use crate::schema::known_or;
use crate::text::{Document, child};
use crate::verdict::{Kind, ObjectId, Problem, Reason};

/// The namespace of objects that name none.
const DEFAULT_NAMESPACE: &str = "default";

/// An object that is ours.
pub(super) struct Object<'a> {
    pub(super) id: ObjectId,
    pub(super) document: &'a Document,
    /// When it was created, in Unix seconds.
    pub(super) created: Option<i64>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    /// What is wrong with what every object has.
    pub(super) problems: Vec<Problem>,
}

/// What a document turned out to be.
pub(super) enum Found<'a> {
    Ours(Object<'a>),
    /// None of ours, with a description.
    Other(String),
}

/// The fields of `ObjectMeta` (Kubernetes API reference, `meta/v1`).
const METADATA: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

impl<'a> Object<'a> {
    /// Takes up a document.
    pub(super) fn of(document: &'a Document) -> Found<'a> {
        let text = |name: &str| document.value.get(name).and_then(Value::as_str);
        let (api, kind) = (text("apiVersion"), text("kind"));
        let (api, kind) = (api.unwrap_or_default(), kind.unwrap_or_default());
        let metadata = document.value.get("metadata");
        let Some(Recognised { kind, problems }) = recognise(api, kind) else {
            return Found::Other(describe(api, kind, metadata));
        };
        Found::Ours(Self::with_metadata(kind, document, metadata, problems))
    }

    /// Takes up a document that is known to be ours.
    pub(super) fn ours(document: &'a Document) -> Option<Self> {
        match Self::of(document) {
            Found::Ours(object) => Some(object),
            Found::Other(_) => None,
        }
    }

    fn with_metadata(
        kind: Kind,
        document: &'a Document,
        metadata: Option<&Value>,
        problems: Vec<Problem>,
    ) -> Self {
        let mut reader = Metadata {
            fields: None,
            problems,
        };
        match metadata {
            Some(Value::Object(fields)) => reader.fields = Some(fields),
            Some(_) => reader.refuse(Reason::WrongType, "metadata", "must be an object"),
            None => {}
        }
        let namespace = reader.namespace(&kind);
        let name = reader.name();
        let created = reader.created();
        let labels = reader.texts("labels");
        let annotations = reader.texts("annotations");
        reader.unknown_fields();
        Self {
            id: ObjectId {
                kind,
                namespace,
                name,
            },
            document,
            created,
            labels,
            annotations,
            problems: reader.problems,
        }
    }

    /// Whether it is of a version of which nothing is known here.
    pub(super) fn is_of_another_version(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.reason == Reason::Unsupported)
    }

    /// A field of the object itself.
    pub(super) fn field(&self, name: &str) -> Option<&'a Value> {
        self.document.value.get(name)
    }

    /// Refuses the fields of the object that are none of these, for kinds that have no schema here.
    pub(super) fn only_fields(&mut self, known: &[&str]) {
        let envelope = ["apiVersion", "kind", "metadata"];
        for name in self
            .document
            .value
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
        {
            if !envelope.contains(&name.as_str()) && !known.contains(&name.as_str()) {
                let hint = known_or(name, known.iter().copied(), || {
                    format!("; the fields here are {}", known.join(", "))
                });
                self.problems.push(Problem::new(
                    Reason::UnknownField,
                    child("", name),
                    format!("there is no such field{hint}"),
                ));
            }
        }
    }
}

struct Metadata<'a> {
    fields: Option<&'a Map<String, Value>>,
    problems: Vec<Problem>,
}

impl<'a> Metadata<'a> {
    fn refuse(&mut self, reason: Reason, field: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(reason, field, message));
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        // A null is what Kubernetes' own types write for a field that is not set.
        self.fields?.get(name).filter(|value| !value.is_null())
    }

    fn name(&mut self) -> String {
        match self.get("name") {
            Some(Value::String(name)) => {
                if !is_subdomain(name) {
                    self.refuse(
                        Reason::InvalidFormat,
                        "metadata.name",
                        "must be a name as Kubernetes has them: at most 253 lowercase letters, digits, '-' and '.', with a letter or a digit at both ends",
                    );
                }
                printable(name)
            }
            Some(_) => {
                self.refuse(
                    Reason::WrongType,
                    "metadata.name",
                    "must be a text: put it in quotes",
                );
                String::new()
            }
            None => {
                self.refuse(Reason::Required, "metadata.name", "is required");
                String::new()
            }
        }
    }

    fn namespace(&mut self, kind: &Kind) -> String {
        let namespace = self.get("namespace");
        if *kind == Kind::Namespace {
            if namespace.is_some() {
                self.refuse(
                    Reason::UnknownField,
                    "metadata.namespace",
                    "a Namespace stands in no namespace: remove the field",
                );
            }
            return String::new();
        }
        match namespace {
            None => DEFAULT_NAMESPACE.to_owned(),
            Some(Value::String(namespace)) => {
                if !is_label(namespace) {
                    self.refuse(
                        Reason::InvalidFormat,
                        "metadata.namespace",
                        "must be the name of a namespace: at most 63 lowercase letters, digits and '-', with a letter or a digit at both ends",
                    );
                }
                printable(namespace)
            }
            Some(_) => {
                self.refuse(
                    Reason::WrongType,
                    "metadata.namespace",
                    "must be a text: put it in quotes",
                );
                "?".to_owned()
            }
        }
    }

    fn created(&mut self) -> Option<i64> {
        let time = match self.get("creationTimestamp")? {
            Value::String(time) => time.parse::<Timestamp>().ok(),
            _ => None,
        };
        if time.is_none() {
            self.refuse(
                Reason::InvalidFormat,
                "metadata.creationTimestamp",
                "must be a time as in RFC 3339, such as 2026-01-31T00:00:00Z; leave it out in a file",
            );
        }
        time.map(Timestamp::as_second)
    }

    /// A map of texts; what is no text is left out of it, and refused.
    fn texts(&mut self, name: &str) -> BTreeMap<String, String> {
        let path = child("metadata", name);
        let Some(value) = self.get(name) else {
            return BTreeMap::new();
        };
        let Value::Object(entries) = value else {
            self.refuse(Reason::WrongType, &path, "must be an object of texts");
            return BTreeMap::new();
        };
        let mut texts = BTreeMap::new();
        for (key, value) in entries {
            if let Value::String(text) = value {
                texts.insert(key.clone(), text.clone());
            } else {
                self.refuse(
                    Reason::WrongType,
                    &child(&path, key),
                    "must be a text: put it in quotes",
                );
            }
        }
        texts
    }

    fn unknown_fields(&mut self) {
        for name in self.fields.into_iter().flat_map(Map::keys) {
            if !METADATA.contains(&name.as_str()) {
                let hint = known_or(name, METADATA, String::new);
                let message = format!("there is no such field{hint}");
                self.refuse(Reason::UnknownField, &child("metadata", name), message);
            }
        }
    }
}

fn describe(api: &str, kind: &str, metadata: Option<&Value>) -> String {
    let text = |name: &str| metadata?.get(name)?.as_str();
    let mut words: Vec<String> = Vec::new();
    words.extend((!api.is_empty()).then(|| api.to_owned()));
    words.push(if kind.is_empty() {
        "an object without a kind".to_owned()
    } else {
        kind.to_owned()
    });
    match (text("namespace"), text("name")) {
        (Some(namespace), Some(name)) => words.push(format!("{namespace}/{name}")),
        (None, Some(name)) => words.push(name.to_owned()),
        (_, None) => {}
    }
    printable(&words.join(" "))
}

/// A text that may be anything, for a line of a log: bounded, and without line breaks and their like. A name that is
/// valid stays what it is.
pub(super) fn printable(text: &str) -> String {
    const MOST: usize = 512;
    let printed = |character: char| {
        if character.is_control() {
            '?'
        } else {
            character
        }
    };
    text.chars().take(MOST).map(printed).collect()
}

/// An RFC 1123 subdomain: labels with dots between them.
fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label_of_any_length)
}

/// An RFC 1123 label.
fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_label_of_any_length(name)
}

fn is_label_of_any_length(label: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = label.as_bytes();
    bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
        && bytes.iter().all(|byte| alphanumeric(byte) || *byte == b'-')
}
