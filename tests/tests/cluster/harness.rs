//! The harness does what it says: else no other test here proves anything.

use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use weir_tests::cluster::{
    Account, Cluster, Cutter, ISSUER, Pod, RELEASE_NAMESPACE, Token, World, eventually,
};
use weir_tests::{Key, Provider, Route};

#[tokio::test]
async fn the_chart_is_on_it_and_resources_are_taken() {
    let cluster = Cluster::shared().await;
    let team = cluster.namespace("team").await;
    team.apply(&[
        &Provider::mock("mock", json!({"text": "Hello"})),
        &Route::named("chat").models(&["fast"]).to("mock"),
        &Key::named("app", "key-of-the-app-0123456789-0123456789"),
    ])
    .await;
    let seen = team.kubectl(&["get", "ai", "-o", "name"]).await.ok();
    assert_eq!(seen, "aiprovider.weir.dev/mock\nairoute.weir.dev/chat\n");
    let account = cluster.get(RELEASE_NAMESPACE, "serviceaccount/weir-gateway");
    assert!(account.await.is_some());
}

/// The claims of a token, unchecked.
fn claims(token: &str) -> Value {
    let mut parts = token.split('.').map(str::to_owned);
    let payload = parts.nth(1).unwrap().replace('-', "+").replace('_', "/");
    let padded = format!("{payload}{}", "=".repeat((4 - payload.len() % 4) % 4));
    let bytes: k8s_openapi::ByteString = serde_json::from_value(padded.into()).unwrap();
    serde_json::from_slice(&bytes.0).unwrap()
}

#[tokio::test]
async fn a_token_is_bound_to_its_pod_and_dies_with_it() {
    let cluster = Cluster::shared().await;
    let pod = Pod::of_chart(cluster, Account::Gateway, "gateway-of-a-token").await;
    let ask = Token {
        pod: Some(&pod),
        ..Token::default()
    };
    let token = cluster.token(RELEASE_NAMESPACE, "weir-gateway", &ask).await;
    let claims = claims(&token);
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["kubernetes.io"]["pod"]["uid"], pod.uid.as_str());

    let client = cluster.client_for(&token).await;
    let whoami = || http::Request::get("/openid/v1/jwks").body(Vec::new());
    client.request_text(whoami().unwrap()).await.unwrap();
    pod.delete(cluster).await;
    eventually("the token is refused", async || {
        client.request_text(whoami().unwrap()).await.err()
    })
    .await;
}

#[tokio::test]
async fn an_api_server_is_killed_restored_and_signs_with_another_key() {
    let Some(cluster) = Cluster::of_its_own("harness").await else {
        return;
    };
    let maps = async |name: &str| cluster.get("default", &format!("configmap/{name}")).await;
    let create = async |name: &str| {
        cluster.kubectl(&["create", "configmap", name]).await.ok();
    };
    create("first").await;
    let backup = cluster.back_up().await;
    create("second").await;

    cluster.kill_api_server();
    let down = cluster.kubectl(&["get", "namespaces"]).await.refused();
    assert!(down.contains("refused"), "{down}");
    cluster.restart_api_server().await;
    assert!(maps("second").await.is_some());

    let old = cluster.get("default", "configmap/first").await.unwrap();
    let old = old["metadata"]["resourceVersion"].as_str().unwrap();
    cluster.compact().await;
    cluster.restart_api_server().await;
    let watch = format!("/api/v1/configmaps?watch=true&resourceVersion={old}&timeoutSeconds=1");
    let gone = cluster.kubectl(&["get", "--raw", &watch]).await.ok();
    let gone: Value = serde_json::from_str(&gone).unwrap();
    assert_eq!(gone["object"]["code"], 410, "{gone}");

    cluster.restore(&backup).await;
    assert!(maps("second").await.is_none());
    assert!(maps("first").await.is_some());

    let team = cluster.namespace("team").await;
    let before = team.token("default", &Token::default()).await;
    cluster.sign_with_new_key().await;
    let after = team.token("default", &Token::default()).await;
    for token in [&before, &after] {
        let keys = "/openid/v1/jwks";
        let request = http::Request::get(keys).body(Vec::new()).unwrap();
        let client = cluster.client_for(token).await;
        let keys: Value = client.request(request).await.unwrap();
        assert_eq!(keys["keys"].as_array().unwrap().len(), 2, "{keys}");
    }
    cluster.forget_old_keys().await;
    let client = cluster.client_for(&before).await;
    let request = http::Request::get("/version").body(Vec::new()).unwrap();
    let refused = client.request_text(request).await.unwrap_err();
    assert!(refused.to_string().contains("Unauthorized"), "{refused}");
}

