//! One watch, begun anew for as long as the process lives.

use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, watch};

use super::{Change, Input, Message, Scope};
use crate::client::chain;
use crate::metrics::Metrics;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(super) struct Follow {
    /// What is watched, for the log and the metrics.
    pub(super) name: String,
    pub(super) watch: usize,
    pub(super) scope: Scope,
    pub(super) sender: mpsc::Sender<Message>,
    pub(super) again: watch::Receiver<u64>,
    pub(super) metrics: Metrics,
}

/// Why one round ended.
enum End {
    /// It failed.
    Failed(watcher::Error),
    /// It was told to begin anew.
    Again,
    /// Nobody listens any more.
    Unheard,
}

impl Follow {
    pub(super) async fn run<K, T>(
        mut self,
        api: Api<K>,
        config: watcher::Config,
        take: impl Fn(K) -> T,
        wrap: impl Fn(Change<T>) -> Input,
    ) where
        K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let mut pause = FIRST_PAUSE;
        let mut failing = false;
        loop {
            let mut listed = false;
            let end = self
                .round(&api, &config, &take, &wrap, &mut listed, failing)
                .await;
            if listed {
                (pause, failing) = (FIRST_PAUSE, false);
            }
            match end {
                End::Unheard => return,
                End::Again => continue,
                End::Failed(error) => {
                    self.metrics.watch_failed(&self.name);
                    // Once is enough until it is well again.
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(
                            watch = self.name,
                            scope = ?self.scope,
                            "watch failed, and is tried again: {}",
                            said(&error)
                        );
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // Whoever asks for a list knows that the API server answers.
                _ = self.again.changed() => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// From a list to the first failure.
    async fn round<K, T>(
        &mut self,
        api: &Api<K>,
        config: &watcher::Config,
        take: &impl Fn(K) -> T,
        wrap: &impl Fn(Change<T>) -> Input,
        listed: &mut bool,
        failing: bool,
    ) -> End
    where
        K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let epoch = *self.again.borrow_and_update();
        let mut events = pin!(watcher(api.clone(), config.clone()));
        let mut list = Vec::new();
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                changed = self.again.changed() => match changed {
                    Ok(()) => return End::Again,
                    Err(_) => return End::Unheard,
                },
            };
            let change = match event {
                None => return End::Unheard,
                Some(Err(error)) => return End::Failed(error),
                Some(Ok(Event::Init)) => {
                    list = Vec::new();
                    continue;
                }
                Some(Ok(Event::InitApply(object))) => {
                    list.push(take(object));
                    continue;
                }
                Some(Ok(Event::InitDone)) => {
                    *listed = true;
                    if failing {
                        tracing::info!(watch = self.name, scope = ?self.scope, "watch is well again");
                    }
                    Change::List(std::mem::take(&mut list))
                }
                Some(Ok(Event::Apply(object))) => Change::Apply(take(object)),
                Some(Ok(Event::Delete(object))) => Change::Delete(take(object)),
            };
            let message = Message {
                watch: self.watch,
                epoch,
                scope: self.scope.clone(),
                input: wrap(change),
            };
            if self.sender.send(message).await.is_err() {
                return End::Unheard;
            }
        }
    }
}

/// What went wrong, without what the server may quote of objects.
fn said(error: &watcher::Error) -> String {
    let kube = match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => error,
        watcher::Error::WatchError(status) => {
            return format!("{} ({})", status.reason, status.code);
        }
        watcher::Error::NoResourceVersion => return error.to_string(),
    };
    match kube {
        kube::Error::Api(status) => format!("{} ({})", status.reason, status.code),
        kube::Error::SerdeError(_) => "the answer can't be read".into(),
        error => chain(error),
    }
}
