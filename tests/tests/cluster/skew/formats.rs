//! Gateways that read other formats of what is published, and what is published in another format.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use weir_config::published::{Entry, Root, SHARD_ENTRY};
use weir_tests::cluster::{
    Account, CONFIG_NAMESPACE, Cluster, GatewayPod, Namespace, Pod, RELEASE_NAMESPACE, Token,
    eventually_else,
};

use super::world;
use crate::load::{Load, all_say, key_of, live, published, ready, root, say, until_say};
use crate::publisher::{Publisher, shard};

/// A gateway pod of another version: its Pod object, and the Lease that it writes with its own token.
struct Other {
    pod: Pod,
    leases: Api<Lease>,
    secrets: Api<Secret>,
    formats: &'static str,
}

impl Other {
    async fn start(cluster: &Cluster, name: &str, formats: &'static str) -> Self {
        let pod = Pod::of_chart(cluster, Account::Gateway, name).await;
        let ask = Token {
            pod: Some(&pod),
            ..Token::default()
        };
        let account = Account::Gateway.name();
        let token = cluster.token(RELEASE_NAMESPACE, account, &ask).await;
        let client = cluster.client_for(&token).await;
        let other = Self {
            pod,
            leases: Api::namespaced(client.clone(), CONFIG_NAMESPACE),
            secrets: Api::namespaced(client, CONFIG_NAMESPACE),
            formats,
        };
        other.takes_up().await;
        other
    }

    /// It takes up all that is published, and says so.
    async fn takes_up(&self) {
        let all = self.secrets.list(&ListParams::default()).await.unwrap();
        let version = all.metadata.resource_version.unwrap();
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self.pod.name,
                "labels": {"weir.dev/lease": "gateway"},
                "annotations": {
                    "weir.dev/revision": version,
                    "weir.dev/formats": self.formats,
                    "weir.dev/version": "0.0.1",
                    "weir.dev/refused": "[]",
                },
            },
            "spec": {"holderIdentity": self.pod.name, "leaseDurationSeconds": 15},
        });
        let params = PatchParams::apply("weir-gateway").force();
        let patch = Patch::Apply(&lease);
        let written = self.leases.patch(&self.pod.name, &params, &patch);
        written.await.unwrap();
    }
}

