//! What resources may look up of one another.

use std::collections::{BTreeMap, BTreeSet};

use super::object::Object;
use super::secret::Entries;
use super::shards::Shards;
use super::variables::Variables;
use crate::snapshot::ProviderRef;
use crate::verdict::{Kind, ObjectId};

/// What providers may look up of Secrets.
pub(super) struct Secrets<'a> {
    pub(super) variables: Option<Variables<'a>>,
    pub(super) objects: &'a BTreeMap<ObjectId, Object<'a>>,
    pub(super) unreadable: &'a BTreeSet<&'a ObjectId>,
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

/// What routes may look up of providers.
pub(super) struct Providers<'a> {
    pub(super) declared: &'a BTreeSet<ProviderRef>,
    pub(super) shards: &'a Shards,
}

impl Providers<'_> {
    pub(super) fn is_declared(&self, provider: &ProviderRef) -> bool {
        self.declared.contains(provider)
    }

    pub(super) fn names_in(&self, namespace: &str) -> impl Iterator<Item = &str> {
        let there = self.declared.iter();
        let there = there.filter(move |provider| provider.namespace == namespace);
        there.map(|provider| provider.name.as_str())
    }
}
