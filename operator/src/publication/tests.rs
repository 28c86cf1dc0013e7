use std::time::Duration;

use weir_config::Snapshot;

use super::read::{Back, Found};
use super::*;

const TERM: u64 = 5;

fn shard(namespace: &str) -> Arc<Shard> {
    Arc::new(Shard {
        namespace: namespace.into(),
        ..Shard::default()
    })
}

fn known(version: u64, digest: u64) -> Known {
    Known {
        version: version.to_string(),
        digest,
    }
}

fn index(version: u64, digest: u64, parts: &[&str]) -> Index {
    Index {
        known: known(version, digest),
        parts: parts.iter().map(|part| (*part).to_owned()).collect(),
    }
}

fn written(version: u64, digest: u64, parts: &[&str]) -> Written {
    let all = parts.iter();
    Written {
        index: Some(index(version, digest, parts)),
        parts: all
            .map(|part| ((*part).to_owned(), known(version - 1, 7)))
            .collect(),
    }
}

fn seen(name: &str, version: u64, digest: u64, term: Option<u64>) -> PublishedSeen {
    PublishedSeen {
        name: name.into(),
        version: version.to_string(),
        digest,
        term,
    }
}

/// The root at 100, and namespace `a` at 90.
fn back() -> Back {
    let found = Found {
        index: index(90, 1, &[]),
        rewrite: false,
    };
    let namespaces = BTreeMap::from([("a".to_owned(), shard("a"))]);
    Back {
        root: Root {
            format: 2,
            term: TERM,
        },
        root_version: "100".into(),
        before: Some(TERM - 1),
        indexes: BTreeMap::from([("a".to_owned(), found)]),
        parts: BTreeMap::new(),
        snapshot: Snapshot {
            namespaces,
            ..Snapshot::default()
        },
    }
}

fn publication() -> Publication {
    Publication::new(back(), Instant::now())
}

fn next(publication: &mut Publication) -> Option<Job> {
    publication.next_job(&Pace::default(), Instant::now())
}

fn jobs(publication: &mut Publication) -> Vec<(String, bool)> {
    let mut jobs = Vec::new();
    while let Some(job) = next(publication) {
        jobs.push((job.namespace, job.force));
    }
    jobs
}

#[test]
fn what_was_read_back_and_is_as_it_should_be_is_not_written() {
    let mut publication = publication();
    assert_eq!(jobs(&mut publication), []);
    assert!(publication.is_settled());
    assert_eq!(publication.revision("a"), Some(90));
    assert_eq!(publication.newest(), 100);
}

#[test]
fn what_is_missing_or_of_no_use_is_written() {
    let mut back = back();
    let namespaces = &mut back.snapshot.namespaces;
    namespaces.insert("b".into(), shard("b"));
    if let Some(found) = back.indexes.get_mut("a") {
        found.rewrite = true;
    }
    let mut publication = Publication::new(back, Instant::now());
    let expected = [("a".to_owned(), true), ("b".to_owned(), false)];
    assert_eq!(jobs(&mut publication), expected);
}

#[test]
fn one_namespace_is_written_by_one_job_at_a_time() {
    let start = Instant::now();
    let mut publication = publication();
    publication.desire("a", Some(shard("a")), start);
    publication.desire("a", None, start + Duration::from_secs(1));
    let job = next(&mut publication).unwrap();
    assert_eq!((job.since, job.shard.is_none()), (start, true));
    assert_eq!(job.index, Some(index(90, 1, &[])));
    publication.desire("a", Some(shard("a")), start);
    assert!(next(&mut publication).is_none());
    let gone = Written {
        index: None,
        parts: BTreeMap::new(),
    };
    publication.done("a", gone, start);
    let job = next(&mut publication).unwrap();
    assert_eq!((job.index.clone(), job.shard.is_some()), (None, true));
    publication.failed(&job, Duration::ZERO, start);
    let job = next(&mut publication).unwrap();
    publication.done("a", written(101, 2, &[]), start);
    assert_eq!(job.since, start);
    assert!(publication.is_settled());
    assert_eq!(publication.newest(), 101);
}

