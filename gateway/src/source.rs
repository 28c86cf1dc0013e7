//! Where configuration comes from. Every source is a [`Source`]: something that hands over compiled
//! snapshots, each whole and newer than the one before.

pub mod cluster;
mod files;
pub mod folder;
pub mod state;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use weir_config::compile::Skipped;
use weir_config::snapshot::{Sha256, Shard, Snapshot};
use weir_config::text::FileProblem;
use weir_config::verdict::{ObjectId, Verdict};
use weir_records::lease::Refused;

/// A stream of configurations; see [`Source::next`].
#[derive(Debug)]
pub struct Source {
    updates: Receiver<Update>,
}

/// A configuration, and what is said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// What shall serve.
    pub snapshot: Arc<Snapshot>,
    /// Who compiled it, and what came of that.
    pub origin: Origin,
}

/// Where a configuration comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// A folder, compiled here.
    Folder(Compilation),
    /// A cluster, whose operator compiled and published it.
    Cluster(Publication),
}

/// What the compiler says of a folder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compilation {
    /// What was said of each resource.
    pub verdicts: Vec<Verdict>,
    /// Objects that are none of Weir's.
    pub skipped: Vec<Skipped>,
    /// What can't be read.
    pub problems: Vec<FileProblem>,
    /// The objects of each file, so that after a restart it is known what a broken file held.
    pub objects: BTreeMap<String, Vec<ObjectId>>,
}

/// What was published, as far as it was taken up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Publication {
    /// The highest revision of which everything was looked at.
    pub revision: u64,
    /// The namespaces, as they serve.
    pub namespaces: BTreeMap<String, Arc<Kept>>,
    /// What could not be taken up: of these an earlier version serves, or none.
    pub refused: Vec<Refused>,
}

/// One namespace's configuration as it was published.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it says.
    pub shard: Arc<Shard>,
    /// The format that it was written in.
    pub format: u32,
    /// The revision at which it was published.
    pub revision: u64,
    /// The bytes that were published.
    pub packed: Arc<[u8]>,
    /// The digest of those.
    pub digest: Sha256,
}

/// Without what it says: there are credentials in it.
impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("namespace", &self.shard.namespace)
            .field("revision", &self.revision)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// Waits for the next configuration and gives the newest that is there: what was withdrawn does not
    /// wait for one to be linked and kept that is outdated by then. `None` when there is no more to come.
    pub fn next(&self) -> Option<Update> {
        let next = self.updates.recv().ok()?;
        Some(self.updates.try_iter().last().unwrap_or(next))
    }
}
