//! `weir check`, from the outside: the built binary on folders.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

const PROVIDER: &str = "apiVersion: weir.dev/v1alpha1\nkind: AIProvider\nmetadata: {name: mock, namespace: team-a}\nspec: {dialect: Mock}\n";
const ROUTE: &str = "apiVersion: weir.dev/v1alpha1\nkind: AIRoute\nmetadata: {name: chat, namespace: team-a}\nspec:\n  models: [fast]\n  rules:\n  - when: request.strem\n    backends: [{provider: {name: mock}}]\n";
const KEYS: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: one, namespace: team-a}\ntype: weir.dev/api-key\nstringData: {key: \"${WEIR_TEST_ONE}\"}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: two, namespace: team-a}\ntype: weir.dev/api-key\nstringData: {key: \"${WEIR_TEST_TWO}\"}\n";
const DEPLOYMENT: &str =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: team-a}\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn weir(within: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command
        .current_dir(within)
        .args(arguments)
        .env_remove("WEIR_TEST_ONE")
        .env_remove("WEIR_TEST_TWO");
    command.output().unwrap()
}

/// Exit code, stdout and stderr.
fn check(files: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    let folder = folder(files);
    said(&weir(folder.path(), &[&["check"], arguments].concat()))
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn a_good_folder_exits_0() {
    let files = [
        ("a.yaml", PROVIDER),
        ("deep/er/keys.yml", KEYS),
        ("web.yaml", DEPLOYMENT),
    ];
    let (code, out, err) = check(&files, &["."]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (
            0,
            "",
            "./web.yaml:1:1: apps/v1 Deployment team-a/web: skipped, it is no kind that Weir reads\n\
             3 resources: 3 accepted, 0 refused; 1 skipped\n"
        )
    );
}

#[test]
fn what_is_refused_is_named_with_its_place_and_exits_1() {
    let broken = "apiVersion: v1\nkind: [\n---\napiVersion: v1\nkind: ConfigMap\n---\n";
    let (code, out, err) = check(
        &[
            ("b/route.yaml", ROUTE),
            ("a.yaml", PROVIDER),
            ("c.yaml", broken),
        ],
        &["."],
    );
    assert_eq!(
        out,
        "./b/route.yaml:7:5: AIRoute team-a/chat: spec.rules[0].when: request has no field strem; it has model, stream, operation, inputTokens (InvalidExpression)\n\
         ./c.yaml:3:1: not YAML: did not find expected node content, while parsing a flow node (InvalidYAML)\n"
    );
    assert_eq!(
        err.lines().skip(1).collect::<Vec<_>>(),
        [
            "2 resources: 1 accepted, 1 refused; 1 skipped",
            "1 document could not be read, and nothing in it was checked"
        ]
    );
    assert_eq!(code, 1);
}

#[test]
fn what_does_not_say_what_it_is_is_not_skipped() {
    let (code, out, err) = check(
        &[
            ("a.yaml", &PROVIDER.replace("kind: AIProvider\n", "")),
            ("b.yaml", "error: quota exceeded\n"),
            ("c.yaml", &PROVIDER.replace("weir.dev/", "Weir.dev/")),
            ("d.yaml", &PROVIDER.replace("weir.dev/v1alpha1", "")),
        ],
        &["."],
    );
    let known =
        "Weir reads AIProvider and AIRoute of weir.dev/v1alpha1, and Secret and Namespace of v1";
    assert_eq!(
        out,
        format!(
            "./a.yaml:1:1: this object has no `kind`; {known} (Unidentified)\n\
             ./b.yaml:1:1: this object has no `apiVersion` and no `kind`; {known} (Unidentified)\n\
             ./c.yaml:1:1: AIProvider team-a/mock: apiVersion: must be weir.dev/v1alpha1 (Unsupported)\n\
             ./d.yaml:1:1: this object has no `apiVersion`; {known} (Unidentified)\n"
        )
    );
    assert_eq!(
        err,
        "1 resource: 0 accepted, 1 refused; 0 skipped\n\
         3 documents could not be read, and nothing in them was checked\n"
    );
    assert_eq!(code, 1);
}

#[test]
fn json_is_one_document() {
    let (code, out, err) = check(
        &[
            ("route.yaml", ROUTE),
            ("p.yaml", PROVIDER),
            ("web.yaml", DEPLOYMENT),
        ],
        &["--format", "json", "."],
    );
    let read: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        read,
        json!({
            "resources": 2,
            "accepted": 1,
            "refused": 1,
            "problems": [{
                "file": "./route.yaml", "line": 7, "column": 5,
                "kind": "AIRoute", "namespace": "team-a", "name": "chat",
                "reason": "InvalidExpression", "field": "spec.rules[0].when",
                "message": "request has no field strem; it has model, stream, operation, inputTokens",
            }],
            "skipped": [{"file": "./web.yaml", "line": 1, "column": 1, "object": "apps/v1 Deployment team-a/web"}],
        })
    );
    assert_eq!((code, err.as_str()), (1, ""));
}

