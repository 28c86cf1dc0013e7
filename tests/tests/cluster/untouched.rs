//! One resource is broken, mended and deleted, the operator starts anew, gateways come and go: what is
//! not concerned is not touched, neither a status nor what is published, and the metrics say what is so.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use weir_tests::cluster::{CONFIG_NAMESPACE, Cluster, World, eventually_else};
use weir_tests::folder::documents_of;
use weir_tests::{Key, Provider, Request, Route};

use crate::told::{READY, changed, message, refused_spec, summary, versions};

const KEY: &str = "key-of-the-app-0123456789-0123456789";
const KINDS: &str = "airoutes,aiproviders";
const TEAMS: usize = 4;

/// Routes in all; `WEIR_TEST_ROUTES` names another number, such as 1000.
fn count() -> usize {
    let given = std::env::var("WEIR_TEST_ROUTES");
    given.map_or(40, |given| given.parse().unwrap())
}

fn route(team: usize, number: usize) -> Route {
    Route::named(&format!("route-{number}"))
        .models(&[&format!("model-{number}")])
        .to("mock")
        .in_namespace(&format!("team-{team}"))
}

fn broken(team: usize, number: usize) -> Route {
    route(team, number).with("/spec/rules/0/when", json!("request.nonsense"))
}

async fn fill(cluster: &Cluster) {
    for team in 0..TEAMS {
        let namespace = cluster.namespace("team").await;
        assert_eq!(namespace.name(), format!("team-{team}"));
        let mock = Provider::mock("mock", json!({"text": "Hello"}));
        let key = Key::named("app", &format!("{KEY}-{team}"));
        namespace.apply(&[&mock, &key]).await;
        let routes = (0..count() / TEAMS).map(|number| route(team, number).to_string());
        let routes: Vec<String> = routes.collect();
        let routes: Vec<&dyn std::fmt::Display> = routes.iter().map(|one| one as _).collect();
        let create = ["create", "-f", "-"];
        let text = documents_of(&routes);
        cluster.kubectl_with(&create, &text).await.ok();
    }
    for kind in ["airoutes", "aiproviders"] {
        let wait = [
            "wait",
            kind,
            "--all",
            "-A",
            "--for=condition=Ready",
            "--timeout=90s",
        ];
        cluster.kubectl(&wait).await.ok();
    }
}

async fn get(cluster: &Cluster, object: &str) -> Option<Value> {
    cluster.get("team-1", object).await
}

/// Waits until an object of `team-1` is judged so in this generation.
async fn until<S: AsRef<str>>(cluster: &Cluster, object: &str, says: &[S]) -> Value {
    let says: Vec<&str> = says.iter().map(AsRef::as_ref).collect();
    let (found, _) = eventually_else(&format!("{object} is {says:?}"), async || {
        let seen = get(cluster, object).await.ok_or("it is not there")?;
        let observed = &seen["status"]["observedGeneration"];
        let fits = *observed == seen["metadata"]["generation"] && summary(&seen) == says;
        fits.then(|| seen.clone()).ok_or(seen.to_string())
    })
    .await;
    found
}

async fn until_metric(world: &World, series: &str, value: f64) {
    eventually_else(&format!("{series} is {value}"), async || {
        let seen = world.operator(0).metric(series).await.unwrap_or(0.0);
        (seen == value).then_some(()).ok_or(seen.to_string())
    })
    .await;
}

fn resources(kind: &str, verdict: &str) -> String {
    format!("weir_operator_resources{{kind=\"{kind}\",verdict=\"{verdict}\"}}")
}

#[tokio::test]
async fn nothing_is_touched_that_is_not_concerned() {
    let world = World::new().operators(1).gateways(2);
    let Some(mut world) = world.of_its_own("untouched").await else {
        return;
    };
    fill(world.cluster()).await;
    what_is_counted_is_so(&world).await;
    one_is_broken_mended_and_deleted(&world).await;
    the_operator_starts_anew(&mut world).await;
    gateways_come_and_go(&mut world).await;
}

async fn what_is_counted_is_so(world: &World) {
    let routes = count() as f64;
    until_metric(world, &resources("AIRoute", "accepted"), routes).await;
    until_metric(world, &resources("AIProvider", "accepted"), TEAMS as f64).await;
    until_metric(world, &resources("Secret", "accepted"), TEAMS as f64).await;
    until_metric(world, &resources("AIRoute", "refused"), 0.0).await;
    until_metric(world, "weir_operator_leader", 1.0).await;
    until_metric(world, "weir_operator_schema_ok", 1.0).await;
    until_metric(world, "weir_operator_pods", 2.0).await;
    until_metric(world, "weir_operator_pods_behind", 0.0).await;
    until_metric(world, "weir_operator_status_queue", 0.0).await;
    // No status was written twice but for those that waited for the gateways longer than usual.
    let writes = world
        .operator(0)
        .metric("weir_operator_status_writes_total")
        .await;
    assert!(writes >= Some(routes + TEAMS as f64), "{writes:?}");
    let published = published(world.cluster()).await;
    let newest = published
        .values()
        .map(|version| version.parse::<u64>().unwrap())
        .max();
    until_metric(
        world,
        "weir_operator_published_revision",
        newest.unwrap() as f64,
    )
    .await;
}

async fn published(cluster: &Cluster) -> BTreeMap<String, String> {
    let all = versions(cluster, "secrets").await;
    let begin = format!("Secret {CONFIG_NAMESPACE}/");
    all.into_iter()
        .filter(|(name, _)| name.starts_with(&begin))
        .collect()
}

