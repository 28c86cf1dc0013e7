//! Last good: what a refused resource keeps serving, and what is withdrawn from it at once.

use rstest::rstest;
use weir_config::snapshot::{
    ApiKey, Consumers, NAME_LABEL, Namespaces, Operator, Requirement, Secret, Sha256,
};
use weir_config::{Kind, ObjectId, Serving};

use crate::support::*;

const RULES: &str = "[{backends: [{provider: {name: openai}}]}]";
const BAD_RULES: &str = "[{when: 'nonsense(', backends: [{provider: {name: openai}}]}]";

fn mock() -> String {
    provider_with("{dialect: Mock}")
}

fn keys(names: Option<&[&str]>, namespaces: Namespaces) -> Consumers {
    Consumers::ApiKeys {
        names: names.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
        namespaces,
    }
}

#[test]
fn a_refused_resource_keeps_its_last_good_version_until_it_is_mended() {
    let mut folder = Folder::default();
    let good = mock() + &route_with(&format!("{{models: [fast], rules: {RULES}}}"));
    let before = folder.holds(&good).snapshot;

    let broken = mock()
        + &route_with(&format!(
            "{{models: [fast], rules: {BAD_RULES}, retry: {{attempts: 3}}}}"
        ));
    let refused = folder.holds(&broken);
    assert_eq!(serving(&refused, &route("chat")), Some(Serving::LastGood));
    assert_eq!(refused.snapshot, before);

    let mended = mock()
        + &route_with(&format!(
            "{{models: [fast], rules: {RULES}, retry: {{attempts: 3}}}}"
        ));
    let mended = folder.holds(&mended);
    assert_eq!(messages(&mended), Vec::<String>::new());
    let route = mended.snapshot.route("team-a", "chat").unwrap();
    assert_eq!(route.retry.attempts, Some(3));
}

#[test]
fn a_resource_that_was_never_good_serves_nothing_and_others_serve() {
    let compiled = Folder::default().holds(&(mock() + &route_with("{}")));
    assert_eq!(serving(&compiled, &route("chat")), Some(Serving::Nothing));
    assert_eq!(serving(&compiled, &provider("openai")), None);
    assert!(compiled.snapshot.route("team-a", "chat").is_none());
    assert!(compiled.snapshot.provider("team-a", "openai").is_some());
}

#[test]
fn a_deleted_resource_is_gone_at_once() {
    let mut folder = Folder::default();
    folder.holds(&(mock() + &route_with(&format!("{{models: [fast], rules: {RULES}}}"))));
    let compiled = folder.holds(&mock());
    assert!(compiled.snapshot.route("team-a", "chat").is_none());
    let compiled = folder.holds("");
    assert!(compiled.snapshot.namespaces.is_empty());
}

#[rstest]
#[case::taken_out("[fast]", &["fast"])]
#[case::all_kept("[smart, fast]", &["fast", "smart"])]
#[case::pattern_covers("['*']", &["fast", "smart"])]
#[case::other_is_not_added("[fast, new]", &["fast"])]
#[case::readable_beside_bad_text("[fast, 'a b']", &["fast"])]
#[case::unreadable_entry_keeps_nothing("[fast, 5]", &["fast"])]
#[case::unreadable_entries_keep_nothing("[5, ~, {smart: x}, fast]", &["fast"])]
#[case::unreadable_list_takes_nothing("fast", &["fast", "smart"])]
#[case::list_of_unreadables_takes_nothing("[5]", &["fast", "smart"])]
#[case::empty_list_says_nothing("[]", &["fast", "smart"])]
fn a_refused_route_loses_the_models_it_takes_back(#[case] models: &str, #[case] kept: &[&str]) {
    let mut folder = Folder::default();
    folder.holds(&(mock() + &route_with(&format!("{{models: [fast, smart], rules: {RULES}}}"))));
    let broken = mock() + &route_with(&format!("{{models: {models}, rules: {BAD_RULES}}}"));
    let compiled = folder.holds(&broken);
    assert_eq!(serving(&compiled, &route("chat")), Some(Serving::LastGood));
    assert_eq!(
        compiled.snapshot.route("team-a", "chat").unwrap().models,
        kept
    );
    assert_eq!(
        folder.holds(&broken).snapshot,
        compiled.snapshot,
        "and stays so"
    );
}

