//! A folder of configuration.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder in the system's place for temporary things, gone with this value.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self {
            folder: tempfile::Builder::new()
                .prefix("weir-test-")
                .tempdir()
                .unwrap(),
        }
    }

    /// One with `config.yaml`, which holds these documents.
    #[must_use]
    pub fn with(documents: &[&dyn Display]) -> Self {
        let folder = Self::new();
        folder.write("config.yaml", &documents_of(documents));
        folder
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where a file of it is.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Puts a file in place as careful tools do: written beside, then renamed.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let beside = path.with_extension("being-written");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, path).unwrap();
    }

    /// [`Folder::write`] of documents.
    pub fn write_all(&self, name: &str, documents: &[&dyn Display]) {
        self.write(name, &documents_of(documents));
    }

    /// Overwrites a file where it stands, as an editor may.
    pub fn write_in_place(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).unwrap();
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) {
        fs::remove_file(self.file(name)).unwrap();
    }
}

/// Several documents as the text of one file.
#[must_use]
pub fn documents_of(documents: &[&dyn Display]) -> String {
    let texts: Vec<String> = documents.iter().map(ToString::to_string).collect();
    texts.join("\n---\n")
}
