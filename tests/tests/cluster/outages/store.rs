//! etcd that has forgotten what watches resume from, and one that was put back to an earlier state.

use std::time::Duration;

use weir_tests::cluster::{eventually, throughout};

use super::world;
use crate::load::{Load, all_say, live, published, ready, say, take_away, until_say};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_are_cut_and_what_they_missed_is_compacted() {
    let Some(mut world) = world("outages_compacted").await else {
        return;
    };
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    let ends = cluster.namespace("ends").await;
    live(&ends, gateways, "ends").await;
    live(&team, gateways, "one").await;
    let load = Load::on(&team, gateways);

    let links = || {
        let of_operators = operators.iter().map(|one| one.link());
        of_operators.chain(gateways.iter().map(|one| one.link()))
    };
    links().for_each(|link| link.refuse());
    say(&team, "two").await;
    take_away(&ends).await;
    cluster.compact().await;
    cluster.restart_api_server().await;
    all_say(&team, gateways, "one").await.unwrap();
    all_say(&ends, gateways, "ends").await.unwrap();
    links().for_each(|link| link.pass());
    ready(&team, gateways, "two").await;
    until_say(&ends, gateways, "invalid_api_key").await;
    eventually("its Secret is gone", async || {
        published(&ends).await.is_none().then_some(())
    })
    .await;

    // And where only the watches of gateways were away.
    gateways.iter().for_each(|one| one.link().refuse());
    say(&team, "three").await;
    cluster.compact().await;
    cluster.restart_api_server().await;
    gateways.iter().for_each(|one| one.link().pass());
    ready(&team, gateways, "three").await;
    load.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_backup_is_restored_and_all_follow_what_is_stored() {
    let Some(mut world) = world("outages_restored").await else {
        return;
    };
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    let later = cluster.namespace("later").await;
    let early = cluster.namespace("early").await;
    live(&early, gateways, "early").await;
    live(&team, gateways, "one").await;
    let load = Load::on(&team, gateways);
    let backup = cluster.back_up().await;
    live(&team, gateways, "two").await;
    live(&later, gateways, "later").await;
    take_away(&early).await;
    until_say(&early, gateways, "invalid_api_key").await;

    // What was after the backup has never been, and counts no more than that.
    cluster.restore(&backup).await;
    until_say(&team, gateways, "one").await;
    until_say(&later, gateways, "invalid_api_key").await;
    until_say(&early, gateways, "early").await;
    ready(&team, gateways, "one").await;
    ready(&early, gateways, "early").await;
    assert!(published(&later).await.is_none());
    live(&team, gateways, "three").await;

    // One that is cut off meanwhile runs what has never been. Its Lease, which is as old as the backup, says nothing of it.
    live(&team, gateways, "never").await;
    gateways[1].link().refuse();
    cluster.restore(&backup).await;
    until_say(&team, &gateways[..1], "one").await;
    let behind = team
        .wait_reason("aiprovider/mock", "Programmed", "False", "GatewaysBehind")
        .await;
    let message = behind["message"].as_str().unwrap();
    assert!(message.contains(&gateways[1].pod().name), "{message}");
    all_say(&team, &gateways[1..], "never").await.unwrap();
    gateways[1].link().pass();
    ready(&team, gateways, "one").await;

    // Nobody noticed, since everything was started anew meanwhile.
    for operator in operators.iter_mut() {
        operator.kill();
    }
    cluster.restore(&backup).await;
    for operator in operators.iter_mut() {
        operator.start().await;
    }
    until_say(&team, gateways, "one").await;
    live(&team, gateways, "four").await;
    let status = team.get("aiprovider/mock").await.unwrap();
    throughout(Duration::from_secs(2), "it stays so", async || {
        let now = team.get("aiprovider/mock").await.unwrap();
        if now["metadata"] == status["metadata"] {
            all_say(&team, gateways, "four").await
        } else {
            Err(now.to_string())
        }
    })
    .await;
    load.finish().await;
}
