//! What the models of each provider cost, looked up once a day.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use weir_config::linked::LinkedProvider;
use weir_llm::price::{self, Query, Row};

/// How many models' prices are kept; more than any provider has.
const KEPT: usize = 4096;
/// Seconds of a day: prices change with the date.
const DAY: i64 = 86_400;

/// The prices of the models that were called of late. One worker's own.
#[derive(Debug, Default)]
pub(crate) struct Prices {
    known: Mutex<HashMap<Key, Known>>,
}

/// The id of a provider, and what it calls a model.
type Key = (Arc<str>, Arc<str>);

#[derive(Debug)]
struct Known {
    /// The provider as it was then; another version of it may say other prices.
    provider: Arc<LinkedProvider>,
    day: i64,
    prices: Option<Arc<price::Prices>>,
}

impl Prices {
    /// What `model`, as the provider calls it, costs at a time in Unix seconds; `None` where nobody knows.
    pub(crate) fn of(
        &self,
        provider: &Arc<LinkedProvider>,
        model: &Arc<str>,
        at: i64,
    ) -> Option<Arc<price::Prices>> {
        let key = (Arc::clone(&provider.id), Arc::clone(model));
        let day = at.div_euclid(DAY);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&key)
            && found.day == day
            && Arc::ptr_eq(&found.provider, provider)
        {
            return found.prices.clone();
        }
        if known.len() >= KEPT {
            known.clear();
        }
        let prices = look_up(provider, model, at).map(Arc::new);
        let found = Known {
            provider: Arc::clone(provider),
            day,
            prices: prices.clone(),
        };
        known.insert(key, found);
        prices
    }
}

fn look_up(provider: &LinkedProvider, model: &str, at: i64) -> Option<price::Prices> {
    let spec = &provider.spec;
    let mut names = spec.models.iter();
    let declared = names
        .find(|one| one.upstream_name == model)
        .and_then(|one| provider.price(&one.name));
    let seller = price::catalogue().provider_of(spec.dialect, spec.preset, &spec.endpoint);
    let query = Query {
        provider: seller.map(|seller| &*seller.id),
        model,
        at,
        context: &[],
    };
    let prices = Row::find(&query, declared).prices;
    (!prices.is_empty()).then_some(prices)
}
