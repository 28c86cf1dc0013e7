//! The generated CRD schemas, and what the API server would say of an object by them.
//!
//! `weir check` and the folder source have no API server, so that its validation is done here on the
//! very schema that it is given: types, required and unknown fields, enums, bounds, unique entries
//! and the CEL rules, with the rules' own messages. Where the API server's words don't say what would
//! be right (`in body should be at most 16 chars`), these do.

mod check;
mod rule;
mod suggest;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::verdict::Problem;
use rule::Rule;

pub(crate) use suggest::{known_or, suggestion};

/// What must be true of an object of one kind.
#[derive(Debug)]
pub(crate) struct Schema(Node);

/// The schema of one field. `deny_unknown_fields` makes sure that no keyword of the generated
/// schemas is passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Node {
    #[serde(rename = "type")]
    kind: Type,
    #[serde(default, rename = "description")]
    _description: IgnoredAny,
    /// Only `int32`, which the bounds are tighter than.
    #[serde(default, rename = "format")]
    _format: IgnoredAny,
    #[serde(default)]
    properties: BTreeMap<String, Node>,
    #[serde(default)]
    required: Vec<String>,
    additional_properties: Option<Box<Node>>,
    max_properties: Option<usize>,
    items: Option<Box<Node>>,
    min_items: Option<usize>,
    max_items: Option<usize>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    #[serde(default, rename = "enum")]
    values: Vec<String>,
    #[serde(default, rename = "x-kubernetes-list-type")]
    list: ListType,
    #[serde(default, rename = "x-kubernetes-list-map-keys")]
    list_keys: Vec<String>,
    #[serde(default, rename = "x-kubernetes-validations")]
    rules: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Type {
    Object,
    Array,
    String,
    Integer,
}

/// Which entries of a list must differ, and in what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum ListType {
    #[default]
    Atomic,
    Set,
    Map,
}

impl Schema {
    /// The schema of an AIProvider.
    pub(crate) fn provider() -> &'static Self {
        static SCHEMA: LazyLock<Schema> =
            LazyLock::new(|| Schema::load(weir_crds::schemas::AI_PROVIDER));
        &SCHEMA
    }

    /// The schema of an AIRoute.
    pub(crate) fn route() -> &'static Self {
        static SCHEMA: LazyLock<Schema> =
            LazyLock::new(|| Schema::load(weir_crds::schemas::AI_ROUTE));
        &SCHEMA
    }

    #[expect(
        clippy::expect_used,
        reason = "the schemas are constants of this build, and tests load both"
    )]
    fn load(text: &str) -> Self {
        let mut schema: Value = serde_json::from_str(text).expect("the generated schema is JSON");
        // What stands there is the operator's. The API server takes none from whoever writes the object.
        if let Some(fields) = schema["properties"].as_object_mut() {
            fields.remove("status");
        }
        Self(
            serde_json::from_value(schema).expect("the generated schema is one that is understood"),
        )
    }

    /// Everything that is wrong with an object, its `metadata` aside.
    pub(crate) fn check(&self, object: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        check::object(&self.0, object, &mut problems);
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generated_schemas_are_understood() {
        for schema in [Schema::provider(), Schema::route()] {
            assert_eq!(schema.0.required, ["spec"]);
            assert!(schema.0.properties["spec"].properties.len() > 3);
        }
    }
}
