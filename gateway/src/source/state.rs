//! The state folder: the last configuration that served, kept for the next start.
//!
//! Of a folder's configuration it is one file, `last-good.json`. What a cluster publishes lies in the folder
//! `published`, one file a namespace (see [`published`]), and beside it `token-keys.json`.

pub mod published;

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_config::snapshot::Snapshot;
use weir_config::verdict::ObjectId;

const FILE: &str = "last-good.json";
const KEYS: &str = "token-keys.json";

/// A folder that holds one configuration, credentials included, readable by its owner alone.
#[derive(Debug, Clone)]
pub struct State {
    folder: PathBuf,
}

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Saved {
    /// What served.
    pub snapshot: Arc<Snapshot>,
    /// What each file of a folder held.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: BTreeMap<String, Vec<ObjectId>>,
}

/// The keys of a cluster's tokens.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeptKeys {
    /// Who the cluster says it is.
    pub issuer: String,
    /// The JWK set as it gave it.
    pub jwks: Box<RawValue>,
}

impl State {
    /// Uses `folder`, and makes it if there is none.
    ///
    /// # Errors
    /// It can't be made.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.into(),
        })
    }

    /// What was kept, if anything. What can't be read is reported and passed over: the gateway then
    /// starts as if it were new.
    #[must_use]
    pub fn load(&self) -> Option<Saved> {
        self.read(FILE)
    }

    /// Keeps this in place of what was kept before: whole or not at all.
    ///
    /// # Errors
    /// It can't be written; what was kept before still is.
    pub fn save(&self, saved: &Saved) -> io::Result<()> {
        replace(&self.folder.join(FILE), &[&serde_json::to_vec(saved)?])
    }

    /// The keys that were kept, if any.
    #[must_use]
    pub fn load_keys(&self) -> Option<KeptKeys> {
        self.read(KEYS)
    }

    /// Keeps these keys in place of those before.
    ///
    /// # Errors
    /// They can't be written; those before still are kept.
    pub fn save_keys(&self, keys: &KeptKeys) -> io::Result<()> {
        replace(&self.folder.join(KEYS), &[&serde_json::to_vec(keys)?])
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let path = self.folder.join(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "what was kept can't be read");
                return None;
            }
        };
        serde_json::from_slice(&bytes)
            // The error of serde_json may quote a value.
            .map_err(|error| {
                tracing::warn!(file = %path.display(), line = error.line(), column = error.column(), "what was kept is damaged, or of another version");
            })
            .ok()
    }
}

/// Writes a file that its owner alone reads, whole or not at all.
fn replace(path: &Path, contents: &[&[u8]]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    // One that a crash left may have other permissions.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write(&fresh, contents).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // Half a file would take room that others need.
        let _ = fs::remove_file(&fresh);
    }
    written
}

fn write(path: &Path, contents: &[&[u8]]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    for part in contents {
        file.write_all(part)?;
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("deep/er")).unwrap();
        assert_eq!(state.load(), None);
        let saved = Saved {
            snapshot: Arc::new(Snapshot {
                format: 2,
                ..Snapshot::default()
            }),
            objects: BTreeMap::new(),
        };
        state.save(&saved).unwrap();
        state.save(&saved).unwrap();
        assert_eq!(state.load(), Some(saved));
        let mode = fs::metadata(state.folder.join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_damaged_or_of_another_format_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap();
        for bytes in ["", "{", r#"{"snapshot":{"format":99,"namespaces":{}}}"#] {
            fs::write(folder.path().join(FILE), bytes).unwrap();
            assert_eq!(state.load(), None, "{bytes}");
        }
    }
}
