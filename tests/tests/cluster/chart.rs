//! The chart: what the API server makes of it, which values it refuses, and that no right it grants is idle.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use kube::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use weir_tests::built::root;
use weir_tests::cluster::{
    Account, CONFIG_NAMESPACE, Cluster, Pod, RELEASE_NAMESPACE, Token, World, eventually,
    eventually_else, parts, template,
};
use weir_tests::{Key, Provider, Request, Route};

/// What an account may do in a namespace beyond what any account may: `kubectl auth can-i --list`.
async fn rights(cluster: &Cluster, account: Account, namespace: &str) -> Vec<String> {
    let list = async |user: &str| {
        let user = format!("--as={user}");
        let groups = [
            "--as-group=system:serviceaccounts",
            "--as-group=system:authenticated",
        ];
        let list = [
            "auth",
            "can-i",
            "--list",
            "--no-headers",
            "-n",
            namespace,
            &user,
        ];
        let said = cluster.kubectl(&[&list[..], &groups].concat()).await.ok();
        let lines = said.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.join(" ")
        });
        lines.fold(BTreeMap::<String, usize>::new(), |mut counts, line| {
            *counts.entry(line).or_default() += 1;
            counts
        })
    };
    let anyone = list("system:serviceaccount:nowhere:nobody").await;
    let mine = list(&account.user()).await;
    // Rights that everyone has too are there twice.
    mine.into_iter()
        .filter(|(line, count)| *count > anyone.get(line).copied().unwrap_or_default())
        .map(|(line, _)| line)
        .collect()
}

async fn pod_of(cluster: &Cluster, account: Account, name: &str) -> (Pod, Client) {
    let pod = Pod::of_chart(cluster, account, name).await;
    let bound = Token {
        pod: Some(&pod),
        ..Token::default()
    };
    let token = cluster
        .token(RELEASE_NAMESPACE, account.name(), &bound)
        .await;
    (pod, cluster.client_for(&token).await)
}

#[tokio::test]
async fn an_operator_of_some_namespaces_has_no_right_in_others() {
    let Some(cluster) = Cluster::of_its_own("an_operator_of_some_namespaces").await else {
        return;
    };
    for namespace in [RELEASE_NAMESPACE, "served", "other"] {
        cluster
            .kubectl(&["create", "namespace", namespace])
            .await
            .ok();
    }
    let apply = ["apply", "--server-side", "-f", "-"];
    let chart = template(&["rbac.namespaces={served}"]);
    cluster.kubectl_with(&apply, &chart).await.ok();
    let operator = async |namespace: &str| rights(&cluster, Account::Operator, namespace).await;
    let everywhere = [
        "customresourcedefinitions.apiextensions.k8s.io [] [aiproviders.weir.dev] [get]",
        "customresourcedefinitions.apiextensions.k8s.io [] [airoutes.weir.dev] [get]",
        "namespaces [] [served] [list watch]",
    ];
    assert_eq!(operator("other").await, everywhere);
    let served = operator("served").await;
    assert!(
        served.contains(&"secrets [] [] [get list watch]".to_owned()),
        "{served:?}"
    );

    // The list of one namespace's labels is allowed by its name.
    let (_, client) = pod_of(&cluster, Account::Operator, "operator-of-some").await;
    let listed = async |query: &str| {
        let path = format!("/api/v1/namespaces{query}");
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        client.request_text(request).await.is_ok()
    };
    assert!(listed("?fieldSelector=metadata.name%3Dserved").await);
    assert!(!listed("?fieldSelector=metadata.name%3Dother").await);
    assert!(!listed("").await);
}

