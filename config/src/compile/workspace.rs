//! Everything that is to be compiled, as it changes; and what came of it.

mod claims;
mod documents;
mod index;
mod pass;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::has_name;
use super::namespace::labels;
use super::object::Object;
use super::variables::Variables;
use crate::snapshot::{Consumers, FORMAT, ProviderRef, Shard, Snapshot};
use crate::text::Document;
use crate::verdict::{Kind, ObjectId, Verdict};
use index::Index;

pub(super) use claims::{Claim, Claims};
pub(super) use documents::Documents;

/// What is to be compiled, and what came of it: the objects as they stand, and the snapshot that serves.
///
/// # Flow
/// Objects are [put](Self::put) and [removed](Self::remove) as they change, any number of them; then
/// [`compile`](Self::compile) takes up what they touched. What it costs depends on the namespaces that were touched and
/// on those that hang on what changed there, and not on how many others there are:
///
/// | what changed | what is compiled beside its namespace |
/// | --- | --- |
/// | whether a provider is there and serves, whom it allows, its models | the routes of the namespaces that name it |
/// | which providers there are | the routes of the namespaces that look for one there in vain |
/// | who owns a value of an API key | the namespaces that have it too |
/// | which service accounts of other namespaces routes admit | nothing; the shards of those namespaces come or go |
///
/// # Guarantees
/// - The same as [`compile`](super::compile()), which is built on it: after each pass the snapshot and the latest verdicts
///   are what a workspace comes to that begins anew with the snapshot before the pass, and with the same objects.
/// - The shard of a namespace in which nothing changed is the very same `Arc`.
/// - A namespace has a shard if anything of it serves, or if its service accounts may use a route of another one.
#[derive(Default)]
pub struct Workspace {
    snapshot: Snapshot,
    namespaces: BTreeMap<String, Namespace>,
    touched: BTreeMap<String, Touched>,
    claims: Claims,
    /// The providers that the routes of each namespace name.
    references: Index<ProviderRef>,
    /// The namespaces in which they name one that is not there.
    searches: Index<String>,
    /// The service accounts of other namespaces that the routes of each admit.
    reach: Index<Consumers>,
    gateway_namespace: Option<String>,
}

/// What is known of one namespace.
pub(super) struct Namespace {
    documents: Documents,
    /// The UIDs of its service accounts.
    accounts: BTreeMap<String, String>,
    /// Its labels as they count.
    labels: BTreeMap<String, String>,
    /// The providers that there are, refused ones included.
    pub(super) declared: BTreeSet<String>,
    /// The latest verdicts on its routes.
    on_routes: Vec<Verdict>,
    /// The latest verdicts on all else.
    on_others: Vec<Verdict>,
}

/// What of a namespace changed since the pass before. The greater includes the lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Touched {
    Accounts,
    Documents,
}

/// What a compilation came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pass {
    /// The namespaces that were looked at: nothing changed in any other.
    pub namespaces: BTreeMap<String, NamespacePass>,
}

/// What a compilation came to in one namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct NamespacePass {
    /// What is to be published; none where there is nothing, or nothing any more.
    pub shard: Option<Arc<Shard>>,
    /// Whether it is other than before.
    pub changed: bool,
    /// The verdicts on its objects (that on the Namespace itself with them), sorted by object.
    pub verdicts: Vec<Verdict>,
}

impl Workspace {
    /// Begins with what has been published: there lives last good. Whatever is not [put](Self::put) before the first
    /// [pass](Self::compile), which looks at every namespace of it, is gone with that pass.
    #[must_use]
    pub fn new(previous: Snapshot) -> Self {
        let names = previous.namespaces.keys().cloned();
        Self {
            touched: names.map(|name| (name, Touched::Documents)).collect(),
            snapshot: Snapshot {
                format: FORMAT,
                ..previous
            },
            ..Self::default()
        }
    }

    /// The same for gateways of this namespace: providers of any other are refused the gateway's own identity. Without it,
    /// nobody is refused for its sake.
    #[must_use]
    pub fn for_gateways_in(mut self, namespace: impl Into<String>) -> Self {
        self.gateway_namespace = Some(namespace.into());
        self
    }

