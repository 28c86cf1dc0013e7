//! Writing what is published: parts first, the index last, each with the version that is known of it.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{DeleteParams, PostParams, Preconditions};
use tokio::sync::watch;
use weir_config::published::{self, Entry};

use super::{Index, Job, Known, Written, pace};
use crate::client::{Failure, within};
use crate::leader::Lead;
use crate::metrics::Metrics;
use crate::watch::seen::digest;

/// Writes published Secrets for as long as this process leads.
#[derive(Clone)]
pub struct Writer {
    /// The Secrets of the config namespace.
    pub api: Api<Secret>,
    /// Whether it leads.
    pub lead: watch::Receiver<Lead>,
    /// In which turn of its lead this may write.
    pub turn: u64,
    /// Counts.
    pub metrics: Metrics,
}

impl Writer {
    /// Does a job.
    ///
    /// # Errors
    /// [`Failure::Conflict`]: someone else wrote. Whatever it is, nothing that was there is harmed: the index is
    /// written last.
    pub async fn run(&self, job: &mut Job) -> Result<Written, Failure> {
        let Some(shard) = job.shard.clone() else {
            if let Some(index) = &job.index {
                job.spent += pace::cost(0);
                self.delete(&published::shard_name(&job.namespace), &index.known)
                    .await?;
            }
            return Ok(Written {
                index: None,
                parts: BTreeMap::new(),
            });
        };
        let root = job.root;
        // Compressing a large shard takes longer than others should wait.
        let encoded =
            tokio::task::block_in_place(|| published::encode(&shard, root.format, root.term));
        let names = encoded.parts.iter().map(|part| part.name.clone()).collect();
        if let Some(index) = &job.index
            && !job.force
            && index.known.digest == digest_of(&encoded.index)
        {
            return Ok(Written {
                index: Some(index.clone()),
                parts: BTreeMap::new(),
            });
        }
        let mut parts = BTreeMap::new();
        for part in &encoded.parts {
            let known = job.parts.get(&part.name);
            if known.is_some_and(|known| known.digest == digest_of(part)) {
                continue;
            }
            // Whatever comes of it: where no answer comes, it may be written all the same.
            job.spent += pace::cost(size(part));
            parts.insert(part.name.clone(), self.put(part, known).await?);
        }
        let known = job.index.as_ref().map(|index| &index.known);
        job.spent += pace::cost(size(&encoded.index));
        let known = self.put(&encoded.index, known).await?;
        Ok(Written {
            index: Some(Index {
                known,
                parts: names,
            }),
            parts,
        })
    }

    /// Makes an entry, or replaces the one that is known.
    ///
    /// # Errors
    /// See [`run`](Self::run).
    pub async fn put(&self, entry: &Entry, known: Option<&Known>) -> Result<Known, Failure> {
        self.may_write()?;
        let params = PostParams::default();
        let secret = secret(entry, known.map(|known| known.version.clone()));
        let (verb, written) = match known {
            Some(_) => (
                "update",
                within(self.api.replace(&entry.name, &params, &secret)).await,
            ),
            None => ("create", within(self.api.create(&params, &secret)).await),
        };
        let written = match written {
            // It was taken away since: to whoever knows that it was there that is a change as any.
            Err(Failure::Gone) if known.is_some() => return Err(Failure::Conflict),
            Err(Failure::Gone) => {
                return Err(Failure::Unwell("the config namespace is not there".into()));
            }
            other => other?,
        };
        self.metrics.wrote_secret(verb, size(entry));
        Ok(Known {
            version: written.metadata.resource_version.unwrap_or_default(),
            digest: digest_of(entry),
        })
    }

    /// Takes a Secret away, if it still is the one that is known. One that is gone already is gone.
    ///
    /// # Errors
    /// See [`run`](Self::run).
    pub async fn delete(&self, name: &str, known: &Known) -> Result<(), Failure> {
        self.may_write()?;
        let params = DeleteParams::default().preconditions(Preconditions {
            resource_version: Some(known.version.clone()),
            uid: None,
        });
        match within(self.api.delete(name, &params)).await {
            Ok(_) => {
                self.metrics.wrote_secret("delete", 0);
                Ok(())
            }
            Err(Failure::Gone) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    fn may_write(&self) -> Result<(), Failure> {
        let lead = *self.lead.borrow();
        if lead.leading && lead.turn == self.turn {
            Ok(())
        } else {
            Err(Failure::Conflict)
        }
    }
}

fn size(entry: &Entry) -> usize {
    entry.data.values().map(Vec::len).sum()
}

/// A number for what an entry says, terms aside; the same as for the Secret that it becomes.
pub fn digest_of(entry: &Entry) -> u64 {
    digest(&entry.data, &entry.annotations, &entry.labels)
}

fn secret(entry: &Entry, version: Option<String>) -> Secret {
    let data = entry.data.iter();
    Secret {
        metadata: ObjectMeta {
            name: Some(entry.name.clone()),
            labels: Some(entry.labels.clone()),
            annotations: Some(entry.annotations.clone()).filter(|all| !all.is_empty()),
            resource_version: version,
            ..ObjectMeta::default()
        },
        data: Some(
            data.map(|(name, bytes)| (name.clone(), ByteString(bytes.clone())))
                .collect(),
        ),
        type_: Some(published::SECRET_TYPE.to_owned()),
        ..Secret::default()
    }
}
