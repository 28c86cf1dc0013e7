//! What is published serves, whatever happens to the API server, and what should not have been
//! published does no harm. No operator runs here: the test publishes.

use serde_json::{Value, json};
use weir_config::published::{ROOT, SHARD_ENTRY, encode};
use weir_config::snapshot::Sha256;
use weir_tests::Request;
use weir_tests::cluster::{CONFIG_NAMESPACE, GatewayPod, World, eventually, eventually_else};

use crate::publisher::{Publisher, shard, with_accounts};

const KEY: &str = "key-of-the-app-0123456789-0123456789";
const OTHER: &str = "key-of-another-0123456789-0123456789";

/// A world in which nothing is published so far.
async fn empty(test: &str) -> Option<(World, Publisher)> {
    let world = World::new().of_its_own(test).await?;
    let publisher = Publisher::of(&world).await;
    Some((world, publisher))
}

/// What a gateway answers: the text of the mock, or the code of the error.
async fn says(gateway: &GatewayPod, key: &str) -> String {
    let answer = gateway.ask(&Request::chat(key, "fast")).await;
    if answer.status != 200 {
        return answer.code();
    }
    let text = &answer.json()["choices"][0]["message"]["content"];
    text.as_str().unwrap().to_owned()
}

async fn until_says(gateway: &GatewayPod, key: &str, text: &str) {
    eventually_else(&format!("{key} is answered {text}"), async || {
        let said = says(gateway, key).await;
        if said == text {
            return Ok(());
        }
        Err(format!("{said}\n{}", gateway.log.text()))
    })
    .await;
}

async fn lease(world: &World, gateway: &GatewayPod) -> Option<Value> {
    let lease = format!("lease/{}", gateway.pod().name);
    world.cluster().get(CONFIG_NAMESPACE, &lease).await
}

/// Waits until the Lease reports this revision, or a later one, and gives what it says is refused.
async fn reported(world: &World, gateway: &GatewayPod, revision: u64) -> Value {
    let (refused, _) = eventually_else("the Lease reports it", async || {
        let lease = lease(world, gateway).await;
        let lease = lease.ok_or_else(|| gateway.log.text())?;
        let annotations = &lease["metadata"]["annotations"];
        let at: u64 = annotations["weir.dev/revision"]
            .as_str()
            .and_then(|at| at.parse().ok())
            .ok_or_else(|| lease.to_string())?;
        if at < revision {
            return Err(lease.to_string());
        }
        let refused = annotations["weir.dev/refused"].as_str();
        Ok(serde_json::from_str(refused.unwrap()).unwrap())
    })
    .await;
    refused
}

#[tokio::test]
async fn it_serves_what_is_published_and_says_so() {
    let Some((mut world, mut publisher)) = empty("source_published").await else {
        return;
    };
    world.add_gateway().await;
    let gateway = world.gateway(0);
    let not_ready = gateway.ask(&Request::chat(KEY, "fast")).await;
    assert_eq!(
        (not_ready.status, not_ready.code().as_str()),
        (503, "not_ready")
    );
    assert_eq!(not_ready.header("retry-after"), Some("1"));
    assert_eq!(gateway.get_admin("/livez").await.unwrap().status, 200);
    assert_eq!(gateway.get_admin("/readyz").await.unwrap().status, 503);

    // Before there is a root, it may be half of what is to come.
    publisher.publish(&shard("a", KEY, "one")).await;
    publisher.publish(&shard("b", OTHER, "other")).await;
    assert_eq!(says(gateway, KEY).await, "not_ready");
    assert!(lease(&world, gateway).await.is_none());
    let root = publisher.root().await;
    gateway.wait_ready().await;
    assert_eq!(says(gateway, KEY).await, "one");
    assert_eq!(reported(&world, gateway, root).await, json!([]));
    let annotations = &lease(&world, gateway).await.unwrap()["metadata"]["annotations"];
    assert_eq!(annotations["weir.dev/formats"], "2,3");

    let changed = publisher.publish(&shard("a", KEY, "two")).await;
    until_says(gateway, KEY, "two").await;
    assert_eq!(reported(&world, gateway, changed).await, json!([]));

    // What can't be read, and what a leader that was replaced writes, changes nothing.
    let mut newer = publisher.index(&shard("a", KEY, "three"));
    newer
        .annotations
        .insert("weir.dev/format".into(), "4".into());
    let revision = publisher.write(newer).await;
    let refused = reported(&world, gateway, revision).await;
    assert_eq!(refused[0]["namespace"], "a", "{refused}");
    assert_eq!(
        refused[0]["message"],
        "the published configuration of this namespace is of format 4; this version reads 2 and 3"
    );
    publisher.term = 2;
    publisher.root().await;
    publisher.term = 1;
    let late = publisher.publish(&shard("b", OTHER, "late")).await;
    reported(&world, gateway, late).await;
    assert_eq!(says(gateway, KEY).await, "two");
    assert_eq!(says(gateway, OTHER).await, "other");
    publisher.term = 2;
    publisher.publish(&shard("b", OTHER, "right")).await;
    let mended = publisher.publish(&shard("a", KEY, "three")).await;
    assert_eq!(reported(&world, gateway, mended).await, json!([]));
    assert_eq!(says(gateway, KEY).await, "three");
    assert_eq!(says(gateway, OTHER).await, "right");

    publisher.withdraw("b").await;
    until_says(gateway, OTHER, "invalid_api_key").await;
    publisher.delete(ROOT).await;
    publisher.withdraw("a").await;
    gateway
        .log
        .record("the root is gone", |line| {
            line["message"]
                .as_str()
                .is_some_and(|text| text.starts_with("the root of what is published is gone"))
        })
        .await;
    assert_eq!(says(gateway, KEY).await, "three");

    let name = gateway.pod().name.clone();
    world.gateway_mut(0).stop().await;
    let gone = format!("lease/{name}");
    assert!(world.cluster().get(CONFIG_NAMESPACE, &gone).await.is_none());
}

