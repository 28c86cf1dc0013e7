//! Traffic that others recorded: the cassettes of the packages in `pins`, which `fetch` puts into the cache.
//!
//! A cassette is YAML as [VCR.py](https://vcrpy.readthedocs.io) writes it: a list of interactions, each a
//! request and the response that a provider gave it.

mod cassette;
mod kind;
mod yaml;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub use cassette::{Interaction, Request, Response};
pub use kind::{Kind, Wire};

/// Everything that was recorded, in the order of packages, files and interactions; nothing where
/// `WEIR_SKIP_RECORDED=1`, which it says.
///
/// # Panics
/// It can't be fetched or read.
#[must_use]
pub fn all() -> &'static [Interaction] {
    static ALL: OnceLock<Vec<Interaction>> = OnceLock::new();
    ALL.get_or_init(|| {
        if std::env::var("WEIR_SKIP_RECORDED").is_ok_and(|value| value == "1") {
            eprintln!("SKIPPED: WEIR_SKIP_RECORDED=1, so no recorded traffic was replayed");
            return Vec::new();
        }
        cassette::read_below(&fetched())
    })
}

/// Where the cassettes are, fetched now if they are not there.
fn fetched() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fetch");
    let output = Command::new("python3")
        .arg(script)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}: {}", output.status);
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}

/// How many interactions there are of each kind, by package.
#[must_use]
pub fn inventory(interactions: &[Interaction]) -> BTreeMap<(&str, Kind), usize> {
    let mut counts = BTreeMap::new();
    for interaction in interactions {
        *counts
            .entry((interaction.package.as_str(), Kind::of(interaction)))
            .or_default() += 1;
    }
    counts
}
