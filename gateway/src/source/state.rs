//! The state folder: the last configuration that served, kept for the next start.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_config::snapshot::{FORMAT, Snapshot};
use weir_config::verdict::ObjectId;

const FILE: &str = "last-good.json";

/// A folder that holds one configuration, credentials included, readable by its owner alone.
#[derive(Debug)]
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
        let path = self.folder.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "the kept configuration can't be read");
                return None;
            }
        };
        match serde_json::from_slice::<Saved>(&bytes) {
            Ok(saved) if saved.snapshot.format == FORMAT => Some(saved),
            Ok(saved) => {
                tracing::warn!(file = %path.display(), format = saved.snapshot.format, "the kept configuration is of a format that this version does not read");
                None
            }
            // The error of serde_json may quote a value.
            Err(error) => {
                tracing::warn!(file = %path.display(), line = error.line(), column = error.column(), "the kept configuration is damaged");
                None
            }
        }
    }

    /// Keeps this in place of what was kept before: whole or not at all.
    ///
    /// # Errors
    /// It can't be written; what was kept before still is.
    pub fn save(&self, saved: &Saved) -> io::Result<()> {
        let fresh = self.folder.join(format!("{FILE}.new"));
        // One that a crash left may have other permissions.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(&serde_json::to_vec(saved)?)?;
        file.sync_data()?;
        fs::rename(&fresh, self.folder.join(FILE))
    }
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
                format: FORMAT,
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
