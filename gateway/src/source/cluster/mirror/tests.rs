use weir_config::published::{Entry, encode};
use weir_config::snapshot::{ApiKey, Shard};

use super::*;

/// A shard that says `text`, or too much for one Secret.
fn shard(namespace: &str, text: &str) -> Shard {
    let key = ApiKey {
        created: None,
        hashes: vec![Sha256::of(text.as_bytes())],
        expires_at: None,
    };
    Shard {
        namespace: namespace.into(),
        keys: [(text.to_owned(), key)].into(),
        ..Shard::default()
    }
}

fn large(namespace: &str) -> Shard {
    let accounts = (0..40_000u32).map(|n| {
        let uid = Sha256::of(&n.to_be_bytes()).to_string();
        (format!("account-{n}"), uid)
    });
    Shard {
        service_accounts: accounts.collect(),
        ..shard(namespace, "large")
    }
}

fn object(entry: Entry, revision: u64) -> Object {
    Object {
        name: entry.name,
        revision,
        annotations: entry.annotations,
        data: entry.data,
    }
}

fn root(term: u64, revision: u64) -> Object {
    object(Root { format: 2, term }.encode(), revision)
}

/// What a leader of this term publishes.
fn published(shard: &Shard, term: u64, revision: u64) -> Object {
    object(encode(shard, 2, term).index, revision)
}

fn text(namespace: &str, text: &str, revision: u64) -> Object {
    published(&shard(namespace, text), 1, revision)
}

/// What serves: revision, what each namespace says, and what is refused.
type Serving = (u64, Vec<String>, Vec<String>);

fn serving(mirror: &Mirror) -> Option<Serving> {
    let (snapshot, publication) = mirror.serving()?;
    let kept: Vec<&String> = publication.namespaces.keys().collect();
    assert_eq!(kept, snapshot.namespaces.keys().collect::<Vec<_>>());
    let says = |(name, shard): (&String, &Arc<weir_config::snapshot::Shard>)| {
        let text = shard.keys.keys().next().cloned().unwrap_or_default();
        format!("{name}: {text}")
    };
    let refused = publication.refused.into_iter();
    Some((
        publication.revision,
        snapshot.namespaces.iter().map(says).collect(),
        refused
            .map(|one| format!("{}: {}", one.namespace, one.message))
            .collect(),
    ))
}

fn is(revision: u64, namespaces: &[&str], refused: &[&str]) -> Option<Serving> {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    Some((revision, owned(namespaces), owned(refused)))
}

/// With namespace a that says `one` and b that says `two`, at revision 10.
fn listed() -> Mirror {
    let mut mirror = Mirror::new(None);
    assert_eq!(serving(&mirror), None);
    mirror.list(
        vec![root(1, 3), text("a", "one", 4), text("b", "two", 5)],
        10,
    );
    assert_eq!(serving(&mirror), is(10, &["a: one", "b: two"], &[]));
    mirror
}

/// What was kept of it, for the next life.
fn kept(mirror: &Mirror) -> Mirror {
    Mirror::new(
        mirror
            .serving()
            .map(|(_, publication)| publication.namespaces),
    )
}

#[test]
fn a_change_is_one_namespaces_and_all_else_is_the_same() {
    let mut mirror = listed();
    let (before, _) = mirror.serving().unwrap();
    mirror.happened(vec![Event::Applied(text("a", "new", 11))]);
    assert_eq!(serving(&mirror), is(11, &["a: new", "b: two"], &[]));
    let (after, _) = mirror.serving().unwrap();
    assert!(Arc::ptr_eq(&before.namespaces["b"], &after.namespaces["b"]));
    // The same bytes again are nothing new.
    mirror.happened(vec![Event::Applied(text("a", "new", 12))]);
    let (same, publication) = mirror.serving().unwrap();
    assert!(Arc::ptr_eq(&after, &same));
    assert_eq!(publication.revision, 12);
    mirror.happened(vec![Event::Deleted("ns.a".into(), 13)]);
    assert_eq!(serving(&mirror), is(13, &["b: two"], &[]));
}

