//! Calls that name no model.

use super::fixtures::{GATEWAY, Route, World, consumer, facts};
use crate::{Facts, NoRoute, Specificity, Tier, decide, decide_without_model};

/// The route that answers such a call, or why none does.
fn route_of(world: World, facts: &Facts<'_>) -> Result<String, String> {
    let decision = decide_without_model(&world.linked(), facts);
    decision
        .map(|decision| decision.route.id.to_string())
        .map_err(|error| error.to_string())
}

fn all(routes: &[&'static str]) -> World {
    let route = |id: &&'static str| Route::test(id).serves(&["m"]).admits_all().rule(None, &[]);
    World::default().with(routes.iter().map(route))
}

#[test]
fn the_only_route_that_admits_the_caller_answers() {
    let web = consumer("team-a/web");
    for (routes, expected) in [
        (&["team-a/a"][..], Ok("team-a/a")),
        (&["weir-system/a"], Ok("weir-system/a")),
        (&["team-a/a", "team-b/b"], Ok("team-a/a")),
        (&["team-b/b"], Err("no route admits the caller")),
        (
            &["team-a/a", "weir-system/a"],
            Err("the call names no model, and 2 routes admit the caller"),
        ),
        (
            &["team-a/a", "team-a/b", "team-a/c"],
            Err("the call names no model, and 3 routes admit the caller"),
        ),
    ] {
        let found = route_of(all(routes), &facts(&web, ""));
        assert_eq!(
            found,
            expected.map(str::to_owned).map_err(str::to_owned),
            "{routes:?}"
        );
    }
    // Those that shut it out don't count.
    let shut = World::default().with([
        Route::test("team-a/a").serves(&["m"]).rule(None, &[]),
        Route::test("weir-system/own")
            .serves(&["m"])
            .rule(None, &[]),
    ]);
    assert_eq!(route_of(shut, &facts(&web, "")), Ok("team-a/a".to_owned()));
}

#[test]
fn of_the_gateways_own_callers_each_route_counts_once() {
    let admin = consumer(&format!("{GATEWAY}/admin"));
    assert_eq!(
        route_of(all(&["weir-system/a"]), &facts(&admin, "")),
        Ok("weir-system/a".to_owned())
    );
}

#[test]
fn the_named_route_answers_wherever_it_stands_if_it_admits_the_caller() {
    let web = consumer("team-a/web");
    let named = |route| Facts {
        named_route: Some(route),
        ..facts(&web, "")
    };
    let routes = ["team-a/a", "team-a/b", "team-b/c"];
    for route in routes {
        assert_eq!(route_of(all(&routes), &named(route)), Ok(route.to_owned()));
    }
    let shut = || World::default().with([Route::test("team-b/c").serves(&["m"]).rule(None, &[])]);
    for route in ["team-b/c", "team-b/gone", "c"] {
        let error = decide_without_model(&shut().linked(), &named(route)).unwrap_err();
        assert_eq!(error, NoRoute::RouteNotFound, "{route}");
    }
}

#[test]
fn the_ids_of_those_that_admit_the_caller_are_told() {
    let web = consumer("team-a/web");
    let world = all(&["weir-system/a", "team-a/b", "team-a/a", "team-b/x"]).linked();
    let NoRoute::RouteRequired(ids) = decide_without_model(&world, &facts(&web, "")).unwrap_err()
    else {
        panic!("a route has to be named")
    };
    let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
    assert_eq!(ids, ["team-a/a", "team-a/b", "weir-system/a"]);
}

#[test]
fn conditions_see_no_model_and_each_backend_may_answer() {
    let web = consumer("team-a/web");
    let world = World::default()
        .provider("team-a/listing", &["gpt-5"])
        .provider("team-a/open", &[])
        .with([Route::test("team-a/chat")
            .serves(&["*"])
            .rule(Some("request.model != ''"), &[("team-a/open", 0, 1)])
            .rule(
                Some("request.operation == 'files'"),
                &[("team-a/listing", 0, 1), ("team-a/open", 0, 1)],
            )])
        .linked();
    let asks = Facts {
        operation: "files",
        ..facts(&web, "passed over")
    };
    let decision = decide_without_model(&world, &asks).unwrap();
    assert_eq!(
        (decision.rule, decision.why.tier, decision.why.specificity),
        (1, Tier::Own, Specificity::NoModel)
    );
    let mut backends: Vec<&str> = decision.backends().map(|one| &*one.provider.id).collect();
    backends.sort_unstable();
    assert_eq!(backends, ["team-a/listing", "team-a/open"]);
    assert!(
        decision
            .to_string()
            .starts_with("route team-a/chat (the caller's only one), rule 2 of 2")
    );
    let chat = decide_without_model(&world, &facts(&web, ""));
    assert_eq!(
        chat.unwrap_err().to_string(),
        "route team-a/chat: none of its 2 rules holds"
    );
    // With a model the first rule holds.
    assert_eq!(decide(&world, &facts(&web, "gpt-5")).unwrap().rule, 0);
}
