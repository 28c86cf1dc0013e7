//! A cluster that runs pods: the node that `tests/cluster/up` brings up around the test, or the
//! cluster of `WEIR_TEST_KUBECONFIG`.

use serde_json::{Value, json};

use super::output::Said;
use super::parts::part;
use super::wait::eventually_else;
use super::{Cluster, Namespace, RELEASE, RELEASE_NAMESPACE};
use crate::built::root;

/// A cluster with at least one node.
#[derive(Debug)]
pub struct Node {
    cluster: Cluster,
    registry: String,
}

impl Node {
    /// The one around this process; none where there is none, and then it says that `test` was not
    /// run. `tests/run` runs this tier as
    ///
    /// ```sh
    /// tests/cluster/up --image … cargo test -p weir-tests --test node
    /// ```
    ///
    /// On the cluster of `WEIR_TEST_KUBECONFIG` the images come from the registry that
    /// `WEIR_TEST_REGISTRY` names: `weir-gateway` and `weir-operator` with the chart's tag and with
    /// `next`, and `client:1`, as `tests/cluster/images` makes them.
    ///
    /// # Panics
    /// The cluster can't be reached.
    pub async fn here(test: &str) -> Option<Self> {
        let inside = std::env::var_os("WEIR_NODE").and_then(|_| std::env::var_os("KUBECONFIG"));
        let Some(path) = std::env::var_os("WEIR_TEST_KUBECONFIG").or(inside) else {
            eprintln!("not run, since no node is up (see tests/cluster/up): {test}");
            return None;
        };
        let registry = std::env::var("WEIR_TEST_REGISTRY");
        Some(Self {
            cluster: Cluster::named(path.as_ref()).await,
            registry: registry.unwrap_or_else(|_| "weir.dev".into()),
        })
    }

    /// Its API server.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Runs Helm on the release, with the chart where the command takes one: `install`, `upgrade`.
    /// Only where the images come from elsewhere is a value set that is not in `arguments`.
    pub async fn helm(&self, command: &str, arguments: &[&str]) -> Said {
        let chart = root().join("charts/weir");
        let registry = format!("image.registry={}", self.registry);
        let mut all = vec![command, RELEASE];
        if matches!(command, "install" | "upgrade") {
            all.push(chart.to_str().unwrap());
            if self.registry != "weir.dev" {
                all.extend(["--set", &registry]);
            }
        }
        all.extend(["--namespace", RELEASE_NAMESPACE]);
        all.extend(arguments);
        self.cluster.run(&part("helm"), &all, "").await
    }

    /// A pod with OpenAI's SDK and a projected token of this ServiceAccount for Weir, as
    /// restricted as a pod can be; `arguments` as `tests/tests/node/client.py` says.
    #[must_use]
    pub fn caller(&self, name: &str, account: &str, service: &str, arguments: &[&str]) -> Value {
        let host = format!("weir-gateway.{RELEASE_NAMESPACE}.svc");
        let arguments = [&["/client.py"], arguments].concat();
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {
                "serviceAccountName": account,
                // The token for Weir is the only one that it has.
                "automountServiceAccountToken": false,
                "restartPolicy": "Never",
                // The node has no DNS.
                "hostAliases": [{"ip": service, "hostnames": [host]}],
                "securityContext": {
                    "runAsNonRoot": true, "runAsUser": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [{
                    "name": "caller",
                    "image": format!("{}/client:1", self.registry),
                    "args": arguments,
                    "env": [{"name": "OPENAI_BASE_URL", "value": format!("http://{host}/v1")}],
                    "securityContext": {
                        "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [{"name": "weir", "mountPath": "/var/run/secrets/weir", "readOnly": true}],
                }],
                "volumes": [{"name": "weir", "projected": {"sources": [
                    {"serviceAccountToken": {"audience": "weir", "path": "token", "expirationSeconds": 600}},
                ]}}],
            },
        })
    }

    /// The address of the gateway's Service.
    ///
    /// # Panics
    /// There is no such Service.
    pub async fn service_address(&self) -> String {
        let service = self
            .cluster
            .get(RELEASE_NAMESPACE, "service/weir-gateway")
            .await;
        service.unwrap()["spec"]["clusterIP"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Waits until a pod has ended well, and gives what it said.
    ///
    /// # Panics
    /// It ends otherwise, or not at all; what it said is in the message.
    pub async fn wait_succeeded(&self, namespace: &Namespace<'_>, pod: &str) -> String {
        let (said, _) = eventually_else(&format!("{pod} succeeds"), async || {
            let seen = namespace.get(&format!("pod/{pod}")).await.unwrap();
            match seen["status"]["phase"].as_str() {
                Some("Succeeded") => Ok(namespace.kubectl(&["logs", pod]).await.ok()),
                Some("Failed") => {
                    let said = namespace.kubectl(&["logs", pod]).await;
                    panic!("{pod} failed:\n{}{}", said.stdout, said.stderr);
                }
                _ => Err(seen["status"].to_string()),
            }
        })
        .await;
        said
    }

    /// Waits until a pod has said this.
    ///
    /// # Panics
    /// It does not.
    pub async fn wait_said(&self, namespace: &Namespace<'_>, pod: &str, text: &str) {
        eventually_else(&format!("{pod} says {text}"), async || {
            let said = namespace.kubectl(&["logs", pod]).await;
            let both = format!("{}{}", said.stdout, said.stderr);
            if said.stdout.contains(text) {
                Ok(())
            } else {
                Err(both)
            }
        })
        .await;
    }
}