#[test]
fn what_is_older_than_what_is_known_is_passed_over() {
    let mut mirror = listed();
    mirror.happened(vec![
        Event::Applied(text("a", "new", 12)),
        Event::Applied(text("a", "late", 11)),
        Event::Deleted("ns.b".into(), 12),
    ]);
    assert_eq!(serving(&mirror), is(12, &["a: new", "b: two"], &[]));
}

#[test]
fn a_completed_list_replaces_everything_at_whatever_revision() {
    let mut mirror = kept(&listed());
    assert_eq!(serving(&mirror), is(5, &["a: one", "b: two"], &[]));
    mirror.list(vec![root(1, 1), text("a", "older", 2)], 2);
    assert_eq!(serving(&mirror), is(2, &["a: older"], &[]));
    mirror.list(vec![root(1, 1)], 1);
    assert_eq!(serving(&mirror), is(1, &[], &[]));
}

#[test]
fn without_a_root_nothing_is_taken_and_nothing_is_taken_away() {
    let mut mirror = Mirror::new(None);
    mirror.list(vec![text("a", "one", 4)], 10);
    assert_eq!(serving(&mirror), None);
    mirror.happened(vec![Event::Applied(root(1, 11))]);
    assert_eq!(serving(&mirror), is(11, &["a: one"], &[]));

    mirror.list(vec![], 12);
    assert_eq!(serving(&mirror), is(11, &["a: one"], &[]));
    mirror.happened(vec![Event::Applied(text("b", "two", 13))]);
    assert_eq!(serving(&mirror), is(11, &["a: one"], &[]));
    mirror.happened(vec![Event::Applied(root(2, 14))]);
    assert_eq!(serving(&mirror), is(14, &["b: two"], &[]));

    // As where the namespace itself is deleted.
    mirror.happened(vec![
        Event::Deleted("0-root".into(), 15),
        Event::Deleted("ns.b".into(), 16),
    ]);
    assert_eq!(serving(&mirror), is(14, &["b: two"], &[]));
}

#[test]
fn nothing_published_is_a_configuration() {
    let mut mirror = Mirror::new(None);
    mirror.list(vec![root(1, 3)], 10);
    assert_eq!(serving(&mirror), is(10, &[], &[]));
    assert_eq!(serving(&kept(&mirror)), is(0, &[], &[]));
}

#[test]
fn what_a_replaced_leader_wrote_is_passed_over() {
    let mut mirror = listed();
    mirror.happened(vec![
        Event::Applied(root(2, 11)),
        Event::Applied(published(&shard("a", "late"), 1, 12)),
        Event::Applied(published(&shard("b", "new"), 2, 13)),
    ]);
    assert_eq!(serving(&mirror), is(13, &["a: one", "b: new"], &[]));
    mirror.happened(vec![Event::Applied(published(&shard("a", "right"), 2, 14))]);
    assert_eq!(serving(&mirror), is(14, &["a: right", "b: new"], &[]));

    // The same in a list; what it wrote while it led counts.
    let objects = || {
        vec![
            root(2, 11),
            published(&shard("a", "late"), 1, 12),
            published(&shard("b", "led"), 1, 9),
        ]
    };
    mirror.list(objects(), 20);
    assert_eq!(serving(&mirror), is(20, &["a: right", "b: led"], &[]));
    let mut fresh = Mirror::new(None);
    fresh.list(objects(), 20);
    assert_eq!(serving(&fresh), is(20, &["b: led"], &[]));
}

