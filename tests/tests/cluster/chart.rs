//! The chart: who may do what with it, what the API server makes of it, and which values it refuses.

use std::collections::BTreeMap;
use std::process::Command;

use kube::Client;
use serde_json::{Value, json};
use weir_tests::built::root;
use weir_tests::cluster::{
    Account, CONFIG_NAMESPACE, Cluster, Pod, RELEASE_NAMESPACE, Token, eventually, parts, template,
};

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

/// Asks with the token of a pod, and gives the status of the answer and what a refusal says.
async fn ask(client: &Client, method: &str, path: &str, body: &Value) -> (u16, String) {
    let kind = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let body = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", kind);
    match client.request_text(request.body(body).unwrap()).await {
        Ok(_) => (200, String::new()),
        Err(kube::Error::Api(status)) => (status.code, status.message.clone()),
        Err(error) => panic!("{method} {path}: {error}"),
    }
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

fn lease(name: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": name}, "spec": {"holderIdentity": name},
    })
}

fn leases(namespace: &str) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")
}

#[tokio::test]
async fn the_gateways_account_may_do_this_and_no_more() {
    let cluster = Cluster::shared().await;
    let team = cluster.namespace("rights").await;
    // The two addresses of the cluster's signing keys.
    let everywhere = [
        "[/.well-known/openid-configuration] [] [get]",
        "[/openid/v1/jwks] [] [get]",
    ];
    let gateway = async |namespace: &str| rights(cluster, Account::Gateway, namespace).await;
    assert_eq!(gateway(team.name()).await, everywhere);
    assert_eq!(gateway(RELEASE_NAMESPACE).await, everywhere);
    let config = [
        everywhere[0],
        everywhere[1],
        "leases.coordination.k8s.io [] [] [create patch delete]",
        "secrets [] [] [list watch]",
    ];
    assert_eq!(gateway(CONFIG_NAMESPACE).await, config);
}

#[tokio::test]
async fn the_operators_account_may_do_this_and_no_more() {
    let cluster = Cluster::shared().await;
    let team = cluster.namespace("rights").await;
    let operator = async |namespace: &str| rights(cluster, Account::Operator, namespace).await;
    let everywhere = [
        "aiproviders.weir.dev [] [] [list watch]",
        "aiproviders.weir.dev/status [] [] [patch]",
        "airoutes.weir.dev [] [] [list watch]",
        "airoutes.weir.dev/status [] [] [patch]",
        "customresourcedefinitions.apiextensions.k8s.io [] [aiproviders.weir.dev] [get]",
        "customresourcedefinitions.apiextensions.k8s.io [] [airoutes.weir.dev] [get]",
        "events.events.k8s.io [] [] [create]",
        "namespaces [] [] [list watch]",
        "serviceaccounts [] [] [list watch]",
    ];
    let with = |more: &[&str]| {
        let mut all: Vec<String> = everywhere
            .iter()
            .chain(more)
            .map(ToString::to_string)
            .collect();
        all.sort();
        all
    };
    let team = operator(team.name()).await;
    assert_eq!(team, with(&["secrets [] [] [get list watch]"]));
    let config = [
        "leases.coordination.k8s.io [] [] [list watch delete]",
        "secrets [] [] [get list watch create update delete]",
    ];
    assert_eq!(operator(CONFIG_NAMESPACE).await, with(&config));
    let release = [
        "leases.coordination.k8s.io [] [weir-operator] [get update]",
        "pods [] [] [list watch]",
        "secrets [] [] [get list watch]",
    ];
    assert_eq!(operator(RELEASE_NAMESPACE).await, with(&release));
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

    // The watch of one namespace's labels is allowed by its name.
    let (_, client) = pod_of(&cluster, Account::Operator, "operator-of-some").await;
    let labels = |name: &str| format!("/api/v1/namespaces?fieldSelector=metadata.name%3D{name}");
    assert_eq!(
        ask(&client, "GET", &labels("served"), &Value::Null).await.0,
        200
    );
    assert_eq!(
        ask(&client, "GET", &labels("other"), &Value::Null).await.0,
        403
    );
    assert_eq!(
        ask(&client, "GET", "/api/v1/namespaces", &Value::Null)
            .await
            .0,
        403
    );
}

