//! Where configuration comes from. Every source is a [`Source`]: something that hands over compiled
//! snapshots, each whole and newer than the one before.

mod files;
pub mod folder;
pub mod state;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use weir_config::compile::Skipped;
use weir_config::snapshot::Snapshot;
use weir_config::text::FileProblem;
use weir_config::verdict::{ObjectId, Verdict};

/// A stream of configurations; see [`Source::next`].
#[derive(Debug)]
pub struct Source {
    updates: Receiver<Update>,
}

/// A configuration, and what the compiler says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// What shall serve.
    pub snapshot: Arc<Snapshot>,
    /// What was said of each resource.
    pub verdicts: Vec<Verdict>,
    /// Objects that are none of Weir's.
    pub skipped: Vec<Skipped>,
    /// What can't be read.
    pub problems: Vec<FileProblem>,
    /// The objects of each file, so that after a restart it is known what a broken file held.
    pub objects: BTreeMap<String, Vec<ObjectId>>,
}

impl Source {
    /// Waits for the next configuration and gives the newest that is there: what was withdrawn does not
    /// wait for one to be linked and kept that is outdated by then. `None` when there is no more to come.
    pub fn next(&self) -> Option<Update> {
        let next = self.updates.recv().ok()?;
        Some(self.updates.try_iter().last().unwrap_or(next))
    }
}
