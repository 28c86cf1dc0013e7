//! What `kubectl get ai` says is so: of resources that are refused, and of gateways that are not there yet.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::cluster::{Cluster, Namespace, World, eventually, eventually_else, throughout};
use weir_tests::{Provider, Request, Route};

use crate::common::{app, said};

/// The resource versions of all of our objects: what writes anything on one changes its own.
async fn versions(cluster: &Cluster) -> BTreeMap<String, String> {
    let columns = "-o=custom-columns=K:.kind,NS:.metadata.namespace,N:.metadata.name,V:.metadata.resourceVersion";
    let get = ["get", "ai", "-A", columns, "--no-headers"];
    let text = cluster.kubectl(&get).await.ok();
    text.lines()
        .map(|line| {
            let (name, version) = line.rsplit_once(' ').unwrap();
            (name.trim().to_owned(), version.to_owned())
        })
        .collect()
}

/// How many objects are Ready in their newest generation.
async fn ready(cluster: &Cluster) -> usize {
    let list = cluster
        .kubectl(&["get", "ai", "-A", "-o", "json"])
        .await
        .ok();
    let list: Value = serde_json::from_str(&list).unwrap();
    let is_ready = |object: &&Value| {
        let conditions = object["status"]["conditions"].as_array();
        conditions.is_some_and(|all| {
            all.iter().any(|one| {
                one["type"] == "Ready"
                    && one["status"] == "True"
                    && one["observedGeneration"] == object["metadata"]["generation"]
            })
        })
    };
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(is_ready)
        .count()
}

/// How many status writes the API server has taken from the operator.
fn status_writes(cluster: &Cluster) -> usize {
    let requests = cluster.requests();
    let writes = requests.iter().filter(|event| {
        event["objectRef"]["subresource"] == "status"
            && event["user"]["username"]
                .as_str()
                .is_some_and(|user| user.ends_with(":weir-operator"))
    });
    writes.count()
}

/// The Events about an object, as `TYPE REASON: NOTE`.
async fn events(namespace: &Namespace<'_>, name: &str) -> Vec<String> {
    let get = ["get", "events.events.k8s.io", "-o", "json"];
    let list: Value = serde_json::from_str(&namespace.kubectl(&get).await.ok()).unwrap();
    let about = |event: &&Value| event["regarding"]["name"] == name;
    let events = list["items"].as_array().unwrap().iter().filter(about);
    let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
    events
        .map(|event| {
            let kind = text(event, "type");
            format!("{kind} {}: {}", text(event, "reason"), text(event, "note"))
        })
        .collect()
}

/// The conditions as `TYPE=STATUS REASON`, in their order.
fn conditions(object: &Value) -> Vec<String> {
    let conditions = object["status"]["conditions"].as_array().unwrap();
    let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
    conditions
        .iter()
        .map(|one| {
            format!(
                "{}={} {}",
                text(one, "type"),
                text(one, "status"),
                text(one, "reason")
            )
        })
        .collect()
}

const ACCEPTED: [&str; 4] = [
    "Accepted=True Accepted",
    "ResolvedRefs=True ResolvedRefs",
    "Programmed=True Programmed",
    "Ready=True Ready",
];

fn broken(namespace: &str, name: &str) -> Route {
    Route::named(name)
        .in_namespace(namespace)
        .models(&[name])
        .to("mock")
        .with("/spec/rules/0/when", "request.modle == \"x\"".into())
}

