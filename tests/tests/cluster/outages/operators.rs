//! Operators that are killed, told to stop, and stopped where they stand.

use std::time::{Duration, Instant};

use weir_tests::cluster::{eventually, eventually_else, throughout};

use super::world;
use crate::load::{
    Load, all_say, holder, key_of, leader, live, published, ready, root, say, take_away, until_say,
    versions,
};
use crate::publisher::{Publisher, shard};

/// A Lease holds for 5 s; the rest is for machines with too much to do.
const SUCCESSION: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_is_killed_then_told_to_stop_then_nobody_leads() {
    let Some(mut world) = world("outages_leader").await else {
        return;
    };
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    live(&team, gateways, "one").await;
    let load = Load::on(&team, gateways);

    let first = leader(cluster, operators).await;
    let (_, term) = root(cluster).await;
    operators[first].kill();
    let killed = Instant::now();
    live(&team, gateways, "two").await;
    let took = killed.elapsed();
    assert!(took < SUCCESSION, "{took:?}");
    let second = leader(cluster, operators).await;
    assert_ne!(second, first);
    assert_eq!(root(cluster).await.1, term + 1);

    // One that is told to stop gives the lead up, and does not leave it to lapse.
    operators[first].start().await;
    operators[first].wait_ready().await;
    let name = operators[second].pod().name.clone();
    assert_eq!(operators[second].stop().await, Some(0));
    let after = holder(cluster).await;
    assert!(
        after.as_ref().is_none_or(|one| !one.starts_with(&name)),
        "{after:?}"
    );
    live(&team, gateways, "three").await;

    // With nobody to say so, a status does not claim to be of what is written now.
    operators[first].kill();
    let late = cluster.namespace("late").await;
    say(&team, "four").await;
    say(&late, "late").await;
    throughout(Duration::from_secs(2), "all is as it was", async || {
        all_say(&team, gateways, "three").await?;
        let provider = team.get("aiprovider/mock").await.unwrap();
        let status = &provider["status"];
        if status["observedGeneration"] == provider["metadata"]["generation"] {
            return Err(status.to_string());
        }
        let condition = late.condition("airoute/chat", "Ready").await.unwrap();
        if condition["status"] != "Unknown" {
            return Err(condition.to_string());
        }
        Ok(())
    })
    .await;
    operators[second].start().await;
    ready(&team, gateways, "four").await;
    ready(&late, gateways, "late").await;
    load.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_was_paused_undoes_nothing_of_what_its_successor_did() {
    let Some(mut world) = world("outages_paused").await else {
        return;
    };
    let mut publisher = Publisher::of(&world).await;
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    let ends = cluster.namespace("ends").await;
    let begins = cluster.namespace("begins").await;
    let passes = cluster.namespace("passes").await;
    live(&ends, gateways, "ends").await;
    live(&team, gateways, "one").await;
    let load = Load::on(&team, gateways);
    let first = leader(cluster, operators).await;
    let (_, term) = root(cluster).await;

    operators[first].pause();
    live(&team, gateways, "two").await;
    live(&begins, gateways, "begins").await;
    live(&passes, gateways, "passes").await;
    take_away(&passes).await;
    take_away(&ends).await;
    for gone in [&passes, &ends] {
        eventually("its Secret is gone", async || {
            published(gone).await.is_none().then_some(())
        })
        .await;
        until_say(gone, gateways, "invalid_api_key").await;
    }
    let second = leader(cluster, operators).await;
    assert_ne!(second, first);
    assert_eq!(root(cluster).await.1, term + 1);

    // It wakes up with all of that still to be seen, and to be written as it believes.
    let before = versions(cluster).await;
    operators[first].resume();
    eventually_else("it knows that it leads no longer", async || {
        let log = operators[first].log().text();
        if log.contains("leads no longer") {
            Ok(())
        } else {
            Err(log)
        }
    })
    .await;
    throughout(Duration::from_secs(3), "nobody writes", async || {
        let now = versions(cluster).await;
        if now == before { Ok(()) } else { Err(now) }
    })
    .await;

    // And where a write of its was under way all that time, and arrives now.
    publisher.term = term;
    let stale = |namespace| shard(namespace, &key_of(&team), "stale");
    publisher.publish(&stale(team.name())).await;
    publisher
        .publish(&shard(passes.name(), &key_of(&passes), "stale"))
        .await;
    publisher.withdraw(begins.name()).await;
    eventually("what it made is gone", async || {
        published(&passes).await.is_none().then_some(())
    })
    .await;
    eventually_else("what it took away is back", async || {
        let secret = published(&begins).await.ok_or("gone")?;
        let now = (term + 1).to_string();
        if secret["metadata"]["annotations"]["weir.dev/term"] == now {
            Ok(())
        } else {
            Err(secret["metadata"].to_string())
        }
    })
    .await;
    until_say(&begins, gateways, "begins").await;
    until_say(&passes, gateways, "invalid_api_key").await;
    live(&team, gateways, "three").await;

    // Once more it may lead, from what is published by then.
    operators[second].kill();
    live(&team, gateways, "four").await;
    assert_eq!(leader(cluster, operators).await, first);
    all_say(&begins, gateways, "begins").await.unwrap();
    let texts = load.finish().await;
    let expected = ["one", "two", "three", "four"].map(str::to_owned);
    assert_eq!(texts, expected.into());
}
