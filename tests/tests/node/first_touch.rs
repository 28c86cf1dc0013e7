//! What the README has a new user type on a cluster does what it says.

use std::path::Path;

use weir_tests::built::root;
use weir_tests::cluster::parts::folder;
use weir_tests::cluster::{Node, eventually};

/// The commands below a heading of the README.
fn commands(heading: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme.split_once(heading).expect("the heading").1;
    let block = section.split_once("```sh\n").expect("commands").1;
    let block = block.split_once("```").unwrap().0;
    block.lines().map(str::to_owned).collect()
}

/// Everything after `helm install`, which is done.
pub(crate) async fn the_readme_ends_in_an_answer(node: &Node) {
    let commands = commands("## Install it on a cluster");
    let install = "helm install weir charts/weir -n weir-system --create-namespace";
    assert!(commands[0].starts_with(install), "{commands:?}");
    assert_eq!(commands.len(), 5, "{commands:?}");
    let here = std::env::var_os("WEIR_NODE").is_some();
    if here {
        name_the_service(node).await;
    }
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", folder().display());
    let mut said = String::new();
    for command in &commands[1..] {
        eprintln!("    {command}");
        let script = format!("export PATH='{path}'; cd '{}'; {command}", root().display());
        let cluster = node.cluster();
        said = cluster
            .run(Path::new("sh"), &["-ec", &script], "")
            .await
            .ok();
    }
    assert!(said.contains("Hello from"), "{said}");
    assert!(said.trim_end().ends_with("data: [DONE]"), "{said}");
    let kubectl = async |arguments: &[&str]| node.cluster().kubectl(arguments).await.ok();
    kubectl(&["delete", "namespace", "weir-demo", "--wait"]).await;
    if here {
        let policy = "mutatingadmissionpolicy/hosts,mutatingadmissionpolicybinding/hosts";
        for object in policy.split(',') {
            kubectl(&["delete", object]).await;
        }
    }
}

/// The node has no DNS: each pod that is made from here on is given the one name that the example looks up.
async fn name_the_service(node: &Node) {
    let address = node.service_address().await;
    let policy = format!(
        r#"
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {{name: hosts}}
spec:
  failurePolicy: Fail
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
    - {{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}}
  mutations:
  - patchType: JSONPatch
    jsonPatch:
      expression: >-
        [JSONPatch{{op: "add", path: "/spec/hostAliases", value: [Object.spec.hostAliases{{
        ip: "{address}", hostnames: ["weir-gateway.weir-system.svc"]}}]}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {{name: hosts}}
spec: {{policyName: hosts}}
"#
    );
    node.cluster().apply(&policy).await;
    // It is in force a moment later.
    let probe = [
        "run",
        "probe",
        "--image=none",
        "--dry-run=server",
        "-o",
        "json",
    ];
    eventually("pods are given the name", async || {
        let pod = node.cluster().kubectl(&probe).await.ok();
        pod.contains("hostAliases").then_some(())
    })
    .await;
}
