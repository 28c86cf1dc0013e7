//! The files of a folder, as the gateway's folder source takes them.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use weir_config::text::{Document, FileProblem, parse_file};
use weir_config_folder::{list, unreadable};

/// What a folder holds.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) documents: Vec<Arc<Document>>,
    pub(super) problems: Vec<FileProblem>,
}

/// Reads a folder, or one file whatever its name.
///
/// # Errors
///
/// The folder, or the one file, can't be read. A file in a folder that can't is a problem.
pub(super) fn read(path: &Path) -> io::Result<Contents> {
    let mut read = Contents::default();
    if !fs::metadata(path)?.is_dir() {
        read.take(path, &weir_config_folder::read(path)?);
        return Ok(read);
    }
    for file in list(path)?.into_keys() {
        let file = path.join(file);
        match weir_config_folder::read(&file) {
            Ok(bytes) => read.take(&file, &bytes),
            Err(error) => read.problems.push(unreadable(&file, &error)),
        }
    }
    Ok(read)
}

impl Contents {
    fn take(&mut self, path: &Path, bytes: &[u8]) {
        let parsed = parse_file(&path.display().to_string(), bytes);
        self.documents
            .extend(parsed.documents.into_iter().map(Arc::new));
        self.problems.extend(parsed.problems);
    }
}
