//! A namespace that holds more than fits: the oldest serve, and what is withdrawn there counts as ever.

use std::sync::Arc;

use serde_json::Value;
use weir_config::compile::{MAX_OF_A_KIND, NamespacePass, Workspace};
use weir_config::published::{Index, encode, read_index};
use weir_config::snapshot::{Shard, Snapshot};
use weir_config::text::Document;
use weir_config::{Kind, ObjectId, Outcome, Reason, Serving};

use crate::objects::*;
use crate::put;

/// How many providers have room for this credential, of which nobody else needs to know how much stands around it.
const FIT: usize = 11;
const AROUND: usize = 420;

/// The provider of this number, the greater the older.
fn aged(number: usize) -> Value {
    let mut provider = provider("team", &format!("p{number:02}"), ProviderIs::Paid("huge"));
    let day = 28 - number;
    provider["metadata"]["creationTimestamp"] = format!("2026-01-{day:02}T00:00:00Z").into();
    provider
}

/// 13 providers that share a credential, of which 11 fit, and a key.
fn crowded() -> (Workspace, NamespacePass) {
    let mut workspace = Workspace::new(Snapshot::default());
    let huge = "s".repeat(MAX_OF_A_KIND / FIT - AROUND);
    put(
        &mut workspace,
        [credential("team", "huge", &huge), key("team", "ci", 0, 1)],
    );
    put(&mut workspace, (0..13).map(aged));
    let pass = workspace.compile().namespaces.remove("team").unwrap();
    (workspace, pass)
}

/// Those that are refused, why, and what serves instead.
fn refused(pass: &NamespacePass) -> Vec<(&str, Reason, Serving)> {
    let verdicts = pass.verdicts.iter();
    let refused = verdicts.filter_map(|verdict| match &verdict.outcome {
        Outcome::Accepted => None,
        Outcome::Refused { problems, serving } => {
            Some((verdict.object.name.as_str(), problems[0].reason, *serving))
        }
    });
    refused.collect()
}

fn providers(pass: &NamespacePass) -> Vec<&str> {
    let shard = pass.shard.as_ref().unwrap();
    shard.providers.keys().map(String::as_str).collect()
}

fn can_be_read(shard: &Arc<Shard>) {
    let encoded = encode(shard, 2, 1);
    let index = read_index(&encoded.index.data).unwrap();
    assert!(matches!(index, Index::Whole(read) if read == **shard));
}

#[test]
fn the_youngest_that_do_not_fit_are_refused() {
    let (_, pass) = crowded();
    let nothing = |name| (name, Reason::OutOfBounds, Serving::Nothing);
    assert_eq!(refused(&pass), [nothing("p00"), nothing("p01")]);
    assert_eq!(providers(&pass).len(), FIT);
    let problem = &pass.verdicts[0].problems()[0];
    assert_eq!(
        problem.to_string(),
        "there is no room for it: the AIProviders of namespace team may have 12 MiB as JSON, each with the secrets that it refers to, and the oldest go first: remove or shorten some, or put them in another namespace"
    );
    can_be_read(pass.shard.as_ref().unwrap());
}

#[test]
fn what_is_withdrawn_counts_where_not_all_fits() {
    let (mut workspace, _) = crowded();
    workspace.remove(&ObjectId::new(Kind::Secret, "team", "ci"));
    workspace.remove(&ObjectId::new(Kind::AiProvider, "team", "p12"));
    let pass = workspace.compile().namespaces.remove("team").unwrap();
    assert_eq!(workspace.snapshot().key("team", "ci"), None);
    // There is room for one more now.
    assert_eq!(
        refused(&pass),
        [("p00", Reason::OutOfBounds, Serving::Nothing)]
    );
    assert_eq!(providers(&pass)[0], "p01");
}

