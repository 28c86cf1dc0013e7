//! The API-server source: what the operator publishes as Secrets of one namespace, followed as it changes.
//!
//! A list, then a watch from there on. Whatever breaks the watch leads to a new list, since nobody can tell then
//! whether the API server's store is still the one that was listed: one that was restored from a backup counts its
//! revisions from where the backup was made. A watch that ends well is asked for the same.

mod mirror;

use std::collections::BTreeMap;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::{FutureExt, Stream, StreamExt};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ListParams, Resource, ResourceExt, WatchEvent, WatchParams};
use kube::core::{ObjectList, Request};
use kube::{Client, Config};
use tokio::time::{sleep, timeout};
use weir_config::published::{ROOT, SECRET_TYPE};

use self::mirror::{Event, Mirror, Object};
use super::{Kept, Origin, Source, Update};
use crate::rng::Rng;

/// How long the API server lets one watch run. At its end it is seen whether the store is still the same, and a
/// connection that died without a word is found out soon after.
const WATCH: Duration = Duration::from_secs(60);
/// How long after that a watch that has not ended is given up.
const MARGIN: Duration = Duration::from_secs(5);
/// How long one page of a list may take, and the beginning of a watch.
const PATIENCE: Duration = Duration::from_secs(30);
/// Secrets in one page of a list.
const PAGE: u32 = 500;
/// Events that are taken in one step, at most.
const MANY: usize = 4096;
/// How long after a failure it is tried again: this at first, twice as long each time, up to the most. Half of it is
/// left to chance, so that gateways do not come all at once.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// A watch that lasted this long says that all is well again.
const WELL: Duration = Duration::from_secs(10);

/// How often what was published was listed, and how often following it failed.
#[derive(Debug, Default)]
pub struct Followed {
    /// Lists that were completed.
    pub lists: AtomicU64,
    /// Lists and watches that failed.
    pub failures: AtomicU64,
}

/// Follows what is published in `namespace` from now on, on a thread of its own, and begins with what was `kept`.
///
/// # Errors
/// The thread can't be started.
pub fn follow(
    config: Config,
    namespace: &str,
    kept: Option<BTreeMap<String, Arc<Kept>>>,
    followed: Arc<Followed>,
) -> io::Result<Source> {
    let (updates, receiver) = channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let namespace = namespace.to_owned();
    let mut follower = Follower {
        mirror: Mirror::new(kept),
        updates,
    };
    // Its last good version serves before the API server is asked for anything.
    follower.hand_over();
    thread::Builder::new()
        .name("config-cluster".into())
        .spawn(move || runtime.block_on(follower.run(config, &namespace, &followed)))?;
    Ok(Source { updates: receiver })
}

/// Why it can't be followed now. What the API server sent does not stand in it.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("the API server can't be asked: {0}")]
    Request(String),
    #[error("the API server says {code} {reason}: {message}")]
    Refused {
        code: u16,
        reason: String,
        message: String,
    },
    #[error("the API server does not answer")]
    TimedOut,
    #[error("the API server's answer can't be read")]
    Unreadable,
    #[error("the API server knows an older revision than it did: it was restored, or is behind")]
    OtherStore,
}

impl From<kube::Error> for FollowError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Refused {
                code: status.code,
                reason: status.reason,
                message: status.message,
            },
            // It may quote what it can't read.
            kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => Self::Unreadable,
            error => Self::Request(error.to_string()),
        }
    }
}

struct Follower {
    mirror: Mirror,
    updates: Sender<Update>,
}

impl Follower {
    async fn run(mut self, config: Config, namespace: &str, followed: &Followed) {
        let client = match Client::try_from(config) {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(%error, "the API server can't be reached with this configuration");
                return;
            }
        };
        let secrets = Secrets::new(client, namespace);
        let rng = Rng::new();
        let mut failures: u32 = 0;
        let mut told = String::new();
        loop {
            let started = Instant::now();
            let Err(error) = self.follow(&secrets, followed, &mut told).await else {
                return;
            };
            followed.failures.fetch_add(1, Ordering::Relaxed);
            let error = error.to_string();
            if error != told {
                tracing::warn!(%error, namespace, "the published configuration can't be followed; what serves goes on");
                told = error;
            }
            if started.elapsed() > WELL {
                failures = 0;
            }
            let most = (RETRY.0 * 2u32.saturating_pow(failures)).min(RETRY.1);
            failures = failures.saturating_add(1);
            sleep(most.mul_f64(0.5 + rng.fraction() / 2.0)).await;
        }
    }

    /// Lists, then watches until that fails. `Ok` where nobody wants to know any more.
    async fn follow(
        &mut self,
        secrets: &Secrets,
        followed: &Followed,
        told: &mut String,
    ) -> Result<(), FollowError> {
        let (objects, mut revision) = secrets.list().await?;
        followed.lists.fetch_add(1, Ordering::Relaxed);
        if !told.is_empty() {
            tracing::info!(revision, "the published configuration is followed again");
            told.clear();
        }
        self.mirror.list(objects, revision);
        if !self.hand_over() {
            return Ok(());
        }
        loop {
            let mut events = pin!(secrets.watch(revision).await?);
            while let Some(event) = next(&mut events).await? {
                // What has come meanwhile is taken in one step.
                let mut batch = Vec::new();
                revision = take(event, &mut batch)?.max(revision);
                while batch.len() < MANY
                    && let Some(Some(event)) = events.next().now_or_never()
                {
                    revision = take(event?, &mut batch)?.max(revision);
                }
                if batch.is_empty() {
                    continue;
                }
                self.mirror.happened(batch);
                if !self.hand_over() {
                    return Ok(());
                }
            }
            if secrets.newest().await? < revision {
                return Err(FollowError::OtherStore);
            }
        }
    }

    /// Hands over what serves; false when nobody listens any more.
    fn hand_over(&mut self) -> bool {
        let Some((snapshot, publication)) = self.mirror.serving() else {
            return true;
        };
        let update = Update {
            snapshot,
            origin: Origin::Cluster(publication),
        };
        self.updates.send(update).is_ok()
    }
}

