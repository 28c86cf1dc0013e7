use proptest::prelude::*;
use serde_json::json;

use super::*;

fn values(parsed: &ParsedFile) -> Vec<&Value> {
    parsed.documents.iter().map(|one| &one.value).collect()
}

fn said(parsed: &ParsedFile) -> Vec<String> {
    let problems = parsed.problems.iter();
    problems
        .map(|one| format!("{}: {} ({})", one.location, one.message, one.reason))
        .collect()
}

#[test]
fn a_broken_document_leaves_the_others_of_its_file() {
    let parsed = read_file(
        "a.yaml",
        b"a: 1\n---\nb: [1\nc: d\n---\n# none\n---\nd: 4\n",
    );
    assert_eq!(values(&parsed), [&json!({"a": 1}), &json!({"d": 4})]);
    assert_eq!(
        said(&parsed),
        [
            "a.yaml:4:2: not YAML: did not find expected ',' or ']', while parsing a flow sequence that begins at line 3, column 4 (InvalidYAML)"
        ]
    );
    let starts: Vec<_> = parsed
        .documents
        .iter()
        .map(|one| one.origin.locate("").unwrap().to_string())
        .collect();
    assert_eq!(starts, ["a.yaml:1:1", "a.yaml:8:1"]);
}

#[test]
fn every_field_has_its_place() {
    let text = "# a route\nkind: AIRoute\nmetadata:\n  labels: {weir.dev/api-key: \"true\"}\nspec:\n  rules:\n  - when: x\n    backends:\n    - {provider: {name: a}}\n  - backends: []\n";
    let parsed = read_file("route.yaml", text.as_bytes());
    let origin = &parsed.documents.first().unwrap().origin;
    for (field, place) in [
        ("", "2:1"),
        ("kind", "2:1"),
        ("metadata.labels", "4:3"),
        ("metadata.labels['weir.dev/api-key']", "4:12"),
        ("spec.rules[0]", "7:5"),
        ("spec.rules[0].when", "7:5"),
        ("spec.rules[0].backends[0].provider.name", "9:19"),
        ("spec.rules[1].backends", "10:5"),
        // What is absent stands where the nearest thing around it does.
        ("spec.rules[1].backends[3].provider", "10:5"),
        ("spec.rules[2].when", "6:3"),
        ("spec.retry.attempts", "5:1"),
        ("status", "2:1"),
    ] {
        assert_eq!(
            origin.locate(field).unwrap().to_string(),
            format!("route.yaml:{place}"),
            "{field}"
        );
    }
    assert_eq!(origin.file(), Some("route.yaml"));
}

#[test]
fn the_items_of_a_list_are_objects_with_their_own_places() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- kind: A\n  spec: {x: 1}\n- kind: B\n- 3\n";
    let parsed = read_file("list.yaml", text.as_bytes());
    assert_eq!(
        values(&parsed),
        [
            &json!({"kind": "A", "spec": {"x": 1}}),
            &json!({"kind": "B"})
        ]
    );
    let places: Vec<_> = parsed
        .documents
        .iter()
        .map(|one| one.origin.locate("spec.x").unwrap().to_string())
        .collect();
    assert_eq!(places, ["list.yaml:5:10", "list.yaml:6:3"]);
    assert_eq!(
        said(&parsed),
        [
            "list.yaml:7:3: an item of a List is no mapping; an object has apiVersion, kind and metadata (NotAnObject)"
        ]
    );
}

const KNOWN: &str =
    "Weir reads AIProvider and AIRoute of weir.dev/v1alpha1, and Secret and Namespace of v1";

