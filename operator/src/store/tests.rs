use std::time::{Duration, Instant};

use serde_json::json;

use super::secrets::PATIENCE;
use super::*;
use crate::status::Status;
use crate::watch::seen::{KEY_TYPE, KeySecret};

fn object(name: &str, version: u64, model: &str) -> Object {
    let id = ObjectId::new(Kind::AiRoute, "team", name);
    let value = json!({"kind": "AIRoute", "spec": {"models": [model]}});
    Object {
        id,
        uid: String::new(),
        version: version.to_string(),
        generation: 1,
        document: Arc::new(Document::from(value)),
        status: Status::default(),
    }
}

fn names(news: &[News]) -> Vec<String> {
    let name = |one: &News| match one {
        News::Put(id, _) => format!("+{}", id.name),
        News::Remove(id) => format!("-{}", id.name),
        News::Unreadable(id) => format!("?{}", id.name),
        News::Account { name, uid, .. } => format!("{name}={uid:?}"),
    };
    news.iter().map(name).collect()
}

#[test]
fn a_status_that_was_written_is_no_news_for_the_compiler() {
    let mut store = Store::default();
    let mut tell = |change| {
        let told = store.objects_changed(&Kind::AiRoute, &Scope::All, change);
        (told.0.len(), names(&told.1))
    };
    let first = Change::Apply(object("a", 1, "x"));
    assert_eq!(tell(first), (1, vec!["+a".to_owned()]));
    assert_eq!(tell(Change::Apply(object("a", 2, "x"))), (1, Vec::new()));
    let other = Change::Apply(object("a", 3, "y"));
    assert_eq!(tell(other), (1, vec!["+a".to_owned()]));
}

#[test]
fn what_a_list_lacks_within_its_scope_is_gone() {
    let mut store = Store::default();
    let mut other = object("b", 1, "x");
    other.id.namespace = "other".into();
    let list = Change::List(vec![object("a", 1, "x"), other]);
    store.objects_changed(&Kind::AiRoute, &Scope::All, list);
    let scope = Scope::Namespace("team".into());
    let change = Change::List(vec![object("c", 2, "x")]);
    let (touched, news) = store.objects_changed(&Kind::AiRoute, &scope, change);
    assert_eq!(names(&news), ["-a", "+c"]);
    assert_eq!(touched.len(), 2);
    // A list of the other kind says nothing of routes.
    let none = Change::List(Vec::new());
    let (_, news) = store.objects_changed(&Kind::AiProvider, &Scope::All, none);
    assert_eq!(names(&news), Vec::<String>::new());
    let left: Vec<&str> = store.objects().map(|id| id.name.as_str()).collect();
    assert_eq!(left, ["b", "c"]);
}

#[test]
fn an_account_that_was_deleted_and_made_anew_has_another_uid() {
    let mut store = Store::default();
    let mut tell = |change| names(&store.accounts_changed(&Scope::All, change));
    let account = |uid: &str| Meta {
        namespace: "team".into(),
        name: "web".into(),
        uid: uid.into(),
        ..Meta::default()
    };
    assert_eq!(tell(Change::Apply(account("1"))), ["web=Some(\"1\")"]);
    assert!(tell(Change::Apply(account("1"))).is_empty());
    assert_eq!(tell(Change::List(vec![account("2")])), ["web=Some(\"2\")"]);
    assert_eq!(tell(Change::Delete(account("2"))), ["web=None"]);
    assert!(tell(Change::Delete(account("2"))).is_empty());
}

fn meta(name: &str, version: u64, labelled: bool) -> Meta {
    let label = (KEY_TYPE.to_owned(), "true".to_owned());
    Meta {
        namespace: "team".into(),
        name: name.into(),
        version: version.to_string(),
        labels: labelled.then_some(label).into_iter().collect(),
        ..Meta::default()
    }
}

fn secret(name: &str, version: u64, kind: &str) -> KeySecret {
    let value = json!({"kind": "Secret", "type": kind, "version": version});
    KeySecret {
        meta: meta(name, version, false),
        document: Arc::new(Document::from(value)),
    }
}