#[test]
fn json_files_are_read_too() {
    let provider = |dialect: &str| {
        json!({
            "apiVersion": "weir.dev/v1alpha1",
            "kind": "AIProvider",
            "metadata": {"name": dialect.to_lowercase(), "namespace": "team-a"},
            "spec": {"dialect": dialect},
        })
    };
    let pretty = serde_json::to_string_pretty(&provider("Mok")).unwrap();
    let files = [
        ("a.json", provider("Mock").to_string()),
        ("deep/b.json", pretty),
    ];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    assert_eq!(
        check(&files, &["."]),
        (
            1,
            "./deep/b.json:9:5: AIProvider team-a/mok: spec.dialect: must be one of OpenAI, AzureOpenAI, Anthropic, Gemini, Vertex, Bedrock, Cohere, Mock; did you mean Mock? (UnknownValue)\n"
                .to_owned(),
            "2 resources: 1 accepted, 1 refused; 0 skipped\n".to_owned()
        )
    );
}

#[test]
fn the_folder_is_read_as_the_gateway_reads_it() {
    let files = [
        ("a.yaml", PROVIDER),
        ("..data/a.yaml", PROVIDER),
        (".git/b.yaml", "broken: ["),
        (".hidden.yaml", "broken: ["),
        ("notes.txt", "broken: ["),
        ("values.yaml.example", "broken: ["),
    ];
    assert_eq!(
        check(&files, &["."]),
        (
            0,
            String::new(),
            "1 resource: 1 accepted, 0 refused; 0 skipped\n".to_owned()
        )
    );
}

#[test]
fn one_file_is_read_whatever_its_name() {
    let (code, out, err) = check(
        &[("provider.txt", PROVIDER), ("b.yaml", "broken: [")],
        &["provider.txt"],
    );
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (0, "", "1 resource: 1 accepted, 0 refused; 0 skipped\n")
    );
}