#[test]
fn one_that_comes_not_to_fit_serves_as_it_was() {
    let (mut workspace, _) = crowded();
    let before = Arc::clone(&workspace.snapshot().namespaces["team"]);
    let mut longer = aged(2);
    longer["spec"]["endpoint"] = format!("https://models.example/{}", "a".repeat(2000)).into();
    put(&mut workspace, [longer.clone()]);
    let pass = workspace.compile().namespaces.remove("team").unwrap();
    let last_good = ("p02", Reason::OutOfBounds, Serving::LastGood);
    assert_eq!(refused(&pass)[2], last_good);
    assert_eq!(workspace.snapshot().namespaces["team"], before);
    // What it readably takes back is taken back.
    longer["spec"]["credentials"]["secretRef"]["key"] = "other".into();
    let mut both = credential("team", "huge", &"s".repeat(MAX_OF_A_KIND / FIT - AROUND));
    both["stringData"]["other"] = "t".repeat(MAX_OF_A_KIND / FIT).into();
    put(&mut workspace, [both, longer]);
    workspace.compile();
    assert_eq!(workspace.snapshot().provider("team", "p02"), None);
}

#[test]
fn routes_have_room_of_their_own() {
    let (mut workspace, before) = crowded();
    let models: Vec<String> = (0..64)
        .map(|n| format!("{n:02}{}", "m".repeat(254)))
        .collect();
    let routes = MAX_OF_A_KIND / (64 * 256);
    let mut open = provider("other", "own", ProviderIs::Open(&[]));
    open["spec"].as_object_mut().unwrap().remove("models");
    put(&mut workspace, [open]);
    let large = |number: usize| {
        let mut route = route("team", &format!("r{number:04}"), &["other/own"], None);
        route["spec"]["models"] = models.clone().into();
        route
    };
    put(&mut workspace, (0..routes).map(large));
    let mut pass = workspace.compile().namespaces.remove("team").unwrap();
    assert_eq!(providers(&pass), providers(&before));
    let shard = pass.shard.take().unwrap();
    let last = large(routes - 1)["metadata"]["name"].clone();
    let too_many = refused(&pass);
    assert_eq!(shard.routes.len() + too_many.len(), routes + 2);
    assert_eq!(
        too_many.last().unwrap(),
        &(
            last.as_str().unwrap(),
            Reason::OutOfBounds,
            Serving::Nothing
        )
    );
    can_be_read(&shard);
}

#[test]
fn keys_and_accounts_have_room_too() {
    let mut workspace = Workspace::new(Snapshot::default());
    let long = |number: usize| format!("{number:06}.{}", vec!["a".repeat(60); 4].join("."));
    let most = MAX_OF_A_KIND / 270;
    put(&mut workspace, [provider("team", "own", ProviderIs::Own)]);
    for number in 1..most {
        workspace.service_account("team", &long(number), Some(format!("{number:036}")));
    }
    workspace.compile();
    let before = workspace.snapshot().namespaces["team"]
        .service_accounts
        .clone();
    assert!(before.len() < most - 1 && before.len() > most / 2);
    // A new one takes nobody's place, though its name goes first; one that goes makes room.
    workspace.service_account("team", &long(0), Some("new".to_owned()));
    workspace.compile();
    let shard = &workspace.snapshot().namespaces["team"];
    assert_eq!(shard.service_accounts, before);
    let (gone, _) = before.first_key_value().unwrap();
    workspace.service_account("team", gone, None);
    workspace.compile();
    assert_eq!(workspace.snapshot().service_account("team", gone), None);

    let mut workspace = Workspace::new(Snapshot::default());
    let most = MAX_OF_A_KIND / 330;
    let secret = |number: usize| {
        let mut key = key("team", &long(number), 0, 1);
        key["stringData"]["key"] = format!("value-0123456789-0123456789-{number:09}").into();
        Arc::new(Document::of_value(key))
    };
    for number in 0..most {
        workspace.put(secret(number));
    }
    let pass = workspace.compile().namespaces.remove("team").unwrap();
    let kept = pass.shard.as_ref().unwrap().keys.len();
    let too_many = refused(&pass);
    assert!(kept < most && kept + too_many.len() == most);
    assert_eq!(too_many[0].1, Reason::OutOfBounds);
}