/// Waits for the next event; none at the end of the watch, and where the connection seems dead.
async fn next(
    events: &mut (impl Stream<Item = kube::Result<WatchEvent<Secret>>> + Unpin),
) -> Result<Option<WatchEvent<Secret>>, FollowError> {
    match timeout(WATCH + MARGIN, events.next()).await {
        Ok(event) => Ok(event.transpose()?),
        Err(_) => Err(FollowError::TimedOut),
    }
}

/// Puts what an event says behind what others said, and gives its revision.
fn take(event: WatchEvent<Secret>, batch: &mut Vec<Event>) -> Result<u64, FollowError> {
    match event {
        WatchEvent::Added(secret) | WatchEvent::Modified(secret) => {
            let object = object(secret)?;
            let revision = object.revision;
            batch.push(Event::Applied(object));
            Ok(revision)
        }
        WatchEvent::Deleted(secret) => {
            let revision = revision(secret.metadata.resource_version.as_deref())?;
            batch.push(Event::Deleted(secret.name_any(), revision));
            Ok(revision)
        }
        WatchEvent::Bookmark(mark) => revision(Some(&mark.metadata.resource_version)),
        WatchEvent::Error(status) => Err(kube::Error::Api(status).into()),
    }
}

/// Kubernetes orders the resourceVersions of one kind as integers
/// (<https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>).
fn revision(version: Option<&str>) -> Result<u64, FollowError> {
    version
        .and_then(|version| version.parse().ok())
        .ok_or(FollowError::Unreadable)
}

fn object(secret: Secret) -> Result<Object, FollowError> {
    let data = secret.data.unwrap_or_default();
    Ok(Object {
        revision: revision(secret.metadata.resource_version.as_deref())?,
        name: secret.metadata.name.unwrap_or_default(),
        annotations: secret.metadata.annotations.unwrap_or_default(),
        data: data
            .into_iter()
            .map(|(name, value)| (name, value.0))
            .collect(),
    })
}

/// The operator's Secrets.
struct Secrets {
    client: Client,
    api: Api<Secret>,
    path: Request,
    selector: String,
}

impl Secrets {
    fn new(client: Client, namespace: &str) -> Self {
        Self {
            api: Api::namespaced(client.clone(), namespace),
            client,
            path: Request::new(Secret::url_path(&(), Some(namespace))),
            selector: format!("type={SECRET_TYPE}"),
        }
    }

    /// All of them, and the revision of the list.
    async fn list(&self) -> Result<(Vec<Object>, u64), FollowError> {
        let mut objects = Vec::new();
        let mut params = ListParams::default().fields(&self.selector).limit(PAGE);
        loop {
            let list = self.page(&params).await?;
            for secret in list.items {
                objects.push(object(secret)?);
            }
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params.continue_token = Some(token),
                None => {
                    let revision = revision(list.metadata.resource_version.as_deref())?;
                    return Ok((objects, revision));
                }
            }
        }
    }

    /// The revision that the store is at, by a list of one at most.
    async fn newest(&self) -> Result<u64, FollowError> {
        let selector = format!("{},metadata.name={ROOT}", self.selector);
        let list = self.page(&ListParams::default().fields(&selector)).await?;
        revision(list.metadata.resource_version.as_deref())
    }

    /// The client's own list would log an answer that it can't read, and there are credentials in it.
    async fn page(&self, params: &ListParams) -> Result<ObjectList<Secret>, FollowError> {
        let request = self
            .path
            .list(params)
            .map_err(|error| FollowError::Request(error.to_string()))?;
        let text = timeout(PATIENCE, self.client.request_text(request))
            .await
            .map_err(|_| FollowError::TimedOut)??;
        serde_json::from_str(&text).map_err(|_| FollowError::Unreadable)
    }

    async fn watch(
        &self,
        from: u64,
    ) -> Result<impl Stream<Item = kube::Result<WatchEvent<Secret>>> + use<>, FollowError> {
        let seconds = u32::try_from(WATCH.as_secs()).unwrap_or(u32::MAX);
        let params = WatchParams::default()
            .fields(&self.selector)
            .timeout(seconds);
        let from = from.to_string();
        timeout(PATIENCE, self.api.watch(&params, &from))
            .await
            .map_err(|_| FollowError::TimedOut)?
            .map_err(Into::into)
    }
}
