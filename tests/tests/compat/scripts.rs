//! The scripts that call by the SDKs.

use std::path::Path;

use tokio::process::Command;
use weir_tests::gateway::root;
use weir_tests::sdk::{self, run};

use crate::setup::KEY;
use crate::told::{Provider, told};

/// A script of `tests/sdk/compat`.
pub(crate) struct Script {
    file: &'static str,
    needs: Needs,
}

enum Needs {
    /// A virtual environment of this name with these requirements.
    Python(&'static str, &'static str),
    Node,
}

/// Every script.
pub(crate) const SCRIPTS: [Script; 7] = [
    official("openai_sdk.py"),
    official("anthropic_sdk.py"),
    official("genai_sdk.py"),
    official("cohere_sdk.py"),
    official("boto3_sdk.py"),
    Script {
        file: "langchain_sdk.py",
        needs: Needs::Python("sdk-langchain", "requirements-langchain.txt"),
    },
    Script {
        file: "ai_sdk.mjs",
        needs: Needs::Node,
    },
];

const fn official(file: &'static str) -> Script {
    Script {
        file,
        needs: Needs::Python("sdk-official", "requirements.txt"),
    }
}

/// What came of one ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The SDK, and which of its APIs.
    pub(crate) caller: String,
    /// The provider's short name.
    pub(crate) provider: String,
    /// What was asked for.
    pub(crate) ask: String,
    /// `ok`, `refused FIELD` or what went wrong.
    pub(crate) result: String,
}

impl Row {
    /// Neither served nor refused for a reason.
    pub(crate) fn is_wrong(&self) -> bool {
        self.result != "ok" && !self.result.starts_with("refused ")
    }
}

impl Script {
    /// AWS's SDK sends a key of Bedrock's over TLS alone.
    pub(crate) fn needs_tls(&self) -> bool {
        self.file == "boto3_sdk.py"
    }

    /// Calls each provider at this address.
    pub(crate) async fn run(&self, at: &str, providers: &[&Provider]) -> Vec<Row> {
        self.run_trusting(at, providers, None).await
    }

    /// [`Script::run`], with a file of the certificates to trust.
    pub(crate) async fn run_trusting(
        &self,
        at: &str,
        providers: &[&Provider],
        trust: Option<&Path>,
    ) -> Vec<Row> {
        let folder = root().join("tests/sdk/compat");
        let mut command = match self.needs {
            Needs::Python(name, requirements) => {
                let venv = sdk::python(name, &folder.join(requirements)).await;
                let mut command = Command::new(venv.join("bin/python"));
                command.arg("-B").arg(folder.join(self.file));
                command
            }
            Needs::Node => {
                let cache = sdk::node("sdk-ai", &folder, &[self.file]).await;
                let mut command = Command::new("node");
                command.arg(cache.join(self.file));
                command
            }
        };
        sdk::forget_others(&mut command);
        if let Some(trust) = trust {
            command.env("AWS_CA_BUNDLE", trust);
        }
        let told_folder = tempfile::tempdir().unwrap();
        let path = told_folder.path().join("told.json");
        std::fs::write(&path, told(providers).to_string()).unwrap();
        rows(&run(self.file, command.arg(at).arg(KEY).arg(as_arg(&path))).await)
    }
}

fn as_arg(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn rows(printed: &str) -> Vec<Row> {
    let lines = printed.lines().filter(|line| line.starts_with('['));
    lines
        .map(|line| {
            let [caller, provider, ask, result]: [String; 4] = serde_json::from_str(line).unwrap();
            Row {
                caller,
                provider,
                ask,
                result,
            }
        })
        .collect()
}
