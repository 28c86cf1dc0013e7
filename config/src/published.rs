//! What is published: a snapshot as the entries of Kubernetes Secrets, and back.
//!
//! Each namespace's [`Shard`] is a Secret of its own, so that a change in one rewrites that one. A shard that is too
//! big for one Secret is cut into parts that are named by what they hold; they are written before the index that names
//! them and deleted after it, so that whoever reads the index finds them. The Secret [`ROOT`] says that there is a
//! publication at all.
//!
//! Nothing here knows Kubernetes: an [`Entry`] is what a Secret says. The bytes are a function of the shard and the
//! format, so that what did not change need not be written.

mod decode;
mod older;

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};

use crate::snapshot::{FORMATS, Sha256, Shard};
use crate::verdict::Kind;

pub use decode::{DecodeError, Index, Stamp, join, read_index};

/// The type of each of the Secrets.
pub const SECRET_TYPE: &str = "weir.dev/config";
/// The name of the root. It comes before all others, because the API server deletes in the order of names where a
/// namespace or all Secrets in it go: without a root gateways take nothing away.
pub const ROOT: &str = "0-root";
/// The one entry of the root.
pub const ROOT_ENTRY: &str = "root";
/// The most bytes of an entry. A Secret may hold 1 MiB, and etcd takes 1.5 MiB with the JSON and base64 around it.
pub const MAX_BYTES: usize = 700 * 1024;
/// The most bytes that a shard may have when it is unpacked.
pub const MAX_UNPACKED: usize = 64 * 1024 * 1024;
/// The label that says who manages the Secret, which is always [`MANAGED_BY`].
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY_LABEL`].
pub const MANAGED_BY: &str = "weir-operator";
/// The label that says which of them a Secret is: [`ROLE_ROOT`], [`ROLE_SHARD`] or [`ROLE_PART`].
pub const ROLE_LABEL: &str = "weir.dev/config";
/// The root.
pub const ROLE_ROOT: &str = "root";
/// The index of a namespace, which is all of it where it is small.
pub const ROLE_SHARD: &str = "shard";
/// A part of a shard.
pub const ROLE_PART: &str = "part";
/// The annotation of the root and the shards that holds their format.
pub const FORMAT_ANNOTATION: &str = "weir.dev/format";
/// The annotation of the root and the shards that holds the term of the leader that wrote them.
pub const TERM_ANNOTATION: &str = "weir.dev/term";
/// The entry of a shard that holds all of it.
pub const SHARD_ENTRY: &str = "shard";
/// The entry of a shard that names its parts, as a JSON array.
pub const PARTS_ENTRY: &str = "parts";
/// The entry of a part.
pub const PART_ENTRY: &str = "part";

/// What one Secret says.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its data, not in base64.
    pub data: BTreeMap<String, Vec<u8>>,
}

/// What the root says. Whatever else stands there is passed over: it is read before anything says which format it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Root {
    /// The format that shards are written in.
    pub format: u32,
    /// How often the lead has changed hands; it only rises.
    pub term: u64,
}

/// A shard as it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// What must be there before the index is written: none for a shard that fits in it.
    pub parts: Vec<Entry>,
    /// The Secret of the namespace.
    pub index: Entry,
}

/// The name of the Secret of a namespace.
#[must_use]
pub fn shard_name(namespace: &str) -> String {
    format!("ns.{namespace}")
}

/// The namespace whose Secret has this name; none if it is no name of one.
#[must_use]
pub fn namespace_of(name: &str) -> Option<&str> {
    name.strip_prefix("ns.")
        .filter(|namespace| !namespace.is_empty())
}

/// The highest format that is read here and by everyone who reads one of `theirs`; none if there is no such format.
///
/// `theirs` has the formats of each reader. Without any reader it is the newest.
#[must_use]
pub fn common_format<'a>(theirs: impl IntoIterator<Item = &'a [u32]>) -> Option<u32> {
    let mut common = FORMATS.to_vec();
    for formats in theirs {
        common.retain(|format| formats.contains(format));
    }
    common.into_iter().max()
}

impl Root {
    /// The root's Secret.
    #[must_use]
    pub fn encode(&self) -> Entry {
        let text = format!(r#"{{"format":{},"term":{}}}"#, self.format, self.term);
        Entry {
            name: ROOT.to_owned(),
            labels: labels(ROLE_ROOT),
            annotations: annotations(self.format, self.term),
            data: BTreeMap::from([(ROOT_ENTRY.to_owned(), text.into_bytes())]),
        }
    }

    /// Reads the data of the root's Secret. Its format may be one that is not read here: that is for the caller to
    /// judge, as an operator that finds a newer one must know of it.
    ///
    /// # Errors
    /// It is not what [`Root::encode`] writes.
    pub fn decode(data: &BTreeMap<String, Vec<u8>>) -> Result<Self, DecodeError> {
        let bytes = data
            .get(ROOT_ENTRY)
            .ok_or(DecodeError::Missing(ROOT_ENTRY))?;
        serde_json::from_slice(bytes).map_err(|error| DecodeError::content(&error))
    }
}

/// A shard in the highest of [`FORMATS`] that is no higher than `format`, or the lowest if all are.
///
/// What the format can't say is left out, and it fails closed: in format 2 there is no provider of a dialect that it does
/// not know, and the routes that lead to one do without.
/// The same shard always comes to the same bytes.
#[must_use]
pub fn encode(shard: &Shard, format: u32, term: u64) -> Encoded {
    let known = FORMATS.into_iter().filter(|known| *known <= format).max();
    let format = known.unwrap_or(FORMATS[0]);
    let packed = pack(&older::down(shard, format));
    let (parts, entry) = if packed.len() <= MAX_BYTES {
        (Vec::new(), (SHARD_ENTRY, packed))
    } else {
        let parts: Vec<Entry> = packed.chunks(MAX_BYTES).map(part).collect();
        let names: Vec<String> = parts
            .iter()
            .map(|part| format!("\"{}\"", part.name))
            .collect();
        let names = format!("[{}]", names.join(","));
        (parts, (PARTS_ENTRY, names.into_bytes()))
    };
    let index = Entry {
        name: shard_name(&shard.namespace),
        labels: labels(ROLE_SHARD),
        annotations: annotations(format, term),
        data: BTreeMap::from([(entry.0.to_owned(), entry.1)]),
    };
    Encoded { parts, index }
}

/// Whether a resource of a shard is written as it is in a format: otherwise [`encode`] leaves it out, or something of it,
/// and those who read that format don't serve it as it stands in the shard.
#[must_use]
pub fn is_whole(shard: &Shard, format: u32, kind: &Kind, name: &str) -> bool {
    older::is_whole(shard, format, kind, name)
}

/// A part, named by what it holds. Two that hold the same are one.
fn part(bytes: &[u8]) -> Entry {
    let hash = Sha256::of(bytes).to_string();
    Entry {
        name: format!("part.{}", &hash[..40]),
        labels: labels(ROLE_PART),
        annotations: BTreeMap::new(),
        data: BTreeMap::from([(PART_ENTRY.to_owned(), bytes.to_vec())]),
    }
}

/// Gzip (RFC 1952) with no time and no system in its header, so that the same shard is the same bytes.
#[expect(
    clippy::expect_used,
    reason = "a shard is maps with texts as keys, and a Vec takes every byte"
)]
fn pack(shard: &Shard) -> Vec<u8> {
    const UNKNOWN_SYSTEM: u8 = 255;
    let header = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM);
    let mut writer = header.write(Vec::new(), Compression::default());
    let text = serde_json::to_vec(shard).expect("a shard is written as JSON");
    writer.write_all(&text).expect("a Vec takes every byte");
    writer.finish().expect("a Vec takes every byte")
}

fn labels(role: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned()),
        (ROLE_LABEL.to_owned(), role.to_owned()),
    ])
}

fn annotations(format: u32, term: u64) -> BTreeMap<String, String> {
    BTreeMap::from([
        (FORMAT_ANNOTATION.to_owned(), format.to_string()),
        (TERM_ANNOTATION.to_owned(), term.to_string()),
    ])
}

/// Without the data: there are credentials in it.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sizes: BTreeMap<&str, usize> = self
            .data
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.len()))
            .collect();
        f.debug_struct("Entry")
            .field("name", &self.name)
            .field("labels", &self.labels)
            .field("annotations", &self.annotations)
            .field("bytes", &sizes)
            .finish()
    }
}

#[cfg(test)]
mod tests;
