//! A snapshot into what runs.

mod keys;
mod namespace;
mod reference;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::linked::{Linked, LinkedNamespace};
use crate::snapshot::{Shard, Snapshot};

pub use reference::{Unresolved, resolve};

/// Links a snapshot.
///
/// It never fails: what can't be linked is left out and listed in [`Linked::problems`]. A namespace whose shard, and
/// whose providers' shards in other namespaces, are as they were in `previous` is taken over from it whole; of one that
/// changed, the conditions that did not are. Beside a look at each namespace, it costs what changed.
#[must_use]
pub fn link(snapshot: &Snapshot, gateway_namespace: &str, previous: Option<&Linked>) -> Linked {
    let mut providers = namespace::Providers::of(gateway_namespace);
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
    let keys = keys::index(snapshot, previous);
    problems.extend(keys.problems().iter().cloned());
    Linked {
        gateway_namespace: gateway_namespace.into(),
        namespaces,
        keys,
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

#[cfg(test)]
mod tests;
