use proptest::prelude::*;

use super::fixtures::{Route, World, consumer, facts};
use crate::{Facts, decide};

/// The providers in the order in which they are tried.
fn order(world: World, backends: &[(&str, u8, u32)], model: &str, draw: u64) -> Vec<String> {
    let linked = world
        .with([Route::test("a/r").serves(&["*"]).rule(None, backends)])
        .linked();
    let web = consumer("a/web");
    let decision = decide(
        &linked,
        &Facts {
            draw,
            ..facts(&web, model)
        },
    )
    .unwrap();
    decision
        .backends()
        .map(|backend| backend.provider.id.to_string())
        .collect()
}

fn world() -> World {
    ["p/a", "p/b", "p/c", "p/d"]
        .into_iter()
        .fold(World::default(), |world, id| world.provider(id, &[]))
}

#[test]
fn priorities_go_before_weights() {
    for draw in 0..100 {
        let order = order(
            world(),
            &[
                ("p/a", 1, 1_000_000),
                ("p/b", 0, 1),
                ("p/c", 100, 5),
                ("p/d", 0, 1),
            ],
            "m",
            draw,
        );
        assert_eq!(
            order.get(2..),
            Some(&["p/a".to_owned(), "p/c".to_owned()][..]),
            "{order:?}"
        );
    }
}

#[test]
fn weight_0_comes_last_in_its_group() {
    for draw in 0..100 {
        let found = order(
            world(),
            &[("p/a", 0, 0), ("p/b", 0, 1), ("p/c", 0, 0), ("p/d", 1, 9)],
            "m",
            draw,
        );
        assert_eq!(found, ["p/b", "p/a", "p/c", "p/d"]);
        let found = order(world(), &[("p/a", 0, 0), ("p/b", 0, 0)], "m", draw);
        assert_eq!(found, ["p/a", "p/b"]);
    }
}

#[test]
fn a_backend_that_does_not_serve_the_model_is_left_out() {
    let world = || {
        World::default()
            .provider("p/a", &["gpt-5"])
            .provider("p/b", &[])
            .provider("p/c", &["o3"])
    };
    let backends = [
        ("p/a", 0, 0),
        ("p/b", 0, 0),
        ("p/c o3", 0, 0),
        ("p/gone", 0, 0),
    ];
    assert_eq!(order(world(), &backends, "gpt-5", 1), ["p/a", "p/b", "p/c"]);
    assert_eq!(order(world(), &backends, "other", 1), ["p/b", "p/c"]);
}

#[test]
fn sixteen_backends_fit() {
    let ids: Vec<String> = (0..16).map(|at| format!("p/n{at}")).collect();
    let world = ids
        .iter()
        .fold(World::default(), |world, id| world.provider(id, &[]));
    let backends: Vec<_> = ids.iter().map(|id| (id.as_str(), 0, 3)).collect();
    let mut found = order(world, &backends, "m", 7);
    found.sort();
    let mut all = ids.clone();
    all.sort();
    assert_eq!(found, all);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Over many draws each backend goes first as often as its weight says, and second as a draw without putting back
    /// has it.
    #[test]
    fn weights_converge(weights in proptest::collection::vec(0u32..100, 3), seed in any::<u64>()) {
        let total: u32 = weights.iter().sum();
        prop_assume!(total > 0);
        let linked = world()
            .with([Route::test("a/r").serves(&["*"]).rule(None, &[("p/a", 0, weights[0]), ("p/b", 0, weights[1]), ("p/c", 0, weights[2])])])
            .linked();
        let web = consumer("a/web");
        let rounds = 6000u32;
        let mut first = [0u32; 3];
        for round in 0..rounds {
            let facts = Facts { draw: seed.wrapping_add(u64::from(round)), ..facts(&web, "m") };
            let decision = decide(&linked, &facts).unwrap();
            let again = decide(&linked, &facts).unwrap();
            prop_assert_eq!(decision.order, again.order);
            let order: Vec<_> = decision.order.iter().collect();
            prop_assert_eq!(order.len(), 3);
            first[order[0]] += 1;
        }
        for (count, weight) in first.iter().zip(&weights) {
            let share = f64::from(*weight) / f64::from(total);
            let seen = f64::from(*count) / f64::from(rounds);
            // Five standard deviations and a little.
            let slack = 5.0 * (share * (1.0 - share) / f64::from(rounds)).sqrt() + 1e-9;
            prop_assert!((seen - share).abs() <= slack, "{:?} {:?}", weights, first);
        }
    }
}
