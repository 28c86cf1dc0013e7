//! What is applied serves, on every gateway, soon.

use serde_json::json;
use weir_tests::cluster::{World, eventually};
use weir_tests::{Provider, Request};

use crate::common::{app, said};

#[tokio::test]
async fn ready_means_that_every_gateway_serves_it_now() {
    let world = World::shared().await;
    let team = world.cluster().namespace("live").await;
    let (route, key) = app(&team).await;
    team.wait_ready(&route).await;
    for gateway in world.gateways() {
        let answer = gateway.ask(&Request::chat(&key, "fast")).await;
        assert_eq!(said(&answer), "first", "{}", world.logs());
    }
    for round in 0..10 {
        let text = format!("round {round}");
        team.apply(&[&Provider::mock("mock", json!({"text": text}))])
            .await;
        team.wait_ready("aiprovider/mock").await;
        // Asked once: it is so already.
        for gateway in world.gateways() {
            let answer = gateway.ask(&Request::chat(&key, "fast")).await;
            assert_eq!(said(&answer), text, "{}", world.logs());
        }
    }
}

#[tokio::test]
async fn what_is_deleted_serves_no_more() {
    let world = World::shared().await;
    let team = world.cluster().namespace("gone").await;
    let (route, key) = app(&team).await;
    team.wait_ready(&route).await;
    team.delete(&route).await;
    for gateway in world.gateways() {
        eventually("the route is gone", async || {
            let answer = gateway.ask(&Request::chat(&key, "fast")).await;
            (answer.status == 404).then_some(())
        })
        .await;
    }
    team.delete("secret/app").await;
    for gateway in world.gateways() {
        eventually("the key is gone", async || {
            let answer = gateway.ask(&Request::chat(&key, "fast")).await;
            (answer.status == 401).then_some(())
        })
        .await;
    }
}
