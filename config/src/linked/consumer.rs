use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::snapshot::{ConsumerKind, Consumers, Namespaces};

/// Who calls. Prints as `sa:NAMESPACE/NAME` or `key:NAMESPACE/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    kind: ConsumerKind,
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

/// A live service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedAccount {
    /// Who calls as it.
    pub consumer: Arc<Consumer>,
    /// Its UID: a token for another is one of an account of the same name that was deleted.
    pub uid: Arc<str>,
}

/// One entry of a route's consumers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    kind: ConsumerKind,
    /// Sorted; none means every name.
    names: Option<Vec<String>>,
    namespaces: Namespaces,
}

impl Consumer {
    /// The consumer that calls with the API key in the Secret of this namespace and name. `labels` are those of the
    /// namespace.
    #[must_use]
    pub fn key(namespace: &str, name: &str, labels: Arc<BTreeMap<String, String>>) -> Self {
        Self::new(ConsumerKind::ApiKey, namespace, name, labels)
    }

    /// The consumer that calls as the service account of this namespace and name. `labels` are those of the namespace.
    #[must_use]
    pub fn service_account(
        namespace: &str,
        name: &str,
        labels: Arc<BTreeMap<String, String>>,
    ) -> Self {
        Self::new(ConsumerKind::ServiceAccount, namespace, name, labels)
    }

    fn new(
        kind: ConsumerKind,
        namespace: &str,
        name: &str,
        labels: Arc<BTreeMap<String, String>>,
    ) -> Self {
        let prefix = match kind {
            ConsumerKind::ApiKey => "key",
            ConsumerKind::ServiceAccount => "sa",
        };
        Self {
            kind,
            text: format!("{prefix}:{namespace}/{name}").into(),
            namespace: namespace.into(),
            name: name.into(),
            labels,
        }
    }

    /// How it says who it is.
    #[must_use]
    pub fn kind(&self) -> ConsumerKind {
        self.kind
    }

    /// `sa:NAMESPACE/NAME` or `key:NAMESPACE/NAME`.
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
        let names = consumers.names().map(|names| {
            let mut names = names.to_vec();
            names.sort_unstable();
            names
        });
        Self {
            kind: consumers.kind(),
            names,
            namespaces: consumers.namespaces().clone(),
        }
    }

    /// Whether it lets `consumer` use a route of the namespace `own`.
    pub(crate) fn admits(&self, own: &str, consumer: &Consumer) -> bool {
        let named = self.names.as_ref().is_none_or(|names| {
            names
                .binary_search_by(|name| name.as_str().cmp(consumer.name()))
                .is_ok()
        });
        self.kind == consumer.kind
            && named
            && self
                .namespaces
                .admits(own, consumer.namespace(), &consumer.labels)
    }
}
