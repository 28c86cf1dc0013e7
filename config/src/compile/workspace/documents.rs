//! The objects of one namespace, as they stand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::text::Document;
use crate::verdict::{Kind, ObjectId};

/// What changes about an object without a change in what it says: fields of the object, and of its metadata.
const UNSAID: [&str; 1] = ["status"];
const UNSAID_METADATA: [&str; 3] = ["generation", "managedFields", "resourceVersion"];

/// The objects of one namespace.
#[derive(Default)]
pub(in crate::compile) struct Documents {
    pub(in crate::compile) readable: BTreeMap<ObjectId, Arc<Document>>,
    /// Those that are there, and can't be read now.
    pub(in crate::compile) unreadable: BTreeSet<ObjectId>,
}

impl Documents {
    /// Takes up a document, and tells whether it says anything new.
    pub(super) fn put(&mut self, id: ObjectId, document: Arc<Document>) -> bool {
        self.unreadable.remove(&id);
        match self.readable.insert(id, Arc::clone(&document)) {
            Some(before) => !says_the_same(&before, &document),
            None => true,
        }
    }

    pub(super) fn remove(&mut self, id: &ObjectId) -> bool {
        let was_unreadable = self.unreadable.remove(id);
        self.readable.remove(id).is_some() || was_unreadable
    }

    pub(super) fn is_empty(&self) -> bool {
        self.readable.is_empty() && self.unreadable.is_empty()
    }

    /// The Secrets that its providers name, as far as they can be read.
    pub(super) fn secrets(&self) -> impl Iterator<Item = String> {
        let providers = self.readable.iter();
        let providers = providers.filter(|(id, _)| id.kind == Kind::AiProvider);
        let paths = [
            "/spec/credentials/secretRef/name",
            "/spec/tls/caSecretRef/name",
        ];
        providers.flat_map(move |(_, document)| {
            let name = |path| document.value.pointer(path)?.as_str();
            paths.into_iter().filter_map(name).map(str::to_owned)
        })
    }
}

fn says_the_same(one: &Document, other: &Document) -> bool {
    let differs =
        |name: &str, left: Option<&Value>, right: Option<&Value>| match (name, left, right) {
            (name, ..) if UNSAID.contains(&name) => false,
            ("metadata", Some(Value::Object(left)), Some(Value::Object(right))) => {
                names(left, right).any(|name| {
                    !UNSAID_METADATA.contains(&name.as_str()) && left.get(name) != right.get(name)
                })
            }
            (_, left, right) => left != right,
        };
    match (&one.value, &other.value) {
        (Value::Object(left), Value::Object(right)) => {
            one.origin == other.origin
                && !names(left, right).any(|name| differs(name, left.get(name), right.get(name)))
        }
        (left, right) => left == right,
    }
}

/// The names of the fields of both, some of them twice.
fn names<'a>(
    left: &'a Map<String, Value>,
    right: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a String> {
    left.keys().chain(right.keys())
}
