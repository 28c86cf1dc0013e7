//! What a cluster published, as it was taken up: the file `ns.NAMESPACE` of each namespace has a line of JSON and then the
//! shard in gzip, as it travels. A change in one namespace is a change of one file, and one that is damaged is no other
//! namespace's harm.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_config::published::{join, namespace_of, shard_name};
use weir_config::snapshot::{FORMATS, Sha256};

use super::{State, replace};
use crate::source::Kept;

const FOLDER: &str = "published";

/// The first line of a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Header {
    /// The format of the shard.
    format: u32,
    /// The revision at which it was published.
    revision: u64,
}

/// The folder, and what is in it.
#[derive(Debug)]
pub struct PublishedState {
    folder: PathBuf,
    kept: BTreeMap<String, Arc<Kept>>,
    /// Whether nothing else is in the folder.
    swept: bool,
}

impl PublishedState {
    /// What is kept in this folder; none where nothing ever was. What can't be read is reported and passed over.
    #[must_use]
    pub fn load(state: &State) -> (Self, Option<BTreeMap<String, Arc<Kept>>>) {
        let folder = state.folder.join(FOLDER);
        let kept = match fs::read_dir(&folder) {
            Ok(entries) => Some(
                entries
                    .flatten()
                    .filter_map(|one| load(&one.path()))
                    .collect(),
            ),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(folder = %folder.display(), %error, "what was kept can't be read");
                }
                None
            }
        };
        let state = Self {
            folder,
            kept: kept.clone().unwrap_or_default(),
            swept: false,
        };
        (state, kept)
    }

    /// Keeps this: writes the namespaces that are not kept as they are, and removes those that are gone.
    ///
    /// # Errors
    /// The first failure; all else is done, and what failed is tried again the next time.
    pub fn keep(&mut self, published: &BTreeMap<String, Arc<Kept>>) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut failure = None;
        for (namespace, kept) in published {
            let same =
                |before: &Arc<Kept>| Arc::ptr_eq(before, kept) || before.digest == kept.digest;
            if self.kept.get(namespace).is_some_and(same) {
                continue;
            }
            match self.write(namespace, kept) {
                Ok(()) => {
                    self.kept.insert(namespace.clone(), Arc::clone(kept));
                }
                Err(error) => {
                    failure = failure.or(Some(error));
                    // What it said before may have been withdrawn since. Better nothing than that after a restart.
                    self.forget(namespace);
                }
            }
        }
        let mut gone: Vec<String> = self
            .kept
            .keys()
            .filter(|namespace| !published.contains_key(*namespace))
            .map(|namespace| shard_name(namespace))
            .collect();
        if !self.swept {
            gone.extend(self.strays(published)?);
            self.swept = true;
        }
        for name in gone {
            match fs::remove_file(self.folder.join(&name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    failure = failure.or(Some(error));
                }
                _ => {
                    self.kept.remove(namespace_of(&name).unwrap_or_default());
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    fn forget(&mut self, namespace: &str) {
        if self.kept.remove(namespace).is_some()
            && let Err(error) = fs::remove_file(self.folder.join(shard_name(namespace)))
        {
            tracing::warn!(namespace, %error, "what was kept of it is out of date, and can't be removed");
        }
    }

    /// Files that an earlier life could not read, or did not finish: they are not to come back in a later one.
    fn strays(&self, published: &BTreeMap<String, Arc<Kept>>) -> io::Result<Vec<String>> {
        let stray = |name: &String| {
            namespace_of(name).is_some_and(|namespace| !published.contains_key(namespace))
        };
        Ok(fs::read_dir(&self.folder)?
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(stray)
            .collect())
    }

    fn write(&self, namespace: &str, kept: &Kept) -> io::Result<()> {
        if !is_name(namespace) {
            return Err(io::Error::other("it is no name of a namespace"));
        }
        let header = Header {
            format: kept.format,
            revision: kept.revision,
        };
        let header = serde_json::to_vec(&header)?;
        let path = self.folder.join(shard_name(namespace));
        replace(&path, &[&header, b"\n", &kept.packed])
    }
}

/// A name that is a file of this folder and nothing else (RFC 1123 label, as Kubernetes asks).
fn is_name(namespace: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&namespace.len()) && namespace.bytes().all(inside)
}

fn load(path: &Path) -> Option<(String, Arc<Kept>)> {
    let namespace = namespace_of(path.file_name()?.to_str()?).filter(|name| is_name(name))?;
    match read(path, namespace) {
        Ok(kept) => Some((namespace.to_owned(), Arc::new(kept))),
        Err(error) => {
            tracing::warn!(file = %path.display(), error, "what was kept is passed over");
            None
        }
    }
}

/// The error says nothing of what is in the file.
fn read(path: &Path, namespace: &str) -> Result<Kept, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let line = memchr::memchr(b'\n', &bytes).ok_or("it has no header")?;
    let (header, packed) = (&bytes[..line], &bytes[line + 1..]);
    let Header { format, revision } =
        serde_json::from_slice(header).map_err(|_| "its header can't be read")?;
    if !FORMATS.contains(&format) {
        return Err(format!(
            "it is of format {format}, which this version does not read"
        ));
    }
    let shard = join([packed]).map_err(|error| error.to_string())?;
    if shard.namespace != namespace {
        return Err("it is of another namespace".into());
    }
    Ok(Kept {
        shard: Arc::new(shard),
        format,
        revision,
        digest: Sha256::of(packed),
        packed: packed.into(),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use weir_config::published::{SHARD_ENTRY, encode};
    use weir_config::snapshot::Shard;

    use super::*;

    fn kept(namespace: &str, revision: u64) -> (String, Arc<Kept>) {
        let shard = Shard {
            namespace: namespace.into(),
            ..Shard::default()
        };
        let packed = encode(&shard, 2, 1).index.data[SHARD_ENTRY].clone();
        let kept = Kept {
            digest: Sha256::of(&packed),
            shard: Arc::new(shard),
            format: 2,
            revision,
            packed: packed.into(),
        };
        (namespace.into(), Arc::new(kept))
    }

    fn state() -> (tempfile::TempDir, State) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap();
        (folder, state)
    }

    fn files(state: &State) -> Vec<String> {
        let mut files: Vec<String> = fs::read_dir(state.folder.join(FOLDER))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        files
    }

    #[test]
    fn what_is_kept_comes_back_a_file_a_namespace_and_is_nobody_elses() {
        let (_folder, state) = state();
        let (mut published, none) = PublishedState::load(&state);
        assert_eq!(none, None);
        let all: BTreeMap<_, _> = [kept("a", 3), kept("b", 5)].into();
        published.keep(&all).unwrap();
        assert_eq!(files(&state), ["ns.a", "ns.b"]);
        let file = state.folder.join(FOLDER).join("ns.a");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (mut published, back) = PublishedState::load(&state);
        assert_eq!(back.as_ref(), Some(&all));

        // Only what changes is written.
        fs::write(&file, "untouched").unwrap();
        let changed: BTreeMap<_, _> = [kept("a", 9), kept("c", 9)].into();
        published.keep(&changed).unwrap();
        assert_eq!(files(&state), ["ns.a", "ns.c"]);
        assert_eq!(fs::read(&file).unwrap(), b"untouched");

        // Nothing published is not the same as nothing known.
        published.keep(&BTreeMap::new()).unwrap();
        let (_, back) = PublishedState::load(&state);
        assert_eq!(back, Some(BTreeMap::new()));
    }

    #[test]
    fn what_is_wrong_is_passed_over_and_all_else_is_not() {
        let (_folder, state) = state();
        let (mut published, _) = PublishedState::load(&state);
        published
            .keep(&[kept("good", 3), kept("cut", 4)].into())
            .unwrap();
        let folder = state.folder.join(FOLDER);
        let whole = fs::read(folder.join("ns.cut")).unwrap();
        fs::write(folder.join("ns.cut"), &whole[..whole.len() - 1]).unwrap();
        fs::copy(folder.join("ns.good"), folder.join("ns.other")).unwrap();
        fs::write(folder.join("ns.empty"), "").unwrap();
        fs::write(folder.join("ns.newer"), "{\"format\":99,\"revision\":1}\n").unwrap();
        fs::write(folder.join("ns.good.new"), "half").unwrap();
        fs::write(folder.join("readme"), "not ours").unwrap();
        let (mut published, back) = PublishedState::load(&state);
        let good: BTreeMap<_, _> = [kept("good", 3)].into();
        assert_eq!(back.as_ref(), Some(&good));
        published.keep(&good).unwrap();
        assert_eq!(files(&state), ["ns.good", "readme"]);
    }

    #[test]
    fn what_cannot_be_kept_is_not_kept_as_it_was() {
        let (_folder, state) = state();
        let (mut published, _) = PublishedState::load(&state);
        published
            .keep(&[kept("a", 1), kept("b", 1)].into())
            .unwrap();
        // Nothing can be written in its place.
        let folder = state.folder.join(FOLDER);
        fs::create_dir(folder.join("ns.a.new")).unwrap();
        let (name, mut newer) = kept("a", 2);
        Arc::get_mut(&mut newer).unwrap().digest = Sha256::of(b"other");
        let all: BTreeMap<_, _> = [(name, newer), kept("b", 1)].into();
        assert!(published.keep(&all).is_err());
        assert_eq!(files(&state), ["ns.a.new", "ns.b"]);
        fs::remove_dir(folder.join("ns.a.new")).unwrap();
        published.keep(&all).unwrap();
        assert_eq!(files(&state), ["ns.a", "ns.b"]);
    }

    #[test]
    fn no_file_is_written_elsewhere() {
        let (_folder, state) = state();
        let (mut published, _) = PublishedState::load(&state);
        let all: BTreeMap<_, _> = [kept("../../out", 1), kept("in", 2)].into();
        assert!(published.keep(&all).is_err());
        assert_eq!(files(&state), ["ns.in"]);
    }
}
