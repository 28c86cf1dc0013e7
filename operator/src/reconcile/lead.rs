//! Taking the lead and losing it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Api;
use tokio::task::JoinSet;
use weir_config::compile::Workspace;
use weir_config::published;

use super::judged::Leading;
use super::{Done, Reconciler};
use crate::client::Failure;
use crate::publication::read::{Back, take_over};
use crate::publication::write::Writer;
use crate::publication::{Publication, revision};

/// How long to wait before beginning anew, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How old lists may be for a leader to begin with them.
const FRESH: Duration = Duration::from_secs(2);

/// What this process does.
pub(super) enum Turn {
    /// It follows along.
    Standby,
    /// It leads, and reads back what is published.
    Beginning {
        /// When to do so.
        at: Instant,
        /// It is doing so.
        under_way: bool,
    },
    /// It leads.
    Leading(Box<Leading>),
}

impl Turn {
    pub(super) fn leading(&mut self) -> Option<&mut Leading> {
        match self {
            Self::Leading(leading) => Some(leading),
            Self::Standby | Self::Beginning { .. } => None,
        }
    }
}

impl Reconciler {
    /// Sees who leads, and says whether this process could.
    pub(super) fn take_up_lead(&mut self, now: Instant) {
        let fit = self.known && self.parts.schema.borrow_and_update().is_none();
        self.parts
            .fit
            .send_if_modified(|before| std::mem::replace(before, fit) != fit);
        let lead = *self.lead.borrow_and_update();
        if lead.restored > self.restored {
            self.restored = lead.restored;
            tracing::warn!(
                "the Lease is older than it was: the API server's store was put back, and all is listed anew"
            );
            self.fleet.restored();
            self.list_anew(now);
            if !matches!(self.turn, Turn::Standby) {
                self.drop_work();
                self.begin(now);
            }
        }
        self.parts.metrics.leader.set(i64::from(lead.leading));
        let turn = match &self.turn {
            Turn::Standby => None,
            Turn::Beginning { .. } | Turn::Leading(_) => Some(self.led),
        };
        if lead.leading {
            if turn != Some(lead.turn) {
                self.drop_work();
                self.led = lead.turn;
                self.begin(now);
                // Another may have published what is not known here: a watch may stand still for a while before it
                // is found out, and then what is older would win over what is newer.
                if now.saturating_duration_since(self.listed) > FRESH {
                    self.list_anew(now);
                }
            }
            self.begin_if_due(now);
        } else if turn.is_some() {
            self.drop_work();
            self.turn = Turn::Standby;
        }
    }

    /// Makes all watches begin anew with a list. Nobody begins to lead before they have ended it.
    pub(super) fn list_anew(&mut self, now: Instant) {
        self.listed = now;
        self.epoch += 1;
        self.unlisted = (0..self.parts.watches.count).collect();
        self.parts.again.send_replace(self.epoch);
    }

    /// Nothing more is written from here on: tasks end where they stand.
    fn drop_work(&mut self) {
        self.work = JoinSet::new();
        self.deleting.clear();
    }

    fn begin(&mut self, at: Instant) {
        self.turn = Turn::Beginning {
            at,
            under_way: false,
        };
    }

    fn writer(&self) -> Writer {
        Writer {
            api: Api::namespaced(self.parts.client.clone(), &self.parts.config_namespace),
            lead: self.lead.clone(),
            turn: self.led,
            metrics: self.parts.metrics.clone(),
        }
    }

    fn begin_if_due(&mut self, now: Instant) {
        let Turn::Beginning { at, under_way } = &mut self.turn else {
            return;
        };
        if *under_way || *at > now || !self.unlisted.is_empty() {
            return;
        }
        *under_way = true;
        let formats = self.fleet.summary(now).formats;
        let format = if formats.is_empty() {
            None
        } else {
            published::common_format(formats.iter().map(Vec::as_slice))
        };
        let (writer, term) = (self.writer(), self.term);
        self.work.spawn(async move {
            let back = take_over(&writer, format, term).await;
            Done::Took(back.map(Box::new))
        });
    }

    /// What is published was read back: from here on this process compiles.
    pub(super) async fn took(&mut self, back: Result<Box<Back>, Failure>) {
        let now = Instant::now();
        match back {
            Ok(mut back) => {
                self.keep_own(&mut back);
                self.term = back.root.term;
                let newest = revision(&back.root_version);
                self.fleet.wrote(newest);
                self.parts
                    .metrics
                    .published_revision
                    .set(newest.cast_signed());
                tracing::info!(
                    term = back.root.term,
                    format = back.root.format,
                    namespaces = back.indexes.len(),
                    "read back what is published"
                );
                self.workspace = Workspace::new(back.snapshot.clone())
                    .for_gateways_in(self.parts.gateway_namespace.clone());
                self.store.tell_all(&mut self.workspace);
                self.referring
                    .extend(back.snapshot.namespaces.keys().cloned());
                self.changed = Some(now);
                let publication = Publication::new(*back, now);
                let leading =
                    Leading::new(self.writer(), publication, self.parts.metrics.clone(), now);
                self.turn = Turn::Leading(Box::new(leading));
            }
            Err(Failure::Conflict) => {
                self.start_over("another wrote the root at the same time", now)
                    .await;
            }
            Err(failure) => {
                tracing::warn!(
                    "what is published can't be read back, and is tried again: {failure}"
                );
                let pause = self.pause();
                self.begin(now + pause);
            }
        }
    }

    /// Where nobody else has led since this process did, it still knows last good of what was deleted or spoilt.
    fn keep_own(&self, back: &mut Back) {
        if self.term == 0 || back.before.is_some_and(|term| term > self.term) {
            return;
        }
        for (name, shard) in &self.workspace.snapshot().namespaces {
            let published = &mut back.snapshot.namespaces;
            if !published.contains_key(name) {
                published.insert(name.clone(), Arc::clone(shard));
            }
        }
    }

    /// Someone else wrote what only the leader writes: asks who leads, and if it is still this process, reads back what
    /// is published and puts right what is not as it should be.
    pub(super) async fn start_over(&mut self, why: &str, now: Instant) {
        if matches!(self.turn, Turn::Standby) {
            return;
        }
        self.drop_work();
        let pause = self.pause();
        self.begin(now + pause);
        if self.parts.election.confirm().await {
            tracing::warn!("{why}: all of it is read back");
        } else {
            tracing::warn!("{why}, and the lead can't be confirmed");
            self.turn = Turn::Standby;
            // Should the lead still be this process's after all, it begins then.
            self.led = 0;
        }
    }

    fn pause(&mut self) -> Duration {
        let pause = FIRST_PAUSE * 2_u32.pow(self.starts.min(6));
        self.starts += 1;
        pause.min(LONGEST_PAUSE)
    }
}
