//! What the watches have told so far, and what of it is news for the compiler. Pure.
//!
//! A replica that does not lead keeps it as well, so that it can begin where it stands when it takes over.

pub mod secrets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weir_config::compile::Workspace;
use weir_config::text::Document;
use weir_config::{Kind, ObjectId};

use crate::watch::seen::{self, Meta, Object};
use crate::watch::{Change, Scope};
use secrets::Secrets;

/// News for the compiler.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// An object is new, or other than it was.
    Put(ObjectId, Arc<Document>),
    /// An object is gone.
    Remove(ObjectId),
    /// An object is there, and can't be read.
    Unreadable(ObjectId),
    /// A ServiceAccount has this UID, or is gone.
    Account {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its UID.
        uid: Option<String>,
    },
}

impl News {
    /// Tells the compiler.
    pub fn tell(self, workspace: &mut Workspace) {
        match self {
            Self::Put(_, document) => workspace.put(document),
            Self::Remove(id) => workspace.remove(&id),
            Self::Unreadable(id) => workspace.unreadable(&id),
            Self::Account {
                namespace,
                name,
                uid,
            } => workspace.service_account(&namespace, &name, uid),
        }
    }
}

/// Everything that there is to compile.
#[derive(Debug, Default)]
pub struct Store {
    objects: BTreeMap<ObjectId, Object>,
    namespaces: BTreeMap<String, (Meta, Arc<Document>)>,
    accounts: BTreeMap<(String, String), String>,
    /// The Secrets that matter.
    pub secrets: Secrets,
}

impl Store {
    /// The AIProvider or AIRoute of this id.
    pub fn object(&self, id: &ObjectId) -> Option<&Object> {
        self.objects.get(id)
    }

    /// The same, to be told of a status that was written.
    pub fn object_mut(&mut self, id: &ObjectId) -> Option<&mut Object> {
        self.objects.get_mut(id)
    }

    /// The AIProviders and AIRoutes of a namespace.
    pub fn objects_in(&self, namespace: &str) -> impl Iterator<Item = &ObjectId> {
        [Kind::AiProvider, Kind::AiRoute]
            .into_iter()
            .flat_map(move |kind| {
                let first = ObjectId::new(kind.clone(), namespace, "");
                self.objects
                    .range(first..)
                    .map(|(id, _)| id)
                    .take_while(move |id| id.kind == kind && id.namespace == namespace)
            })
    }

