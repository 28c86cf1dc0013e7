//! Beginning to lead: the root says so first, then what is published is read back. There lives last good.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use weir_config::Snapshot;
use weir_config::published::{self, DecodeError, Root, Stamp};
use weir_config::snapshot::Shard;

use super::write::Writer;
use super::{Index, Known, revision};
use crate::client::{Failure, within};
use crate::watch::seen::PublishedSeen;

/// Secrets a page: each may hold 700 KiB.
const PAGE: u32 = 50;

/// What was read back.
#[derive(Debug)]
pub struct Back {
    /// The root, as it was written before.
    pub root: Root,
    /// Its resourceVersion.
    pub root_version: String,
    /// The term of whoever led before, if anything says so.
    pub before: Option<u64>,
    /// The Secrets of namespaces.
    pub indexes: BTreeMap<String, Found>,
    /// The parts.
    pub parts: BTreeMap<String, Known>,
    /// Last good.
    pub snapshot: Snapshot,
}

/// The Secret of a namespace that was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub index: Index,
    /// Nobody can use it as it is.
    pub rewrite: bool,
}

/// Writes the root with a term that no leader had before, then reads all that is published.
///
/// # Errors
/// [`Failure::Conflict`]: someone else wrote the root at the same time.
pub async fn take_over(writer: &Writer, format: Option<u32>, term: u64) -> Result<Back, Failure> {
    let api = &writer.api;
    let found = match within(api.get(published::ROOT)).await {
        Ok(secret) => Some(secret),
        Err(Failure::Gone) => None,
        Err(failure) => return Err(failure),
    };
    let before = found
        .as_ref()
        .and_then(|secret| Root::decode(&data(secret)).ok());
    let seen = found.map(PublishedSeen::of);
    let annotated = seen.as_ref().and_then(|seen| seen.term);
    let led = before.map(|root| root.term).max(annotated);
    let root = Root {
        format: format
            .or(before.map(|root| root.format))
            .filter(|format| weir_config::snapshot::FORMATS.contains(format))
            .unwrap_or(weir_config::snapshot::FORMAT),
        term: led.unwrap_or(0).max(term) + 1,
    };
    let known = seen.map(|seen| Known {
        version: seen.version,
        digest: seen.digest,
    });
    let written = writer.put(&root.encode(), known.as_ref()).await?;
    let mut back = Back {
        root,
        root_version: written.version,
        before: led,
        indexes: BTreeMap::new(),
        parts: BTreeMap::new(),
        snapshot: Snapshot::default(),
    };
    let secrets = Reader {
        whole: BTreeMap::new(),
        other_format: BTreeSet::new(),
        parts: BTreeMap::new(),
    };
    secrets.read(writer, &mut back).await?;
    Ok(back)
}

/// What one Secret of a namespace holds, before its parts are joined.
enum Content {
    Whole(Box<Shard>),
    Parts(Vec<String>),
}

struct Reader {
    whole: BTreeMap<String, (PublishedSeen, Result<Content, DecodeError>)>,
    /// Namespaces whose Secret is of another format than is written now.
    other_format: BTreeSet<String>,
    parts: BTreeMap<String, Vec<u8>>,
}

impl Reader {
    async fn read(mut self, writer: &Writer, back: &mut Back) -> Result<(), Failure> {
        let mut params = ListParams::default()
            .fields(&format!("type={}", published::SECRET_TYPE))
            .limit(PAGE);
        loop {
            let page = within(writer.api.list(&params)).await?;
            for secret in page.items {
                self.take(secret, back);
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params.continue_token = Some(token),
                None => break,
            }
        }
        for (namespace, (seen, content)) in std::mem::take(&mut self.whole) {
            self.take_up(&namespace, &seen, content, back);
        }
        Ok(())
    }

    fn take(&mut self, secret: Secret, back: &mut Back) {
        let data = data(&secret);
        let annotations = secret.metadata.annotations.clone().unwrap_or_default();
        let seen = PublishedSeen::of(secret);
        if seen.name == published::ROOT {
            return;
        }
        let Some(namespace) = published::namespace_of(&seen.name) else {
            back.parts.insert(
                seen.name.clone(),
                Known {
                    version: seen.version,
                    digest: seen.digest,
                },
            );
            if let Some(bytes) = data.get(published::PART_ENTRY) {
                self.parts.insert(seen.name, bytes.clone());
            }
            return;
        };
        let content = Stamp::read(&annotations).and_then(|stamp| {
            if stamp.format != back.root.format {
                self.other_format.insert(namespace.to_owned());
            }
            Ok(match published::read_index(&data)? {
                published::Index::Whole(shard) => Content::Whole(Box::new(shard)),
                published::Index::Parts(names) => Content::Parts(names),
            })
        });
        self.whole.insert(namespace.to_owned(), (seen, content));
    }

    fn take_up(
        &self,
        namespace: &str,
        seen: &PublishedSeen,
        content: Result<Content, DecodeError>,
        back: &mut Back,
    ) {
        let mut names = Vec::new();
        let shard = content.and_then(|content| match content {
            Content::Whole(shard) => Ok(*shard),
            Content::Parts(parts) => {
                let bytes = parts
                    .iter()
                    .map(|part| self.parts.get(part).map(Vec::as_slice));
                let bytes: Option<Vec<&[u8]>> = bytes.collect();
                names = parts.clone();
                let bytes = bytes.ok_or(DecodeError::Missing(published::PART_ENTRY))?;
                published::join(bytes)
            }
        });
        let mut rewrite = is_passed_over(seen, back) || self.other_format.contains(namespace);
        match shard {
            Ok(shard) if shard.namespace == namespace => {
                back.snapshot
                    .namespaces
                    .insert(namespace.to_owned(), Arc::new(shard));
            }
            Ok(_) => {
                tracing::error!(
                    namespace,
                    "what is published is another namespace's: it is written anew"
                );
                rewrite = true;
            }
            Err(error) => {
                tracing::error!(
                    namespace,
                    "what is published {error}: it is written anew, without last good versions of what is refused"
                );
                rewrite = true;
            }
        }
        let index = Index {
            known: Known {
                version: seen.version.clone(),
                digest: seen.digest,
            },
            parts: names,
        };
        back.indexes
            .insert(namespace.to_owned(), Found { index, rewrite });
    }
}

/// Whether gateways pass it over, since a leader wrote it that had been replaced by then.
fn is_passed_over(seen: &PublishedSeen, back: &Back) -> bool {
    seen.term != Some(back.root.term) && revision(&seen.version) > revision(&back.root_version)
}

fn data(secret: &Secret) -> BTreeMap<String, Vec<u8>> {
    let data = secret.data.iter().flatten();
    data.map(|(name, ByteString(bytes))| (name.clone(), bytes.clone()))
        .collect()
}
