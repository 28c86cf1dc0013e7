//! Puts configurations to work: links what a source hands over, swaps it in, says what is wrong,
//! and keeps what serves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use weir_config::link::link;
use weir_config::verdict::{ObjectId, Outcome, Problem, Serving};

use crate::admin::Readiness;
use crate::live::Live;
use crate::metrics::ConfigState;
use crate::source::state::{Saved, State};
use crate::source::{Source, Update};

/// Where configurations go.
#[derive(Debug)]
pub struct Applier {
    /// Where workers take them from.
    pub live: Arc<Live>,
    /// Turns true with the first.
    pub readiness: Arc<Readiness>,
    /// What the metrics show of them.
    pub metrics: Arc<Mutex<ConfigState>>,
    /// Where the last one is kept.
    pub state: Option<State>,
    /// The gateway's own namespace.
    pub namespace: String,
    /// What was said of refused resources, so that it is said once.
    pub told: BTreeMap<String, Vec<String>>,
    /// What was said to be skipped, so that it is said once.
    pub skipped: BTreeSet<String>,
}

impl Applier {
    /// Applies whatever the source hands over, until there is no more.
    pub fn run(mut self, source: &Source) {
        while let Some(update) = source.next() {
            self.apply(update);
        }
    }

    fn apply(&mut self, update: Update) {
        self.swap(&update.snapshot);
        self.count(&update);
        self.tell(&update);
        if let Some(state) = &self.state {
            let saved = Saved {
                snapshot: update.snapshot,
                objects: update.objects,
            };
            if let Err(error) = state.save(&saved) {
                tracing::error!(%error, "the configuration can't be kept in the state folder");
            }
        }
    }

    fn swap(&self, snapshot: &weir_config::snapshot::Snapshot) {
        let previous = self.live.load();
        let linked = link(
            snapshot,
            &self.namespace,
            previous.as_ref().map(|previous| &previous.linked),
        );
        for (provider, error) in self.live.swap(linked) {
            tracing::error!(%provider, %error, "the provider can't be used");
        }
        self.readiness.linked();
        if let Some(now) = self.live.load() {
            for problem in &now.linked.problems {
                tracing::warn!(
                    object = problem.object,
                    field = problem.field,
                    message = problem.message,
                    "left out of the configuration"
                );
            }
            let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
            metrics.revision = now.revision;
            tracing::info!(
                revision = now.revision,
                routes = now.linked.routes().count(),
                providers = now.linked.providers().count(),
                keys = now.linked.key_count(),
                "serving a configuration"
            );
        }
    }

    fn count(&self, update: &Update) {
        let mut accepted: BTreeMap<String, u64> = BTreeMap::new();
        let mut refused = Vec::new();
        for verdict in &update.verdicts {
            let ObjectId {
                kind,
                namespace,
                name,
            } = &verdict.object;
            match verdict.problems().first() {
                None => *accepted.entry(kind.to_string()).or_default() += 1,
                Some(problem) => refused.push([
                    kind.to_string(),
                    namespace.clone(),
                    name.clone(),
                    problem.reason.to_string(),
                ]),
            }
        }
        // A resource that stands twice is refused twice, under one name.
        refused.sort();
        refused.dedup();
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        metrics.accepted = accepted;
        metrics.refused = refused;
        metrics.unreadable = update.problems.len() as u64;
    }

    /// Logs what is new: each refusal once, and its end.
    fn tell(&mut self, update: &Update) {
        let mut now: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for problem in &update.problems {
            let said = now.entry(problem.location.file.clone()).or_default();
            said.push(format!("{}: {}", problem.location, problem.message));
            if !self.knows(&problem.location.file, said) {
                tracing::error!(location = %problem.location, reason = %problem.reason, problem = %problem.message, "a document can't be read; what it held serves on");
            }
        }
        for skipped in &update.skipped {
            if !self.skipped.contains(&skipped.object) {
                let location = skipped.location.as_ref().map(ToString::to_string);
                tracing::info!(object = %skipped.object, location, "skipped: it is none of Weir's");
            }
        }
        self.skipped = update
            .skipped
            .iter()
            .map(|skipped| skipped.object.clone())
            .collect();
        for verdict in &update.verdicts {
            let Outcome::Refused { problems, serving } = &verdict.outcome else {
                continue;
            };
            let name = verdict.object.to_string();
            let said = now.entry(name.clone()).or_default();
            for Problem {
                reason,
                field,
                message,
                location,
            } in problems
            {
                said.push(format!("{field}: {message}"));
                if !self.knows(&name, said) {
                    let location = location.as_ref().map(ToString::to_string);
                    let serving = match serving {
                        Serving::LastGood => "its last good version",
                        Serving::TheOther => "the other of that name",
                        Serving::Nothing => "nothing",
                    };
                    tracing::error!(resource = %name, field, %reason, problem = %message, location, serving, "refused");
                }
            }
        }
        for name in self.told.keys().filter(|name| !now.contains_key(*name)) {
            tracing::info!(resource = %name, "no longer refused");
        }
        self.told = now;
    }

    fn knows(&self, name: &str, said: &[String]) -> bool {
        let known = self.told.get(name).map(Vec::as_slice).unwrap_or_default();
        said.last().is_some_and(|last| known.contains(last))
    }
}
