use serde::{Deserialize, Serialize};

use super::Sha256;

/// An API key of a consumer: what a Secret of type `weir.dev/api-key` comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiKey {
    /// When the Secret was created, in Unix seconds; a folder seldom says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<i64>,
    /// The hashes of the values that are live: of `key`, then of `nextKey` where there is one.
    pub hashes: Vec<Sha256>,
    /// From when on the key is refused, in Unix seconds. Judged when a request comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}