#[test]
fn what_cannot_be_read_leaves_its_namespace_as_it_was() {
    let it = "the published configuration of this namespace ";
    let annotated = |name: &str, value: Option<&str>| {
        let mut object = text("a", "new", 11);
        match value {
            Some(value) => object.annotations.insert(name.into(), value.into()),
            None => object.annotations.remove(name),
        };
        object
    };
    let with = |entry: &str, bytes: &[u8]| {
        let mut object = text("a", "new", 11);
        object.data = [(entry.to_owned(), bytes.to_vec())].into();
        object
    };
    let mut renamed = text("c", "new", 11);
    renamed.name = "ns.a".into();
    for (object, said) in [
        (
            annotated("weir.dev/format", Some("4")),
            "is of format 4; this version reads 2 and 3",
        ),
        (annotated("weir.dev/format", None), "has no weir.dev/format"),
        (
            annotated("weir.dev/term", Some("x")),
            "its weir.dev/term is no number",
        ),
        (with(SHARD_ENTRY, b"\x1f\x8b"), "is no gzip that is whole"),
        (with(PARTS_ENTRY, b"["), "is no JSON (line 1, column 1)"),
        (with("else", b""), "has no shard"),
        (renamed, "is of another one"),
    ] {
        let refused = format!("a: {it}{said}");
        let mut mirror = listed();
        mirror.happened(vec![Event::Applied(object.clone())]);
        assert_eq!(serving(&mirror), is(11, &["a: one", "b: two"], &[&refused]));
        mirror.list(vec![root(1, 3), object, text("b", "two", 5)], 12);
        let (_, namespaces, refused) = serving(&mirror).unwrap();
        assert_eq!((namespaces.len(), refused.len()), (2, 1), "{said}");
        mirror.happened(vec![Event::Applied(text("a", "mended", 13))]);
        assert_eq!(serving(&mirror), is(13, &["a: mended", "b: two"], &[]));
    }
    let mut mirror = listed();
    mirror.happened(vec![
        Event::Applied(annotated("weir.dev/format", Some("4"))),
        Event::Deleted("ns.a".into(), 12),
    ]);
    assert_eq!(serving(&mirror), is(12, &["b: two"], &[]));
}

#[test]
fn a_root_that_cannot_be_read_changes_nothing() {
    let mut mirror = listed();
    let mut odd = root(2, 11);
    odd.data = [("root".to_owned(), br#"{"format":3,"new":1}"#.to_vec())].into();
    mirror.happened(vec![Event::Applied(odd), Event::Deleted("ns.a".into(), 12)]);
    let (revision, namespaces, refused) = serving(&mirror).unwrap();
    assert_eq!((revision, namespaces.len(), refused.len()), (10, 2, 1));
    assert!(
        refused[0].starts_with(": the Secret `0-root` has something"),
        "{refused:?}"
    );
    mirror.happened(vec![Event::Applied(root(3, 13))]);
    assert_eq!(serving(&mirror), is(13, &["b: two"], &[]));
}

#[test]
fn parts_are_joined_when_all_are_there() {
    let encoded = encode(&large("a"), 2, 1);
    assert!(encoded.parts.len() > 1);
    let mut events: Vec<Event> = encoded
        .parts
        .into_iter()
        .zip(12..)
        .map(|(part, revision)| Event::Applied(object(part, revision)))
        .collect();
    let last = events.pop().unwrap();
    let index = || object(encode(&large("a"), 2, 1).index, 11);

    let mut mirror = listed();
    mirror.happened(vec![Event::Applied(index())]);
    mirror.happened(events);
    let (_, namespaces, refused) = serving(&mirror).unwrap();
    assert_eq!(namespaces, ["a: one", "b: two"]);
    assert_eq!(
        refused,
        ["a: the published configuration of this namespace lacks 1 of its parts"]
    );
    mirror.happened(vec![last]);
    let (_, namespaces, refused) = serving(&mirror).unwrap();
    assert_eq!(
        (namespaces, refused),
        (vec!["a: large".to_owned(), "b: two".to_owned()], vec![])
    );

    // The next life has it in one piece, and a list that says the same changes nothing.
    let mut next = kept(&mirror);
    let (before, _) = next.serving().unwrap();
    let mut objects = vec![root(1, 3), index(), text("b", "two", 5)];
    let parts = encode(&large("a"), 2, 1).parts;
    objects.extend(parts.into_iter().map(|part| object(part, 12)));
    next.list(objects, 30);
    let (after, publication) = next.serving().unwrap();
    assert!(Arc::ptr_eq(&before.namespaces["a"], &after.namespaces["a"]));
    assert_eq!((publication.revision, publication.refused), (30, vec![]));
}

#[test]
fn nothing_of_a_secret_is_printed() {
    let mut mirror = Mirror::new(None);
    mirror.list(vec![root(1, 3), text("a", "s3cret", 4)], 10);
    let (_, publication) = mirror.serving().unwrap();
    let printed = format!("{:?} {publication:?}", text("a", "s3cret", 4));
    assert!(
        printed.contains("ns.a") && !printed.contains("s3cret"),
        "{printed}"
    );
    assert!(!printed.contains("31, 139"), "no gzip either: {printed}");
}
