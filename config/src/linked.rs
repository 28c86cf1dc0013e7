//! What a gateway runs on: built from a [snapshot](mod@crate::snapshot) by [`link`](crate::link::link), with compiled
//! conditions, resolved providers and indexes. Nothing in it changes; a new config is a new one, which shares with the
//! old what did not change.

mod consumer;
mod glob;
mod keys;
mod provider;
mod route;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use crate::expression::Expression;
use crate::snapshot::Shard;

pub use consumer::{Admission, Consumer, LinkedAccount, LinkedKey};
pub use glob::Glob;
pub(crate) use keys::KeyIndex;
pub use provider::LinkedProvider;
pub use route::{LinkedBackend, LinkedRoute, LinkedRule, MAX_BACKENDS, Seniority};

/// A config, ready to decide requests by.
#[derive(Debug, Default)]
pub struct Linked {
    pub(crate) gateway_namespace: Arc<str>,
    pub(crate) namespaces: BTreeMap<Arc<str>, Arc<LinkedNamespace>>,
    pub(crate) keys: Arc<KeyIndex>,
    /// What could not be linked and was left out, in the order of namespaces and names. The compiler makes snapshots
    /// that link whole; another version's may not.
    pub problems: Vec<LinkProblem>,
}

/// One namespace of a config.
#[derive(Debug)]
pub struct LinkedNamespace {
    pub(crate) shard: Arc<Shard>,
    /// The shards of other namespaces that its routes refer to (`None` where there is none), as they were.
    pub(crate) others: BTreeMap<String, Option<Arc<Shard>>>,
    pub(crate) providers: Arc<BTreeMap<String, Arc<LinkedProvider>>>,
    pub(crate) accounts: BTreeMap<String, LinkedAccount>,
    pub(crate) routes: BTreeMap<String, Arc<LinkedRoute>>,
    pub(crate) expressions: HashMap<Arc<str>, Arc<Expression>>,
    /// The routes that list a model by its exact name, the senior first.
    pub(crate) exact: HashMap<Arc<str>, Vec<Arc<LinkedRoute>>>,
    /// The routes that list a pattern, the senior first.
    pub(crate) patterns: Vec<Arc<LinkedRoute>>,
    pub(crate) problems: Vec<LinkProblem>,
}

/// Something that was left out of a linked config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkProblem {
    /// What it is about, as in `AIRoute team-a/chat`.
    pub object: String,
    /// The field's path, as in `spec.rules[0].when`.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

impl Linked {
    /// The namespace whose routes serve every namespace.
    #[must_use]
    pub fn gateway_namespace(&self) -> &str {
        &self.gateway_namespace
    }

    /// The API key whose value has this SHA-256. Expiry is for the caller to judge.
    #[must_use]
    pub fn key(&self, sha256: &[u8; 32]) -> Option<&LinkedKey> {
        self.keys.get(sha256)
    }

    /// The service account of this namespace and name. Whether a token is one of it is for the caller to judge, by
    /// its UID.
    #[must_use]
    pub fn service_account(&self, namespace: &str, name: &str) -> Option<&LinkedAccount> {
        self.namespaces.get(namespace)?.accounts.get(name)
    }

    /// How many API key values are known.
    #[must_use]
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// A namespace that has any config.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<&LinkedNamespace> {
        self.namespaces.get(name).map(Arc::as_ref)
    }

    /// The route of this namespace and name.
    #[must_use]
    pub fn route(&self, namespace: &str, name: &str) -> Option<&Arc<LinkedRoute>> {
        self.namespaces.get(namespace)?.routes.get(name)
    }

    /// The provider of this namespace and name.
    #[must_use]
    pub fn provider(&self, namespace: &str, name: &str) -> Option<&Arc<LinkedProvider>> {
        self.namespaces.get(namespace)?.providers.get(name)
    }

    /// Every route, by namespace and name.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<LinkedRoute>> {
        self.namespaces
            .values()
            .flat_map(|namespace| namespace.routes.values())
    }

    /// Every provider, by namespace and name.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<LinkedProvider>> {
        self.namespaces
            .values()
            .flat_map(|namespace| namespace.providers.values())
    }
}

impl LinkedNamespace {
    /// The routes that list this very name, the senior first.
    #[must_use]
    pub fn exact(&self, model: &str) -> &[Arc<LinkedRoute>] {
        self.exact.get(model).map_or(&[], Vec::as_slice)
    }

    /// The routes that list any pattern, the senior first.
    #[must_use]
    pub fn patterns(&self) -> &[Arc<LinkedRoute>] {
        &self.patterns
    }

    /// Its routes by name.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<LinkedRoute>> {
        self.routes.values()
    }
}

impl fmt::Display for LinkProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.object, self.field, self.message)
    }
}
