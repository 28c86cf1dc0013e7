//! The binaries under test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The checkout.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The binary of this package in the profile that this test was built with, built now if it is not
/// there or old.
///
/// `WEIR_GATEWAY_BIN` names another `weir-gateway`, `WEIR_OPERATOR_BIN` another `weir-operator`,
/// `WEIR_CLI_BIN` another `weir`.
///
/// # Panics
/// It can't be built.
#[must_use]
pub fn binary(package: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let (variable, name) = match package {
        "weir-gateway" => ("WEIR_GATEWAY_BIN", "weir-gateway"),
        "weir-operator" => ("WEIR_OPERATOR_BIN", "weir-operator"),
        "weir-cli" => ("WEIR_CLI_BIN", "weir"),
        other => panic!("no binary of {other} is tested"),
    };
    if let Some(given) = std::env::var_os(variable) {
        return given.into();
    }
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = built.get(package) {
        return path.clone();
    }
    // target/PROFILE/deps/TEST-HASH
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let profile = match folder.file_name().and_then(|name| name.to_str()).unwrap() {
        "debug" => "dev",
        name => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--package", package, "--profile"])
        .arg(profile)
        .arg("--target-dir")
        .arg(folder.parent().unwrap())
        .current_dir(root())
        .status()
        .unwrap();
    assert!(status.success(), "{package} does not build");
    let path = folder.join(name);
    built.insert(package.to_owned(), path.clone());
    path
}