#[tokio::test]
async fn what_is_rendered_is_what_the_api_server_keeps() {
    let Some(cluster) = Cluster::of_its_own("what_is_rendered").await else {
        return;
    };
    for namespace in [RELEASE_NAMESPACE, "team"] {
        cluster
            .kubectl(&["create", "namespace", namespace])
            .await
            .ok();
    }
    let apply = ["apply", "--server-side", "-f", "-"];
    let chart = template(&[]);
    cluster.kubectl_with(&apply, &chart).await.ok();
    let diff = cluster
        .kubectl_with(&["diff", "--server-side", "-f", "-"], &chart)
        .await;
    assert_eq!(
        (diff.status, diff.stdout.as_str()),
        (0, ""),
        "{}",
        diff.stderr
    );

    // With everything that is off by default; only the ServiceMonitor's kind is not there.
    let everything = template(&[
        "rbac.namespaces={team}",
        "leaderLease.create=false",
        "networkPolicy.enabled=true",
        "networkPolicy.callers[0].namespaceSelector.matchLabels.ai=yes-please",
        "commonLabels.team=ml",
        "image.pullSecrets[0].name=registry",
        "gateway.autoscaling.enabled=true",
        "gateway.tls.secretName=gateway-tls",
        "gateway.service.type=LoadBalancer",
        "gateway.service.loadBalancerClass=example.com/internal",
        "gateway.service.loadBalancerSourceRanges={10.0.0.0/8}",
        "gateway.service.externalTrafficPolicy=Local",
        "gateway.podDisruptionBudget.maxUnavailable=25%",
        "gateway.extraEnv[0].name=TZ",
        "gateway.extraEnv[0].value=UTC",
        "gateway.tolerations[0].operator=Exists",
        "gateway.nodeSelector.disk=ssd",
        "gateway.podAnnotations.note=here",
        "gateway.priorityClassName=system-cluster-critical",
        "operator.topologySpreadConstraints[0].maxSkew=1",
        "operator.topologySpreadConstraints[0].topologyKey=rack",
        "operator.topologySpreadConstraints[0].whenUnsatisfiable=ScheduleAnyway",
    ]);
    let dry = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "-f",
        "-",
    ];
    cluster.kubectl_with(&dry, &everything).await.ok();
}

#[test]
fn values_that_make_no_sense_are_refused() {
    let check = Command::new(root().join("charts/check"))
        .arg(parts::part("helm"))
        .output();
    let check = check.unwrap();
    let said = String::from_utf8_lossy(&check.stderr);
    assert!(check.status.success(), "{said}");
}

/// Account, API group, resource and verb.
type Right = (String, String, String, String);

fn right(account: &str, group: &str, resource: &str, verb: &str) -> Right {
    (account.into(), group.into(), resource.into(), verb.into())
}

/// Every right on resources that the chart's roles grant to its accounts.
fn granted() -> BTreeSet<Right> {
    let chart = template(&[]);
    let documents: Vec<Value> = serde_yaml::Deserializer::from_str(&chart)
        .map(|document| Value::deserialize(document).unwrap())
        .collect();
    let texts = |value: &Value| -> Vec<String> {
        let list = value.as_array().into_iter().flatten();
        list.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = BTreeSet::new();
    for role in documents {
        if !role["kind"]
            .as_str()
            .is_some_and(|kind| kind.ends_with("Role"))
        {
            continue;
        }
        // Those of no component are for people.
        let component = role["metadata"]["labels"]["app.kubernetes.io/component"].as_str();
        let Some(component) = component else { continue };
        let account = format!("weir-{component}");
        for rule in role["rules"].as_array().unwrap() {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    for verb in texts(&rule["verbs"]) {
                        rights.insert(right(&account, &group, &resource, &verb));
                    }
                }
            }
        }
    }
    rights
}

/// Every right on resources that the chart's accounts made use of, by the audit log.
fn used(cluster: &Cluster) -> BTreeSet<Right> {
    let prefix = format!("system:serviceaccount:{RELEASE_NAMESPACE}:");
    let events = cluster.requests();
    let uses = events.iter().filter_map(|event| {
        let account = event["user"]["username"].as_str()?.strip_prefix(&prefix)?;
        let object = &event["objectRef"];
        let mut resource = object["resource"].as_str()?.to_owned();
        if let Some(part) = object["subresource"].as_str() {
            resource = format!("{resource}/{part}");
        }
        let group = object["apiGroup"].as_str().unwrap_or_default();
        let code = event["responseStatus"]["code"].as_u64()?;
        assert_ne!(code, 403, "refused: {event}");
        Some(right(account, group, &resource, event["verb"].as_str()?))
    });
    uses.collect()
}

