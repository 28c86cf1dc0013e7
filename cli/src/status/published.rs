//! What the operator has published, by the metadata of its Secrets.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use weir_config::published::{
    FORMAT_ANNOTATION, ROLE_LABEL, ROLE_PART, ROLE_ROOT, ROLE_SHARD, TERM_ANNOTATION, namespace_of,
};

/// What is published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Published {
    /// None if the operator has never published, not even that there is nothing.
    pub(super) root: Option<Secret>,
    /// By namespace.
    pub(super) shards: Vec<Secret>,
    /// Secrets that hold more of a shard.
    pub(super) parts: usize,
}

/// One Secret: the root, or the config of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Secret {
    /// The namespace whose config it is; empty for the root.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) namespace: String,
    pub(super) revision: u64,
    pub(super) format: Option<u32>,
    pub(super) term: Option<u64>,
}

impl Published {
    pub(super) fn read<'a>(secrets: impl Iterator<Item = &'a ObjectMeta>) -> Self {
        let mut published = Self::default();
        for secret in secrets {
            let labels = secret.labels.as_ref();
            match labels
                .and_then(|labels| labels.get(ROLE_LABEL))
                .map(String::as_str)
            {
                Some(ROLE_ROOT) => published.root = Some(Secret::read(secret)),
                Some(ROLE_SHARD) => published.shards.push(Secret::read(secret)),
                Some(ROLE_PART) => published.parts += 1,
                _ => {}
            }
        }
        published
            .shards
            .sort_by(|a, b| a.namespace.cmp(&b.namespace));
        published
    }

    /// The revision that a gateway runs when it has taken up all of it.
    pub(super) fn newest(&self) -> u64 {
        let all = self.root.iter().chain(&self.shards);
        all.map(|secret| secret.revision).max().unwrap_or_default()
    }

    /// The config of a namespace.
    pub(super) fn shard(&self, namespace: &str) -> Option<&Secret> {
        let found = self
            .shards
            .binary_search_by(|shard| shard.namespace.as_str().cmp(namespace));
        found.ok().map(|at| &self.shards[at])
    }
}

impl Secret {
    fn read(secret: &ObjectMeta) -> Self {
        let annotation = |name| secret.annotations.as_ref().and_then(|all| all.get(name));
        let name = secret.name.as_deref().unwrap_or_default();
        let version = secret.resource_version.as_deref();
        Self {
            namespace: namespace_of(name).unwrap_or_default().to_owned(),
            revision: version
                .and_then(|version| version.parse().ok())
                .unwrap_or_default(),
            format: annotation(FORMAT_ANNOTATION).and_then(|format| format.parse().ok()),
            term: annotation(TERM_ANNOTATION).and_then(|term| term.parse().ok()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    fn secret(name: &str, kind: &str, version: &str) -> ObjectMeta {
        let secret = json!({
            "name": name, "resourceVersion": version, "labels": {ROLE_LABEL: kind},
            "annotations": {FORMAT_ANNOTATION: "2", TERM_ANNOTATION: "3"},
        });
        serde_json::from_value(secret).unwrap()
    }

    /// A root at 500, shop at 700, bank at 600.
    pub(in crate::status) fn published() -> Published {
        let secrets = [
            secret("ns.shop", "shard", "700"),
            secret("part.0123", "part", "800"),
            secret("0-root", "root", "500"),
            secret("ns.bank", "shard", "600"),
            secret("ns.later", "something of a later version", "900"),
        ];
        Published::read(secrets.iter())
    }

    #[test]
    fn the_newest_is_that_of_root_and_shards() {
        let published = published();
        assert_eq!(published.newest(), 700);
        assert_eq!(published.parts, 1);
        assert_eq!(Published::default().newest(), 0);
    }

    #[test]
    fn a_shard_is_found_by_its_namespace() {
        let published = published();
        let shop = Secret {
            namespace: "shop".into(),
            revision: 700,
            format: Some(2),
            term: Some(3),
        };
        assert_eq!(published.shard("shop"), Some(&shop));
        assert_eq!(published.shard("later"), None);
    }
}
