//! The generated CRDs: fresh, documented, bounded, and without defaults.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use std::path::Path;

use serde_json::Value;
use weir_crds::schemas;

/// Calls `visit` with the path and the schema of every field, items and map values included.
fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        walk(&format!("{path}.{name}"), field, visit);
    }
    for (keyword, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(inner) = schema.get(keyword) {
            walk(&format!("{path}{suffix}"), inner, visit);
        }
    }
}

fn offenders(offends: impl Fn(&Value) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut fields = 0;
    for (kind, text) in [
        ("AIProvider", schemas::AI_PROVIDER),
        ("AIRoute", schemas::AI_ROUTE),
    ] {
        let schema = serde_json::from_str(text).unwrap();
        walk(kind, &schema, &mut |path, field| {
            fields += 1;
            if offends(field) {
                found.push(path.to_owned());
            }
        });
    }
    assert!(fields > 80, "the schemas were walked: {fields} fields");
    found
}

#[test]
fn generated_files_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let stale: Vec<String> = weir_crds::generate::files()
        .unwrap()
        .into_iter()
        .filter(|file| {
            std::fs::read_to_string(root.join(&file.path)).ok().as_ref() != Some(&file.text)
        })
        .map(|file| file.path)
        .collect();
    assert_eq!(
        stale,
        Vec::<String>::new(),
        "run: cargo run -p weir-crds --features crd --bin generate-crds"
    );
}

#[test]
fn every_field_has_a_description() {
    let bare = offenders(|field| {
        field["description"]
            .as_str()
            .is_none_or(|text| !text.ends_with('.') || text.len() < 15)
    });
    assert_eq!(bare, Vec::<String>::new());
}

#[test]
fn every_text_list_map_and_number_has_bounds() {
    let unbounded = offenders(|field| match field["type"].as_str() {
        Some("string") => field.get("enum").is_none() && field.get("maxLength").is_none(),
        Some("array") => {
            field.get("maxItems").is_none() || field.get("x-kubernetes-list-type").is_none()
        }
        Some("object") => field.get("properties").is_none() && field.get("maxProperties").is_none(),
        Some("integer") => field.get("minimum").is_none() || field.get("maximum").is_none(),
        _ => true,
    });
    assert_eq!(unbounded, Vec::<String>::new());
}

/// A default in `spec` would make Argo CD see a drift; that of `status` is what `kubectl get` shows first.
#[test]
fn no_field_but_status_has_a_default_and_none_takes_null() {
    let nullable = offenders(|field| field.get("nullable").is_some());
    assert_eq!(nullable, Vec::<String>::new());
    let defaulted = offenders(|field| field.get("default").is_some());
    assert_eq!(defaulted, ["AIProvider.status", "AIRoute.status"]);
}

#[test]
fn an_object_is_pending_until_the_operator_has_seen_it() {
    for text in [schemas::AI_PROVIDER, schemas::AI_ROUTE] {
        let schema: Value = serde_json::from_str(text).unwrap();
        let default = &schema["properties"]["status"]["default"];
        assert_eq!(
            *default,
            serde_json::json!({"conditions": [{
                "type": "Ready", "status": "Unknown", "reason": "Pending",
                "message": "Waiting for the operator", "lastTransitionTime": "1970-01-01T00:00:00Z",
            }]})
        );
        let read: weir_crds::Status = serde_json::from_value(default.clone()).unwrap();
        assert_eq!(read, weir_crds::Status::pending());
    }
}

#[test]
fn each_crd_says_the_version_of_its_schema() {
    let crds = weir_crds::generate::files().unwrap().into_iter();
    let crds: Vec<_> = crds.filter(|file| file.path.ends_with(".yaml")).collect();
    assert_eq!(crds.len(), 2);
    for crd in crds {
        let line = format!("weir.dev/schema-version: '{}'", weir_crds::SCHEMA_VERSION);
        assert!(crd.text.contains(&line), "{}", crd.path);
    }
}

#[test]
fn every_rule_has_a_message() {
    let silent = offenders(|field| {
        field["x-kubernetes-validations"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|rule| rule["message"].as_str().is_none_or(str::is_empty))
    });
    assert_eq!(silent, Vec::<String>::new());
}

/// YAML 1.1 reads these as booleans and nulls, so no field and no value may be one of them. The status of a condition
/// is as Kubernetes has it, and nobody writes one by hand.
#[test]
fn no_name_is_something_else_in_yaml() {
    const TRAPS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let trap = |name: &str| TRAPS.contains(&name.to_lowercase().as_str());
    let found = offenders(|field| {
        let names = field["properties"]
            .as_object()
            .into_iter()
            .flat_map(|fields| fields.keys());
        let values = field["enum"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        names.map(String::as_str).chain(values).any(trap)
    });
    let conditions =
        ["AIProvider", "AIRoute"].map(|kind| format!("{kind}.status.conditions[].status"));
    assert_eq!(found, conditions);
}

#[test]
fn the_kinds_are_found_as_promised() {
    use weir_crds::{AIProvider, AIRoute};
    let names = |crd: k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition| {
        let names = crd.spec.names;
        (crd.spec.group, crd.spec.scope, names.plural, names.short_names, names.categories)
    };
    let expected = |plural: &str, short: &str| {
        (
            weir_crds::GROUP.to_owned(),
            "Namespaced".to_owned(),
            plural.to_owned(),
            Some(vec![short.to_owned()]),
            Some(vec!["ai".to_owned()]),
        )
    };
    use kube::CustomResourceExt as _;
    assert_eq!(names(AIProvider::crd()), expected("aiproviders", "aip"));
    assert_eq!(names(AIRoute::crd()), expected("airoutes", "air"));
}

/// As GitHub makes it of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|one| one.is_alphanumeric() || "- ".contains(*one));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn the_pages_name_every_field_and_every_link_leads_somewhere() {
    for (page, schema) in [
        ("docs/reference/aiprovider.md", schemas::AI_PROVIDER),
        ("docs/reference/airoute.md", schemas::AI_ROUTE),
    ] {
        let files = weir_crds::generate::files().unwrap();
        let text = &files.iter().find(|file| file.path == page).unwrap().text;
        let headings = text.lines().filter(|line| line.starts_with('#'));
        let anchors: Vec<String> = headings
            .map(|line| anchor(line.trim_start_matches(['#', ' '])))
            .collect();
        let links: Vec<&str> = text
            .split("](#")
            .skip(1)
            .map(|rest| rest.split(')').next().unwrap())
            .collect();
        assert!(links.len() > 5, "{page} has links");
        for link in links {
            assert!(anchors.iter().any(|one| one == link), "{page}: #{link}");
        }
        let schema = serde_json::from_str(schema).unwrap();
        walk("", &schema, &mut |path, field| {
            for name in field["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name)
            {
                if !path.is_empty() {
                    assert!(
                        text.contains(&format!("\n| `{name}` | ")),
                        "{page}: {path}.{name}"
                    );
                }
            }
        });
    }
}
