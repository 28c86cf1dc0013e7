//! Objects of users, read without what they can spoil.
//!
//! Who may write one object may put any time into its `managedFields`, also one that no type here can hold. One object
//! that can't be read ends the list of all: so what nobody here needs is dropped before it is understood.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// What is read of `metadata`.
const METADATA: [&str; 8] = [
    "annotations",
    "creationTimestamp",
    "generation",
    "labels",
    "name",
    "namespace",
    "resourceVersion",
    "uid",
];

/// An object with no more of its metadata than is used.
#[derive(Clone, Debug)]
pub struct Slim<K>(pub K);

impl<'de, K: DeserializeOwned> Deserialize<'de> for Slim<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
            metadata.retain(|name, _| METADATA.contains(&name.as_str()));
        }
        // What the error quotes may be of a Secret.
        K::deserialize(object)
            .map(Self)
            .map_err(|_| D::Error::custom("it is no such object"))
    }
}

impl<K: Serialize> Serialize for Slim<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<K: Resource> Resource for Slim<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(of: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(of)
    }

    fn group(of: &Self::DynamicType) -> Cow<'_, str> {
        K::group(of)
    }

    fn version(of: &Self::DynamicType) -> Cow<'_, str> {
        K::version(of)
    }

    fn plural(of: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(of)
    }

    fn metadata_api() -> bool {
        K::metadata_api()
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.meta()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.meta_mut()
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
    use kube::api::{DynamicObject, PartialObjectMeta, WatchEvent};
    use serde_json::json;

    use super::*;

    #[test]
    fn no_object_spoils_the_list_of_all() {
        let object = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {
                "name": "web", "namespace": "team", "uid": "u", "resourceVersion": "7", "labels": {"a": "b"},
                "managedFields": [{"manager": "any", "operation": "Update", "time": "9999-12-31T23:59:59Z"}],
            },
            "data": {"key": "YQ=="},
        });
        assert!(Secret::deserialize(&object).is_err(), "else no need of it");
        let Slim(secret) = Slim::<Secret>::deserialize(&object).unwrap();
        assert_eq!(secret.metadata.labels.unwrap()["a"], "b");
        assert_eq!(secret.data.unwrap()["key"].0, b"a");
        let event = json!({"type": "ADDED", "object": object}).to_string();
        let event: WatchEvent<Slim<PartialObjectMeta<ServiceAccount>>> =
            serde_json::from_str(&event).unwrap();
        assert!(matches!(event, WatchEvent::Added(one) if one.meta().uid.as_deref() == Some("u")));
        let Slim(dynamic) = Slim::<DynamicObject>::deserialize(&object).unwrap();
        assert_eq!(dynamic.data["data"]["key"], "YQ==");
        assert!(Slim::<PartialObjectMeta<Secret>>::metadata_api());
        assert!(!Slim::<Secret>::metadata_api());
    }
}