#[tokio::test]
async fn every_right_is_made_use_of_and_none_is_lacking() {
    const KEY: &str = "key-of-the-app-0123456789-0123456789";
    let world = World::new().operators(1).gateways(2);
    let Some(mut world) = world.of_its_own("every_right_is_made_use_of").await else {
        return;
    };
    let name = world.cluster().namespace("team").await.name().to_owned();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "openai", "namespace": name},
        "stringData": {"apiKey": "sk-of-the-provider"},
    });
    world.cluster().apply(&secret.to_string()).await;
    let credentials = json!({"secretRef": {"name": "openai", "key": "apiKey"}});
    let provider = Provider::openai("openai", "https://api.openai.com/v1").in_namespace(&name);
    let route = Route::named("chat")
        .models(&["fast"])
        .to("mock")
        .in_namespace(&name);
    let broken = Route::named("broken")
        .models(&["fast"])
        .to("nobody")
        .in_namespace(&name);
    for document in [
        provider.with("/spec/credentials", credentials).to_string(),
        Provider::mock("mock", json!({}))
            .in_namespace(&name)
            .to_string(),
        route.to_string(),
        broken.to_string(),
        Key::named("app", KEY).in_namespace(&name).to_string(),
    ] {
        world.cluster().apply(&document).await;
    }
    for ready in ["airoute/chat", "aiprovider/openai"] {
        let wait = [
            "wait",
            "--for=condition=Ready",
            "--timeout=60s",
            "-n",
            &name,
            ready,
        ];
        let said = world.cluster().kubectl(&wait).await;
        assert!(said.success(), "{}\n{}", said.stderr, world.logs());
    }
    for gateway in world.gateways() {
        assert_eq!(gateway.ask(&Request::chat(KEY, "fast")).await.status, 200);
    }
    eventually("an Event tells of the broken route", async || {
        let get = ["get", "events.events.k8s.io", "-n", &name, "-o", "name"];
        let events = world.cluster().kubectl(&get).await.ok();
        events.contains("broken").then_some(())
    })
    .await;

    // A gateway that gives its Lease up, one whose Lease the operator takes away, and a namespace of which nothing
    // is left to publish.
    world.remove_gateway(0).await;
    let lease = format!("lease/{}", world.gateway(0).pod().name);
    world.gateway_mut(0).kill();
    let pod = world.gateway(0).pod().clone();
    pod.delete(world.cluster()).await;
    eventually("the operator takes its Lease away", async || {
        let found = world.cluster().get(CONFIG_NAMESPACE, &lease).await;
        found.is_none().then_some(())
    })
    .await;
    let everything = "aiproviders,airoutes,secrets";
    let delete = ["delete", everything, "--all", "-n", &name];
    world.cluster().kubectl(&delete).await.ok();
    eventually_else("what was published is taken back", async || {
        let shard = format!("secret/ns.{name}");
        match world.cluster().get(CONFIG_NAMESPACE, &shard).await {
            None => Ok(()),
            Some(shard) => Err(format!("{shard}\n{}", world.logs())),
        }
    })
    .await;
    // Watches stand in the audit log once they have ended.
    world.operator_mut(0).stop().await;

    // An apply that makes an object is a patch in the audit log, and needs the right to create it too.
    let applied = right("weir-gateway", "coordination.k8s.io", "leases", "create");
    let granted = granted();
    eventually_else("every right is made use of", async || {
        let mut used = used(world.cluster());
        used.insert(applied.clone());
        let left: Vec<&Right> = granted.difference(&used).collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        }
    })
    .await;
}
