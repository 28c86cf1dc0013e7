//! What was recorded is all there, and each interaction is of a kind that somebody looked at.

use weir_recorded::{Interaction, Kind, all, inventory};

#[test]
fn all_that_was_recorded_is_read_and_named() {
    let recorded = all();
    if recorded.is_empty() {
        return;
    }
    for ((package, kind), count) in inventory(recorded) {
        match kind {
            Kind::LeftOut { why, .. } => println!("{package}: {count} × {kind}, left out: {why}"),
            _ => println!("{package}: {count} × {kind}"),
        }
    }
    let served = |one: &&Interaction| !matches!(Kind::of(one), Kind::LeftOut { .. });
    assert_eq!(
        (recorded.len(), recorded.iter().filter(served).count()),
        (1014, 681)
    );
}
