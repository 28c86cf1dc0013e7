//! The files of a configuration folder, as they were when last they could be read.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_config::compile::identify;
use weir_config::text::{Document, FileProblem, around, parse_file};
use weir_config::verdict::ObjectId;
use weir_config_folder::{Listing, list, read, unreadable};

/// How long a file that held something may be empty or gone before that is believed: writers that do
/// not rename leave it so for a moment.
const EMPTY_FOR: Duration = Duration::from_millis(200);

/// How often the folder is read anew because it changed underneath, before it is taken as it is.
const ROUNDS: usize = 20;

/// What reading each file gave.
type Found = BTreeMap<PathBuf, io::Result<Vec<u8>>>;

/// The files of a folder.
#[derive(Debug)]
pub(super) struct Files {
    root: PathBuf,
    listing: Listing,
    known: BTreeMap<PathBuf, File>,
}

#[derive(Debug, Default)]
struct File {
    bytes: Vec<u8>,
    documents: Vec<Arc<Document>>,
    problems: Vec<FileProblem>,
    /// What it held when last it could be read, document by document.
    objects: Vec<ObjectId>,
}

impl Files {
    /// No file so far. `objects` is what each held in an earlier life.
    pub(super) fn new(root: &Path, objects: BTreeMap<String, Vec<ObjectId>>) -> Self {
        let known = objects.into_iter().map(|(path, objects)| {
            let file = File {
                objects,
                ..File::default()
            };
            (PathBuf::from(path), file)
        });
        Self {
            root: root.into(),
            listing: Listing::new(),
            known: known.collect(),
        }
    }

    /// Whether the folder looks as it did when it was read.
    ///
    /// # Errors
    /// The folder can't be listed.
    pub(super) fn changed(&self) -> io::Result<bool> {
        Ok(list(&self.root)? != self.listing)
    }

    /// Reads what there is now. A folder that changes meanwhile is read again, so that a mounted
    /// ConfigMap which is replaced is seen as one version or the other.
    ///
    /// # Errors
    /// The folder can't be listed; nothing has changed then.
    pub(super) fn read(&mut self) -> io::Result<()> {
        let believed = Instant::now() + EMPTY_FOR;
        for round in 1.. {
            let listing = list(&self.root)?;
            let found = self.read_listed(&listing);
            let last = round >= ROUNDS;
            if !last && Instant::now() < believed && self.loses(&found) {
                std::thread::sleep(EMPTY_FOR / 5);
                continue;
            }
            if !last && list(&self.root)? != listing {
                std::thread::sleep(Duration::from_millis(10));
                continue;
            }
            self.take(found);
            self.listing = listing;
            return Ok(());
        }
        Ok(())
    }

    /// Whether a file that held something is empty now, or is not there.
    fn loses(&self, found: &Found) -> bool {
        self.known
            .iter()
            .filter(|(_, file)| !file.bytes.is_empty())
            .any(|(path, _)| match found.get(path) {
                Some(Ok(bytes)) => bytes.is_empty(),
                Some(Err(_)) => false,
                None => true,
            })
    }

    fn read_listed(&self, listing: &Listing) -> Found {
        listing
            .keys()
            .map(|path| (path.clone(), read(&self.root.join(path))))
            .collect()
    }

    fn take(&mut self, found: Found) {
        self.known.retain(|path, _| found.contains_key(path));
        for (path, read) in found {
            let file = self.known.entry(path.clone()).or_default();
            let name = path.to_string_lossy();
            match read {
                Ok(bytes) => file.take(&name, bytes),
                Err(error) => {
                    // What it held serves on, unless it is a link to what was deleted.
                    if error.kind() == io::ErrorKind::NotFound {
                        file.objects.clear();
                    }
                    file.documents.clear();
                    file.bytes.clear();
                    file.problems = vec![unreadable(&path, &error)];
                }
            }
        }
    }

    /// Every object that can be read now.
    pub(super) fn documents(&self) -> Vec<Arc<Document>> {
        self.known
            .values()
            .flat_map(|file| file.documents.iter().cloned())
            .collect()
    }

    /// What stands in the way of reading the rest.
    pub(super) fn problems(&self) -> Vec<FileProblem> {
        self.known
            .values()
            .flat_map(|file| file.problems.iter().cloned())
            .collect()
    }

