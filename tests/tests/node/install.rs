//! The chart from `helm install` to `helm uninstall`, with callers in pods.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use weir_tests::cluster::{Namespace, Node, RELEASE_NAMESPACE, eventually, eventually_else};
use weir_tests::{Provider, Route};

use crate::first_touch;

/// At once under way while everything is replaced under them.
const STREAMS: &str = "20";

/// One test, since there is one release and each step needs the one before.
#[tokio::test]
async fn a_release_lives_through_install_upgrade_rollback_and_uninstall() {
    let Some(node) = Node::here("install, upgrade, rollback and uninstall").await else {
        return;
    };
    let before = everything(&node).await;
    install(&node).await;
    restrict(&node).await;
    step("what the README says");
    first_touch::the_readme_ends_in_an_answer(&node).await;
    let team = team(&node).await;
    a_pod_with_nothing_but_its_token_is_answered(&node, &team).await;
    upgrade_and_rollback_under_load(&node, &team).await;
    uninstall(&node, &team, &before).await;
}

fn step(what: &str) {
    eprintln!("--- {what}");
}

/// No value is set.
async fn install(node: &Node) {
    step("helm install");
    let wait = ["--create-namespace", "--wait", "--timeout", "3m"];
    let said = node.helm("install", &wait).await;
    if !said.success() {
        panic!("{}\n{}", said.stderr, state(node).await);
    }
    let notes = said.stdout;
    assert!(notes.contains("weir-gateway.weir-system.svc"), "{notes}");
    for (component, count) in [("gateway", 2), ("operator", 2)] {
        assert_eq!(ready(node, component).await, count, "{component}");
    }
}

/// What is known of the release where it does not get ready.
async fn state(node: &Node) -> String {
    let mut all = String::new();
    for arguments in [
        &["get", "pods", "-o", "wide"][..],
        &["get", "events", "--sort-by=.lastTimestamp"],
        &[
            "logs",
            "-l",
            "app.kubernetes.io/name=weir",
            "--prefix",
            "--tail=40",
        ],
    ] {
        let here = ["-n", RELEASE_NAMESPACE];
        let said = node.cluster().kubectl(&[arguments, &here].concat()).await;
        all.push_str(&said.stdout);
        all.push_str(&said.stderr);
    }
    all
}

async fn pods(node: &Node, component: &str) -> Vec<Value> {
    let label = format!("app.kubernetes.io/component={component}");
    let get = [
        "get",
        "pods",
        "-n",
        RELEASE_NAMESPACE,
        "-l",
        &label,
        "-o",
        "json",
    ];
    let list = node.cluster().kubectl(&get).await.ok();
    let list: Value = serde_json::from_str(&list).unwrap();
    list["items"].as_array().unwrap().clone()
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let ready = |one: &Value| one["type"] == "Ready" && one["status"] == "True";
    conditions.is_some_and(|all| all.iter().any(ready))
}

async fn ready(node: &Node, component: &str) -> usize {
    let pods = pods(node, component).await;
    pods.iter().filter(|pod| is_ready(pod)).count()
}

/// From here on every pod of the release must be restricted; those that run would be, too.
async fn restrict(node: &Node) {
    step("enforce Pod Security `restricted`");
    let label = "pod-security.kubernetes.io/enforce=restricted";
    for run in [&["--dry-run=server"][..], &[]] {
        let label = [
            "label",
            "--overwrite",
            "namespace",
            RELEASE_NAMESPACE,
            label,
        ];
        let said = node.cluster().kubectl(&[&label[..], run].concat()).await;
        assert_eq!(said.stderr, "", "a pod that runs is not restricted");
        said.ok();
    }
}

/// A team with a model that answers at once, one that takes 20 s, and an app.
async fn team(node: &Node) -> Namespace<'_> {
    step("kubectl apply");
    let team = node.cluster().namespace("team").await;
    let enforce = "pod-security.kubernetes.io/enforce=restricted";
    let label = ["label", "namespace", team.name(), enforce];
    node.cluster().kubectl(&label).await.ok();
    team.service_account("web").await;
    let consumers = json!([{"serviceAccounts": {"names": ["web"]}}]);
    let words = "once upon a time ".repeat(20);
    let slow = json!({"text": words, "chunks": 41, "chunkInterval": "500ms"});
    team.apply(&[
        &Provider::mock("quick", json!({"text": "Hello from Weir.", "chunks": 4})),
        &Provider::mock("slow", slow),
        &Route::named("chat")
            .models(&["fast"])
            .to("quick")
            .with("/spec/consumers", consumers.clone()),
        &Route::named("stories")
            .models(&["story"])
            .to("slow")
            .with("/spec/consumers", consumers),
    ])
    .await;
    for object in ["aiprovider/quick", "airoute/chat", "airoute/stories"] {
        team.wait_ready(object).await;
    }
    team
}

async fn a_pod_with_nothing_but_its_token_is_answered(node: &Node, team: &Namespace<'_>) {
    step("a pod calls with its projected token");
    let service = node.service_address().await;
    let caller = node.caller("once", "web", &service, &["once", "fast"]);
    team.apply(&[&caller]).await;
    assert_eq!(
        node.wait_succeeded(team, "once").await,
        "Hello from Weir.\n"
    );

    // One of another account of the same namespace is refused, so it was the token that did it.
    let caller = node.caller("stranger", "default", &service, &["once", "fast"]);
    team.apply(&[&caller]).await;
    let said = eventually_else("the stranger ends", async || {
        let seen = team.get("pod/stranger").await.unwrap();
        match seen["status"]["phase"].as_str() {
            Some("Failed") => Ok(team.kubectl(&["logs", "stranger"]).await.ok()),
            _ => Err(seen["status"].to_string()),
        }
    });
    let (said, _) = said.await;
    assert!(
        said.contains("model_not_found") || said.contains("404"),
        "{said}"
    );
}

