//! What a leader knows of each resource, for its status.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use weir_config::{Kind, ObjectId, Outcome};

use super::publish::AT_ONCE;
use crate::fleet::Summary;
use crate::metrics::Metrics;
use crate::publication::Publication;
use crate::publication::write::Writer;
use crate::status::queue::{Pace, Queue};

/// How long gateways may take before they are said to be behind.
pub(super) const SETTLE: Duration = Duration::from_secs(2);

/// What is known of one resource.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) outcome: Outcome,
    /// The generation, or for a Secret 0, that this is about.
    pub(super) generation: i64,
    /// The revision that carries it; none before it is published.
    pub(super) since: Option<u64>,
    /// The newest generation that was seen to run everywhere.
    pub(super) served: Option<i64>,
    /// Since when it does not run everywhere.
    pub(super) waiting: Option<Instant>,
}

/// What a process knows while it leads.
pub(super) struct Leading {
    pub(super) writer: Writer,
    pub(super) publication: Publication,
    /// The first compilation, which is of everything, is done.
    pub(super) compiled: bool,
    pub(super) judged: BTreeMap<ObjectId, Judged>,
    /// What is in a shard that is to be written.
    pub(super) unpublished: BTreeMap<String, BTreeSet<ObjectId>>,
    /// What is in a shard that is being written.
    pub(super) in_writing: BTreeMap<String, BTreeSet<ObjectId>>,
    /// After failures that concern all namespaces, when to write again.
    pub(super) publish_at: Option<Instant>,
    pub(super) failures: u32,
    pub(super) queue: Queue,
    pub(super) reporting: HashSet<ObjectId>,
    /// After a failure, when to report again.
    pub(super) report_at: Instant,
    /// The last status could not be written.
    pub(super) report_failing: bool,
    pub(super) summary: Option<Summary>,
    pub(super) next_cleaning: Option<Instant>,
    metrics: Metrics,
    by_kind: HashMap<(Kind, bool), i64>,
}

impl Leading {
    pub(super) fn new(
        writer: Writer,
        publication: Publication,
        metrics: Metrics,
        now: Instant,
    ) -> Self {
        Self {
            writer,
            publication,
            compiled: false,
            judged: BTreeMap::new(),
            unpublished: BTreeMap::new(),
            in_writing: BTreeMap::new(),
            publish_at: None,
            failures: 0,
            queue: Queue::default(),
            reporting: HashSet::new(),
            report_at: now,
            report_failing: false,
            summary: None,
            next_cleaning: None,
            metrics,
            by_kind: HashMap::new(),
        }
    }

    /// Takes up a judgement. Returns what was known before.
    pub(super) fn judge(&mut self, id: &ObjectId, judged: Judged) -> Option<Judged> {
        self.count(id, &judged.outcome, 1);
        let before = self.judged.insert(id.clone(), judged);
        if let Some(before) = &before {
            self.count(id, &before.outcome, -1);
        }
        before
    }

    /// A resource is gone.
    pub(super) fn forget(&mut self, id: &ObjectId) {
        if let Some(before) = self.judged.remove(id) {
            self.count(id, &before.outcome, -1);
        }
        self.queue.remove(id);
        for sets in [&mut self.unpublished, &mut self.in_writing] {
            if let Some(ids) = sets.get_mut(&id.namespace) {
                ids.remove(id);
            }
        }
    }

    fn count(&mut self, id: &ObjectId, outcome: &Outcome, by: i64) {
        let accepted = *outcome == Outcome::Accepted;
        *self.by_kind.entry((id.kind.clone(), accepted)).or_default() += by;
        self.metrics.judged(id.kind.as_str(), accepted, by);
    }

    /// The resources that are known of a namespace.
    pub(super) fn judged_in(&self, namespace: &str) -> Vec<ObjectId> {
        let mut ids = Vec::new();
        for kind in [Kind::AiProvider, Kind::AiRoute] {
            let first = ObjectId::new(kind.clone(), namespace, "");
            let of = self.judged.range(first..).map(|(id, _)| id);
            ids.extend(
                of.take_while(|id| id.kind == kind && id.namespace == namespace)
                    .cloned(),
            );
        }
        ids
    }

    /// When to publish even if nothing happens. Where all hands are full, one that gets free is what happens.
    pub(super) fn publish_due(&self) -> Option<Instant> {
        let free = self.compiled && self.in_writing.len() < AT_ONCE;
        let held = self.publication.next_due().filter(|_| free);
        self.publish_at.or(held)
    }

    pub(super) fn report_due(&self, pace: &Pace) -> Option<Instant> {
        let due = self.queue.next()?;
        Some(due.max(pace.next()).max(self.report_at))
    }
}

impl Drop for Leading {
    /// A replica that does not lead has no verdicts.
    fn drop(&mut self) {
        for ((kind, accepted), count) in &self.by_kind {
            self.metrics.judged(kind.as_str(), *accepted, -count);
        }
        self.metrics.status_queue.set(0);
    }
}
