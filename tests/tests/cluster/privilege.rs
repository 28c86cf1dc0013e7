//! Each component may do what it needs and nothing else, by the API server's own answers.

use std::collections::BTreeSet;

use http::Method;
use kube::Client;
use serde_json::{Value, json};
use weir_tests::cluster::{
    Account, CONFIG_NAMESPACE, Cluster, Pod, RELEASE_NAMESPACE, Token, eventually,
};

/// The status that the API server answers with.
async fn status(client: &Client, method: &Method, path: &str, body: &Value) -> u16 {
    ask(client, method, path, body).await.0
}

/// And its message, where it refuses.
async fn ask(client: &Client, method: &Method, path: &str, body: &Value) -> (u16, String) {
    let kind = match *method {
        Method::PATCH => "application/merge-patch+json",
        _ => "application/json",
    };
    let body = match *method {
        Method::GET | Method::DELETE => Vec::new(),
        _ => body.to_string().into_bytes(),
    };
    let request = http::Request::builder()
        .method(method.clone())
        .uri(path)
        .header("content-type", kind)
        .body(body);
    match client.request_text(request.unwrap()).await {
        Ok(_) => (200, String::new()),
        Err(kube::Error::Api(status)) => (status.code, status.message.clone()),
        Err(error) => panic!("{method} {path}: {error}"),
    }
}

/// Asserts that each of these is forbidden.
async fn assert_forbidden(client: &Client, what: &[(Method, String, Value)]) {
    let mut allowed = Vec::new();
    for (method, path, body) in what {
        let status = status(client, method, path, body).await;
        if status != 403 {
            allowed.push(format!("{method} {path}: {status}"));
        }
    }
    assert!(allowed.is_empty(), "not forbidden:\n{}", allowed.join("\n"));
}

fn secret(namespace: &str, name: &str, kind: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": kind,
        "metadata": {"name": name, "namespace": namespace},
        "stringData": {"tls.crt": "x", "tls.key": "x", "release": "x"},
    })
}

fn lease(name: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": name, "namespace": CONFIG_NAMESPACE},
        "spec": {"holderIdentity": name},
    })
}

fn leases(namespace: &str) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")
}

fn secrets(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets")
}

/// Every way to read or write one object of a collection, and the collection.
fn every_way(collection: &str, name: &str, object: &Value) -> Vec<(Method, String, Value)> {
    let one = format!("{collection}/{name}");
    vec![
        (Method::GET, one.clone(), Value::Null),
        (Method::GET, collection.to_owned(), Value::Null),
        (
            Method::GET,
            format!("{collection}?watch=true&timeoutSeconds=1"),
            Value::Null,
        ),
        (Method::POST, collection.to_owned(), object.clone()),
        (Method::PUT, one.clone(), object.clone()),
        (
            Method::PATCH,
            one.clone(),
            json!({"metadata": {"labels": {"a": "b"}}}),
        ),
        (Method::DELETE, one, Value::Null),
        (Method::DELETE, collection.to_owned(), Value::Null),
    ]
}

/// The token of a new pod of the gateway or the operator.
async fn token(cluster: &Cluster, account: Account, pod: &Pod) -> String {
    let ask = Token {
        pod: Some(pod),
        ..Token::default()
    };
    cluster.token(RELEASE_NAMESPACE, account.name(), &ask).await
}

#[tokio::test]
async fn a_gateway_reads_no_secret_outside_of_the_config_namespace() {
    let cluster = Cluster::shared().await;
    let pod = Pod::of_chart(cluster, Account::Gateway, "privilege-secrets").await;
    let client = cluster
        .client_for(&token(cluster, Account::Gateway, &pod).await)
        .await;
    let team = cluster.namespace("privilege").await;
    let there = [
        secret(
            RELEASE_NAMESPACE,
            "sh.helm.release.v1.weir.v1",
            "helm.sh/release.v1",
        ),
        secret(RELEASE_NAMESPACE, "gateway-tls", "kubernetes.io/tls"),
        secret(team.name(), "openai", "Opaque"),
        secret("kube-system", "of-the-cluster", "Opaque"),
    ];
    for object in &there {
        cluster.apply(&object.to_string()).await;
        let metadata = &object["metadata"];
        let text = |field: &str| metadata[field].as_str().unwrap();
        let collection = secrets(text("namespace"));
        assert_forbidden(&client, &every_way(&collection, text("name"), object)).await;
    }
    for path in [
        "/api/v1/secrets",
        "/api/v1/secrets?watch=true&timeoutSeconds=1",
    ] {
        assert_eq!(status(&client, &Method::GET, path, &Value::Null).await, 403);
    }

    // Where the configuration lies it lists and watches, and writes nothing.
    let config = secrets(CONFIG_NAMESPACE);
    let object = secret(CONFIG_NAMESPACE, "not-published", "Opaque");
    cluster.apply(&object.to_string()).await;
    let mut ways = every_way(&config, "not-published", &object);
    ways.retain(|(method, _, _)| *method != Method::GET);
    assert_forbidden(&client, &ways).await;
    for path in [
        config.clone(),
        format!("{config}?watch=true&timeoutSeconds=1"),
    ] {
        assert_eq!(
            status(&client, &Method::GET, &path, &Value::Null).await,
            200
        );
    }
}

