//! What is kept of the objects that watches see: no more than is needed.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::DynamicObject;
use serde_json::{Map, Value, json};
use weir_config::text::Document;
use weir_config::{Kind, ObjectId};
use weir_records::lease::{ReadError, Report};

use crate::status::Status;

/// The type of Secrets that are API keys, and the label of others that are.
pub const KEY_TYPE: &str = "weir.dev/api-key";
/// What kubectl keeps of what was last applied: for a Secret, the values.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Which object, in which state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Its namespace; empty for a Namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Its resourceVersion.
    pub version: String,
    /// Its labels, where they matter.
    pub labels: BTreeMap<String, String>,
}

impl Meta {
    /// Without the labels.
    pub fn bare(meta: ObjectMeta) -> Self {
        Self {
            namespace: meta.namespace.unwrap_or_default(),
            name: meta.name.unwrap_or_default(),
            uid: meta.uid.unwrap_or_default(),
            version: meta.resource_version.unwrap_or_default(),
            labels: BTreeMap::new(),
        }
    }

    /// With the labels.
    pub fn with_labels(mut meta: ObjectMeta) -> Self {
        let labels = meta.labels.take().unwrap_or_default();
        Self {
            labels,
            ..Self::bare(meta)
        }
    }
}

/// An AIProvider or an AIRoute.
#[derive(Clone, Debug)]
pub struct Object {
    /// Which one.
    pub id: ObjectId,
    /// Its UID.
    pub uid: String,
    /// Its resourceVersion.
    pub version: String,
    /// The generation of its spec.
    pub generation: i64,
    /// What the compiler reads.
    pub document: Arc<Document>,
    /// Its status, so far as it is one that the operator could have written.
    pub status: Status,
}

impl Object {
    /// Takes over what is needed of an object of this kind.
    pub fn of(kind: &Kind, object: DynamicObject) -> Self {
        let meta = object.metadata;
        let mut fields = match object.data {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let status = fields.remove("status").map(|status| Status::read(&status));
        let api = format!("{}/{}", weir_crds::GROUP, weir_crds::VERSION);
        let document = document(&api, kind.as_str(), &meta, fields);
        let bare = Meta::bare(meta.clone());
        Self {
            id: ObjectId::new(kind.clone(), bare.namespace, bare.name),
            uid: bare.uid,
            version: bare.version,
            generation: meta.generation.unwrap_or_default(),
            document,
            status: status.unwrap_or_default(),
        }
    }
}

/// A Secret with what is in it.
#[derive(Clone, Debug)]
pub struct KeySecret {
    /// Which one, in which state.
    pub meta: Meta,
    /// What the compiler reads.
    pub document: Arc<Document>,
}

impl KeySecret {
    /// Takes over what is needed of a Secret.
    pub fn of(secret: Secret) -> Self {
        let mut fields = Map::new();
        if let Some(kind) = secret.type_ {
            fields.insert("type".into(), Value::String(kind));
        }
        if let Some(data) = secret.data
            && let Ok(data) = serde_json::to_value(data)
        {
            fields.insert("data".into(), data);
        }
        let document = document("v1", "Secret", &secret.metadata, fields);
        Self {
            meta: Meta::with_labels(secret.metadata),
            document,
        }
    }
}

/// The document of a Namespace.
pub fn namespace(meta: &Meta) -> Arc<Document> {
    let metadata = json!({"name": meta.name, "labels": meta.labels});
    let value = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
    Arc::new(Document::from(value))
}

fn document(
    api: &str,
    kind: &str,
    meta: &ObjectMeta,
    mut fields: Map<String, Value>,
) -> Arc<Document> {
    let mut metadata = Map::new();
    let texts = [("name", &meta.name), ("namespace", &meta.namespace)];
    for (field, text) in texts {
        if let Some(text) = text {
            metadata.insert(field.into(), Value::String(text.clone()));
        }
    }
    if let Some(created) = &meta.creation_timestamp {
        metadata.insert(
            "creationTimestamp".into(),
            Value::String(created.0.to_string()),
        );
    }
    for (field, texts) in [("labels", &meta.labels), ("annotations", &meta.annotations)] {
        let texts: Map<String, Value> = texts
            .iter()
            .flatten()
            .filter(|(name, _)| *name != LAST_APPLIED)
            .map(|(name, text)| (name.clone(), Value::String(text.clone())))
            .collect();
        if !texts.is_empty() {
            metadata.insert(field.into(), Value::Object(texts));
        }
    }
    fields.insert("apiVersion".into(), api.into());
    fields.insert("kind".into(), kind.into());
    fields.insert("metadata".into(), Value::Object(metadata));
    Arc::new(Document::from(Value::Object(fields)))
}

/// The lease of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseSeen {
    /// Which one; its name is the pod's.
    pub meta: Meta,
    /// What the gateway says.
    pub report: Result<Report, ReadError>,
}

impl LeaseSeen {
    /// Takes over what is needed of a Lease.
    pub fn of(mut lease: Lease) -> Self {
        let annotations = lease.metadata.annotations.take().unwrap_or_default();
        Self {
            meta: Meta::bare(lease.metadata),
            report: Report::read(&annotations),
        }
    }
}

/// A Secret of the publication. What is in it is not kept, but for the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedSeen {
    /// Its name.
    pub name: String,
    /// Its resourceVersion.
    pub version: String,
    /// A number for all that gateways read of it, terms aside.
    pub digest: u64,
    /// The term in its annotations, if there is one.
    pub term: Option<u64>,
}

impl PublishedSeen {
    /// Takes over what is needed of a Secret.
    pub fn of(secret: Secret) -> Self {
        let data = secret.data.unwrap_or_default();
        let annotations = secret.metadata.annotations.unwrap_or_default();
        let labels = secret.metadata.labels.unwrap_or_default();
        let term = annotations
            .get(weir_config::published::TERM_ANNOTATION)
            .and_then(|term| term.parse().ok());
        Self {
            digest: digest(
                data.iter().map(|(name, ByteString(bytes))| (name, bytes)),
                &annotations,
                &labels,
            ),
            name: secret.metadata.name.unwrap_or_default(),
            version: secret.metadata.resource_version.unwrap_or_default(),
            term,
        }
    }
}

/// A number for what gateways read of a Secret, terms aside; the same for the same within one process.
pub fn digest<'a>(
    data: impl IntoIterator<Item = (&'a String, &'a Vec<u8>)>,
    annotations: &BTreeMap<String, String>,
    labels: &BTreeMap<String, String>,
) -> u64 {
    use weir_config::published::{FORMAT_ANNOTATION, MANAGED_BY_LABEL, ROLE_LABEL};
    let mut hasher = DefaultHasher::new();
    for (name, bytes) in data {
        (name, bytes).hash(&mut hasher);
    }
    annotations.get(FORMAT_ANNOTATION).hash(&mut hasher);
    for label in [ROLE_LABEL, MANAGED_BY_LABEL] {
        labels.get(label).hash(&mut hasher);
    }
    hasher.finish()
}
