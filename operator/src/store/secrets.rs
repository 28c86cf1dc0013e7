//! Which Secrets matter, and which of them have to be read. Pure: the time comes in as a value.
//!
//! Of most Secrets no more is seen than their metadata, and that is forgotten at once. Read are those with the label of
//! API keys and those that providers refer to. Secrets of the type of API keys come whole from a watch of their own.
//!
//! A Secret that can't be read because of an error is not a missing one: what was known of it stays, and one of which
//! nothing is known is held for unreadable, after a while in which whatever depends on it waits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_config::text::Document;
use weir_config::{Kind, ObjectId};

use super::News;
use crate::watch::seen::{KEY_TYPE, KeySecret, Meta};
use crate::watch::{Change, Scope};

/// How long a compilation waits for a Secret that was never read so far.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// The namespace and the name of a Secret.
pub type Name = (String, String);

#[derive(Debug)]
enum Have {
    /// It was never read.
    Nothing {
        since: Instant,
        /// The compiler was told that it can't be read.
        told: bool,
    },
    /// There is none.
    Missing,
    /// This is it.
    Document {
        uid: String,
        version: String,
        document: Arc<Document>,
    },
}

#[derive(Debug)]
struct Entry {
    have: Have,
    /// It is of the type of API keys, and comes from the watch of these.
    typed: bool,
    labelled: bool,
    reading: bool,
    /// It changed, or may have, since the reading that is under way began.
    again: bool,
}

/// The Secrets that matter.
#[derive(Debug, Default)]
pub struct Secrets {
    entries: BTreeMap<Name, Entry>,
    wanted: BTreeMap<String, BTreeSet<String>>,
    to_read: BTreeSet<Name>,
}

impl Secrets {
    /// What is known of them, for the compiler.
    pub fn documents(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.entries.values().filter_map(|entry| match &entry.have {
            Have::Document { document, .. } => Some(document),
            Have::Nothing { .. } | Have::Missing => None,
        })
    }

    /// Those of which the compiler was told that they can't be read.
    pub fn unreadable(&self) -> impl Iterator<Item = ObjectId> {
        let told = |entry: &Entry| matches!(entry.have, Have::Nothing { told: true, .. });
        let entries = self.entries.iter().filter(move |(_, entry)| told(entry));
        entries.map(|((namespace, name), _)| id(namespace, name))
    }

    /// The UID and the resourceVersion of a Secret, if they are known.
    pub fn state(&self, namespace: &str, name: &str) -> Option<(&str, &str)> {
        match &self.entries.get(&key(namespace, name))?.have {
            Have::Document { uid, version, .. } => Some((uid, version)),
            Have::Nothing { .. } | Have::Missing => None,
        }
    }

    /// Takes out what is to be read now.
    pub fn take_to_read(&mut self) -> BTreeSet<Name> {
        let names = std::mem::take(&mut self.to_read);
        for name in &names {
            if let Some(entry) = self.entries.get_mut(name) {
                entry.reading = true;
                entry.again = false;
            }
        }
        names
    }

    /// These are the names that the providers of a namespace refer to.
    pub fn want(&mut self, namespace: &str, names: BTreeSet<String>, now: Instant) -> Vec<News> {
        let before = self.wanted.remove(namespace).unwrap_or_default();
        for name in names.difference(&before) {
            if !self.entries.contains_key(&key(namespace, name)) {
                self.read(key(namespace, name), now);
            }
        }
        let dropped: Vec<String> = before.difference(&names).cloned().collect();
        if !names.is_empty() {
            self.wanted.insert(namespace.to_owned(), names);
        }
        let gone = dropped.into_iter().map(|name| key(namespace, &name));
        gone.filter_map(|name| self.drop_if_idle(&name)).collect()
    }