#[tokio::test]
async fn one_broken_among_a_thousand_is_told_and_nothing_else_is_touched() {
    let world = World::new().operators(2).gateways(2);
    let Some(mut world) = world.of_its_own("one_broken_among_a_thousand").await else {
        return;
    };
    thousand(world.cluster()).await;
    let cluster = world.cluster();
    eventually_else("all of it is ready", async || match ready(cluster).await {
        1000 => Ok(()),
        count => Err(format!("{count} are")),
    })
    .await;
    let team = Namespace::existing(cluster, "team-7");
    let before = versions(cluster).await;
    let writes = status_writes(cluster);

    team.apply(&[&broken("team-7", "route-3")]).await;
    let message = "spec.rules[0].when: ";
    let accepted = team.wait_reason("airoute/route-3", "Accepted", "False", "InvalidExpression");
    let accepted = accepted.await;
    assert!(
        accepted["message"].as_str().unwrap().starts_with(message),
        "{accepted}"
    );
    let object = team.get("airoute/route-3").await.unwrap();
    assert_eq!(
        conditions(&object),
        [
            "Accepted=False InvalidExpression",
            "ResolvedRefs=Unknown Refused",
            "Programmed=False Refused",
            "Ready=False InvalidExpression",
            // What kstatus reads as Failed.
            "Stalled=True InvalidExpression",
        ]
    );
    assert_eq!(object["status"]["observedGeneration"], 2);
    assert_eq!(object["status"]["servingGeneration"], 1);
    eventually_else("an Event says so", async || {
        let events = events(&team, "route-3").await;
        let start = format!("Warning InvalidExpression: {message}");
        match &events[..] {
            [one] if one.starts_with(&start) => Ok(()),
            _ => Err(format!("{events:?}")),
        }
    })
    .await;
    // Last good serves, and nothing else was written: the broken one alone differs.
    let changed = changed(&before, &versions(cluster).await);
    assert_eq!(changed, ["AIRoute team-7 route-3"]);
    assert_eq!(status_writes(cluster), writes + 1);

    // Mended.
    let mended = route("team-7", 3).with("/spec/rules/0/when", "request.stream".into());
    team.apply(&[&mended]).await;
    team.wait_ready("airoute/route-3").await;
    let object = team.get("airoute/route-3").await.unwrap();
    assert_eq!(conditions(&object), ACCEPTED);
    assert_eq!(object["status"]["servingGeneration"], 3);
    eventually_else("an Event says that, too", async || {
        let events = events(&team, "route-3").await;
        let found = events.iter().any(|one| one.starts_with("Normal Accepted:"));
        if found && events.len() == 2 {
            Ok(())
        } else {
            Err(format!("{events:?}"))
        }
    })
    .await;
    let changed = self::changed(&before, &versions(cluster).await);
    assert_eq!(changed, ["AIRoute team-7 route-3"]);

    // From 2 to 10 gateways: no status is written.
    let (before, writes) = (
        versions(world.cluster()).await,
        status_writes(world.cluster()),
    );
    for _ in 0..8 {
        world.add_gateway().await;
    }
    world.wait_ready().await;
    eventually("all ten hold a Lease", async || {
        let get = ["get", "leases", "-n", "weir-config", "-o", "name"];
        let leases = world.cluster().kubectl(&get).await.ok();
        (leases.lines().count() == 10).then_some(())
    })
    .await;
    throughout(Duration::from_secs(3), "no status is written", async || {
        let count = status_writes(world.cluster());
        if count == writes {
            Ok(())
        } else {
            Err(format!("{count}, not {writes}"))
        }
    })
    .await;
    assert_eq!(changed_none(&before, &versions(world.cluster()).await), 0);
}

