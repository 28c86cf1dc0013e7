//! What is published, what should be, and what has to be written to get there. Pure; [`write`] does it.
//!
//! Each namespace's Secret is written with the resourceVersion that is known of it. What the watch tells of it meanwhile
//! is judged here: an echo of what was written, an edit by hand that is put right, or another leader's work.

pub mod pace;
pub mod read;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_config::published::{self, Root};
use weir_config::snapshot::Shard;

use crate::watch::seen::PublishedSeen;
use pace::{Pace, Waiting};

/// A Secret that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its resourceVersion.
    pub version: String,
    /// A number for what is in it, see [`crate::watch::seen::digest`].
    pub digest: u64,
}

/// The Secret of a namespace that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Which state of it.
    pub known: Known,
    /// The parts that it names.
    pub parts: Vec<String>,
}

/// What has to be written of a namespace.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which namespace.
    pub namespace: String,
    /// What is to be there; none takes it away.
    pub shard: Option<Arc<Shard>>,
    /// What is there.
    pub index: Option<Index>,
    /// The parts that are there, of all namespaces.
    pub parts: BTreeMap<String, Known>,
    /// Format and term.
    pub root: Root,
    /// Also if it says the same as what is there.
    pub force: bool,
    /// When the first change in it arrived.
    pub since: Instant,
    /// What was sent for it, see [`pace::cost`].
    pub spent: u64,
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The Secret as it is now; none if it is gone.
    pub index: Option<Index>,
    /// Parts that were written.
    pub parts: BTreeMap<String, Known>,
}

/// What the watch's news of a Secret mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing new.
    Echo,
    /// Someone changed it, and it is to be put right.
    Edited,
    /// Someone else leads, or the store was put back: all has to be read anew.
    Foreign,
}

#[derive(Debug, Default)]
struct Namespace {
    desired: Option<Arc<Shard>>,
    index: Option<Index>,
    dirty: Option<Instant>,
    force: bool,
    writing: bool,
    /// How often it could not be written since it last could.
    failures: u32,
    /// Not to be tried again before.
    again: Option<Instant>,
    /// What the watch told while a write was under way: it may be its echo.
    told: Option<Told>,
}

#[derive(Debug)]
enum Told {
    There(PublishedSeen),
    Gone(String),
}

/// The publication of one turn of a leader.
#[derive(Debug)]
pub struct Publication {
    /// What the root says.
    pub root: Root,
    root_version: String,
    namespaces: BTreeMap<String, Namespace>,
    parts: BTreeMap<String, Known>,
    dirty: Waiting,
    revisions: BTreeSet<(u64, String)>,
    edited: BTreeSet<String>,
    newest: u64,
}

/// The number in a resourceVersion.
pub fn revision(version: &str) -> u64 {
    version.parse().unwrap_or(0)
}

impl Publication {
    /// Begins with what was read back. What a replaced leader wrote after the root is written anew, since gateways pass
    /// over it, and what can't be read is too.
    pub fn new(back: read::Back, now: Instant) -> Self {
        let mut publication = Self {
            root: back.root,
            newest: revision(&back.root_version),
            root_version: back.root_version,
            namespaces: BTreeMap::new(),
            parts: back.parts,
            dirty: Waiting::default(),
            revisions: BTreeSet::new(),
            edited: BTreeSet::new(),
        };
        for (name, shard) in &back.snapshot.namespaces {
            let state = publication.namespaces.entry(name.clone()).or_default();
            state.desired = Some(Arc::clone(shard));
        }
        for (name, found) in back.indexes {
            let rewrite = found.rewrite;
            publication.set_index(&name, Some(found.index));
            if rewrite {
                publication.force(&name, now);
            }
        }
        let missing = publication.namespaces.iter();
        let missing = missing.filter(|(_, state)| state.index.is_none());
        let missing: Vec<String> = missing.map(|(name, _)| name.clone()).collect();
        for name in missing {
            publication.mark(&name, now);
        }
        publication
    }

    /// What is to be published of a namespace.
    pub fn desired(&self, namespace: &str) -> Option<&Arc<Shard>> {
        self.namespaces.get(namespace)?.desired.as_ref()
    }