    /// Takes up the metadata of Secrets.
    pub fn seen(&mut self, scope: &Scope, change: Change<Meta>, now: Instant) -> Vec<News> {
        match change {
            Change::List(all) => {
                let there: BTreeSet<Name> = all
                    .iter()
                    .map(|meta| key(&meta.namespace, &meta.name))
                    .collect();
                // It may have come after the list was made: only a reading can tell.
                let missing: Vec<Name> = self
                    .entries
                    .iter()
                    .filter(|(name, entry)| {
                        scope.has(&name.0)
                            && !there.contains(*name)
                            && matches!(entry.have, Have::Document { .. })
                    })
                    .map(|(name, _)| name.clone())
                    .collect();
                for name in missing {
                    self.read(name, now);
                }
                let news = all.into_iter().filter_map(|meta| self.meta(&meta, now));
                news.collect()
            }
            Change::Apply(meta) => self.meta(&meta, now).into_iter().collect(),
            Change::Delete(meta) => self.gone(&meta).into_iter().collect(),
        }
    }

    /// Takes up Secrets of the type of API keys.
    pub fn keys_seen(
        &mut self,
        scope: &Scope,
        change: Change<KeySecret>,
        now: Instant,
    ) -> Vec<News> {
        match change {
            Change::List(all) => {
                let there: BTreeSet<Name> = all
                    .iter()
                    .map(|secret| key(&secret.meta.namespace, &secret.meta.name))
                    .collect();
                let missing: Vec<Name> = self
                    .entries
                    .iter()
                    .filter(|(name, entry)| {
                        entry.typed && scope.has(&name.0) && !there.contains(*name)
                    })
                    .map(|(name, _)| name.clone())
                    .collect();
                for name in missing {
                    self.read(name, now);
                }
                // A list is the truth even where its versions are lower: a store may be restored.
                let news = all.into_iter().filter_map(|secret| self.put(secret, false));
                news.collect()
            }
            Change::Apply(secret) => self.put(secret, true).into_iter().collect(),
            Change::Delete(secret) => self.gone(&secret.meta).into_iter().collect(),
        }
    }

    /// A Secret was read: this is it, or there is none.
    pub fn was_read(&mut self, name: &Name, found: Option<KeySecret>, now: Instant) -> Vec<News> {
        let again = match self.entries.get_mut(name) {
            // Nobody asks for it any more.
            None => return Vec::new(),
            Some(entry) => {
                entry.reading = false;
                std::mem::take(&mut entry.again)
            }
        };
        let news = match found {
            Some(secret) => self.put(secret, false),
            None => self.missing(name),
        };
        if again && self.entries.contains_key(name) {
            self.read(name.clone(), now);
        }
        news.into_iter().chain(self.drop_if_idle(name)).collect()
    }

