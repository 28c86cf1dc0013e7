//! One pass: what was touched and what hangs on it is compiled, and then taken over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::index::Index;
use super::{Namespace, NamespacePass, Pass, Touched, Workspace};
use crate::compile::across::{self, Routes};
use crate::compile::key::Draft;
use crate::compile::local::{Front, Local};
use crate::compile::lookup::Providers;
use crate::compile::room;
use crate::compile::variables::Variables;
use crate::snapshot::{
    ConsumerKind, Consumers, Namespaces, Provider, ProviderModel, ProviderRef, Route, Shard,
};
use crate::verdict::ObjectId;

/// What was compiled anew, by namespace. Whatever has a front has routes.
pub(super) struct Work {
    fronts: BTreeMap<String, Front>,
    routes: BTreeMap<String, Routes>,
}

impl Workspace {
    /// Compiles, and changes nothing but who claims which value.
    pub(super) fn work(
        &mut self,
        touched: &BTreeMap<String, Touched>,
        variables: Option<Variables<'_>>,
    ) -> Work {
        let Self {
            snapshot,
            namespaces,
            claims,
            references,
            searches,
            gateway_namespace,
            ..
        } = self;
        let (snapshot, namespaces) = (&*snapshot, &*namespaces);
        let nothing = Shard::default();
        let open = |name: &String| {
            let (name, known) = namespaces.get_key_value(name)?;
            let last = snapshot.namespaces.get(name).map_or(&nothing, Arc::as_ref);
            Some((
                name.as_str(),
                Local::open(
                    name,
                    &known.documents,
                    last,
                    variables,
                    gateway_namespace.as_deref(),
                ),
            ))
        };
        let mut locals: BTreeMap<&str, Local<'_>> = BTreeMap::new();
        let mut drafts: BTreeMap<&str, BTreeMap<ObjectId, Draft>> = BTreeMap::new();
        let mut rivals = BTreeSet::new();
        let documents = touched
            .iter()
            .filter(|(_, what)| **what == Touched::Documents);
        for (name, local) in documents.filter_map(|(name, _)| open(name)) {
            let read = local.drafts();
            rivals.extend(claims.update(name, local.claims(&read), snapshot));
            drafts.insert(name, read);
            locals.insert(name, local);
        }
        rivals.retain(|name| !locals.contains_key(name.as_str()));
        for (name, local) in rivals.iter().filter_map(open) {
            drafts.insert(name, local.drafts());
            locals.insert(name, local);
        }
        let mut fronts: BTreeMap<&str, Front> = BTreeMap::new();
        for (name, read) in drafts {
            let local = &locals[name];
            fronts.insert(name, local.front(read, claims, snapshot));
        }
        for name in dependents(&fronts, &locals, namespaces, references, searches) {
            if !locals.contains_key(name.as_str()) {
                locals.extend(open(name));
            }
        }
        let providers = Providers {
            fresh: &fronts,
            snapshot,
            known: namespaces,
        };
        let routes = locals.iter().map(|(name, local)| {
            let labels = match fronts.get(name) {
                Some(front) => &front.shard.labels,
                None => &namespaces[*name].labels,
            };
            let routes = across::routes(local, labels, &providers);
            ((*name).to_owned(), routes)
        });
        let routes = routes.collect();
        let fronts = fronts.into_iter();
        let fronts = fronts
            .map(|(name, front)| (name.to_owned(), front))
            .collect();
        Work { fronts, routes }
    }

    /// Takes over what was compiled.
    pub(super) fn take_over(&mut self, touched: &BTreeMap<String, Touched>, work: Work) -> Pass {
        let Work {
            mut fronts,
            mut routes,
        } = work;
        let names: BTreeSet<String> = touched.keys().chain(routes.keys()).cloned().collect();
        let mut staged: BTreeMap<String, Shard> = BTreeMap::new();
        let mut reach_changed = false;
        for name in names {
            let Some(known) = self.namespaces.get_mut(&name) else {
                continue;
            };
            let last = self.snapshot.namespaces.get(&name);
            let mut shard = match (fronts.remove(&name), last) {
                (Some(front), _) => {
                    known.labels.clone_from(&front.shard.labels);
                    known.declared = front.declared;
                    known.on_others = front.verdicts;
                    front.shard
                }
                (None, Some(last)) => Shard::clone(last),
                (None, None) => bare(&name, known),
            };
            if let Some(routes) = routes.remove(&name) {
                self.references.update(&name, routes.refers);
                self.searches.update(&name, routes.seeks);
                reach_changed |= self.reach.update(&name, reaching(&routes.kept));
                known.on_routes = routes.verdicts;
                shard.routes = routes.kept;
            }
            let before = last.map(|last| &last.service_accounts);
            shard.service_accounts = room::accounts(&known.accounts, before);
            staged.insert(name, shard);
        }
        if reach_changed {
            self.reach_others(&mut staged);
        }
        let shards = staged.into_iter();
        Pass {
            namespaces: shards
                .map(|(name, shard)| {
                    let looked_at = self.install(&name, shard);
                    (name, looked_at)
                })
                .collect(),
        }
    }

