//! Events (`events.k8s.io`), on transitions only: refused, mended.
//!
//! The name of an Event follows from what it says and of which state of which object. A replica that takes over and
//! says the same again finds that it was said.
//!
//! An object that is refused and mended over and over is told of [`BURST`] times, then once each [`REFILL`]: one team's
//! flapping resource must neither fill its namespace with Events nor keep those of others waiting.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::mpsc;
use weir_config::{Kind, ObjectId};

use crate::client::{Failure, within};
use crate::metrics::Metrics;

/// Who reports.
const CONTROLLER: &str = "weir.dev/operator";
/// How many wait at most; more than that are left out.
const WAITING: usize = 2_000;
/// How far apart they are made.
const APART: Duration = Duration::from_millis(100);
/// How often one object is told of in a row.
const BURST: u32 = 20;
/// After that, how far apart.
const REFILL: Duration = Duration::from_mins(1);
/// Of how many objects it is remembered how often they were told of, at most.
const REMEMBERED: usize = 10_000;
/// The API takes no longer note than this, in bytes.
const MAX_NOTE: usize = 1_024;

/// What is to be told of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which object.
    pub id: ObjectId,
    /// Its UID.
    pub uid: String,
    /// Its resourceVersion.
    pub version: String,
    /// What tells this transition from others that read the same: a generation, the time of a condition.
    pub occasion: String,
    /// `Normal` or `Warning`.
    pub kind: &'static str,
    /// Why, for programs.
    pub reason: String,
    /// Why, for people. No value of a Secret stands in it.
    pub note: String,
}

/// Makes Events, one after the other.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Told>,
    allowance: Arc<Mutex<Allowance>>,
    metrics: Metrics,
}

/// How often each object may still be told of, and since when that counts.
#[derive(Default)]
struct Allowance(HashMap<ObjectId, (u32, Instant)>);

impl Allowance {
    /// Whether this object may be told of now; it is one time less then.
    fn take(&mut self, id: &ObjectId, now: Instant) -> bool {
        if self.0.len() >= REMEMBERED {
            self.0
                .retain(|_, (_, since)| now.saturating_duration_since(*since) < REFILL * BURST);
        }
        if self.0.len() >= REMEMBERED && !self.0.contains_key(id) {
            return true;
        }
        let (left, since) = self.0.entry(id.clone()).or_insert((BURST, now));
        while *left < BURST && now.saturating_duration_since(*since) >= REFILL {
            *left += 1;
            *since += REFILL;
        }
        if *left == BURST {
            *since = now;
        }
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }
}

impl Recorder {
    /// Starts to make Events in the name of this pod.
    pub fn start(client: Client, pod: String, metrics: Metrics) -> Self {
        let (queue, mut inbox) = mpsc::channel::<Told>(WAITING);
        let counts = metrics.clone();
        tokio::spawn(async move {
            while let Some(told) = inbox.recv().await {
                let api: Api<Event> = Api::namespaced(client.clone(), &told.id.namespace);
                let event = event(&told, &pod);
                match within(api.create(&PostParams::default(), &event)).await {
                    Ok(_) => {
                        counts.events.inc();
                    }
                    // It was said before. Or its namespace is going.
                    Err(Failure::Conflict | Failure::Gone) => {}
                    Err(failure) => {
                        tracing::warn!(object = %told.id, "an Event could not be made: {failure}");
                    }
                }
                tokio::time::sleep(APART).await;
            }
        });
        Self {
            queue,
            allowance: Arc::default(),
            metrics,
        }
    }

    /// Tells it when its turn comes.
    pub fn tell(&self, told: Told) {
        let mut allowance = self
            .allowance
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let may = allowance.take(&told.id, Instant::now());
        drop(allowance);
        if !may || self.queue.try_send(told).is_err() {
            self.metrics.events_dropped.inc();
        }
    }
}

fn event(told: &Told, pod: &str) -> Event {
    let api = match told.id.kind {
        Kind::AiProvider | Kind::AiRoute => {
            format!("{}/{}", weir_crds::GROUP, weir_crds::VERSION)
        }
        _ => "v1".to_owned(),
    };
    let mut hasher = DefaultHasher::new();
    (&told.uid, &told.occasion, &told.reason, &told.note).hash(&mut hasher);
    let mut name = told.id.name.clone();
    name.truncate(200);
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{name}.{:016x}", hasher.finish())),
            namespace: Some(told.id.namespace.clone()),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(Timestamp::now())),
        action: Some("Compile".into()),
        reason: Some(told.reason.clone()),
        note: Some(cut(&told.note)),
        type_: Some(told.kind.to_owned()),
        reporting_controller: Some(CONTROLLER.into()),
        reporting_instance: Some(pod.to_owned()),
        regarding: Some(ObjectReference {
            api_version: Some(api),
            kind: Some(told.id.kind.as_str().to_owned()),
            namespace: Some(told.id.namespace.clone()),
            name: Some(told.id.name.clone()),
            uid: Some(told.uid.clone()).filter(|uid| !uid.is_empty()),
            resource_version: Some(told.version.clone()).filter(|version| !version.is_empty()),
            ..ObjectReference::default()
        }),
        ..Event::default()
    }
}

fn cut(note: &str) -> String {
    if note.len() <= MAX_NOTE {
        return note.to_owned();
    }
    let mut text = note[..note.floor_char_boundary(MAX_NOTE - 3)].to_owned();
    text.push('…');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Told {
        Told {
            id: ObjectId::new(Kind::AiRoute, "team", "chat"),
            uid: "u".into(),
            version: "7".into(),
            occasion: "3".into(),
            kind: "Warning",
            reason: "InvalidExpression".into(),
            note: "spec.rules[0].when: no such variable".into(),
        }
    }

    #[test]
    fn the_same_said_again_has_the_same_name_and_another_has_another() {
        let name = |told: &Told| event(told, "pod").metadata.name;
        assert_eq!(name(&told()), name(&told()));
        let other = Told {
            occasion: "4".into(),
            ..told()
        };
        assert_ne!(name(&told()), name(&other));
    }

    #[test]
    fn who_flaps_is_told_of_less_and_nobody_else() {
        let mut allowance = Allowance::default();
        let (flaps, other) = (told().id, ObjectId::new(Kind::AiRoute, "team", "other"));
        let start = Instant::now();
        let mut told_in = |from: Duration| {
            let may = |_: &u32| allowance.take(&flaps, start + from);
            (0..100).filter(may).count()
        };
        assert_eq!(told_in(Duration::ZERO), 20);
        assert_eq!(told_in(REFILL / 2), 0);
        assert_eq!(told_in(REFILL * 3), 3);
        assert_eq!(told_in(REFILL * 1_000), 20);
        assert!(allowance.take(&other, start));
    }

    #[test]
    fn an_event_names_its_object_and_fits() {
        let long = Told {
            note: "ä".repeat(2_000),
            ..told()
        };
        let event = event(&long, "pod");
        let regarding = event.regarding.unwrap();
        assert_eq!(regarding.kind.as_deref(), Some("AIRoute"));
        assert_eq!(regarding.api_version.as_deref(), Some("weir.dev/v1alpha1"));
        assert_eq!(regarding.name.as_deref(), Some("chat"));
        let note = event.note.unwrap();
        assert!(note.len() <= MAX_NOTE, "{}", note.len());
        assert!(note.ends_with('…'));
    }
}
