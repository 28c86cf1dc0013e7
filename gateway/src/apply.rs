//! Puts configurations to work: links what a source hands over, swaps it in, says what is wrong,
//! and keeps what serves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use weir_config::link::link;
use weir_config::snapshot::{FORMATS, Snapshot};
use weir_config::verdict::{ObjectId, Outcome, Problem, Serving};
use weir_records::lease::{Refused, Report};

use crate::admin::Readiness;
use crate::live::Live;
use crate::metrics::ConfigState;
use crate::source::state::published::PublishedState;
use crate::source::state::{Saved, State};
use crate::source::{Compilation, Origin, Publication, Source, Update};

/// Where configurations go.
#[derive(Debug)]
pub struct Applier {
    live: Arc<Live>,
    readiness: Arc<Readiness>,
    metrics: Arc<Mutex<ConfigState>>,
    namespace: String,
    keeper: Keeper,
    /// What serves, and what of it could not be used.
    applied: Option<(Arc<Snapshot>, Vec<Refused>)>,
    /// What was said of refused resources, so that it is said once.
    told: BTreeMap<String, Vec<String>>,
    /// What was said to be skipped, so that it is said once.
    skipped: BTreeSet<String>,
}

/// Where a configuration is kept, and who is told that it serves.
#[derive(Debug)]
pub enum Keeper {
    /// A folder's.
    Folder(Option<State>),
    /// A cluster's, whose operator is told.
    Cluster(Option<PublishedState>, watch::Sender<Option<Report>>),
}

impl Applier {
    /// Puts configurations where workers take them from. `namespace` is the gateway's own.
    pub fn new(
        live: Arc<Live>,
        readiness: Arc<Readiness>,
        metrics: Arc<Mutex<ConfigState>>,
        namespace: String,
        keeper: Keeper,
    ) -> Self {
        Self {
            live,
            readiness,
            metrics,
            namespace,
            keeper,
            applied: None,
            told: BTreeMap::new(),
            skipped: BTreeSet::new(),
        }
    }

    /// Applies whatever the source hands over, until there is no more.
    pub fn run(mut self, source: &Source) {
        while let Some(update) = source.next() {
            self.apply(update);
        }
    }

    fn apply(&mut self, update: Update) {
        let unused = self.swap(&update.snapshot);
        match update.origin {
            Origin::Folder(said) => {
                self.count(&said);
                self.tell(&said);
                self.keep(update.snapshot, said);
            }
            Origin::Cluster(publication) => self.report(publication, unused),
        }
    }

    fn keep(&self, snapshot: Arc<Snapshot>, said: Compilation) {
        let Keeper::Folder(Some(state)) = &self.keeper else {
            return;
        };
        let saved = Saved {
            snapshot,
            objects: said.objects,
        };
        if let Err(error) = state.save(&saved) {
            tracing::error!(%error, "the configuration can't be kept in the state folder");
        }
    }

    /// Keeps what serves, and only then says that it does: whoever relies on that may count on a restart, too.
    fn report(&mut self, publication: Publication, unused: Vec<Refused>) {
        let mut refused = publication.refused;
        refused.extend(unused);
        self.tell_refused(&refused);
        {
            let namespaces: BTreeSet<&str> =
                refused.iter().map(|one| one.namespace.as_str()).collect();
            let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
            metrics.published = Some(publication.revision);
            metrics.namespaces_refused = namespaces.len() as u64;
        }
        let Keeper::Cluster(state, reports) = &mut self.keeper else {
            return;
        };
        if let Some(state) = state
            && let Err(error) = state.keep(&publication.namespaces)
        {
            tracing::error!(%error, "the configuration can't be kept in the state folder");
        }
        reports.send_replace(Some(Report {
            revision: publication.revision,
            formats: FORMATS.to_vec(),
            version: env!("CARGO_PKG_VERSION").into(),
            refused,
        }));
    }

    /// Links a configuration and puts it to work; gives what of it can't be used.
    fn swap(&mut self, snapshot: &Arc<Snapshot>) -> Vec<Refused> {
        if let Some((applied, unused)) = &self.applied
            && Arc::ptr_eq(applied, snapshot)
        {
            return unused.clone();
        }
        let previous = self.live.load();
        let linked = link(
            snapshot,
            &self.namespace,
            previous.as_ref().map(|previous| &previous.linked),
        );
        let mut unused = Vec::new();
        for (provider, error) in self.live.swap(linked) {
            tracing::error!(%provider, %error, "the provider can't be used");
            let (namespace, name) = provider.split_once('/').unwrap_or(("", &provider));
            unused.push(Refused {
                namespace: namespace.into(),
                object: Some(format!("AIProvider/{name}")),
                message: error,
            });
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
                // As in `AIRoute team-a/chat`.
                let (kind, id) = problem.object.split_once(' ').unwrap_or_default();
                let (namespace, name) = id.split_once('/').unwrap_or_default();
                unused.push(Refused {
                    namespace: namespace.into(),
                    object: Some(format!("{kind}/{name}")),
                    message: format!("{}: {}", problem.field, problem.message),
                });
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
        self.applied = Some((Arc::clone(snapshot), unused.clone()));
        unused
    }

    fn count(&self, said: &Compilation) {
        let mut accepted: BTreeMap<String, u64> = BTreeMap::new();
        let mut refused = Vec::new();
        for verdict in &said.verdicts {
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
        metrics.unreadable = said.problems.len() as u64;
    }

    /// Logs what is new: each refusal once, and its end.
    fn tell(&mut self, told: &Compilation) {
        let mut now: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for problem in &told.problems {
            let said = now.entry(problem.location.file.clone()).or_default();
            said.push(format!("{}: {}", problem.location, problem.message));
            if !self.knows(&problem.location.file, said) {
                tracing::error!(location = %problem.location, reason = %problem.reason, problem = %problem.message, "a document can't be read; what it held serves on");
            }
        }
        for skipped in &told.skipped {
            if !self.skipped.contains(&skipped.object) {
                let location = skipped.location.as_ref().map(ToString::to_string);
                tracing::info!(object = %skipped.object, location, "skipped: it is none of Weir's");
            }
        }
        self.skipped = told
            .skipped
            .iter()
            .map(|skipped| skipped.object.clone())
            .collect();
        for verdict in &told.verdicts {
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

    /// Logs what of a publication can't be taken up: each once, and its end. What could not be linked was logged then.
    fn tell_refused(&mut self, refused: &[Refused]) {
        let mut now: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for one in refused.iter().filter(|one| one.object.is_none()) {
            let said = now.entry(one.namespace.clone()).or_default();
            said.push(one.message.clone());
            if !self.knows(&one.namespace, said) {
                tracing::error!(
                    namespace = one.namespace,
                    problem = one.message,
                    "what was published can't be taken up; what served goes on"
                );
            }
        }
        for namespace in self.told.keys().filter(|name| !now.contains_key(*name)) {
            tracing::info!(namespace, "what was published can be taken up again");
        }
        self.told = now;
    }

    fn knows(&self, name: &str, said: &[String]) -> bool {
        let known = self.told.get(name).map(Vec::as_slice).unwrap_or_default();
        said.last().is_some_and(|last| known.contains(last))
    }
}
