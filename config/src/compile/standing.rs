//! Which object a document stands for, for sources that remember what their files held.

use super::object::{Found, Object};
use crate::text::Document;
use crate::verdict::{Kind, ObjectId};

/// Which object a document stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// This one: of a kind that is read, with a name and a namespace that are valid. What is in it may be wrong.
    Object(ObjectId),
    /// One of another kind, which is skipped.
    Other,
    /// One of ours, and one can't tell which: its `apiVersion` or its kind is wrong, or its name or namespace is
    /// missing or invalid. It may be any that its file held before.
    Unclear,
}

/// Which object a document stands for. A source that reads files remembers these, to name them as
/// [`Input::unreadable`](super::Input::unreadable) once a file can't be read, or a document of it is unclear.
#[must_use]
pub fn stands_for(document: &Document) -> Standing {
    match Object::of(document) {
        Found::Ours(object) if is_clear(&object) => Standing::Object(object.id),
        Found::Ours(_) => Standing::Unclear,
        Found::Other(_) => Standing::Other,
    }
}

fn is_clear(object: &Object<'_>) -> bool {
    let kind = &object.id.kind;
    object
        .problems
        .iter()
        .all(|problem| match problem.field.as_str() {
            "apiVersion" | "kind" | "metadata" | "metadata.name" => false,
            // A Namespace has none; one that says otherwise is the same still.
            "metadata.namespace" => *kind == Kind::Namespace,
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn standing(api: &str, kind: &str, metadata: Value) -> Standing {
        let value = json!({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": 5});
        stands_for(&Document::from(value))
    }

    #[test]
    fn a_document_stands_for_the_object_that_it_names() {
        let weir = "weir.dev/v1alpha1";
        let object = |kind, namespace, name| Standing::Object(ObjectId::new(kind, namespace, name));
        for (api, kind, metadata, expected) in [
            (
                weir,
                "AIRoute",
                json!({"name": "a", "namespace": "b", "labels": 5, "oops": 1}),
                object(Kind::AiRoute, "b", "a"),
            ),
            (
                weir,
                "AIProvider",
                json!({"name": "a"}),
                object(Kind::AiProvider, "default", "a"),
            ),
            (
                "v1",
                "Secret",
                json!({"name": "a.b"}),
                object(Kind::Secret, "default", "a.b"),
            ),
            (
                "v1",
                "Namespace",
                json!({"name": "a", "namespace": "b"}),
                object(Kind::Namespace, "", "a"),
            ),
            (
                "apps/v1",
                "Deployment",
                json!({"name": "a"}),
                Standing::Other,
            ),
            ("foo.example/v1", "Secret", json!({}), Standing::Other),
        ] {
            let found = standing(api, kind, metadata.clone());
            assert_eq!(found, expected, "{api} {kind} {metadata}");
        }
    }

    #[test]
    fn a_document_that_could_be_any_is_unclear() {
        let weir = "weir.dev/v1alpha1";
        for (api, kind, metadata) in [
            ("weir.dev/v2", "AIRoute", json!({"name": "a"})),
            ("v1alpha1", "AIRoute", json!({"name": "a"})),
            ("core/v1", "Secret", json!({"name": "a"})),
            (weir, "AIRout", json!({"name": "a"})),
            (weir, "AIRoute", json!({})),
            (weir, "AIRoute", json!({"name": null})),
            (weir, "AIRoute", json!({"name": 5})),
            (weir, "AIRoute", json!({"name": "A b"})),
            (weir, "AIRoute", json!({"name": ""})),
            (weir, "AIRoute", json!("a")),
            (weir, "AIRoute", Value::Null),
            (weir, "AIRoute", json!({"name": "a", "namespace": 5})),
            (weir, "AIRoute", json!({"name": "a", "namespace": "a.b"})),
            ("v1", "Namespace", json!({"name": "A"})),
        ] {
            let found = standing(api, kind, metadata.clone());
            assert_eq!(found, Standing::Unclear, "{api} {kind} {metadata}");
        }
    }
}
