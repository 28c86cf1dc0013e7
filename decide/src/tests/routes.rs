use proptest::prelude::*;
use weir_config::snapshot::{NAME_LABEL, Namespaces, Operator, Requirement};

use super::fixtures::{GATEWAY, Route, World, consumer, facts, route_of};
use crate::{Facts, MAX_MODEL_BYTES, NoRoute, Precedence, Tier, decide};

#[test]
fn an_exact_name_goes_before_a_pattern_and_the_older_before_the_younger() {
    let linked = World::default()
        .with([
            Route::test("team-a/pattern")
                .serves(&["gpt-*"])
                .created(1)
                .rule(None, &[]),
            Route::test("team-a/old")
                .serves(&["gpt-5", "*-mini"])
                .created(2)
                .rule(None, &[]),
            Route::test("team-a/new")
                .serves(&["gpt-5"])
                .created(3)
                .rule(None, &[]),
            Route::test("team-a/a-undated")
                .serves(&["gpt-5", "o3"])
                .rule(None, &[]),
            Route::test("team-a/b-undated")
                .serves(&["o3"])
                .rule(None, &[]),
        ])
        .linked();
    let web = consumer("team-a/web");
    for (model, route) in [
        ("gpt-5", Ok("team-a/old")),
        ("gpt-4", Ok("team-a/pattern")),
        ("gpt-5-mini", Ok("team-a/pattern")),
        ("o3-mini", Ok("team-a/old")),
        ("o3", Ok("team-a/a-undated")),
        ("o4", Err(NoRoute::Model)),
        ("", Err(NoRoute::Model)),
    ] {
        assert_eq!(
            route_of(&linked, &facts(&web, model)),
            route.map(ToOwned::to_owned),
            "{model}"
        );
    }
}

#[test]
fn the_own_namespace_goes_before_the_gateways_and_no_other_counts() {
    let linked = World::default()
        .with([
            Route::test("team-a/chat")
                .serves(&["fast*"])
                .rule(None, &[]),
            Route::test("team-b/bait")
                .serves(&["fast", "smart", "only-b"])
                .created(1)
                .admits_all()
                .rule(None, &[]),
            Route::test("weir-system/all")
                .serves(&["fast", "smart"])
                .created(1)
                .admits_all()
                .rule(None, &[]),
            Route::test("weir-system/own")
                .serves(&["secret"])
                .rule(None, &[]),
        ])
        .linked();
    let web = consumer("team-a/web");
    assert_eq!(
        route_of(&linked, &facts(&web, "fast")),
        Ok("team-a/chat".into())
    );
    assert_eq!(
        route_of(&linked, &facts(&web, "smart")),
        Ok("weir-system/all".into())
    );
    assert_eq!(
        route_of(&linked, &facts(&web, "only-b")),
        Err(NoRoute::Model)
    );
    assert_eq!(
        route_of(&linked, &facts(&web, "secret")),
        Err(NoRoute::Model)
    );
    assert_eq!(
        route_of(&linked, &facts(&consumer("weir-system/admin"), "secret")),
        Ok("weir-system/own".into())
    );
    // A namespace without any config still has the gateway's routes.
    assert_eq!(
        route_of(&linked, &facts(&consumer("nowhere/app"), "smart")),
        Ok("weir-system/all".into())
    );
}

#[test]
fn a_route_admits_by_name_and_by_namespace() {
    let named = Namespaces::Selector(vec![Requirement {
        key: NAME_LABEL.to_owned(),
        operator: Operator::In,
        values: vec!["team-a".to_owned(), "team-b".to_owned()],
    }]);
    let linked = World::default()
        .with([
            Route::test("weir-system/some")
                .serves(&["m"])
                .admits(Some(&["web", "ci"]), named)
                .rule(None, &[]),
            Route::test("weir-system/none")
                .serves(&["n"])
                .admits(Some(&[]), Namespaces::All)
                .rule(None, &[]),
        ])
        .linked();
    for (who, admitted) in [
        ("team-a/web", true),
        ("team-b/ci", true),
        ("team-c/web", false),
        ("team-a/cron", false),
    ] {
        let route = route_of(&linked, &facts(&consumer(who), "m"));
        assert_eq!(route.is_ok(), admitted, "{who}");
    }
    assert_eq!(
        route_of(&linked, &facts(&consumer("team-a/web"), "n")),
        Err(NoRoute::Model)
    );
}

