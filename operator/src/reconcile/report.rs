//! Reporting: what runs where, into the status of resources.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::{Timestamp, Unit};
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, Preconditions};
use serde_json::Value;
use weir_config::{ObjectId, Outcome, published};

use super::judged::{Leading, SETTLE};
use super::{Done, Reconciler};
use crate::client::{Failure, within};
use crate::fleet::Summary;
use crate::publication::Publication;
use crate::status::Status;
use crate::status::judge::{Facts, Running, judge};
use crate::watch::resource;
use crate::watch::slim::Slim;

/// How long to wait after a status could not be written.
const AGAIN: Duration = Duration::from_secs(1);
/// How often what is left over is looked for.
const CLEANING: Duration = Duration::from_secs(10);
/// How many statuses are being written at once.
const AT_ONCE: usize = 8;

impl Reconciler {
    /// A watch told of a resource.
    pub(super) fn touched(&mut self, id: &ObjectId, now: Instant) {
        if self.store.object(id).is_some() {
            self.evaluate(id, now);
        } else if let Some(leading) = self.turn.leading() {
            leading.forget(id);
        }
    }

    /// Finds out whether there is a status to write, and when.
    pub(super) fn evaluate(&mut self, id: &ObjectId, now: Instant) {
        let Some(object) = self.store.object(id) else {
            return;
        };
        let Some(leading) = self.turn.leading() else {
            return;
        };
        let Some((status, waits)) = desired(leading, id, object.generation, &object.status) else {
            return;
        };
        let Some(judged) = leading.judged.get_mut(id) else {
            return;
        };
        if !waits {
            judged.waiting = None;
        }
        if status == object.status {
            leading.queue.remove(id);
            return;
        }
        let due = if waits {
            *judged.waiting.get_or_insert(now) + SETTLE
        } else {
            now
        };
        // What was to be written before may be another thing by now.
        leading.queue.remove(id);
        leading.queue.at_latest(id, due);
    }

    /// Writes what is due, within the pace.
    pub(super) fn report(&mut self, now: Instant) {
        let client = self.parts.client.clone();
        let Some(leading) = self.turn.leading() else {
            return;
        };
        while leading.reporting.len() < AT_ONCE && leading.report_at <= now {
            if leading.queue.next().is_none_or(|due| due > now) || !self.pace.take(now) {
                break;
            }
            let Some(id) = leading.queue.pop(now) else {
                break;
            };
            // Its end says whether there is still something to write.
            if leading.reporting.contains(&id) {
                continue;
            }
            let Some(object) = self.store.object(&id) else {
                continue;
            };
            let status = desired(leading, &id, object.generation, &object.status);
            let Some((status, _)) = status.filter(|(status, _)| *status != object.status) else {
                continue;
            };
            let api: Api<Slim<DynamicObject>> =
                Api::namespaced_with(client.clone(), &id.namespace, &resource(&id.kind));
            let patch = status.patch(&object.version);
            leading.reporting.insert(id.clone());
            self.work.spawn(async move {
                let written = write(&api, &id, &patch).await;
                Done::Reported(id, written)
            });
        }
        let waiting = i64::try_from(leading.queue.len()).unwrap_or(i64::MAX);
        self.parts.metrics.status_queue.set(waiting);
    }

    /// A status was written, or was not.
    pub(super) fn reported(&mut self, id: &ObjectId, written: Result<(String, Status), Failure>) {
        let now = Instant::now();
        let Some(leading) = self.turn.leading() else {
            return;
        };
        leading.reporting.remove(id);
        match written {
            Ok((version, status)) => {
                self.parts.metrics.status_writes.inc();
                leading.report_failing = false;
                if let Some(object) = self.store.object_mut(id)
                    && newer(&version, &object.version)
                {
                    object.version = version;
                    object.status = status;
                }
            }
            // The watch tells what it is now.
            Err(Failure::Conflict | Failure::Gone) => return,
            Err(failure) => {
                self.parts.metrics.status_errors.inc();
                // Once is enough until one can be written.
                if !std::mem::replace(&mut leading.report_failing, true) {
                    tracing::warn!(object = %id, "its status could not be written, and is tried again: {failure}");
                }
                leading.report_at = now + AGAIN;
            }
        }
        self.evaluate(id, now);
    }

