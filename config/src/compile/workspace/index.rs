//! Which namespaces hang on what, so that a change finds whom it concerns without a look at the others.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// What each namespace hangs on, and who hangs on a thing.
#[derive(Debug)]
pub(super) struct Index<T> {
    of: HashMap<String, BTreeSet<T>>,
    on: HashMap<T, BTreeSet<String>>,
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self {
            of: HashMap::new(),
            on: HashMap::new(),
        }
    }
}

impl<T: Clone + Ord + Hash> Index<T> {
    /// Replaces what a namespace hangs on, and says whether something came to be hung on, or is hung on no more.
    pub(super) fn update(&mut self, namespace: &str, things: BTreeSet<T>) -> bool {
        let before = self.of.remove(namespace).unwrap_or_default();
        let mut is_new = false;
        for gone in before.difference(&things) {
            if let Some(others) = self.on.get_mut(gone) {
                others.remove(namespace);
                if others.is_empty() {
                    self.on.remove(gone);
                    is_new = true;
                }
            }
        }
        for come in things.difference(&before) {
            let others = self.on.entry(come.clone()).or_default();
            is_new |= others.is_empty();
            others.insert(namespace.to_owned());
        }
        if !things.is_empty() {
            self.of.insert(namespace.to_owned(), things);
        }
        is_new
    }

    /// The namespaces that hang on a thing.
    pub(super) fn on<Q>(&self, thing: &Q) -> impl Iterator<Item = &String>
    where
        T: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.on.get(thing).into_iter().flatten()
    }

    /// Everything that is hung on.
    pub(super) fn things(&self) -> impl Iterator<Item = &T> {
        self.on.keys()
    }
}
