//! Compares our reading of YAML with what kubectl's library made of the same files: `tests/yaml/README.md`. That library
//! only converts; most of the files hold no objects.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::{FileProblem, FileReason, ParsedFile, read_file};

#[derive(Deserialize)]
struct Recorded {
    line: u32,
    #[serde(default, deserialize_with = "present")]
    json: Option<Value>,
    #[serde(default)]
    error: Option<String>,
}

/// A JSON null is a value here, unlike an absent one.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The YAML files below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path
            .extension()
            .is_some_and(|ext| ext == "yaml" || ext == "yml")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn recording(file: &Path, root: &Path) -> Vec<Recorded> {
    let within = file.strip_prefix(root.parent().unwrap()).unwrap();
    let path = repository()
        .join("tests/yaml/recorded")
        .join(format!("{}.json", within.display()));
    let text = fs::read_to_string(&path).unwrap_or_else(|_| {
        panic!(
            "{} has no recording; `cd tests/yaml && go run . traps ../../examples` makes it",
            within.display()
        )
    });
    serde_json::from_str(&text).unwrap()
}

/// What we make of a document that kubectl reads as `value`: the objects of a list, nothing of an empty document.
fn objects(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Object(object) => match (
            object.get("kind").and_then(Value::as_str),
            object.get("items"),
        ) {
            (Some(kind), Some(Value::Array(items))) if kind.ends_with("List") => {
                Some(items.clone())
            }
            _ => Some(vec![value.clone()]),
        },
        _ => None,
    }
}

fn reads_alike(root: &Path, file: &Path) {
    let name = file.file_name().unwrap().to_str().unwrap();
    let parsed = read_file(name, &fs::read(file).unwrap());
    let recorded = recording(file, root);
    let ends = recorded
        .iter()
        .skip(1)
        .map(|next| next.line)
        .chain([u32::MAX]);
    for (document, end) in recorded.iter().zip(ends) {
        let within = |line: u32| (document.line..end).contains(&line);
        let ours = parsed
            .documents
            .iter()
            .filter(|one| within(one.origin.locate("").unwrap().line));
        let ours: Vec<_> = ours.map(|one| one.value.clone()).collect();
        let problems: Vec<_> = parsed
            .problems
            .iter()
            .filter(|one| within(one.location.line))
            .cloned()
            .collect();
        let at = format!("{name}:{}", document.line);
        match (&document.json, &document.error) {
            (Some(json), None) => match objects(json) {
                Some(objects) => {
                    assert_eq!(problems, Vec::<FileProblem>::new(), "{at}");
                    assert_eq!(ours, objects, "{at}");
                }
                None => {
                    let reasons: Vec<_> = problems.iter().map(|one| one.reason).collect();
                    assert_eq!(reasons, [FileReason::NotAnObject], "{at}");
                }
            },
            (None, Some(error)) => {
                assert_eq!(ours, Vec::<Value>::new(), "{at}: kubectl says {error}");
                assert!(!problems.is_empty(), "{at}: kubectl says {error}");
            }
            _ => panic!("{at}: the recording is not whole"),
        }
    }
}

#[test]
fn traps_read_as_through_kubectls_library() {
    let root = repository().join("tests/yaml/traps");
    let files = files(&root);
    assert!(files.len() >= 10, "{files:?}");
    for file in files {
        let name = file.file_name().unwrap();
        if name != "stricter.yaml" && name != "bomb.yaml" && name != "deep.yaml" {
            reads_alike(&root, &file);
        }
    }
}

#[test]
fn examples_read_as_through_kubectls_library() {
    let root = repository().join("examples");
    let files = files(&root);
    assert!(!files.is_empty());
    for file in files {
        reads_alike(&root, &file);
    }
}

fn read_trap(name: &str) -> ParsedFile {
    let file = repository().join("tests/yaml/traps").join(name);
    read_file(name, &fs::read(file).unwrap())
}

fn said(parsed: &ParsedFile) -> Vec<String> {
    let problems = parsed.problems.iter();
    problems
        .map(|one| format!("{} {} ({})", one.location, one.message, one.reason))
        .collect()
}

#[test]
fn what_kubectl_takes_without_a_word_is_refused() {
    let parsed = read_trap("stricter.yaml");
    assert_eq!(parsed.documents, []);
    assert_eq!(
        said(&parsed),
        [
            "stricter.yaml:2:1 the key \"a\" stands twice in this mapping; keep one of the two (DuplicateKey)",
            "stricter.yaml:4:11 the key \"b\" stands twice in this mapping; keep one of the two (DuplicateKey)",
            "stricter.yaml:7:1 the key \"true\" stands twice in this mapping; keep one of the two (DuplicateKey)",
            "stricter.yaml:10:1 the key \"1\" stands twice in this mapping; keep one of the two (DuplicateKey)",
            "stricter.yaml:12:4 a !!binary value is not UTF-8 inside; write the base64 itself as a string, as Kubernetes \
             takes bytes (InvalidYAML)",
        ]
    );
}

#[test]
fn expansion_and_depth_are_bounded() {
    let bomb = read_trap("bomb.yaml");
    assert_eq!(bomb.documents, []);
    let reasons: Vec<_> = bomb.problems.iter().map(|one| one.reason).collect();
    assert_eq!(reasons, [FileReason::TooLarge]);
    let deep = read_trap("deep.yaml");
    assert_eq!(
        said(&deep),
        ["deep.yaml:1:103 lists and mappings are nested more than 100 deep (TooLarge)"]
    );
    assert_eq!(deep.documents.len(), 1);
}
