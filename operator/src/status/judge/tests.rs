use super::*;

const BEFORE: &str = "2026-01-01T00:00:00Z";
const NOW: &str = "2026-02-02T00:00:00Z";

fn problem(reason: Reason, field: &str, message: &str) -> Problem {
    Problem {
        reason,
        field: field.into(),
        message: message.into(),
        location: None,
    }
}

fn refused(problems: Vec<Problem>, serving: Serving) -> Outcome {
    Outcome::Refused { problems, serving }
}

fn condition(kind: &str, status: &str, at: &str, reason: &str, message: &str) -> Condition {
    Condition {
        kind: kind.into(),
        status: status.into(),
        observed_generation: Some(3),
        last_transition_time: at.into(),
        reason: reason.into(),
        message: message.into(),
    }
}

fn judged(outcome: &Outcome, running: &Running, served: Option<i64>, before: &Status) -> Status {
    let facts = Facts {
        generation: 3,
        outcome,
        running,
        served,
    };
    judge(&facts, before, NOW)
}

/// All is well since `at`.
fn well(at: &str) -> Status {
    Status {
        observed_generation: Some(3),
        serving_generation: Some(3),
        conditions: vec![
            condition("Accepted", "True", at, "Accepted", "The spec makes sense"),
            condition(
                "ResolvedRefs",
                "True",
                at,
                "ResolvedRefs",
                "Everything that it refers to is there and may be used",
            ),
            condition(
                "Programmed",
                "True",
                at,
                "Programmed",
                "Every gateway pod runs it",
            ),
            condition("Ready", "True", at, "Ready", "Every gateway pod serves it"),
        ],
    }
}

/// Accepted, and yet not everywhere.
fn not_programmed(serving: Option<i64>, reason: &str, message: &str) -> Status {
    let mut status = well(BEFORE);
    status.serving_generation = serving;
    status.conditions[2] = condition("Programmed", "False", NOW, reason, message);
    status.conditions[3] = condition("Ready", "False", NOW, reason, message);
    status
}

#[test]
fn what_every_pod_runs_is_ready() {
    let status = judged(
        &Outcome::Accepted,
        &Running::Everywhere,
        None,
        &Status::default(),
    );
    assert_eq!(status, well(NOW));
}

#[test]
fn nothing_new_is_equal_to_what_was() {
    let status = judged(
        &Outcome::Accepted,
        &Running::Everywhere,
        None,
        &well(BEFORE),
    );
    assert_eq!(status, well(BEFORE));
}

#[test]
fn pods_that_are_behind_are_named() {
    let pods = Running::Behind(vec!["gw-a".into(), "gw-b".into()]);
    let mut before = well(BEFORE);
    before.serving_generation = Some(2);
    let status = judged(&Outcome::Accepted, &pods, None, &before);
    let message = "Not run so far by gateway pods gw-a, gw-b";
    assert_eq!(status, not_programmed(Some(2), "GatewaysBehind", message));
}

#[test]
fn what_older_pods_cannot_read_waits_for_them_to_go() {
    let status = judged(&Outcome::Accepted, &Running::InPart, None, &well(BEFORE));
    let message = "There are gateway pods of an older version, which can't read it as it is written: it serves once they are gone";
    assert_eq!(status, not_programmed(Some(3), "GatewaysBehind", message));
}

#[test]
fn many_pods_are_not_counted() {
    let pods = Running::Behind((0..30).map(|n| format!("p{n}")).collect());
    let status = judged(&Outcome::Accepted, &pods, None, &well(BEFORE));
    let message =
        "Not run so far by gateway pods p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 and others";
    assert_eq!(status, not_programmed(Some(3), "GatewaysBehind", message));
}

#[test]
fn a_pod_that_cannot_take_it_up_is_named_with_why() {
    let running = Running::Refused {
        pod: "gw-a".into(),
        message: "no such function".into(),
    };
    let status = judged(&Outcome::Accepted, &running, Some(1), &well(BEFORE));
    let message = "Gateway pod gw-a can't take it up: no such function";
    assert_eq!(status, not_programmed(Some(1), "GatewayRefused", message));
}

