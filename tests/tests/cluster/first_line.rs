//! What `kubectl apply` itself refuses, before anything of Weir sees it.

use std::path::{Path, PathBuf};

use serde_json::json;
use weir_tests::cluster::Cluster;
use weir_tests::{Provider, Route};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cluster")
        .join(name)
}

/// The cases: each a file that begins with what kubectl says of it, whole, as a comment.
fn cases() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder("first_line")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// What a file says that kubectl says, and the rest of it.
fn expected(text: &str) -> (String, String) {
    let is_comment = |line: &&str| line.starts_with('#');
    let comment = text.lines().take_while(is_comment);
    let comment: Vec<&str> = comment
        .map(|line| line.trim_start_matches(['#', ' ']))
        .collect();
    let rest: Vec<&str> = text.lines().skip_while(is_comment).collect();
    (comment.join("\n"), rest.join("\n"))
}

/// What kubectl said, without the ends of lines that differ in nothing else.
fn said(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

/// `WEIR_BLESS=1` writes down what is said now; read the difference before it is committed.
#[tokio::test]
async fn a_bad_spec_is_refused_with_the_field_and_what_is_right() {
    let cluster = Cluster::shared().await;
    let team = cluster.namespace("first-line").await;
    let bless = std::env::var_os("WEIR_BLESS").is_some();
    let mut wrong = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    for path in cases {
        let text = std::fs::read_to_string(&path).unwrap();
        let (expected, object) = expected(&text);
        let refused = said(&team.try_apply(&[&object]).await.refused());
        if bless {
            let comment: Vec<String> = refused.lines().map(|line| format!("# {line}")).collect();
            std::fs::write(&path, format!("{}\n{object}\n", comment.join("\n"))).unwrap();
        } else if refused != expected {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            wrong.push(format!(
                "{name}\n  said:     {refused}\n  expected: {expected}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let left = team.kubectl(&["get", "ai", "-o", "name"]).await.ok();
    assert_eq!(left, "", "something was taken in spite of all");
}

/// The newest CRDs take every object that older ones took: nobody's object is lost in an upgrade, and
/// each can still be written, which validates it anew.
#[tokio::test]
async fn objects_of_an_older_schema_stay_valid() {
    let Some(cluster) = Cluster::of_its_own("objects_of_an_older_schema_stay_valid").await else {
        return;
    };
    let older = folder("older_crds");
    let older = older.to_str().unwrap();
    cluster
        .kubectl(&["apply", "--server-side", "-f", older])
        .await
        .ok();
    let wait = [
        "wait",
        "--for=condition=Established",
        "crd",
        "--all",
        "--timeout=60s",
    ];
    cluster.kubectl(&wait).await.ok();

    let team = cluster.namespace("older").await;
    let objects: [&dyn std::fmt::Display; 5] = [
        &Provider::mock("mock", json!({"text": "Hello", "chunkInterval": "10ms"})),
        &Provider::openai("openai", "https://api.openai.com/v1")
            .credential("openai")
            .timeout("total", "1m30s")
            .for_all_namespaces(),
        &Route::named("plain").models(&["fast"]).to("mock"),
        &Route::named("keys")
            .models(&["gpt-*"])
            .to("openai")
            .admits(&["ci"]),
        &Route::named("rules")
            .models(&["*"])
            .to("openai")
            .falls_back_to("mock")
            .with("/spec/rules/0/when", "request.stream".into())
            .with(
                "/spec/retry",
                json!({"attempts": 2, "retryOn": ["Timeout"]}),
            ),
    ];
    team.apply(&objects).await;
    let names = team.kubectl(&["get", "ai", "-o", "name"]).await.ok();
    assert_eq!(names.lines().count(), objects.len());

    cluster.install_chart().await;
    for object in names.lines() {
        let touch = ["annotate", object, "touched=yes"];
        team.kubectl(&touch).await.ok();
        let seen = team.get(object).await.unwrap();
        // What was stored before the upgrade says so too: the default is added on reading.
        assert_eq!(
            seen["status"]["conditions"],
            json!([{
                "type": "Ready", "status": "Unknown", "reason": "Pending",
                "message": "Waiting for the operator",
                "lastTransitionTime": "1970-01-01T00:00:00Z",
            }]),
            "{object}"
        );
    }
    // And back: objects that older CRDs took are still taken by them.
    cluster
        .kubectl(&["apply", "--server-side", "--force-conflicts", "-f", older])
        .await
        .ok();
    team.apply(&objects).await;
}