#[test]
fn a_route_whose_providers_shut_it_out_serves_nothing_until_they_let_it_in() {
    let mut folder = Folder::default();
    let chat = route_with(&format!("{{models: [fast], rules: {RULES}}}"));
    let before = folder.holds(&(mock() + &chat)).snapshot;
    let selector = "{from: Selector, selector: {matchLabels: {team: b}}}";
    let shut = format!("{{dialect: Mock, allowedRoutes: {{namespaces: {selector}}}}}");
    let shut = folder.holds(&(provider_with(&shut) + &chat));
    assert_eq!(serving(&shut, &route("chat")), Some(Serving::Nothing));
    let again = folder.holds(&(mock() + &chat));
    assert_eq!(serving(&again, &route("chat")), None);
    assert_eq!(again.snapshot, before);
}

#[test]
fn a_refused_route_that_takes_back_every_model_serves_nothing() {
    let mut folder = Folder::default();
    folder.holds(&(mock() + &route_with(&format!("{{models: [fast], rules: {RULES}}}"))));
    let broken = mock() + &route_with(&format!("{{models: [new], rules: {BAD_RULES}}}"));
    let compiled = folder.holds(&broken);
    assert_eq!(serving(&compiled, &route("chat")), Some(Serving::Nothing));
    assert!(compiled.snapshot.route("team-a", "chat").is_none());
}

fn team(name: &str) -> Requirement {
    Requirement {
        key: NAME_LABEL.to_owned(),
        operator: Operator::In,
        values: vec![name.to_owned()],
    }
}

#[rstest]
#[case::name_taken_out("[{apiKeys: {names: [ci]}}]", vec![keys(Some(&["ci"]), Namespaces::Same)])]
#[case::entry_split("[{apiKeys: {names: [ci]}}, {apiKeys: {names: [web]}}]", vec![keys(Some(&["ci"]), Namespaces::Same), keys(Some(&["web"]), Namespaces::Same)])]
#[case::narrower_namespaces("[{apiKeys: {namespaces: {from: Selector, selector: {matchLabels: {a: b}}}}}]", vec![keys(Some(&["ci", "web"]), Namespaces::Selector(vec![
    Requirement { key: "a".to_owned(), operator: Operator::In, values: vec!["b".to_owned()] }, team("team-a")]))])]
#[case::wider_is_not_added("[{apiKeys: {namespaces: {from: All}}}]", vec![keys(Some(&["ci", "web"]), Namespaces::Same)])]
#[case::unreadable_list_takes_nothing("{apiKeys: {names: [ci]}}", vec![keys(Some(&["ci", "web"]), Namespaces::Same)])]
#[case::unreadable_entry_keeps_nothing("[{apiKeys: {names: [ci]}}, {apiKey: {names: [web]}}, 5]", vec![keys(Some(&["ci"]), Namespaces::Same)])]
#[case::unreadable_name_keeps_nothing("[{apiKeys: {names: [ci, 5]}}]", vec![keys(Some(&["ci"]), Namespaces::Same)])]
#[case::list_of_unreadables_takes_nothing("[{apiKey: {names: [ci]}}]", vec![keys(Some(&["ci", "web"]), Namespaces::Same)])]
#[case::list_of_unreadable_names_takes_nothing("[{apiKeys: {names: [5]}}]", vec![keys(Some(&["ci", "web"]), Namespaces::Same)])]
#[case::unreadable_names_take_nothing("[{apiKeys: {names: ci}}]", vec![keys(Some(&["ci", "web"]), Namespaces::Same)])]
#[case::unreadable_namespaces("[{apiKeys: {names: [ci], namespaces: {from: Nowhere}}}]", vec![keys(Some(&["ci"]), Namespaces::Same)])]
fn a_refused_route_loses_the_consumers_it_takes_back(
    #[case] consumers: &str,
    #[case] kept: Vec<Consumers>,
) {
    let mut folder = Folder::default();
    let spec = |consumers: &str, rules: &str| {
        mock()
            + &route_with(&format!(
                "{{consumers: {consumers}, models: [fast], rules: {rules}}}"
            ))
    };
    folder.holds(&spec("[{apiKeys: {names: [ci, web]}}]", RULES));
    let broken = spec(consumers, BAD_RULES);
    let compiled = folder.holds(&broken);
    assert_eq!(serving(&compiled, &route("chat")), Some(Serving::LastGood));
    assert_eq!(
        compiled.snapshot.route("team-a", "chat").unwrap().consumers,
        kept
    );
    assert_eq!(
        folder.holds(&broken).snapshot,
        compiled.snapshot,
        "and stays so"
    );
}

