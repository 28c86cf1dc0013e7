//! What the operator has published, and what of it serves. Pure: what the API server said comes in, a [`Publication`]
//! comes out.
//!
//! - Nothing counts as published before the root is there, and nothing is taken away while it is not.
//! - A completed list replaces everything, at whatever revision; within a watch an older word is no word.
//! - What was written by a leader that had been replaced by then is passed over: its successor writes it anew.
//! - What can't be read leaves its namespace as it was.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use weir_config::published::{
    DecodeError, Index, PART_ENTRY, PARTS_ENTRY, ROOT, Root, SHARD_ENTRY, Stamp, join,
    namespace_of, read_index,
};
use weir_config::snapshot::{FORMAT, Sha256, Snapshot};
use weir_records::lease::Refused;

use crate::source::{Kept, Publication};

/// A Secret as the API server tells it.
#[derive(Clone)]
pub(super) struct Object {
    /// Its name.
    pub(super) name: String,
    /// Its resourceVersion.
    pub(super) revision: u64,
    /// Its annotations.
    pub(super) annotations: BTreeMap<String, String>,
    /// Its data.
    pub(super) data: BTreeMap<String, Vec<u8>>,
}

/// Something that happened to one.
#[derive(Debug)]
pub(super) enum Event {
    /// It is this now.
    Applied(Object),
    /// It is gone, at this revision.
    Deleted(String, u64),
}

/// Everything that is known of what was published. It is not to be printed: there are credentials in it.
#[derive(Default)]
pub(super) struct Mirror {
    root: Option<(Root, u64)>,
    /// What is wrong with the root, where it can't be read.
    root_problem: Option<String>,
    parts: HashMap<String, Arc<[u8]>>,
    /// What is published, whether it serves or not.
    heads: BTreeMap<String, Head>,
    /// The namespaces that need to be looked at.
    unsettled: BTreeSet<String>,
    /// Those that wait for parts.
    waiting: BTreeSet<String>,
    refused: BTreeMap<String, String>,
    serving: BTreeMap<String, Arc<Kept>>,
    /// The highest revision that was heard of.
    heard: u64,
    /// The highest of which everything was looked at.
    revision: u64,
    snapshot: Arc<Snapshot>,
    /// Whether anything serves at all; nothing published is a configuration too.
    serves: bool,
}

/// The Secret of a namespace.
struct Head {
    revision: u64,
    stamp: Result<Stamp, DecodeError>,
    content: Result<Content, DecodeError>,
}

#[derive(Clone)]
enum Content {
    Whole(Arc<[u8]>),
    Parts(Vec<String>),
}

impl Mirror {
    /// Begins with what was kept, if anything was.
    pub(super) fn new(kept: Option<BTreeMap<String, Arc<Kept>>>) -> Self {
        let mut mirror = Self {
            serves: kept.is_some(),
            serving: kept.unwrap_or_default(),
            ..Self::default()
        };
        let revisions = mirror.serving.values().map(|kept| kept.revision);
        mirror.revision = revisions.max().unwrap_or_default();
        mirror.take_snapshot();
        mirror
    }

    /// What serves; none before anything was published or kept.
    pub(super) fn serving(&self) -> Option<(Arc<Snapshot>, Publication)> {
        let of_namespaces = self.refused.iter().map(|(namespace, message)| Refused {
            namespace: namespace.clone(),
            object: None,
            message: message.clone(),
        });
        let of_root = self.root_problem.iter().map(|message| Refused {
            namespace: String::new(),
            object: None,
            message: message.clone(),
        });
        self.serves.then(|| {
            let publication = Publication {
                revision: self.revision,
                namespaces: self.serving.clone(),
                refused: of_root.chain(of_namespaces).collect(),
            };
            (Arc::clone(&self.snapshot), publication)
        })
    }

    /// Takes a completed list, of this revision, in place of all that was heard so far.
    pub(super) fn list(&mut self, objects: Vec<Object>, revision: u64) {
        (self.root, self.root_problem) = (None, None);
        self.parts.clear();
        self.heads.clear();
        self.waiting.clear();
        self.heard = revision;
        for object in objects {
            self.apply(object);
        }
        // What is not in the list is gone.
        self.unsettled.extend(self.serving.keys().cloned());
        self.unsettled.extend(self.refused.keys().cloned());
        if self.root.is_none() {
            tracing::info!("nothing is published so far, or not any more; what serves goes on");
        }
        self.settle();
    }

    /// Takes what happened since.
    pub(super) fn happened(&mut self, events: Vec<Event>) {
        for event in events {
            let revision = match &event {
                Event::Applied(object) => object.revision,
                Event::Deleted(_, revision) => *revision,
            };
            if revision <= self.heard {
                tracing::debug!(
                    revision,
                    heard = self.heard,
                    "passed over: it is older than what is known"
                );
                continue;
            }
            self.heard = revision;
            match event {
                Event::Applied(object) => self.apply(object),
                Event::Deleted(name, _) => self.delete(&name),
            }
        }
        self.settle();
    }

