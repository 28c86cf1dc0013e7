use std::time::Duration;

use weir_records::lease::Report;

use super::*;

fn pod(name: &str, uid: &str) -> Meta {
    Meta {
        name: name.into(),
        uid: uid.into(),
        ..Meta::default()
    }
}

/// A lease of this pod, written at `version`, that reports `revision`.
fn lease(name: &str, version: u64, revision: u64) -> LeaseSeen {
    LeaseSeen {
        meta: Meta {
            name: name.into(),
            uid: format!("lease-{name}"),
            version: version.to_string(),
            ..Meta::default()
        },
        report: Ok(Report {
            revision,
            formats: vec![1, 2],
            ..Report::default()
        }),
    }
}

fn revisions(pods: &[(&str, Option<u64>)]) -> BTreeMap<String, Option<u64>> {
    pods.iter()
        .map(|(name, revision)| ((*name).to_owned(), *revision))
        .collect()
}

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_pod_counts_from_its_lease_on_for_as_long_as_it_exists() {
    let start = Instant::now();
    let mut fleet = Fleet::default();
    fleet.list_pods(vec![pod("a", "1"), pod("b", "2")]);
    fleet.list_leases(vec![lease("a", 20, 10)], start);
    assert_eq!(
        fleet.summary(start).pods,
        revisions(&[("a", Some(10))]),
        "b holds no lease so far"
    );
    assert_eq!(
        fleet.summary(start + LONG).pods,
        revisions(&[("a", Some(10))]),
        "wedged or not"
    );
    assert_eq!(fleet.next_lapse(start), None);
    fleet.pod_gone("a");
    assert_eq!(fleet.summary(start).pods, revisions(&[]));
    assert_eq!(fleet.orphans(start), [lease("a", 20, 10).meta]);
}

#[test]
fn a_lease_whose_pod_was_never_seen_lapses_by_this_process_own_clock() {
    let start = Instant::now();
    let mut fleet = Fleet::default();
    fleet.list_leases(vec![lease("a", 20, 10)], start);
    let renewed = start + DURATION / 2;
    fleet.lease(lease("a", 21, 10), renewed);
    // The same version again is no renewal.
    fleet.lease(lease("a", 21, 10), renewed + DURATION / 2);
    assert_eq!(fleet.next_lapse(start), Some(renewed + DURATION));
    let before = renewed + DURATION - Duration::from_millis(1);
    assert_eq!(fleet.summary(before).pods, revisions(&[("a", Some(10))]));
    assert!(fleet.orphans(before).is_empty());
    assert_eq!(fleet.summary(renewed + DURATION).pods, revisions(&[]));
    assert_eq!(fleet.orphans(renewed + DURATION), [lease("a", 21, 10).meta]);
}

#[test]
fn a_pod_that_takes_the_name_of_another_does_not_inherit_its_lease() {
    let start = Instant::now();
    let mut fleet = Fleet::default();
    fleet.list_pods(vec![pod("a", "1")]);
    fleet.lease(lease("a", 20, 10), start);
    fleet.pod(pod("a", "2"));
    assert_eq!(fleet.summary(start).pods, revisions(&[]));
    fleet.lease(lease("a", 21, 11), start);
    assert_eq!(fleet.summary(start).pods, revisions(&[("a", Some(11))]));
}

#[test]
fn a_relist_keeps_what_is_known_and_drops_what_is_gone() {
    let start = Instant::now();
    let mut fleet = Fleet::default();
    fleet.list_pods(vec![pod("a", "1"), pod("b", "2")]);
    fleet.list_leases(
        vec![lease("a", 20, 10), lease("b", 21, 10), lease("c", 22, 10)],
        start,
    );
    fleet.list_pods(vec![pod("a", "1")]);
    let later = start + DURATION / 2;
    fleet.list_leases(
        vec![lease("a", 30, 12), lease("b", 21, 10), lease("c", 22, 10)],
        later,
    );
    assert_eq!(
        fleet.summary(later).pods,
        revisions(&[("a", Some(12)), ("c", Some(10))])
    );
    assert_eq!(fleet.next_lapse(later), Some(start + DURATION));
    fleet.list_leases(vec![lease("a", 30, 12)], later);
    assert_eq!(fleet.summary(later).pods, revisions(&[("a", Some(12))]));
    assert!(fleet.orphans(later).is_empty());
}

#[test]
fn a_report_of_another_timeline_or_none_is_behind() {
    let start = Instant::now();
    let mut fleet = Fleet::default();
    let unreadable = LeaseSeen {
        report: Err(weir_records::lease::ReadError {
            annotation: weir_records::lease::REVISION,
        }),
        ..lease("b", 20, 0)
    };
    fleet.list_leases(
        vec![lease("a", 20, 900), unreadable, lease("c", 20, 10)],
        start,
    );
    let summary = fleet.summary(start);
    assert_eq!(
        summary.pods,
        revisions(&[("a", None), ("b", None), ("c", Some(10))])
    );
    assert_eq!(summary.lowest(), Some(0));
    let behind = |since| summary.running(since, "team", "AIRoute", "chat");
    assert_eq!(behind(10), Running::Behind(vec!["a".into(), "b".into()]));
    assert_eq!(
        behind(11),
        Running::Behind(vec!["a".into(), "b".into(), "c".into()])
    );
}

#[test]
fn what_runs_where() {
    let start = Instant::now();
    let mut fleet = Fleet::default();
    let running = |fleet: &Fleet, since| {
        let summary = fleet.summary(start);
        summary.running(since, "team", "AIRoute", "chat")
    };
    assert_eq!(running(&fleet, 1), Running::NoGateways);
    fleet.lease(lease("a", 20, 10), start);
    assert_eq!(running(&fleet, 10), Running::Everywhere);
    assert_eq!(running(&fleet, 11), Running::Behind(vec!["a".into()]));
    let mut refusing = lease("b", 21, 12);
    if let Ok(report) = &mut refusing.report {
        report.formats = vec![1];
        report.refused = vec![Refused {
            namespace: "team".into(),
            object: Some("AIRoute/chat".into()),
            message: "why".into(),
        }];
    }
    fleet.lease(refusing, start);
    let refused = Running::Refused {
        pod: "b".into(),
        message: "why".into(),
    };
    assert_eq!(running(&fleet, 10), refused);
    let summary = fleet.summary(start);
    assert_eq!(
        summary.running(10, "team", "AIRoute", "other"),
        Running::Everywhere
    );
    assert_eq!(summary.formats, BTreeSet::from([vec![1], vec![1, 2]]));
}

#[test]
fn in_a_store_that_was_put_back_each_says_anew_what_it_runs() {
    let start = Instant::now();
    let mut fleet = Fleet::default();
    fleet.list_pods(vec![pod("a", "1"), pod("b", "2")]);
    let leases = vec![lease("a", 20, 10), lease("b", 21, 10)];
    fleet.list_leases(leases, start);
    fleet.wrote(30);
    let believed = revisions(&[("a", Some(10)), ("b", Some(10))]);
    assert_eq!(fleet.summary(start).pods, believed);

    fleet.restored();
    let doubted = revisions(&[("a", None), ("b", None)]);
    assert_eq!(fleet.summary(start).pods, doubted);
    fleet.wrote(25);
    assert_eq!(fleet.summary(start).pods, doubted);
    fleet.lease(lease("a", 26, 10), start);
    assert_eq!(
        fleet.summary(start).pods,
        revisions(&[("a", Some(10)), ("b", None)])
    );
    fleet.lease(lease("b", 27, 10), start);
    fleet.wrote(40);
    assert_eq!(fleet.summary(start).pods, believed);
}
