//! What the cluster's users are told of an object: its status as kstatus and people read it, and its
//! Events. Also what nobody is told.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use serde_json::Value;
use weir_tests::cluster::{Cluster, Namespace, World, eventually_else};

/// How kstatus reads an object: what `flux`, `kpt` and `cli-utils` wait by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kstatus {
    Terminating,
    InProgress,
    Failed,
    Current,
}

/// The rules of kstatus for kinds that it does not know, in its order: `Compute` in
/// `pkg/kstatus/status/status.go`, with `checkGenericProperties` and `checkReadyCondition`, of
/// sigs.k8s.io/cli-utils v0.37.
pub(crate) fn kstatus(object: &Value) -> Kstatus {
    if object["metadata"]["deletionTimestamp"].is_string() {
        return Kstatus::Terminating;
    }
    let observed = &object["status"]["observedGeneration"];
    if !observed.is_null() && *observed != object["metadata"]["generation"] {
        return Kstatus::InProgress;
    }
    for condition in conditions(object) {
        if condition["status"] == "True" {
            match condition["type"].as_str() {
                Some("Reconciling") => return Kstatus::InProgress,
                Some("Stalled") => return Kstatus::Failed,
                _ => {}
            }
        }
    }
    match conditions(object).iter().find(|one| one["type"] == "Ready") {
        Some(ready) if ready["status"] != "True" => Kstatus::InProgress,
        _ => Kstatus::Current,
    }
}

fn conditions(object: &Value) -> &[Value] {
    let conditions = object["status"]["conditions"].as_array();
    conditions.map(Vec::as_slice).unwrap_or_default()
}

/// Type, status and reason of each condition, as `Ready=False InvalidExpression`. Each must be of the
/// generation that the status as a whole is of, and say something.
pub(crate) fn summary(object: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |one: &Value| {
        assert_eq!(
            one["observedGeneration"], object["status"]["observedGeneration"],
            "{object}"
        );
        assert_ne!(one["message"], "", "{object}");
        let (kind, status) = (text(&one["type"]), text(&one["status"]));
        format!("{kind}={status} {}", text(&one["reason"]))
    };
    conditions(object).iter().map(of).collect()
}

/// The message of a condition.
pub(crate) fn message(object: &Value, kind: &str) -> String {
    let found = conditions(object).iter().find(|one| one["type"] == kind);
    let message = found.and_then(|one| one["message"].as_str());
    message
        .unwrap_or_else(|| panic!("no {kind}: {object}"))
        .to_owned()
}

/// The conditions of what serves as it is written.
pub(crate) const READY: [&str; 4] = [
    "Accepted=True Accepted",
    "ResolvedRefs=True ResolvedRefs",
    "Programmed=True Programmed",
    "Ready=True Ready",
];

/// The conditions of what was refused for its spec.
pub(crate) fn refused_spec(reason: &str) -> Vec<String> {
    vec![
        format!("Accepted=False {reason}"),
        "ResolvedRefs=Unknown Refused".to_owned(),
        "Programmed=False Refused".to_owned(),
        format!("Ready=False {reason}"),
        format!("Stalled=True {reason}"),
    ]
}

/// The conditions of what was refused for what it refers to.
pub(crate) fn refused_reference(reason: &str) -> Vec<String> {
    vec![
        "Accepted=True Accepted".to_owned(),
        format!("ResolvedRefs=False {reason}"),
        "Programmed=False Refused".to_owned(),
        format!("Ready=False {reason}"),
        format!("Stalled=True {reason}"),
    ]
}

/// Waits until the status of an object is about its generation and says this; gives the object.
pub(crate) async fn until<S: AsRef<str>>(team: &Namespace<'_>, object: &str, says: &[S]) -> Value {
    let says: Vec<&str> = says.iter().map(AsRef::as_ref).collect();
    let (found, _) = eventually_else(&format!("{object} is {says:?}"), async || {
        let seen = team.get(object).await.ok_or("it is not there")?;
        let observed = &seen["status"]["observedGeneration"];
        if *observed == seen["metadata"]["generation"] && summary(&seen) == says {
            return Ok(seen);
        }
        Err(seen.to_string())
    })
    .await;
    found
}

