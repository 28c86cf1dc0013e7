//! What holds whatever the compiler is given.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use weir_config::text::Document;
use weir_config::{Input, Snapshot, compile};

use crate::full;

/// Values of any shape, with the names that the schemas know among them.
fn anything() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "AIProvider",
        "AIRoute",
        "Secret",
        "Namespace",
        "weir.dev/v1alpha1",
        "v1",
        "OpenAI",
        "Mock",
        "team-a",
        "https://a/v1",
        "10s",
        "Selector",
        "All",
        "weir.dev/api-key",
        "true",
        "",
        "a b",
        "*",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let names = prop::sample::select(vec![
            "apiVersion",
            "kind",
            "metadata",
            "spec",
            "name",
            "namespace",
            "labels",
            "annotations",
            "dialect",
            "endpoint",
            "credentials",
            "secretRef",
            "key",
            "models",
            "rules",
            "when",
            "backends",
            "provider",
            "consumers",
            "apiKeys",
            "names",
            "namespaces",
            "from",
            "selector",
            "matchLabels",
            "data",
            "stringData",
            "type",
            "mock",
            "faults",
            "timeouts",
            "retry",
            "allowedRoutes",
            "x",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..6).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

/// An object of one of our kinds whose inside is anything.
fn object() -> impl Strategy<Value = Value> {
    let kinds = prop::sample::select(vec![
        ("weir.dev/v1alpha1", "AIProvider"),
        ("weir.dev/v1alpha1", "AIRoute"),
        ("v1", "Secret"),
        ("v1", "Namespace"),
    ]);
    let names = prop::sample::select(vec!["a", "b"]);
    (kinds, names, anything(), anything()).prop_map(|((api, kind), name, metadata, inside)| {
        let metadata = match metadata {
            Value::Object(mut fields) => {
                fields.insert("name".to_owned(), name.into());
                Value::Object(fields)
            }
            _ => json!({"name": name}),
        };
        json!({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": inside, "data": inside, "type": "weir.dev/api-key"})
    })
}

fn compiled(
    values: &[Value],
    previous: Option<&Snapshot>,
) -> (Snapshot, Vec<weir_config::Verdict>) {
    let documents: Vec<Arc<Document>> = values
        .iter()
        .cloned()
        .map(Document::from)
        .map(Arc::new)
        .collect();
    let compiled = compile(&Input {
        documents: &documents,
        unreadable: &[],
        env: Some(&|_| None),
        previous,
        gateway_namespace: None,
    });
    (compiled.snapshot, compiled.verdicts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_it_is_given_it_compiles_and_stays_what_it_is(values in prop::collection::vec(prop_oneof![object(), anything()], 0..6)) {
        let previous = full();
        let (snapshot, verdicts) = compiled(&values, Some(&previous));
        let (again, same) = compiled(&values, Some(&snapshot));
        prop_assert_eq!(&again, &snapshot, "compiling again changes nothing");
        prop_assert_eq!(verdicts.len(), same.len());
    }

    #[test]
    fn the_order_of_documents_means_nothing(
        (values, shuffled) in prop::collection::vec(object(), 0..6).prop_flat_map(|values| (Just(values.clone()), Just(values).prop_shuffle()))
    ) {
        let previous = full();
        prop_assert_eq!(compiled(&values, Some(&previous)), compiled(&shuffled, Some(&previous)));
    }
}
