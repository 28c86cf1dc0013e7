//! The list of prices that is compiled in: `llm/prices/catalogue.json`, which `llm/prices/generate` writes.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::clause::{Clause, Pattern};
use super::kind::Kind;
use super::money::parse_usd;
use super::table::{Prices, Rate, Step};
use super::time::{When, is_day, parse_day, parse_time};

static TEXT: &str = include_str!("../../prices/catalogue.json");

/// A list of what models cost, by provider.
#[derive(Debug, Default, Deserialize)]
pub struct Catalogue {
    /// The package that it is made from.
    pub package: String,
    /// The version of the package.
    pub version: String,
    /// The day on which that version came out, as `2026-11-10`.
    pub released: String,
    /// The licence under which the package gives it, in full.
    pub notice: String,
    pub(super) providers: Vec<Provider>,
}

/// Who sells the use of models, with what each costs there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// Its id, which is the package's.
    pub id: String,
    /// What the URL of its API begins with.
    #[serde(deserialize_with = "prefix")]
    api: Pattern,
    /// What else it may be called.
    #[serde(rename = "match")]
    matches: Option<Clause>,
    /// Names of models that are its own, wherever they are served.
    pub(super) model_match: Option<Clause>,
    /// The providers whose models it serves at their prices, where it does not list them itself.
    #[serde(default)]
    pub(super) fallback: Vec<String>,
    /// Its models. The first that matches a name is meant.
    pub(super) models: Vec<Model>,
    #[serde(skip)]
    index: Index,
}

/// A model of a provider.
#[derive(Debug, Deserialize)]
pub struct Model {
    /// Its id in the catalogue.
    pub id: String,
    #[serde(rename = "match")]
    matches: Clause,
    /// The last that holds at a time counts, and the first where none does.
    pub(super) prices: Vec<Entry>,
    /// Prices that take the place of some where a call was served in a way of its own; the first of a kind counts.
    #[serde(default)]
    pub(super) variants: Vec<Variant>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) when: When,
    pub(super) prices: Prices,
}

#[derive(Debug, Deserialize)]
pub(super) struct Variant {
    #[serde(rename = "when")]
    pub(super) context: BTreeMap<String, String>,
    #[serde(flatten)]
    pub(super) entry: Entry,
}

/// Where names lead that match for being equal, and the models that have other rules.
#[derive(Debug, Default)]
struct Index {
    equal: HashMap<String, usize>,
    ruled: Vec<usize>,
}

/// The catalogue that is compiled in. It is read when it is first asked for, in some 5 ms.
#[must_use]
pub fn catalogue() -> &'static Catalogue {
    // It can't fail: a test reads it.
    static READ: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(TEXT).unwrap_or_default());
    &READ
}

impl Catalogue {
    pub(super) fn read(text: &str) -> Result<Self, serde_json::Error> {
        let mut catalogue: Self = serde_json::from_str(text)?;
        for provider in &mut catalogue.providers {
            provider.index = Index::new(&provider.models);
        }
        Ok(catalogue)
    }

    /// The providers, in the package's order.
    pub fn providers(&self) -> impl Iterator<Item = &Provider> {
        self.providers.iter()
    }

    /// The provider of this id; else the first that may be called so, such as `vertex` for `google`.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&Provider> {
        let name = name.trim().to_lowercase();
        let mut providers = self.providers.iter();
        providers.find(|provider| provider.id == name).or_else(|| {
            let called = |provider: &&Provider| {
                let rule = provider.matches.as_ref();
                rule.is_some_and(|rule| rule.matches(&name))
            };
            self.providers.iter().find(called)
        })
    }

    /// The first provider whose API has this URL, such as `https://api.openai.com/v1`.
    #[must_use]
    pub fn provider_at(&self, url: &str) -> Option<&Provider> {
        self.providers
            .iter()
            .find(|provider| provider.api.is_match(url))
    }

    /// The provider whose own a model of this name is, wherever it is served.
    #[must_use]
    pub fn maker(&self, model: &str) -> Option<&Provider> {
        let model = model.to_lowercase();
        let makes = |provider: &&Provider| {
            let rule = provider.model_match.as_ref();
            rule.is_some_and(|rule| rule.matches(&model))
        };
        self.providers.iter().find(makes)
    }
}