/// The Events about an object as `kubectl` lists them, the oldest first: type, reason and note.
pub(crate) async fn events(team: &Namespace<'_>, kind: &str, name: &str) -> Vec<[String; 3]> {
    let selector = format!("regarding.kind={kind},regarding.name={name}");
    let get = ["get", "events.events.k8s.io", "-o", "json"];
    let said = team
        .kubectl(&[&get[..], &["--field-selector", &selector]].concat())
        .await;
    let list: Value = serde_json::from_str(&said.ok()).unwrap();
    let mut found = list["items"].as_array().unwrap().clone();
    found.sort_by_key(|event| event["eventTime"].as_str().unwrap().to_owned());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |event: &Value| {
        assert_eq!(event["reportingController"], "weir.dev/operator");
        [&event["type"], &event["reason"], &event["note"]].map(text)
    };
    found.iter().map(of).collect()
}

/// Waits until there are so many Events about an object, and no more than that.
pub(crate) async fn until_events(
    team: &Namespace<'_>,
    kind: &str,
    name: &str,
    count: usize,
) -> Vec<[String; 3]> {
    let what = format!("{kind} {name} has {count} Events");
    let (found, _) = eventually_else(&what, async || {
        let found = events(team, kind, name).await;
        assert!(found.len() <= count, "{what}: {found:?}");
        (found.len() == count)
            .then(|| found.clone())
            .ok_or(format!("{found:?}"))
    })
    .await;
    found
}

/// The resourceVersion of each object of these kinds (`airoute,aiprovider`), by kind, namespace and
/// name.
pub(crate) async fn versions(cluster: &Cluster, kinds: &str) -> BTreeMap<String, String> {
    let path = concat!(
        "jsonpath={range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name}=",
        "{.metadata.resourceVersion}{\"\\n\"}{end}"
    );
    let text = cluster
        .kubectl(&["get", kinds, "-A", "-o", path])
        .await
        .ok();
    text.lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect()
}

/// The names whose versions differ, gone and new ones too.
pub(crate) fn changed(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<String> {
    let all = before.keys().chain(after.keys());
    let mut names: Vec<String> = all
        .filter(|name| before.get(*name) != after.get(*name))
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Asserts that none of these values stands in a log, a metric, an Event or a status, nor in base64.
pub(crate) async fn assert_untold(world: &World, values: &[&str]) {
    let cluster = world.cluster();
    let mut texts = vec![("logs", world.logs())];
    for gateway in world.gateways().iter().filter(|one| one.runs()) {
        texts.push(("access log", gateway.access.text()));
        texts.push(("metrics of a gateway", gateway.metrics().await));
    }
    for operator in world.operators().iter().filter(|one| one.runs()) {
        let metrics = operator.get("/metrics").await.unwrap();
        texts.push(("metrics of an operator", metrics.text()));
    }
    for kinds in ["events.events.k8s.io", "aiproviders,airoutes", "leases"] {
        let said = cluster.kubectl(&["get", kinds, "-A", "-o", "json"]).await;
        texts.push((kinds, said.ok()));
    }
    for (what, text) in &texts {
        assert!(!text.is_empty(), "nothing of {what} was read");
        for value in values {
            let encoded = ByteString(value.as_bytes().to_vec());
            let encoded = serde_json::to_value(encoded).unwrap();
            let encoded = encoded.as_str().unwrap().trim_end_matches('=');
            for secret in [value, encoded] {
                let found = text.lines().find(|line| line.contains(secret));
                assert_eq!(found, None, "{what} tell {value}");
            }
        }
    }
}
