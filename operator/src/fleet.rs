//! The gateway pods: which there are, and what each of them runs. Pure: the time comes in as a value.
//!
//! A pod counts from its lease on, for as long as it exists, wedged or not: what it said last is what it is taken to
//! run. A lease whose pod was never seen counts until it has stood still for its duration by this process's own clock;
//! the times that gateways write mean nothing. A lease whose pod has gone counts no longer, and is to be deleted.
//! In a store that was put back to an earlier state each has to say anew what it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use weir_records::lease::{DURATION, Refused};

use crate::status::judge::Running;
use crate::watch::seen::{LeaseSeen, Meta};

#[derive(Debug)]
struct Known {
    lease: LeaseSeen,
    changed: Instant,
    /// Its pod was there, and is no more.
    orphaned: bool,
}

/// What is known of the pods and their leases.
#[derive(Debug, Default)]
pub struct Fleet {
    pods: BTreeMap<String, String>,
    leases: BTreeMap<String, Known>,
    /// Leases that were written no later than this are not believed.
    doubted: u64,
    /// The store was put back, and it is not known so far from which version on it has been written since.
    restored: bool,
}

/// What the pods that count run, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The revision of each pod by name; none where it is not of this store's timeline, or can't be read.
    pub pods: BTreeMap<String, Option<u64>>,
    /// What pods could not take up: pod and refusal.
    pub refused: Vec<(String, Refused)>,
    /// The formats that each pod reads.
    pub formats: BTreeSet<Vec<u32>>,
}

impl Fleet {
    /// All pods that there are.
    pub fn list_pods(&mut self, pods: Vec<Meta>) {
        let now: BTreeMap<String, String> =
            pods.into_iter().map(|pod| (pod.name, pod.uid)).collect();
        for gone in self.pods.keys().filter(|name| !now.contains_key(*name)) {
            if let Some(known) = self.leases.get_mut(gone) {
                known.orphaned = true;
            }
        }
        self.pods = now;
    }

    /// A pod is there.
    pub fn pod(&mut self, pod: Meta) {
        let before = self.pods.insert(pod.name.clone(), pod.uid.clone());
        // One of the same name took its place: what the lease says is the other's.
        if before.is_some_and(|uid| uid != pod.uid)
            && let Some(known) = self.leases.get_mut(&pod.name)
        {
            known.orphaned = true;
        }
    }

    /// A pod has gone.
    pub fn pod_gone(&mut self, name: &str) {
        let was_there = self.pods.remove(name).is_some();
        if let Some(known) = self.leases.get_mut(name)
            && was_there
        {
            known.orphaned = true;
        }
    }

    /// All leases that there are.
    pub fn list_leases(&mut self, leases: Vec<LeaseSeen>, now: Instant) {
        let mut before = std::mem::take(&mut self.leases);
        for lease in leases {
            if let Some(known) = before.remove(&lease.meta.name) {
                self.leases.insert(lease.meta.name.clone(), known);
            }
            self.lease(lease, now);
        }
    }

    /// A lease was taken or renewed.
    pub fn lease(&mut self, lease: LeaseSeen, now: Instant) {
        let name = lease.meta.name.clone();
        match self.leases.get_mut(&name) {
            Some(known) if known.lease.meta.version == lease.meta.version => {}
            before => {
                // Written after its pod went: by a new one of that name.
                let orphaned = before.is_some_and(|known| {
                    known.orphaned
                        && known.lease.meta.uid == lease.meta.uid
                        && !self.pods.contains_key(&name)
                });
                let known = Known {
                    lease,
                    changed: now,
                    orphaned,
                };
                self.leases.insert(name, known);
            }
        }
    }

    /// A lease was given up, or deleted.
    pub fn lease_gone(&mut self, name: &str) {
        self.leases.remove(name);
    }

    /// The store was put back to an earlier state: what leases say may be of before, and their pods elsewhere since.
    pub fn restored(&mut self) {
        self.restored = true;
    }

    /// This was written by now. What comes later in a store that was put back is of after that.
    pub fn wrote(&mut self, version: u64) {
        if std::mem::take(&mut self.restored) {
            self.doubted = version;
        }
    }

    /// The pods that count, and what they run.
    pub fn summary(&self, now: Instant) -> Summary {
        let mut summary = Summary::default();
        for (name, known) in &self.leases {
            if !self.counts(name, known, now) {
                continue;
            }
            let mut revision = None;
            if let Ok(report) = &known.lease.report {
                let version = known.lease.meta.version.parse().unwrap_or(0);
                let believed = !self.restored && version > self.doubted;
                revision = report.revision_at(version).filter(|_| believed);
                summary.formats.insert(report.formats.clone());
                let refused = report.refused.iter().cloned();
                summary
                    .refused
                    .extend(refused.map(|refused| (name.clone(), refused)));
            }
            summary.pods.insert(name.clone(), revision);
        }
        summary
    }

    /// Leases that nobody will renew or give up any more, each with the version that it was seen at.
    pub fn orphans(&self, now: Instant) -> Vec<Meta> {
        self.leases
            .iter()
            .filter(|(name, known)| !self.counts(name, known, now))
            .map(|(_, known)| known.lease.meta.clone())
            .collect()
    }

    /// When a lease lapses next.
    pub fn next_lapse(&self, now: Instant) -> Option<Instant> {
        self.leases
            .iter()
            .filter(|(name, known)| !self.pods.contains_key(*name) && !known.orphaned)
            .map(|(_, known)| known.changed + DURATION)
            .filter(|lapse| *lapse > now)
            .min()
    }

    fn counts(&self, name: &str, known: &Known, now: Instant) -> bool {
        if known.orphaned {
            return false;
        }
        self.pods.contains_key(name) || now.saturating_duration_since(known.changed) < DURATION
    }
}

impl Summary {
    /// The revision that every pod runs at least; none without pods.
    pub fn lowest(&self) -> Option<u64> {
        self.pods
            .values()
            .map(|revision| revision.unwrap_or(0))
            .min()
    }

    /// Where something runs that is published at this revision.
    pub fn running(&self, since: u64, namespace: &str, kind: &str, name: &str) -> Running {
        if self.pods.is_empty() {
            return Running::NoGateways;
        }
        let refused = self
            .refused
            .iter()
            .find(|(_, refused)| refused.concerns(namespace, kind, name));
        if let Some((pod, refused)) = refused {
            return Running::Refused {
                pod: pod.clone(),
                message: refused.message.clone(),
            };
        }
        let behind: Vec<String> = self.behind(since).map(ToOwned::to_owned).collect();
        if behind.is_empty() {
            Running::Everywhere
        } else {
            Running::Behind(behind)
        }
    }

    /// The pods that do not run this revision.
    pub fn behind(&self, since: u64) -> impl Iterator<Item = &str> {
        self.pods
            .iter()
            .filter(move |(_, revision)| revision.is_none_or(|revision| revision < since))
            .map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests;
