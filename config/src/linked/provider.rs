use std::collections::HashMap;
use std::sync::Arc;

use weir_llm::price::{Prices, Rate};

use crate::snapshot::{Credential, HttpVersion, Provider, Secret, Sha256};

/// A provider that routes lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedProvider {
    /// `NAMESPACE/NAME`.
    pub id: Arc<str>,
    /// What it is.
    pub spec: Provider,
    /// A digest of what a connection to it and a call on that depend on: dialect, preset and settings, endpoint,
    /// credential, CA and HTTP version. Connection pools and tokens are keyed by it and so survive a new config that
    /// changes none of them. Processes of one build agree on it.
    pub upstream_key: u64,
    upstream_names: HashMap<Box<str>, Box<str>>,
    prices: HashMap<Box<str>, Prices>,
}

impl LinkedProvider {
    pub(crate) fn new(namespace: &str, name: &str, spec: &Provider) -> Self {
        let names = spec.models.iter();
        let names = names.map(|model| {
            (
                model.name.as_str().into(),
                model.upstream_name.as_str().into(),
            )
        });
        let priced = spec.models.iter().filter(|model| !model.price.is_empty());
        let prices = priced.map(|model| {
            let rates = model.price.iter();
            let rates = rates.map(|(kind, rate)| (*kind, Rate::flat(*rate)));
            (model.name.as_str().into(), rates.collect())
        });
        Self {
            id: format!("{namespace}/{name}").into(),
            spec: spec.clone(),
            upstream_key: upstream_key(spec),
            upstream_names: names.collect(),
            prices: prices.collect(),
        }
    }

    /// What the provider calls `model`; `None` where it is restricted to others.
    #[must_use]
    pub fn upstream_name<'a>(&'a self, model: &'a str) -> Option<&'a str> {
        if self.upstream_names.is_empty() {
            return Some(model);
        }
        self.upstream_names.get(model).map(|name| &**name)
    }

    /// What the resource says that `model` costs, which goes before the catalogue, kind by kind; `None` where it says
    /// nothing of it. `model` is the name that routes and callers say.
    #[must_use]
    pub fn price(&self, model: &str) -> Option<&Prices> {
        self.prices.get(model)
    }
}

fn upstream_key(spec: &Provider) -> u64 {
    let mut bytes = Vec::new();
    let http_version = match spec.http_version {
        HttpVersion::Auto => "auto",
        HttpVersion::Http1 => "1",
        HttpVersion::Http2 => "2",
    };
    // What a connection is made with, and what a call on it is signed with.
    let settings = format!("{:?} {:?} {:?}", spec.dialect, spec.preset, spec.settings);
    let identity = spec.credential.as_ref().and_then(Credential::identity);
    let identity = identity.map(|identity| format!("{identity:?}"));
    let secret = spec.credential.as_ref().and_then(Credential::secret);
    // Each part with its length, so that no two sets of parts run together into the same bytes.
    for part in [
        Some(spec.endpoint.as_str()),
        secret.map(Secret::expose),
        identity.as_deref(),
        spec.ca.as_deref(),
        Some(http_version),
        Some(&settings),
    ] {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        bytes.extend(length.to_be_bytes());
        bytes.extend(part.unwrap_or_default().as_bytes());
    }
    let [a, b, c, d, e, f, g, h, ..] = Sha256::of(&bytes).0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
