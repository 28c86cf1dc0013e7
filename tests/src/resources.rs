//! Resources that read as sentences: `Route::named("chat").models(&["fast"]).to("openai")`.
//! Each prints as one document of YAML.

use std::fmt;

use serde_json::{Value, json};

/// The namespace that resources are in, unless they say otherwise.
pub const NAMESPACE: &str = "team";

/// An AIProvider.
#[derive(Debug, Clone)]
pub struct Provider(Value);

/// An AIRoute.
#[derive(Debug, Clone)]
pub struct Route(Value);

/// A Secret that holds an API key.
#[derive(Debug, Clone)]
pub struct Key(Value);

macro_rules! document {
    ($($kind:ident)*) => {$(
        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl $kind {
            /// In another namespace.
            #[must_use]
            pub fn in_namespace(mut self, namespace: &str) -> Self {
                self.0["metadata"]["namespace"] = namespace.into();
                self
            }

            /// As JSON.
            #[must_use]
            pub fn value(&self) -> Value {
                self.0.clone()
            }

            /// With this value at a JSON pointer below the resource, as in `/spec/models`.
            #[must_use]
            pub fn with(mut self, pointer: &str, value: Value) -> Self {
                let mut place = &mut self.0;
                for name in pointer.split('/').skip(1) {
                    place = match name.parse::<usize>() {
                        Ok(index) if place.is_array() => &mut place[index],
                        _ => &mut place[name],
                    };
                }
                *place = value;
                self
            }
        }
    )*};
}

document!(Provider Route Key);

fn resource(api: &str, kind: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    })
}

impl Provider {
    /// A provider at an address that speaks OpenAI's dialect in plain text.
    #[must_use]
    pub fn at(name: &str, address: impl fmt::Display) -> Self {
        let endpoint = format!("http://{address}/v1");
        Self::openai(name, &endpoint)
    }

    /// A provider with this endpoint.
    #[must_use]
    pub fn openai(name: &str, endpoint: &str) -> Self {
        let spec = json!({"dialect": "OpenAI", "endpoint": endpoint});
        Self(resource("weir.dev/v1alpha1", "AIProvider", name, spec))
    }

    /// A mock that behaves so.
    #[must_use]
    pub fn mock(name: &str, settings: Value) -> Self {
        let spec = json!({"dialect": "Mock", "mock": settings});
        Self(resource("weir.dev/v1alpha1", "AIProvider", name, spec))
    }

    /// With the credential in the entry `apiKey` of a Secret.
    #[must_use]
    pub fn credential(self, secret: &str) -> Self {
        self.with(
            "/spec/credentials",
            json!({"secretRef": {"name": secret, "key": "apiKey"}}),
        )
    }

    /// With this bound in time.
    #[must_use]
    pub fn timeout(self, which: &str, duration: &str) -> Self {
        self.with(&format!("/spec/timeouts/{which}"), duration.into())
    }

    /// Open to the routes of every namespace.
    #[must_use]
    pub fn for_all_namespaces(self) -> Self {
        self.with(
            "/spec/allowedRoutes",
            json!({"namespaces": {"from": "All"}}),
        )
    }
}

impl Route {
    /// A route without models and rules.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let spec = json!({"models": [], "rules": []});
        Self(resource("weir.dev/v1alpha1", "AIRoute", name, spec))
    }

    /// For callers that ask for these.
    #[must_use]
    pub fn models(self, models: &[&str]) -> Self {
        self.with("/spec/models", json!(models))
    }

    /// With one more rule, which goes to this provider of its own namespace.
    #[must_use]
    pub fn to(mut self, provider: &str) -> Self {
        self.0["spec"]["rules"]
            .as_array_mut()
            .unwrap()
            .push(json!({"backends": [{"provider": {"name": provider}}]}));
        self
    }

    /// With one more backend in its last rule, for when those before it fail.
    #[must_use]
    pub fn falls_back_to(mut self, provider: &str) -> Self {
        let backends = self.0["spec"]["rules"]
            .as_array_mut()
            .and_then(|rules| rules.last_mut()?["backends"].as_array_mut())
            .unwrap();
        let priority = backends.len();
        backends.push(json!({"provider": {"name": provider}, "priority": priority}));
        self
    }

    /// For these API keys of its namespace only.
    #[must_use]
    pub fn admits(self, keys: &[&str]) -> Self {
        self.with("/spec/consumers", json!([{"apiKeys": {"names": keys}}]))
    }
}

impl Key {
    /// A key with this value.
    #[must_use]
    pub fn named(name: &str, value: &str) -> Self {
        Self(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "type": "weir.dev/api-key",
            "stringData": {"key": value},
        }))
    }

    /// With a second value that is good too.
    #[must_use]
    pub fn and_next(self, value: &str) -> Self {
        self.with("/stringData/nextKey", value.into())
    }

    /// Good until then (RFC 3339).
    #[must_use]
    pub fn until(self, time: &str) -> Self {
        self.with(
            "/metadata/annotations",
            json!({"weir.dev/expires-at": time}),
        )
    }
}

/// A Secret with the entry `apiKey`.
#[must_use]
pub fn secret(name: &str, value: &str) -> String {
    secret_with(name, "apiKey", value)
}

/// A Secret with one entry.
#[must_use]
pub fn secret_with(name: &str, entry: &str, value: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "stringData": {entry: value},
    })
    .to_string()
}
