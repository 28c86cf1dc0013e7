//! `weir` on a real cluster: what it says, what it writes, and what it never says.

use std::path::PathBuf;

use serde_json::{Value, json};
use weir_tests::built::binary;
use weir_tests::cluster::{Cluster, Namespace, Said, World, eventually};
use weir_tests::{Key, Provider, Request, Route};

const KEY: &str = "key-of-the-app-0123456789-0123456789";

fn weir() -> PathBuf {
    binary("weir-cli")
}

/// `weir` in a namespace, as the cluster's admin.
async fn run(team: &Namespace<'_>, arguments: &[&str]) -> Said {
    let here = ["-n", team.name()];
    let arguments = [arguments, &here].concat();
    team.cluster().run(&weir(), &arguments, "").await
}

/// The data of a Secret, in base64 as it is kept.
async fn data(team: &Namespace<'_>, name: &str) -> Value {
    let secret = team.get(&format!("secret/{name}")).await;
    secret.map_or(Value::Null, |secret| secret["data"].clone())
}

fn encoded(value: &str) -> Value {
    let bytes = k8s_openapi::ByteString(value.trim_end().as_bytes().to_vec());
    serde_json::to_value(bytes).unwrap()
}

#[tokio::test]
async fn a_key_is_made_rotated_and_revoked() {
    let cluster = Cluster::shared().await;
    let team = cluster.namespace("keys").await;
    let create = [
        "keys",
        "create",
        "web",
        "--expires-in",
        "90d",
        "-l",
        "team=web",
    ];
    let first = run(&team, &create).await;
    assert!(!first.stderr.contains("weir_"), "{}", first.stderr);
    let first = first.ok();
    assert!(first.starts_with("weir_") && first.lines().count() == 1);
    let secret = team.get("secret/web").await.unwrap();
    assert_eq!(secret["type"], "weir.dev/api-key");
    assert_eq!(
        secret["metadata"]["labels"],
        json!({"team": "web", "weir.dev/api-key": "true"})
    );
    assert_eq!(secret["data"], json!({"key": encoded(&first)}));

    let again = run(&team, &["keys", "create", "web"]).await;
    assert_eq!((again.status, again.stdout.as_str()), (1, ""));
    assert!(
        again.stderr.contains("there is a Secret"),
        "{}",
        again.stderr
    );
    assert_eq!(data(&team, "web").await, json!({"key": encoded(&first)}));

    let second = run(&team, &["keys", "rotate", "web"]).await.ok();
    assert_ne!(first, second);
    let both = json!({"key": encoded(&first), "nextKey": encoded(&second)});
    assert_eq!(data(&team, "web").await, both);
    let third = run(&team, &["keys", "rotate", "web"]).await;
    assert_eq!((third.status, third.stdout.as_str()), (1, ""));
    assert_eq!(data(&team, "web").await, both);

    let listed = run(&team, &["keys", "list"]).await.ok();
    assert!(
        listed.contains("under way") && !listed.contains("weir_"),
        "{listed}"
    );
    let listed = run(&team, &["keys", "list", "-o", "json"]).await.ok();
    assert!(!listed.contains("weir_"), "{listed}");

    let finished = run(&team, &["keys", "rotate", "web", "--finish"]).await;
    assert_eq!(finished.ok(), "");
    assert_eq!(data(&team, "web").await, json!({"key": encoded(&second)}));
    assert_eq!(run(&team, &["keys", "revoke", "web"]).await.ok(), "");
    assert!(team.get("secret/web").await.is_none());
    assert_eq!(run(&team, &["keys", "revoke", "web"]).await.status, 1);
}

#[tokio::test]
async fn what_is_no_key_or_somebody_elses_is_left_alone() {
    let cluster = Cluster::shared().await;
    let team = cluster.namespace("keys").await;
    let plain = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "plain"},
        "stringData": {"key": KEY},
    });
    let owner = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "kept",
        "uid": "00000000-0000-0000-0000-000000000001", "controller": true,
    });
    let kept = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {
            "name": "kept", "labels": {"weir.dev/api-key": "true"}, "ownerReferences": [owner],
        },
        "stringData": {"key": KEY},
    });
    team.apply(&[&plain, &kept]).await;
    for (name, why) in [
        ("plain", "is no API key of Weir"),
        ("kept", "is kept by ExternalSecret kept"),
    ] {
        for command in ["rotate", "revoke"] {
            let said = run(&team, &["keys", command, name]).await;
            assert_eq!(
                (said.status, said.stdout.as_str()),
                (1, ""),
                "{command} {name}"
            );
            assert!(said.stderr.contains(why), "{}", said.stderr);
        }
        assert_eq!(data(&team, name).await, json!({"key": encoded(KEY)}));
    }
    // By its label it is a key; the other one is not.
    let listed = run(&team, &["keys", "list", "-o", "json"]).await.ok();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let names: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["name"])
        .collect();
    assert_eq!(names, ["kept"]);
}

