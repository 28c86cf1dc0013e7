//! Publishes as an operator does, for what an operator that works as it should never does.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ObjectMeta, Patch, PatchParams};
use weir_config::compile::{Input, compile};
use weir_config::published::{Entry, Root, SECRET_TYPE, encode, shard_name};
use weir_config::snapshot::Shard;
use weir_config::text::parse_file;
use weir_tests::cluster::{CONFIG_NAMESPACE, World};
use weir_tests::{Key, Provider, Route};

/// The admin, who writes what an operator would.
pub(crate) struct Publisher {
    secrets: Api<Secret>,
    /// What a leader writes with.
    pub(crate) term: u64,
}

impl Publisher {
    pub(crate) async fn of(world: &World) -> Self {
        let client = world.cluster().client().await;
        Self {
            secrets: Api::namespaced(client, CONFIG_NAMESPACE),
            term: 1,
        }
    }

    /// Writes a Secret; gives the revision.
    pub(crate) async fn write(&self, entry: Entry) -> u64 {
        let data = entry.data.into_iter();
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(entry.name.clone()),
                labels: Some(entry.labels),
                annotations: Some(entry.annotations),
                ..ObjectMeta::default()
            },
            type_: Some(SECRET_TYPE.into()),
            data: Some(
                data.map(|(name, bytes)| (name, ByteString(bytes)))
                    .collect(),
            ),
            ..Secret::default()
        };
        let params = PatchParams::apply("a-test").force();
        let patch = Patch::Apply(&secret);
        let written = self.secrets.patch(&entry.name, &params, &patch).await;
        let version = written.unwrap().metadata.resource_version;
        version.unwrap().parse().unwrap()
    }

    pub(crate) async fn root(&self) -> u64 {
        let root = Root {
            format: 2,
            term: self.term,
        };
        self.write(root.encode()).await
    }

    pub(crate) fn index(&self, shard: &Shard) -> Entry {
        encode(shard, 2, self.term).index
    }

    /// Publishes a namespace, with as many Secrets as it takes.
    pub(crate) async fn publish(&self, shard: &Shard) -> u64 {
        let encoded = encode(shard, 2, self.term);
        for part in encoded.parts {
            self.write(part).await;
        }
        self.write(encoded.index).await
    }

    pub(crate) async fn delete(&self, name: &str) {
        let deleted = self.secrets.delete(name, &Default::default()).await;
        deleted.unwrap();
    }

    pub(crate) async fn withdraw(&self, namespace: &str) {
        self.delete(&shard_name(namespace)).await;
    }
}

/// A namespace with a mock that says `text`, a route to it for the model `fast`, and a key.
pub(crate) fn shard(namespace: &str, key: &str, text: &str) -> Shard {
    let mock = Provider::mock("mock", serde_json::json!({"text": text}));
    let route = Route::named("chat").models(&["fast"]).to("mock");
    let documents = [
        mock.in_namespace(namespace).to_string(),
        route.in_namespace(namespace).to_string(),
        Key::named("app", key).in_namespace(namespace).to_string(),
    ];
    let parsed = parse_file("all.yaml", documents.join("\n---\n").as_bytes());
    let documents: Vec<_> = parsed.documents.into_iter().map(Arc::new).collect();
    let compiled = compile(&Input {
        documents: &documents,
        unreadable: &[],
        env: None,
        previous: None,
        gateway_namespace: None,
    });
    let refused: Vec<_> = compiled
        .verdicts
        .iter()
        .filter(|verdict| !verdict.problems().is_empty())
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    Shard::clone(&compiled.snapshot.namespaces[namespace])
}

/// With these ServiceAccounts in it.
pub(crate) fn with_accounts(shard: &Shard, accounts: &[(&str, &str)]) -> Shard {
    let owned = |&(name, uid): &(&str, &str)| (name.to_owned(), uid.to_owned());
    Shard {
        service_accounts: accounts.iter().map(owned).collect::<BTreeMap<_, _>>(),
        ..shard.clone()
    }
}
