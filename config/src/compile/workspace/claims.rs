//! Which API key a value belongs to, among those of all namespaces that have it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::snapshot::{Sha256, Snapshot};
use crate::verdict::ObjectId;

/// A Secret's claim to a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::compile) struct Claim {
    pub(in crate::compile) hash: Sha256,
    pub(in crate::compile) id: ObjectId,
    /// When the Secret was created.
    pub(in crate::compile) created: Option<i64>,
}

/// The claims of all namespaces.
#[derive(Debug, Default)]
pub(in crate::compile) struct Claims {
    by_hash: HashMap<Sha256, BTreeMap<ObjectId, Option<i64>>>,
    by_namespace: HashMap<String, BTreeSet<Claim>>,
}

impl Claims {
    /// Replaces the claims of a namespace, and names the other namespaces for whose keys that makes a difference.
    pub(super) fn update(
        &mut self,
        namespace: &str,
        claims: BTreeSet<Claim>,
        previous: &Snapshot,
    ) -> BTreeSet<String> {
        let before = self.by_namespace.remove(namespace).unwrap_or_default();
        let changed: BTreeSet<Sha256> = before
            .symmetric_difference(&claims)
            .map(|claim| claim.hash)
            .collect();
        let owners: Vec<_> = changed
            .iter()
            .map(|hash| self.known(hash, previous))
            .collect();
        for Claim { hash, id, .. } in before.difference(&claims) {
            if let Some(rivals) = self.by_hash.get_mut(hash) {
                rivals.remove(id);
                if rivals.is_empty() {
                    self.by_hash.remove(hash);
                }
            }
        }
        for Claim { hash, id, created } in claims.difference(&before) {
            let rivals = self.by_hash.entry(*hash).or_default();
            rivals.insert(id.clone(), *created);
        }
        if !claims.is_empty() {
            self.by_namespace.insert(namespace.to_owned(), claims);
        }
        let mut others = BTreeSet::new();
        for (hash, owner) in changed.iter().zip(owners) {
            if self.known(hash, previous) != owner {
                let rivals = self.by_hash.get(hash).into_iter().flat_map(BTreeMap::keys);
                let elsewhere = rivals.filter(|id| id.namespace != namespace);
                others.extend(elsewhere.map(|id| id.namespace.clone()));
            }
        }
        others
    }

    /// The key that a value belongs to, and when it was created: the oldest. Among those as old (those without a time
    /// count as the youngest) the one that had it before, so that no newcomer takes a key over, nor whom it stands for;
    /// then the one whose name goes first.
    pub(in crate::compile) fn owner(
        &self,
        hash: &Sha256,
        previous: &Snapshot,
    ) -> Option<(&ObjectId, Option<i64>)> {
        let rivals = self.by_hash.get(hash)?.iter();
        let rank = |(id, created): &(&ObjectId, &Option<i64>)| {
            let last = previous.key(&id.namespace, &id.name);
            let is_new = last.is_none_or(|last| !last.hashes.contains(hash));
            (created.is_none(), **created, is_new)
        };
        // Of equals `min_by_key` takes the first, and the map is sorted.
        let first = rivals.min_by_key(rank);
        first.map(|(id, created)| (id, *created))
    }

    fn known(&self, hash: &Sha256, previous: &Snapshot) -> Option<(ObjectId, Option<i64>)> {
        let (id, created) = self.owner(hash, previous)?;
        Some((id.clone(), created))
    }
}
