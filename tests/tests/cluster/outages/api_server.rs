//! An API server that is killed, away while all else restarts, and stopped where it stands.

use std::time::Duration;

use weir_tests::cluster::throughout;

use super::world;
use crate::load::{Load, all_say, live};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_server_goes_and_comes_back_and_everything_restarts_meanwhile() {
    let Some(mut world) = world("outages_api_server").await else {
        return;
    };
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    live(&team, gateways, "one").await;
    let mut load = Load::on(&team, gateways);

    cluster.kill_api_server();
    cluster.restart_api_server().await;
    live(&team, gateways, "two").await;

    // Both control planes are away, and each gateway is started anew, killed or told to stop.
    cluster.kill_api_server();
    for operator in operators.iter_mut() {
        operator.kill();
    }
    for (index, gateway) in gateways.iter_mut().enumerate() {
        load.end(gateway).await;
        if index == 0 {
            gateway.kill();
        } else {
            gateway.stop().await;
        }
        gateway.start().await;
        gateway.wait_ready().await;
        load.begin(gateway);
    }
    for operator in operators.iter_mut() {
        operator.start().await;
        assert_eq!(operator.get("/readyz").await.unwrap().status, 503);
    }
    all_say(&team, gateways, "two").await.unwrap();
    cluster.restart_api_server().await;
    for operator in operators.iter() {
        operator.wait_ready().await;
    }
    live(&team, gateways, "three").await;

    // Longer than a Lease holds: nobody leads by the end of it. A start does not wait for it either.
    cluster.pause_api_server();
    load.end(&gateways[0]).await;
    gateways[0].kill();
    gateways[0].start().await;
    gateways[0].wait_ready().await;
    load.begin(&gateways[0]);
    throughout(Duration::from_secs(7), "they go on", async || {
        all_say(&team, gateways, "three").await
    })
    .await;
    cluster.resume_api_server();
    live(&team, gateways, "four").await;
    let texts = load.finish().await;
    let expected = ["one", "two", "three", "four"].map(str::to_owned);
    assert_eq!(texts, expected.into());
}
