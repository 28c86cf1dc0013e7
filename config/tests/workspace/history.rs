//! Whatever happens, step by step it comes to the same as beginning anew at each step.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;
use weir_config::compile::Workspace;
use weir_config::snapshot::Snapshot;
use weir_config::text::Document;
use weir_config::{Kind, ObjectId, Verdict};

use crate::objects::*;

const NAMESPACES: [&str; 3] = ["a", "b", "c"];

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    Put(Value),
    Remove(ObjectId),
    Account(&'static str, &'static str, Option<u8>),
}

fn name() -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(&NAMESPACES[..])
}

fn some_provider() -> impl Strategy<Value = Value> {
    let kinds = prop::sample::select(vec![
        ProviderIs::Own,
        ProviderIs::Open(&["fast", "smart"]),
        ProviderIs::Open(&["smart"]),
        ProviderIs::ForGold,
        ProviderIs::Paid("cred"),
        ProviderIs::Broken,
    ]);
    let names = prop::sample::select(vec!["p", "pp"]);
    (name(), names, kinds).prop_map(|(namespace, name, is)| provider(namespace, name, is))
}

fn some_route() -> impl Strategy<Value = Value> {
    let to = prop::sample::select(vec!["a/p", "a/pp fast", "b/p smart", "b/pp", "c/p fast"]);
    let admits = prop::sample::select(vec![
        None,
        Some(Admits::Keys),
        Some(Admits::AllAccounts),
        Some(Admits::GoldAccounts),
        Some(Admits::NamedAccount("web")),
    ]);
    let names = prop::sample::select(vec!["r", "s"]);
    let to = prop::collection::vec(to, 1..3);
    (name(), names, to, admits, 0..4u8).prop_map(|(namespace, name, to, admits, broken)| {
        let mut route = route(namespace, name, &to, admits);
        if broken == 0 {
            route["spec"]["rules"][0]["when"] = "nonsense(".into();
        }
        route
    })
}

fn some_key() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec!["k", "l"]);
    (name(), names, 0..3u8, 0..3u8, 0..5u8).prop_map(|(namespace, name, value, year, broken)| {
        let mut key = key(namespace, name, value, year);
        match broken {
            0 => key["stringData"]["nextKey"] = "short".into(),
            1 => key["metadata"]["annotations"] = serde_json::json!({"weir.dev/expires": "x"}),
            2 => {
                key["metadata"]["creationTimestamp"].take();
            }
            _ => {}
        }
        key
    })
}

fn some_id() -> impl Strategy<Value = ObjectId> {
    let objects = prop::sample::select(vec![
        (Kind::AiProvider, "p"),
        (Kind::AiProvider, "pp"),
        (Kind::AiRoute, "r"),
        (Kind::AiRoute, "s"),
        (Kind::Secret, "k"),
        (Kind::Secret, "l"),
        (Kind::Secret, "cred"),
        (Kind::Namespace, ""),
    ]);
    (name(), objects).prop_map(|(namespace, (kind, name))| match kind {
        Kind::Namespace => ObjectId::new(kind, "", namespace),
        kind => ObjectId::new(kind, namespace, name),
    })
}

fn event() -> impl Strategy<Value = Event> {
    let tiers = prop::sample::select(vec!["gold", "tin"]);
    let credentials = prop::sample::select(vec!["sk-1", "sk-2", "with space"]);
    let accounts = prop::sample::select(vec!["web", "job"]);
    prop_oneof![
        4 => some_provider().prop_map(Event::Put),
        5 => some_route().prop_map(Event::Put),
        4 => some_key().prop_map(Event::Put),
        2 => (name(), tiers).prop_map(|(name, tier)| Event::Put(namespace(name, tier))),
        2 => (name(), credentials).prop_map(|(namespace, value)| Event::Put(credential(namespace, "cred", value))),
        3 => (name(), accounts, prop::option::of(0..2u8)).prop_map(|(namespace, name, uid)| Event::Account(namespace, name, uid)),
        5 => some_id().prop_map(Event::Remove),
    ]
}

/// What there is.
#[derive(Default)]
struct World {
    objects: BTreeMap<ObjectId, Value>,
    accounts: BTreeMap<(&'static str, &'static str), u8>,
}

fn id_of(object: &Value) -> ObjectId {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = match object["kind"].as_str() {
        Some("AIProvider") => Kind::AiProvider,
        Some("AIRoute") => Kind::AiRoute,
        Some("Secret") => Kind::Secret,
        _ => Kind::Namespace,
    };
    let metadata = &object["metadata"];
    ObjectId::new(kind, text(&metadata["namespace"]), text(&metadata["name"]))
}

impl World {
    fn happens(&mut self, event: &Event) {
        match event {
            Event::Put(object) => {
                self.objects.insert(id_of(object), object.clone());
            }
            Event::Remove(id) => {
                self.objects.remove(id);
            }
            Event::Account(namespace, name, Some(uid)) => {
                self.accounts.insert((namespace, name), *uid);
            }
            Event::Account(namespace, name, None) => {
                self.accounts.remove(&(*namespace, *name));
            }
        }
    }

    /// A workspace that begins anew with what serves.
    fn anew(&self, previous: Snapshot) -> Workspace {
        let mut workspace = Workspace::new(previous);
        for object in self.objects.values() {
            take(&mut workspace, &Event::Put(object.clone()));
        }
        for ((namespace, name), uid) in &self.accounts {
            take(&mut workspace, &Event::Account(namespace, name, Some(*uid)));
        }
        workspace
    }
}

fn take(workspace: &mut Workspace, event: &Event) {
    match event {
        Event::Put(object) => workspace.put(Arc::new(Document::of_value(object.clone()))),
        Event::Remove(id) => workspace.remove(id),
        Event::Account(namespace, name, uid) => {
            workspace.service_account(namespace, name, uid.map(|uid| format!("uid-{uid}")));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn step_by_step_is_the_same_as_anew(history in prop::collection::vec(prop::collection::vec(event(), 1..4), 1..24)) {
        let mut workspace = Workspace::new(Snapshot::default());
        let mut world = World::default();
        let mut latest: BTreeMap<String, Vec<Verdict>> = BTreeMap::new();
        for events in &history {
            for event in events {
                world.happens(event);
                take(&mut workspace, event);
            }
            let before = workspace.snapshot().clone();
            let mut anew = world.anew(before.clone());
            let expected = anew.compile();
            let pass = workspace.compile();
            prop_assert_eq!(workspace.snapshot(), anew.snapshot());
            for (name, one) in pass.namespaces {
                let (old, new) = (before.namespaces.get(&name), workspace.snapshot().namespaces.get(&name));
                prop_assert_eq!(one.shard.as_ref(), new);
                prop_assert_eq!(one.changed, old != new, "{} says whether it changed", name);
                latest.insert(name, one.verdicts);
            }
            latest.retain(|_, verdicts| !verdicts.is_empty());
            let expected: BTreeMap<String, Vec<Verdict>> = expected.namespaces.into_iter()
                .map(|(name, one)| (name, one.verdicts))
                .filter(|(_, verdicts)| !verdicts.is_empty())
                .collect();
            prop_assert_eq!(&latest, &expected);
            for (name, shard) in &workspace.snapshot().namespaces {
                if let Some(old) = before.namespaces.get(name) {
                    prop_assert!(old != shard || Arc::ptr_eq(old, shard), "{} is the very same", name);
                }
            }
        }
    }
}
