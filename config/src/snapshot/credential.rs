use serde::{Deserialize, Serialize};

use super::Secret;

/// What a provider is called with. In JSON a secret is a plain text and an identity an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Credential {
    /// The value of a Secret. What it may be depends on the dialect: an API key, which is visible ASCII; for Vertex also
    /// an access token, and the JSON of a service account or of an external account; for Bedrock also an AWS credentials
    /// file, and the JSON that the AWS command line prints.
    Secret(Secret),
    /// The identity of the gateway's own pods. Since format 3.
    Identity(WorkloadIdentity),
}

/// The identity of the gateway's pods at the cloud of the provider's dialect.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum WorkloadIdentity {
    /// IRSA or EKS Pod Identity, for [`Dialect::Bedrock`](super::Dialect::Bedrock).
    #[serde(rename_all = "camelCase")]
    Aws {
        /// A role that the pods' own one assumes; none means their own as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role_arn: Option<String>,
    },
    /// Google's application default credentials, for [`Dialect::Vertex`](super::Dialect::Vertex).
    Gcp {},
    /// Entra Workload ID, for [`Dialect::AzureOpenAI`](super::Dialect::AzureOpenAI).
    #[serde(rename_all = "camelCase")]
    Azure {
        /// The tenant; none means what the pod is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant_id: Option<String>,
        /// The client; none means what the pod is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
    },
}

impl Credential {
    /// The secret, if it is one.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Secret(secret) => Some(secret),
            Self::Identity(_) => None,
        }
    }

    /// The identity, if it is one.
    #[must_use]
    pub fn identity(&self) -> Option<&WorkloadIdentity> {
        match self {
            Self::Secret(_) => None,
            Self::Identity(identity) => Some(identity),
        }
    }
}

impl From<Secret> for Credential {
    fn from(secret: Secret) -> Self {
        Self::Secret(secret)
    }
}
