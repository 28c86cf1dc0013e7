//! The files of a folder, as the gateway's folder source takes them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weir_config::text::{
    Document, FileProblem, FileReason, Location, MAX_FILE_BYTES, is_config_file, is_config_folder,
    parse_file,
};

/// Folders in folders, links included; a link that leads back ends here. The gateway stops at the same depth.
const MAX_DEPTH: usize = 16;

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
        read.take(path, &content(path)?);
        return Ok(read);
    }
    for file in list(path)? {
        match content(&file) {
            Ok(bytes) => read.take(&file, &bytes),
            Err(error) => read.problems.push(FileProblem {
                location: Location {
                    file: file.display().to_string(),
                    line: 1,
                    column: 1,
                },
                message: format!("the file can't be read: {error}"),
                reason: FileReason::Unreadable,
            }),
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

/// The bytes of a file, a byte more than is parsed at most: enough to be told that it is too big.
fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_FILE_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The files of configuration below `root`, sorted.
fn list(root: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // A link that leads nowhere is a file that can't be read.
            let is_folder = fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir());
            if is_folder && depth < MAX_DEPTH && is_config_folder(&name) {
                folders.push((path, depth + 1));
            } else if !is_folder && is_config_file(&name) {
                files.insert(path);
            }
        }
    }
    Ok(files)
}
