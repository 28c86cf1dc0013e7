//! Objects as the API server has them.

use serde_json::{Value, json};

/// What a provider is like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ProviderIs<'a> {
    /// For its own namespace, whatever the model.
    Own,
    /// For every namespace, with these models.
    Open(&'a [&'a str]),
    /// For namespaces of tier gold.
    ForGold,
    /// With a credential from this Secret.
    Paid(&'a str),
    /// Refused, and no more than for its own namespace.
    Broken,
}

/// Whom a route admits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Admits {
    AllAccounts,
    GoldAccounts,
    NamedAccount(&'static str),
    Keys,
}

fn object(kind: &str, namespace: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "weir.dev/v1alpha1", "kind": kind,
        "metadata": {"namespace": namespace, "name": name}, "spec": spec,
    })
}

pub(crate) fn namespace(name: &str, tier: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"tier": tier}}})
}

pub(crate) fn provider(namespace: &str, name: &str, is: ProviderIs<'_>) -> Value {
    let spec = match is {
        ProviderIs::Own => json!({"dialect": "Mock"}),
        ProviderIs::Open(models) => {
            let models: Vec<Value> = models.iter().map(|name| json!({"name": name})).collect();
            json!({"dialect": "Mock", "models": models, "allowedRoutes": {"namespaces": {"from": "All"}}})
        }
        ProviderIs::ForGold => json!({
            "dialect": "Mock",
            "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"tier": "gold"}}}},
        }),
        ProviderIs::Paid(secret) => {
            json!({"dialect": "OpenAI", "credentials": {"secretRef": {"name": secret, "key": "apiKey"}}})
        }
        ProviderIs::Broken => json!({"dialect": "Mock", "endpoint": "nonsense"}),
    };
    object("AIProvider", namespace, name, &spec)
}

/// A route `fast` with backends as `NAMESPACE/NAME[ MODEL]`.
pub(crate) fn route(namespace: &str, name: &str, to: &[&str], admits: Option<Admits>) -> Value {
    let backends = to.iter().map(|to| {
        let (provider, model) = to
            .split_once(' ')
            .map_or((*to, None), |(to, model)| (to, Some(model)));
        let (namespace, name) = provider.split_once('/').unwrap();
        let mut backend = json!({"provider": {"namespace": namespace, "name": name}});
        if let Some(model) = model {
            backend["model"] = model.into();
        }
        backend
    });
    let backends: Vec<Value> = backends.collect();
    let mut spec = json!({"models": ["fast"], "rules": [{"backends": backends}]});
    let selector = json!({"from": "Selector", "selector": {"matchLabels": {"tier": "gold"}}});
    let consumers = match admits {
        None => return object("AIRoute", namespace, name, &spec),
        Some(Admits::AllAccounts) => json!({"serviceAccounts": {"namespaces": {"from": "All"}}}),
        Some(Admits::GoldAccounts) => json!({"serviceAccounts": {"namespaces": selector}}),
        Some(Admits::NamedAccount(name)) => {
            json!({"serviceAccounts": {"names": [name], "namespaces": {"from": "All"}}})
        }
        Some(Admits::Keys) => json!({"apiKeys": {}}),
    };
    spec["consumers"] = json!([consumers]);
    object("AIRoute", namespace, name, &spec)
}

/// A Secret that a provider may refer to.
pub(crate) fn credential(namespace: &str, name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"namespace": namespace, "name": name}, "stringData": {"apiKey": value},
    })
}

/// An API key with one of some values, created in one of some years.
pub(crate) fn key(namespace: &str, name: &str, value: u8, year: u8) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "weir.dev/api-key",
        "metadata": {"namespace": namespace, "name": name, "creationTimestamp": format!("202{year}-01-01T00:00:00Z")},
        "stringData": {"key": format!("value-{value}-0123456789-0123456789-0123456789")},
    })
}