    /// Takes up what has changed of the gateway pods.
    pub(super) async fn follow_fleet(&mut self, now: Instant) {
        let Some(leading) = self.turn.leading() else {
            return;
        };
        let summary = self.fleet.summary(now);
        let clean = leading.next_cleaning.is_none_or(|at| at <= now);
        if clean {
            leading.next_cleaning = Some(now + CLEANING);
        }
        let newest = leading.publication.newest();
        let metrics = &self.parts.metrics;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        metrics.pods.set(count(summary.pods.len()));
        metrics
            .pods_behind
            .set(count(summary.behind(newest).count()));
        let before = leading.summary.replace(summary.clone());
        let changed = before.as_ref() != Some(&summary);
        if changed || clean {
            self.delete_leases(now);
        }
        if clean {
            self.sweep();
        }
        if !changed {
            return;
        }
        if self.needs_other_format(&summary) {
            self.start_over("gateways of other formats came or went", now)
                .await;
            return;
        }
        for id in self.affected(before.as_ref(), &summary) {
            self.evaluate(&id, now);
        }
    }

    fn needs_other_format(&mut self, summary: &Summary) -> bool {
        let common = published::common_format(summary.formats.iter().map(Vec::as_slice));
        let Some(leading) = self.turn.leading() else {
            return false;
        };
        !summary.formats.is_empty()
            && common.is_some_and(|common| common != leading.publication.root.format)
    }

    /// The resources whose running may be other than before.
    fn affected(&mut self, before: Option<&Summary>, now: &Summary) -> Vec<ObjectId> {
        let Some(leading) = self.turn.leading() else {
            return Vec::new();
        };
        let old = before.and_then(Summary::lowest);
        let (Some(old), Some(new)) = (old, now.lowest()) else {
            return leading.judged.keys().cloned().collect();
        };
        let mut namespaces: BTreeSet<String> = leading
            .publication
            .above(old.min(new))
            .map(str::to_owned)
            .collect();
        let refused = before.into_iter().chain([now]);
        let refused = refused.flat_map(|summary| &summary.refused);
        namespaces.extend(refused.map(|(_, refused)| refused.namespace.clone()));
        namespaces
            .iter()
            .flat_map(|namespace| leading.judged_in(namespace))
            .collect()
    }

    fn delete_leases(&mut self, now: Instant) {
        let api: Api<Lease> =
            Api::namespaced(self.parts.client.clone(), &self.parts.config_namespace);
        for meta in self.fleet.orphans(now) {
            if !self.deleting.insert(meta.name.clone()) {
                continue;
            }
            let api = api.clone();
            tracing::info!(pod = meta.name, "its pod is gone, and so is its lease");
            self.work.spawn(async move {
                let params = DeleteParams::default().preconditions(Preconditions {
                    resource_version: Some(meta.version),
                    uid: Some(meta.uid),
                });
                let deleted = match within(api.delete(&meta.name, &params)).await {
                    Ok(_) | Err(Failure::Gone) => Ok(()),
                    Err(failure) => Err(failure),
                };
                Done::LeaseDeleted(meta.name, deleted)
            });
        }
    }
}

/// The status that a resource should have, and whether to wait before saying so; none while that is not known.
fn desired(
    leading: &mut Leading,
    id: &ObjectId,
    generation: i64,
    before: &Status,
) -> Option<(Status, bool)> {
    let summary = leading.summary.as_ref()?;
    let judged = leading.judged.get_mut(id)?;
    // What it says now was not compiled so far.
    if judged.generation != generation {
        return None;
    }
    let running = match judged.since {
        None => Running::Unpublished,
        Some(since) => match summary.running(since, &id.namespace, id.kind.as_str(), &id.name) {
            Running::Everywhere if !is_whole(&leading.publication, id) => Running::InPart,
            running => running,
        },
    };
    let accepted = judged.outcome == Outcome::Accepted;
    if accepted && running == Running::Everywhere {
        judged.served = Some(generation);
    }
    let facts = Facts {
        generation,
        outcome: &judged.outcome,
        running: &running,
        served: judged.served,
    };
    let status = judge(&facts, before, &timestamp());
    Some((status, accepted && running != Running::Everywhere))
}

/// Whether a resource is published as it was compiled: an older format may have no words for it.
fn is_whole(publication: &Publication, id: &ObjectId) -> bool {
    let format = publication.root.format;
    publication
        .desired(&id.namespace)
        .is_none_or(|shard| published::is_whole(shard, format, &id.kind, &id.name))
}

fn timestamp() -> String {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now).to_string()
}

async fn write(
    api: &Api<Slim<DynamicObject>>,
    id: &ObjectId,
    patch: &Value,
) -> Result<(String, Status), Failure> {
    let params = PatchParams::default();
    let Slim(written) = within(api.patch_status(&id.name, &params, &Patch::Merge(patch))).await?;
    let status = written.data.get("status").map(Status::read);
    Ok((
        written.metadata.resource_version.unwrap_or_default(),
        status.unwrap_or_default(),
    ))
}

fn newer(version: &str, than: &str) -> bool {
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    number(version) > number(than)
}
