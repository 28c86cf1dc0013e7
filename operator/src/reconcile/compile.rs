//! Compiling what changed, and taking up what came of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use weir_config::compile::NamespacePass;
use weir_config::snapshot::Shard;
use weir_config::{Kind, ObjectId, Outcome, Problem, Verdict};

use super::judged::Judged;
use super::lead::Turn;
use super::{Reconciler, WINDOW};
use crate::events::Told;
use crate::status::judge::{first, tells_refusal};

impl Reconciler {
    /// When to compile next, if there is anything to.
    pub(super) fn compile_due(&self, now: Instant) -> Option<Instant> {
        let changed = self.changed?;
        let due = changed + WINDOW;
        // What was never read is waited for, so that a provider is not refused for a Secret that is on its way.
        let secrets = self.store.secrets.wait_until(changed, now);
        Some(secrets.map_or(due, |until| until.max(due)))
    }

    pub(super) fn compile_if_due(&mut self, now: Instant) {
        if !matches!(self.turn, Turn::Leading(_)) {
            return;
        }
        let Some(due) = self.compile_due(now) else {
            return;
        };
        if due > now {
            return;
        }
        let Some(since) = self.changed.take() else {
            return;
        };
        for news in self.store.secrets.give_up_waiting(since, now) {
            news.tell(&mut self.workspace);
        }
        let begun = Instant::now();
        let pass = tokio::task::block_in_place(|| self.workspace.compile());
        let took = begun.elapsed();
        self.parts.metrics.compiled(took);
        tracing::debug!(namespaces = pass.namespaces.len(), ?took, "compiled");
        for (namespace, pass) in pass.namespaces {
            self.take_up_pass(&namespace, pass, since, now);
        }
        self.finish_first(since);
    }

    /// After the first compilation of a turn: what is published of namespaces that are no more is taken away.
    fn finish_first(&mut self, since: Instant) {
        let Some(leading) = self.turn.leading() else {
            return;
        };
        if std::mem::replace(&mut leading.compiled, true) {
            return;
        }
        let there = &self.workspace.snapshot().namespaces;
        let gone: Vec<String> = leading
            .publication
            .namespaces()
            .filter(|name| !there.contains_key(*name))
            .map(str::to_owned)
            .collect();
        for name in gone {
            leading.publication.desire(&name, None, since);
        }
    }

    fn take_up_pass(&mut self, namespace: &str, pass: NamespacePass, since: Instant, now: Instant) {
        let Some(leading) = self.turn.leading() else {
            return;
        };
        let before = leading.publication.desired(namespace).cloned();
        let rewritten = pass.changed || pass.shard.is_some() != before.is_some();
        let changed = if rewritten {
            changed_objects(before.as_deref(), pass.shard.as_deref(), namespace)
        } else {
            BTreeSet::new()
        };
        if rewritten {
            leading.publication.desire(namespace, pass.shard, since);
            // A provider that is refused may refer to other Secrets by its last good version.
            if changed.iter().any(|id| id.kind == Kind::AiProvider) {
                self.referring.insert(namespace.to_owned());
            }
        }
        for verdict in &pass.verdicts {
            self.take_up_verdict(verdict, &changed);
        }
        if let Some(leading) = self.turn.leading() {
            for id in &changed {
                if let Some(judged) = leading.judged.get_mut(id) {
                    judged.since = None;
                }
            }
            leading
                .unpublished
                .entry(namespace.to_owned())
                .or_default()
                .extend(changed.iter().cloned());
        }
        let mut touched: BTreeSet<ObjectId> = changed;
        touched.extend(pass.verdicts.into_iter().map(|verdict| verdict.object));
        for id in touched {
            self.evaluate(&id, now);
        }
    }

