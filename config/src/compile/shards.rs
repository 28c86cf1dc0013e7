//! The shards of a snapshot, as they come together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::namespace;
use crate::snapshot::{ApiKey, FORMAT, Namespaces, Provider, ProviderRef, Route, Shard, Snapshot};
use crate::verdict::ObjectId;

#[derive(Default)]
pub(super) struct Shards {
    shards: BTreeMap<String, Shard>,
}

impl Shards {
    fn shard(&mut self, namespace: &str) -> &mut Shard {
        self.shards
            .entry(namespace.to_owned())
            .or_insert_with(|| Shard {
                namespace: namespace.to_owned(),
                labels: namespace::labels(namespace, BTreeMap::new()),
                ..Shard::default()
            })
    }

    pub(super) fn set_labels(&mut self, name: &str, labels: BTreeMap<String, String>) {
        self.shard(name).labels = namespace::labels(name, labels);
    }

    pub(super) fn add_key(&mut self, id: &ObjectId, key: ApiKey) {
        self.shard(&id.namespace).keys.insert(id.name.clone(), key);
    }

    pub(super) fn add_provider(&mut self, id: &ObjectId, provider: Provider) {
        self.shard(&id.namespace)
            .providers
            .insert(id.name.clone(), provider);
    }

    pub(super) fn add_route(&mut self, id: &ObjectId, route: Route) {
        self.shard(&id.namespace)
            .routes
            .insert(id.name.clone(), route);
    }

    pub(super) fn provider(&self, provider: &ProviderRef) -> Option<&Provider> {
        let shard = self.shards.get(&provider.namespace)?;
        shard.providers.get(&provider.name)
    }

    /// Whether a resource in `own` that lets in `namespaces` lets in the namespace `other`.
    pub(super) fn admits(&self, namespaces: &Namespaces, own: &str, other: &str) -> bool {
        match self.shards.get(other) {
            Some(shard) => namespaces.admits(own, other, &shard.labels),
            // Nothing is known of the namespace but its name.
            None => namespaces.admits(own, other, &namespace::labels(other, BTreeMap::new())),
        }
    }

    /// The snapshot, with the very shards of the previous one where they are equal.
    pub(super) fn into_snapshot(self, previous: &Snapshot) -> Snapshot {
        let share = |(name, shard): (String, Shard)| {
            let shared = match previous.namespaces.get(&name) {
                Some(old) if **old == shard => Arc::clone(old),
                _ => Arc::new(shard),
            };
            (name, shared)
        };
        Snapshot {
            format: FORMAT,
            namespaces: self.shards.into_iter().map(share).collect(),
        }
    }
}