#[test]
fn a_named_route_answers_only_whom_it_admits() {
    let linked = World::default()
        .with([
            Route::test("team-a/chat")
                .serves(&["fast"])
                .created(1)
                .rule(None, &[]),
            Route::test("team-a/other")
                .serves(&["fast"])
                .created(2)
                .rule(None, &[]),
            Route::test("team-b/open")
                .serves(&["fast"])
                .admits_all()
                .rule(None, &[]),
            Route::test("team-b/closed")
                .serves(&["fast"])
                .rule(None, &[]),
        ])
        .linked();
    let web = consumer("team-a/web");
    for (named, model, route) in [
        ("team-a/other", "fast", Ok("team-a/other")),
        ("team-b/open", "fast", Ok("team-b/open")),
        ("team-b/closed", "fast", Err(NoRoute::RouteNotFound)),
        ("team-b/none", "fast", Err(NoRoute::RouteNotFound)),
        ("team-b/open", "smart", Err(NoRoute::RouteNotFound)),
        ("chat", "fast", Err(NoRoute::RouteNotFound)),
        ("", "fast", Err(NoRoute::RouteNotFound)),
        ("team-a/chat/x", "fast", Err(NoRoute::RouteNotFound)),
    ] {
        let facts = Facts {
            named_route: Some(named),
            ..facts(&web, model)
        };
        assert_eq!(
            route_of(&linked, &facts),
            route.map(ToOwned::to_owned),
            "{named}"
        );
    }
}

#[test]
fn the_first_rule_that_holds_wins() {
    let linked = World::default()
        .provider("p/one", &[])
        .with([Route::test("team-a/chat")
            .serves(&["*"])
            .rule(Some("request.stream"), &[("p/one stream", 0, 1)])
            .rule(
                Some("request.inputTokens > 50 && request.operation == 'chat'"),
                &[("p/one long", 0, 1)],
            )
            .rule(Some("request.model == 'x'"), &[("p/one x", 0, 1)])])
        .linked();
    let web = consumer("team-a/web");
    let short: &dyn Fn() -> u64 = &|| 10;
    let unasked: &dyn Fn() -> u64 = &|| panic!("no condition asks");
    for (facts, rule) in [
        (
            Facts {
                stream: true,
                input_tokens: unasked,
                ..facts(&web, "a")
            },
            Some(0),
        ),
        (facts(&web, "a"), Some(1)),
        (
            Facts {
                input_tokens: short,
                ..facts(&web, "x")
            },
            Some(2),
        ),
        (
            Facts {
                input_tokens: short,
                ..facts(&web, "a")
            },
            None,
        ),
    ] {
        assert_eq!(
            decide(&linked, &facts).ok().map(|decision| decision.rule),
            rule
        );
    }
    let none = decide(
        &linked,
        &Facts {
            input_tokens: short,
            ..facts(&web, "a")
        },
    )
    .unwrap_err();
    assert_eq!(
        none.to_string(),
        "route team-a/chat: none of its 3 rules holds"
    );
}

#[test]
fn a_name_that_is_too_long_is_no_model() {
    let linked = World::default()
        .with([Route::test("team-a/chat").serves(&["*"]).rule(None, &[])])
        .linked();
    let web = consumer("team-a/web");
    let longest = "m".repeat(MAX_MODEL_BYTES);
    assert_eq!(
        route_of(&linked, &facts(&web, &longest)),
        Ok("team-a/chat".into())
    );
    let longer = longest + "m";
    assert_eq!(
        route_of(&linked, &facts(&web, &longer)),
        Err(NoRoute::Model)
    );
    let named = Facts {
        named_route: Some("team-a/chat"),
        ..facts(&web, &longer)
    };
    assert_eq!(route_of(&linked, &named), Err(NoRoute::RouteNotFound));
}

