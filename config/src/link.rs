//! A snapshot into what runs.

mod namespace;
mod reference;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::linked::{Consumer, LinkProblem, Linked, LinkedKey, LinkedNamespace};
use crate::snapshot::{Shard, Snapshot};

pub use reference::{Unresolved, resolve};

/// Links a snapshot.
///
/// It never fails: what can't be linked is left out and listed in [`Linked::problems`]. A namespace whose shard, and
/// whose providers' shards in other namespaces, are as they were in `previous` is taken over from it whole; of one that
/// changed, the conditions that did not are.
#[must_use]
pub fn link(snapshot: &Snapshot, gateway_namespace: &str, previous: Option<&Linked>) -> Linked {
    let mut providers = namespace::Providers::default();
    for (name, shard) in &snapshot.namespaces {
        let before = previous.and_then(|linked| linked.namespaces.get(name.as_str()));
        providers.add(name, shard, before.map(Arc::as_ref));
    }
    let mut namespaces: BTreeMap<Arc<str>, Arc<LinkedNamespace>> = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, shard) in &snapshot.namespaces {
        let before = previous.and_then(|linked| linked.namespaces.get_key_value(name.as_str()));
        let (name, namespace) = match before {
            Some((name, before)) if before.is_current(shard, snapshot) => {
                (Arc::clone(name), Arc::clone(before))
            }
            _ => {
                let linked = namespace::link(
                    snapshot,
                    shard,
                    &providers,
                    before.map(|(_, before)| before.as_ref()),
                );
                (name.as_str().into(), Arc::new(linked))
            }
        };
        problems.extend(namespace.problems.iter().cloned());
        namespaces.insert(name, namespace);
    }
    let (keys, key_problems) = match previous {
        Some(previous) if same_keys(previous, snapshot) => {
            (Arc::clone(&previous.keys), previous.key_problems.clone())
        }
        _ => {
            let (keys, problems) = keys(snapshot);
            (Arc::new(keys), problems)
        }
    };
    problems.extend(key_problems.iter().cloned());
    Linked {
        gateway_namespace: gateway_namespace.into(),
        namespaces,
        keys,
        key_problems,
        problems,
    }
}

/// The same shard, or one that says the same.
fn same(one: &Arc<Shard>, other: &Arc<Shard>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

impl LinkedNamespace {
    fn is_current(&self, shard: &Arc<Shard>, snapshot: &Snapshot) -> bool {
        same(&self.shard, shard)
            && self.others.iter().all(|(name, before)| {
                match (before, snapshot.namespaces.get(name)) {
                    (Some(before), Some(now)) => same(before, now),
                    (None, None) => true,
                    _ => false,
                }
            })
    }
}

/// Whether all that [`keys`] depends on is as it was.
fn same_keys(previous: &Linked, snapshot: &Snapshot) -> bool {
    let before = previous
        .namespaces
        .iter()
        .map(|(name, namespace)| (&**name, &namespace.shard));
    let now = snapshot
        .namespaces
        .iter()
        .map(|(name, shard)| (name.as_str(), shard));
    let with_keys = |(_, shard): &(&str, &Arc<Shard>)| !shard.keys.is_empty();
    before.filter(with_keys).eq_by_key(now.filter(with_keys))
}

trait EqByKey<'a>: Iterator<Item = (&'a str, &'a Arc<Shard>)> + Sized {
    fn eq_by_key(mut self, mut other: impl Iterator<Item = (&'a str, &'a Arc<Shard>)>) -> bool {
        loop {
            match (self.next(), other.next()) {
                (None, None) => return true,
                (Some((name, before)), Some((other, now))) if name == other => {
                    let equal = Arc::ptr_eq(before, now)
                        || (before.keys == now.keys && before.labels == now.labels);
                    if !equal {
                        return false;
                    }
                }
                _ => return false,
            }
        }
    }
}

impl<'a, I: Iterator<Item = (&'a str, &'a Arc<Shard>)>> EqByKey<'a> for I {}

/// The keys of all namespaces. Of two that share a value the older counts; the compiler refuses the other.
fn keys(snapshot: &Snapshot) -> (HashMap<[u8; 32], LinkedKey>, Vec<LinkProblem>) {
    let mut problems = Vec::new();
    let mut all = Vec::new();
    for (namespace, shard) in &snapshot.namespaces {
        let labels = Arc::new(shard.labels.clone());
        for (name, key) in &shard.keys {
            let consumer = Arc::new(Consumer::key(namespace, name, Arc::clone(&labels)));
            all.push(((key.created.is_none(), key.created), consumer, key));
        }
    }
    all.sort_by_key(|(age, _, _)| *age);
    let mut keys: HashMap<[u8; 32], LinkedKey> = HashMap::with_capacity(all.len());
    for (_, consumer, key) in all {
        for hash in &key.hashes {
            let linked = LinkedKey {
                consumer: Arc::clone(&consumer),
                expires_at: key.expires_at,
            };
            let known = keys.entry(hash.0).or_insert_with(|| linked.clone());
            if known.consumer != linked.consumer {
                problems.push(LinkProblem {
                    object: format!("Secret {}/{}", consumer.namespace(), consumer.name()),
                    field: "data".to_owned(),
                    message: format!(
                        "the value is that of {} too, which is older",
                        known.consumer
                    ),
                });
            }
        }
    }
    (keys, problems)
}

#[cfg(test)]
mod tests;
