//! How much went through, and what did not, by name.

use std::collections::BTreeMap;
use std::fmt::Display;

use weir_recorded::{Interaction, Kind};

/// Of what is wrong in a like way so many are printed.
const ALIKE_PRINTED: usize = 2;

/// Counts by package and kind.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    through: BTreeMap<String, usize>,
    left_out: BTreeMap<String, usize>,
    wrong: Vec<(String, String)>,
}

impl Tally {
    /// This went through.
    pub(crate) fn through(&mut self, interaction: &Interaction, to: impl Display) {
        let kind = Kind::of(interaction);
        let row = format!("{} {kind} → {to}", interaction.package);
        *self.through.entry(row).or_default() += 1;
    }

    /// This was left out, and why.
    pub(crate) fn leave_out(
        &mut self,
        interaction: &Interaction,
        to: impl Display,
        why: impl Display,
    ) {
        let kind = Kind::of(interaction);
        let row = format!("{} {kind} → {to}: {why}", interaction.package);
        *self.left_out.entry(row).or_default() += 1;
    }

    /// This is not as it should be.
    pub(crate) fn wrong(&mut self, what: impl Display, how: impl Display) {
        self.wrong.push((what.to_string(), how.to_string()));
    }

    /// Prints all and fails if anything is wrong, or if less than `least` went through.
    pub(crate) fn conclude(self, title: &str, least: usize) {
        let count: usize = self.through.values().sum();
        println!("{title}: {count} went through");
        for (row, count) in &self.through {
            println!("  {count:4} × {row}");
        }
        for (row, count) in &self.left_out {
            println!("  {count:4} × left out, {row}");
        }
        let mut alike: BTreeMap<String, usize> = BTreeMap::new();
        for (what, how) in &self.wrong {
            let start: String = how
                .chars()
                .filter(|c| !c.is_ascii_digit())
                .take(60)
                .collect();
            let seen = alike.entry(start).or_default();
            *seen += 1;
            if *seen <= ALIKE_PRINTED {
                let short: String = how.chars().take(2000).collect();
                eprintln!("WRONG {what}: {short}");
            }
        }
        assert!(
            self.wrong.is_empty(),
            "{title}: {} are wrong",
            self.wrong.len()
        );
        assert!(
            count >= least,
            "{title}: {count} went through, {least} did before"
        );
    }
}
