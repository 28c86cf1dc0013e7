//! Clocks that are wrong: of operators, and of gateways.

use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use weir_tests::Request;
use weir_tests::cluster::{
    CONFIG_NAMESPACE, Cluster, GatewayPod, Namespace, OperatorPod, RELEASE_NAMESPACE, Token,
    eventually, throughout,
};

use super::world;
use crate::load::{Load, leader, live, root};

const TEST: &str = "outages_clocks";

async fn restart_operator(operator: &mut OperatorPod, offset: &str) {
    assert!(operator.skew_clock(offset));
    operator.kill();
    operator.start().await;
    operator.wait_ready().await;
}

async fn restart_gateway(load: &mut Load, gateway: &mut GatewayPod, offset: &str) {
    assert!(gateway.skew_clock(offset));
    load.end(gateway).await;
    gateway.kill();
    gateway.start().await;
    gateway.wait_ready().await;
    load.begin(gateway);
}

/// How many seconds a Lease says that it was renewed after now.
async fn ahead(cluster: &Cluster, namespace: &str, name: &str) -> Option<i64> {
    let lease = cluster.get(namespace, &format!("lease/{name}")).await?;
    let renewed = lease["spec"]["renewTime"].as_str()?;
    let renewed: Timestamp = renewed.parse().unwrap();
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs().cast_signed();
    Some(renewed.as_second() - now)
}

async fn until_ahead(cluster: &Cluster, (namespace, name): (&str, &str), sign: i64) {
    eventually("the clock is wrong", async || {
        let ahead = ahead(cluster, namespace, name).await?;
        (ahead * sign > 3000).then_some(())
    })
    .await;
}

async fn status_of(gateway: &GatewayPod, token: &str) -> u16 {
    gateway.ask(&Request::chat(token, "fast")).await.status
}

async fn token(namespace: &Namespace<'_>, seconds: i64) -> String {
    let ask = Token {
        audience: Some("weir"),
        seconds: Some(seconds),
        ..Token::default()
    };
    namespace.token("default", &ask).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_are_an_hour_off() {
    let Some(mut world) = world(TEST).await else {
        return;
    };
    let (cluster, operators, gateways) = world.parts();
    if !gateways[0].skew_clock("+3600s") {
        eprintln!("not run, since faketime is not installed: {TEST}");
        return;
    }
    let team = cluster.namespace("team").await;
    live(&team, gateways, "one").await;
    let mut load = Load::on(&team, gateways);

    restart_operator(&mut operators[0], "+3600s").await;
    restart_operator(&mut operators[1], "-3600s").await;
    restart_gateway(&mut load, &mut gateways[0], "+3600s").await;
    restart_gateway(&mut load, &mut gateways[1], "-3600s").await;
    let ahead = (CONFIG_NAMESPACE, gateways[0].pod().name.as_str());
    until_ahead(cluster, ahead, 1).await;
    let behind = (CONFIG_NAMESPACE, gateways[1].pod().name.as_str());
    until_ahead(cluster, behind, -1).await;
    live(&team, gateways, "two").await;

    // Whoever leads goes on to, though by the other's clock its Lease is hours old, or of tomorrow.
    let first = leader(cluster, operators).await;
    let sign = if first == 0 { 1 } else { -1 };
    until_ahead(cluster, (RELEASE_NAMESPACE, "weir-operator"), sign).await;
    let (_, term) = root(cluster).await;
    throughout(Duration::from_secs(7), "it leads", async || {
        let now = leader(cluster, operators).await;
        if now == first {
            Ok(())
        } else {
            Err(format!("{now} leads"))
        }
    })
    .await;
    assert_eq!(root(cluster).await.1, term);
    operators[first].kill();
    live(&team, gateways, "three").await;
    assert_ne!(leader(cluster, operators).await, first);
    operators[first].start().await;
    operators[first].wait_ready().await;
    let second = leader(cluster, operators).await;
    operators[second].kill();
    live(&team, gateways, "four").await;

    // A token is good by the clock of whoever looks at it, give or take a few seconds.
    let brief = token(&team, 600).await;
    let long = token(&team, 4 * 3600).await;
    assert_eq!(status_of(&gateways[0], &brief).await, 401);
    assert_eq!(status_of(&gateways[0], &long).await, 200);
    assert_eq!(status_of(&gateways[1], &brief).await, 401);
    restart_gateway(&mut load, &mut gateways[0], "+5s").await;
    restart_gateway(&mut load, &mut gateways[1], "-5s").await;
    for gateway in gateways.iter() {
        eventually("a token is good", async || {
            (status_of(gateway, &token(&team, 600).await).await == 200).then_some(())
        })
        .await;
    }
    load.finish().await;
}
