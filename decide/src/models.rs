//! What a consumer may ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_config::linked::{Consumer, Linked, LinkedRoute};

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
