use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::{EntryName, Guid, ResourceName, RoleArn};

/// What a provider is called with; exactly one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("has(self.secretRef) != has(self.workloadIdentity)")
        .message("must have exactly one of: secretRef, workloadIdentity"),
))]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// A credential in a Secret of this namespace. It is an API key; for Vertex the JSON key of a
    /// Google service account, the JSON of an external account, or an access token or API key; for Bedrock a Bedrock API
    /// key, an AWS credentials file (`[default]` with `aws_access_key_id` and
    /// `aws_secret_access_key`), or the JSON that `aws iam create-access-key` prints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,
    /// The identity of the gateway's own pods at the cloud, with no long-lived key. In the
    /// gateway's namespace alone: in any other, a team would spend on an account that is not its
    /// own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_identity: Option<WorkloadIdentity>,
}

/// An entry of a Secret of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// The name of the Secret.
    pub name: ResourceName,
    /// The entry of its data that holds the credential.
    pub key: EntryName,
}

/// The identity of the gateway's pods at a cloud; exactly one member, that of the dialect's cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "crd", derive(kube::KubeSchema))]
#[cfg_attr(not(feature = "crd"), derive(JsonSchema))]
#[cfg_attr(feature = "crd", x_kube(
    validation = Rule::new("[has(self.aws), has(self.gcp), has(self.azure)].filter(given, given).size() == 1")
        .message("must have exactly one of: aws, gcp, azure"),
))]
#[serde(rename_all = "camelCase")]
pub struct WorkloadIdentity {
    /// For Bedrock: IRSA or EKS Pod Identity, as the gateway's ServiceAccount has it. An empty
    /// object means the role that the ServiceAccount is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsIdentity>,
    /// For Vertex: Workload Identity of GKE or another source of application default credentials,
    /// the metadata server included. An empty object: there is nothing to set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcp: Option<GcpIdentity>,
    /// For AzureOpenAI: Entra Workload ID, as the gateway's ServiceAccount has it. An empty object
    /// means the tenant and the client that the pod is told of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureIdentity>,
}

/// IRSA or EKS Pod Identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwsIdentity {
    /// An IAM role that the gateway's own role assumes, as one of another account. Its own is that of
    /// the ServiceAccount's annotation `eks.amazonaws.com/role-arn` or of its Pod Identity
    /// association; without this, that is used as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<RoleArn>,
}

/// Google's application default credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("maxProperties" = 0))]
pub struct GcpIdentity {}

/// Entra Workload ID.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AzureIdentity {
    /// The tenant to ask for tokens. Without it, `AZURE_TENANT_ID` of the gateway's pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Guid>,
    /// The application (client) to be. Without it, `AZURE_CLIENT_ID` of the gateway's pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Guid>,
}