#[tokio::test]
async fn a_gateway_writes_the_lease_of_its_own_pod_alone() {
    let cluster = Cluster::shared().await;
    let (me, client) = pod_of(cluster, Account::Gateway, "gateway-of-a-lease").await;
    let config = leases(CONFIG_NAMESPACE);
    let mine = format!("{config}/{}", me.name);
    let other = "gateway-of-another-lease";
    cluster
        .kubectl_with(
            &["apply", "-n", CONFIG_NAMESPACE, "-f", "-"],
            &lease(other).to_string(),
        )
        .await
        .ok();
    // The API server takes a moment to enforce a policy that is new to it.
    let ((_, message), _) = eventually("another's Lease is refused", async || {
        let said = ask(
            &client,
            "PATCH",
            &format!("{config}/{other}"),
            &lease(other),
        )
        .await;
        (said.0 == 403).then_some(said)
    })
    .await;
    assert!(
        message.ends_with(&format!(
            "a gateway may write only the Lease named as its own pod ({}), not {other}",
            me.name
        )),
        "{message}"
    );
    for (method, path, body) in [
        ("POST", config.clone(), lease("gateway-of-no-pod")),
        (
            "POST",
            config.clone(),
            json!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"generateName": format!("{}-", me.name)},
            }),
        ),
        (
            "PATCH",
            format!("{config}/{other}"),
            json!({"spec": {"holderIdentity": me.name}}),
        ),
        ("DELETE", format!("{config}/{other}"), Value::Null),
        ("DELETE", config.clone(), Value::Null),
        ("GET", config.clone(), Value::Null),
        (
            "PATCH",
            format!("{}/weir-operator", leases(RELEASE_NAMESPACE)),
            lease("weir-operator"),
        ),
        (
            "GET",
            format!("{}/weir-operator", leases(RELEASE_NAMESPACE)),
            Value::Null,
        ),
    ] {
        let (status, message) = ask(&client, method, &path, &body).await;
        assert_eq!(status, 403, "{method} {path}: {message}");
    }
    for (method, path, body) in [
        ("POST", &config, lease(&me.name)),
        (
            "PATCH",
            &mine,
            json!({"metadata": {"annotations": {"weir.dev/revision": "7"}}}),
        ),
        ("DELETE", &mine, Value::Null),
    ] {
        let (status, message) = ask(&client, method, path, &body).await;
        assert_eq!(status, 200, "{method} {path}: {message}");
    }

    // A token that is bound to no pod has no Lease.
    let loose = cluster
        .token(RELEASE_NAMESPACE, "weir-gateway", &Token::default())
        .await;
    let loose = cluster.client_for(&loose).await;
    let (status, message) = ask(&loose, "POST", &config, &lease("weir-gateway")).await;
    assert_eq!(status, 403);
    assert!(
        message.contains("the token is bound to no pod"),
        "{message}"
    );
}

#[tokio::test]
async fn a_gateway_reads_no_secret_and_writes_nothing_outside_the_config_namespace() {
    let cluster = Cluster::shared().await;
    let team = cluster.namespace("private").await;
    let (me, client) = pod_of(cluster, Account::Gateway, "gateway-of-no-secrets").await;
    let secret = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"a": "b"},
        })
    };
    // As Helm keeps a release, and cert-manager a key.
    for (namespace, name) in [
        (RELEASE_NAMESPACE, "sh.helm.release.v1.weir.v1"),
        (RELEASE_NAMESPACE, "gateway-tls"),
        (team.name(), "openai"),
        (CONFIG_NAMESPACE, "not-ours"),
    ] {
        let apply = ["apply", "-n", namespace, "-f", "-"];
        cluster
            .kubectl_with(&apply, &secret(name).to_string())
            .await
            .ok();
        let one = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
        for method in ["GET", "PATCH", "DELETE"] {
            let (status, said) = ask(&client, method, &one, &json!({})).await;
            assert_eq!(status, 403, "{method} {one}: {said}");
        }
    }
    let resources = format!("/apis/weir.dev/v1alpha1/namespaces/{}", team.name());
    for (method, path, body) in [
        ("GET", "/api/v1/secrets".into(), Value::Null),
        (
            "GET",
            format!("/api/v1/namespaces/{RELEASE_NAMESPACE}/secrets"),
            Value::Null,
        ),
        (
            "GET",
            format!("/api/v1/namespaces/{}/secrets", team.name()),
            Value::Null,
        ),
        (
            "POST",
            format!("/api/v1/namespaces/{CONFIG_NAMESPACE}/secrets"),
            secret("forged"),
        ),
        (
            "POST",
            format!("/api/v1/namespaces/{CONFIG_NAMESPACE}/configmaps"),
            Value::Null,
        ),
        (
            "GET",
            format!("/api/v1/namespaces/{RELEASE_NAMESPACE}/pods"),
            Value::Null,
        ),
        (
            "DELETE",
            format!("/api/v1/namespaces/{RELEASE_NAMESPACE}/pods/{}", me.name),
            Value::Null,
        ),
        ("GET", format!("{resources}/airoutes"), Value::Null),
        (
            "PATCH",
            format!("{resources}/airoutes/chat/status"),
            json!({}),
        ),
        (
            "POST",
            format!("/apis/events.k8s.io/v1/namespaces/{}/events", team.name()),
            json!({}),
        ),
        (
            "POST",
            format!("/api/v1/namespaces/{RELEASE_NAMESPACE}/serviceaccounts/weir-operator/token"),
            json!({}),
        ),
    ] {
        let (status, said) = ask(&client, method, &path, &body).await;
        assert_eq!(status, 403, "{method} {path}: {said}");
    }
    let published = format!("/api/v1/namespaces/{CONFIG_NAMESPACE}/secrets");
    assert_eq!(ask(&client, "GET", &published, &Value::Null).await.0, 200);
    assert_eq!(
        ask(&client, "GET", "/openid/v1/jwks", &Value::Null).await.0,
        200
    );
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

#[tokio::test]
async fn examples_are_written_as_the_api_server_keeps_them() {
    let cluster = Cluster::shared().await;
    let examples = root().join("examples");
    // This one is for a folder, which needs no namespace.
    let namespace = cluster
        .kubectl(&["create", "namespace", "quickstart"])
        .await;
    assert!(
        namespace.success() || namespace.stderr.contains("AlreadyExists"),
        "{namespace:?}"
    );
    let mut applied = 0;
    for folder in std::fs::read_dir(&examples).unwrap() {
        let folder = folder.unwrap().path().display().to_string();
        let on = ["--server-side", "-R", "-f", &folder];
        cluster.kubectl(&[&["apply"][..], &on].concat()).await.ok();
        let diff = cluster.kubectl(&[&["diff"][..], &on].concat()).await;
        assert_eq!(
            (diff.status, diff.stdout.as_str()),
            (0, ""),
            "{folder}: {}",
            diff.stderr
        );
        applied += 1;
    }
    assert_eq!(applied, 3);
}
