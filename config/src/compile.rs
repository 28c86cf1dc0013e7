//! Resources in; a snapshot and a verdict on each of them out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::snapshot::Snapshot;
use crate::text::{Document, Location};
use crate::verdict::{ObjectId, Verdict};

/// Everything that a compilation depends on.
pub struct Input<'a> {
    /// Every object that could be read, in any order.
    pub documents: &'a [Arc<Document>],
    /// The objects that stood, when last they could be read, in text that can't be read now.
    pub unreadable: &'a [ObjectId],
    /// Gives the value of an environment variable, for `${VARIABLE}` in the values of Secrets.
    /// None leaves such values as they are, which is right for a cluster.
    pub env: Option<&'a dyn Fn(&str) -> Option<String>>,
    /// What was compiled before: where last good lives.
    pub previous: Option<&'a Snapshot>,
}

/// What a compilation came to.
#[derive(Debug)]
pub struct Compiled {
    /// What serves from now on.
    pub snapshot: Snapshot,
    /// One verdict a resource, sorted by its id. Secrets that are no API keys have none: what is
    /// wrong with them is told of the provider that refers to them.
    pub verdicts: Vec<Verdict>,
    /// What was not read because it is none of ours.
    pub skipped: Vec<Skipped>,
}

/// An object that is none of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// What it is, as in `apps/v1 Deployment default/web`.
    pub object: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// Compiles everything. It never fails: what is wrong with a resource is in its verdict.
#[must_use]
pub fn compile(input: &Input<'_>) -> Compiled {
    Compiled {
        snapshot: input.previous.cloned().unwrap_or_default(),
        verdicts: Vec::new(),
        skipped: Vec::new(),
    }
}
