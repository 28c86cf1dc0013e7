//! Publishing what was compiled.

use std::time::{Duration, Instant};

use super::{Done, Reconciler};
use crate::client::Failure;
use crate::publication::{Job, Known, Written, pace};

/// How many namespaces are written at once.
pub(super) const AT_ONCE: usize = 8;
/// How long to wait at most where the API server answers none of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long to wait at most where it refuses the one: others go on, and there may be many such.
const LONGEST_REFUSED: Duration = Duration::from_secs(30);

impl Reconciler {
    /// Starts to write what has changed.
    pub(super) fn publish(&mut self, now: Instant) {
        let Some(leading) = self.turn.leading() else {
            return;
        };
        if !leading.compiled || leading.publish_at.is_some_and(|at| at > now) {
            return;
        }
        leading.publish_at = None;
        while leading.in_writing.len() < AT_ONCE {
            let Some(mut job) = leading.publication.next_job(&self.write_pace, now) else {
                break;
            };
            let ids = leading.unpublished.remove(&job.namespace);
            leading
                .in_writing
                .insert(job.namespace.clone(), ids.unwrap_or_default());
            let writer = leading.writer.clone();
            self.work.spawn(async move {
                let written = writer.run(&mut job).await;
                Done::Wrote(Box::new(job), written)
            });
        }
        if self.starts > 0 && leading.publication.is_settled() {
            self.starts = 0;
        }
    }

    /// A namespace was written, or was not.
    pub(super) async fn wrote(&mut self, job: Job, written: Result<Written, Failure>) {
        let now = Instant::now();
        self.write_pace.spend(&job.namespace, job.spent, now);
        let Some(leading) = self.turn.leading() else {
            return;
        };
        let namespace = job.namespace.as_str();
        let ids = leading.in_writing.remove(namespace).unwrap_or_default();
        let written = match written {
            Ok(written) => written,
            Err(Failure::Conflict) => {
                let why =
                    format!("the Secret of namespace {namespace} was changed by someone else");
                self.start_over(&why, now).await;
                return;
            }
            Err(failure) => {
                tracing::warn!(
                    namespace,
                    "could not be published, and is tried again: {failure}"
                );
                let longest = if failure.concerns_all() {
                    // Should it be but the one after all, others that succeed keep this short.
                    leading.publish_at = Some(now + pace::pause(leading.failures, LONGEST_PAUSE));
                    leading.failures = leading.failures.saturating_add(1);
                    LONGEST_PAUSE
                } else {
                    LONGEST_REFUSED
                };
                leading.publication.failed(&job, longest, now);
                let waiting = leading.unpublished.entry(job.namespace).or_default();
                waiting.extend(ids);
                return;
            }
        };
        leading.failures = 0;
        let metrics = &self.parts.metrics;
        metrics.published(now.saturating_duration_since(job.since));
        let parts = written.parts.len();
        let (unused, verdict) = leading.publication.done(namespace, written, now);
        let revision = leading.publication.revision(namespace);
        let newest = leading.publication.newest();
        metrics
            .published_revision
            .set(i64::try_from(newest).unwrap_or(i64::MAX));
        tracing::debug!(namespace, revision, parts, "published");
        let again = leading.unpublished.get(namespace);
        let ids: Vec<_> = ids
            .into_iter()
            .filter(|id| again.is_none_or(|again| !again.contains(id)))
            .collect();
        for id in &ids {
            if let Some(judged) = leading.judged.get_mut(id) {
                judged.since = revision;
            }
        }
        for (name, known) in unused {
            self.delete_part(name, known);
        }
        for id in &ids {
            self.evaluate(id, now);
        }
        self.judge_publication(verdict, now).await;
    }

    fn delete_part(&mut self, name: String, known: Known) {
        let Some(leading) = self.turn.leading() else {
            return;
        };
        let writer = leading.writer.clone();
        self.work.spawn(async move {
            let deleted = writer.delete(&name, &known).await;
            Done::PartDeleted(name, deleted)
        });
    }

    /// A part that nothing needs was taken away, or was not: the next leader finds it then.
    pub(super) fn part_deleted(&mut self, name: &str, deleted: Result<(), Failure>) {
        match deleted {
            Ok(()) => {
                if let Some(leading) = self.turn.leading() {
                    leading.publication.part_gone(name);
                }
            }
            Err(failure) => tracing::debug!(name, "a part could not be deleted: {failure}"),
        }
    }

    /// Takes away parts that were left over when this process began to lead.
    pub(super) fn sweep(&mut self) {
        let Some(leading) = self.turn.leading() else {
            return;
        };
        if !leading.compiled || !leading.publication.is_settled() {
            return;
        }
        for (name, known) in leading.publication.unused_parts() {
            self.delete_part(name, known);
        }
    }

    /// What was published was edited, and is put right: until then gateways may run something else.
    pub(super) fn edited(&mut self, now: Instant) {
        let Some(leading) = self.turn.leading() else {
            return;
        };
        let mut touched = Vec::new();
        for namespace in leading.publication.take_edited() {
            tracing::warn!(namespace, "what is published was edited, and is put right");
            let ids = leading.judged_in(&namespace);
            for id in &ids {
                if let Some(judged) = leading.judged.get_mut(id) {
                    judged.since = None;
                }
            }
            let waiting = leading.unpublished.entry(namespace).or_default();
            waiting.extend(ids.iter().cloned());
            touched.extend(ids);
        }
        for id in touched {
            self.evaluate(&id, now);
        }
    }
}
