//! Callers by their service account.

use weir_config::snapshot::{Consumers, Namespaces, Operator, Requirement};

use super::fixtures::{Route, World, account, consumer, facts, route_of};
use crate::{Facts, NoRoute, models};

fn gold() -> Namespaces {
    Namespaces::Selector(vec![Requirement {
        key: "tier".to_owned(),
        operator: Operator::In,
        values: vec!["gold".to_owned()],
    }])
}

fn found(route: &str) -> Result<String, NoRoute> {
    Ok(route.to_owned())
}

#[test]
fn a_route_that_names_nobody_admits_the_accounts_and_keys_of_its_namespace() {
    let kinds = Consumers::of_the_namespace();
    let chat = Route::test("team-a/chat")
        .serves(&["fast"])
        .consumers(kinds);
    let linked = World::default().with([chat.rule(None, &[])]).linked();
    let own = account("team-a/web", "gold");
    assert_eq!(own.to_string(), "sa:team-a/web");
    for (who, expected) in [
        (own, found("team-a/chat")),
        (consumer("team-a/web"), found("team-a/chat")),
        (account("team-b/web", "gold"), Err(NoRoute::Model)),
    ] {
        assert_eq!(route_of(&linked, &facts(&who, "fast")), expected, "{who}");
    }
}

#[test]
fn an_account_is_no_key_of_the_same_name() {
    let accounts = Route::test("team-a/accounts").serves(&["a"]);
    let keys = Route::test("team-a/keys").serves(&["k"]);
    let linked = World::default()
        .with([
            accounts
                .admits_accounts(Some(&["web"]), Namespaces::Same)
                .rule(None, &[]),
            keys.admits(Some(&["web"]), Namespaces::Same)
                .rule(None, &[]),
        ])
        .linked();
    let (sa, key) = (account("team-a/web", "gold"), consumer("team-a/web"));
    assert_eq!(
        route_of(&linked, &facts(&sa, "a")),
        found("team-a/accounts")
    );
    assert_eq!(route_of(&linked, &facts(&sa, "k")), Err(NoRoute::Model));
    assert_eq!(route_of(&linked, &facts(&key, "k")), found("team-a/keys"));
    assert_eq!(route_of(&linked, &facts(&key, "a")), Err(NoRoute::Model));
    let other = account("team-a/job", "gold");
    assert_eq!(route_of(&linked, &facts(&other, "a")), Err(NoRoute::Model));
}

#[test]
fn the_labels_of_the_accounts_namespace_decide_and_no_other_team_attracts_it() {
    let open = |id| {
        Route::test(id)
            .serves(&["fast"])
            .admits_accounts(None, gold())
    };
    let linked = World::default()
        .with([
            open("weir-system/shared").rule(None, &[]),
            open("team-z/bait").created(1).rule(None, &[]),
        ])
        .linked();
    let (rich, poor) = (account("team-a/web", "gold"), account("team-b/web", "tin"));
    assert_eq!(
        route_of(&linked, &facts(&rich, "fast")),
        found("weir-system/shared")
    );
    assert_eq!(
        route_of(&linked, &facts(&poor, "fast")),
        Err(NoRoute::Model)
    );
    let naming = |who| Facts {
        named_route: Some("team-z/bait"),
        ..facts(who, "fast")
    };
    assert_eq!(route_of(&linked, &naming(&rich)), found("team-z/bait"));
    assert_eq!(
        route_of(&linked, &naming(&poor)),
        Err(NoRoute::RouteNotFound)
    );
    let listed: Vec<String> = models(&linked, &rich)
        .iter()
        .map(|one| one.id.to_string())
        .collect();
    assert_eq!(listed, ["fast"]);
    assert_eq!(models(&linked, &poor), []);
}

#[test]
fn a_condition_sees_who_calls() {
    let chat = Route::test("team-a/chat").serves(&["fast"]);
    let chat = chat.admits_accounts(None, Namespaces::Same);
    let chat = chat.rule(Some("consumer == 'sa:team-a/web'"), &[]);
    let linked = World::default().with([chat]).linked();
    let web = account("team-a/web", "gold");
    assert_eq!(
        route_of(&linked, &facts(&web, "fast")),
        found("team-a/chat")
    );
    let job = account("team-a/job", "gold");
    assert!(matches!(
        route_of(&linked, &facts(&job, "fast")),
        Err(NoRoute::Rule(_))
    ));
}
