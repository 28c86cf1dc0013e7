//! Resources of ours that do not look it: a wrong `apiVersion`, a misspelt kind.

use rstest::rstest;
use weir_config::{Kind, ObjectId, Serving};

use crate::support::*;

const ALL: &str = r"
apiVersion: weir.dev/v1alpha1
kind: AIProvider
metadata: {name: openai, namespace: team-a}
spec: {dialect: OpenAI, credentials: {secretRef: {name: openai, key: apiKey}}}
---
apiVersion: weir.dev/v1alpha1
kind: AIRoute
metadata: {name: chat, namespace: team-a}
spec: {models: [fast], rules: [{backends: [{provider: {name: openai}}]}]}
---
apiVersion: v1
kind: Secret
metadata: {name: openai, namespace: team-a}
stringData: {apiKey: sk-1}
---
apiVersion: v1
kind: Secret
type: weir.dev/api-key
metadata: {name: ci, namespace: team-a}
stringData: {key: key-one-0123456789-0123456789-0123456789}
---
apiVersion: v1
kind: Namespace
metadata: {name: team-a, labels: {tier: gold}}
";

fn namespace() -> ObjectId {
    ObjectId::new(Kind::Namespace, "", "team-a")
}

#[rstest]
#[case::provider(
    "weir.dev/v1alpha1\nkind: AIProvider",
    "Weir.dev/v1alpha1\nkind: AIProvider",
    provider("openai"),
    "weir.dev/v1alpha1"
)]
#[case::route(
    "weir.dev/v1alpha1\nkind: AIRoute",
    "v1alpha1\nkind: AIRoute",
    route("chat"),
    "weir.dev/v1alpha1"
)]
#[case::route_without_version(
    "weir.dev/v1alpha1\nkind: AIRoute",
    "weir.dev\nkind: AIRoute",
    route("chat"),
    "weir.dev/v1alpha1"
)]
#[case::secret(
    "v1\nkind: Secret\nmetadata",
    "v2\nkind: Secret\nmetadata",
    secret("openai"),
    "v1"
)]
#[case::key(
    "v1\nkind: Secret\ntype",
    "core/v1\nkind: Secret\ntype",
    secret("ci"),
    "v1"
)]
#[case::namespace("v1\nkind: Namespace", "v2\nkind: Namespace", namespace(), "v1")]
fn a_resource_under_a_wrong_version_is_refused_and_serves_as_before(
    #[case] right: &str,
    #[case] wrong: &str,
    #[case] id: ObjectId,
    #[case] expected: &str,
) {
    let mut folder = Folder::default();
    let before = folder.holds(ALL);
    assert_eq!(messages(&before), Vec::<String>::new());
    let text = ALL.replacen(right, wrong, 1);
    let after = folder.holds(&text);
    assert_eq!(
        messages(&after),
        [format!("{id}: apiVersion: must be {expected}")]
    );
    assert_eq!(serving(&after, &id), Some(Serving::LastGood));
    assert_eq!(after.snapshot, before.snapshot);
    assert_eq!(after.skipped, []);
}

#[test]
fn a_secret_under_a_wrong_version_was_never_good() {
    let compiled = Folder::default()
        .holds(&ALL.replace("v1\nkind: Secret\nmetadata", "v2\nkind: Secret\nmetadata"));
    assert_eq!(
        messages(&compiled),
        [
            "AIProvider team-a/openai: spec.credentials.secretRef.name: the text that held Secret team-a/openai can't be read",
            "Secret team-a/openai: apiVersion: must be v1",
        ]
    );
    assert_eq!(
        serving(&compiled, &secret("openai")),
        Some(Serving::Nothing)
    );
}

#[test]
fn a_kind_of_another_group_is_skipped() {
    let text = ALL.replace(
        "v1\nkind: Secret\nmetadata",
        "foo.example/v1\nkind: Secret\nmetadata",
    );
    let compiled = Folder::default().holds(&text);
    let skipped: Vec<_> = compiled
        .skipped
        .iter()
        .map(|one| one.object.as_str())
        .collect();
    assert_eq!(skipped, ["foo.example/v1 Secret team-a/openai"]);
}