async fn events_of(cluster: &Cluster) -> Vec<Value> {
    let get = ["get", "events.events.k8s.io", "-A", "-o", "json"];
    let list: Value = serde_json::from_str(&cluster.kubectl(&get).await.ok()).unwrap();
    list["items"].as_array().unwrap().clone()
}

async fn one_is_broken_mended_and_deleted(world: &World) {
    let cluster = world.cluster();
    let objects = versions(cluster, KINDS).await;
    let secrets = published(cluster).await;
    assert!(events_of(cluster).await.is_empty());
    let broken = broken(1, 7).to_string();

    cluster.apply(&broken).await;
    let refused = until(
        cluster,
        "airoute/route-7",
        &refused_spec("InvalidExpression"),
    )
    .await;
    let why = message(&refused, "Ready");
    assert!(why.starts_with("spec.rules[0].when: "), "{why}");
    until_metric(world, &resources("AIRoute", "refused"), 1.0).await;
    until_metric(
        world,
        &resources("AIRoute", "accepted"),
        count() as f64 - 1.0,
    )
    .await;
    let (events, _) = eventually_else("there is an Event", async || {
        let events = events_of(cluster).await;
        (!events.is_empty())
            .then(|| events.clone())
            .ok_or(String::new())
    })
    .await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["regarding"]["name"], "route-7");
    assert_eq!(events[0]["note"], why);
    let only = ["AIRoute team-1/route-7".to_owned()];
    assert_eq!(changed(&objects, &versions(cluster, KINDS).await), only);
    // What serves is as before.
    assert_eq!(published(cluster).await, secrets);

    cluster.apply(&route(1, 7).to_string()).await;
    until(cluster, "airoute/route-7", &READY).await;
    until_metric(world, &resources("AIRoute", "refused"), 0.0).await;

    // A change that does change something: the Secret of its namespace, and no other.
    let more = route(1, 7).models(&["model-7", "another"]).to_string();
    cluster.apply(&more).await;
    until(cluster, "airoute/route-7", &READY).await;
    let shard = [format!("Secret {CONFIG_NAMESPACE}/ns.team-1")];
    assert_eq!(changed(&secrets, &published(cluster).await), shard);

    cluster.apply(&broken).await;
    until(
        cluster,
        "airoute/route-7",
        &refused_spec("InvalidExpression"),
    )
    .await;
    until_metric(world, &resources("AIRoute", "refused"), 1.0).await;
    cluster
        .kubectl(&["delete", "airoute/route-7", "-n", "team-1"])
        .await
        .ok();
    until_metric(world, &resources("AIRoute", "refused"), 0.0).await;
    until_metric(
        world,
        &resources("AIRoute", "accepted"),
        count() as f64 - 1.0,
    )
    .await;
    for gateway in world.gateways() {
        eventually_else("it serves no longer", async || {
            let request = Request::chat(&format!("{KEY}-1"), "model-7");
            let answer = gateway.ask(&request).await;
            (answer.status == 404).then_some(()).ok_or(answer.text())
        })
        .await;
    }
    assert_eq!(changed(&objects, &versions(cluster, KINDS).await), only);
    assert_eq!(changed(&secrets, &published(cluster).await), shard);
}

/// A change that is reported: by then whatever was to be written before it is written.
async fn something_happens(cluster: &Cluster, number: usize) -> String {
    let model = format!("something-{number}");
    cluster
        .apply(&route(1, 8).models(&[&model]).to_string())
        .await;
    until(cluster, "airoute/route-8", &READY).await;
    "AIRoute team-1/route-8".to_owned()
}

async fn the_operator_starts_anew(world: &mut World) {
    let objects = versions(world.cluster(), KINDS).await;
    let secrets = published(world.cluster()).await;
    let events = events_of(world.cluster()).await.len();
    assert_eq!(world.operator_mut(0).stop().await, Some(0));
    world.operator_mut(0).start().await;
    world.wait_ready().await;
    let something = something_happens(world.cluster(), 1).await;
    until_metric(world, "weir_operator_status_queue", 0.0).await;
    let cluster = world.cluster();
    assert_eq!(
        changed(&objects, &versions(cluster, KINDS).await),
        [something]
    );
    let expected = ["0-root", "ns.team-1"].map(|name| format!("Secret {CONFIG_NAMESPACE}/{name}"));
    assert_eq!(changed(&secrets, &published(cluster).await), expected);
    assert_eq!(events_of(cluster).await.len(), events);
    // It may write one on the way, for gateways that are not done within its patience.
    let writes = world
        .operator(0)
        .metric("weir_operator_status_writes_total")
        .await;
    assert!(writes <= Some(2.0), "{writes:?}");
}

async fn gateways_come_and_go(world: &mut World) {
    let objects = versions(world.cluster(), KINDS).await;
    while world.gateways().len() < 10 {
        world.add_gateway().await;
    }
    world.wait_ready().await;
    until_metric(world, "weir_operator_pods", 10.0).await;
    assert!(changed(&objects, &versions(world.cluster(), KINDS).await).is_empty());
    let something = something_happens(world.cluster(), 2).await;
    while world.gateways().len() > 2 {
        world.remove_gateway(0).await;
    }
    until_metric(world, "weir_operator_pods", 2.0).await;
    let after = versions(world.cluster(), KINDS).await;
    assert_eq!(changed(&objects, &after), [something]);
    for gateway in world.gateways() {
        gateway
            .assert_serves(&format!("{KEY}-1"), "something-2")
            .await;
    }
}
