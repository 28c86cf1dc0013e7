//! Whether the CRDs are there, and no older than this binary needs: fields that the API server prunes would be lost
//! without a word.
//!
//! A watch that began before a CRD changed may go on to be told objects as the CRD was then, without the fields that are
//! new. So a change of a CRD makes all watches begin anew.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client};
use tokio::sync::watch;
use weir_config::Kind;

use crate::client::{Failure, within};
use crate::metrics::Metrics;
use crate::watch::resource;

/// How often to look while something is amiss, and while nothing is.
const AMISS: Duration = Duration::from_secs(3);
const WELL: Duration = Duration::from_secs(10);

/// How long the API server may take to serve by a CRD that has changed; it takes some milliseconds.
const TAKEN_UP: Duration = Duration::from_secs(1);

/// What is wrong with the schemas; nothing if all is well.
pub type Amiss = Option<String>;

/// Which states of the CRDs were seen, by name: uid and generation.
type Seen = BTreeMap<String, (Option<String>, Option<i64>)>;

/// Looks at the CRDs for as long as anyone listens. It is amiss until they have been seen once. `again` makes all watches
/// start anew.
pub fn watch(
    client: &Client,
    metrics: &Metrics,
    again: watch::Sender<u64>,
) -> watch::Receiver<Amiss> {
    let first = Some("the CRDs have not been looked at so far".to_owned());
    let (sender, receiver) = watch::channel(first);
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let metrics = metrics.clone();
    tokio::spawn(async move {
        let mut pause = Duration::ZERO;
        let mut seen = Seen::new();
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = sender.closed() => return,
            }
            let before = sender.borrow().clone();
            let found = look(&api, before.is_none(), &mut seen, &again).await;
            pause = if found.is_none() { WELL } else { AMISS };
            metrics.schema_ok.set(i64::from(found.is_none()));
            if found != before {
                match &found {
                    None => tracing::info!("the CRDs are as this version needs them"),
                    Some(why) => tracing::warn!("{why}"),
                }
                sender.send_replace(found);
            }
        }
    });
    receiver
}

/// What is amiss. An API server that does not answer is no news of the CRDs: what was known stays.
async fn look(
    api: &Api<CustomResourceDefinition>,
    well: bool,
    seen: &mut Seen,
    again: &watch::Sender<u64>,
) -> Amiss {
    for kind in [Kind::AiProvider, Kind::AiRoute] {
        let resource = resource(&kind);
        let name = format!("{}.{}", resource.plural, resource.group);
        match within(api.get_metadata(&name)).await {
            Ok(crd) => {
                let state = (crd.metadata.uid, crd.metadata.generation);
                let before = seen.insert(name.clone(), state.clone());
                if before.is_some_and(|before| before != state) {
                    tracing::info!(crd = name, "the CRD has changed: all is listed anew");
                    tokio::time::sleep(TAKEN_UP).await;
                    again.send_modify(|count| *count += 1);
                }
                let annotations = crd.metadata.annotations.unwrap_or_default();
                let version = annotations.get(weir_crds::SCHEMA_VERSION_ANNOTATION);
                if let Some(why) = older(&name, version.map(String::as_str)) {
                    return Some(why);
                }
            }
            Err(Failure::Gone) => {
                return Some(format!(
                    "the CRD {name} is missing: install the chart with crds.enabled, or apply its CRDs"
                ));
            }
            Err(_) if well => {}
            Err(failure) => return Some(format!("the CRD {name} can't be read: {failure}")),
        }
    }
    None
}

fn older(name: &str, version: Option<&str>) -> Amiss {
    let wanted = weir_crds::SCHEMA_VERSION;
    let found: Option<u32> = version.and_then(|version| version.parse().ok());
    if found.is_some_and(|found| found >= wanted) {
        return None;
    }
    let found = found.map_or_else(
        || "of no known schema version".to_owned(),
        |found| format!("of schema version {found}"),
    );
    Some(format!(
        "the CRD {name} is {found}, and this operator needs {wanted}: upgrade the CRDs; until then it leaves the work to an older one"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_is_fine_and_older_says_what_to_do() {
        let wanted = weir_crds::SCHEMA_VERSION;
        assert_eq!(older("x", Some(&wanted.to_string())), None);
        assert_eq!(older("x", Some(&(wanted + 1).to_string())), None);
        let older = |version| older("airoutes.weir.dev", version);
        let tail = format!(
            ", and this operator needs {wanted}: upgrade the CRDs; until then it leaves the work to an older one"
        );
        assert_eq!(
            older(Some("0")),
            Some(format!(
                "the CRD airoutes.weir.dev is of schema version 0{tail}"
            ))
        );
        let unknown = Some(format!(
            "the CRD airoutes.weir.dev is of no known schema version{tail}"
        ));
        assert_eq!(older(None), unknown);
        assert_eq!(older(Some("new")), unknown);
    }
}
