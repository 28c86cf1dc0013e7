//! Lists that are forbidden: rights that were taken away, and are given back.

use std::time::Duration;

use weir_tests::cluster::{eventually, throughout};

use super::world;
use crate::load::{Load, all_say, live, ready, say, take_away, until_say, versions};

const OF_THE_CHART: &str = "app.kubernetes.io/part-of=weir";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_are_taken_away_and_given_back() {
    let Some(mut world) = world("outages_permissions").await else {
        return;
    };
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    let ends = cluster.namespace("ends").await;
    live(&ends, gateways, "ends").await;
    live(&team, gateways, "one").await;
    let mut load = Load::on(&team, gateways);

    let bindings = "clusterrolebindings,rolebindings";
    let delete = ["delete", bindings, "-A", "-l", OF_THE_CHART];
    cluster.kubectl(&delete).await.ok();
    // Watches that stand go on; what begins anew is forbidden.
    let links = || {
        let of_operators = operators.iter().map(|one| one.link());
        of_operators.chain(gateways.iter().map(|one| one.link()))
    };
    links().for_each(|link| link.cut());
    for gateway in gateways.iter() {
        eventually("a list was forbidden", async || {
            gateway.log.text().contains("Forbidden").then_some(())
        })
        .await;
    }
    for operator in operators.iter() {
        eventually("a list was forbidden", async || {
            operator.log().text().contains("Forbidden").then_some(())
        })
        .await;
    }
    let before = versions(cluster).await;
    say(&team, "two").await;
    take_away(&ends).await;
    throughout(Duration::from_secs(2), "all is as it was", async || {
        all_say(&team, gateways, "one").await?;
        all_say(&ends, gateways, "ends").await?;
        let now = versions(cluster).await;
        if now == before { Ok(()) } else { Err(now) }
    })
    .await;

    // What starts anew is told nothing either, which is not the same as that there is nothing.
    load.end(&gateways[0]).await;
    gateways[0].kill();
    gateways[0].start().await;
    gateways[0].wait_ready().await;
    load.begin(&gateways[0]);
    operators[0].kill();
    operators[0].start().await;
    eventually("it is forbidden what it needs", async || {
        operators[0]
            .log()
            .text()
            .contains("Forbidden")
            .then_some(())
    })
    .await;
    let not_ready = operators[0].get("/readyz").await.unwrap();
    assert_eq!(not_ready.status, 503, "{}", not_ready.text());
    all_say(&team, gateways, "one").await.unwrap();
    all_say(&ends, gateways, "ends").await.unwrap();
    assert_eq!(versions(cluster).await, before);

    cluster.install_chart().await;
    ready(&team, gateways, "two").await;
    until_say(&ends, gateways, "invalid_api_key").await;
    operators[0].wait_ready().await;
    live(&team, gateways, "three").await;
    load.finish().await;
}
