//! Everything that is to be compiled, as it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::object::{Found, Object};
use super::{Input, compile};
use crate::snapshot::{Shard, Snapshot};
use crate::text::Document;
use crate::verdict::{Kind, ObjectId, Verdict};

/// What is to be compiled, and what came of it: the documents as they stand, and the snapshot that serves.
#[derive(Debug, Default)]
pub struct Workspace {
    snapshot: Snapshot,
    documents: BTreeMap<ObjectId, Arc<Document>>,
    accounts: BTreeMap<String, BTreeMap<String, String>>,
}

/// What a compilation came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pass {
    /// The namespaces that were looked at.
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
    /// [pass](Self::compile) is gone with it.
    #[must_use]
    pub fn new(previous: Snapshot) -> Self {
        Self {
            snapshot: previous,
            ..Self::default()
        }
    }

    /// Takes up an object as it is now: an AIProvider, an AIRoute, a Secret or a Namespace. Any other is passed over.
    pub fn put(&mut self, document: Arc<Document>) {
        if let Found::Ours(Object { id, .. }) = Object::of(&document)
            && !matches!(id.kind, Kind::Unknown(_))
        {
            self.documents.insert(id, document);
        }
    }

    /// Forgets an object that is gone.
    pub fn remove(&mut self, id: &ObjectId) {
        self.documents.remove(id);
    }

    /// Takes up a service account by its UID; without one it is gone.
    pub fn service_account(&mut self, namespace: &str, name: &str, uid: Option<String>) {
        let accounts = self.accounts.entry(namespace.to_owned()).or_default();
        match uid {
            Some(uid) => accounts.insert(name.to_owned(), uid),
            None => accounts.remove(name),
        };
    }

    /// What serves, by the last pass.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The names of the Secrets that the providers of a namespace refer to, as far as they can be read, and those that
    /// a last good version was read from.
    #[must_use]
    pub fn wanted_secrets(&self, namespace: &str) -> BTreeSet<String> {
        let documents = self.documents.iter();
        let documents = documents
            .filter(|(id, _)| id.kind == Kind::AiProvider && id.namespace == namespace)
            .flat_map(|(_, document)| {
                let name = |path| document.value.pointer(path)?.as_str().map(str::to_owned);
                let paths = [
                    "/spec/credentials/secretRef/name",
                    "/spec/tls/caSecretRef/name",
                ];
                paths.into_iter().filter_map(name).collect::<Vec<_>>()
            });
        let shard = self.snapshot.namespaces.get(namespace);
        let providers = shard.into_iter().flat_map(|shard| shard.providers.values());
        let sources = providers.flat_map(|provider| {
            let sources = &provider.sources;
            sources.credential.iter().chain(&sources.ca)
        });
        documents
            .chain(sources.map(|from| from.name.clone()))
            .collect()
    }

    /// Compiles the namespaces in which anything changed since the pass before, and those that depend on it. The first
    /// pass compiles all.
    pub fn compile(&mut self) -> Pass {
        let documents: Vec<_> = self.documents.values().cloned().collect();
        let compiled = compile(&Input {
            documents: &documents,
            unreadable: &[],
            env: None,
            previous: Some(&self.snapshot),
        });
        let mut pass = Pass::default();
        let mut snapshot = compiled.snapshot;
        for (name, shard) in &mut snapshot.namespaces {
            let accounts = self.accounts.get(name).cloned().unwrap_or_default();
            if shard.service_accounts != accounts {
                Arc::make_mut(shard).service_accounts = accounts;
            }
        }
        let names = snapshot.namespaces.keys();
        for name in names.chain(self.snapshot.namespaces.keys()) {
            let shard = snapshot.namespaces.get(name).cloned();
            let changed = shard.as_ref() != self.snapshot.namespaces.get(name);
            let found = NamespacePass {
                shard,
                changed,
                verdicts: Vec::new(),
            };
            pass.namespaces.entry(name.clone()).or_insert(found);
        }
        for verdict in compiled.verdicts {
            let id = &verdict.object;
            let name = if id.kind == Kind::Namespace {
                &id.name
            } else {
                &id.namespace
            };
            let found = pass
                .namespaces
                .entry(name.clone())
                .or_insert(NamespacePass {
                    shard: None,
                    changed: false,
                    verdicts: Vec::new(),
                });
            found.verdicts.push(verdict);
        }
        self.snapshot = snapshot;
        pass
    }
}
