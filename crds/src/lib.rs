//! The resources of Weir as Rust types, from which their CRDs are generated.
//!
//! The doc comments of the fields are what `kubectl explain` shows. Without the feature `crd` these
//! are plain serde types; with it they are Kubernetes resources too, and
//! `cargo run -p weir-crds --features crd --bin generate-crds` writes the CRDs and [`schemas`].
//!
//! A field is wide here: strings where a text is parsed later, options where a default applies.
//! `weir-config` makes narrow types of them.

mod names;
#[cfg_attr(
    feature = "crd",
    expect(
        unreachable_pub,
        reason = "KubeSchema repeats public types inside functions"
    )
)]
mod namespaces;
#[cfg_attr(
    feature = "crd",
    expect(
        unreachable_pub,
        reason = "KubeSchema repeats public types inside functions"
    )
)]
mod provider;
#[cfg_attr(
    feature = "crd",
    expect(
        unreachable_pub,
        reason = "KubeSchema repeats public types inside functions"
    )
)]
mod route;
pub mod schemas;
mod status;

#[cfg(feature = "crd")]
pub mod generate;

pub use names::{
    AwsRegion, AzureApiVersion, Duration, EntryName, ExactModel, Guid, LabelKey, LabelValue,
    ModelName, ModelPattern, NamespaceName, PositiveDuration, ResourceName, RoleArn, RuleName, Usd,
};
pub use namespaces::{
    LabelSelector, MatchLabels, Namespaces, NamespacesFrom, Requirement, RequirementOperator,
};
pub use provider::{
    AIProviderSpec, AllowedRoutes, AwsIdentity, AzureIdentity, AzureOpenAI, Bedrock, CaSecretRef,
    Credentials, Dialect, GcpIdentity, HttpVersion, Mock, MockDisconnect, MockFault, MockTokens,
    ModelPrice, OpenAI, Preset, ProviderModel, Responses, SecretKeyRef, Timeouts, Tls,
    WorkloadIdentity,
};
pub use route::{
    AIRouteSpec, ApiKeys, Backend, Consumers, Parameters, ProviderReference, Retry, RetryCause,
    RouteRule, ServiceAccounts, Unsupported,
};
pub use status::{Condition, ConditionStatus, Status, condition, reason};

#[cfg(feature = "crd")]
pub use provider::AIProvider;
#[cfg(feature = "crd")]
pub use route::AIRoute;

/// The API group of all resources.
pub const GROUP: &str = "weir.dev";
/// The one version that there is.
pub const VERSION: &str = "v1alpha1";

/// The version of the schema of all CRDs: it rises with every change of it. An operator that finds an older one says so.
pub const SCHEMA_VERSION: u32 = 2;
/// The annotation of each CRD that holds its [`SCHEMA_VERSION`].
pub const SCHEMA_VERSION_ANNOTATION: &str = "weir.dev/schema-version";
