//! A row of prices, as a table and as JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Number, Value};
use weir_llm::price::{Catalogue, Kind, Model, Prices, Provider, Rate, write_usd};

/// What a model costs at a provider.
#[derive(Serialize)]
pub(super) struct Row<'c> {
    provider: &'c str,
    model: &'c str,
    /// USD per million tokens, or for what the name of the kind says, by kind.
    #[serde(flatten)]
    prices: Map<String, Value>,
    /// The prices of longer inputs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<Tier>,
    /// What replaces these prices where a call is served in a way of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    variants: Vec<Variant<'c>>,
    source: Source<'c>,
    #[serde(skip)]
    of: Prices,
}

#[derive(Serialize)]
struct Tier {
    /// Where the input has more tokens than this.
    above: u64,
    #[serde(flatten)]
    prices: Map<String, Value>,
}

#[derive(Serialize)]
struct Variant<'c> {
    when: &'c BTreeMap<String, String>,
    #[serde(flatten)]
    prices: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<Tier>,
}

/// Where a row comes from.
#[derive(Serialize)]
struct Source<'c> {
    package: &'c str,
    version: &'c str,
    released: &'c str,
    /// The id of the provider that lists the model: another where it is sold at the maker's price.
    provider: &'c str,
}

/// The kinds that have columns of their own, and are in every row of JSON.
const COLUMNS: [Kind; 4] = [Kind::Input, Kind::Output, Kind::CacheRead, Kind::CacheWrite];

impl<'c> Row<'c> {
    pub(super) const HEADINGS: [&'static str; 8] = [
        "PROVIDER",
        "MODEL",
        "INPUT",
        "OUTPUT",
        "CACHE READ",
        "CACHE WRITE",
        "OTHER",
        "SOURCE",
    ];

    pub(super) fn new(
        catalogue: &'c Catalogue,
        provider: &'c Provider,
        lister: &'c Provider,
        model: &'c Model,
        at: i64,
    ) -> Self {
        let of = model.prices_at(at, &[]);
        let mut prices = Map::new();
        for kind in COLUMNS {
            prices.insert(name(kind), Value::Null);
        }
        prices.append(&mut rates(&of, |rate| Some(rate.base)));
        // How a call is served says nothing of the price at another provider.
        let own = std::ptr::eq(provider, lister);
        let ways = model
            .ways(at)
            .filter(|(_, prices)| own && !prices.is_empty())
            .map(|(when, prices)| Variant {
                when,
                prices: rates(prices, |rate| Some(rate.base)),
                tiers: tiers(prices),
            });
        Self {
            provider: &provider.id,
            model: &model.id,
            prices,
            tiers: tiers(&of),
            variants: ways.collect(),
            source: Source {
                package: &catalogue.package,
                version: &catalogue.version,
                released: &catalogue.released,
                provider: &lister.id,
            },
            of,
        }
    }

    pub(super) fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.provider.to_owned(), self.model.to_owned()];
        cells.extend(COLUMNS.map(|kind| self.of.get(kind).map(cell).unwrap_or_default()));
        let others = self.of.iter().filter(|(kind, _)| !COLUMNS.contains(kind));
        let others: Vec<String> = others
            .map(|(kind, rate)| format!("{} {}", name(kind), cell(rate)))
            .collect();
        cells.push(others.join(", "));
        let Source {
            package,
            version,
            released,
            provider,
        } = &self.source;
        let lister = if *provider == self.provider {
            String::new()
        } else {
            format!(", as of {provider}")
        };
        cells.push(format!("{package} {version} ({released}){lister}"));
        cells
    }
}

/// `1.25 (2.5 above 200000)`.
fn cell(rate: &Rate) -> String {
    let steps = rate.steps.iter();
    let steps: Vec<String> = steps
        .map(|step| format!("{} above {}", write_usd(step.rate), step.above))
        .collect();
    let base = write_usd(rate.base);
    if steps.is_empty() {
        return base;
    }
    format!("{base} ({})", steps.join(", "))
}

/// What a kind is called in JSON.
fn name(kind: Kind) -> String {
    match serde_json::to_value(kind) {
        Ok(Value::String(name)) => name,
        // A unit variant is a string.
        _ => String::new(),
    }
}

/// One price of each kind, in USD.
fn rates(prices: &Prices, which: impl Fn(&Rate) -> Option<u64>) -> Map<String, Value> {
    let rates = prices.iter().filter_map(|(kind, rate)| {
        // Written in digits, which is a number of JSON.
        let number: Number = serde_json::from_str(&write_usd(which(rate)?)).ok()?;
        Some((name(kind), Value::Number(number)))
    });
    rates.collect()
}

fn tiers(prices: &Prices) -> Vec<Tier> {
    let steps = prices
        .iter()
        .flat_map(|(_, rate)| rate.steps.iter().map(|step| step.above));
    let steps: BTreeSet<u64> = steps.collect();
    let tier = |above| Tier {
        above,
        prices: rates(prices, |rate| {
            let steps = !rate.steps.is_empty();
            steps.then(|| rate.at(above + 1))
        }),
    };
    steps.into_iter().map(tier).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use weir_llm::price::{catalogue, parse_day};

    fn row(provider: &str, model: &str) -> Row<'static> {
        let catalogue = catalogue();
        let provider = catalogue.provider(provider).unwrap();
        let (lister, model) = catalogue.listed(provider, model).unwrap();
        Row::new(
            catalogue,
            provider,
            lister,
            model,
            parse_day("2026-11-23").unwrap(),
        )
    }

    #[test]
    fn a_row_of_json_has_every_price_and_its_tiers() {
        let released = &catalogue().released;
        let version = &catalogue().version;
        assert_eq!(
            serde_json::to_value(row("google", "gemini-2.5-pro")).unwrap(),
            json!({
                "provider": "google", "model": "gemini-2.5-pro",
                "input": 1.25, "output": 10, "cacheRead": 0.125, "cacheWrite": null,
                "perThousandWebSearches": 35,
                "tiers": [{"above": 200_000, "input": 2.5, "output": 15, "cacheRead": 0.25}],
                "variants": [{
                    "when": {"processing": "batch"},
                    "input": 0.625, "output": 5,
                    "tiers": [{"above": 200_000, "input": 1.25, "output": 7.5}],
                }],
                "source": {"package": "genai-prices", "version": version, "released": released, "provider": "google"},
            })
        );
    }

    #[test]
    fn a_line_has_the_steps_and_what_else_is_charged() {
        let source = format!(
            "genai-prices {} ({})",
            catalogue().version,
            catalogue().released
        );
        assert_eq!(
            row("google", "gemini-2.5-pro").cells(),
            [
                "google",
                "gemini-2.5-pro",
                "1.25 (2.5 above 200000)",
                "10 (15 above 200000)",
                "0.125 (0.25 above 200000)",
                "",
                "perThousandWebSearches 35",
                &source
            ]
        );
        let azure = row("azure", "gpt-4o").cells();
        assert_eq!(azure.last(), Some(&format!("{source}, as of openai")));
    }
}
