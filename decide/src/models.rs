//! What a consumer may ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_config::linked::{Consumer, Linked, LinkedRoute};

use crate::{Facts, route};

/// A model that a consumer may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEntry {
    /// The name to ask for.
    pub id: Arc<str>,
    /// The route that answers, `NAMESPACE/NAME`.
    pub route: Arc<str>,
    /// When that route was created, in Unix seconds; 0 where it does not say.
    pub created: i64,
}

/// What `consumer` may ask for by name, sorted: the exact names of the routes that it may use, and of their patterns
/// the names that the providers behind them list. Each with the route that [`decide`](crate::decide()) would take.
#[must_use]
pub fn models(linked: &Linked, consumer: &Consumer) -> Vec<ModelEntry> {
    let mut entries = BTreeMap::new();
    let own = consumer.namespace();
    let gateway = Some(linked.gateway_namespace()).filter(|gateway| *gateway != own);
    for namespace in [Some(own), gateway].into_iter().flatten() {
        let Some(namespace) = linked.namespace(namespace) else {
            continue;
        };
        let mut routes: Vec<_> = namespace
            .routes()
            .filter(|route| route.admits(consumer))
            .collect();
        routes.sort_by_key(|route| route.seniority());
        for route in &routes {
            for model in route.exact_models() {
                add(&mut entries, model, route);
            }
        }
        for route in &routes {
            let backends = route.rules.iter().flat_map(|rule| &rule.backends);
            for model in backends.flat_map(|backend| &backend.provider.spec.models) {
                // A senior's pattern takes the name, whoever lists it.
                if route.pattern(&model.name).is_some()
                    && let Some(taken) = routes
                        .iter()
                        .find(|route| route.pattern(&model.name).is_some())
                {
                    add(&mut entries, &model.name.as_str().into(), taken);
                }
            }
        }
    }
    entries.into_values().collect()
}

/// The model of this name, if `consumer` may ask for it: one of [`models`], or one that only a pattern has and a
/// provider behind it takes.
#[must_use]
pub fn model(linked: &Linked, consumer: &Consumer, name: &str) -> Option<ModelEntry> {
    let listed = models(linked, consumer);
    if let Some(entry) = listed.into_iter().find(|entry| *entry.id == *name) {
        return Some(entry);
    }
    let facts = Facts {
        consumer,
        model: name,
        stream: false,
        operation: "",
        input_tokens: &|| 0,
        named_route: None,
        draw: 0,
    };
    let route = route::find(linked, &facts).ok()?.route;
    let mut backends = route.rules.iter().flat_map(|rule| &rule.backends);
    backends
        .any(|backend| backend.upstream_name(name).is_some())
        .then(|| ModelEntry {
            id: name.into(),
            route: Arc::clone(&route.id),
            created: route.seniority().created.unwrap_or_default(),
        })
}

/// The first to come is the one that would be taken.
fn add(entries: &mut BTreeMap<Arc<str>, ModelEntry>, model: &Arc<str>, route: &LinkedRoute) {
    entries
        .entry(Arc::clone(model))
        .or_insert_with(|| ModelEntry {
            id: Arc::clone(model),
            route: Arc::clone(&route.id),
            created: route.seniority().created.unwrap_or_default(),
        });
}
