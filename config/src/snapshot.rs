//! The compiled config as it is written down and sent: self-contained, right by construction, with
//! no YAML and no Kubernetes type in it.
//!
//! Its JSON is the format of the state folder and of what travels to gateways: camelCase, unknown
//! fields are errors, durations are whole milliseconds, hashes are lowercase hex. [`FORMAT`] counts
//! the versions of that format.

mod credential;
mod hash;
mod key;
mod namespaces;
mod provider;
mod route;
mod secret;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, de};

pub use credential::{Credential, WorkloadIdentity};
pub use hash::Sha256;
pub use key::ApiKey;
pub use namespaces::{NAME_LABEL, Namespaces, Operator, Requirement};
pub use provider::{
    HttpVersion, Provider, ProviderModel, Responses, SecretRef, Settings, Sources, Timeouts,
};
pub use route::{
    Backend, ConsumerKind, Consumers, Parameters, ProviderRef, Retry, RetryCause, Route, Rule,
    Unsupported,
};
pub use secret::Secret;
pub use weir_llm::{Dialect, Preset};

/// The version of the snapshot's format that this crate writes, of which it is the newest.
///
/// 1 had no service accounts; 2 lists them in shards, and routes may admit them. 3 knows all dialects of providers (2 has
/// `OpenAI` and `Mock`), presets, workload identities, prices, and what becomes of parameters.
pub const FORMAT: u32 = 3;

/// The versions of the format that this crate reads, and that [`published::encode`](crate::published::encode) writes.
pub const FORMATS: [u32; 2] = [2, FORMAT];

/// Everything that a gateway serves, one [`Shard`] a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Snapshot {
    /// The version of the format, [`FORMAT`] when this crate wrote it. One that is none of [`FORMATS`] is an error.
    #[serde(deserialize_with = "known_format")]
    pub format: u32,
    /// The shards by the name of their namespace. A shard that did not change since the snapshot
    /// before is the very same `Arc`.
    pub namespaces: BTreeMap<String, Arc<Shard>>,
}

/// The config of one namespace. Nothing of another namespace is in it, and credentials are in the
/// shard of the provider that uses them alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shard {
    /// The name of the namespace.
    pub namespace: String,
    /// The labels of the namespace, always with [`NAME_LABEL`], as Kubernetes sets it.
    pub labels: BTreeMap<String, String>,
    /// Its providers by name.
    pub providers: BTreeMap<String, Provider>,
    /// Its routes by name.
    pub routes: BTreeMap<String, Route>,
    /// Its API keys by the name of their Secret.
    pub keys: BTreeMap<String, ApiKey>,
    /// The UIDs of its service accounts by their names. A folder knows none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub service_accounts: BTreeMap<String, String>,
}

fn known_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let format = u32::deserialize(deserializer)?;
    if FORMATS.contains(&format) {
        return Ok(format);
    }
    Err(de::Error::custom(format!(
        "format {format} is none of those that this version reads"
    )))
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            format: FORMAT,
            namespaces: BTreeMap::new(),
        }
    }
}

impl Snapshot {
    /// The provider of this namespace and name.
    #[must_use]
    pub fn provider(&self, namespace: &str, name: &str) -> Option<&Provider> {
        self.namespaces.get(namespace)?.providers.get(name)
    }

    /// The route of this namespace and name.
    #[must_use]
    pub fn route(&self, namespace: &str, name: &str) -> Option<&Route> {
        self.namespaces.get(namespace)?.routes.get(name)
    }

    /// The UID of the service account of this namespace and name.
    #[must_use]
    pub fn service_account(&self, namespace: &str, name: &str) -> Option<&str> {
        let shard = self.namespaces.get(namespace)?;
        shard.service_accounts.get(name).map(String::as_str)
    }

    /// The API key that is kept in the Secret of this namespace and name.
    #[must_use]
    pub fn key(&self, namespace: &str, name: &str) -> Option<&ApiKey> {
        self.namespaces.get(namespace)?.keys.get(name)
    }
}
