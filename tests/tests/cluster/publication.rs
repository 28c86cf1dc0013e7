//! What is published where: a namespace's Secret alone, put right where it was edited, and in parts
//! where it is too big for one. One that the API server refuses holds up no other.

use std::time::Duration;

use serde_json::{Value, json};
use weir_config::published::MAX_BYTES;
use weir_tests::cluster::{
    CONFIG_NAMESPACE, Cluster, World, eventually, eventually_else, throughout,
};
use weir_tests::{Key, Provider, Route};

use crate::told::{READY, until};

fn mock() -> Provider {
    Provider::mock("mock", json!({"text": "Hello"}))
}

fn route(models: &[&str]) -> Route {
    Route::named("chat").models(models).to("mock")
}

async fn published(cluster: &Cluster, name: &str) -> Option<Value> {
    cluster
        .get(CONFIG_NAMESPACE, &format!("secret/{name}"))
        .await
}

fn size(secret: &Value, entry: &str) -> usize {
    let bytes = secret["data"][entry].clone();
    let bytes: k8s_openapi::ByteString = serde_json::from_value(bytes).unwrap();
    bytes.0.len()
}

#[tokio::test]
async fn what_was_edited_or_deleted_by_hand_is_put_right() {
    let world = World::shared().await;
    let cluster = world.cluster();
    let team = cluster.namespace("edited").await;
    let key = format!("key-of-{}-0123456789-0123456789", team.name());
    team.apply(&[&mock(), &route(&["chat"]), &Key::named("app", &key)])
        .await;
    until(&team, "airoute/chat", &READY).await;
    let name = format!("ns.{}", team.name());
    let good = published(cluster, &name).await.unwrap();
    let secret = format!("secret/{name}");
    let until_right = async || {
        let (now, _) = eventually_else("it is put right", async || {
            let now = published(cluster, &name).await.ok_or("it is gone")?;
            let right = ["data", "type"]
                .iter()
                .all(|field| now[*field] == good[*field])
                && now["metadata"]["labels"] == good["metadata"]["labels"];
            right
                .then(|| now.clone())
                .ok_or_else(|| now["metadata"].to_string())
        })
        .await;
        // What it is about serves all the while, and is found to.
        until(&team, "airoute/chat", &READY).await;
        for gateway in world.gateways() {
            gateway.assert_serves(&key, "chat").await;
        }
        now
    };
    let patch = [
        "patch",
        &secret,
        "-n",
        CONFIG_NAMESPACE,
        "--type=merge",
        "-p",
    ];
    for edit in [
        r#"{"data": {"shard": "bm8gZ3ppcA=="}}"#,
        r#"{"data": {"shard": null}}"#,
        r#"{"metadata": {"labels": {"weir.dev/config": "part"}}}"#,
        r#"{"data": {"shard": null, "parts": "WyJwYXJ0Lm5vbmUiXQ=="}}"#,
    ] {
        cluster.kubectl(&[&patch[..], &[edit]].concat()).await.ok();
        let edited = until_right().await;
        let revision = |secret: &Value| {
            let version = secret["metadata"]["resourceVersion"].as_str().unwrap();
            version.parse::<u64>().unwrap()
        };
        assert!(revision(&edited) > revision(&good));
    }
    let delete = ["delete", &secret, "-n", CONFIG_NAMESPACE];
    cluster.kubectl(&delete).await.ok();
    until_right().await;
    // A change goes its usual way after that.
    team.apply(&[&route(&["chat", "more"])]).await;
    until(&team, "airoute/chat", &READY).await;
    for gateway in world.gateways() {
        gateway.assert_serves(&key, "more").await;
    }
}

