//! A dialect is its folder, the lists that name it, and nothing else: no other source mentions one by name, but for what is
//! listed here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What every dialect has to be named in, as docs/dialects.md tells.
const LISTS: [&str; 5] = [
    "llm/src/dialect.rs",
    "llm/src/format.rs",
    "crds/src/provider.rs",
    "config/src/compile/provider.rs",
    "config/src/compile/provider/endpoint.rs",
];

/// What else mentions one: facts of those alone, which a dialect more leaves as they are.
const PECULIAR: &[(&str, &[&str])] = &[
    (
        "config/src/compile/provider/secrets.rs",
        &["Dialect::Bedrock", "Dialect::Vertex"],
    ),
    (
        "config/src/published/older.rs",
        &["Dialect::Mock", "Dialect::OpenAI"],
    ),
    (
        "gateway/src/credentials.rs",
        &["Dialect::Bedrock", "Dialect::Vertex"],
    ),
    (
        "gateway/src/live.rs",
        &["Dialect::Mock", "Format::Responses"],
    ),
    ("gateway/src/pipeline/attempt.rs", &["Format::Completions"]),
    (
        "gateway/src/pipeline/receive.rs",
        &[
            "Format::Chat",
            "Format::Cohere",
            "Format::Converse",
            "Format::Gemini",
            "Format::Messages",
        ],
    ),
    ("gateway/src/pipeline/tail.rs", &["Format::Chat"]),
    ("llm/src/body.rs", &["Format::Chat", "Format::Completions"]),
    (
        "llm/src/body/named.rs",
        &["Format::Gemini", "Format::Messages"],
    ),
    ("llm/src/bound/facts.rs", &["Format::Chat"]),
    ("llm/src/call.rs", &["Format::Messages"]),
    (
        "llm/src/chat/field.rs",
        &[
            "Format::Cohere",
            "Format::Completions",
            "Format::Converse",
            "Format::Gemini",
            "Format::Messages",
            "Format::Responses",
        ],
    ),
    (
        "llm/src/chat/hint.rs",
        &[
            "Format::Chat",
            "Format::Cohere",
            "Format::Completions",
            "Format::Converse",
            "Format::Gemini",
            "Format::Messages",
            "Format::Responses",
        ],
    ),
    (
        "llm/src/embed/wire.rs",
        &[
            "Dialect::Bedrock",
            "Dialect::Cohere",
            "Dialect::Gemini",
            "Dialect::Vertex",
        ],
    ),
    ("llm/src/exchange.rs", &["Format::Chat"]),
    (
        "llm/src/exchange/embed.rs",
        &["Format::Cohere", "Format::Converse", "Format::Gemini"],
    ),
    ("llm/src/exchange/stream.rs", &["Format::Responses"]),
    ("llm/src/provider.rs", &["Format::Completions"]),
];

