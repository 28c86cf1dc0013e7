//! Which price a call has, and where that comes from.

use std::collections::BTreeMap;

use super::catalogue::{Catalogue, Entry, Model, Provider, catalogue, dashed};
use super::table::Prices;
use crate::provider::Seller;
use crate::{Dialect, Preset, dialect};

/// What is known of a call whose price is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Who serves it, by the catalogue's id. `None` where the catalogue does not know it.
    pub provider: Option<&'a str>,
    /// What the provider calls the model.
    pub model: &'a str,
    /// When the call was made, in seconds since 1970 (UTC).
    pub at: i64,
    /// How it was served, where that has prices of its own: `("service_tier", "flex")`,
    /// `("service_tier", "priority")`, `("speed", "fast")`, `("processing", "batch")`. Keys and values are those of the
    /// answer's fields, and any that has no such price changes nothing.
    pub context: &'a [(&'a str, &'a str)],
}

/// A model's prices and where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The prices. Empty where nothing is known.
    pub prices: Prices,
    /// Where they come from.
    pub origin: Origin,
}

/// Where prices come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From what was declared instead, and the kinds that it leaves out from the catalogue, where that knows the model.
    Declared(Option<Listed>),
    /// From the catalogue.
    Listed(Listed),
    /// Nobody knows the price.
    Unknown,
}

/// A place in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The id of the provider that serves the model.
    pub provider: &'static str,
    /// The id of the provider that lists it: another's where it is sold at the maker's price.
    pub lister: &'static str,
    /// The model's id in the catalogue.
    pub model: &'static str,
}

impl Row {
    /// Looks up what a call costs. What is declared takes the place of the catalogue's price, kind by kind.
    #[must_use]
    pub fn find(query: &Query<'_>, declared: Option<&Prices>) -> Self {
        let listed = query.provider.and_then(|provider| {
            let catalogue = catalogue();
            let provider = catalogue.provider(provider)?;
            let (lister, model) = catalogue.listed(provider, query.model)?;
            // How a call was served says nothing of the price at another provider.
            let own = std::ptr::eq(lister, provider);
            let context = if own { query.context } else { &[] };
            let listed = Listed {
                provider: &provider.id,
                lister: &lister.id,
                model: &model.id,
            };
            Some((listed, model.prices_at(query.at, context)))
        });
        match (declared, listed) {
            (Some(declared), listed) => {
                let (listed, prices) = listed.unzip();
                Self {
                    prices: prices.unwrap_or_default().overridden(declared),
                    origin: Origin::Declared(listed),
                }
            }
            (None, Some((listed, prices))) => Self {
                prices,
                origin: Origin::Listed(listed),
            },
            (None, None) => Self {
                prices: Prices::default(),
                origin: Origin::Unknown,
            },
        }
    }
}

impl Catalogue {
    /// Who serves the calls of a provider as Weir's resources declare it: by its preset, else by its URL, else by its
    /// dialect, where only one sells that (a proxy before it does not change the price).
    ///
    /// `None` where nobody of the catalogue does: a server of one's own costs what its resource says.
    #[must_use]
    pub fn provider_of(
        &self,
        dialect: Dialect,
        preset: Option<Preset>,
        endpoint: &str,
    ) -> Option<&Provider> {
        if let Some(preset) = preset {
            return self.provider(of_preset(preset)?);
        }
        let by_url = || self.provider_at(endpoint);
        match dialect::provider(dialect).seller() {
            Seller::Nobody => None,
            Seller::ByUrl => by_url(),
            Seller::One(id) => by_url().or_else(|| self.provider(id)),
        }
    }

    /// The model that a name means at a provider, and the provider that lists it: itself, or the first of those whose
    /// models it serves.
    #[must_use]
    pub fn listed<'a>(
        &'a self,
        provider: &'a Provider,
        name: &str,
    ) -> Option<(&'a Provider, &'a Model)> {
        let name = name.to_lowercase();
        let find = |name: &str| {
            let others = provider.fallback.iter().filter_map(|id| {
                let mut providers = self.providers.iter();
                providers.find(|other| other.id == *id)
            });
            std::iter::once(provider)
                .chain(others)
                .find_map(|lister| Some((lister, lister.find(name)?)))
        };
        find(&name).or_else(|| find(&dashed(&name)?))
    }
}

fn of_preset(preset: Preset) -> Option<&'static str> {
    match preset {
        Preset::Mistral => Some("mistral"),
        Preset::Groq => Some("groq"),
        Preset::DeepSeek => Some("deepseek"),
        Preset::XAI => Some("x-ai"),
        Preset::Together => Some("together"),
        Preset::Fireworks => Some("fireworks"),
        Preset::OpenRouter => Some("openrouter"),
        Preset::Perplexity => Some("perplexity"),
        Preset::Cerebras => Some("cerebras"),
        // NVIDIA's are priced by nobody there, and the others are servers of one's own.
        Preset::NIM | Preset::VLLM | Preset::SGLang | Preset::Ollama => None,
    }
}

impl Model {
    /// Its prices at a time (seconds since 1970) where the call was served in the ways of a [`Query::context`].
    #[must_use]
    pub fn prices_at(&self, at: i64, context: &[(&str, &str)]) -> Prices {
        let holds = |entry: &&Entry| entry.when.holds(at);
        let standard = self.prices.iter().rev().find(holds).or(self.prices.first());
        let mut prices = standard
            .map(|entry| entry.prices.clone())
            .unwrap_or_default();
        // The first that says a kind is to be the last that sets it.
        for variant in self.variants.iter().rev() {
            let served = variant
                .context
                .iter()
                .all(|(key, value)| context.contains(&(key.as_str(), value.as_str())));
            if served && variant.entry.when.holds(at) {
                for (kind, rate) in variant.entry.prices.iter() {
                    prices.set(kind, rate.clone());
                }
            }
        }
        prices
    }

    /// The ways to be served that have prices of their own at a time (seconds since 1970), and which of its prices they
    /// replace.
    pub fn ways(&self, at: i64) -> impl Iterator<Item = (&BTreeMap<String, String>, &Prices)> {
        self.variants
            .iter()
            .filter(move |variant| variant.entry.when.holds(at))
            .map(|variant| (&variant.context, &variant.entry.prices))
    }
}
