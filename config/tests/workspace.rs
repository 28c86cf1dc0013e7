//! The workspace: what a change costs, and that it comes to the same as beginning anew.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

#[path = "workspace/bounds.rs"]
mod bounds;
#[path = "workspace/history.rs"]
mod history;
#[path = "workspace/large.rs"]
mod large;
#[path = "workspace/objects.rs"]
mod objects;

use std::collections::BTreeSet;
use std::sync::Arc;

use objects::*;
use weir_config::compile::{Pass, Workspace};
use weir_config::snapshot::Snapshot;
use weir_config::text::Document;
use weir_config::{Kind, ObjectId};

fn put(workspace: &mut Workspace, objects: impl IntoIterator<Item = serde_json::Value>) {
    for object in objects {
        workspace.put(Arc::new(Document::of_value(object)));
    }
}

/// The namespaces that a pass looked at, those in which something changed with a `*`.
fn looked_at(pass: &Pass) -> Vec<String> {
    let mark = |changed| if changed { "*" } else { "" };
    let looked_at = pass.namespaces.iter();
    looked_at
        .map(|(name, one)| format!("{name}{}", mark(one.changed)))
        .collect()
}

/// What is wrong, by the verdicts of a pass.
fn problems(pass: &Pass) -> Vec<String> {
    let verdicts = pass.namespaces.values().flat_map(|one| &one.verdicts);
    let of = |verdict: &weir_config::Verdict| {
        let problems = verdict.problems().iter();
        problems
            .map(|one| format!("{}: {one}", verdict.object))
            .collect::<Vec<_>>()
    };
    verdicts.flat_map(of).collect()
}

/// Three teams that use the provider of a fourth, and one that keeps to itself.
fn teams() -> Workspace {
    let mut workspace = Workspace::new(Snapshot::default());
    put(
        &mut workspace,
        [provider(
            "platform",
            "openai",
            ProviderIs::Open(&["fast", "smart"]),
        )],
    );
    for team in ["a", "b", "c"] {
        put(
            &mut workspace,
            [
                namespace(team, "gold"),
                route(team, "chat", &["platform/openai fast"], None),
            ],
        );
    }
    put(
        &mut workspace,
        [
            provider("d", "own", ProviderIs::Own),
            route("d", "chat", &["d/own"], None),
            key("d", "ci", 0, 1),
        ],
    );
    let pass = workspace.compile();
    assert_eq!(problems(&pass), Vec::<String>::new());
    assert_eq!(looked_at(&pass), ["a*", "b*", "c*", "d*", "platform*"]);
    workspace
}

#[test]
fn nothing_is_compiled_where_nothing_changed() {
    let mut workspace = teams();
    assert_eq!(looked_at(&workspace.compile()), Vec::<String>::new());
    let mut same = route("a", "chat", &["platform/openai fast"], None);
    same["status"] = serde_json::json!({"conditions": [{"type": "Ready"}]});
    same["metadata"]["resourceVersion"] = "7".into();
    same["metadata"]["generation"] = 3.into();
    same["metadata"]["managedFields"] = serde_json::json!([{"manager": "x"}]);
    put(&mut workspace, [same]);
    assert_eq!(looked_at(&workspace.compile()), Vec::<String>::new());
}

#[test]
fn a_change_of_a_route_is_its_namespaces_own_business() {
    let mut workspace = teams();
    let before = workspace.snapshot().clone();
    put(
        &mut workspace,
        [route("a", "chat", &["platform/openai smart"], None)],
    );
    assert_eq!(looked_at(&workspace.compile()), ["a*"]);
    for name in ["b", "c", "d", "platform"] {
        let (old, new) = (
            &before.namespaces[name],
            &workspace.snapshot().namespaces[name],
        );
        assert!(Arc::ptr_eq(old, new), "{name} is the very same");
    }
}

#[test]
fn a_change_that_changes_nothing_is_looked_at_and_leaves_the_shard_as_it_is() {
    let mut workspace = teams();
    let before = Arc::clone(&workspace.snapshot().namespaces["a"]);
    let mut annotated = route("a", "chat", &["platform/openai fast"], None);
    annotated["metadata"]["annotations"] = serde_json::json!({"note": "x"});
    put(&mut workspace, [annotated]);
    assert_eq!(looked_at(&workspace.compile()), ["a"]);
    assert!(Arc::ptr_eq(&before, &workspace.snapshot().namespaces["a"]));
}

