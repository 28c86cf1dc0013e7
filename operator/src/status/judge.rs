//! From what is known of a resource to its conditions. Pure: the time comes in as a value.
//!
//! Messages name what is wrong and what would be right. None counts pods, so that scaling writes nothing; pods are
//! named only where one of them is behind.

use weir_config::{Outcome, Problem, Reason, Serving};

use super::{Condition, Status};

/// How many problems, or pods, a message names.
const NAMED: usize = 10;

/// What is known of a resource.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The generation that was compiled.
    pub generation: i64,
    /// What the compiler says of it.
    pub outcome: &'a Outcome,
    /// Where what was compiled runs.
    pub running: &'a Running,
    /// The newest generation that is known to have run on every gateway pod; none if that is not known.
    pub served: Option<i64>,
}

/// Where something runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Running {
    /// On every gateway pod.
    Everywhere,
    /// It is not published so far.
    Unpublished,
    /// There is no gateway pod that could run it.
    NoGateways,
    /// Not on these pods.
    Behind(Vec<String>),
    /// On every gateway pod, but not as it is written: some are of a version that has no words for it.
    InPart,
    /// This pod can't take it up.
    Refused {
        /// Which.
        pod: String,
        /// Why not.
        message: String,
    },
}

struct Verdict {
    status: &'static str,
    reason: String,
    message: String,
}

/// The status of a resource, given the one that it has. It is equal to that if there is nothing to write.
pub fn judge(facts: &Facts<'_>, before: &Status, now: &str) -> Status {
    let (accepted, resolved) = of_outcome(facts.outcome);
    let programmed = of_running(facts);
    let failing = [&accepted, &resolved, &programmed]
        .into_iter()
        .find(|one| one.status == "False");
    let ready = match failing {
        None => yes("Ready", "Every gateway pod serves it"),
        Some(failing) => no(&failing.reason, failing.message.clone()),
    };
    let stalled = failing
        .filter(|_| matches!(facts.outcome, Outcome::Refused { .. }))
        .map(|failing| Verdict {
            status: "True",
            reason: failing.reason.clone(),
            message: failing.message.clone(),
        });
    let serving_generation = serving(facts, before);
    let all = [
        ("Accepted", Some(accepted)),
        ("ResolvedRefs", Some(resolved)),
        ("Programmed", Some(programmed)),
        ("Ready", Some(ready)),
        ("Stalled", stalled),
    ];
    let conditions = all
        .into_iter()
        .filter_map(|(kind, verdict)| Some((kind, verdict?)))
        .map(|(kind, verdict)| {
            let same = before
                .condition(kind)
                .filter(|old| old.status == verdict.status);
            Condition {
                kind: kind.to_owned(),
                status: verdict.status.to_owned(),
                observed_generation: Some(facts.generation),
                last_transition_time: same
                    .map_or(now, |old| old.last_transition_time.as_str())
                    .to_owned(),
                reason: verdict.reason,
                message: verdict.message,
            }
        })
        .collect();
    Status {
        observed_generation: Some(facts.generation),
        serving_generation,
        conditions,
    }
}

/// Whether a status says that the resource was refused for these problems in this generation.
pub fn tells_refusal(status: &Status, generation: i64, problems: &[Problem]) -> bool {
    let stalled = status.condition("Stalled");
    let first = first(problems);
    stalled.is_some_and(|stalled| {
        stalled.status == "True"
            && stalled.observed_generation == Some(generation)
            && first.is_some_and(|(reason, message)| {
                stalled.reason == reason && stalled.message == message
            })
    })
}

/// The reason and the message of a refusal: of its spec if that is wrong, else of its references.
pub fn first(problems: &[Problem]) -> Option<(String, String)> {
    let (refs, spec): (Vec<&Problem>, Vec<&Problem>) =
        problems.iter().partition(|one| is_reference(one.reason));
    let told = if spec.is_empty() { refs } else { spec };
    Some((told.first()?.reason.to_string(), message(&told)))
}

fn of_outcome(outcome: &Outcome) -> (Verdict, Verdict) {
    let accepted = yes("Accepted", "The spec makes sense");
    let resolved = yes(
        "ResolvedRefs",
        "Everything that it refers to is there and may be used",
    );
    let Outcome::Refused { problems, .. } = outcome else {
        return (accepted, resolved);
    };
    let (refs, spec): (Vec<&Problem>, Vec<&Problem>) =
        problems.iter().partition(|one| is_reference(one.reason));
    let accepted = match spec.first() {
        None => accepted,
        Some(one) => no(&one.reason.to_string(), message(&spec)),
    };
    let resolved = match refs.first() {
        Some(one) => no(&one.reason.to_string(), message(&refs)),
        None => Verdict {
            status: "Unknown",
            reason: "Refused".into(),
            message: "Not judged before the spec is accepted".into(),
        },
    };
    (accepted, resolved)
}

fn of_running(facts: &Facts<'_>) -> Verdict {
    if let Outcome::Refused { serving, .. } = facts.outcome {
        return no("Refused", format!("It was refused; {serving}"));
    }
    match facts.running {
        Running::Everywhere => yes("Programmed", "Every gateway pod runs it"),
        Running::Unpublished => no("Pending", "It is not published so far".into()),
        Running::NoGateways => no(
            "NoGateways",
            "No gateway pod holds a lease, so that nothing serves it".into(),
        ),
        Running::Behind(pods) => {
            let named = pods.iter().take(NAMED).cloned().collect::<Vec<_>>();
            let others = if pods.len() > NAMED {
                " and others"
            } else {
                ""
            };
            no(
                "GatewaysBehind",
                format!(
                    "Not run so far by gateway pods {}{others}",
                    named.join(", ")
                ),
            )
        }
        Running::InPart => no(
            "GatewaysBehind",
            "There are gateway pods of an older version, which can't read it as it is written: it serves once they are gone".into(),
        ),
        Running::Refused { pod, message } => no(
            "GatewayRefused",
            format!("Gateway pod {pod} can't take it up: {message}"),
        ),
    }
}

fn serving(facts: &Facts<'_>, before: &Status) -> Option<i64> {
    let known = facts.served.or(before.serving_generation);
    match facts.outcome {
        Outcome::Accepted if *facts.running == Running::Everywhere => Some(facts.generation),
        Outcome::Accepted => known,
        Outcome::Refused { serving, .. } => known.filter(|_| *serving == Serving::LastGood),
    }
}

/// What is wrong with what a resource refers to; all else is wrong with the resource.
fn is_reference(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ProviderNotFound
            | Reason::NotAllowed
            | Reason::ModelNotServed
            | Reason::SecretNotFound
            | Reason::SecretKeyNotFound
            | Reason::InvalidSecret
            | Reason::Unreadable
    )
}

fn message(problems: &[&Problem]) -> String {
    let named: Vec<String> = problems
        .iter()
        .take(NAMED)
        .map(ToString::to_string)
        .collect();
    let mut text = named.join("; ");
    if problems.len() > NAMED {
        text.push_str("; and more");
    }
    text
}

fn yes(reason: &str, message: &str) -> Verdict {
    Verdict {
        status: "True",
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

fn no(reason: &str, message: String) -> Verdict {
    Verdict {
        status: "False",
        reason: reason.to_owned(),
        message,
    }
}

#[cfg(test)]
mod tests;
