use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::snapshot::{Consumers, Namespaces};

/// Who calls. Prints as `key:NAMESPACE/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    text: Arc<str>,
    namespace: Arc<str>,
    name: Arc<str>,
    labels: Arc<BTreeMap<String, String>>,
}

/// A live API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedKey {
    /// Who calls with it.
    pub consumer: Arc<Consumer>,
    /// From when on it is refused, in Unix seconds.
    pub expires_at: Option<i64>,
}

/// One entry of a route's consumers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Sorted; none means every name.
    names: Option<Vec<String>>,
    namespaces: Namespaces,
}

impl Consumer {
    /// The consumer that calls with the API key in the Secret of this namespace and name. `labels` are those of the
    /// namespace.
    #[must_use]
    pub fn key(namespace: &str, name: &str, labels: Arc<BTreeMap<String, String>>) -> Self {
        Self {
            text: format!("key:{namespace}/{name}").into(),
            namespace: namespace.into(),
            name: name.into(),
            labels,
        }
    }

    /// `key:NAMESPACE/NAME`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The namespace that it stands in.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its name in that namespace.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Admission {
    pub(crate) fn new(consumers: &Consumers) -> Self {
        let Consumers::ApiKeys { names, namespaces } = consumers;
        let names = names.clone().map(|mut names| {
            names.sort_unstable();
            names
        });
        let namespaces = namespaces.clone();
        Self { names, namespaces }
    }

    /// Whether it lets `consumer` use a route of the namespace `own`.
    pub(crate) fn admits(&self, own: &str, consumer: &Consumer) -> bool {
        let named = self.names.as_ref().is_none_or(|names| {
            names
                .binary_search_by(|name| name.as_str().cmp(consumer.name()))
                .is_ok()
        });
        named
            && self
                .namespaces
                .admits(own, consumer.namespace(), &consumer.labels)
    }
}