#[test]
fn who_names_a_provider_is_compiled_when_what_it_lets_through_changes() {
    let mut workspace = teams();
    put(
        &mut workspace,
        [provider("platform", "openai", ProviderIs::Open(&["smart"]))],
    );
    let pass = workspace.compile();
    assert_eq!(looked_at(&pass), ["a", "b", "c", "platform*"]);
    assert_eq!(
        problems(&pass)[0],
        "AIRoute a/chat: spec.rules[0].backends[0].model: AIProvider platform/openai does not serve fast; it serves smart"
    );
    let mut rotated = provider("platform", "openai", ProviderIs::Open(&["smart"]));
    rotated["spec"]["timeouts"] = serde_json::json!({"idle": "1s"});
    put(&mut workspace, [rotated]);
    assert_eq!(
        looked_at(&workspace.compile()),
        ["platform*"],
        "what routes don't see concerns none"
    );
}

#[test]
fn who_names_a_provider_is_compiled_when_it_goes_and_comes() {
    let mut workspace = teams();
    workspace.remove(&ObjectId::new(Kind::AiProvider, "platform", "openai"));
    let pass = workspace.compile();
    assert_eq!(looked_at(&pass), ["a", "b", "c", "platform*"]);
    assert_eq!(pass.namespaces["platform"].shard, None);
    assert_eq!(problems(&pass).len(), 3);
    put(
        &mut workspace,
        [provider("platform", "opena", ProviderIs::Open(&["fast"]))],
    );
    let pass = workspace.compile();
    assert_eq!(
        looked_at(&pass),
        ["a", "b", "c", "platform*"],
        "there is one to suggest now"
    );
    assert_eq!(
        problems(&pass)[0],
        "AIRoute a/chat: spec.rules[0].backends[0].provider.name: there is no AIProvider platform/openai; did you mean opena?"
    );
    put(
        &mut workspace,
        [provider("platform", "openai", ProviderIs::Open(&["fast"]))],
    );
    assert_eq!(problems(&workspace.compile()), Vec::<String>::new());
}

#[test]
fn a_change_of_labels_concerns_the_namespaces_own_routes() {
    let mut workspace = teams();
    put(
        &mut workspace,
        [provider("platform", "openai", ProviderIs::ForGold)],
    );
    assert_eq!(problems(&workspace.compile()), Vec::<String>::new());
    put(&mut workspace, [namespace("b", "tin")]);
    let pass = workspace.compile();
    assert_eq!(looked_at(&pass), ["b*"]);
    assert_eq!(
        problems(&pass),
        [
            "AIRoute b/chat: spec.rules[0].backends[0].provider.namespace: AIProvider platform/openai does not allow routes of namespace b: its spec.allowedRoutes would have to"
        ]
    );
}

#[test]
fn a_value_of_a_key_that_changes_hands_concerns_both() {
    let mut workspace = teams();
    put(&mut workspace, [key("a", "ci", 0, 2)]);
    let pass = workspace.compile();
    assert_eq!(
        looked_at(&pass),
        ["a"],
        "the older one keeps it, and nothing is new to that"
    );
    assert_eq!(problems(&pass).len(), 1);
    put(&mut workspace, [key("b", "ci", 0, 0)]);
    let pass = workspace.compile();
    assert_eq!(
        looked_at(&pass),
        ["a", "b*", "d*"],
        "the oldest takes it from the old"
    );
    workspace.remove(&ObjectId::new(Kind::Secret, "b", "ci"));
    assert_eq!(looked_at(&workspace.compile()), ["a", "b*", "d*"]);
    assert!(workspace.snapshot().key("d", "ci").is_some());
}

fn names(workspace: &Workspace) -> BTreeSet<&str> {
    let names = workspace.snapshot().namespaces.keys();
    names.map(String::as_str).collect()
}

#[test]
fn service_accounts_stand_in_the_shard_of_their_namespace() {
    let mut workspace = teams();
    workspace.service_account("a", "web", Some("u1".to_owned()));
    assert_eq!(looked_at(&workspace.compile()), ["a*"]);
    assert_eq!(workspace.snapshot().service_account("a", "web"), Some("u1"));
    workspace.service_account("a", "web", Some("u1".to_owned()));
    assert_eq!(looked_at(&workspace.compile()), Vec::<String>::new());
    workspace.service_account("a", "web", Some("u2".to_owned()));
    assert_eq!(looked_at(&workspace.compile()), ["a*"]);
    assert_eq!(workspace.snapshot().service_account("a", "web"), Some("u2"));
    workspace.service_account("a", "web", None);
    assert_eq!(looked_at(&workspace.compile()), ["a*"]);
    assert_eq!(workspace.snapshot().service_account("a", "web"), None);
}

