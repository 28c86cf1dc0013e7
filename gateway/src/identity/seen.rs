use std::collections::HashMap;
use std::sync::Arc;

use super::keys::Keys;
use super::token::{Account, Verified, now};

/// How many tokens a worker remembers: twice this many at most.
const MANY: usize = 8192;

/// Tokens that were verified, by their SHA-256. Only good ones get in, and those that are used stay: what is not asked
/// for goes as new ones come.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The keys that they were verified with: under others they have to be verified anew.
    keys: Option<Arc<Keys>>,
    young: HashMap<[u8; 32], Verified>,
    old: HashMap<[u8; 32], Verified>,
}

impl Seen {
    pub(super) fn get(&mut self, sha256: &[u8; 32], keys: &Arc<Keys>) -> Option<Arc<Account>> {
        if !self.keys.as_ref().is_some_and(|of| Arc::ptr_eq(of, keys)) {
            return None;
        }
        if let Some(found) = self.young.get(sha256) {
            return found.holds_at(now()).then(|| Arc::clone(&found.account));
        }
        let found = self.old.remove(sha256).filter(|one| one.holds_at(now()))?;
        let account = Arc::clone(&found.account);
        self.insert(*sha256, found);
        Some(account)
    }

    pub(super) fn put(&mut self, sha256: [u8; 32], verified: Verified, keys: Arc<Keys>) {
        if !self.keys.as_ref().is_some_and(|of| Arc::ptr_eq(of, &keys)) {
            *self = Self {
                keys: Some(keys),
                ..Self::default()
            };
        }
        self.insert(sha256, verified);
    }

    fn insert(&mut self, sha256: [u8; 32], verified: Verified) {
        if self.young.len() >= MANY {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(sha256, verified);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified(name: &str, until: u64) -> Verified {
        Verified {
            account: Arc::new(Account {
                namespace: "team".into(),
                name: name.into(),
                uid: "1".into(),
            }),
            until,
        }
    }

    fn hash(n: usize) -> [u8; 32] {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&n.to_le_bytes());
        hash
    }

    #[test]
    fn what_is_used_stays_and_the_number_is_bounded() {
        let keys = Arc::new(Keys::default());
        let mut seen = Seen::default();
        for n in 0..10 * MANY {
            seen.put(hash(n), verified("web", u64::MAX), Arc::clone(&keys));
            assert!(seen.get(&hash(0), &keys).is_some(), "after {n}");
        }
        assert!(seen.young.len() + seen.old.len() <= 2 * MANY);
        assert!(seen.get(&hash(1), &keys).is_none());
    }

    #[test]
    fn neither_an_expired_one_nor_one_of_other_keys_is_found() {
        let (keys, others) = (Arc::new(Keys::default()), Arc::new(Keys::default()));
        let mut seen = Seen::default();
        seen.put(hash(1), verified("old", now() - 1), Arc::clone(&keys));
        seen.put(hash(2), verified("web", now() + 60), Arc::clone(&keys));
        assert!(seen.get(&hash(1), &keys).is_none());
        assert_eq!(&*seen.get(&hash(2), &keys).unwrap().name, "web");
        assert!(seen.get(&hash(2), &others).is_none());
        seen.put(hash(3), verified("new", now() + 60), Arc::clone(&others));
        assert!(seen.get(&hash(2), &keys).is_none());
        assert!(seen.get(&hash(3), &others).is_some());
    }
}
