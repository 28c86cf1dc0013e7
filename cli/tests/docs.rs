//! What the docs say is so.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use weir_config::Reason;

/// The reasons of the operator's own, beside those of the compiler.
const DELIVERY: [&str; 5] = [
    "Pending",
    "GatewaysBehind",
    "GatewayRefused",
    "NoGateways",
    "Refused",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn every_reason_is_explained_once_and_no_other() {
    // serde names all there are.
    let error = serde_json::from_str::<Reason>("\"?\"").unwrap_err();
    let error = error.to_string();
    let expected: BTreeSet<&str> = error
        .split('`')
        .skip(3)
        .step_by(2)
        .chain(DELIVERY)
        .collect();
    assert!(expected.contains("DuplicateKey"), "{error}");
    let text = read("docs/status.md");
    let section = text.split("## Troubleshooting, by reason").nth(1).unwrap();
    let rows: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(reason, _)| reason)
        .collect();
    assert_eq!(rows.iter().copied().collect::<BTreeSet<_>>(), expected);
    assert_eq!(rows.len(), expected.len(), "a reason stands twice");
}

/// The README and the pages of `docs/`.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap();
    let pages = docs.map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = pages
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .chain([root().join("README.md")])
        .collect();
    pages.sort();
    pages
}

/// As GitHub makes the anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|character| {
        let character = character.to_ascii_lowercase();
        match character {
            ' ' => Some('-'),
            '-' | '_' => Some(character),
            other => other.is_alphanumeric().then_some(other),
        }
    });
    kept.collect()
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let links = text.split("](").skip(1);
        let links = links.filter_map(|rest| Some(rest.split_once(')')?.0));
        for link in links.filter(|link| !link.contains("://")) {
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => page.clone(),
                path => page.parent().unwrap().join(path),
            };
            let leads = target.exists()
                && (fragment.is_empty()
                    || fs::read_to_string(&target).unwrap().lines().any(|line| {
                        line.strip_prefix('#')
                            .is_some_and(|line| anchor(line.trim_start_matches('#')) == fragment)
                    }));
            if !leads {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn the_resources_that_are_shown_are_good() {
    for page in ["docs/credentials.md", "docs/identity.md", "docs/install.md"] {
        let text = read(page);
        let shown = text.split("```yaml\n").skip(1);
        let mut shown: Vec<&str> = shown
            .map(|block| block.split("```").next().unwrap())
            .collect();
        if page == "docs/credentials.md" {
            // The others are values of the chart.
            shown.retain(|block| block.starts_with("apiVersion:"));
            shown.push("apiVersion: v1\nkind: Secret\nmetadata: {name: vertex, namespace: shop}\nstringData:\n  key.json: '{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"-----BEGIN PRIVATE KEY-----\"}'\n");
        }
        // What they refer to is made elsewhere on the page.
        shown.push("apiVersion: v1\nkind: Secret\nmetadata: {name: openai, namespace: platform}\nstringData: {apiKey: sk-0123}\n");
        if page == "docs/identity.md" {
            shown.push("apiVersion: weir.dev/v1alpha1\nkind: AIProvider\nmetadata: {name: mock, namespace: shop}\nspec: {dialect: Mock}\n");
        }
        // A cluster gives each namespace this label.
        shown.push("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}\n");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("shown.yaml"), shown.join("---\n")).unwrap();
        let mut check = Command::new(env!("CARGO_BIN_EXE_weir"));
        let output = check.arg("check").arg(folder.path()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            (output.status.code(), said.as_str()),
            (Some(0), ""),
            "{page}"
        );
    }
}
