//! Namespaces: their labels, and what resources say of them.

use std::collections::BTreeMap;

use super::object::Object;
use crate::snapshot::{NAME_LABEL, Namespaces, Operator, Requirement};
use weir_crds::{LabelSelector, NamespacesFrom, RequirementOperator};

/// The labels of a namespace, always with its name.
pub(super) fn labels(
    namespace: &str,
    mut labels: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    labels.insert(NAME_LABEL.to_owned(), namespace.to_owned());
    labels
}

/// The labels of a Namespace that was refused: those that can be read, and of those that can't the last good value.
pub(super) fn narrow(
    last: &BTreeMap<String, String>,
    refused: &Object<'_>,
) -> BTreeMap<String, String> {
    let mut labels = refused.labels.clone();
    let written = refused
        .field("metadata")
        .and_then(|metadata| metadata.get("labels"));
    for (key, value) in last {
        let unreadable = match written {
            Some(serde_json::Value::Object(fields)) => {
                fields.get(key).is_some_and(|value| !value.is_string())
            }
            Some(other) => !other.is_null(),
            None => false,
        };
        if unreadable {
            labels.insert(key.clone(), value.clone());
        }
    }
    labels
}

/// The narrow form of `namespaces`; the default is the own namespace.
pub(super) fn namespaces(wide: Option<&weir_crds::Namespaces>) -> Namespaces {
    let Some(wide) = wide else {
        return Namespaces::Same;
    };
    match (wide.from, &wide.selector) {
        (NamespacesFrom::Same, _) => Namespaces::Same,
        (NamespacesFrom::All, _) => Namespaces::All,
        (NamespacesFrom::Selector, Some(selector)) => Namespaces::Selector(requirements(selector)),
        // The schema does not let this through; to let nobody in is the safe side.
        (NamespacesFrom::Selector, None) => Namespaces::Selector(vec![nobody()]),
    }
}

fn nobody() -> Requirement {
    Requirement {
        key: NAME_LABEL.to_owned(),
        operator: Operator::In,
        values: Vec::new(),
    }
}

fn requirements(selector: &LabelSelector) -> Vec<Requirement> {
    let exact = selector.match_labels.iter().flat_map(|labels| &labels.0);
    let exact = exact.map(|(key, value)| Requirement {
        key: key.clone(),
        operator: Operator::In,
        values: vec![value.0.clone()],
    });
    let expressions = selector.match_expressions.iter().flatten();
    let expressions = expressions.map(|expression| {
        let values = expression.values.iter().flatten();
        let mut values: Vec<String> = values.map(|value| value.0.clone()).collect();
        values.sort();
        Requirement {
            key: expression.key.0.clone(),
            operator: match expression.operator {
                RequirementOperator::In => Operator::In,
                RequirementOperator::NotIn => Operator::NotIn,
                RequirementOperator::Exists => Operator::Exists,
                RequirementOperator::DoesNotExist => Operator::DoesNotExist,
            },
            values,
        }
    });
    let mut all: Vec<Requirement> = exact.chain(expressions).collect();
    all.sort();
    all.dedup();
    all
}
