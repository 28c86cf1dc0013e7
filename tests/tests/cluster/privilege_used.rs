//! Nothing is granted that is not used, and nothing is lacking: what each component asks the API server for, by its audit log.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use weir_tests::cluster::{
    Account, CONFIG_NAMESPACE, RELEASE_NAMESPACE, World, documents, eventually, eventually_else,
    template,
};
use weir_tests::{Provider, Route, secret};

use crate::common::app;

/// Every grant of the chart to a component, as `VERB RESOURCE.GROUP`, with the namespace where it is
/// held to one.
fn granted(account: Account) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let name = |document: &Value| document["metadata"]["name"].as_str().unwrap().to_owned();
    for document in documents(&template(&[])) {
        let kind = document["kind"].as_str().unwrap();
        if !matches!(kind, "Role" | "ClusterRole") || !name(&document).starts_with(account.name()) {
            continue;
        }
        let place = document["metadata"]["namespace"].as_str();
        let place = place.map_or_else(String::new, |place| format!(" in {place}"));
        let texts = |list: &Value| -> Vec<String> {
            let list = list.as_array().into_iter().flatten();
            list.map(|one| one.as_str().unwrap().to_owned()).collect()
        };
        for rule in document["rules"].as_array().unwrap() {
            for verb in texts(&rule["verbs"]) {
                for url in texts(&rule["nonResourceURLs"]) {
                    all.insert(format!("{verb} {url}"));
                }
                for group in texts(&rule["apiGroups"]) {
                    for resource in texts(&rule["resources"]) {
                        all.insert(grant(&verb, &resource, &group) + &place);
                    }
                }
            }
        }
    }
    all
}

fn grant(verb: &str, resource: &str, group: &str) -> String {
    let dot = if group.is_empty() { "" } else { "." };
    format!("{verb} {resource}{dot}{group}")
}

/// What a component has been allowed so far, in the same words: with its namespace and without.
fn used(world: &World, account: Account) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for event in world.cluster().requests() {
        if event["user"]["username"] != account.user() {
            continue;
        }
        // Nothing that they ask for is lacking, either.
        let decision = &event["annotations"]["authorization.k8s.io/decision"];
        assert_ne!(decision, "forbid", "{event}");
        if decision != "allow" {
            continue;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let verb = text(&event["verb"]);
        let object = &event["objectRef"];
        if object.is_null() {
            let url = text(&event["requestURI"]);
            all.insert(format!("{verb} {url}"));
            continue;
        }
        let mut resource = text(&object["resource"]);
        if let Some(part) = object["subresource"].as_str() {
            resource = format!("{resource}/{part}");
        }
        let mut verbs = vec![verb];
        // A server-side apply of what is not there is asked for as a patch, and needs the right to
        // create too.
        if verbs[0] == "patch" && event["responseStatus"]["code"] == 201 {
            verbs.push("create".into());
        }
        for verb in verbs {
            let grant = grant(&verb, &resource, &text(&object["apiGroup"]));
            all.insert(format!("{grant} in {}", text(&object["namespace"])));
            all.insert(grant);
        }
    }
    all
}

#[tokio::test]
async fn every_grant_is_used_and_none_is_lacking() {
    let world = World::new().operators(2).gateways(2);
    let Some(mut world) = world.of_its_own("every_grant_is_used").await else {
        return;
    };
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("used").await;
    let (route, _) = app(&team).await;
    let openai = Provider::openai("openai", "https://api.openai.com/v1").credential("openai");
    let named = format!("{:?}", team.name());
    let credential = secret("openai", "sk-0123456789").replace("\"team\"", &named);
    team.apply(&[&openai, &credential]).await;
    team.wait_ready(&route).await;
    team.wait_ready("aiprovider/openai").await;

    // Refused, then withdrawn as a whole, so that what was published of it is deleted.
    let broken = Route::named("broken").models(&["x"]).to("mock");
    let broken = broken.with("/spec/rules/0/when", json!("no such thing"));
    team.apply(&[&broken]).await;
    team.wait_reason("airoute/broken", "Accepted", "False", "InvalidExpression")
        .await;
    let all = ["delete", "ai,secrets", "--all"];
    team.kubectl(&all).await.ok();
    let shard = format!("secret/ns.{}", team.name());
    let waits = format!("{shard} is withdrawn");
    eventually(&waits, async || {
        let there = cluster.get(CONFIG_NAMESPACE, &shard).await;
        // A namespace without any of our objects has nothing to publish.
        there.is_none().then_some(())
    })
    .await;

    // Whoever deletes the leader's Lease does not stop the operators.
    let lease = "lease/weir-operator";
    let before = cluster.get(RELEASE_NAMESPACE, lease).await.unwrap()["metadata"]["uid"].clone();
    let delete = ["delete", lease, "-n", RELEASE_NAMESPACE];
    cluster.kubectl(&delete).await.ok();
    eventually("the leader's Lease is made anew, and held", async || {
        let now = cluster.get(RELEASE_NAMESPACE, lease).await?;
        let held = now["spec"]["holderIdentity"].is_string();
        (now["metadata"]["uid"] != before && held).then_some(())
    })
    .await;

    // One gateway drains, which gives up its Lease; another dies, whose Lease the operator removes.
    gateways[0].stop().await;
    gateways[0].pod().delete(cluster).await;
    gateways[1].kill();
    gateways[1].pod().delete(cluster).await;
    eventually("no Lease of a gateway is left", async || {
        let get = ["get", "leases", "-n", CONFIG_NAMESPACE, "-o", "name"];
        cluster.kubectl(&get).await.ok().is_empty().then_some(())
    })
    .await;
    for operator in operators.iter_mut() {
        operator.stop().await;
    }

    for account in [Account::Gateway, Account::Operator] {
        let granted = granted(account);
        assert!(granted.len() > 3, "{granted:?}");
        eventually_else("every grant was used", async || {
            let used = used(&world, account);
            let unused: Vec<&String> = granted.difference(&used).collect();
            if unused.is_empty() {
                Ok(())
            } else {
                Err(format!("{}: {unused:#?}", account.name()))
            }
        })
        .await;
    }
}