#[test]
fn variables_that_are_set_are_used() {
    let folder = folder(&[("keys.yaml", KEYS)]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.current_dir(folder.path()).args(["check", "."]);
    let output = command
        .env("WEIR_TEST_ONE", "short")
        .env_remove("WEIR_TEST_TWO")
        .output()
        .unwrap();
    let (code, out, _) = said(&output);
    assert_eq!(code, 1);
    assert!(
        out.contains("Secret team-a/one: ") && !out.contains("team-a/two"),
        "{out}"
    );
    assert!(!out.contains("short "), "{out}");
}

/// A provider with a credential and a CA bundle, and these entries for both.
fn with_secret(entries: &str) -> String {
    format!(
        "apiVersion: weir.dev/v1alpha1\nkind: AIProvider\nmetadata: {{name: own, namespace: team-a}}\nspec:\n  dialect: OpenAI\n  endpoint: https://own/v1\n  credentials: {{secretRef: {{name: own, key: apiKey}}}}\n  tls: {{caSecretRef: {{name: own}}}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: own, namespace: team-a}}\n{entries}\n"
    )
}

#[test]
fn a_variable_that_is_not_set_is_taken_to_be_good_whatever_it_is_for() {
    for entries in [
        "stringData: {apiKey: '${WEIR_TEST_ONE}', ca.crt: '${WEIR_TEST_TWO}'}",
        "stringData: {apiKey: 'sk-${WEIR_TEST_ONE}', ca.crt: \"# own\\n${WEIR_TEST_TWO}${WEIR_TEST_ONE}\\n\"}",
        "data: {apiKey: '${WEIR_TEST_ONE}', ca.crt: '${WEIR_TEST_TWO}'}",
        // The same in base64.
        "data: {apiKey: JHtXRUlSX1RFU1RfT05FfQ==, ca.crt: JHtXRUlSX1RFU1RfVFdPfQ==}",
    ] {
        assert_eq!(
            check(&[("a.yaml", &with_secret(entries))], &["."]),
            (
                0,
                String::new(),
                "1 resource: 1 accepted, 0 refused; 0 skipped\n".to_owned()
            ),
            "{entries}"
        );
    }
    // What stands around the variable is still looked at.
    let wrong = "stringData: {apiKey: 'sk ${WEIR_TEST_ONE}', ca.crt: 'own'}";
    let (code, out, _) = check(&[("a.yaml", &with_secret(wrong))], &["."]);
    let reasons = out.matches("(InvalidSecret)").count();
    assert_eq!((code, reasons), (1, 2), "{out}");
}

#[test]
fn what_cannot_be_read_exits_2() {
    let (code, out, err) = check(&[], &["nowhere"]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (
            2,
            "",
            "weir: nowhere can't be read: No such file or directory (os error 2)\n"
        )
    );
    for arguments in [
        &["check"][..],
        &["check", "a", "b"],
        &["chek", "."],
        &["check", "--format", "xml", "."],
        &[],
    ] {
        let (code, out, err) = said(&weir(Path::new("."), arguments));
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(
            err.contains("Usage: weir") || err.contains("--help"),
            "{err}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem() {
    let folder = folder(&[("a.yaml", PROVIDER)]);
    std::os::unix::fs::symlink("gone", folder.path().join("b.yaml")).unwrap();
    let (code, out, _) = said(&weir(folder.path(), &["check", "."]));
    assert_eq!(
        (code, out.as_str()),
        (
            1,
            "./b.yaml:1:1: the file can't be read: No such file or directory (os error 2) (Unreadable)\n"
        )
    );
}

#[test]
fn help_says_what_it_does() {
    let (code, out, _) = said(&weir(Path::new("."), &["check", "--help"]));
    assert_eq!(code, 0);
    for part in [
        "FILE:LINE:COLUMN: KIND NAMESPACE/NAME: FIELD: MESSAGE (REASON)",
        "Exit codes: 0 ",
        "--format",
    ] {
        assert!(out.contains(part), "{out}");
    }
}

#[test]
fn the_examples_and_the_resources_of_the_docs_are_good() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let docs = fs::read_to_string(root.join("docs/gateway.md")).unwrap();
    let shown: Vec<&str> = docs
        .split("```yaml\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap())
        // Others are parts of a pod.
        .filter(|block| block.starts_with("apiVersion"))
        .collect();
    // What the resources refer to is no matter of theirs.
    let secrets = [("openai", "apiKey"), ("corporate-ca", "ca.crt")].map(|(name, key)| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: platform}}\nstringData: {{{key}: \"${{WEIR_TEST_ONE}}\"}}\n")
    });
    let all = [shown.join("---\n"), secrets.join("---\n")].join("---\n");
    assert_eq!(
        check(&[("docs.yaml", &all)], &["."]),
        (
            0,
            String::new(),
            "4 resources: 4 accepted, 0 refused; 0 skipped\n".into()
        )
    );
    let (code, out, err) = said(&weir(root, &["check", "examples"]));
    assert_eq!((code, out), (0, String::new()), "{err}");
}