fn accounts(names: Option<&[&str]>, namespaces: Namespaces) -> Consumers {
    Consumers::ServiceAccounts {
        names: names.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
        namespaces,
    }
}

#[rstest]
#[case::name_taken_out("[{serviceAccounts: {names: [web]}}, {apiKeys: {}}]", vec![accounts(Some(&["web"]), Namespaces::Same), keys(None, Namespaces::Same)])]
#[case::accounts_taken_out("[{apiKeys: {}}]", vec![keys(None, Namespaces::Same)])]
#[case::keys_taken_out("[{serviceAccounts: {namespaces: {from: All}}}]", vec![accounts(None, Namespaces::All)])]
#[case::namespaces_taken_out("[{serviceAccounts: {}}]", vec![accounts(None, Namespaces::Same)])]
#[case::field_removed("", vec![accounts(None, Namespaces::Same), keys(None, Namespaces::Same)])]
#[case::both_in_one_entry("[{serviceAccounts: {names: [web]}, apiKeys: {names: [ci]}}]", vec![accounts(Some(&["web"]), Namespaces::Same), keys(Some(&["ci"]), Namespaces::Same)])]
#[case::unreadable_entry_keeps_nothing("[{serviceAccount: {}}, {apiKeys: {}}]", vec![keys(None, Namespaces::Same)])]
fn a_refused_route_loses_the_service_accounts_it_takes_back(
    #[case] consumers: &str,
    #[case] kept: Vec<Consumers>,
) {
    let mut folder = Folder::default();
    let spec = |consumers: &str, rules: &str| {
        let consumers = match consumers {
            "" => String::new(),
            some => format!("consumers: {some}, "),
        };
        mock() + &route_with(&format!("{{{consumers}models: [fast], rules: {rules}}}"))
    };
    let good = "[{serviceAccounts: {namespaces: {from: All}}}, {apiKeys: {}}]";
    folder.holds(&spec(good, RULES));
    let broken = spec(consumers, BAD_RULES);
    let compiled = folder.holds(&broken);
    assert_eq!(serving(&compiled, &route("chat")), Some(Serving::LastGood));
    assert_eq!(
        compiled.snapshot.route("team-a", "chat").unwrap().consumers,
        kept
    );
    assert_eq!(
        folder.holds(&broken).snapshot,
        compiled.snapshot,
        "and stays so"
    );
}

const CI: &str = "[{apiKeys: {names: [ci]}}]";
const EVERY: &str = "[{apiKeys: {}}]";

#[rstest]
#[case::another(CI, "[{apiKeys: {names: [web]}}]")]
#[case::no_name(EVERY, "[{apiKeys: {names: []}}]")]
#[case::none(CI, "[]")]
fn a_refused_route_that_takes_back_every_consumer_serves_nothing(
    #[case] before: &str,
    #[case] consumers: &str,
) {
    let mut folder = Folder::default();
    let spec = |consumers: &str, rules: &str| {
        mock()
            + &route_with(&format!(
                "{{consumers: {consumers}, models: [fast], rules: {rules}}}"
            ))
    };
    folder.holds(&spec(before, RULES));
    let compiled = folder.holds(&spec(consumers, BAD_RULES));
    assert_eq!(serving(&compiled, &route("chat")), Some(Serving::Nothing));
}

#[rstest]
#[case::narrowed("{namespaces: {from: Same}}", Namespaces::Same)]
#[case::field_removed("", Namespaces::Same)]
#[case::unreadable_takes_nothing("{namespaces: {from: Everywhere}}", Namespaces::All)]
fn a_refused_provider_loses_the_namespaces_it_takes_back(
    #[case] allowed: &str,
    #[case] kept: Namespaces,
) {
    let mut folder = Folder::default();
    folder.holds(&provider_with(
        "{dialect: Mock, allowedRoutes: {namespaces: {from: All}}}",
    ));
    let field = match allowed {
        "" => String::new(),
        allowed => format!(", allowedRoutes: {allowed}"),
    };
    let compiled = folder.holds(&provider_with(&format!(
        "{{dialect: Mock, endpoint: nonsense{field}}}"
    )));
    assert_eq!(
        serving(&compiled, &provider("openai")),
        Some(Serving::LastGood)
    );
    assert_eq!(
        compiled
            .snapshot
            .provider("team-a", "openai")
            .unwrap()
            .allowed,
        kept
    );
}

