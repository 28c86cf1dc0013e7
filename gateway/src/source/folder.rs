//! The folder source: a folder of YAML, compiled here and followed as it changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher};
use weir_config::compile::{Compiled, Input, compile};
use weir_config::snapshot::Snapshot;
use weir_config::verdict::Verdict;

use super::files::Files;
use super::state::Saved;
use super::{Source, Update};

/// Changes that come within this time of one another are taken together…
const QUIET: Duration = Duration::from_millis(20);
/// …but no change waits longer than this for the next.
const PATIENCE: Duration = Duration::from_millis(150);
/// How often the folder is looked over without being told to: not every change behind a link is told.
const LOOK: Duration = Duration::from_secs(1);

/// Follows `folder` from now on, on a thread of its own. `saved` is what served in an earlier life:
/// where last good comes from until the folder has given better.
///
/// # Errors
/// The folder can't be read or watched.
pub fn follow(folder: &Path, saved: Option<Saved>) -> std::io::Result<Source> {
    let (changes, changed) = channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let reading = matches!(&event, Ok(event) if event.kind.is_access());
        if !reading {
            // The receiver is gone when the process ends.
            let _ = changes.send(());
        }
    })
    .map_err(std::io::Error::other)?;
    watcher
        .watch(folder, RecursiveMode::Recursive)
        .map_err(std::io::Error::other)?;
    let (updates, receiver) = channel();
    let saved = saved.unwrap_or_default();
    let follower = Follower {
        files: Files::new(folder, saved.objects),
        folder: folder.into(),
        previous: saved.snapshot,
        told: None,
        missing: false,
        updates,
    };
    thread::Builder::new()
        .name("config-folder".into())
        .spawn(move || {
            // The watcher watches as long as it lives.
            let _watcher = watcher;
            follower.run(&changed);
        })?;
    Ok(Source { updates: receiver })
}

struct Follower {
    folder: PathBuf,
    files: Files,
    previous: Arc<Snapshot>,
    /// What was handed over last.
    told: Option<(Vec<Verdict>, usize)>,
    missing: bool,
    updates: Sender<Update>,
}

impl Follower {
    fn run(mut self, changed: &Receiver<()>) {
        loop {
            if !self.read() {
                return;
            }
            loop {
                match changed.recv_timeout(LOOK) {
                    Ok(()) => {
                        settle(changed);
                        break;
                    }
                    Err(RecvTimeoutError::Timeout) => match self.files.changed() {
                        Ok(false) if !self.missing => {}
                        _ => break,
                    },
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        }
    }

    /// Reads, compiles and hands over; false when nobody listens any more.
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
        });
        let problems = self.files.problems();
        let told = Some((verdicts.clone(), problems.len()));
        if told == self.told && snapshot == *self.previous {
            return true;
        }
        self.told = told;
        self.previous = Arc::new(snapshot);
        self.updates
            .send(Update {
                snapshot: Arc::clone(&self.previous),
                verdicts,
                skipped,
                problems,
                objects: self.files.objects(),
            })
            .is_ok()
    }
}

/// Waits until changes stop coming.
fn settle(changed: &Receiver<()>) {
    let patience = Instant::now() + PATIENCE;
    while Instant::now() < patience && changed.recv_timeout(QUIET).is_ok() {}
}