#[tokio::test]
async fn a_namespace_too_big_for_a_secret_travels_in_parts() {
    let world = World::shared().await;
    let cluster = world.cluster();
    let team = cluster.namespace("large").await;
    let key = format!("key-of-{}-0123456789-0123456789", team.name());
    team.apply(&[&mock(), &route(&["small"]), &Key::named("app", &key)])
        .await;
    until(&team, "airoute/chat", &READY).await;
    let name = format!("ns.{}", team.name());
    assert!(published(cluster, &name).await.unwrap()["data"]["parts"].is_null());

    let mut noise = Noise(7);
    let big: Vec<String> = (0..5)
        .map(|number| {
            big(number, &mut noise)
                .in_namespace(team.name())
                .to_string()
        })
        .collect();
    let big: Vec<&dyn std::fmt::Display> = big.iter().map(|one| one as _).collect();
    let text = weir_tests::folder::documents_of(&big);
    // Not by `apply`, which writes all of it into an annotation too.
    let create = ["create", "-f", "-"];
    cluster.kubectl_with(&create, &text).await.ok();
    for number in 0..5 {
        until(&team, &format!("airoute/big-{number}"), &READY).await;
    }
    let index = published(cluster, &name).await.unwrap();
    assert!(index["data"]["shard"].is_null(), "{}", index["metadata"]);
    let parts = parts_of(&index);
    assert!(parts.len() >= 2, "{parts:?}");
    for part in &parts {
        let part = published(cluster, part).await.unwrap();
        assert!(size(&part, "part") <= MAX_BYTES);
        assert_eq!(part["metadata"]["labels"]["weir.dev/config"], "part");
    }
    for gateway in world.gateways() {
        for model in ["big-0", "big-4", "small"] {
            gateway.assert_serves(&key, model).await;
        }
    }

    // Back to one piece: the parts go.
    let delete = [
        "delete", "airoute", "big-0", "big-1", "big-2", "big-3", "big-4",
    ];
    team.kubectl(&delete).await.ok();
    eventually_else("the parts are gone", async || {
        let index = published(cluster, &name).await.unwrap();
        if index["data"]["shard"].is_null() {
            return Err(index["metadata"].to_string());
        }
        for part in &parts {
            if published(cluster, part).await.is_some() {
                return Err(part.clone());
            }
        }
        Ok(())
    })
    .await;
    for gateway in world.gateways() {
        gateway.assert_serves(&key, "small").await;
    }
}

/// A policy by which the API server refuses one Secret.
const POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: NAME}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [secrets]}
  matchConditions:
  - {name: this-one, expression: "object.metadata.name == 'NAME'"}
  validations:
  - {expression: "false", message: "not this one"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: NAME}
spec: {policyName: NAME, validationActions: [Deny]}
"#;

#[tokio::test]
async fn a_namespace_that_the_server_refuses_holds_up_no_other_and_is_tried_again() {
    let world = World::shared().await;
    let cluster = world.cluster();
    let refused = cluster.namespace("admission").await;
    let other = cluster.namespace("admitted").await;
    let name = format!("ns.{}", refused.name());
    cluster.apply(&POLICY.replace("NAME", &name)).await;
    let dry = ["create", "secret", "generic", &name, "--dry-run=server"];
    let dry = [&dry[..], &["-n", CONFIG_NAMESPACE]].concat();
    eventually("the policy is in force", async || {
        let said = cluster.kubectl(&dry).await;
        (said.status != 0 && said.stderr.contains("not this one")).then_some(())
    })
    .await;
    let key = |team: &str| format!("key-of-{team}-0123456789-0123456789");
    for team in [&refused, &other] {
        let key = Key::named("app", &key(team.name()));
        team.apply(&[&mock(), &route(&["chat"]), &key]).await;
    }
    // It is tried again and again meanwhile.
    until(&other, "airoute/chat", &READY).await;
    throughout(
        Duration::from_secs(5),
        "it is not published",
        async || match published(cluster, &name).await {
            None => Ok(()),
            Some(secret) => Err(secret["metadata"].to_string()),
        },
    )
    .await;
    let ready = refused.condition("airoute/chat", "Ready").await.unwrap();
    assert_ne!(ready["status"], "True", "{ready}");
    for model in ["one", "two", "three"] {
        other.apply(&[&route(&[model])]).await;
        until(&other, "airoute/chat", &READY).await;
        for gateway in world.gateways() {
            gateway.assert_serves(&key(other.name()), model).await;
        }
    }
    for kind in [
        "validatingadmissionpolicybinding",
        "validatingadmissionpolicy",
    ] {
        cluster.kubectl(&["delete", kind, &name]).await.ok();
    }
    until(&refused, "airoute/chat", &READY).await;
    for gateway in world.gateways() {
        gateway.assert_serves(&key(refused.name()), "chat").await;
    }
}

fn parts_of(index: &Value) -> Vec<String> {
    let bytes = index["data"]["parts"].clone();
    let bytes: k8s_openapi::ByteString = serde_json::from_value(bytes).unwrap();
    serde_json::from_slice(&bytes.0).unwrap()
}

/// A route of 64 rules whose expressions compress badly.
fn big(number: usize, noise: &mut Noise) -> Route {
    let name = format!("big-{number}");
    let route = Route::named(&name).models(&[&name]);
    let backends = json!([{"provider": {"name": "mock"}}]);
    let mut rules: Vec<Value> = (0..63)
        .map(|_| {
            let when = format!("request.model == \"{}\"", noise.text(4000));
            json!({"when": when, "backends": backends})
        })
        .collect();
    rules.push(json!({"backends": backends}));
    route.with("/spec/rules", rules.into())
}

/// xorshift64: text that looks random, the same each time.
struct Noise(u64);

impl Noise {
    fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut letter = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            char::from(LETTERS[usize::try_from(self.0 >> 58).unwrap()])
        };
        (0..length).map(|_| letter()).collect()
    }
}
