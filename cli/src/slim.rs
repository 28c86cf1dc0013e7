//! Objects of users, read without what they can spoil.
//!
//! Who may write one object may put any time into its `managedFields`, also one that no type here can hold. One object
//! that can't be read ends the list of all: so that field, which nobody here needs, is dropped before it is understood.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::Value;

/// An object without its `managedFields`.
#[derive(Clone, Debug)]
pub(crate) struct Slim<K>(pub(crate) K);

impl<'de, K: DeserializeOwned> Deserialize<'de> for Slim<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
            metadata.remove("managedFields");
        }
        // What the error quotes may be of a Secret.
        K::deserialize(object)
            .map(Self)
            .map_err(|_| D::Error::custom("it is no such object"))
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;
    use kube::api::{DynamicObject, ObjectList, PartialObjectMeta};
    use serde_json::json;

    use super::*;

    /// The list of all, as the API server writes it.
    fn read<K: DeserializeOwned + Clone>(list: &Value) -> Vec<K> {
        let list: ObjectList<Slim<K>> = serde_json::from_str(&list.to_string()).unwrap();
        list.items.into_iter().map(|Slim(object)| object).collect()
    }

    #[test]
    fn no_object_spoils_the_list_of_all() {
        let object = |name: &str, time: &str| {
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"key": "YQ=="},
                "metadata": {
                    "name": name, "namespace": "team", "finalizers": ["weir.dev/x"],
                    "managedFields": [{"manager": "any", "operation": "Update", "time": time}],
                },
            })
        };
        let items = [
            object("one", "9999-12-31T23:59:59Z"),
            object("two", "2026-11-23T16:00:00Z"),
        ];
        let list = json!({
            "apiVersion": "v1", "kind": "SecretList", "metadata": {"resourceVersion": "7"}, "items": items,
        });
        let plain = serde_json::from_value::<ObjectList<Secret>>(list.clone());
        assert!(plain.is_err(), "else no need of it");
        let secrets: Vec<Secret> = read(&list);
        assert_eq!(secrets.len(), 2);
        assert_eq!(secrets[0].data.as_ref().unwrap()["key"].0, b"a");
        assert_eq!(secrets[0].metadata.finalizers.as_ref().unwrap().len(), 1);
        let objects: Vec<DynamicObject> = read(&list);
        assert_eq!(objects[0].data["data"]["key"], "YQ==");
        let known: Vec<PartialObjectMeta<Secret>> = read(&list);
        assert_eq!(known[1].metadata.name.as_deref(), Some("two"));
    }
}
