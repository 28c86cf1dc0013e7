//! Which kind a document is of: by its `apiVersion` and `kind`, and by what comes close to them.
//!
//! A slip of the pen must not make a resource one that is none of ours, and is passed over without a verdict. So a
//! kind of ours counts under any `apiVersion` that no other group may mean, and a misspelt kind in our groups.

use super::object::printable;
use crate::schema::{known_or, suggestion};
use crate::verdict::{Kind, Problem, Reason};

/// The kinds that are read.
const KINDS: [Kind; 4] = [
    Kind::AiProvider,
    Kind::AiRoute,
    Kind::Secret,
    Kind::Namespace,
];

/// What a document is.
pub(super) struct Recognised {
    pub(super) kind: Kind,
    /// What is wrong with the version or the kind.
    pub(super) problems: Vec<Problem>,
}

/// Recognises a kind of ours; none if it is of another group.
pub(super) fn recognise(api: &str, kind: &str) -> Option<Recognised> {
    // Without a slash it is a version of the core group, or a group that lost its version.
    let (group, version) = api.split_once('/').unwrap_or(("", api));
    let meant =
        |group| group == weir_crds::GROUP || suggestion(group, [weir_crds::GROUP]).is_some();
    let ours = meant(group) || (group.is_empty() && meant(version));
    let known = KINDS.into_iter().find(|known| known.as_str() == kind);
    let Some(kind) = known else {
        return misspelt(api, kind, ours);
    };
    let right = version_of(&kind);
    let core = group.is_empty()
        || (group.eq_ignore_ascii_case("core") && matches!(kind, Kind::Secret | Kind::Namespace));
    if api != right && !ours && !core {
        return None;
    }
    let problem = Problem::new(
        Reason::Unsupported,
        "apiVersion",
        format!("must be {right}"),
    );
    let problems = (api != right).then_some(problem);
    Some(Recognised {
        kind,
        problems: problems.into_iter().collect(),
    })
}

fn misspelt(api: &str, kind: &str, ours: bool) -> Option<Recognised> {
    let problem = |group: &str, hint: String| {
        let message = format!("{} has no kind {}{hint}", printable(group), printable(kind));
        Problem::new(Reason::Unsupported, "kind", message)
    };
    let problem = if kind.is_empty() {
        return None;
    } else if ours {
        let known = [Kind::AiProvider, Kind::AiRoute];
        let hint = known_or(kind, known.iter().map(Kind::as_str), || {
            "; this version knows AIProvider and AIRoute".to_owned()
        });
        problem(weir_crds::GROUP, hint)
    } else if api.contains('/') {
        return None;
    } else {
        let meant = suggestion(kind, KINDS.iter().map(Kind::as_str))?;
        problem(api, format!("; did you mean {meant}?"))
    };
    Some(Recognised {
        kind: Kind::Unknown(printable(kind)),
        problems: vec![problem],
    })
}

/// The `apiVersion` of a kind that is read.
fn version_of(kind: &Kind) -> String {
    match kind {
        Kind::Secret | Kind::Namespace => "v1".to_owned(),
        Kind::AiProvider | Kind::AiRoute | Kind::Unknown(_) => {
            format!("{}/{}", weir_crds::GROUP, weir_crds::VERSION)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(api: &str, kind: &str) -> Option<(Kind, Vec<String>)> {
        let recognised = recognise(api, kind)?;
        let problems = recognised.problems.iter();
        Some((recognised.kind, problems.map(ToString::to_string).collect()))
    }

    fn ours(kind: Kind, problem: &str) -> Option<(Kind, Vec<String>)> {
        let problems = (!problem.is_empty()).then(|| problem.to_owned());
        Some((kind, problems.into_iter().collect()))
    }

    #[test]
    fn a_kind_of_ours_under_a_version_that_comes_close_is_ours_and_wrong() {
        let weir = "apiVersion: must be weir.dev/v1alpha1";
        let core = "apiVersion: must be v1";
        for (api, kind, expected) in [
            ("weir.dev/v1alpha1", "AIRoute", ours(Kind::AiRoute, "")),
            ("v1", "Secret", ours(Kind::Secret, "")),
            ("v1", "Namespace", ours(Kind::Namespace, "")),
            ("weir.dev/v2", "AIProvider", ours(Kind::AiProvider, weir)),
            ("weir.dev/", "AIProvider", ours(Kind::AiProvider, weir)),
            (
                "Weir.dev/v1alpha1",
                "AIProvider",
                ours(Kind::AiProvider, weir),
            ),
            ("wier.dev/v1alpha1", "AIRoute", ours(Kind::AiRoute, weir)),
            ("weir.dev", "AIRoute", ours(Kind::AiRoute, weir)),
            ("v1alpha1", "AIRoute", ours(Kind::AiRoute, weir)),
            ("v1", "AIRoute", ours(Kind::AiRoute, weir)),
            ("v2", "Secret", ours(Kind::Secret, core)),
            ("V1", "Namespace", ours(Kind::Namespace, core)),
            ("/v1", "Secret", ours(Kind::Secret, core)),
            ("core/v1", "Secret", ours(Kind::Secret, core)),
            ("weir.dev/v1alpha1", "Secret", ours(Kind::Secret, core)),
        ] {
            assert_eq!(said(api, kind), expected, "{api} {kind}");
        }
    }

    #[test]
    fn a_misspelt_kind_of_our_groups_is_ours_and_wrong() {
        for (api, kind, problem) in [
            (
                "weir.dev/v1alpha1",
                "AIRout",
                "kind: weir.dev has no kind AIRout; did you mean AIRoute?",
            ),
            (
                "Weir.dev/v1alpha1",
                "AIBudget",
                "kind: weir.dev has no kind AIBudget; this version knows AIProvider and AIRoute",
            ),
            (
                "v1",
                "secret",
                "kind: v1 has no kind secret; did you mean Secret?",
            ),
            (
                "v1alpha1",
                "AIProvidr",
                "kind: v1alpha1 has no kind AIProvidr; did you mean AIProvider?",
            ),
        ] {
            let expected = ours(Kind::Unknown(kind.to_owned()), problem);
            assert_eq!(said(api, kind), expected, "{api} {kind}");
        }
    }

    #[test]
    fn other_kinds_and_other_groups_are_not_ours() {
        for (api, kind) in [
            ("apps/v1", "Deployment"),
            ("v1", "ConfigMap"),
            ("v1", "Service"),
            ("v1", "ServiceAccount"),
            ("v1", "Node"),
            ("foo.example/v1", "Secret"),
            ("foo.example/v1", "Namespace"),
            ("core.example/v1", "Secret"),
            ("foo.example/v1alpha1", "AIRoute"),
            ("foo.example/v1alpha1", "AIRout"),
        ] {
            assert_eq!(said(api, kind), None, "{api} {kind}");
        }
    }
}
