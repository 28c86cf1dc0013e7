//! The chart on an API server: all of it but what would start pods, which the tests start themselves.

use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use super::Cluster;
use super::parts::part;
use super::wait::eventually_else;
use crate::built::root;
use crate::keeper::Kept;

/// The name of the release.
pub const RELEASE: &str = "weir";
/// The namespace of the release.
pub const RELEASE_NAMESPACE: &str = "weir-system";
/// The namespace of what the operator publishes, as the chart has it by default.
pub const CONFIG_NAMESPACE: &str = "weir-config";

/// What makes pods, or needs a cloud.
const LEFT_OUT: [&str; 5] = ["Deployment", "StatefulSet", "DaemonSet", "Job", "Service"];
/// How the names of kinds begin that lie in no namespace.
const NO_NAMESPACE: [&str; 3] = ["Cluster", "ValidatingAdmissionPolicy", "PriorityClass"];

/// What `helm template` gives for the chart with these values (`name=value`).
///
/// # Panics
/// Helm refuses.
#[must_use]
pub fn template(values: &[&str]) -> String {
    let home = Kept::folder();
    let mut command = Command::new(part("helm"));
    command
        .args(["template", RELEASE])
        .arg(root().join("charts/weir"))
        .args(["--namespace", RELEASE_NAMESPACE])
        .env("HOME", home.path());
    for value in values {
        command.args(["--set", value]);
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "helm template: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The documents of a text of YAML.
///
/// # Panics
/// It is none.
#[must_use]
pub fn documents(yaml: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(yaml)
        .map(|document| Value::deserialize(document).unwrap())
        .filter(|document| !document.is_null())
        .collect()
}

pub(super) async fn install(cluster: &Cluster, values: &[&str]) {
    let mut definitions = Vec::new();
    let mut namespaces = vec![serde_json::json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": RELEASE_NAMESPACE},
    })];
    let mut others = Vec::new();
    for mut document in documents(&template(values)) {
        let kind = document["kind"].as_str().unwrap().to_owned();
        match kind.as_str() {
            "CustomResourceDefinition" => definitions.push(document),
            "Namespace" => namespaces.push(document),
            kind if LEFT_OUT.contains(&kind) => {}
            _ => {
                // Helm puts what names no namespace into the release's.
                let inside = !NO_NAMESPACE.iter().any(|start| kind.starts_with(start));
                if inside && document["metadata"]["namespace"].is_null() {
                    document["metadata"]["namespace"] = RELEASE_NAMESPACE.into();
                }
                others.push(document);
            }
        }
    }
    let names: Vec<String> = definitions.iter().map(name_of).collect();
    for group in [&definitions, &namespaces, &others] {
        if !group.is_empty() {
            let texts: Vec<String> = group.iter().map(Value::to_string).collect();
            let arguments = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
            cluster
                .kubectl_with(&arguments, &texts.join("\n---\n"))
                .await
                .ok();
        }
    }
    for name in &names {
        let definition = format!("crd/{name}");
        let wait = ["wait", "--for=condition=Established", "--timeout=60s"];
        cluster
            .kubectl(&[&wait[..], &[&definition]].concat())
            .await
            .ok();
    }
    // They are served then; what kubectl goes by may be older by a moment.
    eventually_else("kubectl finds the kinds", async || {
        let list = [
            "api-resources",
            "--categories=ai",
            "--cached=false",
            "-o",
            "name",
        ];
        let found = cluster.kubectl(&list).await.stdout;
        let all = names.iter().all(|name| found.contains(name.as_str()));
        if all { Ok(()) } else { Err(found) }
    })
    .await;
}

fn name_of(document: &Value) -> String {
    document["metadata"]["name"].as_str().unwrap().to_owned()
}
