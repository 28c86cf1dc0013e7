//! What the watches tell, and what is read because of it.

use std::time::Instant;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use weir_config::Kind;

use super::{READ_AGAIN, READS, Read, Reconciler};
use crate::client::{Failure, within};
use crate::publication::Verdict;
use crate::store::News;
use crate::watch::seen::{KeySecret, PublishedSeen};
use crate::watch::slim::Slim;
use crate::watch::{Change, Input, Message};

impl Reconciler {
    pub(super) async fn take(&mut self, message: Message) {
        let now = Instant::now();
        let Message {
            watch,
            epoch,
            scope,
            input,
        } = message;
        let listed = is_list(&input);
        match input {
            Input::Object(kind, change) => {
                let (touched, news) = self.store.objects_changed(&kind, &scope, change);
                self.tell(news, now);
                for id in touched {
                    self.touched(&id, now);
                }
            }
            Input::Namespace(change) => {
                let news = self.store.namespaces_changed(&scope, change);
                self.tell(news, now);
            }
            Input::Secret(change) => {
                let news = self.store.secrets.seen(&scope, change, now);
                self.tell(news, now);
            }
            Input::KeySecret(change) => {
                let news = self.store.secrets.keys_seen(&scope, change, now);
                self.tell(news, now);
            }
            Input::Account(change) => {
                let news = self.store.accounts_changed(&scope, change);
                self.tell(news, now);
            }
            Input::Pod(change) => match change {
                Change::List(all) => self.fleet.list_pods(all),
                Change::Apply(pod) => self.fleet.pod(pod),
                Change::Delete(pod) => self.fleet.pod_gone(&pod.name),
            },
            Input::Lease(change) => match change {
                Change::List(all) => self.fleet.list_leases(all, now),
                Change::Apply(lease) => self.fleet.lease(lease, now),
                Change::Delete(lease) => self.fleet.lease_gone(&lease.meta.name),
            },
            Input::Published(change) => self.published_seen(&change, now).await,
        }
        if listed && epoch == self.epoch && self.unlisted.remove(&watch) && !self.known {
            self.parts.readiness.waiting(self.unlisted.len());
            if self.unlisted.is_empty() {
                self.known = true;
                self.listed = now;
                tracing::info!("every watch has finished its first list");
            }
        }
    }

    /// Tells the compiler.
    pub(super) fn tell(&mut self, news: Vec<News>, now: Instant) {
        for one in news {
            self.changed.get_or_insert(now);
            if let News::Put(id, _) | News::Remove(id) = &one
                && id.kind == Kind::AiProvider
            {
                self.referring.insert(id.namespace.clone());
            }
            one.tell(&mut self.workspace);
        }
    }

    /// Finds out which Secrets the providers that changed refer to.
    pub(super) fn settle_references(&mut self, now: Instant) {
        for namespace in std::mem::take(&mut self.referring) {
            let names = self.workspace.wanted_secrets(&namespace);
            let news = self.store.secrets.want(&namespace, names, now);
            self.tell(news, now);
        }
    }

    pub(super) fn read_secrets(&mut self, now: Instant) {
        while self.read_again.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, name)) = self.read_again.pop_front() {
                self.store.secrets.not_read(&name, now);
            }
        }
        self.to_read.extend(self.store.secrets.take_to_read());
        while self.reads.len() < READS {
            let Some((namespace, name)) = self.to_read.pop_front() else {
                return;
            };
            let api: Api<Slim<Secret>> = Api::namespaced(self.parts.client.clone(), &namespace);
            self.reads.spawn(async move {
                let found = match within(api.get(&name)).await {
                    Ok(Slim(secret)) => Ok(Some(KeySecret::of(secret))),
                    Err(Failure::Gone) => Ok(None),
                    Err(failure) => Err(failure),
                };
                ((namespace, name), found)
            });
        }
    }

    pub(super) fn was_read(&mut self, (name, found): Read) {
        let now = Instant::now();
        match found {
            Ok(found) => {
                self.unread.remove(&name);
                let news = self.store.secrets.was_read(&name, found, now);
                self.tell(news, now);
            }
            Err(failure) => {
                let (namespace, secret) = &name;
                // Once is enough until it can be read.
                if !self.unread.contains(&name) {
                    tracing::warn!(
                        namespace,
                        secret,
                        "a Secret can't be read, and is tried again: {failure}"
                    );
                    self.unread.insert(name.clone());
                }
                self.read_again.push_back((now + READ_AGAIN, name));
            }
        }
    }

    async fn published_seen(&mut self, change: &Change<PublishedSeen>, now: Instant) {
        let Some(leading) = self.turn.leading() else {
            return;
        };
        let publication = &mut leading.publication;
        let verdict = match change {
            Change::List(all) => publication.listed(all, now),
            Change::Apply(seen) => publication.seen(seen, now),
            Change::Delete(seen) => publication.gone(&seen.name, &seen.version, now),
        };
        self.judge_publication(verdict, now).await;
    }

    /// What follows from news of what is published.
    pub(super) async fn judge_publication(&mut self, verdict: Verdict, now: Instant) {
        match verdict {
            Verdict::Echo => {}
            Verdict::Edited => self.edited(now),
            Verdict::Foreign => {
                self.start_over("what is published was changed by someone else", now)
                    .await;
                // It may have been put back to an earlier state, with all else.
                self.list_anew(now);
            }
        }
    }
}

fn is_list(input: &Input) -> bool {
    match input {
        Input::Object(_, change) => matches!(change, Change::List(_)),
        Input::Namespace(change)
        | Input::Secret(change)
        | Input::Account(change)
        | Input::Pod(change) => matches!(change, Change::List(_)),
        Input::KeySecret(change) => matches!(change, Change::List(_)),
        Input::Lease(change) => matches!(change, Change::List(_)),
        Input::Published(change) => matches!(change, Change::List(_)),
    }
}