#[test]
fn a_refused_provider_loses_the_models_it_takes_back() {
    let mut folder = Folder::default();
    let names = |compiled: &weir_config::Compiled| -> Option<Vec<String>> {
        let provider = compiled.snapshot.provider("team-a", "openai")?;
        Some(
            provider
                .models
                .iter()
                .map(|model| model.name.clone())
                .collect(),
        )
    };
    folder.holds(&provider_with("{dialect: Mock}"));
    let restricted = folder.holds(&provider_with(
        "{dialect: Mok, models: [{name: a}, {name: b}]}",
    ));
    assert_eq!(
        names(&restricted),
        Some(vec!["a".to_owned(), "b".to_owned()])
    );
    let fewer = folder.holds(&provider_with(
        "{dialect: Mok, models: [{name: b}, {name: c}, {nam: a}, a, 5]}",
    ));
    assert_eq!(names(&fewer), Some(vec!["b".to_owned()]));
    let same = folder.holds(&provider_with("{dialect: Mok, models: b}"));
    assert_eq!(names(&same), Some(vec!["b".to_owned()]), "is no list");
    let none = folder.holds(&provider_with("{dialect: Mok, models: [{name: c}]}"));
    assert_eq!(
        names(&none),
        None,
        "an empty list would let every model through"
    );
    assert_eq!(serving(&none, &provider("openai")), Some(Serving::Nothing));
}

const SPEC: &str = "dialect: OpenAI, credentials: {secretRef: {name: openai, key: apiKey}}";

fn with_secret(spec: &str, entries: &str) -> String {
    provider_with(&format!("{{{spec}}}")) + &secret_with("openai", entries)
}

#[rstest]
#[case::removed("dialect: OpenAI, httpVersion: HTTP9", Serving::Nothing)]
#[case::other_secret(
    "dialect: Open, credentials: {secretRef: {name: other, key: apiKey}}",
    Serving::Nothing
)]
#[case::other_entry(
    "dialect: Open, credentials: {secretRef: {name: openai, key: other}}",
    Serving::Nothing
)]
#[case::emptied("dialect: OpenAI, credentials: {}", Serving::Nothing)]
#[case::misspelt(
    "dialect: OpenAI, credentials: {secretref: {name: openai, key: apiKey}}",
    Serving::LastGood
)]
#[case::unreadable("dialect: OpenAI, credentials: openai", Serving::LastGood)]
#[case::the_same(
    "dialect: Open, credentials: {secretRef: {name: openai, key: apiKey}}",
    Serving::LastGood
)]
fn a_refused_provider_that_takes_back_its_credential_serves_nothing(
    #[case] spec: &str,
    #[case] expected: Serving,
) {
    let mut folder = Folder::default();
    folder.holds(&with_secret(SPEC, "{apiKey: sk-1}"));
    let compiled = folder.holds(&with_secret(spec, "{apiKey: sk-1}"));
    assert_eq!(serving(&compiled, &provider("openai")), Some(expected));
    let credential = compiled
        .snapshot
        .provider("team-a", "openai")
        .map(|one| one.credential.clone());
    let kept = (expected == Serving::LastGood).then(|| Some(Secret::new("sk-1").into()));
    assert_eq!(credential, kept);
}

#[rstest]
#[case::accepted(SPEC)]
#[case::refused("dialect: Open, credentials: {secretRef: {name: openai, key: apiKey}}")]
fn a_secret_is_never_older_than_the_secret_it_stands_in(#[case] spec: &str) {
    let mut folder = Folder::default();
    let credential = |compiled: &weir_config::Compiled| {
        let provider = compiled.snapshot.provider("team-a", "openai")?;
        Some(provider.credential.as_ref()?.secret()?.expose().to_owned())
    };
    let first = folder.holds(&with_secret(SPEC, "{apiKey: sk-1}"));
    assert_eq!(credential(&first).as_deref(), Some("sk-1"));
    let rotated = folder.holds(&with_secret(spec, "{apiKey: sk-2}"));
    assert_eq!(credential(&rotated).as_deref(), Some("sk-2"));
    let deleted = folder.holds(&provider_with(&format!("{{{spec}}}")));
    assert_eq!(credential(&deleted), None);
    assert_eq!(
        serving(&deleted, &provider("openai")),
        Some(Serving::Nothing)
    );
}

