use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Namespaces;

/// Who may ask for which models, and who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route {
    /// When the route was created, in Unix seconds; a folder seldom says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<i64>,
    /// Who may call: any of these. Empty admits nobody, which happens where everyone was withdrawn.
    pub consumers: Vec<Consumers>,
    /// The names that clients ask for; `*` stands for any text. Empty matches nothing.
    pub models: Vec<String>,
    /// The rules; the first that holds wins.
    pub rules: Vec<Rule>,
    /// When to try again.
    pub retry: Retry,
    /// What becomes of a request's parameters. Since format 3.
    #[serde(default, skip_serializing_if = "Parameters::is_default")]
    pub parameters: Parameters,
}

/// What becomes of a request's parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
    /// What becomes of those that the provider has no words for.
    #[serde(default)]
    pub unsupported: Unsupported,
}

/// What becomes of a part of a request that the provider has no words for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unsupported {
    /// The request is refused, with the name of the field.
    #[default]
    Refuse,
    /// It is left out.
    Drop,
}

/// Some consumers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Consumers {
    /// The API keys of these names in these namespaces.
    #[serde(rename_all = "camelCase")]
    ApiKeys {
        /// The names of their Secrets; none means every one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        names: Option<Vec<String>>,
        /// The namespaces in which they may stand.
        namespaces: Namespaces,
    },
    /// The service accounts of these names in these namespaces. Since format 2.
    #[serde(rename_all = "camelCase")]
    ServiceAccounts {
        /// Their names; none means every one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        names: Option<Vec<String>>,
        /// The namespaces in which they may stand.
        namespaces: Namespaces,
    },
}

/// How a consumer says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConsumerKind {
    /// By an API key.
    ApiKey,
    /// By the token of its service account.
    ServiceAccount,
}

impl Parameters {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Consumers {
    /// Those of this kind, these names (none means every one) and these namespaces.
    #[must_use]
    pub fn new(kind: ConsumerKind, names: Option<Vec<String>>, namespaces: Namespaces) -> Self {
        match kind {
            ConsumerKind::ApiKey => Self::ApiKeys { names, namespaces },
            ConsumerKind::ServiceAccount => Self::ServiceAccounts { names, namespaces },
        }
    }

    /// What a route admits that doesn't say whom: every service account and every API key of its namespace.
    #[must_use]
    pub fn of_the_namespace() -> Vec<Self> {
        let kinds = [ConsumerKind::ServiceAccount, ConsumerKind::ApiKey];
        kinds
            .map(|kind| Self::new(kind, None, Namespaces::Same))
            .into()
    }

    /// How they say who they are.
    #[must_use]
    pub fn kind(&self) -> ConsumerKind {
        match self {
            Self::ApiKeys { .. } => ConsumerKind::ApiKey,
            Self::ServiceAccounts { .. } => ConsumerKind::ServiceAccount,
        }
    }

    /// Their names; none means every one.
    #[must_use]
    pub fn names(&self) -> Option<&[String]> {
        let (Self::ApiKeys { names, .. } | Self::ServiceAccounts { names, .. }) = self;
        names.as_deref()
    }

    /// The namespaces in which they may stand.
    #[must_use]
    pub fn namespaces(&self) -> &Namespaces {
        let (Self::ApiKeys { namespaces, .. } | Self::ServiceAccounts { namespaces, .. }) = self;
        namespaces
    }
}

/// One rule of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Its name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The CEL expression that must hold, known to compile; none always holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Who may answer, in the order of the resource.
    pub backends: Vec<Backend>,
}

/// One provider that may answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backend {
    /// The provider.
    pub provider: ProviderRef,
    /// The model to ask it for; none means the one that the client asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// 0 to 100; backends of the lowest go first, others when all of those failed.
    pub priority: u8,
    /// 0 to 1,000,000: its share among the backends of its priority.
    pub weight: u32,
}

/// A provider, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderRef {
    /// Its namespace, filled in where the resource leaves it out.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// When to try again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retry {
    /// How many upstream calls a request may take in all, 1 to 10; none means that each backend of
    /// the rule is tried at most once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u8>,
    /// What makes another attempt worth its while.
    pub on: BTreeSet<RetryCause>,
}

/// A failure after which another backend is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RetryCause {
    /// The provider answered 429.
    RateLimited,
    /// The provider answered 500 or above.
    ServerError,
    /// The provider did not answer in time.
    Timeout,
    /// The provider could not be reached, or the connection broke before its answer.
    ConnectionError,
}

impl RetryCause {
    /// Every cause.
    pub const ALL: [Self; 4] = [
        Self::RateLimited,
        Self::ServerError,
        Self::Timeout,
        Self::ConnectionError,
    ];
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: None,
            on: RetryCause::ALL.into(),
        }
    }
}