#[test]
fn an_object_that_does_not_say_what_it_is_is_a_problem() {
    for (text, place, message) in [
        ("apiVersion: v1\nmetadata: {name: a}\n", "1:1", "no `kind`"),
        ("\nkind: Secret\n", "2:1", "no `apiVersion`"),
        (
            "metadata: {name: a}\n",
            "1:1",
            "no `apiVersion` and no `kind`",
        ),
        ("{}\n", "1:1", "no `apiVersion` and no `kind`"),
        ("apiVersion: v1\nkind:\n", "2:1", "no `kind`"),
        ("apiVersion: v1\nkind: ~\n", "2:1", "no `kind`"),
        (
            "kind: Secret\napiVersion: 1\n",
            "2:1",
            "no text as its `apiVersion`",
        ),
        (
            "apiVersion: v1\nkind: [AIRoute]\n",
            "2:1",
            "no text as its `kind`",
        ),
        ("apiVersion: v1\nkind: ''\n", "2:1", "an empty `kind`"),
        (
            "apiVersion: ' '\nkind: ''\n",
            "1:1",
            "an empty `apiVersion` and an empty `kind`",
        ),
        (
            "apiversion: v1\nKind: AIRoute\n",
            "1:1",
            "no `apiVersion` (is `apiversion` meant to be it?) and no `kind` (is `Kind` meant to be it?)",
        ),
        (
            "<html><body>404: not found</body></html>\n",
            "1:1",
            "no `apiVersion` and no `kind`",
        ),
        (
            "error: quota exceeded\n",
            "1:1",
            "no `apiVersion` and no `kind`",
        ),
    ] {
        let parsed = parse_file("a.yaml", text.as_bytes());
        assert_eq!(
            said(&parsed),
            [format!(
                "a.yaml:{place}: this object has {message}; {KNOWN} (Unidentified)"
            )],
            "{text}"
        );
        assert_eq!(parsed.documents, [], "{text}");
    }
}

#[test]
fn an_object_that_says_what_it_is_stays_beside_one_that_does_not() {
    let text = "kind: A\napiVersion: b/v1\n---\na: 1\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: B}\n- {kind: C}\n- {apiVersion: v1}\n---\nb: [\n";
    let parsed = parse_file("a.yaml", text.as_bytes());
    assert_eq!(
        values(&parsed),
        [
            &json!({"apiVersion": "b/v1", "kind": "A"}),
            &json!({"apiVersion": "v1", "kind": "B"})
        ]
    );
    let places: Vec<_> = parsed
        .problems
        .iter()
        .map(|one| (one.location.line, one.reason))
        .collect();
    assert_eq!(
        places,
        [
            (4, FileReason::Unidentified),
            (10, FileReason::Unidentified),
            (11, FileReason::Unidentified),
            (14, FileReason::InvalidYaml),
        ]
    );
}

#[test]
fn what_is_no_text_is_refused_where_it_stands() {
    assert_eq!(
        said(&read_file("a.yaml", b"a: 1\nb: \xff\n")),
        ["a.yaml:2:4: the file is not UTF-8 from here on; save it as UTF-8 (NotUTF8)"]
    );
    let parsed = read_file("a.yaml", b"a: 1\n---\nb: \x07\n");
    assert_eq!(
        said(&parsed),
        [
            "a.yaml:3:4: YAML allows no control character U+0007; write it as an escape in double quotes (InvalidYAML)"
        ]
    );
    assert_eq!(values(&parsed), [&json!({"a": 1})]);
    let big = read_file("a.yaml", &vec![b' '; MAX_FILE_BYTES + 1]);
    assert_eq!(
        said(&big),
        ["a.yaml:1:1: the file has 8388609 bytes, more than the 8388608 that are read (TooLarge)"]
    );
}

#[test]
fn aliases_cannot_blow_up_memory_or_places() {
    let mut text = format!("a: &a {}\n", "x".repeat(1 << 20));
    text.push_str(&format!("b: [{}]\n", ["*a"; 64].join(", ")));
    let parsed = read_file("a.yaml", text.as_bytes());
    let reasons: Vec<_> = parsed.problems.iter().map(|one| one.reason).collect();
    assert_eq!(reasons, [FileReason::TooLarge]);
    let long = format!("{}: {{a: {{b: 1}}}}\n", "k".repeat(1000));
    let long = read_file("a.yaml", long.as_bytes());
    let origin = &long.documents.first().unwrap().origin;
    assert_eq!(
        origin
            .locate(&format!("{}.a.b", "k".repeat(1000)))
            .unwrap()
            .to_string(),
        "a.yaml:1:1"
    );
}

