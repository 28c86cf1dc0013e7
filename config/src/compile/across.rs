//! The routes of one namespace, with the providers of all.

use std::collections::{BTreeMap, BTreeSet};

use super::local::{Local, unreadable};
use super::lookup::Providers;
use super::room::{Room, no_room};
use super::{judge, route, serving};
use crate::snapshot::{ProviderRef, Route};
use crate::verdict::{Kind, Verdict};

/// What the routes of a namespace came to, and what that hangs on.
#[derive(Default)]
pub(super) struct Routes {
    pub(super) kept: BTreeMap<String, Route>,
    pub(super) verdicts: Vec<Verdict>,
    /// The providers that were looked up.
    pub(super) refers: BTreeSet<ProviderRef>,
    /// The namespaces in which one was not found, so that what else is there was told.
    pub(super) seeks: BTreeSet<String>,
}

impl Routes {
    fn note(&mut self, route: &Route, providers: &Providers<'_>) {
        for backend in route.rules.iter().flat_map(|rule| &rule.backends) {
            let named = &backend.provider;
            if !providers.is_declared(named) && !self.seeks.contains(&named.namespace) {
                self.seeks.insert(named.namespace.clone());
            }
            if !self.refers.contains(named) {
                self.refers.insert(named.clone());
            }
        }
    }
}

/// Compiles the routes of a namespace that has these labels.
pub(super) fn routes(
    local: &Local<'_>,
    labels: &BTreeMap<String, String>,
    providers: &Providers<'_>,
) -> Routes {
    let mut routes = Routes::default();
    let namespace = local.name();
    let mut room = Room::new();
    for id in local.unreadable(&Kind::AiRoute) {
        let last = local.last().routes.get(&id.name);
        let kept = last.filter(|last| room.takes(&id.name, last)).cloned();
        routes.verdicts.push(unreadable(id, kept.is_some()));
        routes.kept.extend(kept.map(|kept| (id.name.clone(), kept)));
    }
    for object in local.by_age(&Kind::AiRoute) {
        let id = &object.id;
        let fresh = route::read(object).and_then(|fresh| {
            let problems = route::check_references(&fresh, namespace, labels, providers);
            routes.note(&fresh, providers);
            if !problems.is_empty() {
                Err(problems)
            } else if room.takes(&id.name, &fresh) {
                Ok(fresh)
            } else {
                Err(vec![no_room(&id.kind, namespace)])
            }
        });
        let (kept, problems) = match fresh {
            Ok(fresh) => (Some(fresh), Vec::new()),
            Err(problems) => {
                let last = local.last().routes.get(&id.name);
                let kept = last.and_then(|last| route::narrow(last, namespace, object));
                let kept = kept.filter(|kept| room.takes(&id.name, kept));
                (kept, problems)
            }
        };
        // Without a backend that may be used nothing serves, whatever is kept for when one may be again.
        let serves = kept.as_ref().is_some_and(|kept| {
            routes.note(kept, providers);
            route::has_backend(kept, namespace, labels, providers)
        });
        let verdict = judge(id, object.document, problems, serving(serves));
        routes.verdicts.push(verdict);
        routes.kept.extend(kept.map(|kept| (id.name.clone(), kept)));
    }
    routes
}
