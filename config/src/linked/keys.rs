use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{LinkProblem, LinkedKey};

/// How many buckets there are: one for each first byte of a hash.
const BUCKETS: usize = 256;

/// The API keys of all namespaces, by the SHA-256 of their value. A copy shares with the original the buckets in which
/// nothing changes, so that a change of a few keys costs little among many.
#[derive(Clone, Debug)]
pub(crate) struct KeyIndex {
    buckets: Vec<Arc<Bucket>>,
    values: usize,
    /// The values that stand in two keys or more.
    contested: BTreeSet<[u8; 32]>,
    problems: Vec<LinkProblem>,
}

/// The keys that have a value, the one that counts first: the oldest, then the one whose name sorts first. There is
/// one, unless a snapshot comes from elsewhere: the compiler refuses the others.
type Bucket = HashMap<[u8; 32], Vec<Rival>>;

#[derive(Clone, Debug)]
struct Rival {
    created: Option<i64>,
    key: LinkedKey,
}

impl Rival {
    fn rank(&self) -> (bool, Option<i64>, &str, &str) {
        let consumer = &self.key.consumer;
        (
            self.created.is_none(),
            self.created,
            consumer.namespace(),
            consumer.name(),
        )
    }
}

impl Default for KeyIndex {
    fn default() -> Self {
        Self {
            buckets: vec![Arc::default(); BUCKETS],
            values: 0,
            contested: BTreeSet::new(),
            problems: Vec::new(),
        }
    }
}

impl KeyIndex {
    pub(crate) fn get(&self, hash: &[u8; 32]) -> Option<&LinkedKey> {
        Some(&self.rivals(hash).first()?.key)
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.values
    }

    /// The keys that don't count because of another.
    pub(crate) fn problems(&self) -> &[LinkProblem] {
        &self.problems
    }

    fn rivals(&self, hash: &[u8; 32]) -> &[Rival] {
        let bucket = self.buckets.get(usize::from(hash[0]));
        bucket
            .and_then(|bucket| bucket.get(hash))
            .map_or(&[], Vec::as_slice)
    }

    pub(crate) fn add(&mut self, hash: [u8; 32], created: Option<i64>, key: LinkedKey) {
        let Some(bucket) = self.buckets.get_mut(usize::from(hash[0])) else {
            return;
        };
        let rivals = Arc::make_mut(bucket).entry(hash).or_default();
        rivals.push(Rival { created, key });
        rivals.sort_by(|left, right| left.rank().cmp(&right.rank()));
        if rivals.len() == 1 {
            self.values += 1;
        } else {
            self.contested.insert(hash);
        }
    }

    /// Takes the value from the key of this namespace and name.
    pub(crate) fn remove(&mut self, hash: &[u8; 32], namespace: &str, name: &str) {
        let Some(bucket) = self.buckets.get_mut(usize::from(hash[0])) else {
            return;
        };
        let bucket = Arc::make_mut(bucket);
        let Some(rivals) = bucket.get_mut(hash) else {
            return;
        };
        rivals.retain(|rival| {
            let consumer = &rival.key.consumer;
            (consumer.namespace(), consumer.name()) != (namespace, name)
        });
        if rivals.len() < 2 {
            self.contested.remove(hash);
        }
        if rivals.is_empty() {
            bucket.remove(hash);
            self.values -= 1;
        }
    }

    /// Says anew which keys don't count.
    pub(crate) fn judge(&mut self) {
        let contested = self.contested.iter().map(|hash| self.rivals(hash));
        let mut losers: Vec<(&Rival, &Rival)> = contested
            .flat_map(|rivals| {
                let owner = rivals.first();
                owner
                    .into_iter()
                    .flat_map(|owner| rivals[1..].iter().map(move |rival| (rival, owner)))
            })
            .filter(|(rival, owner)| rival.key.consumer != owner.key.consumer)
            .collect();
        losers.sort_by(|(left, _), (right, _)| left.rank().cmp(&right.rank()));
        let problem = |(rival, owner): (&Rival, &Rival)| {
            let consumer = &rival.key.consumer;
            LinkProblem {
                object: format!("Secret {}/{}", consumer.namespace(), consumer.name()),
                field: "data".to_owned(),
                message: format!(
                    "the value is that of {} too, which is older",
                    owner.key.consumer
                ),
            }
        };
        self.problems = losers.into_iter().map(problem).collect();
    }
}