#[tokio::test]
async fn it_serves_on_while_the_api_server_is_away_and_catches_up() {
    let Some((mut world, publisher)) = empty("source_outage").await else {
        return;
    };
    publisher.publish(&shard("a", KEY, "one")).await;
    publisher.publish(&shard("b", OTHER, "other")).await;
    publisher.root().await;
    world.add_gateway().await;
    world.wait_ready().await;
    let backup = world.cluster().back_up().await;

    // What changes while it can't be told is told by the list.
    let link = world.gateway(0).link();
    link.refuse();
    link.cut();
    publisher.publish(&shard("a", KEY, "two")).await;
    publisher.withdraw("b").await;
    assert_eq!(says(world.gateway(0), KEY).await, "one");
    world.gateway(0).link().pass();
    until_says(world.gateway(0), KEY, "two").await;
    assert_eq!(says(world.gateway(0), OTHER).await, "invalid_api_key");
    let before = publisher.publish(&shard("c", OTHER, "three")).await;
    reported(&world, world.gateway(0), before).await;

    // It starts with nobody to ask, again and again.
    world.cluster().kill_api_server();
    for _ in 0..2 {
        world.gateway_mut(0).kill();
        world.gateway_mut(0).start().await;
        world.gateway(0).wait_ready().await;
        assert_eq!(says(world.gateway(0), KEY).await, "two");
        assert_eq!(says(world.gateway(0), OTHER).await, "three");
    }

    // The store is an older one when it is back, and counts from there.
    world.cluster().restore(&backup).await;
    until_says(world.gateway(0), KEY, "one").await;
    until_says(world.gateway(0), OTHER, "other").await;
    let after = publisher.publish(&shard("a", KEY, "again")).await;
    assert!(after < before, "{after} {before}");
    until_says(world.gateway(0), KEY, "again").await;
    let (at, _) = eventually("the Lease is of the same time", async || {
        let lease = lease(&world, world.gateway(0)).await?;
        let number = |value: &Value| value.as_str()?.parse::<u64>().ok();
        let metadata = &lease["metadata"];
        let at = number(&metadata["annotations"]["weir.dev/revision"])?;
        (at >= after && at <= number(&metadata["resourceVersion"])?).then_some(at)
    })
    .await;
    assert!(at < before);

    // A store that is restored behind an API server that was not told.
    world.cluster().compact().await;
    world.cluster().restart_api_server().await;
    publisher.publish(&shard("a", KEY, "last")).await;
    until_says(world.gateway(0), KEY, "last").await;
}

#[tokio::test]
async fn what_is_too_large_for_one_secret_is_joined_and_a_list_that_breaks_off_is_none() {
    let Some((mut world, publisher)) = empty("source_large").await else {
        return;
    };
    let names: Vec<(String, String)> = (0..40_000u32)
        .map(|n| {
            let uid = Sha256::of(&n.to_be_bytes()).to_string();
            (format!("account-{n}"), uid)
        })
        .collect();
    let accounts: Vec<(&str, &str)> = names
        .iter()
        .map(|(name, uid)| (name.as_str(), uid.as_str()))
        .collect();
    let large = |text: &str| with_accounts(&shard("large", KEY, text), &accounts);
    assert!(encode(&large("one"), 2, 1).parts.len() > 1);
    publisher.publish(&large("one")).await;
    publisher.root().await;
    world.add_gateway().await;
    world.wait_ready().await;
    assert_eq!(says(world.gateway(0), KEY).await, "one");
    publisher.publish(&large("two")).await;
    until_says(world.gateway(0), KEY, "two").await;

    // The index comes before its parts, as a list in pages may show it.
    let encoded = encode(&large("three"), 2, 1);
    let revision = publisher.write(encoded.index).await;
    let refused = reported(&world, world.gateway(0), revision).await;
    let message = refused[0]["message"].as_str().unwrap();
    assert!(message.ends_with("of its parts"), "{message}");
    assert_eq!(says(world.gateway(0), KEY).await, "two");
    let mut last = 0;
    for part in encoded.parts {
        last = publisher.write(part).await;
    }
    until_says(world.gateway(0), KEY, "three").await;
    // What is reported is kept.
    assert_eq!(reported(&world, world.gateway(0), last).await, json!([]));

    // A list breaks off in the middle, for a gateway that serves what it kept and for a new one.
    for forget in [false, true] {
        world.gateway_mut(0).kill();
        if forget {
            world.gateway(0).forget_state();
        }
        let cuts = world.gateway(0).link().cuts();
        world.gateway(0).link().cut_after(600_000);
        world.gateway_mut(0).start().await;
        let gateway = world.gateway(0);
        eventually("a list was cut off", async || {
            (gateway.link().cuts() > cuts).then_some(())
        })
        .await;
        // The next list may have come by now.
        let said = says(gateway, KEY).await;
        assert!(said == "three" || forget && said == "not_ready", "{said}");
        until_says(gateway, KEY, "three").await;
    }

    // A namespace that can't be read is no other's harm.
    let mut broken = publisher.index(&shard("small", OTHER, "small"));
    broken.data.insert(SHARD_ENTRY.into(), b"no gzip".to_vec());
    let revision = publisher.write(broken).await;
    let refused = reported(&world, world.gateway(0), revision).await;
    assert_eq!(refused[0]["namespace"], "small");
    assert_eq!(says(world.gateway(0), OTHER).await, "invalid_api_key");
    publisher.publish(&shard("small", OTHER, "small")).await;
    until_says(world.gateway(0), OTHER, "small").await;
}