    fn take_up_verdict(&mut self, verdict: &Verdict, changed: &BTreeSet<ObjectId>) {
        let id = &verdict.object;
        let is_key = id.kind == Kind::Secret;
        if is_key && self.store.secrets.is_unreadable(&id.namespace, &id.name) {
            return;
        }
        let object = self.store.object(id);
        if !is_key && object.is_none() {
            return;
        }
        let generation = object.map_or(0, |object| object.generation);
        let Some(leading) = self.turn.leading() else {
            return;
        };
        let known = leading.judged.get(id);
        let since = match known {
            _ if changed.contains(id) => None,
            Some(known) => known.since,
            // Read back: it runs wherever the whole of its namespace does.
            None => leading.publication.revision(&id.namespace).or(Some(0)),
        };
        let judged = Judged {
            outcome: verdict.outcome.clone(),
            generation,
            since,
            served: known.and_then(|known| known.served),
            waiting: known.and_then(|known| known.waiting),
        };
        let before = leading.judge(id, judged);
        let was_told = before.map(|before| before.outcome);
        if was_told.as_ref() != Some(&verdict.outcome) {
            self.log(verdict);
            self.tell_transition(id, generation, was_told.as_ref(), &verdict.outcome);
        }
    }

    fn log(&self, verdict: &Verdict) {
        if let Outcome::Refused { problems, serving } = &verdict.outcome {
            let (reason, message) = first(problems).unwrap_or_default();
            tracing::info!(object = %verdict.object, reason, %serving, "refused: {message}");
        }
    }

    /// Makes an Event of a transition. What the status says already was told by whoever wrote it.
    fn tell_transition(
        &self,
        id: &ObjectId,
        generation: i64,
        before: Option<&Outcome>,
        now: &Outcome,
    ) {
        let object = self.store.object(id);
        let status = object.map(|object| &object.status);
        let problems = match now {
            Outcome::Accepted => None,
            Outcome::Refused { problems, .. } => Some(problems.as_slice()),
        };
        let was_refused = match (before, status) {
            (Some(before), _) => *before != Outcome::Accepted,
            (None, Some(status)) => status
                .condition("Stalled")
                .is_some_and(|stalled| stalled.status == "True"),
            (None, None) => false,
        };
        let told = match (problems, before, status) {
            (Some(problems), None, Some(status)) => tells_refusal(status, generation, problems),
            (Some(problems), Some(Outcome::Refused { problems: old, .. }), _) => {
                first(problems) == first(old)
            }
            (Some(_), _, _) => false,
            (None, _, _) => !was_refused,
        };
        if told {
            return;
        }
        self.parts.events.tell(self.event(id, generation, problems));
    }

    fn event(&self, id: &ObjectId, generation: i64, problems: Option<&[Problem]>) -> Told {
        let (reason, note) = problems
            .and_then(first)
            .unwrap_or_else(|| ("Accepted".into(), "It is accepted again".into()));
        let kind = if problems.is_some() {
            "Warning"
        } else {
            "Normal"
        };
        let (uid, version, occasion) = match self.store.object(id) {
            Some(object) => {
                let ready = object.status.condition("Ready");
                let time = ready.map_or("", |ready| ready.last_transition_time.as_str());
                let occasion = format!("{generation} {time}");
                (object.uid.clone(), object.version.clone(), occasion)
            }
            None => {
                let (uid, version) = self
                    .store
                    .secrets
                    .state(&id.namespace, &id.name)
                    .unwrap_or_default();
                (uid.to_owned(), version.to_owned(), version.to_owned())
            }
        };
        Told {
            id: id.clone(),
            uid,
            version,
            occasion,
            kind,
            reason,
            note,
        }
    }
}

/// The providers and routes of a namespace that are published otherwise than before, or no more.
fn changed_objects(
    before: Option<&Shard>,
    now: Option<&Shard>,
    namespace: &str,
) -> BTreeSet<ObjectId> {
    let empty = Arc::new(Shard::default());
    let (before, now) = (before.unwrap_or(&empty), now.unwrap_or(&empty));
    let mut changed = BTreeSet::new();
    let all = before.providers.keys().chain(now.providers.keys());
    for name in all.filter(|name| before.providers.get(*name) != now.providers.get(*name)) {
        changed.insert(ObjectId::new(Kind::AiProvider, namespace, name.as_str()));
    }
    let all = before.routes.keys().chain(now.routes.keys());
    for name in all.filter(|name| before.routes.get(*name) != now.routes.get(*name)) {
        changed.insert(ObjectId::new(Kind::AiRoute, namespace, name.as_str()));
    }
    changed
}
