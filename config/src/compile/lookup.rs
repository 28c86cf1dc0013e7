//! What resources may look up of one another.

use std::collections::{BTreeMap, BTreeSet};

use super::local::Front;
use super::object::Object;
use super::secret::Entries;
use super::variables::Variables;
use super::workspace::Namespace;
use crate::snapshot::{Provider, ProviderRef, Snapshot};
use crate::verdict::{Kind, ObjectId};

/// What providers may look up of Secrets.
pub(super) struct Secrets<'a> {
    pub(super) variables: Option<Variables<'a>>,
    pub(super) objects: &'a BTreeMap<ObjectId, Object<'a>>,
    pub(super) unreadable: &'a BTreeSet<&'a ObjectId>,
    /// The namespace of the gateways, whose own identity providers of that namespace alone may use. None where it is not
    /// known, and nobody is refused for its sake.
    pub(super) gateway_namespace: Option<&'a str>,
}

impl Secrets<'_> {
    /// The entries of a Secret that can be read.
    pub(super) fn entries(&self, namespace: &str, name: &str) -> Option<Entries<'_>> {
        let secret = self.secret(namespace, name);
        secret
            .filter(|secret| !secret.is_of_another_version())
            .map(Entries::of)
    }

    /// Whether there is a Secret of which one can't tell what it holds.
    pub(super) fn is_unreadable(&self, namespace: &str, name: &str) -> bool {
        let id = ObjectId::new(Kind::Secret, namespace, name);
        let secret = self.secret(namespace, name);
        self.unreadable.contains(&id) || secret.is_some_and(Object::is_of_another_version)
    }

    fn secret(&self, namespace: &str, name: &str) -> Option<&Object<'_>> {
        let id = ObjectId::new(Kind::Secret, namespace, name);
        self.objects.get(&id)
    }
}

/// What routes may look up of providers: those that are being compiled, and of other namespaces those that serve.
pub(super) struct Providers<'a> {
    pub(super) fresh: &'a BTreeMap<&'a str, Front>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) known: &'a BTreeMap<String, Namespace>,
}

impl<'a> Providers<'a> {
    /// A provider that serves.
    pub(super) fn get(&self, of: &ProviderRef) -> Option<&'a Provider> {
        match self.fresh.get(of.namespace.as_str()) {
            Some(front) => front.shard.providers.get(&of.name),
            None => self.snapshot.provider(&of.namespace, &of.name),
        }
    }

    /// Whether there is such a provider, be it refused.
    pub(super) fn is_declared(&self, of: &ProviderRef) -> bool {
        let declared = self.declared(&of.namespace);
        declared.is_some_and(|declared| declared.contains(&of.name))
    }

    pub(super) fn names_in(&self, namespace: &str) -> impl Iterator<Item = &'a str> {
        let declared = self.declared(namespace).into_iter().flatten();
        declared.map(String::as_str)
    }

    fn declared(&self, namespace: &str) -> Option<&'a BTreeSet<String>> {
        match self.fresh.get(namespace) {
            Some(front) => Some(&front.declared),
            None => Some(&self.known.get(namespace)?.declared),
        }
    }
}
