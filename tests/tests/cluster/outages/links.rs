//! Connections to the API server that break, refuse, or fall silent.

use std::time::Duration;

use weir_tests::cluster::{eventually, throughout};

use super::world;
use crate::load::{Load, all_say, leader, live, ready, root, say, until_say, versions};

/// Bytes of a list, or of an event, after which a connection breaks.
const MIDDLE: u64 = 1500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_are_cut_and_lists_fail() {
    let Some(mut world) = world("outages_links").await else {
        return;
    };
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    let other = cluster.namespace("other").await;
    live(&other, gateways, "other").await;
    live(&team, gateways, "one").await;
    let load = Load::on(&team, gateways);
    let links = || {
        let of_operators = operators.iter().map(|one| one.link());
        of_operators.chain(gateways.iter().map(|one| one.link()))
    };

    links().for_each(|link| link.cut());
    live(&team, gateways, "two").await;

    // In the middle of whatever comes next: an event, or a renewal's answer.
    let cuts: Vec<u64> = links().map(|link| link.cuts()).collect();
    links().for_each(|link| link.cut_after(MIDDLE));
    live(&team, gateways, "three").await;
    for (link, before) in links().zip(cuts) {
        eventually("it was cut", async || (link.cuts() > before).then_some(())).await;
    }
    live(&team, gateways, "four").await;

    // No list goes through, then only half of one, for a while.
    links().for_each(|link| link.refuse());
    say(&team, "five").await;
    let before = versions(cluster).await;
    let unmoved = async || {
        all_say(&team, gateways, "four").await?;
        all_say(&other, gateways, "other").await?;
        let now = versions(cluster).await;
        if now == before { Ok(()) } else { Err(now) }
    };
    throughout(Duration::from_secs(2), "nothing is emptied", unmoved).await;
    for _ in 0..3 {
        let cuts: Vec<u64> = links().map(|link| link.cuts()).collect();
        links().for_each(|link| link.cut_after(MIDDLE));
        links().for_each(|link| link.pass());
        for (link, before) in links().zip(cuts) {
            eventually("it was cut in the middle of a list", async || {
                (link.cuts() > before).then_some(())
            })
            .await;
        }
        all_say(&other, gateways, "other").await.unwrap();
    }
    ready(&team, gateways, "five").await;
    all_say(&other, gateways, "other").await.unwrap();
    let texts = load.finish().await;
    let expected = ["one", "two", "three", "four", "five"].map(str::to_owned);
    assert_eq!(texts, expected.into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_hears_nothing_is_named_or_replaced() {
    let Some(mut world) = world("outages_silent").await else {
        return;
    };
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    live(&team, gateways, "one").await;
    let load = Load::on(&team, gateways);

    // A gateway: it serves what it has, and no status says that it serves more.
    gateways[1].link().freeze();
    say(&team, "two").await;
    until_say(&team, &gateways[..1], "two").await;
    let name = &gateways[1].pod().name;
    let behind = team
        .wait_reason("aiprovider/mock", "Programmed", "False", "GatewaysBehind")
        .await;
    let message = behind["message"].as_str().unwrap();
    assert!(message.contains(name), "{message}");
    assert!(!message.contains(&gateways[0].pod().name), "{message}");
    all_say(&team, &gateways[1..], "one").await.unwrap();
    gateways[1].link().pass();
    ready(&team, gateways, "two").await;

    // The leader: another leads, and what it wrote stands when the first is heard again.
    let first = leader(cluster, operators).await;
    let (_, term) = root(cluster).await;
    operators[first].link().freeze();
    live(&team, gateways, "three").await;
    assert_ne!(leader(cluster, operators).await, first);
    assert_eq!(root(cluster).await.1, term + 1);
    let before = versions(cluster).await;
    operators[first].link().pass();
    throughout(Duration::from_secs(3), "nobody writes", async || {
        let now = versions(cluster).await;
        if now == before { Ok(()) } else { Err(now) }
    })
    .await;
    live(&team, gateways, "four").await;
    assert_eq!(root(cluster).await.1, term + 1);
    load.finish().await;
}