#[tokio::test]
async fn a_gateway_writes_the_lease_of_its_own_pod_alone() {
    let cluster = Cluster::shared().await;
    let pod = Pod::of_chart(cluster, Account::Gateway, "privilege-own").await;
    let other = Pod::of_chart(cluster, Account::Gateway, "privilege-other").await;
    let client = cluster
        .client_for(&token(cluster, Account::Gateway, &pod).await)
        .await;
    let of_other = cluster
        .client_for(&token(cluster, Account::Gateway, &other).await)
        .await;
    let collection = leases(CONFIG_NAMESPACE);
    let path = |pod: &Pod| format!("{collection}/{}", pod.name);
    let touch = json!({"spec": {"holderIdentity": "somebody"}});

    // The policy takes a moment to come into force on a server that has just started.
    let refused = "a gateway may write only the Lease named as its own pod";
    eventually("the policy is in force", async || {
        let strange = lease("of-nobody");
        let (status, message) = ask(&client, &Method::POST, &collection, &strange).await;
        (status == 403 && message.contains(refused)).then_some(())
    })
    .await;

    for (who, pod) in [(&client, &pod), (&of_other, &other)] {
        let made = ask(who, &Method::POST, &collection, &lease(&pod.name)).await;
        assert_eq!(made, (200, String::new()));
        let patched = ask(who, &Method::PATCH, &path(pod), &touch).await;
        assert_eq!(patched, (200, String::new()));
    }
    for method in [Method::PATCH, Method::DELETE] {
        let (status, message) = ask(&client, &method, &path(&other), &touch).await;
        assert_eq!(status, 403, "{method}");
        assert!(message.contains(refused), "{message}");
        assert!(
            message.contains("(privilege-own), not privilege-other"),
            "{message}"
        );
    }
    // Nor by a token that is bound to no pod.
    let unbound = cluster
        .token(RELEASE_NAMESPACE, "weir-gateway", &Token::default())
        .await;
    let unbound = cluster.client_for(&unbound).await;
    let (status, message) = ask(&unbound, &Method::PATCH, &path(&pod), &touch).await;
    assert_eq!(status, 403);
    assert!(
        message.contains("the token is bound to no pod"),
        "{message}"
    );

    assert_eq!(
        ask(&client, &Method::DELETE, &path(&pod), &Value::Null)
            .await
            .0,
        200
    );
    let leader = leases(RELEASE_NAMESPACE);
    assert_forbidden(
        &client,
        &every_way(&leader, "weir-operator", &lease("weir-operator")),
    )
    .await;
}