    fn apply(&mut self, object: Object) {
        let Object {
            name,
            revision,
            annotations,
            mut data,
        } = object;
        if name == ROOT {
            match Root::decode(&data) {
                Ok(root) => (self.root, self.root_problem) = (Some((root, revision)), None),
                Err(error) => {
                    tracing::error!(%error, "the root of what is published can't be read; what serves goes on");
                    self.root = None;
                    self.root_problem = Some(format!("the Secret `{ROOT}` {error}"));
                }
            }
        } else if let Some(namespace) = namespace_of(&name) {
            let content = match data.remove(SHARD_ENTRY) {
                Some(packed) => Ok(Content::Whole(packed.into())),
                None => read_index(&data).and_then(|index| match index {
                    Index::Parts(names) => Ok(Content::Parts(names)),
                    Index::Whole(_) => Err(DecodeError::Missing(PARTS_ENTRY)),
                }),
            };
            let head = Head {
                revision,
                stamp: Stamp::read(&annotations),
                content,
            };
            self.heads.insert(namespace.to_owned(), head);
            self.unsettled.insert(namespace.to_owned());
        } else if let Some(part) = data.remove(PART_ENTRY) {
            self.parts.insert(name, part.into());
            self.unsettled.append(&mut self.waiting);
        }
    }

    fn delete(&mut self, name: &str) {
        if name == ROOT {
            tracing::warn!("the root of what is published is gone; what serves goes on");
            self.root = None;
        } else if let Some(namespace) = namespace_of(name) {
            self.heads.remove(namespace);
            self.unsettled.insert(namespace.to_owned());
        } else {
            self.parts.remove(name);
        }
    }

    /// Looks at every namespace that something happened to.
    fn settle(&mut self) {
        let Some((root, rooted)) = self.root else {
            return;
        };
        let mut changed = !self.serves;
        self.serves = true;
        for namespace in std::mem::take(&mut self.unsettled) {
            let Some(head) = self.heads.get(&namespace) else {
                self.refused.remove(&namespace);
                self.waiting.remove(&namespace);
                changed |= self.serving.remove(&namespace).is_some();
                continue;
            };
            if let Ok(stamp) = head.stamp
                && stamp.term < root.term
                && head.revision > rooted
            {
                tracing::warn!(
                    namespace,
                    revision = head.revision,
                    term = stamp.term,
                    "passed over: a leader that had been replaced wrote it"
                );
                continue;
            }
            let before = self.serving.get(&namespace);
            match head.read(&namespace, &self.parts, before) {
                Ok(kept) => {
                    self.refused.remove(&namespace);
                    if let Some(kept) = kept {
                        changed = true;
                        self.serving.insert(namespace, Arc::new(kept));
                    }
                }
                Err(unread) => {
                    if matches!(unread, Unread::Parts(_)) {
                        self.waiting.insert(namespace.clone());
                    }
                    self.refused.insert(namespace, unread.to_string());
                }
            }
        }
        self.revision = self.heard;
        if changed {
            self.take_snapshot();
        }
    }

    fn take_snapshot(&mut self) {
        let shard = |(name, kept): (&String, &Arc<Kept>)| (name.clone(), Arc::clone(&kept.shard));
        self.snapshot = Arc::new(Snapshot {
            format: FORMAT,
            namespaces: self.serving.iter().map(shard).collect(),
        });
    }
}

/// Why a namespace can't be taken up.
enum Unread {
    Parts(usize),
    Wrong(DecodeError),
    OtherNamespace,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the published configuration of this namespace ")?;
        match self {
            Self::Parts(missing) => write!(f, "lacks {missing} of its parts"),
            Self::Wrong(error) => error.fmt(f),
            Self::OtherNamespace => f.write_str("is of another one"),
        }
    }
}

impl Head {
    /// What it says; nothing where that is what serves.
    fn read(
        &self,
        namespace: &str,
        parts: &HashMap<String, Arc<[u8]>>,
        before: Option<&Arc<Kept>>,
    ) -> Result<Option<Kept>, Unread> {
        let stamp = self.stamp.clone().map_err(Unread::Wrong)?;
        let packed = match self.content.clone().map_err(Unread::Wrong)? {
            Content::Whole(packed) => packed,
            Content::Parts(names) => {
                let found: Vec<&[u8]> = names
                    .iter()
                    .filter_map(|name| parts.get(name).map(AsRef::as_ref))
                    .collect();
                match names.len() - found.len() {
                    0 => found.concat().into(),
                    missing => return Err(Unread::Parts(missing)),
                }
            }
        };
        let digest = Sha256::of(&packed);
        if before.is_some_and(|before| before.digest == digest) {
            return Ok(None);
        }
        let shard = join([&*packed]).map_err(Unread::Wrong)?;
        if shard.namespace != namespace {
            return Err(Unread::OtherNamespace);
        }
        Ok(Some(Kept {
            shard: Arc::new(shard),
            format: stamp.format,
            revision: self.revision,
            packed,
            digest,
        }))
    }
}

/// Without the data: there are credentials in it.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("name", &self.name)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