async fn upgrade_and_rollback_under_load(node: &Node, team: &Namespace<'_>) {
    step("streams of 20 s begin");
    let service = node.service_address().await;
    let load = ["load", "story", "fast", STREAMS];
    team.apply(&[&node.caller("load", "web", &service, &load)])
        .await;
    node.wait_said(team, "load", "under way").await;

    step("helm upgrade");
    let first = uids(node).await;
    let tags = [
        "--set",
        "gateway.image.tag=next",
        "--set",
        "operator.image.tag=next",
    ];
    let wait = ["--wait", "--timeout", "5m"];
    let said = node.helm("upgrade", &[&tags[..], &wait].concat()).await;
    if !said.success() {
        panic!("{}\n{}", said.stderr, state(node).await);
    }
    let second = replaced(node, &first, "next").await;

    step("helm rollback");
    node.helm("rollback", &["1", "--wait", "--timeout", "5m"])
        .await
        .ok();
    replaced(node, &second, "").await;

    step("the streams end");
    let end = [
        "exec",
        "load",
        "--",
        "/usr/local/bin/python3",
        "-c",
        "import os; os.kill(1, 15)",
    ];
    team.kubectl(&end).await.ok();
    let said = node.wait_succeeded(team, "load").await;
    let result: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    step(&format!("{result}"));
    assert_eq!(result["failed"], json!([]), "{result}");
    let count = |kind: &str| result[kind].as_u64().unwrap();
    // Each of the streams that were under way in each of the two changes, at least.
    assert!(count("long") >= 40, "{result}");
    assert!(count("short") >= 500, "{result}");
    assert!(result["longest"].as_f64().unwrap() >= 19.5, "{result}");
}

async fn uids(node: &Node) -> BTreeSet<String> {
    let pods = [pods(node, "gateway").await, pods(node, "operator").await];
    let uid = |pod: &Value| pod["metadata"]["uid"].as_str().unwrap().to_owned();
    pods.iter().flatten().map(uid).collect()
}

/// Waits until none of the old pods is left, drained ones included; gives those in their place, which
/// all run an image with this tag.
async fn replaced(node: &Node, old: &BTreeSet<String>, tag: &str) -> BTreeSet<String> {
    eventually("the old pods have drained", async || {
        uids(node).await.is_disjoint(old).then_some(())
    })
    .await;
    for component in ["gateway", "operator"] {
        for pod in pods(node, component).await {
            let image = pod["spec"]["containers"][0]["image"].as_str().unwrap();
            assert_eq!(image.ends_with(":next"), tag == "next", "{image}");
        }
        assert_eq!(ready(node, component).await, 2);
    }
    uids(node).await
}

/// Every object that there is, as `KIND NAMESPACE/NAME`, but what comes and goes by itself.
async fn everything(node: &Node) -> BTreeSet<String> {
    let list = ["api-resources", "--verbs=list", "-o", "name"];
    let kinds = node.cluster().kubectl(&list).await.ok();
    let passing = ["events", "events.events.k8s.io", "componentstatuses"];
    let kinds: Vec<&str> = kinds
        .lines()
        .filter(|kind| !passing.contains(kind))
        .collect();
    let columns = "-o=custom-columns=K:.kind,NS:.metadata.namespace,N:.metadata.name";
    let get = [
        "get",
        &kinds.join(","),
        "-A",
        columns,
        "--no-headers",
        "--ignore-not-found",
    ];
    let said = node.cluster().kubectl(&get).await.ok();
    let words = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        format!("{} {}/{}", words[0], words[1], words[2])
    };
    // The node's own Lease may come after the first look.
    let lasting = |object: &String| !object.contains("kube-node-lease/");
    said.lines().map(words).filter(lasting).collect()
}

async fn uninstall(node: &Node, team: &Namespace<'_>, before: &BTreeSet<String>) {
    step("helm uninstall");
    let said = node.helm("uninstall", &["--wait", "--timeout", "5m"]).await;
    let told = format!("{}{}", said.stdout, said.stderr);
    said.ok();
    for kept in ["aiproviders.weir.dev", "airoutes.weir.dev"] {
        assert!(told.contains(kept), "{told}");
    }

    let expected: BTreeSet<String> = [
        "CustomResourceDefinition <none>/aiproviders.weir.dev",
        "CustomResourceDefinition <none>/airoutes.weir.dev",
        // The API server's own, as long as the CRDs are there.
        "APIService <none>/v1alpha1.weir.dev",
        // `--create-namespace` made it, with what every namespace has.
        "Namespace <none>/weir-system",
        "ServiceAccount weir-system/default",
        "ConfigMap weir-system/kube-root-ca.crt",
    ]
    .map(str::to_owned)
    .into();
    // The team's stay.
    let ours = |object: &&String| !object.contains(team.name());
    eventually_else("nothing is left but the CRDs", async || {
        let after = everything(node).await;
        let left: BTreeSet<String> = after.difference(before).filter(ours).cloned().collect();
        if left == expected {
            Ok(())
        } else {
            Err(format!("{left:#?}"))
        }
    })
    .await;
    // What the teams wrote is theirs, and stays.
    let kept = node
        .cluster()
        .kubectl(&["get", "airoutes", "-A", "-o", "name"])
        .await
        .ok();
    assert_eq!(kept.lines().count(), 2, "{kept}");
}