/// The collections of every kind that the API server knows, apart from reviews, which change nothing
/// and which everybody may ask.
async fn collections(cluster: &Cluster) -> Vec<String> {
    let list = [
        "api-resources",
        "--verbs=create",
        "-o",
        "name",
        "--no-headers",
    ];
    let names = cluster.kubectl(&list).await.ok();
    let names = names.lines().filter(|name| !name.contains("review"));
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_gateway_may_do_nothing_else() {
    let cluster = Cluster::shared().await;
    let pod = Pod::of_chart(cluster, Account::Gateway, "privilege-rest").await;
    let token = token(cluster, Account::Gateway, &pod).await;
    let client = cluster.client_for(&token).await;
    let team = cluster.namespace("privilege").await;
    let weir = format!("/apis/weir.dev/v1alpha1/namespaces/{}", team.name());
    for kind in ["aiproviders", "airoutes"] {
        let ways = every_way(&format!("{weir}/{kind}"), "any", &json!({}));
        assert_forbidden(&client, &ways).await;
        let status = format!("{weir}/{kind}/any/status");
        let patch = (Method::PATCH, status, json!({"status": {}}));
        assert_forbidden(&client, &[patch]).await;
    }
    for kind in [
        "configmaps",
        "pods",
        "serviceaccounts",
        "services",
        "events",
    ] {
        for namespace in [RELEASE_NAMESPACE, CONFIG_NAMESPACE, team.name()] {
            let collection = format!("/api/v1/namespaces/{namespace}/{kind}");
            let ways = every_way(&collection, "any", &json!({}));
            assert_forbidden(&client, &ways).await;
        }
    }
    let mint =
        format!("/api/v1/namespaces/{RELEASE_NAMESPACE}/serviceaccounts/weir-operator/token");
    assert_forbidden(&client, &[(Method::POST, mint, json!({"spec": {}}))]).await;

    // Of every kind that there is, in each namespace: no write but that of leases where it reports.
    let mut granted = BTreeSet::new();
    let verbs = ["create", "update", "patch", "delete", "deletecollection"];
    for namespace in [RELEASE_NAMESPACE, CONFIG_NAMESPACE, team.name()] {
        granted.extend(writes(cluster, Account::Gateway, namespace, &verbs).await);
    }
    let expected = ["create", "delete", "patch"]
        .map(|verb| format!("{verb} leases.coordination.k8s.io in {CONFIG_NAMESPACE}"));
    assert_eq!(granted, BTreeSet::from(expected));
}

/// What an account may write of all kinds, by the API server's own review.
async fn writes(
    cluster: &Cluster,
    account: Account,
    namespace: &str,
    verbs: &[&str],
) -> Vec<String> {
    let client = cluster.client().await;
    let mut granted = Vec::new();
    for resource in collections(cluster).await {
        let (name, group) = resource.split_once('.').unwrap_or((&resource, ""));
        for verb in verbs {
            let review = json!({
                "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
                "spec": {
                    "user": account.user(),
                    "groups": [
                        "system:serviceaccounts",
                        format!("system:serviceaccounts:{RELEASE_NAMESPACE}"),
                        "system:authenticated",
                    ],
                    "resourceAttributes": {
                        "namespace": namespace, "verb": verb, "group": group, "resource": name,
                    },
                },
            });
            let request = http::Request::post("/apis/authorization.k8s.io/v1/subjectaccessreviews")
                .header("content-type", "application/json")
                .body(review.to_string().into_bytes());
            let answer: Value = client.request(request.unwrap()).await.unwrap();
            if answer["status"]["allowed"] == true {
                granted.push(format!("{verb} {resource} in {namespace}"));
            }
        }
    }
    granted
}

/// What `kubectl auth can-i --list` says to the bearer of a token, one grant a line.
async fn can_i(cluster: &Cluster, token: &str, namespace: &str) -> Vec<String> {
    let token = format!("--token={token}");
    let server = format!("--server=https://{}", cluster.address());
    // The admin's token in the kubeconfig would go before.
    let user = [
        "--kubeconfig=/dev/null",
        "--insecure-skip-tls-verify",
        &token,
    ];
    let list = ["auth", "can-i", "--list", "--no-headers", "-n", namespace];
    let arguments = [&list[..], &user, &[&server]].concat();
    let said = cluster.kubectl(&arguments).await.ok();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = said.lines().map(words).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn what_each_account_may_do_is_pinned() {
    let cluster = Cluster::shared().await;
    let team = cluster.namespace("privilege").await;
    let nobody = team.token("default", &Token::default()).await;
    let mut said = String::new();
    for account in [Account::Gateway, Account::Operator] {
        let name = format!("can-i-{}", account.component());
        let pod = Pod::of_chart(cluster, account, &name).await;
        let token = token(cluster, account, &pod).await;
        for (title, namespace) in [
            ("the config namespace", CONFIG_NAMESPACE),
            ("its own namespace", RELEASE_NAMESPACE),
            ("any other namespace", team.name()),
        ] {
            let mut list = can_i(cluster, &token, namespace).await;
            // Beyond what every ServiceAccount may.
            for granted in can_i(cluster, &nobody, namespace).await {
                let found = list.iter().position(|line| *line == granted);
                list.remove(found.unwrap_or_else(|| panic!("{granted}\n{list:#?}")));
            }
            said.push_str(&format!("{} in {title}\n", account.name()));
            for line in list {
                said.push_str(&format!("  {line}\n"));
            }
        }
    }
    assert_eq!(said, include_str!("privilege.txt"), "\n{said}");
}
