//! The folder source: a folder of YAML, compiled here and followed as it changes.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use weir_config::compile::{Compiled, Input, compile};
use weir_config::snapshot::Snapshot;

use super::files::Files;
use super::state::Saved;
use super::{Compilation, Origin, Source, Update};

/// Changes that come within this time of one another are taken together…
const QUIET: Duration = Duration::from_millis(20);
/// …but no change waits longer than this for the next.
const PATIENCE: Duration = Duration::from_millis(150);
/// How often the folder is looked over without being told to: what changes behind a link is not told.
const LOOK: Duration = Duration::from_millis(200);

/// Follows `folder` from now on, on a thread of its own. `namespace` is the gateway's own. `saved` is what
/// served in an earlier life: where last good comes from until the folder has given better.
///
/// # Errors
/// The folder can't be read or watched.
pub fn follow(folder: &Path, namespace: &str, saved: Option<Saved>) -> io::Result<Source> {
    let (updates, receiver) = channel();
    let saved = saved.unwrap_or_default();
    let mut follower = Follower {
        watch: Watch::new(folder)?,
        files: Files::new(folder, saved.objects),
        folder: folder.into(),
        namespace: namespace.into(),
        previous: saved.snapshot,
        told: None,
        missing: false,
        updates,
    };
    follower.files.read()?;
    follower.hand_over();
    thread::Builder::new()
        .name("config-folder".into())
        .spawn(move || follower.run())?;
    Ok(Source { updates: receiver })
}

/// The kernel's word that something in the folder changes.
struct Watch {
    watcher: RecommendedWatcher,
    changed: Receiver<()>,
    /// The folder that is watched: another one may come to stand under its name.
    identity: (u64, u64),
}

impl Watch {
    fn new(folder: &Path) -> io::Result<Self> {
        let (changes, changed) = channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let reading = matches!(&event, Ok(event) if event.kind.is_access());
            if !reading {
                // The receiver is gone when the process ends.
                let _ = changes.send(());
            }
        })
        .map_err(io::Error::other)?;
        let identity = identity(folder)?;
        watcher
            .watch(folder, RecursiveMode::Recursive)
            .map_err(io::Error::other)?;
        Ok(Self {
            watcher,
            changed,
            identity,
        })
    }

    /// Watches what stands under the folder's name now.
    fn renew(&mut self, folder: &Path) {
        let Ok(now) = identity(folder) else { return };
        if now == self.identity {
            return;
        }
        // What is gone is watched no longer anyway.
        let _ = self.watcher.unwatch(folder);
        match self.watcher.watch(folder, RecursiveMode::Recursive) {
            Ok(()) => self.identity = now,
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "the folder can't be watched; it is looked over now and then");
            }
        }
    }

    /// Waits until changes stop coming.
    fn settle(&self) {
        let patience = Instant::now() + PATIENCE;
        while Instant::now() < patience && self.changed.recv_timeout(QUIET).is_ok() {}
    }
}

fn identity(folder: &Path) -> io::Result<(u64, u64)> {
    std::fs::metadata(folder).map(|of| (of.dev(), of.ino()))
}

struct Follower {
    watch: Watch,
    folder: PathBuf,
    namespace: String,
    files: Files,
    previous: Arc<Snapshot>,
    /// What was handed over last.
    told: Option<Update>,
    missing: bool,
    updates: Sender<Update>,
}

impl Follower {
    fn run(mut self) {
        loop {
            match self.watch.changed.recv_timeout(LOOK) {
                Ok(()) => self.watch.settle(),
                Err(RecvTimeoutError::Timeout) => {
                    self.watch.renew(&self.folder);
                    if matches!(self.files.changed(), Ok(false)) && !self.missing {
                        continue;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if !self.read() {
                return;
            }
        }
    }

    /// Reads what there is and hands it over; false when nobody listens any more.
    fn read(&mut self) -> bool {
        if let Err(error) = self.files.read() {
            // An error is not an empty folder.
            if !self.missing {
                tracing::error!(folder = %self.folder.display(), %error, "the configuration can't be read; what served goes on");
                self.missing = true;
            }
            return true;
        }
        self.missing = false;
        self.hand_over()
    }

    /// Compiles what was read, and hands it over if it says something new.
    fn hand_over(&mut self) -> bool {
        let documents = self.files.documents();
        let Compiled {
            snapshot,
            verdicts,
            skipped,
        } = compile(&Input {
            documents: &documents,
            unreadable: &self.files.missing(),
            env: Some(&|name| std::env::var(name).ok()),
            previous: Some(&self.previous),
            gateway_namespace: Some(&self.namespace),
        });
        let update = Update {
            snapshot: Arc::new(snapshot),
            origin: Origin::Folder(Compilation {
                verdicts,
                skipped,
                problems: self.files.problems(),
                objects: self.files.objects(),
            }),
        };
        if self.told.as_ref() == Some(&update) {
            return true;
        }
        self.previous = Arc::clone(&update.snapshot);
        self.told = Some(update.clone());
        self.updates.send(update).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_said_anew_is_handed_over_even_if_the_same_serves() {
        const KEY: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: app}\n";
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        fs::write(file("a.yaml"), "kind: [").unwrap();
        fs::write(file("key.yaml"), KEY).unwrap();
        let source = follow(folder.path(), "weir-system", None).unwrap();
        let next = || {
            let update = source
                .updates
                .recv_timeout(Duration::from_secs(10))
                .unwrap();
            let Origin::Folder(said) = update.origin else {
                panic!("it is a folder");
            };
            let broken: Vec<String> = said
                .problems
                .iter()
                .map(|problem| problem.location.file.clone())
                .collect();
            let holding: Vec<String> = said.objects.into_keys().collect();
            (broken, holding, update.snapshot)
        };
        let (broken, holding, first) = next();
        assert_eq!(
            (broken, holding),
            (vec!["a.yaml".into()], vec!["key.yaml".into()])
        );

        // As many files are broken as before, but it is another one.
        fs::rename(file("a.yaml"), file("b.yaml")).unwrap();
        let (broken, holding, second) = next();
        assert_eq!(
            (broken, holding),
            (vec!["b.yaml".into()], vec!["key.yaml".into()])
        );
        assert_eq!(second, first);

        // What each file holds counts for the next life.
        fs::rename(file("key.yaml"), file("moved.yaml")).unwrap();
        let (broken, holding, third) = next();
        assert_eq!(
            (broken, holding),
            (vec!["b.yaml".into()], vec!["moved.yaml".into()])
        );
        assert_eq!(third, first);
    }
}