#[test]
fn a_secret_in_text_that_cannot_be_read_stays_as_it_was() {
    let mut folder = Folder::default();
    let before = folder.holds(&with_secret(SPEC, "{apiKey: sk-1}")).snapshot;
    let alone = provider_with(&format!("{{{SPEC}}}"));
    let compiled = folder.holds_but_not(&alone, &[secret("openai")]);
    assert_eq!(compiled.snapshot, before);
    assert_eq!(messages(&compiled), Vec::<String>::new());

    let never = Folder::default().holds_but_not(&alone, &[secret("openai")]);
    assert_eq!(
        messages(&never),
        [
            "AIProvider team-a/openai: spec.credentials.secretRef.name: the text that held Secret team-a/openai can't be read"
        ]
    );
}

#[test]
fn what_stood_in_text_that_cannot_be_read_keeps_serving() {
    let mut folder = Folder::default();
    let all = mock()
        + &route_with(&format!("{{models: [fast], rules: {RULES}}}"))
        + &key_with(&format!("{{key: {KEY}}}"), "{}")
        + "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: team-a, labels: {tier: gold}}\n";
    let before = folder.holds(&all).snapshot;
    let namespace = ObjectId::new(Kind::Namespace, "", "team-a");
    let ids = [provider("openai"), route("chat"), secret("ci"), namespace];
    let compiled = folder.holds_but_not("", &ids);
    assert_eq!(compiled.snapshot, before);
    for id in &ids {
        assert_eq!(serving(&compiled, id), Some(Serving::LastGood), "{id}");
    }
    assert!(
        folder.holds("").snapshot.namespaces.is_empty(),
        "and is gone once it is"
    );
}

fn hashes(values: &[&str]) -> Vec<Sha256> {
    values
        .iter()
        .map(|value| Sha256::of(value.as_bytes()))
        .collect()
}

#[rstest]
#[case::value_changed(format!("{{key: short, nextKey: {OTHER_KEY}}}"), "{}", Some(vec![OTHER_KEY]), Some(2_000_000_000))]
#[case::next_value_removed(format!("{{key: {KEY}, nextKey: short}}"), "{}", Some(vec![KEY]), Some(2_000_000_000))]
#[case::both_changed("{key: short}".to_owned(), "{}", None, None)]
#[case::value_added(format!("{{key: {KEY}, nextKey: another-value-0123456789-0123456789}}"), "{weir.dev/oops: x}", Some(vec![KEY]), Some(2_000_000_000))]
#[case::variable_unset("{key: '${UNSET}'}".to_owned(), "{}", None, None)]
#[case::expiry_made_earlier(format!("{{key: {KEY}, nextKey: short}}"), "{weir.dev/expires-at: '2020-01-01T00:00:00Z'}", Some(vec![KEY]), Some(1_577_836_800))]
#[case::expiry_made_later(format!("{{key: {KEY}, nextKey: short}}"), "{weir.dev/expires-at: '2040-01-01T00:00:00Z'}", Some(vec![KEY]), Some(2_000_000_000))]
#[case::expiry_unreadable(format!("{{key: {KEY}}}"), "{weir.dev/expires-at: soon}", Some(vec![KEY]), Some(2_000_000_000))]
fn a_refused_key_loses_the_values_and_the_time_it_takes_back(
    #[case] entries: String,
    #[case] annotations: &str,
    #[case] values: Option<Vec<&str>>,
    #[case] expires_at: Option<i64>,
) {
    let mut folder = Folder::default();
    let good = format!("{{key: {KEY}, nextKey: {OTHER_KEY}}}");
    folder.holds(&key_with(
        &good,
        "{weir.dev/expires-at: '2033-05-18T03:33:20Z'}",
    ));
    let compiled = folder.holds(&key_with(&entries, annotations));
    let kept = values.map(|values| ApiKey {
        created: None,
        hashes: hashes(&values),
        expires_at,
    });
    let expected = if kept.is_some() {
        Serving::LastGood
    } else {
        Serving::Nothing
    };
    assert_eq!(serving(&compiled, &secret("ci")), Some(expected));
    assert_eq!(compiled.snapshot.key("team-a", "ci"), kept.as_ref());
}

