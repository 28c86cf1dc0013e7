//! What makes a process a pod of the chart to the API server: a Pod object with the chart's labels, a
//! token of the chart's ServiceAccount that is bound to it, and a way to the API server of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::chart::RELEASE_NAMESPACE;
use super::credentials::User;
use super::cutter::Cutter;
use super::{Cluster, RELEASE, Token};
use crate::keeper::{self, Kept};

/// A component of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// The control plane.
    Operator,
    /// The data plane.
    Gateway,
}

impl Account {
    /// The value of the label `app.kubernetes.io/component`.
    #[must_use]
    pub fn component(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Gateway => "gateway",
        }
    }

    /// The ServiceAccount's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Operator => "weir-operator",
            Self::Gateway => "weir-gateway",
        }
    }

    /// The user that the API server sees.
    #[must_use]
    pub fn user(self) -> String {
        format!("system:serviceaccount:{RELEASE_NAMESPACE}:{}", self.name())
    }
}

/// A Pod object. No kubelet runs it: it is never scheduled, and goes as soon as it is deleted.
#[derive(Debug, Clone)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
}

impl Pod {
    /// Makes one in the namespace of the release, with the chart's labels.
    ///
    /// # Panics
    /// The API server refuses it.
    pub async fn of_chart(cluster: &Cluster, account: Account, name: &str) -> Self {
        let component = account.component();
        let labels = json!({
            "app.kubernetes.io/name": RELEASE,
            "app.kubernetes.io/instance": RELEASE,
            "app.kubernetes.io/component": component,
        });
        Self::create(cluster, RELEASE_NAMESPACE, name, account.name(), &labels).await
    }

    /// Makes one anywhere.
    ///
    /// # Panics
    /// The API server refuses it.
    pub async fn create(
        cluster: &Cluster,
        namespace: &str,
        name: &str,
        account: &str,
        labels: &serde_json::Value,
    ) -> Self {
        let object = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {
                "serviceAccountName": account,
                // On a cluster with a scheduler it must not run.
                "schedulingGates": [{"name": "weir.dev/never"}],
                "securityContext": {
                    "runAsNonRoot": true, "runAsUser": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [{
                    "name": component_of(labels),
                    "image": "weir.dev/never:1",
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }],
            },
        });
        cluster.apply(&object.to_string()).await;
        let made = cluster.get(namespace, &format!("pod/{name}")).await;
        Self {
            name: name.into(),
            uid: made.unwrap()["metadata"]["uid"].as_str().unwrap().into(),
            namespace: namespace.into(),
        }
    }

    /// Deletes it, as a node does when the pod has ended.
    ///
    /// # Panics
    /// It is not there.
    pub async fn delete(&self, cluster: &Cluster) {
        let name = format!("pod/{}", self.name);
        let arguments = ["delete", &name, "-n", &self.namespace];
        cluster.kubectl(&arguments).await.ok();
    }
}

fn component_of(labels: &serde_json::Value) -> &str {
    let component = labels["app.kubernetes.io/component"].as_str();
    component.unwrap_or("main")
}

/// A pod's place: what its process is started with, and keeps across restarts.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) pod: Pod,
    /// Its way to the API server.
    pub(super) link: Cutter,
    folder: Kept,
    account: Account,
    kubeconfig: PathBuf,
    token: PathBuf,
    environment: Vec<(String, String)>,
}

impl Place {
    pub(super) async fn create(cluster: &Cluster, account: Account, name: &str) -> Self {
        let pod = Pod::of_chart(cluster, account, name).await;
        let link = Cutter::before(cluster.address());
        let folder = Kept::folder();
        let token = folder.path().join("token");
        let user = User::TokenFile(&token);
        let address = link.address().to_string();
        let text = cluster.kubeconfig_at(&address, &user, RELEASE_NAMESPACE);
        let place = Self {
            kubeconfig: folder.write("kubeconfig", text),
            token,
            pod,
            link,
            folder,
            account,
            environment: Vec::new(),
        };
        place.renew_token(cluster).await;
        place
    }

    /// Puts a new token in place, as the kubelet does well before the old one ends.
    pub(super) async fn renew_token(&self, cluster: &Cluster) {
        let ask = Token {
            pod: Some(&self.pod),
            ..Token::default()
        };
        let token = cluster
            .token(&self.pod.namespace, self.account.name(), &ask)
            .await;
        let beside = self.token.with_extension("being-written");
        std::fs::write(&beside, token).unwrap();
        std::fs::rename(beside, &self.token).unwrap();
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn set_env(&mut self, name: &str, value: &str) {
        self.environment.push((name.into(), value.into()));
    }

    /// Has the wall clock of the next start go wrong by this much (`+3600s`, `-5m`); clocks that only
    /// measure go on as they are. False where Debian's `faketime` is not installed.
    pub(super) fn skew_clock(&mut self, by: &str) -> bool {
        let folders = std::fs::read_dir("/usr/lib")
            .into_iter()
            .flatten()
            .flatten();
        let mut libraries = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
        let Some(library) = libraries.find(|path| path.exists()) else {
            return false;
        };
        self.set_env("LD_PRELOAD", library.to_str().unwrap());
        self.set_env("FAKETIME", by);
        self.set_env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        true
    }

    /// A command with what the chart gives its pods.
    pub(super) fn command(&self, binary: &Path) -> Command {
        let mut command = keeper::command(binary);
        without_flags(&mut command);
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .env("POD_NAME", &self.pod.name)
            .env("POD_NAMESPACE", &self.pod.namespace)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Flags from the environment of the test are not meant for what it starts.
pub(crate) fn without_flags(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WEIR_") {
            command.env_remove(name);
        }
    }
}