#[test]
fn without_gateways_nothing_is_programmed() {
    let status = judged(
        &Outcome::Accepted,
        &Running::NoGateways,
        None,
        &well(BEFORE),
    );
    let message = "No gateway pod holds a lease, so that nothing serves it";
    assert_eq!(status, not_programmed(Some(3), "NoGateways", message));
    let status = judged(
        &Outcome::Accepted,
        &Running::Unpublished,
        None,
        &well(BEFORE),
    );
    let message = "It is not published so far";
    assert_eq!(status, not_programmed(Some(3), "Pending", message));
}

#[test]
fn a_wrong_spec_is_not_accepted_and_stalls() {
    let outcome = refused(
        vec![
            problem(
                Reason::InvalidExpression,
                "spec.rules[0].when",
                "no such variable",
            ),
            problem(
                Reason::OutOfBounds,
                "spec.models",
                "must have at most 64 entries",
            ),
        ],
        Serving::LastGood,
    );
    let message = "spec.rules[0].when: no such variable; spec.models: must have at most 64 entries";
    let expected = Status {
        observed_generation: Some(3),
        serving_generation: Some(2),
        conditions: vec![
            condition("Accepted", "False", NOW, "InvalidExpression", message),
            condition(
                "ResolvedRefs",
                "Unknown",
                NOW,
                "Refused",
                "Not judged before the spec is accepted",
            ),
            condition(
                "Programmed",
                "False",
                NOW,
                "Refused",
                "It was refused; its last good version serves",
            ),
            condition("Ready", "False", NOW, "InvalidExpression", message),
            condition("Stalled", "True", NOW, "InvalidExpression", message),
        ],
    };
    let mut before = well(BEFORE);
    before.serving_generation = Some(2);
    let status = judged(&outcome, &Running::Everywhere, None, &before);
    assert_eq!(status, expected);
    let Outcome::Refused { problems, .. } = &outcome else {
        unreachable!()
    };
    assert!(tells_refusal(&status, 3, problems));
    assert!(!tells_refusal(&status, 4, problems));
    assert!(!tells_refusal(&status, 3, &problems[1..]));
    assert!(!tells_refusal(&before, 3, problems));
}

#[test]
fn what_it_refers_to_is_told_apart_from_its_spec() {
    let outcome = refused(
        vec![problem(
            Reason::ProviderNotFound,
            "spec.rules[0].backends[0].provider.name",
            "there is none",
        )],
        Serving::Nothing,
    );
    let status = judged(&outcome, &Running::Everywhere, Some(2), &well(BEFORE));
    let message = "spec.rules[0].backends[0].provider.name: there is none";
    let expected = Status {
        observed_generation: Some(3),
        serving_generation: None,
        conditions: vec![
            condition(
                "Accepted",
                "True",
                BEFORE,
                "Accepted",
                "The spec makes sense",
            ),
            condition("ResolvedRefs", "False", NOW, "ProviderNotFound", message),
            condition(
                "Programmed",
                "False",
                NOW,
                "Refused",
                "It was refused; nothing serves in its stead",
            ),
            condition("Ready", "False", NOW, "ProviderNotFound", message),
            condition("Stalled", "True", NOW, "ProviderNotFound", message),
        ],
    };
    assert_eq!(status, expected);
}

#[test]
fn what_is_mended_stalls_no_longer() {
    let outcome = refused(
        vec![problem(Reason::Required, "spec.rules", "is required")],
        Serving::Nothing,
    );
    let stalled = judged(&outcome, &Running::Everywhere, None, &well(BEFORE));
    let status = judged(&Outcome::Accepted, &Running::Everywhere, None, &stalled);
    assert_eq!(status, well(NOW));
}

#[test]
fn a_status_reads_back_and_takes_away_what_is_no_more() {
    let status = well(BEFORE);
    let patch = status.patch("7");
    assert_eq!(patch["metadata"]["resourceVersion"], "7");
    assert_eq!(Status::read(&patch["status"]), status);
    let nothing = Status {
        serving_generation: None,
        ..status
    };
    assert!(nothing.patch("7")["status"]["servingGeneration"].is_null());
    let odd = serde_json::json!({"conditions": [5, {"type": "Ready"}], "observedGeneration": "x"});
    assert_eq!(Status::read(&odd), Status::default());
}
