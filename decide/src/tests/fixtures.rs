//! Configs that read as sentences.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_config::link::link;
use weir_config::linked::{Consumer, Linked};
use weir_config::snapshot::{
    self, Backend, Consumers, Dialect, NAME_LABEL, Namespaces, Parameters, Provider, ProviderModel,
    ProviderRef, Retry, Rule, Shard, Snapshot,
};

use crate::{Decision, Facts, NoRoute, decide};

pub(crate) const GATEWAY: &str = "weir-system";

#[derive(Clone, Debug)]
pub(crate) struct Route {
    id: &'static str,
    spec: snapshot::Route,
}

impl Route {
    /// A route that admits the keys of its own namespace to nothing.
    pub(crate) fn test(id: &'static str) -> Self {
        let spec = snapshot::Route {
            created: None,
            consumers: vec![Consumers::ApiKeys {
                names: None,
                namespaces: Namespaces::Same,
            }],
            models: Vec::new(),
            rules: Vec::new(),
            retry: Retry::default(),
            parameters: Parameters::default(),
        };
        Self { id, spec }
    }

    pub(crate) fn serves(mut self, models: &[&str]) -> Self {
        self.spec.models = models.iter().map(ToString::to_string).collect();
        self
    }

    pub(crate) fn created(mut self, at: i64) -> Self {
        self.spec.created = Some(at);
        self
    }

    pub(crate) fn admits(mut self, names: Option<&[&str]>, namespaces: Namespaces) -> Self {
        let names = names.map(|names| names.iter().map(ToString::to_string).collect());
        self.spec.consumers = vec![Consumers::ApiKeys { names, namespaces }];
        self
    }

    pub(crate) fn consumers(mut self, consumers: Vec<Consumers>) -> Self {
        self.spec.consumers = consumers;
        self
    }

    pub(crate) fn admits_accounts(self, names: Option<&[&str]>, namespaces: Namespaces) -> Self {
        let names = names.map(|names| names.iter().map(ToString::to_string).collect());
        self.consumers(vec![Consumers::ServiceAccounts { names, namespaces }])
    }

    pub(crate) fn admits_all(self) -> Self {
        self.admits(None, Namespaces::All)
    }

    /// Another rule, with its backends as `NAMESPACE/NAME[ MODEL]`, priority and weight.
    pub(crate) fn rule(mut self, when: Option<&str>, backends: &[(&str, u8, u32)]) -> Self {
        let backends = backends.iter().map(|(to, priority, weight)| {
            let (provider, model) = to
                .split_once(' ')
                .map_or((*to, None), |(provider, model)| (provider, Some(model)));
            let (namespace, name) = provider.split_once('/').unwrap();
            Backend {
                provider: ProviderRef {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                },
                model: model.map(ToOwned::to_owned),
                priority: *priority,
                weight: *weight,
            }
        });
        self.spec.rules.push(Rule {
            name: None,
            when: when.map(ToOwned::to_owned),
            backends: backends.collect(),
        });
        self
    }
}

/// A config in the making. Providers are open to all.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    shards: BTreeMap<String, Shard>,
}

impl World {
    fn shard(&mut self, namespace: &str) -> &mut Shard {
        self.shards
            .entry(namespace.to_owned())
            .or_insert_with(|| Shard {
                namespace: namespace.to_owned(),
                labels: BTreeMap::from([(NAME_LABEL.to_owned(), namespace.to_owned())]),
                ..Shard::default()
            })
    }

    pub(crate) fn with(mut self, routes: impl IntoIterator<Item = Route>) -> Self {
        for route in routes {
            let (namespace, name) = route.id.split_once('/').unwrap();
            self.shard(namespace)
                .routes
                .insert(name.to_owned(), route.spec);
        }
        self
    }

    pub(crate) fn provider(mut self, id: &str, models: &[&str]) -> Self {
        let (namespace, name) = id.split_once('/').unwrap();
        let models = models.iter().map(|model| ProviderModel {
            name: (*model).to_owned(),
            upstream_name: format!("upstream-{model}"),
            price: BTreeMap::new(),
        });
        let provider = Provider {
            models: models.collect(),
            allowed: Namespaces::All,
            ..Provider::new(Dialect::OpenAI, format!("https://{name}.example/v1"))
        };
        self.shard(namespace)
            .providers
            .insert(name.to_owned(), provider);
        self
    }

    pub(crate) fn linked(self) -> Linked {
        let namespaces = self
            .shards
            .into_iter()
            .map(|(name, shard)| (name, Arc::new(shard)));
        let snapshot = Snapshot {
            namespaces: namespaces.collect(),
            ..Snapshot::default()
        };
        link(&snapshot, GATEWAY, None)
    }
}

/// The service account of this `NAMESPACE/NAME`, whose namespace has a label `tier` too.
pub(crate) fn account(id: &str, tier: &str) -> Consumer {
    let (namespace, name) = id.split_once('/').unwrap();
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let labels = BTreeMap::from([label(NAME_LABEL, namespace), label("tier", tier)]);
    Consumer::service_account(namespace, name, Arc::new(labels))
}

/// The consumer with the API key of this `NAMESPACE/NAME`.
pub(crate) fn consumer(id: &str) -> Consumer {
    let (namespace, name) = id.split_once('/').unwrap();
    let labels = BTreeMap::from([(NAME_LABEL.to_owned(), namespace.to_owned())]);
    Consumer::key(namespace, name, Arc::new(labels))
}

pub(crate) fn facts<'a>(consumer: &'a Consumer, model: &'a str) -> Facts<'a> {
    Facts {
        consumer,
        model,
        stream: false,
        operation: "chat",
        input_tokens: &|| 100,
        named_route: None,
        draw: 0,
    }
}

/// The route that answers, or why none does.
pub(crate) fn route_of(linked: &Linked, facts: &Facts<'_>) -> Result<String, NoRoute> {
    decide(linked, facts).map(|Decision { route, .. }| route.id.to_string())
}