#[test]
fn a_namespace_of_which_nothing_serves_has_a_shard_while_a_route_admits_its_accounts() {
    let mut workspace = teams();
    for (name, tier) in [("x", "gold"), ("y", "tin"), ("z", "gold")] {
        put(&mut workspace, [namespace(name, tier)]);
        if name != "z" {
            workspace.service_account(name, "web", Some("u1".to_owned()));
        }
    }
    assert_eq!(looked_at(&workspace.compile()), ["x", "y", "z"]);
    assert!(!names(&workspace).contains("x"));
    let admits = |who| route("a", "chat", &["platform/openai fast"], Some(who));
    put(&mut workspace, [admits(Admits::GoldAccounts)]);
    assert_eq!(looked_at(&workspace.compile()), ["a*", "x*"]);
    assert_eq!(workspace.snapshot().service_account("x", "web"), Some("u1"));
    put(&mut workspace, [admits(Admits::AllAccounts)]);
    assert_eq!(looked_at(&workspace.compile()), ["a*", "y*"]);
    put(
        &mut workspace,
        [namespace("y", "gold"), admits(Admits::GoldAccounts)],
    );
    assert_eq!(looked_at(&workspace.compile()), ["a*", "y*"]);
    workspace.service_account("z", "web", Some("u3".to_owned()));
    assert_eq!(looked_at(&workspace.compile()), ["z*"]);
    put(&mut workspace, [namespace("x", "tin")]);
    assert_eq!(looked_at(&workspace.compile()), ["x*"]);
    assert_eq!(
        names(&workspace),
        BTreeSet::from(["a", "b", "c", "d", "platform", "y", "z"])
    );
    put(&mut workspace, [admits(Admits::NamedAccount("job"))]);
    assert_eq!(looked_at(&workspace.compile()), ["a*", "y*", "z*"]);
    assert_eq!(
        names(&workspace),
        BTreeSet::from(["a", "b", "c", "d", "platform"])
    );
}

#[test]
fn what_is_not_put_before_the_first_pass_is_gone() {
    let before = teams();
    let mut workspace = Workspace::new(before.snapshot().clone());
    put(
        &mut workspace,
        [provider(
            "platform",
            "openai",
            ProviderIs::Open(&["fast", "smart"]),
        )],
    );
    let pass = workspace.compile();
    assert_eq!(looked_at(&pass), ["a*", "b*", "c*", "d*", "platform"]);
    assert_eq!(names(&workspace), BTreeSet::from(["platform"]));
}

#[test]
fn what_cannot_be_read_stays_until_it_is_put_or_removed() {
    let before = teams();
    let last = before.snapshot().key("d", "ci").cloned();
    assert!(last.is_some());
    let id = ObjectId::new(Kind::Secret, "d", "ci");
    let mut workspace = Workspace::new(before.snapshot().clone());
    workspace.unreadable(&id);
    workspace.compile();
    assert_eq!(workspace.snapshot().key("d", "ci"), last.as_ref());
    workspace.unreadable(&id);
    assert_eq!(looked_at(&workspace.compile()), Vec::<String>::new());
    put(&mut workspace, [key("d", "ci", 1, 1)]);
    assert_eq!(looked_at(&workspace.compile()), ["d*"]);
    assert!(workspace.snapshot().key("d", "ci").is_some());
    assert_ne!(workspace.snapshot().key("d", "ci"), last.as_ref());
    workspace.remove(&id);
    assert_eq!(looked_at(&workspace.compile()), ["d*"]);
    assert_eq!(workspace.snapshot().key("d", "ci"), None, "read, then gone");

    let mut workspace = Workspace::new(before.snapshot().clone());
    workspace.unreadable(&id);
    workspace.compile();
    workspace.remove(&id);
    assert_eq!(looked_at(&workspace.compile()), ["d*"]);
    assert_eq!(workspace.snapshot().key("d", "ci"), None, "gone unread");
}

#[test]
fn the_secrets_that_are_wanted_are_those_named_and_those_in_use() {
    let mut workspace = teams();
    put(
        &mut workspace,
        [
            credential("d", "one", "sk-1"),
            provider("d", "paid", ProviderIs::Paid("one")),
        ],
    );
    assert_eq!(
        workspace.wanted_secrets("d"),
        BTreeSet::from(["one".to_owned()]),
        "before the pass"
    );
    assert_eq!(problems(&workspace.compile()), Vec::<String>::new());
    put(
        &mut workspace,
        [provider("d", "paid", ProviderIs::Paid("two"))],
    );
    let both = BTreeSet::from(["one".to_owned(), "two".to_owned()]);
    assert_eq!(workspace.wanted_secrets("d"), both);
    assert_eq!(workspace.wanted_secrets("a"), BTreeSet::new());
    assert_eq!(workspace.wanted_secrets("nowhere"), BTreeSet::new());
}

#[test]
fn the_debug_output_holds_no_secret() {
    let mut workspace = teams();
    put(
        &mut workspace,
        [
            credential("d", "one", "sk-very-secret"),
            provider("d", "paid", ProviderIs::Paid("one")),
        ],
    );
    let pass = workspace.compile();
    let shown = format!("{workspace:?} {pass:?} {:?}", workspace.snapshot());
    assert!(
        shown.contains("\"paid\"") && !shown.contains("sk-very"),
        "{shown}"
    );
}