#[test]
fn one_that_fails_waits_longer_each_time_and_holds_up_no_other() {
    let (mut now, longest) = (Instant::now(), Duration::from_secs(1));
    let (mut publication, pace) = (publication(), Pace::default());
    publication.desire("a", Some(shard("a")), now);
    let mut job = publication.next_job(&pace, now).unwrap();
    for millis in [200, 400, 800, 1_000, 1_000] {
        publication.failed(&job, longest, now);
        // Not even for something new in it.
        publication.desire("a", Some(shard("a")), now);
        publication.desire("b", Some(shard("b")), now);
        let other = publication.next_job(&pace, now).unwrap();
        assert_eq!(other.namespace, "b");
        publication.done("b", written(101, 2, &[]), now);
        assert!(publication.next_job(&pace, now).is_none());
        assert!(!publication.is_settled());
        let due = now + Duration::from_millis(millis);
        assert_eq!(publication.next_due(), Some(due));
        now = due;
        job = publication.next_job(&pace, now).unwrap();
        assert_eq!(
            (job.namespace.as_str(), publication.next_due()),
            ("a", None)
        );
    }
    // All is forgotten once it goes through.
    publication.done("a", written(102, 2, &[]), now);
    publication.desire("a", Some(shard("a")), now);
    let job = publication.next_job(&pace, now).unwrap();
    publication.failed(&job, longest, now);
    assert!(publication.next_job(&pace, now).is_none());
    let due = now + Duration::from_millis(200);
    assert_eq!(publication.next_due(), Some(due));
}

#[test]
fn who_has_used_up_the_allowance_waits_also_after_deleting_all() {
    let now = Instant::now();
    let (mut publication, mut pace) = (publication(), Pace::default());
    publication.desire("a", Some(shard("a")), now);
    publication.next_job(&pace, now).unwrap();
    pace.spend("a", pace::BURST + pace::RATE, now);
    publication.done("a", written(101, 2, &[]), now);
    // It goes, and comes again; both are written at once when it is due.
    publication.desire("a", None, now);
    assert!(publication.next_job(&pace, now).is_none());
    publication.desire("a", Some(shard("a")), now);
    let due = now + Duration::from_secs(1);
    assert_eq!(publication.next_due(), Some(due));
    let job = publication.next_job(&pace, due).unwrap();
    assert_eq!((job.shard.is_some(), job.since), (true, now));
    publication.done("a", written(102, 2, &[]), due);
    // Gone for good, and made anew.
    publication.desire("a", None, due);
    publication.next_job(&pace, due).unwrap();
    pace.spend("a", pace::RATE, due);
    let gone = Written {
        index: None,
        parts: BTreeMap::new(),
    };
    publication.done("a", gone, due);
    assert_eq!(publication.namespaces().count(), 0);
    publication.desire("a", Some(shard("a")), due);
    assert!(publication.next_job(&pace, due).is_none());
    assert_eq!(publication.next_due(), Some(due + Duration::from_secs(1)));
}

#[test]
fn the_echo_of_a_write_is_nothing_new_whenever_it_comes() {
    let now = Instant::now();
    let mut publication = publication();
    publication.desire("a", Some(shard("a")), now);
    next(&mut publication).unwrap();
    // Before the answer.
    let echo = seen("ns.a", 101, 2, Some(TERM));
    assert_eq!(publication.seen(&echo, now), Verdict::Echo);
    let (unused, verdict) = publication.done("a", written(101, 2, &[]), now);
    assert_eq!((unused, verdict), (Vec::new(), Verdict::Echo));
    // After it, and older ones.
    assert_eq!(publication.seen(&echo, now), Verdict::Echo);
    let older = seen("ns.a", 90, 1, Some(TERM - 1));
    assert_eq!(publication.seen(&older, now), Verdict::Echo);
    assert!(publication.is_settled());
}

#[test]
fn an_edit_by_hand_is_put_right_with_the_version_that_it_made() {
    let now = Instant::now();
    let mut publication = publication();
    let edit = seen("ns.a", 120, 9, Some(TERM));
    assert_eq!(publication.seen(&edit, now), Verdict::Edited);
    assert_eq!(publication.take_edited(), BTreeSet::from(["a".to_owned()]));
    let job = next(&mut publication).unwrap();
    assert_eq!(job.index, Some(index(120, 9, &[])));
    assert!(job.force && job.shard.is_some());
    // While that is written, another.
    let edit = seen("ns.a", 130, 9, Some(TERM));
    assert_eq!(publication.seen(&edit, now), Verdict::Echo);
    let (_, verdict) = publication.done("a", written(125, 1, &[]), now);
    assert_eq!(verdict, Verdict::Edited);
    let job = next(&mut publication).unwrap();
    assert_eq!(job.index, Some(index(130, 9, &[])));
}

#[test]
fn an_edit_that_gateways_do_not_see_changes_the_version_alone() {
    let now = Instant::now();
    let mut publication = publication();
    publication.desire("a", Some(shard("a")), now);
    next(&mut publication).unwrap();
    publication.done("a", written(101, 2, &[]), now);
    let edit = seen("ns.a", 120, 2, Some(TERM));
    assert_eq!(publication.seen(&edit, now), Verdict::Echo);
    assert_eq!(publication.revision("a"), Some(120));
    assert!(publication.is_settled());
}