    /// Stages the shards that there are for the sake of routes elsewhere alone, where they come or go.
    fn reach_others(&self, staged: &mut BTreeMap<String, Shard>) {
        for (name, known) in &self.namespaces {
            let last = self.snapshot.namespaces.get(name);
            let serves = last.is_some_and(|last| has_content(last));
            if !serves
                && !staged.contains_key(name)
                && self.is_reached(name, known) != last.is_some()
            {
                staged.insert(name.clone(), bare(name, known));
            }
        }
    }

    /// Whether a service account of a namespace may use a route of another one.
    fn is_reached(&self, name: &str, known: &Namespace) -> bool {
        !known.accounts.is_empty()
            && self.reach.things().any(|consumers| {
                let is_named = |names: &[String]| {
                    let mut names = names.iter();
                    names.any(|name| known.accounts.contains_key(name))
                };
                consumers.names().is_none_or(is_named)
                    && consumers.namespaces().admits("", name, &known.labels)
            })
    }

    /// Puts a shard to work, if it has anything to say and says anything new.
    fn install(&mut self, name: &str, shard: Shard) -> NamespacePass {
        let known = &self.namespaces[name];
        let verdicts = known.verdicts();
        let fresh = (has_content(&shard) || self.is_reached(name, known)).then_some(shard);
        if known.is_empty() {
            self.namespaces.remove(name);
        }
        let shards = &mut self.snapshot.namespaces;
        let last = shards.get(name);
        if last.map(Arc::as_ref) == fresh.as_ref() {
            return NamespacePass {
                shard: last.cloned(),
                changed: false,
                verdicts,
            };
        }
        let shard = fresh.map(Arc::new);
        match &shard {
            Some(shard) => shards.insert(name.to_owned(), Arc::clone(shard)),
            None => shards.remove(name),
        };
        NamespacePass {
            shard,
            changed: true,
            verdicts,
        }
    }
}

/// A namespace of which nothing serves.
fn bare(name: &str, known: &Namespace) -> Shard {
    Shard {
        namespace: name.to_owned(),
        labels: known.labels.clone(),
        service_accounts: room::accounts(&known.accounts, None),
        ..Shard::default()
    }
}

fn has_content(shard: &Shard) -> bool {
    !(shard.providers.is_empty() && shard.routes.is_empty() && shard.keys.is_empty())
}

/// The consumers by whom routes reach into other namespaces for service accounts.
fn reaching(routes: &BTreeMap<String, Route>) -> BTreeSet<Consumers> {
    let consumers = routes.values().flat_map(|route| &route.consumers);
    let reaching = consumers.filter(|consumers| {
        consumers.kind() == ConsumerKind::ServiceAccount
            && *consumers.namespaces() != Namespaces::Same
    });
    reaching.cloned().collect()
}

/// The namespaces whose routes hang on a provider that is not what it was, or look for one where there are others now.
fn dependents<'a>(
    fronts: &BTreeMap<&str, Front>,
    locals: &BTreeMap<&str, Local<'_>>,
    namespaces: &BTreeMap<String, Namespace>,
    references: &'a Index<ProviderRef>,
    searches: &'a Index<String>,
) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    for (name, front) in fronts {
        let known = &namespaces[*name].declared;
        let last = &locals[name].last().providers;
        let now = &front.shard.providers;
        let names = known.iter().chain(&front.declared).chain(last.keys());
        for provider in names.chain(now.keys()) {
            let before = (known.contains(provider), last.get(provider).map(face));
            let after = (
                front.declared.contains(provider),
                now.get(provider).map(face),
            );
            if before != after {
                let reference = ProviderRef {
                    namespace: (*name).to_owned(),
                    name: provider.clone(),
                };
                found.extend(references.on(&reference));
            }
        }
        if front.declared != *known {
            found.extend(searches.on(*name));
        }
    }
    found
}

/// What routes see of a provider when they are compiled.
fn face(provider: &Provider) -> (&Namespaces, &[ProviderModel]) {
    (&provider.allowed, &provider.models)
}
