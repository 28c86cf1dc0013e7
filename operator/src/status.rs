//! The status of AIProviders and AIRoutes: how it is read and written, and what stands in it.

pub mod judge;
pub mod queue;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `.status` of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The generation that the conditions are about.
    pub observed_generation: Option<i64>,
    /// The generation that runs: an older one where the newest is refused.
    pub serving_generation: Option<i64>,
    /// One of a type.
    pub conditions: Vec<Condition>,
}

/// One condition, as `metav1.Condition`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The generation that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Since when `status` is what it is.
    pub last_transition_time: String,
    /// Why, for programs.
    pub reason: String,
    /// Why, for people.
    pub message: String,
}

impl Status {
    /// Reads `.status`. What is not as the operator writes it is passed over, and put right by the next write.
    pub fn read(value: &Value) -> Self {
        let number = |field: &str| value.get(field).and_then(Value::as_i64);
        let conditions = value.get("conditions").and_then(Value::as_array);
        Self {
            observed_generation: number("observedGeneration"),
            serving_generation: number("servingGeneration"),
            conditions: conditions
                .into_iter()
                .flatten()
                .filter_map(|one| Condition::deserialize(one).ok())
                .collect(),
        }
    }

    /// The condition of this type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|one| one.kind == kind)
    }

    /// A merge patch (RFC 7396) that makes it the status of an object which still is of this version.
    pub fn patch(&self, version: &str) -> Value {
        json!({
            "metadata": {"resourceVersion": version},
            "status": {
                "observedGeneration": self.observed_generation,
                // A null takes the field away.
                "servingGeneration": self.serving_generation,
                "conditions": self.conditions,
            },
        })
    }
}