#[tokio::test]
async fn a_cutter_passes_cuts_freezes_and_refuses() {
    let cluster = Cluster::shared().await;
    let team = cluster.namespace("cutter").await;
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "large", "namespace": team.name()},
        "data": {"filler": "x".repeat(500_000)},
    });
    let create = ["create", "-f", "-"];
    let made = cluster.kubectl_with(&create, &object.to_string()).await;
    made.ok();

    let cutter = Cutter::before(cluster.address());
    let list = async || {
        let through = format!("--server=https://{}", cutter.address());
        let plain = "--disable-compression";
        let get = [plain, &through, "get", "configmap", "large", "-o", "name"];
        team.kubectl(&get).await
    };
    assert_eq!(list().await.ok(), "configmap/large\n");
    assert!(cutter.received() > 500_000);

    cutter.cut_after(300_000);
    list().await.refused();
    assert_eq!(cutter.cuts(), 1);
    assert_eq!(list().await.ok(), "configmap/large\n");

    cutter.refuse();
    list().await.refused();
    cutter.freeze();
    let (frozen, ()) = tokio::join!(list(), async {
        eventually("a connection stands", async || {
            (cutter.connections() > 0).then_some(())
        })
        .await;
        cutter.pass();
    });
    assert_eq!(frozen.ok(), "configmap/large\n");
}

#[tokio::test]
async fn requests_of_accounts_are_recorded() {
    let cluster = Cluster::shared().await;
    if !cluster.is_own() {
        return;
    }
    let team = cluster.namespace("recorded").await;
    let token = team.token("default", &Token::default()).await;
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client_for(&token).await, team.name());
    maps.list(&ListParams::default()).await.unwrap_err();
    let (event, _) = eventually("it is recorded", async || {
        let mut events = cluster.requests().into_iter();
        events.find(|event| event["objectRef"]["namespace"] == team.name())
    })
    .await;
    let user = format!("system:serviceaccount:{}:default", team.name());
    assert_eq!(event["user"]["username"], user);
    assert_eq!(event["verb"], "list");
    assert_eq!(event["responseStatus"]["code"], 403);
}

/// Run by the next test, which kills it.
#[tokio::test]
#[ignore = "it waits to be killed"]
async fn stands_until_killed() {
    let cluster = Cluster::of_its_own("harness").await.unwrap();
    let (pids, folders) = cluster.traces();
    println!("{}", json!({"pids": pids, "folders": folders}));
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn nothing_is_left_behind_by_a_test_that_is_killed() {
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "harness::stands_until_killed"])
        .args(["--nocapture", "--test-threads=1"])
        .env_remove("WEIR_TEST_KUBECONFIG")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let traces: Value = loop {
        let line = lines.next_line().await.unwrap();
        let line = line.expect("it stands");
        // libtest begins the line with the name of the test.
        if let Some(start) = line.find('{') {
            break serde_json::from_str(&line[start..]).unwrap();
        }
    };
    let mut left: Vec<String> = traces["folders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|folder| folder.as_str().unwrap().to_owned())
        .collect();
    for pid in traces["pids"].as_array().unwrap() {
        // Of one that is dead and not yet reaped there is a folder still, but no binary.
        left.push(format!("/proc/{pid}/exe"));
    }
    let there = |path: &String| std::fs::metadata(path).is_ok();
    assert_eq!(left.len(), 4);
    assert!(left.iter().all(there), "{left:?}");
    child.kill().await.unwrap();
    eventually("processes and folders are gone", async || {
        (!left.iter().any(there)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_clock_can_be_skewed() {
    let Some(mut world) = World::new().of_its_own("a_clock_can_be_skewed").await else {
        return;
    };
    world.add_gateway().await;
    let gateway = world.gateway_mut(0);
    if !gateway.skew_clock("+86400s") {
        eprintln!("not run, since faketime is not installed: a_clock_can_be_skewed");
        return;
    }
    gateway.start().await;
    let serving = gateway.log.with("message", "serving").await;
    let told: jiff::Timestamp = serving["timestamp"].as_str().unwrap().parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ahead = told.as_second() - now.as_secs().cast_signed();
    assert!((86_000..86_500).contains(&ahead), "{ahead}");
}