    /// Takes up an object as it is now: an AIProvider, an AIRoute, a Secret or a Namespace. Any other is passed over, and
    /// a change of what nobody compiles (its status, its generation, who manages its fields) is none.
    pub fn put(&mut self, document: Arc<Document>) {
        if let Some(Object { id, .. }) = Object::ours(&document)
            && has_name(&id)
        {
            self.put_as(id, document);
        }
    }

    pub(super) fn put_as(&mut self, id: ObjectId, document: Arc<Document>) {
        let name = namespace_of(&id).to_owned();
        if self.namespace(&name).documents.put(id, document) {
            self.touch(name, Touched::Documents);
        }
    }

    /// Forgets an object that is gone.
    pub fn remove(&mut self, id: &ObjectId) {
        let name = namespace_of(id).to_owned();
        if self.namespace(&name).documents.remove(id) {
            self.touch(name, Touched::Documents);
        }
    }

    /// Notes an object that is there and can't be read now: what serves of it stays, until it is [put](Self::put) or
    /// [removed](Self::remove). One that was put stays as it was put.
    pub fn unreadable(&mut self, id: &ObjectId) {
        let name = namespace_of(id).to_owned();
        let documents = &mut self.namespace(&name).documents;
        if !documents.readable.contains_key(id) && documents.unreadable.insert(id.clone()) {
            self.touch(name, Touched::Documents);
        }
    }

    /// Takes up a service account by its UID; without one it is gone.
    pub fn service_account(&mut self, namespace: &str, name: &str, uid: Option<String>) {
        let accounts = &mut self.namespace(namespace).accounts;
        let before = match uid.clone() {
            Some(uid) => accounts.insert(name.to_owned(), uid),
            None => accounts.remove(name),
        };
        if before != uid {
            self.touch(namespace.to_owned(), Touched::Accounts);
        }
    }

    /// What serves, by the last pass.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(super) fn into_snapshot(self) -> Snapshot {
        self.snapshot
    }

    /// The names of the Secrets that the providers of a namespace refer to, as far as they can be read, and of those that
    /// what serves was read from. A pass without one of them refuses the provider, and takes its credential away.
    #[must_use]
    pub fn wanted_secrets(&self, namespace: &str) -> BTreeSet<String> {
        let known = self.namespaces.get(namespace);
        let named = known
            .into_iter()
            .flat_map(|known| known.documents.secrets());
        let shard = self.snapshot.namespaces.get(namespace);
        let providers = shard.into_iter().flat_map(|shard| shard.providers.values());
        let sources = providers.flat_map(|provider| {
            let sources = &provider.sources;
            sources.credential.iter().chain(&sources.ca)
        });
        named.chain(sources.map(|from| from.name.clone())).collect()
    }

    /// Compiles the namespaces in which anything changed since the pass before, and those that hang on it.
    pub fn compile(&mut self) -> Pass {
        self.compile_with(None)
    }

    pub(super) fn compile_with(&mut self, variables: Option<Variables<'_>>) -> Pass {
        let touched = std::mem::take(&mut self.touched);
        for name in touched.keys() {
            self.namespace(name);
        }
        let work = self.work(&touched, variables);
        self.take_over(&touched, work)
    }

    fn namespace(&mut self, name: &str) -> &mut Namespace {
        let new = || Namespace {
            documents: Documents::default(),
            accounts: BTreeMap::new(),
            labels: labels(name, BTreeMap::new()),
            declared: BTreeSet::new(),
            on_routes: Vec::new(),
            on_others: Vec::new(),
        };
        self.namespaces.entry(name.to_owned()).or_insert_with(new)
    }

    fn touch(&mut self, name: String, touched: Touched) {
        let known = self.touched.entry(name).or_insert(touched);
        *known = touched.max(*known);
    }
}

/// The namespace that an object belongs to. A Namespace stands in none, and belongs to itself.
fn namespace_of(id: &ObjectId) -> &str {
    match id.kind {
        Kind::Namespace => &id.name,
        _ => &id.namespace,
    }
}

impl Namespace {
    fn verdicts(&self) -> Vec<Verdict> {
        let mut verdicts = [&self.on_others[..], &self.on_routes].concat();
        verdicts.sort_by(|left, right| left.object.cmp(&right.object));
        verdicts
    }

    fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.accounts.is_empty()
    }
}

/// Without the documents: Secrets are among them.
impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workspace")
            .field("namespaces", &self.namespaces.len())
            .field("touched", &self.touched)
            .finish_non_exhaustive()
    }
}
