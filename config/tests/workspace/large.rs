//! What a change costs does not depend on how many namespaces there are.

use std::time::Instant;

use weir_config::compile::Workspace;
use weir_config::link::link;
use weir_config::linked::Linked;
use weir_config::snapshot::Snapshot;

use crate::objects::*;
use crate::{looked_at, problems, put};

/// A platform with a provider, and so many teams with so many routes to it and to their own.
fn world(teams: usize, routes: usize) -> Workspace {
    let mut workspace = Workspace::new(Snapshot::default());
    put(
        &mut workspace,
        [provider("platform", "openai", ProviderIs::Open(&["fast"]))],
    );
    for team in 0..teams {
        let name = format!("team-{team}");
        put(
            &mut workspace,
            [
                namespace(&name, "gold"),
                provider(&name, "own", ProviderIs::Own),
                large_key(&name, team),
            ],
        );
        let own = format!("{name}/own");
        for number in 0..routes {
            let mut route = route(
                &name,
                &format!("route-{number}"),
                &["platform/openai fast", &own],
                None,
            );
            route["spec"]["rules"][0]["when"] =
                "request.inputTokens < 300 && request.stream".into();
            put(&mut workspace, [route]);
        }
        for account in ["default", "web"] {
            workspace.service_account(&name, account, Some(format!("{name}-{account}")));
        }
    }
    workspace
}

fn large_key(namespace: &str, number: usize) -> serde_json::Value {
    let mut key = key(namespace, "ci", 0, 0);
    key["stringData"]["key"] = format!("value-of-a-key-0123456789-0123456789-{number}").into();
    key
}

fn changed(team: &str) -> serde_json::Value {
    route(team, "route-0", &["platform/openai fast"], None)
}

#[test]
fn a_change_of_one_among_many_namespaces_is_a_look_at_one() {
    for teams in [3, 60] {
        let mut workspace = world(teams, 2);
        let pass = workspace.compile();
        assert_eq!(problems(&pass), Vec::<String>::new());
        assert_eq!(pass.namespaces.len(), teams + 1);
        put(&mut workspace, [changed("team-1")]);
        assert_eq!(looked_at(&workspace.compile()), ["team-1*"]);
        workspace.service_account("team-2", "job", Some("u".to_owned()));
        assert_eq!(looked_at(&workspace.compile()), ["team-2*"]);
        put(&mut workspace, [large_key("team-2", 100_000)]);
        assert_eq!(looked_at(&workspace.compile()), ["team-2*"]);
    }
}

/// Figures, not a verdict: `cargo test --release -p weir-config --test workspace figures -- --ignored --nocapture`.
#[test]
#[ignore = "prints figures of 10,000 routes in 1,000 namespaces"]
fn figures() {
    fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = run();
        println!("{what}: {:?}", begun.elapsed());
        result
    }
    for (teams, routes) in [(100, 10), (1000, 10)] {
        println!("{} routes in {teams} namespaces", teams * routes);
        let mut workspace = timed("  put", || world(teams, routes));
        timed("  full compile", || workspace.compile());
        let linked: Linked = timed("  full link", || {
            link(workspace.snapshot(), "weir-system", None)
        });
        put(&mut workspace, [changed("team-7")]);
        timed("  one change: compile", || workspace.compile());
        let linked = timed("  one change: link", || {
            link(workspace.snapshot(), "weir-system", Some(&linked))
        });
        put(&mut workspace, [large_key("team-7", 1_000_000)]);
        timed("  one key: compile", || workspace.compile());
        let linked = timed("  one key: link", || {
            link(workspace.snapshot(), "weir-system", Some(&linked))
        });
        workspace.service_account("team-7", "job", Some("u".to_owned()));
        timed("  one account: compile", || workspace.compile());
        let linked = timed("  one account: link", || {
            link(workspace.snapshot(), "weir-system", Some(&linked))
        });
        put(
            &mut workspace,
            [provider(
                "platform",
                "openai",
                ProviderIs::Open(&["fast", "smart"]),
            )],
        );
        timed("  shared provider: compile", || workspace.compile());
        timed("  shared provider: link", || {
            link(workspace.snapshot(), "weir-system", Some(&linked))
        });
    }
}
