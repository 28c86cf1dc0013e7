//! `Programmed` says where something runs, and never more than is so: gateways that hang, end, come
//! and go.

use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::cluster::{CONFIG_NAMESPACE, Namespace, World, eventually_else, throughout};
use weir_tests::{Key, Provider, Route};

use crate::told::{Kstatus, READY, changed, kstatus, message, summary, until, versions};

const KEY: &str = "key-of-the-app-0123456789-0123456789";

fn mock(text: &str) -> Provider {
    Provider::mock("mock", json!({"text": text}))
}

fn route(models: &[&str]) -> Route {
    Route::named("chat").models(models).to("mock")
}

fn pending(reason: &str) -> Vec<String> {
    vec![
        "Accepted=True Accepted".to_owned(),
        "ResolvedRefs=True ResolvedRefs".to_owned(),
        format!("Programmed=False {reason}"),
        format!("Ready=False {reason}"),
    ]
}

/// Waits until a route is not run by these pods, and by these alone; gives it.
async fn until_behind(team: &Namespace<'_>, pods: &[&str]) -> Value {
    let behind = until(team, "airoute/chat", &pending("GatewaysBehind")).await;
    let said = format!("Not run so far by gateway pods {}", pods.join(", "));
    assert_eq!(message(&behind, "Programmed"), said);
    assert_eq!(message(&behind, "Ready"), said);
    assert_eq!(kstatus(&behind), Kstatus::InProgress);
    behind
}

#[tokio::test]
async fn a_pod_that_does_not_follow_is_named_until_it_does_or_is_gone() {
    let world = World::new().operators(1).gateways(3);
    let Some(mut world) = world.of_its_own("status_gateways").await else {
        return;
    };
    let (cluster, _, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    team.apply(&[&mock("Hello"), &route(&["first"]), &Key::named("app", KEY)])
        .await;
    until(&team, "airoute/chat", &READY).await;
    let names: Vec<String> = gateways.iter().map(|one| one.pod().name.clone()).collect();

    // Wedged: named, for as long as its pod is there, longer than its Lease is good.
    gateways[0].pause();
    team.apply(&[&route(&["first", "second"])]).await;
    let behind = until_behind(&team, &[&names[0]]).await;
    assert_eq!(behind["status"]["servingGeneration"], 1);
    let ready = [
        "wait",
        "airoute/chat",
        "--for=condition=Ready",
        "--timeout=1s",
    ];
    team.kubectl(&ready).await.refused();
    gateways[1].assert_serves(KEY, "second").await;
    throughout(Duration::from_secs(18), "it stays behind", async || {
        let now = team.get("airoute/chat").await.unwrap();
        let same = now["metadata"]["resourceVersion"] == behind["metadata"]["resourceVersion"];
        same.then_some(()).ok_or(now.to_string())
    })
    .await;
    gateways[0].resume();
    let ready = until(&team, "airoute/chat", &READY).await;
    assert_eq!(ready["status"]["servingGeneration"], 2);
    gateways[0].assert_serves(KEY, "second").await;

    // Two of them, and one is deleted while it hangs: it counts no longer, nor is its Lease left.
    gateways[0].pause();
    gateways[1].pause();
    team.apply(&[&route(&["third"])]).await;
    until_behind(&team, &[&names[0], &names[1]]).await;
    gateways[0].pod().delete(cluster).await;
    until_behind(&team, &[&names[1]]).await;
    gateways[1].resume();
    until(&team, "airoute/chat", &READY).await;
    for gateway in &gateways[1..] {
        gateway.assert_serves(KEY, "third").await;
    }
    eventually_else("its Lease is gone", async || {
        let lease = format!("lease/{}", names[0]);
        let left = cluster.get(CONFIG_NAMESPACE, &lease).await;
        left.map_or(Ok(()), |lease| Err(lease.to_string()))
    })
    .await;

    // Ended in the middle, its pod still there: what it ran last is what it is taken to run.
    gateways[1].kill();
    team.apply(&[&route(&["fourth"])]).await;
    until_behind(&team, &[&names[1]]).await;
    gateways[1].start().await;
    until(&team, "airoute/chat", &READY).await;
    gateways[1].assert_serves(KEY, "fourth").await;

    // None at all. They are told to stop, and give up their Leases.
    gateways[1].stop().await;
    gateways[2].stop().await;
    let alone = until(&team, "airoute/chat", &pending("NoGateways")).await;
    assert_eq!(kstatus(&alone), Kstatus::InProgress);
    until(&team, "aiprovider/mock", &pending("NoGateways")).await;
    gateways[2].start().await;
    gateways[2].wait_ready().await;
    until(&team, "airoute/chat", &READY).await;
    until(&team, "aiprovider/mock", &READY).await;
    gateways[2].assert_serves(KEY, "fourth").await;
}

#[tokio::test]
async fn a_status_claims_nothing_while_no_operator_runs() {
    let world = World::new().operators(2).gateways(2);
    let Some(mut world) = world.of_its_own("status_operator_away").await else {
        return;
    };
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    let quiet = cluster.namespace("quiet").await;
    quiet.apply(&[&mock("Hello"), &route(&["quiet"])]).await;
    team.apply(&[&mock("Hello"), &route(&["first"]), &Key::named("app", KEY)])
        .await;
    until(&team, "airoute/chat", &READY).await;
    until(&team, "aiprovider/mock", &READY).await;
    until(&quiet, "airoute/chat", &READY).await;
    until(&quiet, "aiprovider/mock", &READY).await;

    for operator in operators.iter_mut() {
        operator.kill();
    }
    let before = versions(cluster, "airoutes,aiproviders").await;
    team.apply(&[&route(&["second"])]).await;
    let new = Route::named("new").models(&["new"]).to("mock");
    team.apply(&[&new]).await;
    let waited = [
        "wait",
        "airoute/chat",
        "--for=condition=Ready",
        "--timeout=2s",
    ];
    team.kubectl(&waited).await.refused();
    let stale = team.get("airoute/chat").await.unwrap();
    assert_eq!(stale["status"]["observedGeneration"], 1);
    assert_eq!(stale["metadata"]["generation"], 2);
    assert_eq!(summary(&stale), READY);
    assert_eq!(kstatus(&stale), Kstatus::InProgress);
    let unseen = team.get("airoute/new").await.unwrap();
    assert_eq!(kstatus(&unseen), Kstatus::InProgress);
    let ready = &unseen["status"]["conditions"][0];
    assert_eq!(
        [&ready["type"], &ready["status"], &ready["reason"]],
        ["Ready", "Unknown", "Pending"]
    );
    for gateway in gateways.iter() {
        gateway.assert_serves(KEY, "first").await;
    }

    // A gateway hangs meanwhile: of what it runs, nothing is claimed when the operator is back.
    gateways[0].pause();
    let name = gateways[0].pod().name.clone();
    operators[0].start().await;
    until_behind(&team, &[&name]).await;
    gateways[0].resume();
    until(&team, "airoute/chat", &READY).await;
    until(&team, "airoute/new", &READY).await;
    for gateway in gateways.iter() {
        gateway.assert_serves(KEY, "second").await;
    }
    let after = versions(cluster, "airoutes,aiproviders").await;
    let here = team.name();
    let expected = [
        format!("AIRoute {here}/chat"),
        format!("AIRoute {here}/new"),
    ];
    assert_eq!(changed(&before, &after), expected);
}