    /// A Secret could not be read; it is tried again from now on.
    pub fn not_read(&mut self, name: &Name, now: Instant) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.reading = false;
            self.read(name.clone(), now);
        }
    }

    /// Until when a compilation of what changed at `changed` should wait for Secrets that were never read so far. However
    /// many more come meanwhile, it waits no longer than for one: who keeps on making Secrets must not hold up what
    /// others withdraw.
    pub fn wait_until(&self, changed: Instant, now: Instant) -> Option<Instant> {
        let unread = self.entries.values().filter_map(|entry| match &entry.have {
            Have::Nothing { since, told: false } => Some((*since).min(changed) + PATIENCE),
            _ => None,
        });
        unread.filter(|until| *until > now).max()
    }

    /// Tells the compiler of those that it waited for in vain.
    pub fn give_up_waiting(&mut self, changed: Instant, now: Instant) -> Vec<News> {
        let mut news = Vec::new();
        for ((namespace, name), entry) in &mut self.entries {
            if let Have::Nothing { since, told } = &mut entry.have
                && !*told
                && now.saturating_duration_since((*since).min(changed)) >= PATIENCE
            {
                *told = true;
                news.push(News::Unreadable(id(namespace, name)));
            }
        }
        news
    }

    /// Whether the compiler was told that it can't be read.
    pub fn is_unreadable(&self, namespace: &str, name: &str) -> bool {
        let entry = self.entries.get(&key(namespace, name));
        entry.is_some_and(|entry| matches!(entry.have, Have::Nothing { .. }))
    }

    fn is_wanted(&self, name: &Name) -> bool {
        let names = self.wanted.get(&name.0);
        names.is_some_and(|names| names.contains(&name.1))
    }

    fn meta(&mut self, meta: &Meta, now: Instant) -> Option<News> {
        let name = key(&meta.namespace, &meta.name);
        let labelled = meta
            .labels
            .get(KEY_TYPE)
            .is_some_and(|value| value == "true");
        if let Some(entry) = self.entries.get_mut(&name) {
            entry.labelled = labelled;
            let known = match &entry.have {
                Have::Document { version, .. } => *version == meta.version,
                Have::Missing | Have::Nothing { .. } => false,
            };
            let dropped = self.drop_if_idle(&name);
            if dropped.is_none() && !known {
                self.read(name, now);
            }
            return dropped;
        }
        if labelled || self.is_wanted(&name) {
            self.read(name.clone(), now);
            if let Some(entry) = self.entries.get_mut(&name) {
                entry.labelled = labelled;
            }
        }
        None
    }

    fn gone(&mut self, meta: &Meta) -> Option<News> {
        let name = key(&meta.namespace, &meta.name);
        let entry = self.entries.get_mut(&name)?;
        // The other watch, or a reading, may be ahead and know a later one of that name.
        if let Have::Document { version, .. } = &entry.have
            && is_older(&meta.version, version)
        {
            return None;
        }
        if entry.reading {
            entry.again = true;
        }
        self.missing(&name)
    }

    fn missing(&mut self, name: &Name) -> Option<News> {
        let wanted = self.is_wanted(name);
        let entry = self.entries.get_mut(name)?;
        let had = !matches!(
            entry.have,
            Have::Missing | Have::Nothing { told: false, .. }
        );
        entry.have = Have::Missing;
        (entry.typed, entry.labelled) = (false, false);
        if !wanted && !entry.reading {
            self.entries.remove(name);
            self.to_read.remove(name);
        }
        had.then(|| News::Remove(id(&name.0, &name.1)))
    }

    fn put(&mut self, secret: KeySecret, only_newer: bool) -> Option<News> {
        let KeySecret { meta, document } = secret;
        let name = key(&meta.namespace, &meta.name);
        let typed = document.value.get("type").and_then(|kind| kind.as_str()) == Some(KEY_TYPE);
        let labelled = meta
            .labels
            .get(KEY_TYPE)
            .is_some_and(|value| value == "true");
        let entry = self.entries.entry(name).or_insert(Entry {
            have: Have::Missing,
            typed,
            labelled,
            reading: false,
            again: false,
        });
        (entry.typed, entry.labelled) = (typed, labelled);
        if let Have::Document { version, .. } = &entry.have
            && (*version == meta.version || only_newer && is_older(&meta.version, version))
        {
            return None;
        }
        entry.have = Have::Document {
            uid: meta.uid,
            version: meta.version,
            document: Arc::clone(&document),
        };
        Some(News::Put(id(&meta.namespace, &meta.name), document))
    }

    fn read(&mut self, name: Name, now: Instant) {
        let entry = self.entries.entry(name.clone()).or_insert(Entry {
            have: Have::Nothing {
                since: now,
                told: false,
            },
            typed: false,
            labelled: false,
            reading: false,
            again: false,
        });
        if entry.reading {
            entry.again = true;
        } else {
            self.to_read.insert(name);
        }
    }

    /// Forgets a Secret that is no key and that nobody refers to.
    fn drop_if_idle(&mut self, name: &Name) -> Option<News> {
        let entry = self.entries.get(name)?;
        if entry.typed || entry.labelled || entry.reading || self.is_wanted(name) {
            return None;
        }
        let had = !matches!(
            entry.have,
            Have::Missing | Have::Nothing { told: false, .. }
        );
        self.entries.remove(name);
        self.to_read.remove(name);
        had.then(|| News::Remove(id(&name.0, &name.1)))
    }
}

fn key(namespace: &str, name: &str) -> Name {
    (namespace.to_owned(), name.to_owned())
}

fn id(namespace: &str, name: &str) -> ObjectId {
    ObjectId::new(Kind::Secret, namespace, name)
}

/// Versions are numbers that rise (Kubernetes says so from 1.35 on, and etcd always did); what is none is not older.
fn is_older(version: &str, than: &str) -> bool {
    let number = |text: &str| text.parse::<u64>().ok();
    matches!((number(version), number(than)), (Some(one), Some(other)) if one < other)
}
