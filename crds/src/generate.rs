//! The CRDs and their docs, generated from the types.

mod reference;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;
use serde_json::{Map, Value, json};

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it belongs, from the root of the repository.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// Why a CRD could not be written down.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

const HEADER: &str = "# Generated from the types in crds/ by
#   cargo run -p weir-crds --features crd --bin generate-crds
";

/// Every generated file: for each kind its CRD for the chart, the schema alone for
/// [`schemas`](crate::schemas), and its page of the docs.
///
/// # Errors
/// A type that can't be written as a CRD, which the tests rule out.
pub fn files() -> Result<Vec<File>, Error> {
    let mut files = Vec::new();
    for crd in [crate::AIProvider::crd(), crate::AIRoute::crd()] {
        let plural = crd.spec.names.plural.clone();
        let crd = tidy(&crd)?;
        let schema = crd
            .pointer("/spec/versions/0/schema/openAPIV3Schema")
            .ok_or("the CRD has no schema")?;
        files.push(File {
            path: format!("crds/src/generated/{plural}.json"),
            text: format!("{}\n", serde_json::to_string_pretty(schema)?),
        });
        files.push(File {
            path: format!("charts/weir/files/crds/{plural}.yaml"),
            text: format!("{HEADER}{}", serde_yaml::to_string(&crd)?),
        });
        let kind = crd["spec"]["names"]["singular"].as_str();
        files.push(File {
            path: format!("docs/reference/{}.md", kind.unwrap_or(&plural)),
            text: reference::page(&crd).ok_or("the CRD is none that can be described")?,
        });
    }
    Ok(files)
}

/// The CRD as a JSON value, less what schemars says and Kubernetes should not hear.
fn tidy(crd: &CustomResourceDefinition) -> Result<Value, Error> {
    let mut crd = serde_json::to_value(crd)?;
    crd["metadata"]["annotations"] =
        json!({(crate::SCHEMA_VERSION_ANNOTATION): crate::SCHEMA_VERSION.to_string()});
    if let Some(schema) = crd.pointer_mut("/spec/versions/0/schema/openAPIV3Schema") {
        tidy_schema(schema);
        // The only default there is: `Ready` is Unknown from the first moment, and not absent.
        schema["properties"]["status"]["default"] = serde_json::to_value(crate::Status::pending())?;
    }
    Ok(crd)
}

fn tidy_schema(schema: &mut Value) {
    let Value::Object(schema) = schema else {
        return;
    };
    // An absent option is absent: `null` would be a third state that means nothing.
    schema.remove("nullable");
    // The name of a Rust type says nothing to whoever asks `kubectl explain`, and what serde fills in is no default.
    schema.remove("title");
    schema.remove("default");
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    for (keyword, value) in schema.iter_mut() {
        match keyword.as_str() {
            "properties" => value
                .as_object_mut()
                .into_iter()
                .flat_map(Map::values_mut)
                .for_each(tidy_schema),
            "items" | "additionalProperties" => tidy_schema(value),
            "minimum" | "maximum" => whole(value),
            _ => {}
        }
    }
}

/// Bounds are floating point in the types of the CRD; a whole one reads better without `.0`.
fn whole(number: &mut Value) {
    if let Some(float) = number.as_f64()
        && let Ok(integer) = format!("{float:.0}").parse::<i64>()
    {
        *number = integer.into();
    }
}
