//! What a GitOps tool lives on: what was applied is what is there, and rendering is repeatable.

use std::path::{Path, PathBuf};

use weir_tests::built::root;
use weir_tests::cluster::{Cluster, template};

/// The folders of examples.
pub(crate) fn examples() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("examples")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// Applies an example as its own words say, into the namespace that it does not make itself, if any.
pub(crate) async fn apply(cluster: &Cluster, example: &Path) {
    let folder = example.to_str().unwrap();
    if example.ends_with("quickstart") {
        let quickstart =
            r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "quickstart"}}"#;
        cluster.apply(quickstart).await;
    }
    let apply = ["apply", "--server-side", "-R", "-f", folder];
    let said = cluster.kubectl(&apply).await.ok();
    assert!(said.lines().count() >= 3, "{said}");
}

/// Asserts that nothing differs, as `kubectl diff` sees it.
pub(crate) async fn assert_no_diff(cluster: &Cluster, example: &Path) {
    let folder = example.to_str().unwrap();
    let diff = ["diff", "--server-side", "-R", "-f", folder];
    let said = cluster.kubectl(&diff).await;
    assert_eq!(
        (said.status, said.stdout.as_str()),
        (0, ""),
        "{folder}: {}",
        said.stderr
    );
}

#[tokio::test]
async fn an_applied_example_differs_in_nothing() {
    let cluster = Cluster::shared().await;
    let examples = examples();
    assert!(examples.len() >= 3, "{examples:?}");
    for example in &examples {
        apply(cluster, example).await;
        assert_no_diff(cluster, example).await;
        // Once more changes nothing: no generation rises.
        let generations = generations(cluster).await;
        apply(cluster, example).await;
        assert_eq!(self::generations(cluster).await, generations);
    }
}

async fn generations(cluster: &Cluster) -> String {
    let columns = "-o=custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name,GENERATION:.metadata.generation";
    cluster.kubectl(&["get", "ai", "-A", columns]).await.ok()
}

#[test]
fn the_chart_renders_to_the_same_bytes_each_time() {
    let values: [&[&str]; 2] = [
        &[],
        &[
            "gateway.autoscaling.enabled=true",
            "rbac.namespaces={team-a,team-b}",
            "networkPolicy.enabled=true",
        ],
    ];
    for values in values {
        let once = template(values);
        assert!(once.len() > 10_000, "{once}");
        assert_eq!(once, template(values));
    }
}
