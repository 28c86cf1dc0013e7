//! The chart: what the API server makes of it, and which values it refuses.

use std::collections::BTreeMap;
use std::process::Command;

use kube::Client;
use weir_tests::built::root;
use weir_tests::cluster::{Account, Cluster, Pod, RELEASE_NAMESPACE, Token, parts, template};

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
