//! What the status of an AIProvider or AIRoute says.

use kube::api::DynamicObject;
use serde::Serialize;
use serde_json::Value;

/// A resource and what was said of it. It is read field by field, so that an object of a newer or broken version is
/// shown as far as it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) generation: i64,
    pub(super) observed_generation: Option<i64>,
    pub(super) serving_generation: Option<i64>,
    /// What it comes to: of this generation, and not of an older one that the status may still be about.
    pub(super) ready: Ready,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) conditions: Vec<Condition>,
}

/// Whether a resource is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Ready {
    True,
    False,
    Unknown,
}

/// A condition, as it stands in the status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Condition {
    pub(super) r#type: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) observed_generation: Option<i64>,
    pub(super) last_transition_time: String,
}

impl Resource {
    pub(super) fn read(kind: &str, object: &DynamicObject) -> Self {
        let metadata = &object.metadata;
        let status = &object.data["status"];
        let conditions = status["conditions"].as_array().into_iter().flatten();
        let mut resource = Self {
            kind: kind.to_owned(),
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
            generation: metadata.generation.unwrap_or_default(),
            observed_generation: status["observedGeneration"].as_i64(),
            serving_generation: status["servingGeneration"].as_i64(),
            ready: Ready::Unknown,
            reason: "Pending".to_owned(),
            message: String::new(),
            conditions: conditions.map(Condition::read).collect(),
        };
        resource.judge();
        resource
    }

    /// Concludes what the conditions come to.
    fn judge(&mut self) {
        let generation = self.generation;
        let Some(ready) = self.condition("Ready") else {
            "there is no status: is the operator running?".clone_into(&mut self.message);
            return;
        };
        let observed = ready.observed_generation.or(self.observed_generation);
        if let Some(observed) = observed.filter(|observed| *observed != generation) {
            self.message = format!(
                "the status is of generation {observed}; the operator has not looked at {generation} yet"
            );
            return;
        }
        let (status, reason, message) =
            (ready.verdict(), ready.reason.clone(), ready.message.clone());
        (self.ready, self.reason, self.message) = (status, reason, message);
    }

    /// What a condition says of this generation; `-` where it says nothing.
    pub(super) fn says(&self, condition: &str) -> &str {
        match self.condition(condition) {
            None => "-",
            Some(condition) => {
                let observed = condition.observed_generation.or(self.observed_generation);
                match observed {
                    Some(observed) if observed != self.generation => "Unknown",
                    _ => &condition.status,
                }
            }
        }
    }

    pub(super) fn condition(&self, name: &str) -> Option<&Condition> {
        self.conditions
            .iter()
            .find(|condition| condition.r#type == name)
    }

    /// By which resources are sorted.
    pub(super) fn id(&self) -> (&str, &str, &str) {
        (&self.namespace, &self.kind, &self.name)
    }
}

impl Condition {
    fn read(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            r#type: text("type"),
            status: text("status"),
            reason: text("reason"),
            message: text("message"),
            observed_generation: value["observedGeneration"].as_i64(),
            last_transition_time: text("lastTransitionTime"),
        }
    }

    fn verdict(&self) -> Ready {
        match self.status.as_str() {
            "True" => Ready::True,
            "False" => Ready::False,
            _ => Ready::Unknown,
        }
    }
}

impl Ready {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// A resource of generation 3 with this status.
    pub(in crate::status) fn of(name: &str, status: Value) -> Resource {
        let object = json!({
            "metadata": {"name": name, "namespace": "shop", "generation": 3},
            "status": status,
        });
        Resource::read("AIRoute", &serde_json::from_value(object).unwrap())
    }

    /// A status that is all True, of this generation.
    pub(in crate::status) fn good(generation: i64) -> Value {
        let of = |condition: &str, reason: &str| {
            json!({
                "type": condition, "status": "True", "reason": reason, "message": "",
                "observedGeneration": generation, "lastTransitionTime": "2026-11-23T16:00:00Z",
            })
        };
        json!({
            "observedGeneration": generation,
            "servingGeneration": generation,
            "conditions": [
                of("Accepted", "Accepted"),
                of("ResolvedRefs", "ResolvedRefs"),
                of("Programmed", "Programmed"),
                of("Ready", "Ready"),
            ],
        })
    }

    fn verdict(status: Value) -> (Ready, String, String) {
        let resource = of("chat", status);
        (resource.ready, resource.reason, resource.message)
    }

    #[test]
    fn what_is_true_of_this_generation_is_ready() {
        let resource = of("chat", good(3));
        assert_eq!(
            (resource.ready, resource.reason.as_str()),
            (Ready::True, "Ready")
        );
        assert_eq!(resource.says("Programmed"), "True");
        assert_eq!(resource.says("Healthy"), "-");
        assert_eq!(resource.serving_generation, Some(3));
    }

    #[test]
    fn what_was_true_of_another_generation_is_not_known() {
        for generation in [2, 4] {
            assert_eq!(
                verdict(good(generation)),
                (
                    Ready::Unknown,
                    "Pending".into(),
                    format!(
                        "the status is of generation {generation}; the operator has not looked at 3 yet"
                    )
                )
            );
            assert_eq!(of("chat", good(generation)).says("Accepted"), "Unknown");
        }
    }

    #[test]
    fn a_refusal_says_why() {
        let mut status = good(3);
        status["servingGeneration"] = json!(2);
        status["conditions"][3] = json!({
            "type": "Ready", "status": "False", "reason": "InvalidExpression",
            "message": "spec.rules[0].when: there is no request.strem", "observedGeneration": 3,
        });
        let message = "spec.rules[0].when: there is no request.strem".to_owned();
        assert_eq!(
            verdict(status),
            (Ready::False, "InvalidExpression".into(), message)
        );
    }

    #[test]
    fn nobody_has_looked_yet() {
        let status = json!({"conditions": [{
            "type": "Ready", "status": "Unknown", "reason": "Pending",
            "message": "Waiting for the operator", "lastTransitionTime": "1970-01-01T00:00:00Z",
        }]});
        assert_eq!(
            verdict(status),
            (
                Ready::Unknown,
                "Pending".into(),
                "Waiting for the operator".into()
            )
        );
        let message = "there is no status: is the operator running?".to_owned();
        for status in [Value::Null, json!({}), json!({"conditions": "none"})] {
            assert_eq!(
                verdict(status),
                (Ready::Unknown, "Pending".into(), message.clone())
            );
        }
    }
}