impl Provider {
    /// Its models, in the package's order.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.iter()
    }

    /// The model that a name means, among those that this provider lists itself.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        let name = name.to_lowercase();
        self.find(&name).or_else(|| self.find(&dashed(&name)?))
    }

    pub(super) fn find(&self, name: &str) -> Option<&Model> {
        let equal = self.index.equal.get(name).copied();
        // What stands before the model that is equal goes first, as everywhere in the list.
        let before = equal.unwrap_or(self.models.len());
        let mut ruled = self.index.ruled.iter().copied();
        let ruled = ruled
            .by_ref()
            .take_while(|at| *at < before)
            .find(|at| self.models[*at].matches.matches(name));
        self.models.get(ruled.or(equal)?)
    }
}

impl Index {
    fn new(models: &[Model]) -> Self {
        let mut index = Self::default();
        for (at, model) in models.iter().enumerate() {
            let (names, more) = model.matches.names();
            for name in names {
                index.equal.entry(name.to_owned()).or_insert(at);
            }
            if more {
                index.ruled.push(at);
            }
        }
        index
    }
}

/// The name with dashes in each date of it, `gpt-5.2-20251211` as `gpt-5.2-2025-12-11`: LiteLLM and OpenRouter write
/// it so. `None` where there is none.
pub(super) fn dashed(name: &str) -> Option<String> {
    let mut parts: Vec<String> = name.split('-').map(str::to_owned).collect();
    let mut found = false;
    for part in parts.iter_mut().skip(1) {
        let (digits, rest) = part.split_at_checked(8).unwrap_or((part, ""));
        if is_day(digits) && (rest.is_empty() || rest.starts_with(':')) {
            *part = format!("{}-{}-{}{rest}", &digits[..4], &digits[4..6], &digits[6..]);
            found = true;
        }
    }
    found.then(|| parts.join("-"))
}

/// An API's pattern matches at the start of a URL.
fn prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(Pattern::new(format!("^(?:{text})")))
}

/// A price in the file: dollars, or those of the base and of each step.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawRate {
    Flat(String),
    Tiered(Vec<RawTier>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawTier {
    Base(String),
    Step(u64, String),
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let usd = |text: &str| {
            parse_usd(text).ok_or_else(|| D::Error::custom(format!("no amount of dollars: {text}")))
        };
        let tiers = match RawRate::deserialize(deserializer)? {
            RawRate::Flat(text) => return Ok(Self::flat(usd(&text)?)),
            RawRate::Tiered(tiers) => tiers,
        };
        let mut rate = Self::flat(0);
        for (at, tier) in tiers.iter().enumerate() {
            match tier {
                RawTier::Base(text) if at == 0 => rate.base = usd(text)?,
                RawTier::Step(above, text) if at > 0 => rate.steps.push(Step {
                    above: *above,
                    rate: usd(text)?,
                }),
                _ => return Err(D::Error::custom("a base comes first, and once")),
            }
        }
        Ok(rate)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw {
            from: Option<String>,
            daily: Option<(String, String)>,
            #[serde(flatten)]
            rates: HashMap<Kind, Rate>,
        }

        let raw = Raw::deserialize(deserializer)?;
        let unreadable = || D::Error::custom("a time that can't be read");
        let from = raw.from.map(|day| parse_day(&day).ok_or_else(unreadable));
        let daily = raw.daily.map(|(start, end)| {
            let times = (parse_time(&start), parse_time(&end));
            let (Some(start), Some(end)) = times else {
                return Err(unreadable());
            };
            Ok((start, end))
        });
        Ok(Self {
            when: When {
                from: from.transpose()?,
                daily: daily.transpose()?,
            },
            prices: raw.rates.into_iter().collect(),
        })
    }
}
