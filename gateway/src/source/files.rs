//! The files of a configuration folder, as they were when last they could be read.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_config::compile::{Standing, stands_for};
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
    /// Whether it has documents of which one can't tell what they are.
    is_unclear: bool,
    /// What it holds, and what its unclear documents may stand for.
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
                    file.is_unclear = true;
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
            .flat_map(|file| &file.documents)
            .filter_map(|document| match stands_for(document) {
                Standing::Object(object) => Some(object),
                Standing::Unclear | Standing::Other => None,
            })
            .collect();
        self.known
            .values()
            .filter(|file| file.is_unclear)
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
        let mut objects = Vec::new();
        let mut unclear: Vec<Cow<'_, str>> = parsed
            .problems
            .iter()
            .map(|problem| around(&bytes, problem))
            .collect();
        for document in &parsed.documents {
            match stands_for(document) {
                Standing::Object(object) => objects.push(object),
                Standing::Unclear => unclear.push(document.value.to_string().into()),
                Standing::Other => {}
            }
        }
        self.objects.retain(|object| !objects.contains(object));
        let stood_for = stood_for(&unclear, !objects.is_empty(), mem::take(&mut self.objects));
        let is_unclear = !unclear.is_empty();
        objects.extend(stood_for);
        *self = Self {
            documents: parsed.documents.into_iter().map(Arc::new).collect(),
            problems: parsed.problems,
            is_unclear,
            objects,
            bytes,
        };
    }
}

/// Which of the objects that a file held before, and that it does not show now, its unclear documents
/// stand for: those whose name one of them still has. What is taken out of a file is gone, however
/// broken the rest of it is. But a document that has none of the names may be any of them, and so may
/// all of a file of which nothing is intact.
fn stood_for(unclear: &[Cow<'_, str>], any_intact: bool, missing: Vec<ObjectId>) -> Vec<ObjectId> {
    if unclear.is_empty() {
        return Vec::new();
    }
    let tells = |text: &Cow<'_, str>| missing.iter().any(|object| names(text, &object.name));
    if !any_intact || !unclear.iter().all(tells) {
        return missing;
    }
    missing
        .into_iter()
        .filter(|object| unclear.iter().any(|text| names(text, &object.name)))
        .collect()
}

/// Whether the text says `name: NAME`, in any of the ways in which YAML and JSON do.
fn names(text: &str, name: &str) -> bool {
    let quote = ['"', '\''];
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].trim_end_matches(quote).trim_end();
        let key = before
            .strip_suffix(':')
            .map(|key| key.trim_end().trim_end_matches(quote));
        let after = text[at + name.len()..].chars().next();
        key.is_some_and(|key| key.ends_with("name"))
            && !after.is_some_and(|next| next.is_ascii_alphanumeric() || "-._".contains(next))
    })
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

        // What is deleted beside it is not held by a name that is in it by chance.
        fs::write(
            &path,
            key("beta") + "  labels: {alpha: [gamma\n" + &key("delta"),
        )
        .unwrap();
        files.read().unwrap();
        assert_eq!(held(&files), ["Secret default/beta"]);

        // Whatever nothing is intact of may be all that is missing, even where it has a name.
        fs::write(&path, key("alpha") + &key("beta")).unwrap();
        files.read().unwrap();
        for broken in [
            "beta is down: [see the runbook",
            "{\"kind\": \"Secret\", \"metadata\": {\"name\": \"beta\"",
            "error: quota exceeded",
            "apiVersion: v1\nmetadata: {name: beta}",
        ] {
            fs::write(&path, broken).unwrap();
            files.read().unwrap();
            assert_eq!(
                held(&files),
                ["Secret default/alpha", "Secret default/beta"],
                "{broken}"
            );
        }

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
