//! The commands that ask a cluster, from the outside, where there is none to ask.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// Exit code, stdout and stderr of a command in an empty home.
fn said(program: &Path, arguments: &[&str], kubeconfig: Option<&Path>) -> (i32, String, String) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("HOME", home.path())
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST");
    if let Some(kubeconfig) = kubeconfig {
        command.env("KUBECONFIG", kubeconfig);
    }
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn weir() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_weir"))
}

const ASKING: [&[&str]; 5] = [
    &["status"],
    &["keys", "list"],
    &["keys", "create", "web"],
    &["keys", "rotate", "web"],
    &["keys", "revoke", "web"],
];

#[test]
fn without_a_kubeconfig_there_is_nobody_to_ask() {
    for arguments in ASKING {
        let (code, out, err) = said(weir(), arguments, None);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(
            err.starts_with("weir: there is no cluster to ask: ")
                && err.ends_with("name a kubeconfig with --kubeconfig or KUBECONFIG\n"),
            "{err}"
        );
    }
    let (code, _, err) = said(weir(), &["status", "--kubeconfig", "nowhere"], None);
    assert_eq!(code, 2);
    assert!(
        err.starts_with("weir: --kubeconfig nowhere can't be used: "),
        "{err}"
    );
}

#[test]
fn an_api_server_that_is_not_there_is_named() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let url = format!("http://{}/", address.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: '{url}'}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\ncurrent-context: c\n"
    );
    fs::write(&kubeconfig, text).unwrap();
    for arguments in ASKING {
        let (code, out, err) = said(weir(), arguments, Some(&kubeconfig));
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        let reached = format!("the API server at {url} can't be reached: ");
        assert!(
            err.contains(&reached) && err.contains("Connection refused"),
            "{err}"
        );
    }
    let (code, _, err) = said(weir(), &["status", "--context", "d"], Some(&kubeconfig));
    assert_eq!(code, 2);
    assert!(
        err.starts_with("weir: the context d can't be used"),
        "{err}"
    );
}

#[test]
fn kubectl_finds_it_as_its_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("kubectl-weir");
    symlink(weir(), &plugin).unwrap();
    for (program, usage) in [
        (weir(), "Usage: weir keys create [OPTIONS] <NAME>"),
        (&plugin, "Usage: kubectl weir keys create [OPTIONS] <NAME>"),
    ] {
        let (code, out, _) = said(program, &["keys", "create", "--help"], None);
        assert_eq!(code, 0);
        assert!(out.contains(usage), "{out}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anybody_is_asked() {
    for (arguments, expected) in [
        (
            &["keys", "create", "web", "--expires-in", "90"][..],
            "such as 90d, 12h or 1d12h",
        ),
        (
            &["keys", "create", "web", "--expires-at", "2027-01-31"],
            "such as 2027-01-31T00:00:00Z",
        ),
        (
            &["keys", "create", "web", "--label", "team"],
            "must be KEY=VALUE, such as team=web",
        ),
        (&["keys", "rotate", "web", "--finish", "--abort"], "--abort"),
        (&["status", "-A", "-n", "shop"], "--namespace"),
    ] {
        let (code, out, err) = said(weir(), arguments, None);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(expected), "{err}");
    }
}