#[test]
fn a_decision_reads_well() {
    let linked = World::default()
        .provider("platform/anthropic", &[])
        .provider("platform/openai", &[])
        .with([
            Route::test("team-a/chat")
                .serves(&["fast"])
                .rule(Some("request.stream"), &[])
                .rule(
                    Some("request.inputTokens < 300"),
                    &[
                        ("platform/anthropic claude-sonnet-4-5", 0, 90),
                        ("platform/openai", 1, 1),
                    ],
                )
                .rule(None, &[]),
            Route::test("weir-system/all")
                .serves(&["gpt-*"])
                .admits_all()
                .rule(None, &[]),
        ])
        .linked();
    let web = consumer("team-a/web");
    let said = |facts: Facts<'_>| decide(&linked, &facts).unwrap().to_string();
    assert_eq!(
        said(facts(&web, "fast")),
        "route team-a/chat, rule 2 of 3 (`request.inputTokens < 300`): platform/anthropic claude-sonnet-4-5 (priority 0, weight 90), then \
         platform/openai (priority 1, weight 1); rule 1 did not hold"
    );
    assert_eq!(
        said(Facts {
            input_tokens: &|| 300,
            ..facts(&web, "fast")
        }),
        "route team-a/chat, rule 3 of 3 (always): no backend is left that serves the model; rules 1 to 2 did not hold"
    );
    assert_eq!(
        said(facts(&web, "gpt-5")),
        "route weir-system/all (of the gateway's namespace, by a pattern), rule 1 of 1 (always): no backend is left that serves the model"
    );
    assert_eq!(
        said(Facts {
            named_route: Some("team-a/chat"),
            stream: true,
            ..facts(&web, "fast")
        }),
        "route team-a/chat (named by the caller), rule 1 of 3 (`request.stream`): no backend is left that serves the model"
    );
}

const NAMESPACES: [&str; 3] = ["team-a", "team-b", GATEWAY];
const MODELS: [&str; 4] = ["a", "ab", "a*", "*"];
const IDS: [&str; 9] = [
    "team-a/r",
    "team-a/s",
    "team-a/t",
    "team-b/r",
    "team-b/s",
    "team-b/t",
    "weir-system/r",
    "weir-system/s",
    "weir-system/t",
];

fn any_route() -> impl Strategy<Value = Route> {
    let models = proptest::sample::subsequence(MODELS.to_vec(), 0..=3);
    let created = proptest::option::of(0..3i64);
    (
        proptest::sample::select(IDS.to_vec()),
        models,
        created,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(id, models, created, all, named)| {
            let route = Route::test(id).serves(&models).rule(None, &[]);
            let route = created.into_iter().fold(route, Route::created);
            let namespaces = if all {
                Namespaces::All
            } else {
                Namespaces::Same
            };
            route.admits(named.then_some(&["web"]), namespaces)
        })
}

proptest! {
    /// The indexes find what the order says: the least of all candidates.
    #[test]
    fn the_route_of_the_least_precedence_is_taken(
        routes in proptest::collection::vec(any_route(), 0..9),
        namespace in proptest::sample::select(NAMESPACES.to_vec()),
        name in proptest::sample::select(vec!["web", "ci"]),
        model in proptest::sample::select(vec!["a", "ab", "abc", "x"]),
        named in proptest::option::of(proptest::sample::select(IDS.to_vec())),
    ) {
        let linked = World::default().with(routes).linked();
        let who = consumer(&format!("{namespace}/{name}"));
        let facts = Facts { named_route: named, ..facts(&who, model) };
        let candidates = linked.routes().filter_map(|route| Some((Precedence::of(&linked, route, &facts)?, route.id.to_string())));
        let best = candidates.min();
        prop_assert_eq!(route_of(&linked, &facts).ok(), best.as_ref().map(|(_, id)| id.clone()));
        if let Some((rank, id)) = best {
            let of = id.split('/').next().unwrap_or_default();
            // Nobody attracts another's prompts.
            prop_assert!(rank.tier == Tier::Named || of == namespace || of == GATEWAY, "{}", id);
        }
    }
}