#[test]
fn what_would_take_long_is_refused() {
    let tags: String = (0..100_000).map(|at| format!("%TAG !a{at}! x\n")).collect();
    let parsed = read_file("a.yaml", format!("{tags}---\na: 1\n").as_bytes());
    assert_eq!(
        said(&parsed),
        ["a.yaml:65:1: the document has more than 64 directives (TooLarge)"]
    );
    for text in [
        "[".repeat(1 << 20),
        "? ".repeat(1 << 20),
        "- ".repeat(1 << 20),
        "{a: ".repeat(1 << 20),
    ] {
        let parsed = read_file("a.yaml", text.as_bytes());
        assert_eq!(
            parsed
                .problems
                .iter()
                .map(|one| one.reason)
                .collect::<Vec<_>>(),
            [FileReason::TooLarge]
        );
    }
}

#[test]
fn names_of_files_and_folders() {
    for (name, is_file) in [
        ("a.yaml", true),
        ("a.yml", true),
        ("a.json", true),
        (".a.json", false),
        ("a.jsonl", false),
        (".a.yaml", false),
        ("a.yaml~", false),
        ("yaml", false),
    ] {
        assert_eq!(is_config_file(name), is_file, "{name}");
    }
    for (name, is_folder) in [
        ("team-a", true),
        ("..data", false),
        ("..2006_01_02", false),
        (".git", false),
    ] {
        assert_eq!(is_config_folder(name), is_folder, "{name}");
    }
}

#[test]
fn a_panic_of_the_parser_is_a_refusal() {
    let parsed = read_file("a.yaml", b"a: 1\n---\nb: [!c, d]\n---\ne: 2\n");
    assert_eq!(
        said(&parsed),
        ["a.yaml:2:1: not YAML: the parser can't make sense of this document (InvalidYAML)"]
    );
    assert_eq!(values(&parsed), [&json!({"a": 1}), &json!({"e": 2})]);
}

const FRAGMENTS: &[&str] = &[
    "a",
    "b: ",
    "- ",
    "? ",
    ": ",
    "\n",
    "\n  ",
    "\n ",
    "\r\n",
    "\r",
    "---",
    "...",
    "\n---\n",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "\\",
    "\\x4",
    "\\u12",
    "|",
    ">",
    "|-\n",
    ">+2\n",
    "|2",
    "&a ",
    "*a",
    "!!str ",
    "!",
    "!<",
    "!a!b ",
    "%TAG ",
    "%YAML 1.1\n",
    "#",
    " # c",
    "\t",
    "<<: ",
    "~",
    "0x",
    "é",
    "\u{85}",
    "\u{2028}",
    "\u{fffd}",
    "😀",
    "%",
    "%41",
    "%c3%a9",
    "@",
    "`",
    "null",
    ".inf",
    " ",
    "!!binary ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_is_read_or_refused(parts in proptest::collection::vec(proptest::sample::select(FRAGMENTS), 0..24)) {
        let text = parts.concat();
        let parsed = read_file("a.yaml", text.as_bytes());
        let lines = text.matches(['\n', '\r', '\u{85}', '\u{2028}']).count() + 2;
        for problem in &parsed.problems {
            prop_assert!((problem.location.line as usize) <= lines, "{text:?} {problem:?}");
            // The one panic that is known: a tag right before a comma.
            prop_assert!(problem.message != tree::UNREADABLE || text.contains('!'), "{:?}", text);
        }
        for document in &parsed.documents {
            prop_assert!(document.value.is_object());
        }
    }

    #[test]
    fn what_json_says_is_what_is_read(value in json_value()) {
        let value = json!({"value": value});
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let parsed = read_file("a.yaml", text.as_bytes());
            prop_assert_eq!(&parsed.problems, &[], "{}", text);
            prop_assert_eq!(values(&parsed), [&value]);
        }
    }
}

/// Any JSON of text that YAML allows unescaped.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "[ -~é日😀\\n\\t]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map("[ -~é]{0,8}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
