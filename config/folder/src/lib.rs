//! The files of a configuration folder: which there are, and their bytes. The gateway that serves a
//! folder and the command line that checks one see the same files by it.
//!
//! It is the one part of `config/` that does I/O, and a crate of its own for that.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use weir_config::text::{
    FileProblem, FileReason, Location, MAX_FILE_BYTES, is_config_file, is_config_folder,
};

/// Folders in folders, links included.
pub const MAX_DEPTH: usize = 16;

/// What tells one version of a file from another, short of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl From<&Metadata> for Signature {
    fn from(of: &Metadata) -> Self {
        Self {
            device: of.dev(),
            inode: of.ino(),
            size: of.len(),
            modified: (of.mtime(), of.mtime_nsec()),
        }
    }
}

/// The files of a folder, by their path from there.
pub type Listing = BTreeMap<PathBuf, Signature>;

/// Lists the files of configuration below `root`: `*.yaml`, `*.yml` and `*.json`, at any depth
/// up to [`MAX_DEPTH`], but for names that start with a dot. Links are followed, and one that leads nowhere is
/// listed too; a folder is listed once even where a link leads back to it.
///
/// # Errors
/// `root` can't be listed, or a folder in it that is still there.
pub fn list(root: &Path) -> io::Result<Listing> {
    let identity = |metadata: &Metadata| (metadata.dev(), metadata.ino());
    let mut seen = HashSet::from([identity(&fs::metadata(root)?)]);
    let mut listing = Listing::new();
    let mut folders = vec![(PathBuf::new(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = match fs::read_dir(root.join(&folder)) {
            Ok(entries) => entries,
            // A folder in the folder may vanish at any time; the folder itself may not.
            Err(error) if depth > 0 && error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let name = entry?.file_name();
            let path = folder.join(&name);
            let name = name.to_string_lossy();
            // A link that leads nowhere is listed, so that it is named when it is read.
            let full = root.join(&path);
            let Ok(metadata) = fs::metadata(&full).or_else(|_| fs::symlink_metadata(&full)) else {
                continue;
            };
            if metadata.is_dir() {
                let new = depth < MAX_DEPTH && is_config_folder(&name);
                if new && seen.insert(identity(&metadata)) {
                    folders.push((path, depth + 1));
                }
            } else if (metadata.is_file() || metadata.is_symlink()) && is_config_file(&name) {
                listing.insert(path, Signature::from(&metadata));
            }
        }
    }
    Ok(listing)
}

/// The bytes of a file; of one that is too big no more than it takes to be told so when it is parsed.
///
/// # Errors
/// The file can't be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = MAX_FILE_BYTES as u64 + 1;
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is said of a file that can't be read.
#[must_use]
pub fn unreadable(path: &Path, error: &io::Error) -> FileProblem {
    FileProblem {
        location: Location {
            file: path.display().to_string(),
            line: 1,
            column: 1,
        },
        message: format!("the file can't be read: {error}"),
        reason: FileReason::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn folders_and_links_are_followed_and_names_with_a_dot_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("..2026/deep")).unwrap();
        fs::write(root.join("..2026/a.yaml"), "").unwrap();
        symlink("..2026", root.join("..data")).unwrap();
        symlink("..data/a.yaml", root.join("a.yaml")).unwrap();
        fs::create_dir_all(root.join("team/more")).unwrap();
        fs::write(root.join("team/more/b.yml"), "").unwrap();
        fs::write(root.join("team/c.json"), "").unwrap();
        fs::write(root.join("team/notes.txt"), "").unwrap();
        symlink(root, root.join("team/loop")).unwrap();
        symlink("nowhere", root.join("team/gone.yaml")).unwrap();
        let listing = list(root).unwrap();
        let found: Vec<_> = listing.keys().map(|path| path.to_string_lossy()).collect();
        let expected = ["a.yaml", "team/c.json", "team/gone.yaml", "team/more/b.yml"];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_file_that_is_too_big_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big.yaml");
        fs::write(&path, vec![b' '; MAX_FILE_BYTES + 100]).unwrap();
        assert_eq!(read(&path).unwrap().len(), MAX_FILE_BYTES + 1);
    }
}
