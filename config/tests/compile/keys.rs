//! API keys: which Secrets are some, and which of two with one value keeps it.

use rstest::rstest;
use weir_config::snapshot::Sha256;
use weir_config::{Compiled, Serving};

use crate::support::*;

/// An API key of this name, created at this time or at none.
fn key(name: &str, created: &str) -> String {
    let created = match created {
        "" => String::new(),
        time => format!(", creationTimestamp: '{time}'"),
    };
    format!(
        "---\napiVersion: v1\nkind: Secret\ntype: weir.dev/api-key\nmetadata: {{name: {name}, namespace: team-a{created}}}\nstringData: {{key: {KEY}}}\n"
    )
}

/// The keys that have the value.
fn owners(compiled: &Compiled) -> Vec<&str> {
    let shard = &compiled.snapshot.namespaces["team-a"];
    let hash = Sha256::of(KEY.as_bytes());
    let owners = shard.keys.iter().filter(|(_, key)| key.hashes == [hash]);
    owners.map(|(name, _)| name.as_str()).collect()
}

const EARLY: &str = "2020-01-01T00:00:00Z";
const LATE: &str = "2026-01-01T00:00:00Z";

#[rstest]
#[case::without_times("", "", "old", "which goes first")]
#[case::at_one_time(EARLY, EARLY, "old", "which goes first")]
#[case::the_newcomer_is_younger(EARLY, LATE, "old", "which is older")]
#[case::the_newcomer_has_no_time(LATE, "", "old", "which is older")]
#[case::the_newcomer_is_older(LATE, EARLY, "new", "which is older")]
#[case::only_the_newcomer_has_a_time("", LATE, "new", "which is older")]
fn a_newcomer_takes_no_key_over_unless_it_is_older(
    #[case] old: &str,
    #[case] new: &str,
    #[case] owner: &str,
    #[case] why: &str,
) {
    let mut folder = Folder::default();
    folder.holds(&key("old", old));
    // `new` goes before `old` by its name.
    let both = key("new", new) + &key("old", old);
    let loser = if owner == "old" { "new" } else { "old" };
    for _ in 0..2 {
        let compiled = folder.holds(&both);
        assert_eq!(
            messages(&compiled),
            [format!(
                "Secret team-a/{loser}: data: a value of this key stands in Secret team-a/{owner} too, {why}: give each key a value of its own"
            )]
        );
        assert_eq!(owners(&compiled), [owner]);
    }
    let gone = folder.holds(&key(loser, ""));
    assert_eq!(owners(&gone), [loser]);
}

#[test]
fn of_two_newcomers_the_name_decides() {
    let compiled = Folder::default().holds(&(key("b", "") + &key("a", "")));
    assert_eq!(
        messages(&compiled),
        [
            "Secret team-a/b: data: a value of this key stands in Secret team-a/a too, which goes first: give each key a value of its own"
        ]
    );
    assert_eq!(owners(&compiled), ["a"]);
}

#[test]
fn a_key_in_text_that_cannot_be_read_keeps_its_value() {
    let mut folder = Folder::default();
    folder.holds(&key("old", ""));
    let compiled = folder.holds_but_not(&key("new", ""), &[secret("old")]);
    assert_eq!(
        messages(&compiled),
        [
            "Secret team-a/new: data: a value of this key stands in Secret team-a/old too, which goes first: give each key a value of its own",
            "Secret team-a/old: the text that held it can't be read"
        ]
    );
    assert_eq!(owners(&compiled), ["old"]);
}

/// A Secret `ci` with this label and of this type.
fn labelled(kind: &str, label: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Secret\ntype: {kind}\nmetadata: {{name: ci, namespace: team-a, labels: {{weir.dev/api-key: {label}}}}}\nstringData: {{key: {KEY}}}\n"
    )
}

#[rstest]
#[case::label("Opaque", "'true'", true)]
#[case::kind("weir.dev/api-key", "'false'", true)]
#[case::no("Opaque", "'false'", false)]
#[case::empty("Opaque", "''", false)]
#[case::another_spelling("Opaque", "'True'", false)]
fn a_secret_is_a_key_by_its_type_or_by_a_label_that_is_true(
    #[case] kind: &str,
    #[case] label: &str,
    #[case] is_key: bool,
) {
    let mut folder = Folder::default();
    folder.holds(&labelled("Opaque", "'true'"));
    let compiled = folder.holds(&labelled(kind, label));
    assert_eq!(messages(&compiled), Vec::<String>::new());
    let verdicts: Vec<_> = compiled.verdicts.iter().map(|one| &one.object).collect();
    let key = secret("ci");
    let expected = if is_key { vec![&key] } else { vec![] };
    assert_eq!(verdicts, expected);
    assert_eq!(compiled.snapshot.key("team-a", "ci").is_some(), is_key);
}

#[rstest]
#[case::yes("true", Serving::LastGood)]
#[case::no("false", Serving::Nothing)]
fn a_label_without_its_quotes_is_refused(#[case] label: &str, #[case] expected: Serving) {
    let mut folder = Folder::default();
    folder.holds(&labelled("Opaque", "'true'"));
    let compiled = folder.holds(&labelled("Opaque", label));
    assert_eq!(
        messages(&compiled),
        ["Secret team-a/ci: metadata.labels['weir.dev/api-key']: must be a text: put it in quotes"]
    );
    assert_eq!(serving(&compiled, &secret("ci")), Some(expected));
}