fn changed_none(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> usize {
    changed(before, after).len()
}

/// Those whose version differs, words parted by one space.
fn changed(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let names = after
        .iter()
        .filter(|(name, version)| before.get(*name) != Some(version));
    names
        .map(|(name, _)| name.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn route(namespace: &str, number: usize) -> Route {
    let name = format!("route-{number}");
    Route::named(&name)
        .in_namespace(namespace)
        .models(&[&name])
        .to("mock")
}

/// 1,000 objects in 20 namespaces: a provider and 49 routes in each.
async fn thousand(cluster: &Cluster) {
    let names: Vec<String> = (0..20).map(|team| format!("team-{team}")).collect();
    let namespaces: Vec<Value> = names
        .iter()
        .map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
        .collect();
    cluster.create_all(&namespaces).await;
    let mut objects = Vec::new();
    for name in &names {
        let mock = Provider::mock("mock", json!({"text": "Hello"}));
        objects.push(mock.in_namespace(name).value());
        objects.extend((0..49).map(|number| route(name, number).value()));
    }
    cluster.create_all(&objects).await;
}

#[tokio::test]
async fn a_pod_that_lags_is_named_and_what_is_not_so_is_not_said() {
    let world = World::new().operators(2).gateways(2);
    let Some(mut world) = world.of_its_own("a_pod_that_lags_is_named").await else {
        return;
    };
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("lag").await;
    let (route, key) = app(&team).await;
    team.wait_ready("airoute/chat").await;
    let change = async |text: &str| {
        team.apply(&[&Provider::mock("mock", json!({"text": text}))])
            .await;
    };
    let behind = |pod: &str| format!("Not run so far by gateway pods {pod}");

    // Wedged: it is alive, and does nothing.
    let wedged = gateways[1].pod().name.clone();
    gateways[1].pause();
    change("second").await;
    let told = team.wait_reason("aiprovider/mock", "Programmed", "False", "GatewaysBehind");
    assert_eq!(told.await["message"], behind(&wedged));
    let ready = team.condition("aiprovider/mock", "Ready").await.unwrap();
    assert_eq!(
        (&ready["status"], &ready["reason"]),
        (&json!("False"), &json!("GatewaysBehind"))
    );
    // The other serves it, and the route, which did not change, is Ready as it was.
    eventually("the other serves it", async || {
        let answer = gateways[0].ask(&Request::chat(&key, "fast")).await;
        (said(&answer) == "second").then_some(())
    })
    .await;
    assert_eq!(conditions(&team.get(&route).await.unwrap()), ACCEPTED);
    gateways[1].resume();
    team.wait_ready("aiprovider/mock").await;
    assert_eq!(
        said(&gateways[1].ask(&Request::chat(&key, "fast")).await),
        "second"
    );

    // Down: its pod is there, and counts until it goes.
    gateways[1].kill();
    change("third").await;
    let told = team.wait_reason("aiprovider/mock", "Programmed", "False", "GatewaysBehind");
    assert_eq!(told.await["message"], behind(&wedged));
    gateways[1].pod().delete(cluster).await;
    team.wait_ready("aiprovider/mock").await;

    // No operator: what stands in the status is of the generation before, and says so.
    for operator in operators.iter_mut() {
        operator.kill();
    }
    change("fourth").await;
    let object = team.get("aiprovider/mock").await.unwrap();
    assert_eq!(object["metadata"]["generation"], 4);
    assert_eq!(object["status"]["observedGeneration"], 3);
    let waits = [
        "wait",
        "--for=condition=Ready",
        "aiprovider/mock",
        "--timeout=2s",
    ];
    team.kubectl(&waits).await.refused();
    assert_eq!(
        said(&gateways[0].ask(&Request::chat(&key, "fast")).await),
        "third"
    );
    // Back: it catches up.
    operators[0].start().await;
    team.wait_ready("aiprovider/mock").await;
    assert_eq!(
        said(&gateways[0].ask(&Request::chat(&key, "fast")).await),
        "fourth"
    );

    // The last gateway goes: nothing serves it, and that is said.
    gateways[0].stop().await;
    gateways[0].pod().delete(cluster).await;
    team.wait_reason("aiprovider/mock", "Programmed", "False", "NoGateways")
        .await;
}

#[tokio::test]
async fn what_a_route_refers_to_is_told_apart_from_the_route() {
    let world = World::shared().await;
    let team = world.cluster().namespace("refs").await;
    team.apply(&[&Route::named("chat").models(&["fast"]).to("mock")])
        .await;
    let told = team.wait_reason("airoute/chat", "ResolvedRefs", "False", "ProviderNotFound");
    let message = told.await["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("spec.rules[0].backends[0].provider"),
        "{message}"
    );
    let object = team.get("airoute/chat").await.unwrap();
    assert_eq!(
        conditions(&object),
        [
            "Accepted=True Accepted",
            "ResolvedRefs=False ProviderNotFound",
            "Programmed=False Refused",
            "Ready=False ProviderNotFound",
            "Stalled=True ProviderNotFound",
        ]
    );
    assert_eq!(object["status"]["servingGeneration"], Value::Null);
    team.apply(&[&Provider::mock("mock", json!({"text": "Hello"}))])
        .await;
    team.wait_ready("airoute/chat").await;
    assert_eq!(
        conditions(&team.get("airoute/chat").await.unwrap()),
        ACCEPTED
    );

    // A Secret that is not there, and then is.
    let openai = Provider::openai("openai", "https://api.openai.com/v1").credential("openai");
    team.apply(&[&openai]).await;
    team.wait_reason(
        "aiprovider/openai",
        "ResolvedRefs",
        "False",
        "SecretNotFound",
    )
    .await;
    team.apply(&[&weir_tests::secret("openai", "sk-0123456789")
        .replace("\"team\"", &format!("{:?}", team.name()))])
        .await;
    team.wait_ready("aiprovider/openai").await;
    team.delete("secret/openai").await;
    team.wait_reason(
        "aiprovider/openai",
        "ResolvedRefs",
        "False",
        "SecretNotFound",
    )
    .await;
}

#[tokio::test]
async fn nothing_is_written_on_an_object_but_its_status() {
    let world = World::shared().await;
    let team = world.cluster().namespace("untouched").await;
    let (route, _) = app(&team).await;
    let before = team.get(&route).await.unwrap();
    team.wait_ready(&route).await;
    let mut after = team.get(&route).await.unwrap();
    after["status"] = before["status"].clone();
    after["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
    assert_eq!(after, before);
}
