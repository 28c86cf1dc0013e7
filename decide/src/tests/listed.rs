use super::fixtures::{Route, World, consumer, facts, route_of};
use crate::{ModelEntry, model, models};

#[test]
fn a_consumer_sees_what_it_may_ask_for() {
    let linked = World::default()
        .provider("p/some", &["gpt-5", "gpt-5-mini", "o3"])
        .provider("p/any", &[])
        .with([
            Route::test("team-a/chat")
                .serves(&["fast", "smart"])
                .created(5)
                .rule(None, &[("p/any", 0, 1)]),
            Route::test("team-a/gpt")
                .serves(&["gpt-*"])
                .created(7)
                .rule(None, &[("p/any", 0, 1), ("p/some", 1, 1)]),
            Route::test("team-a/ci")
                .serves(&["nightly"])
                .admits(Some(&["ci"]), weir_config::snapshot::Namespaces::Same)
                .rule(None, &[]),
            Route::test("team-b/bait")
                .serves(&["bait", "*"])
                .admits_all()
                .rule(None, &[("p/some", 0, 1)]),
            Route::test("weir-system/all")
                .serves(&["fast", "gpt-5", "company", "o*"])
                .admits_all()
                .rule(None, &[("p/some", 0, 1)]),
        ])
        .linked();
    let web = consumer("team-a/web");
    let entry = |id: &str, route: &str, created| ModelEntry {
        id: id.into(),
        route: route.into(),
        created,
    };
    let listed = models(&linked, &web);
    assert_eq!(
        listed,
        [
            entry("company", "weir-system/all", 0),
            entry("fast", "team-a/chat", 5),
            entry("gpt-5", "team-a/gpt", 7),
            entry("gpt-5-mini", "team-a/gpt", 7),
            entry("o3", "weir-system/all", 0),
            entry("smart", "team-a/chat", 5),
        ]
    );
    for ModelEntry { id, route, .. } in &listed {
        assert_eq!(
            route_of(&linked, &facts(&web, id)),
            Ok(route.to_string()),
            "{id}"
        );
    }
}

#[test]
fn a_model_is_known_by_every_name_that_is_served() {
    let linked = World::default()
        .provider("p/some", &["gpt-5"])
        .provider("p/any", &[])
        .with([
            Route::test("team-a/gpt")
                .serves(&["gpt-*"])
                .rule(None, &[("p/some", 0, 1)]),
            Route::test("team-a/llama")
                .serves(&["llama-*"])
                .created(7)
                .rule(None, &[("p/any", 0, 1)]),
            Route::test("team-a/ci")
                .serves(&["ci-*"])
                .admits(Some(&["ci"]), weir_config::snapshot::Namespaces::Same)
                .rule(None, &[("p/any", 0, 1)]),
        ])
        .linked();
    let web = consumer("team-a/web");
    let known = |name: &str| {
        model(&linked, &web, name)
            .map(|entry| (entry.id.to_string(), entry.route.to_string(), entry.created))
    };
    let entry = |id: &str, route: &str, created| Some((id.to_owned(), route.to_owned(), created));
    assert_eq!(known("gpt-5"), entry("gpt-5", "team-a/gpt", 0));
    assert_eq!(known("llama-3.3"), entry("llama-3.3", "team-a/llama", 7));
    for unknown in ["gpt-4", "ci-1", "claude", ""] {
        assert_eq!(known(unknown), None, "{unknown}");
    }
}
