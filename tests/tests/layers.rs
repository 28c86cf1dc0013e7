//! The pure parts are pure: no runtime, no client, no socket and no clock in what they are built from, and no I/O in
//! their own sources. Time, randomness and bytes come in as values.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The crates, and where their sources are.
const PURE: [(&str, &str); 5] = [
    ("weir-crds", "crds/src"),
    ("weir-config", "config/src"),
    ("weir-decide", "decide/src"),
    ("weir-llm", "llm/src"),
    ("weir-records", "records/src"),
];

/// Crates that do I/O, run tasks or read clocks.
const IMPURE: [&str; 19] = [
    "async-std",
    "chrono",
    "getrandom",
    "hyper",
    "hyper-util",
    "kube",
    "kube-client",
    "kube-core",
    "mio",
    "notify",
    "rand",
    "reqwest",
    "rustls",
    "rustls-native-certs",
    "smol",
    "socket2",
    "time",
    "tokio",
    "ureq",
];

/// What a source would say to do I/O, to wait, or to learn the time.
const CALLS: [&str; 13] = [
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::process",
    "std::env::",
    "env::var",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "thread::sleep",
    "thread::spawn",
    "std::io::stdin",
];

/// Sources of the feature `crd` and of the binary that writes files, which no pure crate is built with.
const ELSEWHERE: [&str; 2] = ["crds/src/generate.rs", "crds/src/bin"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The names of the crates that one is built from, itself included.
fn tree(package: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "-e",
            "normal",
            "--prefix",
            "none",
            "-f",
            "{p}",
            "-p",
            package,
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

#[test]
fn pure_crates_are_built_from_pure_crates() {
    for (package, _) in PURE {
        let tree = tree(package);
        assert!(tree.len() > 3 && tree[0] == package, "{package}: {tree:?}");
        let impure: Vec<&String> = tree
            .iter()
            .filter(|name| IMPURE.contains(&name.as_str()))
            .collect();
        assert!(impure.is_empty(), "{package} is built from {impure:?}");
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The part of a source before its tests, which may do as they like.
fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

#[test]
fn pure_crates_do_no_io_and_read_no_clock() {
    let root = root();
    let mut found = Vec::new();
    let mut looked_at = 0;
    for (_, folder) in PURE {
        let mut files = Vec::new();
        sources(&root.join(folder), &mut files);
        for file in files {
            let name = file
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let elsewhere = ELSEWHERE.iter().any(|path| name.starts_with(path));
            if elsewhere || name.ends_with("tests.rs") || name.contains("/tests/") {
                continue;
            }
            looked_at += 1;
            let text = std::fs::read_to_string(&file).unwrap();
            for call in CALLS
                .iter()
                .filter(|call| before_tests(&text).contains(**call))
            {
                found.push(format!("{name}: {call}"));
            }
        }
    }
    assert!(looked_at > 30, "{looked_at} sources");
    assert_eq!(found, Vec::<String>::new());
}

/// What is generated from the types needs a Kubernetes crate; the types alone need none.
#[test]
fn no_crate_depends_upwards() {
    for (package, forbidden) in [
        (
            "weir-crds",
            ["weir-config", "weir-decide", "weir-llm", "weir-records"].as_slice(),
        ),
        (
            "weir-llm",
            &["weir-crds", "weir-config", "weir-decide", "weir-records"],
        ),
        (
            "weir-records",
            &["weir-crds", "weir-config", "weir-decide", "weir-llm"],
        ),
        (
            "weir-config",
            &["weir-decide", "weir-records", "weir-gateway"],
        ),
        ("weir-decide", &["weir-records", "weir-gateway"]),
    ] {
        let tree = tree(package);
        let upwards: Vec<&&str> = forbidden
            .iter()
            .filter(|name| tree.iter().any(|one| one == **name))
            .collect();
        assert!(upwards.is_empty(), "{package} depends on {upwards:?}");
    }
}