#[tokio::test]
async fn a_cluster_without_the_crds_is_told_from_one_that_is_not_there() {
    let Some(cluster) = Cluster::of_its_own("cli").await else {
        return;
    };
    let said = cluster.run(&weir(), &["status"], "").await;
    assert_eq!((said.status, said.stdout.as_str()), (2, ""));
    assert!(
        said.stderr.contains("Weir's CRDs are not installed there"),
        "{}",
        said.stderr
    );
    cluster.kill_api_server();
    let said = cluster.run(&weir(), &["status"], "").await;
    assert_eq!((said.status, said.stdout.as_str()), (2, ""));
    let reached = format!(
        "the API server at https://{}/ can't be reached",
        cluster.address()
    );
    assert!(said.stderr.contains(&reached), "{}", said.stderr);
}

#[tokio::test]
async fn a_team_sees_its_resources_and_is_told_what_it_may_not_see() {
    let cluster = Cluster::shared().await;
    let team = cluster.namespace("status").await;
    team.service_account("dev").await;
    let reads = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "dev"},
        "rules": [{
            "apiGroups": ["weir.dev"], "resources": ["aiproviders", "airoutes"], "verbs": ["list"],
        }],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "dev"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "dev"},
        "subjects": [{"kind": "ServiceAccount", "name": "dev", "namespace": team.name()}],
    });
    team.apply(&[&reads, &binding, &Provider::mock("mock", json!({}))])
        .await;
    let token = team
        .token("dev", &weir_tests::cluster::Token::default())
        .await;
    let kubeconfig = cluster.kubeconfig().with_file_name("dev");
    let admin = std::fs::read_to_string(cluster.kubeconfig()).unwrap();
    let mut config: Value = serde_yaml::from_str(&admin).unwrap();
    config["users"][0]["user"] = json!({"token": token});
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let as_dev = ["--kubeconfig", kubeconfig.to_str().unwrap()];
    let said = run(&team, &[&["status"], &as_dev[..]].concat()).await;
    // Nobody has looked at it: no operator runs here.
    assert_eq!(said.status, 1, "{}", said.stderr);
    assert!(
        said.stdout.contains("mock") && said.stdout.contains("Pending"),
        "{}",
        said.stdout
    );
    assert!(
        said.stderr
            .contains("your account may not list Leases in weir-config")
    );
    assert!(
        said.stderr
            .contains("your account may not list Secrets in weir-config")
    );

    let all = cluster
        .run(&weir(), &[&["status", "-A"], &as_dev[..]].concat(), "")
        .await;
    assert_eq!((all.status, all.stdout.as_str()), (2, ""));
    assert!(
        all.stderr.contains("name a namespace of yours with -n"),
        "{}",
        all.stderr
    );
    let keys = run(&team, &[&["keys", "list"], &as_dev[..]].concat()).await;
    assert_eq!((keys.status, keys.stdout.as_str()), (1, ""));
    let key = Key::named("app", KEY);
    team.apply(&[&key]).await;
    let revoke = run(&team, &[&["keys", "revoke", "app"], &as_dev[..]].concat()).await;
    assert_eq!((revoke.status, revoke.stdout.as_str()), (1, ""));
    assert_eq!(data(&team, "app").await, json!({"key": encoded(KEY)}));
}

/// What `weir status -o json` says, and its exit code.
async fn status(team: &Namespace<'_>) -> (i32, Value) {
    let said = run(team, &["status", "-o", "json"]).await;
    let document = serde_json::from_str(&said.stdout);
    (
        said.status,
        document.unwrap_or_else(|_| panic!("{}", said.stderr)),
    )
}

