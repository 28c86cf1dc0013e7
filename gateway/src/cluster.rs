//! The cluster that this gateway runs in: how its API server is reached, and who the gateway is there.

use std::env;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use kube::Config;
use kube::config::{InClusterError, KubeConfigOptions, KubeconfigError};
use tokio::time::timeout;

/// Where a pod finds the token of its ServiceAccount
/// (<https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>).
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// The address of the API server, in a pod.
const HOST: &str = "KUBERNETES_SERVICE_HOST";
/// How long the start waits for the address of its name.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why the API server, or this pod, can't be found.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// It looks like a pod, but something of it is missing.
    #[error("the API server of this pod can't be found: {0}")]
    InCluster(#[from] InClusterError),
    /// There is no kubeconfig that can be used.
    #[error(
        "this is no pod with a ServiceAccount, and there is no kubeconfig: {0}; give --config DIR to serve a folder"
    )]
    Kubeconfig(#[from] KubeconfigError),
    /// What it says can't be used.
    #[error("the API server can't be reached as configured: {0}")]
    Client(#[from] kube::Error),
    /// Nothing says what this pod is called.
    #[error("set POD_NAME to the name of this pod, in lowercase letters, digits, - and .")]
    Name,
}

/// A cluster, and this pod in it.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// How to reach the API server.
    pub config: Config,
    /// The pod's own namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
}

impl Cluster {
    /// Finds both by the usual rules: what Kubernetes gives a pod, else the kubeconfig; `POD_NAMESPACE` and `POD_NAME`,
    /// else the namespace of what was found, and the name of this host.
    ///
    /// # Errors
    /// Nothing says where the API server is, or who this is.
    pub async fn find() -> Result<Self, ClusterError> {
        let mut config = if env::var_os(HOST).is_some() && Path::new(TOKEN).exists() {
            Config::incluster()?
        } else {
            Config::from_kubeconfig(&KubeConfigOptions::default()).await?
        };
        // Whoever asks tries again, in a manner of its own.
        config.default_retry = false;
        let given = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let namespace = given("POD_NAMESPACE").unwrap_or_else(|| config.default_namespace.clone());
        let pod = given("POD_NAME")
            .or_else(host_name)
            .filter(|name| is_name(name));
        Ok(Self {
            config,
            namespace,
            pod: pod.ok_or(ClusterError::Name)?,
        })
    }
}

/// The addresses of the API server in a pod: no provider is there, whatever a resource says.
pub async fn api_server() -> Vec<IpAddr> {
    let Some(host) = env::var(HOST).ok().filter(|host| !host.is_empty()) else {
        return Vec::new();
    };
    if let Ok(address) = host.parse() {
        return vec![address];
    }
    // Some providers of clusters give a name there.
    let found = timeout(PATIENCE, tokio::net::lookup_host((host.as_str(), 443))).await;
    match found {
        Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
        _ => {
            tracing::warn!(
                host,
                "the API server's address is not known, and so not denied to providers"
            );
            Vec::new()
        }
    }
}

fn host_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_ascii_lowercase())
}

/// A name that a Lease may have (RFC 1123 subdomain).
fn is_name(name: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=253).contains(&name.len())
        && name.split('.').all(|label| {
            label.bytes().all(|byte| inside(byte) || byte == b'-')
                && label.bytes().next().is_some_and(inside)
                && label.bytes().last().is_some_and(inside)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_can_only_be_called_what_kubernetes_takes() {
        for good in ["weir-gateway-7d4-x2", "a", "host.example", "0"] {
            assert!(is_name(good), "{good}");
        }
        let long = "a".repeat(254);
        for bad in ["", "-a", "a-", "a..b", ".a", "A", "a_b", "a/b", &long] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