    /// The objects that stood in what can't be read now.
    pub(super) fn missing(&self) -> Vec<ObjectId> {
        let readable: BTreeSet<ObjectId> = self
            .known
            .values()
            .flat_map(|file| file.documents.iter().filter_map(|one| identify(one)))
            .collect();
        self.known
            .values()
            .filter(|file| !file.problems.is_empty())
            .flat_map(|file| file.objects.iter())
            .filter(|object| !readable.contains(object))
            .cloned()
            .collect()
    }

    /// The objects of each file.
    pub(super) fn objects(&self) -> BTreeMap<String, Vec<ObjectId>> {
        self.known
            .iter()
            .filter(|(_, file)| !file.objects.is_empty())
            .map(|(path, file)| (path.to_string_lossy().into_owned(), file.objects.clone()))
            .collect()
    }
}

impl File {
    fn take(&mut self, name: &str, bytes: Vec<u8>) {
        if bytes == self.bytes && !(self.documents.is_empty() && self.problems.is_empty()) {
            return;
        }
        let parsed = parse_file(name, &bytes);
        let mut objects: Vec<ObjectId> = parsed.documents.iter().filter_map(identify).collect();
        self.objects.retain(|object| !objects.contains(object));
        objects.extend(stood_for(
            &bytes,
            &parsed.problems,
            mem::take(&mut self.objects),
        ));
        *self = Self {
            bytes,
            documents: parsed.documents.into_iter().map(Arc::new).collect(),
            problems: parsed.problems,
            objects,
        };
    }
}

/// Which of the objects that a file held before, and that can't be read in it now, its broken documents
/// stand for. Those whose name a broken document still has: what is taken out of a file is gone,
/// however broken the rest of it is. But a document that has none of the names may be any of them.
fn stood_for(bytes: &[u8], problems: &[FileProblem], missing: Vec<ObjectId>) -> Vec<ObjectId> {
    let broken: Vec<_> = problems.iter().map(|one| around(bytes, one)).collect();
    let named = |object: &ObjectId| broken.iter().any(|text| text.contains(&object.name));
    let all_known = broken
        .iter()
        .all(|text| missing.iter().any(|object| text.contains(&object.name)));
    missing
        .into_iter()
        .filter(|object| !broken.is_empty() && (!all_known || named(object)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn key(name: &str) -> String {
        format!("---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n")
    }

    fn held(files: &Files) -> Vec<String> {
        files.missing().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_broken_document_stands_for_what_it_still_speaks_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.yaml");
        fs::write(&path, key("alpha") + &key("beta") + &key("gamma")).unwrap();
        let mut files = Files::new(folder.path(), BTreeMap::new());
        files.read().unwrap();
        assert_eq!(files.documents().len(), 3);
        assert_eq!(held(&files), Vec::<String>::new());

        // Beta breaks, and gamma is taken out in the same breath.
        fs::write(&path, key("alpha") + &key("beta") + "  labels: {\n").unwrap();
        files.read().unwrap();
        assert_eq!(files.documents().len(), 1);
        assert_eq!(held(&files), ["Secret default/beta"]);

        // In the next life too.
        let mut files = Files::new(folder.path(), files.objects());
        files.read().unwrap();
        assert_eq!(held(&files), ["Secret default/beta"]);

        // What says nothing of itself may be all that is missing.
        fs::write(&path, "kind: [").unwrap();
        files.read().unwrap();
        assert_eq!(
            held(&files),
            ["Secret default/alpha", "Secret default/beta"]
        );

        fs::write(&path, key("alpha")).unwrap();
        files.read().unwrap();
        assert_eq!(held(&files), Vec::<String>::new());
    }

    #[test]
    fn a_file_that_is_empty_for_a_moment_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.yaml");
        fs::write(&path, key("alpha")).unwrap();
        let mut files = Files::new(folder.path(), BTreeMap::new());
        files.read().unwrap();
        fs::write(&path, "").unwrap();
        let writer = std::thread::spawn({
            let path = path.clone();
            move || {
                std::thread::sleep(EMPTY_FOR / 4);
                fs::write(&path, key("beta")).unwrap();
            }
        });
        files.read().unwrap();
        writer.join().unwrap();
        assert_eq!(files.documents().len(), 1);
        // One that stays empty is.
        fs::write(&path, "").unwrap();
        files.read().unwrap();
        assert_eq!(files.documents().len(), 0);
    }
}