async fn until_format(cluster: &Cluster, namespaces: &[&Namespace<'_>], format: u64) {
    eventually_else(&format!("all is of format {format}"), async || {
        let (now, term) = root(cluster).await;
        if now != format {
            return Err(format!("the root is of {now}"));
        }
        for namespace in namespaces {
            let secret = published(namespace).await.ok_or("nothing")?;
            let annotations = &secret["metadata"]["annotations"];
            if annotations["weir.dev/format"].as_str() != Some(&format.to_string()) {
                return Err(format!("{term}: {annotations}"));
            }
        }
        Ok(())
    })
    .await;
}

/// Waits until the status names this pod and no other.
async fn until_behind(namespace: &Namespace<'_>, pod: &str) {
    let what = "only that pod is behind";
    eventually_else(what, async || {
        let condition = namespace.condition("aiprovider/mock", "Programmed").await;
        let condition = condition.ok_or("none")?;
        let message = condition["message"].as_str().unwrap();
        let named = message.rsplit_once(' ').map(|(_, last)| last);
        if condition["reason"] == "GatewaysBehind" && named == Some(pod) {
            return Ok(());
        }
        Err(condition.to_string())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_of_another_version_are_written_what_they_read() {
    let Some(mut world) = world("skew_formats").await else {
        return;
    };
    let (cluster, _operators, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    let still = cluster.namespace("still").await;
    live(&still, gateways, "still").await;
    live(&team, gateways, "one").await;
    until_format(cluster, &[&team, &still], 3).await;
    let load = Load::on(&team, gateways);

    // Half-way in an upgrade: one pod is of the version before, and knows no format above 2.
    let older = Other::start(cluster, "weir-gateway-older", "1,2").await;
    until_format(cluster, &[&team, &still], 2).await;
    say(&team, "two").await;
    until_say(&team, gateways, "two").await;
    until_behind(&team, &older.pod.name).await;
    older.takes_up().await;
    ready(&team, gateways, "two").await;
    until_format(cluster, &[&team, &still], 2).await;

    // It goes, and with it the reason to write format 2. One of the version to come changes nothing.
    older.pod.delete(cluster).await;
    until_format(cluster, &[&team, &still], 3).await;
    let newer = Other::start(cluster, "weir-gateway-newer", "3,4").await;
    say(&team, "three").await;
    until_say(&team, gateways, "three").await;
    until_behind(&team, &newer.pod.name).await;
    newer.takes_up().await;
    ready(&team, gateways, "three").await;
    assert_eq!(root(cluster).await.0, 3);
    newer.pod.delete(cluster).await;

    // Back to the version before, with a change while both are there.
    let older = Other::start(cluster, "weir-gateway-older-again", "1,2").await;
    say(&team, "four").await;
    until_format(cluster, &[&team, &still], 2).await;
    until_say(&team, gateways, "four").await;
    older.takes_up().await;
    ready(&team, gateways, "four").await;
    all_say(&still, gateways, "still").await.unwrap();
    load.finish().await;
}

/// What the Lease of a gateway says is refused, once it is about these namespaces.
async fn refused(cluster: &Cluster, gateway: &GatewayPod, namespaces: &[&str]) -> Value {
    let lease = format!("lease/{}", gateway.pod().name);
    let (refused, _) = eventually_else("that is refused", async || {
        let lease = cluster.get(CONFIG_NAMESPACE, &lease).await.ok_or("none")?;
        let text = lease["metadata"]["annotations"]["weir.dev/refused"].as_str();
        let refused: Value = serde_json::from_str(text.unwrap()).unwrap();
        let all = refused.as_array().unwrap().iter();
        let about: Vec<&str> = all.map(|one| one["namespace"].as_str().unwrap()).collect();
        if about == namespaces {
            Ok(refused.clone())
        } else {
            Err(format!("{refused}\n{}", gateway.log.text()))
        }
    })
    .await;
    refused
}

/// The Secret of a namespace whose shard has a field more.
fn with_future_field(mut entry: Entry, shard: &weir_config::snapshot::Shard) -> Entry {
    let mut value = serde_json::to_value(shard).unwrap();
    value["guardPolicies"] = json!({"pii": {"action": "Redact"}});
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(value.to_string().as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    entry.data.insert(SHARD_ENTRY.into(), packed);
    entry
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_of_the_future_published_is_refused_and_put_right() {
    let Some(mut world) = world("skew_future").await else {
        return;
    };
    let mut publisher = Publisher::of(&world).await;
    let (cluster, operators, gateways) = world.parts();
    let fields = cluster.namespace("fields").await;
    let formats = cluster.namespace("formats").await;
    let team = cluster.namespace("team").await;
    live(&fields, gateways, "fields").await;
    live(&formats, gateways, "formats").await;
    live(&team, gateways, "one").await;
    let mut load = Load::on(&team, gateways);
    for operator in operators.iter_mut() {
        operator.kill();
    }

    let (_, term) = root(cluster).await;
    publisher.term = term + 1;
    let future = Root {
        format: 4,
        term: term + 1,
    };
    publisher.write(future.encode()).await;
    for namespace in [&formats, &team] {
        let next = shard(namespace.name(), &key_of(namespace), "future");
        let mut entry = publisher.index(&next);
        let format = "weir.dev/format".to_owned();
        entry.annotations.insert(format, "4".into());
        publisher.write(entry).await;
    }
    let next = shard(fields.name(), &key_of(&fields), "future");
    let entry = with_future_field(publisher.index(&next), &next);
    publisher.write(entry).await;
    let mut names = [&fields, &formats, &team].map(|namespace| namespace.name());
    names.sort_unstable();
    for restarted in [false, true] {
        if restarted {
            load.end(&gateways[0]).await;
            gateways[0].kill();
            gateways[0].start().await;
            gateways[0].wait_ready().await;
            load.begin(&gateways[0]);
        }
        for gateway in gateways.iter() {
            let refused = refused(cluster, gateway, &names).await;
            let of = |name: &str| {
                let mut all = refused.as_array().unwrap().iter();
                let found = all.find(|one| one["namespace"] == name).unwrap();
                found["message"].as_str().unwrap().to_owned()
            };
            assert!(of(team.name()).contains("format 4"), "{refused}");
            let unknown = "has something that this version does not know";
            assert!(of(fields.name()).contains(unknown), "{refused}");
        }
        all_say(&team, gateways, "one").await.unwrap();
        all_say(&fields, gateways, "fields").await.unwrap();
        all_say(&formats, gateways, "formats").await.unwrap();
    }

    // The operator is rolled back, and something has changed meanwhile.
    say(&team, "two").await;
    for operator in operators.iter_mut() {
        operator.start().await;
    }
    ready(&team, gateways, "two").await;
    ready(&fields, gateways, "fields").await;
    ready(&formats, gateways, "formats").await;
    assert_eq!(root(cluster).await, (3, term + 2));
    for gateway in gateways.iter() {
        refused(cluster, gateway, &[]).await;
    }
    let texts = load.finish().await;
    assert_eq!(texts, ["one", "two"].map(str::to_owned).into());
}