    /// Every namespace of which something is there, or is to be.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.keys().map(String::as_str)
    }

    /// Takes out the namespaces of which gateways may run something else than was written.
    pub fn take_edited(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.edited)
    }

    /// The revision of a namespace's Secret.
    pub fn revision(&self, namespace: &str) -> Option<u64> {
        let index = self.namespaces.get(namespace)?.index.as_ref()?;
        Some(revision(&index.known.version))
    }

    /// The highest revision of all.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// The namespaces whose Secrets are of a higher revision than this.
    pub fn above(&self, lowest: u64) -> impl Iterator<Item = &str> {
        let first = (lowest.saturating_add(1), String::new());
        self.revisions.range(first..).map(|(_, name)| name.as_str())
    }

    /// This is to be published of a namespace, or nothing.
    pub fn desire(&mut self, namespace: &str, shard: Option<Arc<Shard>>, now: Instant) {
        self.namespaces
            .entry(namespace.to_owned())
            .or_default()
            .desired = shard;
        self.mark(namespace, now);
    }

    /// Takes out what is to be written next, unless something of it is being written, it has used up its allowance,
    /// or it failed a short while ago.
    pub fn next_job(&mut self, pace: &Pace, now: Instant) -> Option<Job> {
        let namespaces = &self.namespaces;
        let name = self.dirty.take(now, |name| {
            let state = namespaces.get(name).filter(|state| !state.writing)?;
            state.again.max(pace.due(name)).or(Some(now))
        })?;
        let state = self.namespaces.get_mut(&name)?;
        state.writing = true;
        Some(Job {
            shard: state.desired.clone(),
            index: state.index.clone(),
            parts: self.parts.clone(),
            root: self.root,
            force: std::mem::take(&mut state.force),
            since: state.dirty.take()?,
            spent: 0,
            namespace: name,
        })
    }

    /// When something may be written that has to wait until then.
    pub fn next_due(&self) -> Option<Instant> {
        self.dirty.next()
    }

    /// Whether nothing is to be written, or being written.
    pub fn is_settled(&self) -> bool {
        self.dirty.is_empty() && !self.namespaces.values().any(|state| state.writing)
    }

    /// A job was done. Returns the parts that nothing needs any more, and what the watch told meanwhile.
    pub fn done(
        &mut self,
        namespace: &str,
        written: Written,
        now: Instant,
    ) -> (Vec<(String, Known)>, Verdict) {
        self.parts.extend(written.parts);
        let old = self
            .namespaces
            .get(namespace)
            .and_then(|state| state.index.clone())
            .map(|index| index.parts)
            .unwrap_or_default();
        self.set_index(namespace, written.index);
        let told = self.namespaces.get_mut(namespace).and_then(|state| {
            state.writing = false;
            state.failures = 0;
            state.again = None;
            state.told.take()
        });
        let verdict = match told {
            None => Verdict::Echo,
            Some(Told::There(seen)) => self.seen(&seen, now),
            Some(Told::Gone(version)) => {
                self.gone(&published::shard_name(namespace), &version, now)
            }
        };
        let forgettable = self.namespaces.get(namespace).is_some_and(|state| {
            state.desired.is_none() && state.index.is_none() && state.dirty.is_none()
        });
        if forgettable {
            self.namespaces.remove(namespace);
        }
        (self.unused(&old), verdict)
    }

    /// A job failed, and is to be done again, but not before a pause that grows up to `longest`.
    pub fn failed(&mut self, job: &Job, longest: Duration, now: Instant) {
        if let Some(state) = self.namespaces.get_mut(&job.namespace) {
            state.writing = false;
            state.again = Some(now + pace::pause(state.failures, longest));
            state.failures = state.failures.saturating_add(1);
            state.force |= job.force;
            state.dirty = Some(state.dirty.unwrap_or(job.since).min(job.since));
            self.dirty.add(&job.namespace);
        }
    }

    /// A part was taken away.
    pub fn part_gone(&mut self, name: &str) {
        self.parts.remove(name);
    }

    /// What no index names. Only to be asked where nothing is being written.
    pub fn unused_parts(&self) -> Vec<(String, Known)> {
        let all: Vec<String> = self.parts.keys().cloned().collect();
        self.unused(&all)
    }

    /// The watch has seen a Secret as it is now.
    pub fn seen(&mut self, seen: &PublishedSeen, now: Instant) -> Verdict {
        if seen.term.is_some_and(|term| term > self.root.term) {
            return Verdict::Foreign;
        }
        if seen.name == published::ROOT {
            let newer = revision(&seen.version) > revision(&self.root_version);
            // Nobody but a leader that begins writes it.
            return if newer {
                Verdict::Foreign
            } else {
                Verdict::Echo
            };
        }
        let Some(namespace) = published::namespace_of(&seen.name).map(str::to_owned) else {
            return self.part_seen(seen, now);
        };
        let term = self.root.term;
        let state = self.namespaces.entry(namespace.clone()).or_default();
        if state.writing {
            state.told = Some(Told::There(seen.clone()));
            return Verdict::Echo;
        }
        let known = state.index.as_ref().map(|index| &index.known);
        if known.is_some_and(|known| revision(&seen.version) <= revision(&known.version)) {
            return Verdict::Echo;
        }
        // What a replaced leader wrote says the same, perhaps, but is passed over for its term.
        let same =
            known.is_some_and(|known| known.digest == seen.digest) && seen.term == Some(term);
        let parts = state.index.take().map(|index| index.parts);
        self.set_index(
            &namespace,
            Some(Index {
                known: Known {
                    version: seen.version.clone(),
                    digest: seen.digest,
                },
                parts: parts.unwrap_or_default(),
            }),
        );
        if same {
            return Verdict::Echo;
        }
        self.edited.insert(namespace.clone());
        self.force(&namespace, now);
        Verdict::Edited
    }

    /// The watch has seen a Secret go, at this version.
    pub fn gone(&mut self, name: &str, version: &str, now: Instant) -> Verdict {
        if name == published::ROOT {
            return Verdict::Foreign;
        }
        let Some(namespace) = published::namespace_of(name) else {
            let known = self.parts.get(name);
            if known.is_none_or(|known| revision(version) < revision(&known.version)) {
                return Verdict::Echo;
            }
            self.parts.remove(name);
            return self.part_lost(name, now);
        };
        let Some(state) = self.namespaces.get_mut(namespace) else {
            return Verdict::Echo;
        };
        if state.writing {
            state.told = Some(Told::Gone(version.to_owned()));
            return Verdict::Echo;
        }
        let known = state.index.as_ref().map(|index| &index.known);
        if known.is_none_or(|known| revision(version) < revision(&known.version)) {
            return Verdict::Echo;
        }
        let namespace = namespace.to_owned();
        self.set_index(&namespace, None);
        self.edited.insert(namespace.clone());
        self.force(&namespace, now);
        Verdict::Edited
    }

    /// The watch has listed all that there is.
    pub fn listed(&mut self, all: &[PublishedSeen], now: Instant) -> Verdict {
        let there: BTreeMap<&str, u64> = all
            .iter()
            .map(|seen| (seen.name.as_str(), revision(&seen.version)))
            .collect();
        let lost = |name: &str, known: &str| {
            there
                .get(name)
                .is_none_or(|version| *version < revision(known))
        };
        let indexes = self.namespaces.iter().any(|(name, state)| {
            let known = state.index.as_ref().filter(|_| !state.writing);
            known.is_some_and(|index| lost(&published::shard_name(name), &index.known.version))
        });
        let parts = self
            .parts
            .iter()
            .any(|(name, known)| lost(name, &known.version));
        if indexes || parts || lost(published::ROOT, &self.root_version) {
            // Gone, or older than it was: the store was put back, or the list is older than the last write.
            return Verdict::Foreign;
        }
        let mut worst = Verdict::Echo;
        for seen in all {
            match self.seen(seen, now) {
                Verdict::Echo => {}
                Verdict::Edited => worst = Verdict::Edited,
                Verdict::Foreign => return Verdict::Foreign,
            }
        }
        worst
    }

    fn part_seen(&mut self, seen: &PublishedSeen, now: Instant) -> Verdict {
        let known = self.parts.get(&seen.name);
        if known.is_some_and(|known| {
            known.digest == seen.digest || revision(&seen.version) <= revision(&known.version)
        }) {
            return Verdict::Echo;
        }
        let edited = known.is_some();
        let known = Known {
            version: seen.version.clone(),
            digest: seen.digest,
        };
        self.parts.insert(seen.name.clone(), known);
        if edited {
            self.part_lost(&seen.name, now)
        } else {
            // Just written, and its job is not done; or left over by one that failed.
            Verdict::Echo
        }
    }

    fn part_lost(&mut self, part: &str, now: Instant) -> Verdict {
        let users: Vec<String> = self
            .namespaces
            .iter()
            .filter(|(_, state)| {
                let index = state.index.as_ref();
                index.is_some_and(|index| index.parts.iter().any(|one| one == part))
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in &users {
            self.force(name, now);
        }
        self.edited.extend(users.iter().cloned());
        if users.is_empty() {
            Verdict::Echo
        } else {
            Verdict::Edited
        }
    }

    fn unused(&self, parts: &[String]) -> Vec<(String, Known)> {
        if parts.is_empty() {
            return Vec::new();
        }
        let used: BTreeSet<&String> = self
            .namespaces
            .values()
            .filter_map(|state| state.index.as_ref())
            .flat_map(|index| &index.parts)
            .collect();
        parts
            .iter()
            .filter(|part| !used.contains(part))
            .filter_map(|part| Some((part.clone(), self.parts.get(part)?.clone())))
            .collect()
    }

    fn set_index(&mut self, namespace: &str, index: Option<Index>) {
        let state = self.namespaces.entry(namespace.to_owned()).or_default();
        if let Some(old) = &state.index {
            let old = (revision(&old.known.version), namespace.to_owned());
            self.revisions.remove(&old);
        }
        if let Some(new) = &index {
            let new = revision(&new.known.version);
            self.newest = self.newest.max(new);
            self.revisions.insert((new, namespace.to_owned()));
        }
        state.index = index;
    }

    fn mark(&mut self, namespace: &str, now: Instant) {
        let state = self.namespaces.entry(namespace.to_owned()).or_default();
        state.dirty.get_or_insert(now);
        self.dirty.add(namespace);
    }

    fn force(&mut self, namespace: &str, now: Instant) {
        self.mark(namespace, now);
        if let Some(state) = self.namespaces.get_mut(namespace) {
            state.force = true;
        }
    }
}

#[cfg(test)]
mod tests;