fn wanted(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn to_read(secrets: &mut Secrets) -> Vec<String> {
    let names = secrets.take_to_read().into_iter();
    names.map(|(_, name)| name).collect()
}

fn name(name: &str) -> (String, String) {
    ("team".to_owned(), name.to_owned())
}

#[test]
fn only_secrets_that_matter_are_read() {
    let now = Instant::now();
    let mut secrets = Secrets::default();
    let list = vec![
        meta("other", 1, false),
        meta("key", 2, true),
        meta("cred", 3, false),
    ];
    assert!(
        secrets
            .seen(&Scope::All, Change::List(list), now)
            .is_empty()
    );
    assert_eq!(to_read(&mut secrets), ["key"]);
    secrets.want("team", wanted(&["cred"]), now);
    assert_eq!(to_read(&mut secrets), ["cred"]);
    let found = secrets.was_read(&name("cred"), Some(secret("cred", 3, "Opaque")), now);
    assert_eq!(names(&found), ["+cred"]);
    // Known already; changed; no more referred to.
    let tell = |secrets: &mut Secrets, version| {
        let change = Change::Apply(meta("cred", version, false));
        secrets.seen(&Scope::All, change, now)
    };
    tell(&mut secrets, 3);
    assert!(to_read(&mut secrets).is_empty());
    tell(&mut secrets, 4);
    assert_eq!(to_read(&mut secrets), ["cred"]);
    let found = secrets.was_read(&name("cred"), Some(secret("cred", 4, "Opaque")), now);
    assert_eq!(names(&found), ["+cred"]);
    assert_eq!(names(&secrets.want("team", wanted(&[]), now)), ["-cred"]);
    tell(&mut secrets, 5);
    assert!(to_read(&mut secrets).is_empty());
}

#[test]
fn one_that_changes_while_it_is_read_is_read_again() {
    let now = Instant::now();
    let mut secrets = Secrets::default();
    secrets.want("team", wanted(&["cred"]), now);
    assert_eq!(to_read(&mut secrets), ["cred"]);
    secrets.seen(&Scope::All, Change::Apply(meta("cred", 2, false)), now);
    assert!(to_read(&mut secrets).is_empty(), "it is being read");
    secrets.was_read(&name("cred"), Some(secret("cred", 1, "Opaque")), now);
    assert_eq!(to_read(&mut secrets), ["cred"]);
}

#[test]
fn one_that_cannot_be_read_is_not_missing() {
    let start = Instant::now();
    let mut secrets = Secrets::default();
    secrets.want("team", wanted(&["cred"]), start);
    secrets.take_to_read();
    secrets.not_read(&name("cred"), start);
    assert_eq!(secrets.wait_until(start, start), Some(start + PATIENCE));
    assert!(secrets.give_up_waiting(start, start).is_empty());
    let late = start + PATIENCE;
    assert_eq!(secrets.wait_until(late, late), None);
    assert_eq!(names(&secrets.give_up_waiting(late, late)), ["?cred"]);
    assert!(secrets.give_up_waiting(late, late).is_empty(), "told once");
    assert!(secrets.is_unreadable("team", "cred"));
    assert_eq!(to_read(&mut secrets), ["cred"]);
    let found = secrets.was_read(&name("cred"), Some(secret("cred", 3, "Opaque")), late);
    assert_eq!(names(&found), ["+cred"]);
    // Known once, it stays as it was.
    secrets.seen(&Scope::All, Change::Apply(meta("cred", 4, false)), late);
    secrets.take_to_read();
    secrets.not_read(&name("cred"), late);
    assert_eq!(secrets.wait_until(late, late), None);
    assert_eq!(secrets.documents().count(), 1);
    let gone = secrets.was_read(&name("cred"), None, late);
    assert_eq!(names(&gone), ["-cred"]);
}

#[test]
fn new_secrets_hold_up_a_compilation_no_longer_than_one_does() {
    let start = Instant::now();
    let mut secrets = Secrets::default();
    // One more each second, and none of them is read.
    for second in 0..2 {
        let now = start + Duration::from_secs(second);
        let change = Change::Apply(meta(&format!("key-{second}"), 1, true));
        secrets.seen(&Scope::All, change, now);
        assert_eq!(secrets.wait_until(start, now), Some(start + PATIENCE));
    }
    let late = start + PATIENCE;
    let change = Change::Apply(meta("key-2", 1, true));
    secrets.seen(&Scope::All, change, late);
    assert_eq!(secrets.wait_until(start, late), None);
    // None of them is taken for missing.
    assert_eq!(
        names(&secrets.give_up_waiting(start, late)),
        ["?key-0", "?key-1", "?key-2"]
    );
}

#[test]
fn a_labelled_key_that_cannot_be_read_stays_what_it_was() {
    let start = Instant::now();
    let late = start + PATIENCE;
    let key = |value: &str| {
        let document = json!({
            "apiVersion": "v1", "kind": "Secret", "stringData": {"key": value},
            "metadata": {"namespace": "team", "name": "key", "labels": {KEY_TYPE: "true"}},
        });
        Arc::new(Document::from(document))
    };
    let mut published = Workspace::default();
    published.put(key("0123456789-0123456789-0123456789"));
    published.compile();
    let published = published.snapshot().clone();
    assert!(published.key("team", "key").is_some());

    // An operator that begins, and whose first reading fails.
    let mut store = Store::default();
    let change = Change::Apply(meta("key", 1, true));
    store.secrets.seen(&Scope::All, change, start);
    store.secrets.take_to_read();
    store.secrets.not_read(&name("key"), start);
    let mut workspace = Workspace::new(published.clone());
    store.tell_all(&mut workspace);
    for news in store.secrets.give_up_waiting(start, late) {
        news.tell(&mut workspace);
    }
    workspace.compile();
    assert_eq!(*workspace.snapshot(), published);
    // So does one that takes over from it.
    let mut next = Workspace::new(published.clone());
    store.tell_all(&mut next);
    next.compile();
    assert_eq!(*next.snapshot(), published);

    // Once it is read, or gone, that is what counts.
    let found = KeySecret {
        meta: meta("key", 2, true),
        document: key("another-0123456789-0123456789-0123456789"),
    };
    for news in store.secrets.was_read(&name("key"), Some(found), late) {
        news.tell(&mut workspace);
    }
    workspace.compile();
    let read = workspace.snapshot().key("team", "key");
    assert!(read.is_some() && read != published.key("team", "key"));
    next.remove(&ObjectId::new(Kind::Secret, "team", "key"));
    next.compile();
    assert_eq!(next.snapshot().key("team", "key"), None);
}

#[test]
fn keys_come_from_two_watches_and_the_newer_state_wins() {
    let now = Instant::now();
    let mut secrets = Secrets::default();
    let mut keys = |change| names(&secrets.keys_seen(&Scope::All, change, now));
    assert_eq!(keys(Change::Apply(secret("key", 5, KEY_TYPE))), ["+key"]);
    assert!(keys(Change::Apply(secret("key", 4, KEY_TYPE))).is_empty());
    // Late news of one that bore the name before.
    assert!(keys(Change::Delete(secret("key", 3, KEY_TYPE))).is_empty());
    assert_eq!(keys(Change::Delete(secret("key", 6, KEY_TYPE))), ["-key"]);
    assert_eq!(secrets.documents().count(), 0);
}

#[test]
fn a_list_that_lacks_a_key_is_checked_by_reading_it() {
    let now = Instant::now();
    let mut secrets = Secrets::default();
    let key = Change::Apply(secret("key", 5, KEY_TYPE));
    secrets.keys_seen(&Scope::All, key, now);
    let news = secrets.keys_seen(&Scope::All, Change::List(Vec::new()), now);
    assert!(news.is_empty());
    assert_eq!(to_read(&mut secrets), ["key"]);
    assert_eq!(names(&secrets.was_read(&name("key"), None, now)), ["-key"]);
    assert!(to_read(&mut secrets).is_empty());
}

#[test]
fn a_key_that_loses_its_label_is_none_any_more() {
    let now = Instant::now();
    let mut secrets = Secrets::default();
    secrets.seen(&Scope::All, Change::Apply(meta("key", 1, true)), now);
    assert_eq!(to_read(&mut secrets), ["key"]);
    let mut found = secret("key", 1, "Opaque");
    found.meta = meta("key", 1, true);
    assert_eq!(
        names(&secrets.was_read(&name("key"), Some(found), now)),
        ["+key"]
    );
    let change = Change::Apply(meta("key", 2, false));
    assert_eq!(names(&secrets.seen(&Scope::All, change, now)), ["-key"]);
}
