//! A namespace of a test's own.

use std::fmt::Display;

use serde_json::{Value, json};

use super::wait::{PATIENCE, eventually};
use super::{Cluster, Said, Token};
use crate::folder::documents_of;

/// A namespace that one test has for itself. It is not deleted: own clusters go as a whole.
#[derive(Debug, Clone)]
pub struct Namespace<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl<'a> Namespace<'a> {
    pub(super) async fn create(cluster: &'a Cluster, name: &str) -> Self {
        let namespace = Self::existing(cluster, name);
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {"weir-test": "true"}},
        });
        cluster.apply(&object.to_string()).await;
        // No controller of ServiceAccounts runs beside an API server of a test's own.
        namespace.service_account("default").await;
        namespace
    }

    /// One that is there already.
    #[must_use]
    pub fn existing(cluster: &'a Cluster, name: &str) -> Self {
        Self {
            cluster,
            name: name.into(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its cluster.
    #[must_use]
    pub fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    /// A resource moved into this namespace.
    #[must_use]
    fn moved(&self, document: &dyn Display) -> String {
        let text = document.to_string();
        match serde_json::from_str::<Value>(&text) {
            Ok(mut value) => {
                value["metadata"]["namespace"] = self.name.clone().into();
                value.to_string()
            }
            Err(_) => text,
        }
    }

    /// `kubectl apply` of these in this namespace, which must go well. Resources of
    /// [`crate::resources`] are moved here; YAML as text must not name another namespace.
    ///
    /// # Panics
    /// One is refused.
    pub async fn apply(&self, documents: &[&dyn Display]) -> String {
        self.try_apply(documents).await.ok()
    }

    /// [`Namespace::apply`] that may be refused.
    pub async fn try_apply(&self, documents: &[&dyn Display]) -> Said {
        let moved: Vec<String> = documents.iter().map(|one| self.moved(*one)).collect();
        let moved: Vec<&dyn Display> = moved.iter().map(|one| one as &dyn Display).collect();
        let arguments = ["apply", "-n", &self.name, "-f", "-"];
        let text = documents_of(&moved);
        self.cluster.kubectl_with(&arguments, &text).await
    }

    /// `kubectl` in this namespace.
    pub async fn kubectl(&self, arguments: &[&str]) -> Said {
        let here = ["-n", &self.name];
        self.cluster.kubectl(&[&here[..], arguments].concat()).await
    }

    /// An object here as JSON: `airoute/chat`.
    ///
    /// # Panics
    /// The API server does not say.
    pub async fn get(&self, object: &str) -> Option<Value> {
        self.cluster.get(&self.name, object).await
    }

    /// Deletes an object: `airoute/chat`.
    ///
    /// # Panics
    /// It is not there.
    pub async fn delete(&self, object: &str) {
        self.kubectl(&["delete", object]).await.ok();
    }

    /// Makes a ServiceAccount.
    ///
    /// # Panics
    /// It can't be made.
    pub async fn service_account(&self, name: &str) {
        let metadata = json!({"name": name, "namespace": self.name});
        let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata});
        self.cluster.apply(&object.to_string()).await;
    }

    /// A token of a ServiceAccount here.
    ///
    /// # Panics
    /// The API server gives none.
    pub async fn token(&self, account: &str, ask: &Token<'_>) -> String {
        self.cluster.token(&self.name, account, ask).await
    }

    /// `kubectl wait --for=condition=Ready` of an object here, as a pipeline would.
    ///
    /// # Panics
    /// It does not get ready; its status is in the message.
    pub async fn wait_ready(&self, object: &str) {
        self.wait_condition(object, "Ready", "True").await;
    }

    /// `kubectl wait --for=condition=TYPE=STATUS`.
    ///
    /// # Panics
    /// It does not come to that; the status is in the message.
    pub async fn wait_condition(&self, object: &str, kind: &str, status: &str) {
        let condition = format!("--for=condition={kind}={status}");
        let timeout = format!("--timeout={}s", PATIENCE.as_secs());
        let said = self.kubectl(&["wait", object, &condition, &timeout]).await;
        if !said.success() {
            let seen = self.get(object).await;
            let status = seen.map(|seen| seen["status"].to_string());
            panic!("{}: {}\n{status:?}", said.command, said.stderr);
        }
    }

    /// A condition of an object here as it is now.
    pub async fn condition(&self, object: &str, kind: &str) -> Option<Value> {
        let seen = self.get(object).await?;
        let conditions = seen["status"]["conditions"].as_array()?;
        let found = conditions.iter().find(|one| one["type"] == kind);
        found.cloned()
    }

    /// Waits until a condition has this status and reason, for this generation of the object.
    ///
    /// # Panics
    /// It does not come to that.
    pub async fn wait_reason(&self, object: &str, kind: &str, status: &str, reason: &str) -> Value {
        let what = format!("{object} has {kind}={status} ({reason})");
        let (found, _) = eventually(&what, async || {
            let seen = self.get(object).await?;
            let conditions = seen["status"]["conditions"].as_array()?;
            let found = conditions.iter().find(|one| one["type"] == kind)?;
            let fits = found["status"] == status
                && found["reason"] == reason
                && found["observedGeneration"] == seen["metadata"]["generation"];
            fits.then(|| found.clone())
        })
        .await;
        found
    }
}
