//! The shards of a snapshot, as they come together.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::namespace;
use crate::snapshot::{ApiKey, Provider, Route, Shard, Snapshot};
use crate::verdict::ObjectId;

/// A snapshot in the making.
#[derive(Default)]
pub(super) struct Shards(Snapshot);

impl Shards {
    fn shard(&mut self, namespace: &str) -> &mut Shard {
        let shards = &mut self.0.namespaces;
        let shard = shards
            .entry(namespace.to_owned())
            .or_insert_with(|| Arc::new(bare(namespace)));
        // Nobody else has it yet, so that nothing is copied.
        Arc::make_mut(shard)
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

    /// What has come together so far.
    pub(super) fn so_far(&self) -> &Snapshot {
        &self.0
    }

    /// What has come together of one namespace so far.
    pub(super) fn of(&self, namespace: &str) -> Cow<'_, Shard> {
        match self.0.namespaces.get(namespace) {
            Some(shard) => Cow::Borrowed(shard),
            None => Cow::Owned(bare(namespace)),
        }
    }

    /// The snapshot, with the very shards of the previous one where they are equal.
    pub(super) fn into_snapshot(self, previous: &Snapshot) -> Snapshot {
        let mut snapshot = self.0;
        for (name, shard) in &mut snapshot.namespaces {
            if let Some(old) = previous.namespaces.get(name)
                && old == shard
            {
                *shard = Arc::clone(old);
            }
        }
        snapshot
    }
}

/// A namespace of which nothing is known but its name.
fn bare(namespace: &str) -> Shard {
    Shard {
        namespace: namespace.to_owned(),
        labels: namespace::labels(namespace, BTreeMap::new()),
        ..Shard::default()
    }
}