    /// Every AIProvider and AIRoute.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectId> {
        self.objects.keys()
    }

    /// Tells a compiler that knows nothing so far everything.
    pub fn tell_all(&self, workspace: &mut Workspace) {
        for (_, document) in self.namespaces.values() {
            workspace.put(Arc::clone(document));
        }
        for document in self.secrets.documents() {
            workspace.put(Arc::clone(document));
        }
        for id in self.secrets.unreadable() {
            workspace.unreadable(&id);
        }
        for object in self.objects.values() {
            workspace.put(Arc::clone(&object.document));
        }
        for ((namespace, name), uid) in &self.accounts {
            workspace.service_account(namespace, name, Some(uid.clone()));
        }
    }

    /// Takes up AIProviders or AIRoutes. Returns the ids of those that were told of, changed or not, besides the news.
    pub fn objects_changed(
        &mut self,
        kind: &Kind,
        scope: &Scope,
        change: Change<Object>,
    ) -> (Vec<ObjectId>, Vec<News>) {
        let mut news = Vec::new();
        let mut touched = Vec::new();
        match change {
            Change::List(objects) => {
                let there: BTreeSet<ObjectId> =
                    objects.iter().map(|object| object.id.clone()).collect();
                let gone = self.objects.keys().filter(|id| {
                    id.kind == *kind && scope.has(&id.namespace) && !there.contains(*id)
                });
                let gone: Vec<ObjectId> = gone.cloned().collect();
                for id in gone {
                    self.objects.remove(&id);
                    touched.push(id.clone());
                    news.push(News::Remove(id));
                }
                for object in objects {
                    touched.push(object.id.clone());
                    news.extend(self.put(object));
                }
            }
            Change::Apply(object) => {
                touched.push(object.id.clone());
                news.extend(self.put(object));
            }
            Change::Delete(object) => {
                if self.objects.remove(&object.id).is_some() {
                    touched.push(object.id.clone());
                    news.push(News::Remove(object.id));
                }
            }
        }
        (touched, news)
    }

    fn put(&mut self, object: Object) -> Option<News> {
        let (id, document) = (object.id.clone(), Arc::clone(&object.document));
        let before = self.objects.insert(id.clone(), object);
        // A status that was written is no news for the compiler.
        let same = before.is_some_and(|before| *before.document == *document);
        (!same).then_some(News::Put(id, document))
    }

    /// Takes up Namespaces.
    pub fn namespaces_changed(&mut self, scope: &Scope, change: Change<Meta>) -> Vec<News> {
        let mut news = Vec::new();
        match change {
            Change::List(all) => {
                let there: BTreeSet<&str> = all.iter().map(|meta| meta.name.as_str()).collect();
                let gone = self.namespaces.keys();
                let gone = gone.filter(|name| scope.has(name) && !there.contains(name.as_str()));
                let gone: Vec<String> = gone.cloned().collect();
                news.extend(gone.iter().filter_map(|name| self.drop_namespace(name)));
                news.extend(all.into_iter().filter_map(|meta| self.put_namespace(meta)));
            }
            Change::Apply(meta) => news.extend(self.put_namespace(meta)),
            Change::Delete(meta) => news.extend(self.drop_namespace(&meta.name)),
        }
        news
    }

    fn put_namespace(&mut self, meta: Meta) -> Option<News> {
        let before = self.namespaces.get(&meta.name);
        if before.is_some_and(|(before, _)| before.labels == meta.labels) {
            return None;
        }
        let document = seen::namespace(&meta);
        let id = ObjectId::new(Kind::Namespace, "", meta.name.as_str());
        self.namespaces
            .insert(meta.name.clone(), (meta, Arc::clone(&document)));
        Some(News::Put(id, document))
    }

    fn drop_namespace(&mut self, name: &str) -> Option<News> {
        self.namespaces.remove(name)?;
        Some(News::Remove(ObjectId::new(Kind::Namespace, "", name)))
    }

    /// Takes up ServiceAccounts.
    pub fn accounts_changed(&mut self, scope: &Scope, change: Change<Meta>) -> Vec<News> {
        let mut news = Vec::new();
        match change {
            Change::List(all) => {
                let there: BTreeSet<(&str, &str)> = all
                    .iter()
                    .map(|meta| (meta.namespace.as_str(), meta.name.as_str()))
                    .collect();
                let gone = self.accounts.keys().filter(|(namespace, name)| {
                    scope.has(namespace) && !there.contains(&(namespace.as_str(), name.as_str()))
                });
                let gone: Vec<(String, String)> = gone.cloned().collect();
                news.extend(gone.into_iter().filter_map(|one| self.drop_account(one)));
                news.extend(all.into_iter().filter_map(|meta| self.put_account(meta)));
            }
            Change::Apply(meta) => news.extend(self.put_account(meta)),
            Change::Delete(meta) => {
                news.extend(self.drop_account((meta.namespace, meta.name)));
            }
        }
        news
    }

    fn put_account(&mut self, meta: Meta) -> Option<News> {
        let Meta {
            namespace,
            name,
            uid,
            ..
        } = meta;
        let key = (namespace.clone(), name.clone());
        let before = self.accounts.insert(key, uid.clone());
        (before.as_ref() != Some(&uid)).then_some(News::Account {
            namespace,
            name,
            uid: Some(uid),
        })
    }

    fn drop_account(&mut self, key: (String, String)) -> Option<News> {
        self.accounts.remove(&key)?;
        let (namespace, name) = key;
        Some(News::Account {
            namespace,
            name,
            uid: None,
        })
    }
}

#[cfg(test)]
mod tests;