#[test]
fn a_key_that_is_no_key_any_more_is_gone() {
    let mut folder = Folder::default();
    folder.holds(&key_with(&format!("{{key: {KEY}}}"), "{}"));
    let compiled = folder.holds(&secret_with("ci", &format!("{{key: {KEY}}}")));
    assert_eq!(compiled.snapshot.key("team-a", "ci"), None);
    assert_eq!(compiled.verdicts, []);
}

#[test]
fn a_value_that_an_older_key_has_is_taken_from_the_younger() {
    let mut folder = Folder::default();
    let first = folder.holds(&key_with(
        &format!("{{key: {KEY}, nextKey: {OTHER_KEY}}}"),
        "{}",
    ));
    assert_eq!(messages(&first), Vec::<String>::new());
    let older = format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: z, namespace: team-z, creationTimestamp: '2020-01-01T00:00:00Z', labels: {{weir.dev/api-key: 'true'}}}}\nstringData: {{key: {KEY}}}\n"
    );
    let second =
        folder.holds(&(key_with(&format!("{{key: {KEY}, nextKey: {OTHER_KEY}}}"), "{}") + &older));
    assert_eq!(
        messages(&second),
        [
            "Secret team-a/ci: data: a value of this key stands in Secret team-z/z too, which is older: give each key a value of its own"
        ]
    );
    assert_eq!(
        second.snapshot.key("team-a", "ci").unwrap().hashes,
        hashes(&[OTHER_KEY])
    );
    assert_eq!(
        second.snapshot.key("team-z", "z").unwrap().hashes,
        hashes(&[KEY])
    );
}

#[test]
fn a_route_that_was_good_keeps_serving_when_a_provider_goes() {
    let mut folder = Folder::default();
    let route_text = route_with(
        "{models: [fast], rules: [{backends: [{provider: {name: openai}}, {provider: {name: gone}}]}]}",
    );
    let gone = mock().replace("name: openai", "name: gone");
    let before = folder.holds(&(mock() + &gone + &route_text)).snapshot;
    let compiled = folder.holds(&(mock() + &route_text));
    assert_eq!(serving(&compiled, &route("chat")), Some(Serving::LastGood));
    assert_eq!(
        messages(&compiled),
        [
            "AIRoute team-a/chat: spec.rules[0].backends[1].provider.name: there is no AIProvider team-a/gone"
        ]
    );
    assert_eq!(
        compiled.snapshot.route("team-a", "chat"),
        before.route("team-a", "chat")
    );
}

#[test]
fn a_new_version_of_a_route_that_names_what_is_not_there_is_refused_as_a_whole() {
    let mut folder = Folder::default();
    let good = route_with(&format!("{{models: [fast], rules: {RULES}}}"));
    let before = folder.holds(&(mock() + &good)).snapshot;
    let new = route_with(
        "{models: [fast], rules: [{backends: [{provider: {name: openai}, weight: 5}, {provider: {name: gone}}]}]}",
    );
    let compiled = folder.holds(&(mock() + &new));
    assert_eq!(serving(&compiled, &route("chat")), Some(Serving::LastGood));
    assert_eq!(compiled.snapshot, before);
}

#[test]
fn a_provider_that_is_refused_does_not_refuse_the_routes_that_name_it() {
    let route_text = route_with(
        "{models: [fast], rules: [{backends: [{provider: {name: openai}}, {provider: {name: bad}}]}]}",
    );
    let bad = provider_with("{dialect: Mok}").replace("name: openai", "name: bad");
    let compiled = Folder::default().holds(&(mock() + &bad + &route_text));
    assert_eq!(serving(&compiled, &route("chat")), None);
    assert_eq!(serving(&compiled, &provider("bad")), Some(Serving::Nothing));
}

#[test]
fn a_refused_namespace_loses_the_labels_it_takes_back() {
    let mut folder = Folder::default();
    let namespace = |labels: &str| {
        format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: team-a, labels: {labels}}}\n")
    };
    folder.holds(&(namespace("{tier: gold, region: eu, zone: x}") + &mock()));
    let compiled = folder.holds(&(namespace("{tier: gold, region: 5}") + &mock()));
    let labels: Vec<(&str, &str)> = compiled.snapshot.namespaces["team-a"]
        .labels
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        labels,
        [(NAME_LABEL, "team-a"), ("region", "eu"), ("tier", "gold")]
    );
}
