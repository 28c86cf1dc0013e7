//! CRDs that are older than the operator, or newer.

use std::time::Duration;

use serde_json::json;
use weir_tests::cluster::{Cluster, RELEASE_NAMESPACE, eventually_else, throughout};
use weir_tests::{Provider, Route};

use super::world;
use crate::load::{Load, all_say, holder, key_of, leader, live, root, until_say, versions};
use crate::publisher::{Publisher, shard};

/// Takes the Lease of the leader, as an operator of another version does.
async fn leads(cluster: &Cluster, name: &str) {
    let spec = json!({"holderIdentity": name, "leaseDurationSeconds": 5});
    let patch = json!({"spec": spec}).to_string();
    let arguments = ["patch", "lease/weir-operator", "-n", RELEASE_NAMESPACE];
    let merge = ["--type=merge", "-p", &patch];
    cluster
        .kubectl(&[&arguments[..], &merge].concat())
        .await
        .ok();
}

async fn schema_version(cluster: &Cluster, version: &str) {
    let annotation = format!("weir.dev/schema-version={version}");
    let both = ["crd/aiproviders.weir.dev", "crd/airoutes.weir.dev"];
    let arguments = ["annotate", "--overwrite", both[0], both[1], &annotation];
    cluster.kubectl(&arguments).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_leaves_an_older_schema_to_an_older_operator() {
    let Some(mut world) = world("skew_older_crds").await else {
        return;
    };
    let mut publisher = Publisher::of(&world).await;
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    live(&team, gateways, "one").await;
    let load = Load::on(&team, gateways);

    // The version before is installed: its CRDs, and its operator, which leads.
    for operator in operators.iter_mut() {
        operator.kill();
    }
    schema_version(cluster, "1").await;
    leads(cluster, "older").await;
    let (_, term) = root(cluster).await;
    publisher.term = term + 1;
    publisher.root().await;

    // Half-way in the upgrade the operators are new, and the CRDs are not.
    for operator in operators.iter_mut() {
        operator.start().await;
        eventually_else("it says what is wrong", async || {
            let answer = operator.get("/readyz").await.ok_or("no answer")?;
            let text = answer.text();
            let why =
                "weir.dev is of schema version 1, and this operator needs 2: upgrade the CRDs";
            if answer.status == 503 && text.contains(why) && operator.log().text().contains(why) {
                Ok(())
            } else {
                Err(text)
            }
        })
        .await;
    }
    let next = shard(team.name(), &key_of(&team), "older");
    publisher.publish(&next).await;
    until_say(&team, gateways, "older").await;
    let before = versions(cluster).await;
    let object = team.get("aiprovider/mock").await;
    // By the end of it that one's Lease has lapsed.
    throughout(Duration::from_secs(8), "they leave it alone", async || {
        let holder = holder(cluster).await;
        if holder.as_deref() != Some("older") {
            return Err(format!("{holder:?} leads"));
        }
        let now = versions(cluster).await;
        if now != before || team.get("aiprovider/mock").await != object {
            return Err(now);
        }
        all_say(&team, gateways, "older").await
    })
    .await;

    // The CRDs are upgraded, and the work is theirs.
    cluster.install_chart().await;
    for operator in operators.iter() {
        operator.wait_ready().await;
    }
    leader(cluster, operators).await;
    until_say(&team, gateways, "one").await;
    assert_eq!(root(cluster).await.1, term + 2);
    live(&team, gateways, "two").await;
    load.finish().await;
}

/// Where the fields of a spec are described in a CRD.
const SPEC: &str = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";

async fn patch_crd(cluster: &Cluster, name: &str, patch: serde_json::Value) {
    let patch = patch.to_string();
    let crd = format!("crd/{name}.weir.dev");
    let arguments = ["patch", &crd, "--type=json", "-p", &patch];
    cluster.kubectl(&arguments).await.ok();
}

/// The CRDs of the version to come: a dialect more, and a field more of each kind.
async fn upgrade_crds(cluster: &Cluster) {
    let text = json!({"type": "string"});
    let providers = json!([
        {"op": "add", "path": format!("{SPEC}/dialect/enum/-"), "value": "Watsonx"},
        {"op": "add", "path": format!("{SPEC}/region"), "value": text},
    ]);
    patch_crd(cluster, "aiproviders", providers).await;
    let field = format!("{SPEC}/residency");
    let routes = json!([{"op": "add", "path": field, "value": text}]);
    patch_crd(cluster, "airoutes", routes).await;
    schema_version(cluster, "3").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_a_newer_schema_knows_is_a_verdict_on_that_object() {
    let Some(mut world) = world("skew_newer_crds").await else {
        return;
    };
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    let other = cluster.namespace("other").await;
    live(&team, gateways, "one").await;
    let load = Load::on(&team, gateways);
    upgrade_crds(cluster).await;

    let watsonx = Provider::mock("watsonx", json!({})).with(
        "/spec",
        json!({"dialect": "Watsonx", "endpoint": "https://watsonx.example/v1"}),
    );
    let regional =
        Provider::mock("regional", json!({"text": "x"})).with("/spec/region", "eu".into());
    let resident = Route::named("resident")
        .models(&["resident"])
        .to("mock")
        .with("/spec/residency", "eu".into());
    // The API server takes a new schema up a moment after it has taken it in.
    eventually_else("they are taken", async || {
        let said = team.try_apply(&[&watsonx, &regional, &resident]).await;
        if said.success() && !said.stderr.contains("unknown field") {
            Ok(())
        } else {
            Err(said.stderr)
        }
    })
    .await;
    // A watch that began before the upgrade may tell of them as the schema was then: the operators list anew.
    let expected = [
        ("aiprovider/watsonx", "UnknownValue", "spec.dialect: "),
        ("aiprovider/regional", "UnknownField", "spec.region: "),
        ("airoute/resident", "UnknownField", "spec.residency: "),
    ];
    let verdicts = async || {
        for (object, reason, field) in expected {
            let what = format!("{object} is refused for {field}{reason}");
            eventually_else(&what, async || {
                let seen = team.get(object).await.ok_or("none")?;
                let conditions = seen["status"]["conditions"].as_array().unwrap();
                let accepted = conditions.iter().find(|one| one["type"] == "Accepted");
                let accepted = accepted.ok_or_else(|| seen.to_string())?;
                let message = accepted["message"].as_str().unwrap();
                if accepted["reason"] == reason && message.starts_with(field) {
                    Ok(())
                } else {
                    Err(seen.to_string())
                }
            })
            .await;
            team.wait_condition(object, "Stalled", "True").await;
        }
    };
    verdicts().await;

    // What serves and takes such a spec serves on as it was; all others go on.
    let next = json!({"dialect": "Watsonx", "endpoint": "https://watsonx.example/v1"});
    let mock = Provider::mock("mock", json!({})).with("/spec", next);
    team.apply(&[&mock]).await;
    let refused = team.wait_condition("aiprovider/mock", "Accepted", "False");
    refused.await;
    let seen = team.get("aiprovider/mock").await.unwrap();
    assert_eq!(seen["status"]["servingGeneration"], 1, "{seen}");
    all_say(&team, gateways, "one").await.unwrap();
    live(&other, gateways, "other").await;

    // Also by one that finds them when it starts, which must not begin without last good.
    for operator in operators.iter_mut() {
        operator.kill();
    }
    for operator in operators.iter_mut() {
        operator.start().await;
        operator.wait_ready().await;
    }
    live(&other, gateways, "others").await;
    verdicts().await;
    all_say(&team, gateways, "one").await.unwrap();
    live(&team, gateways, "two").await;
    load.finish().await;
}