#[tokio::test]
async fn what_runs_where_is_told_and_what_is_behind() {
    let world = World::new().operators(1).gateways(2);
    let Some(mut world) = world.of_its_own("cli_status").await else {
        return;
    };
    let (cluster, _, gateways) = world.parts();
    let team = cluster.namespace("status").await;
    let chat = Route::named("chat").models(&["fast"]).to("mock");
    team.apply(&[&Provider::mock("mock", json!({})), &chat])
        .await;
    for object in ["aiprovider/mock", "airoute/chat"] {
        team.wait_ready(object).await;
    }
    eventually("all is well", async || {
        let (code, document) = status(&team).await;
        (code == 0 && document["ready"] == true).then_some(())
    })
    .await;
    let (_, document) = status(&team).await;
    let pods: Vec<_> = gateways.iter().map(|one| &one.pod().name).collect();
    let told = document["gateways"].as_array().unwrap();
    let states: Vec<_> = told
        .iter()
        .map(|one| (&one["pod"], &one["state"]))
        .collect();
    assert_eq!(
        json!(states),
        json!([[pods[0], "Current"], [pods[1], "Current"]])
    );
    assert_eq!(document["resources"][1]["servingGeneration"], 1);
    let shards = document["published"]["shards"].as_array().unwrap();
    let shard = shards
        .iter()
        .find(|shard| shard["namespace"] == team.name());
    assert!(shard.is_some(), "{document}");
    // Nothing of what is published is in it.
    let text = run(&team, &["status"]).await.ok();
    assert!(text.contains("Published of status-0: revision"), "{text}");

    // One that stands still is behind once something changes, and stale when its lease is over.
    gateways[0].pause();
    team.apply(&[&chat.clone().models(&["fast", "slow"])]).await;
    team.wait_reason("airoute/chat", "Programmed", "False", "GatewaysBehind")
        .await;
    let said = run(&team, &["status"]).await;
    assert_eq!(said.status, 1);
    let behind = format!("{} is behind", pods[0]);
    let stale = format!("{} is stale", pods[0]);
    assert!(
        said.stderr.contains(&behind) || said.stderr.contains(&stale),
        "{}",
        said.stderr
    );
    assert!(said.stdout.contains("GatewaysBehind"), "{}", said.stdout);
    eventually("it is stale", async || {
        let said = run(&team, &["status"]).await;
        said.stderr.contains(&stale).then_some(())
    })
    .await;
    gateways[0].resume();
    team.wait_ready("airoute/chat").await;
    eventually("all is well again", async || {
        (status(&team).await.0 == 0).then_some(())
    })
    .await;

    // What is refused says why, and what serves in its stead.
    team.apply(&[&chat.with("/spec/rules/0/when", "request.strem".into())])
        .await;
    team.wait_condition("airoute/chat", "Stalled", "True").await;
    let (code, document) = status(&team).await;
    let route = &document["resources"][1];
    assert_eq!(
        (
            code,
            &route["ready"],
            &route["reason"],
            &route["servingGeneration"]
        ),
        (1, &json!("False"), &json!("InvalidExpression"), &json!(2)),
        "{document}"
    );
    assert!(
        route["message"]
            .as_str()
            .unwrap()
            .contains("spec.rules[0].when")
    );
}

#[tokio::test]
async fn keys_that_weir_made_are_good_for_calls() {
    let world = World::shared().await;
    let team = world.cluster().namespace("keys").await;
    let chat = Route::named("chat").models(&["fast"]).to("mock");
    team.apply(&[&Provider::mock("mock", json!({})), &chat])
        .await;
    team.wait_ready("airoute/chat").await;
    let answers = async |key: &str, expected: u16| {
        for gateway in world.gateways() {
            let request = Request::chat(key.trim_end(), "fast");
            let what = format!("a key is answered {expected}");
            eventually(&what, async || {
                (gateway.ask(&request).await.status == expected).then_some(())
            })
            .await;
        }
    };
    let first = run(&team, &["keys", "create", "web"]).await.ok();
    answers(&first, 200).await;
    let second = run(&team, &["keys", "rotate", "web"]).await.ok();
    answers(&second, 200).await;
    answers(&first, 200).await;
    run(&team, &["keys", "rotate", "web", "--finish"])
        .await
        .ok();
    answers(&first, 401).await;
    answers(&second, 200).await;
    run(&team, &["keys", "revoke", "web"]).await.ok();
    answers(&second, 401).await;
}