#[test]
fn what_a_replaced_leader_wrote_is_written_anew_though_it_says_the_same() {
    let now = Instant::now();
    let mut publication = publication();
    let late = seen("ns.a", 120, 1, Some(TERM - 1));
    assert_eq!(publication.seen(&late, now), Verdict::Edited);
    assert_eq!(jobs(&mut publication), [("a".to_owned(), true)]);
}

#[test]
fn what_is_deleted_is_made_anew_and_what_nobody_asked_for_goes() {
    let now = Instant::now();
    let mut publication = publication();
    assert_eq!(publication.gone("ns.a", "120", now), Verdict::Edited);
    let job = next(&mut publication).unwrap();
    assert_eq!((job.index, job.shard.is_some()), (None, true));
    publication.done("a", written(121, 1, &[]), now);
    // News of the time before.
    assert_eq!(publication.gone("ns.a", "120", now), Verdict::Echo);
    let stray = seen("ns.stray", 122, 3, Some(TERM));
    assert_eq!(publication.seen(&stray, now), Verdict::Edited);
    let job = next(&mut publication).unwrap();
    assert_eq!((job.index, job.shard), (Some(index(122, 3, &[])), None));
}

#[test]
fn another_leader_is_known_by_its_term_or_by_the_root() {
    let now = Instant::now();
    let foreign = [
        seen("ns.a", 120, 1, Some(TERM + 1)),
        seen("0-root", 120, 1, Some(TERM + 1)),
        seen("0-root", 120, 1, None),
    ];
    for seen in foreign {
        assert_eq!(publication().seen(&seen, now), Verdict::Foreign, "{seen:?}");
    }
    assert_eq!(publication().gone("0-root", "120", now), Verdict::Foreign);
    let own = seen("0-root", 100, 1, Some(TERM));
    assert_eq!(publication().seen(&own, now), Verdict::Echo);
}

#[test]
fn a_list_that_is_older_than_what_was_written_tells_of_a_store_that_was_put_back() {
    let now = Instant::now();
    let root = seen("0-root", 100, 1, Some(TERM));
    let a = seen("ns.a", 90, 1, Some(TERM - 1));
    let list = [root.clone(), a.clone()];
    assert_eq!(publication().listed(&list, now), Verdict::Echo);
    assert_eq!(publication().listed(&list[..1], now), Verdict::Foreign);
    assert_eq!(publication().listed(&list[1..], now), Verdict::Foreign);
    let older = [root, seen("ns.a", 80, 1, Some(TERM - 1))];
    assert_eq!(publication().listed(&older, now), Verdict::Foreign);
}

#[test]
fn parts_go_when_no_index_names_them_and_come_back_when_lost() {
    let now = Instant::now();
    let mut publication = publication();
    let mut write = |parts: &[&str], version| {
        publication.desire("a", Some(shard("a")), now);
        next(&mut publication).unwrap();
        publication.done("a", written(version, 2, parts), now).0
    };
    assert_eq!(write(&["part.1", "part.2"], 110), []);
    let unused = write(&["part.2", "part.3"], 120);
    assert_eq!(unused, [("part.1".to_owned(), known(109, 7))]);
    publication.part_gone("part.1");
    assert_eq!(publication.unused_parts(), []);
    // The echo of its deletion, then someone deletes one that is needed, and edits another.
    assert_eq!(publication.gone("part.1", "121", now), Verdict::Echo);
    assert_eq!(publication.gone("part.3", "122", now), Verdict::Edited);
    let job = next(&mut publication).unwrap();
    assert!(job.force && !job.parts.contains_key("part.3"));
    publication.done("a", written(130, 2, &["part.2", "part.3"]), now);
    let edit = seen("part.2", 140, 8, None);
    assert_eq!(publication.seen(&edit, now), Verdict::Edited);
    let job = next(&mut publication).unwrap();
    assert_eq!(job.parts.get("part.2"), Some(&known(140, 8)));
}

#[test]
fn namespaces_are_found_by_their_revisions() {
    let now = Instant::now();
    let mut publication = publication();
    publication.desire("b", Some(shard("b")), now);
    next(&mut publication).unwrap();
    publication.done("b", written(110, 2, &[]), now);
    let above = |lowest| publication.above(lowest).collect::<Vec<_>>();
    assert_eq!(above(0), ["a", "b"]);
    assert_eq!(above(90), ["b"]);
    assert_eq!(above(110), Vec::<&str>::new());
}
