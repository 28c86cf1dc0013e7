//! The providers that the docs and the examples show.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use weir_config::compile::{Compiled, Input, check};
use weir_config::text::{Document, parse_file};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The texts of the examples, by name.
fn examples() -> Vec<(String, String)> {
    let folder = repository().join("examples/providers");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// The resources that the page of providers shows.
fn shown() -> Vec<String> {
    let page = std::fs::read_to_string(repository().join("docs/providers.md")).unwrap();
    let blocks = page.split("```yaml\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

fn parsed(name: &str, text: &str) -> Vec<Arc<Document>> {
    let parsed = parse_file(name, text.as_bytes());
    assert_eq!(parsed.problems, [], "{name}");
    parsed.documents.into_iter().map(Arc::new).collect()
}

fn checked(documents: &[Arc<Document>]) -> Compiled {
    check(&Input {
        documents,
        unreadable: &[],
        env: Some(&|_| None),
        gateway_namespace: Some("weir-system"),
        previous: None,
    })
}

fn refused(compiled: &Compiled) -> Vec<String> {
    let verdicts = compiled.verdicts.iter();
    let refused = verdicts.filter(|verdict| !verdict.is_accepted());
    refused
        .map(|verdict| format!("{}: {:?}", verdict.object, verdict.problems()))
        .collect()
}

/// The values that a field of the schema takes.
fn values(field: &str) -> BTreeSet<String> {
    let schema: Value = serde_json::from_str(weir_crds::schemas::AI_PROVIDER).unwrap();
    let values = &schema["properties"]["spec"]["properties"][field]["enum"];
    let values = values.as_array().unwrap().iter();
    values
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_example_is_good_and_every_dialect_and_preset_has_one() {
    let files = examples();
    let documents: Vec<_> = files
        .iter()
        .flat_map(|(name, text)| parsed(name, text))
        .collect();
    let compiled = checked(&documents);
    assert_eq!(refused(&compiled), Vec::<String>::new());
    let shards = compiled.snapshot.namespaces.values();
    let providers: Vec<_> = shards.flat_map(|shard| shard.providers.values()).collect();
    let dialects = providers.iter().map(|one| one.dialect.name().to_owned());
    assert_eq!(dialects.collect::<BTreeSet<_>>(), values("dialect"));
    let presets = providers.iter().filter_map(|one| one.preset);
    let presets = presets.map(|preset| format!("{preset:?}"));
    assert_eq!(presets.collect::<BTreeSet<_>>(), values("preset"));
}

#[test]
fn the_page_shows_the_examples_and_nothing_that_is_refused() {
    let shown = shown();
    for block in &shown {
        let compiled = checked(&parsed("providers.md", block));
        assert_eq!(refused(&compiled), Vec::<String>::new(), "{block}");
    }
    for (name, text) in examples() {
        let resource: Vec<&str> = text
            .lines()
            .skip_while(|line| line.starts_with('#'))
            .collect();
        let resource = format!("{}\n", resource.join("\n"));
        let is_shown = shown.contains(&resource);
        assert!(is_shown || name == "0-namespace.yaml", "{name}");
    }
}

#[test]
fn the_page_names_the_address_of_every_provider_that_has_one() {
    let page = std::fs::read_to_string(repository().join("docs/providers.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ["));
    let mut named = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let field = |cell: &str| cell.trim_matches('`').to_owned();
        let (dialect, preset, address) = (field(cells[2]), field(cells[3]), field(cells[4]));
        if !address.starts_with("https://") || address.contains("REGION") {
            continue;
        }
        let preset = if preset.is_empty() {
            String::new()
        } else {
            format!("\n  preset: {preset}")
        };
        let text = format!(
            "apiVersion: weir.dev/v1alpha1\nkind: AIProvider\nmetadata:\n  name: one\n  namespace: a\nspec:\n  dialect: {dialect}{preset}\n"
        );
        let compiled = checked(&parsed("one.yaml", &text));
        assert_eq!(refused(&compiled), Vec::<String>::new(), "{text}");
        let provider = compiled.snapshot.provider("a", "one").unwrap();
        assert_eq!(provider.endpoint, address, "{row}");
        named += 1;
    }
    assert_eq!(named, 14);
}
