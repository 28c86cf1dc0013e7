//! The SDKs that callers use, as their registries have them.
//!
//! What they need is kept in `${WEIR_CACHE:-${XDG_CACHE_HOME:-~/.cache}/weir}`, outside the checkout.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::wait::within;

/// An install or a script may take this long, on a slow line.
const LONG: Duration = Duration::from_secs(300);

/// Whether `WEIR_SKIP_SDK=1` says that there is no registry to install from. Says so.
#[must_use]
pub fn skipped() -> bool {
    let skipped = std::env::var("WEIR_SKIP_SDK").is_ok_and(|value| value == "1");
    if skipped {
        eprintln!("SKIPPED: WEIR_SKIP_SDK=1, so no SDK was tried");
    }
    skipped
}

/// The folder of a name in the cache.
fn cache(name: &str) -> PathBuf {
    let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = var("WEIR_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        var("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .unwrap_or_else(|| Path::new(&var("HOME").unwrap()).join(".cache"))
            .join("weir")
    });
    let folder = cache.join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs a command and returns what it printed.
///
/// # Panics
/// It fails, or takes too long.
pub async fn run(what: &str, command: &mut Command) -> String {
    command.kill_on_drop(true);
    let output = within(LONG, what, command.output()).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{what}: {}\n{text}\n{errors}",
        output.status
    );
    text
}

/// Installs once for each version of `pins`, whoever comes first.
async fn install_once(folder: &Path, pins: &Path, install: impl AsyncFnOnce()) {
    // Held until this returns. `--clear` would take a lock inside a virtual environment with it.
    let path = folder.with_extension("lock");
    let _lock = tokio::task::spawn_blocking(move || {
        let lock = File::create(path).unwrap();
        lock.lock().unwrap();
        lock
    })
    .await
    .unwrap();
    let done = folder.join("installed");
    let wanted = fs::read(pins).unwrap();
    if fs::read(&done).is_ok_and(|installed| installed == wanted) {
        return;
    }
    install().await;
    fs::write(done, wanted).unwrap();
}

/// A virtual environment, kept under this name, that has the packages of a file of requirements.
///
/// # Panics
/// They can't be installed.
pub async fn python(name: &str, requirements: &Path) -> PathBuf {
    let venv = cache(name);
    install_once(&venv, requirements, async || {
        let make = ["-m", "venv", "--clear"];
        run(
            "python3 -m venv",
            Command::new("python3").args(make).arg(&venv),
        )
        .await;
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ];
        run(
            "pip install",
            Command::new(venv.join("bin/python"))
                .args(pip)
                .arg(requirements),
        )
        .await;
    })
    .await;
    venv
}

/// A folder, kept under this name, that has the packages of the `package-lock.json` of `scripts`, and these files of it.
///
/// # Panics
/// They can't be installed.
pub async fn node(name: &str, scripts: &Path, files: &[&str]) -> PathBuf {
    let folder = cache(name);
    for name in ["package.json", "package-lock.json"].iter().chain(files) {
        fs::copy(scripts.join(name), folder.join(name)).unwrap();
    }
    install_once(&folder, &scripts.join("package-lock.json"), async || {
        let ci = ["ci", "--no-audit", "--no-fund", "--loglevel", "error"];
        run("npm ci", Command::new("npm").args(ci).current_dir(&folder)).await;
    })
    .await;
    folder
}

/// Takes away what would tell an SDK of other addresses, keys or proxies than a test does.
pub fn forget_others(command: &mut Command) {
    const OWN: [&str; 9] = [
        "OPENAI_",
        "ANTHROPIC_",
        "CLAUDE_",
        "GOOGLE_",
        "GEMINI_",
        "AWS_",
        "COHERE_",
        "CO_API_",
        "LANG",
    ];
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_uppercase();
        // `LANG` itself is the locale.
        let own = OWN.iter().any(|start| upper.starts_with(start)) && upper != "LANG";
        if own || upper.ends_with("_PROXY") {
            command.env_remove(name);
        }
    }
}
