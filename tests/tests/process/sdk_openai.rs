//! OpenAI's own SDKs take Weir for OpenAI.
//!
//! `WEIR_SKIP_SDK=1` skips these tests where there is no registry to install from.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::process::Command;
use weir_tests::gateway::{Start, root};
use weir_tests::sdk::{self, run, skipped};
use weir_tests::{Gateway, Provider};

use crate::common::{KEY, folder_for};

/// The quickstart, and a gateway whose streams break midway.
async fn gateways() -> (Gateway, Gateway, weir_tests::Folder) {
    let quickstart = Start::on(&root().join("examples/quickstart")).ready().await;
    let faults = json!({"faults": [{"every": 1, "disconnect": "MidStream"}]});
    let folder = folder_for(Provider::mock("openai", faults));
    let broken = Gateway::serving(&folder).await;
    (quickstart, broken, folder)
}

/// Adds what both scripts are told, and takes away what could mislead the SDKs.
fn told<'a>(command: &'a mut Command, quickstart: &Gateway, broken: &Gateway) -> &'a mut Command {
    sdk::forget_others(command);
    command
        .arg(format!("http://{}/v1", quickstart.listen))
        .arg("weir-quickstart-key-that-everyone-knows")
        .arg(format!("http://{}/v1", broken.listen))
        .arg(KEY)
}

/// The virtual environment that has the SDK.
async fn python() -> PathBuf {
    let pins = root().join("tests/sdk/python/requirements.txt");
    sdk::python("sdk-python", &pins).await
}

#[tokio::test]
async fn the_python_sdk_works_as_it_is() {
    if skipped() {
        return;
    }
    let venv = python().await;
    let (quickstart, broken, _folder) = gateways().await;
    let mut python = Command::new(venv.join("bin/python"));
    python
        .arg("-B")
        .arg(root().join("tests/sdk/python/check.py"));
    println!(
        "{}",
        run("check.py", told(&mut python, &quickstart, &broken)).await
    );
}

/// The folder that has the SDK, and the script.
async fn node() -> PathBuf {
    sdk::node("sdk-node", &root().join("tests/sdk/node"), &["check.mjs"]).await
}

#[tokio::test]
async fn the_node_sdk_works_as_it_is() {
    if skipped() {
        return;
    }
    let folder = node().await;
    let (quickstart, broken, _folder) = gateways().await;
    let mut node = Command::new("node");
    node.arg(folder.join("check.mjs"));
    println!(
        "{}",
        run("check.mjs", told(&mut node, &quickstart, &broken)).await
    );
}

/// What `docs/identity.md` shows in this language, with this gateway and this file for the token.
fn shown(language: &str, gateway: &Gateway, token: &Path) -> String {
    let page = fs::read_to_string(root().join("docs/identity.md")).unwrap();
    let fence = format!("```{language}\n");
    let block = page
        .split_once(&fence)
        .and_then(|(_, rest)| rest.split_once("```"));
    let base_url = format!("http://{}/v1", gateway.listen);
    block
        .unwrap_or_else(|| panic!("docs/identity.md shows no {language}"))
        .0
        .replace("http://weir-gateway.weir-system.svc/v1", &base_url)
        .replace("/var/run/secrets/weir/token", token.to_str().unwrap())
}

/// A gateway, and a file that holds a key as that of a projected token does.
async fn with_token() -> (Gateway, tempfile::TempDir, PathBuf) {
    let gateway = Start::on(&root().join("examples/quickstart")).ready().await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "weir-quickstart-key-that-everyone-knows").unwrap();
    (gateway, folder, token)
}

#[tokio::test]
async fn the_python_of_the_docs_reads_the_token_anew() {
    if skipped() {
        return;
    }
    let venv = python().await;
    let (gateway, folder, token) = with_token().await;
    let script = shown("python", &gateway, &token)
        + r#"
from openai import AuthenticationError

def ask():
    client.chat.completions.create(model="fast", messages=[{"role": "user", "content": "Hello?"}])

ask()
good = token.read_text()
token.write_text("a token that was good in its time")
try:
    ask()
    raise SystemExit("the old one was sent")
except AuthenticationError:
    pass
token.write_text(good)
ask()
"#;
    let path = folder.path().join("shown.py");
    fs::write(&path, script).unwrap();
    run("shown.py", Command::new(venv.join("bin/python")).arg(&path)).await;
}

#[tokio::test]
async fn the_javascript_of_the_docs_reads_the_token_anew() {
    if skipped() {
        return;
    }
    let sdk = node().await;
    let (gateway, folder, token) = with_token().await;
    let script = shown("js", &gateway, &token)
        + r#"
import { writeFileSync } from 'node:fs';

const ask = () =>
  client.chat.completions.create({ model: 'fast', messages: [{ role: 'user', content: 'Hello?' }] });

await ask();
const good = await readFile(process.argv[2], 'utf8');
writeFileSync(process.argv[2], 'a token that was good in its time');
const refused = await ask().catch((error) => error);
if (!(refused instanceof OpenAI.AuthenticationError)) throw new Error('the old one was sent');
writeFileSync(process.argv[2], good);
await ask();
"#;
    // Modules are looked up from where the script lies.
    std::os::unix::fs::symlink(sdk.join("node_modules"), folder.path().join("node_modules"))
        .unwrap();
    let path = folder.path().join("shown.mjs");
    fs::write(&path, script).unwrap();
    run("shown.mjs", Command::new("node").arg(&path).arg(&token)).await;
}
