//! The index of API keys, and how it follows the shards.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::linked::{Consumer, KeyIndex, Linked, LinkedKey};
use crate::snapshot::{ApiKey, Shard, Snapshot};

/// The keys of all namespaces: the index that was, with the keys of the namespaces that changed replaced.
pub(super) fn index(snapshot: &Snapshot, previous: Option<&Linked>) -> Arc<KeyIndex> {
    let before = |name: &str| previous?.namespaces.get(name).map(|one| &one.shard);
    let now = snapshot.namespaces.iter();
    let changed = now
        .map(|(name, shard)| (name.as_str(), before(name), Some(shard)))
        .filter(|(_, before, now)| differ(*before, *now));
    let gone = previous.into_iter().flat_map(|linked| &linked.namespaces);
    let gone = gone
        .filter(|(name, _)| !snapshot.namespaces.contains_key(&***name))
        .map(|(name, one)| (&**name, Some(&one.shard), None));
    let mut changed = changed
        .chain(gone)
        .filter(|(_, before, now)| {
            [*before, *now]
                .iter()
                .flatten()
                .any(|shard| !shard.keys.is_empty())
        })
        .peekable();
    if let Some(previous) = previous
        && changed.peek().is_none()
    {
        return Arc::clone(&previous.keys);
    }
    let mut index = previous
        .map(|linked| KeyIndex::clone(&linked.keys))
        .unwrap_or_default();
    for (name, before, now) in changed {
        for (key, old) in before.into_iter().flat_map(|shard| &shard.keys) {
            old.hashes
                .iter()
                .for_each(|hash| index.remove(&hash.0, name, key));
        }
        if let Some(now) = now {
            let labels = Arc::new(now.labels.clone());
            for (key, new) in &now.keys {
                add(&mut index, name, key, new, &labels);
            }
        }
    }
    index.judge();
    Arc::new(index)
}

fn differ(before: Option<&Arc<Shard>>, now: Option<&Arc<Shard>>) -> bool {
    match (before, now) {
        (Some(before), Some(now)) => {
            !Arc::ptr_eq(before, now) && (before.keys != now.keys || before.labels != now.labels)
        }
        _ => true,
    }
}

fn add(
    index: &mut KeyIndex,
    namespace: &str,
    name: &str,
    key: &ApiKey,
    labels: &Arc<BTreeMap<String, String>>,
) {
    let consumer = Arc::new(Consumer::key(namespace, name, Arc::clone(labels)));
    for hash in &key.hashes {
        let linked = LinkedKey {
            consumer: Arc::clone(&consumer),
            expires_at: key.expires_at,
        };
        index.add(hash.0, key.created, linked);
    }
}
