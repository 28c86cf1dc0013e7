//! The binaries that a Kubernetes is made of.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::built::root;

/// The folder of the binaries: `WEIR_CLUSTER_BIN`, else what `tests/cluster/build api` makes, which
/// takes minutes the first time.
///
/// # Panics
/// They can't be built.
#[must_use]
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        if let Some(given) = std::env::var_os("WEIR_CLUSTER_BIN") {
            return given.into();
        }
        let output = Command::new(root().join("tests/cluster/build"))
            .arg("api")
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "the API server of the tests can't be built; see above"
        );
        let said = String::from_utf8(output.stdout).unwrap();
        PathBuf::from(said.lines().last().unwrap())
    })
}

/// One of them.
#[must_use]
pub fn part(name: &str) -> PathBuf {
    folder().join(name)
}