/// The folders of llm/src/dialect that mention another's, because they serve its format or read what it signed.
const NEIGHBOURS: &[(&str, &[&str])] = &[
    ("anthropic", &["Format::Converse", "Format::Gemini"]),
    ("bedrock", &["Format::Gemini", "Format::Messages"]),
    ("gemini", &["Format::Messages"]),
    ("openai", &["Format::Responses"]),
    (
        "responses",
        &[
            "Dialect::AzureOpenAI",
            "Format::Chat",
            "Format::Completions",
            "Format::Gemini",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
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

/// A source without comments, and without the tests at its end.
fn code(text: &str) -> String {
    let tests = text
        .match_indices("#[cfg(test)]\nmod ")
        .map(|(at, _)| at)
        .find(|at| text[*at..].lines().nth(1).unwrap().ends_with('{'));
    let text = &text[..tests.unwrap_or(text.len())];
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a source is one of tests by its name.
fn is_test(relative: &Path) -> bool {
    relative.ends_with("tests.rs") || relative.iter().any(|part| part == "tests")
}

/// Whether its parent says so.
fn is_declared_test(file: &Path) -> bool {
    let name = file.file_stem().unwrap().to_str().unwrap();
    let folder = file.parent().unwrap();
    let declared = format!("#[cfg(test)]\nmod {name};");
    let parents = [folder.with_extension("rs"), folder.join("lib.rs")];
    let declares = |text: String| text.contains(&declared);
    parents
        .iter()
        .any(|parent| std::fs::read_to_string(parent).is_ok_and(declares))
}

/// `Dialect::X` and `Format::X` in a source.
fn names(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for kind in ["Dialect", "Format"] {
        let whole = format!("{kind}::");
        for (at, _) in code.match_indices(&whole) {
            let before = code[..at].chars().next_back();
            let name: String = code[at + whole.len()..]
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            let part_of_a_word = before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
            if !part_of_a_word && name != "ALL" && name.starts_with(char::is_uppercase) {
                found.insert(format!("{whole}{name}"));
            }
        }
    }
    found
}

/// Whose names belong to a folder of llm/src/dialect.
fn own(folder: &str) -> &'static [&'static str] {
    match folder {
        "anthropic" => &["Dialect::Anthropic", "Format::Messages"],
        "bedrock" => &["Dialect::Bedrock", "Format::Converse"],
        "cohere" => &["Dialect::Cohere", "Format::Cohere"],
        "gemini" => &["Dialect::Gemini", "Dialect::Vertex", "Format::Gemini"],
        "openai" => &[
            "Dialect::OpenAI",
            "Dialect::AzureOpenAI",
            "Dialect::Mock",
            "Format::Chat",
            "Format::Completions",
        ],
        // What its callers want their text to be is called so too.
        "mock" => &["Format::Object", "Format::Schema"],
        "responses" => &["Format::Responses"],
        _ => &[],
    }
}

type Mentions = BTreeMap<String, BTreeSet<String>>;

/// By source outside of the dialects' folders, and by folder: what of others is mentioned.
fn mentions() -> (Mentions, Mentions) {
    let root = root();
    let (mut elsewhere, mut folders) = (Mentions::new(), Mentions::new());
    for part in [
        "crds", "config", "decide", "llm", "records", "gateway", "operator",
    ] {
        let mut files = Vec::new();
        sources(&root.join(part).join("src"), &mut files);
        for file in files {
            let relative = file.strip_prefix(&root).unwrap();
            if is_test(relative) || is_declared_test(&file) {
                continue;
            }
            let path = relative.to_str().unwrap();
            let mut found = names(&code(&std::fs::read_to_string(&file).unwrap()));
            if let Some(rest) = path.strip_prefix("llm/src/dialect/") {
                let folder = rest.split(['/', '.']).next().unwrap();
                found.retain(|name| !own(folder).contains(&name.as_str()));
                if !found.is_empty() {
                    folders.entry(folder.to_owned()).or_default().extend(found);
                }
            } else if !found.is_empty() && !LISTS.contains(&path) {
                elsewhere.insert(path.to_owned(), found);
            }
        }
    }
    (elsewhere, folders)
}

fn table(rows: &[(&str, &[&str])]) -> Mentions {
    let row = |(path, names): &(&str, &[&str])| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        ((*path).to_owned(), names)
    };
    rows.iter().map(row).collect()
}

#[test]
fn a_dialect_is_mentioned_where_the_table_says_and_nowhere_else() {
    let (elsewhere, folders) = mentions();
    assert_eq!(elsewhere, table(PECULIAR));
    assert_eq!(folders, table(NEIGHBOURS));
}

#[test]
fn the_docs_name_every_list() {
    let docs = std::fs::read_to_string(root().join("docs/dialects.md")).unwrap();
    let section = docs.split("## Add a dialect").nth(1).unwrap();
    let peculiar = PECULIAR.iter().map(|(path, _)| *path);
    for path in LISTS.into_iter().chain(peculiar) {
        assert!(root().join(path).is_file(), "{path}");
        assert!(section.contains(path), "{path} is not in docs/dialects.md");
    }
}
