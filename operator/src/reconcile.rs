//! The loop that holds all state and makes every decision.
//!
//! Nothing in it waits for the API server: what is to be read or written goes to tasks, which tell what came of it.
//! Every replica takes up what the watches tell; the one that leads compiles, publishes and reports besides.

mod compile;
mod inputs;
mod judged;
mod lead;
mod publish;
mod report;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Client;
use tokio::sync::watch;
use tokio::task::JoinSet;
use weir_config::ObjectId;
use weir_config::compile::Workspace;

use crate::admin::Readiness;
use crate::client::Failure;
use crate::events::Recorder;
use crate::fleet::Fleet;
use crate::leader::{Election, Lead};
use crate::metrics::Metrics;
use crate::publication::pace::Pace as WritePace;
use crate::publication::read::Back;
use crate::publication::{Job, Written};
use crate::schema::Amiss;
use crate::status::Status;
use crate::status::queue::Pace;
use crate::store::Store;
use crate::store::secrets::Name;
use crate::watch::seen::KeySecret;
use crate::watch::{Message, Watches};
use lead::Turn;

/// How long more changes are waited for after one, so that what is applied together is compiled together.
const WINDOW: Duration = Duration::from_millis(5);
/// How many messages are taken up between two looks at all else.
const AT_ONCE: usize = 512;
/// How many Secrets are read at once.
const READS: usize = 16;
/// How long after a failure a Secret is read again.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// How long writes under way are waited for at the end.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// What the loop is made of.
pub struct Parts {
    /// Calls the API server.
    pub client: Client,
    /// Where to publish.
    pub config_namespace: String,
    /// Where the gateways run: the operator's own namespace, as the chart installs both in one.
    pub gateway_namespace: String,
    /// What there is.
    pub watches: Watches,
    /// Whether the CRDs are fine.
    pub schema: watch::Receiver<Amiss>,
    /// Makes all watches start anew.
    pub again: watch::Sender<u64>,
    /// Says that this process could lead.
    pub fit: watch::Sender<bool>,
    /// Who leads.
    pub election: Election,
    /// Makes Events.
    pub events: Recorder,
    /// For the probes.
    pub readiness: Arc<Readiness>,
    /// Counts.
    pub metrics: Metrics,
}

/// What a task has come to that only a leader starts.
enum Done {
    Took(Result<Box<Back>, Failure>),
    Wrote(Box<Job>, Result<Written, Failure>),
    PartDeleted(String, Result<(), Failure>),
    Reported(ObjectId, Result<(String, Status), Failure>),
    LeaseDeleted(String, Result<(), Failure>),
}

type Read = (Name, Result<Option<KeySecret>, Failure>);

/// The loop.
pub struct Reconciler {
    parts: Parts,
    lead: watch::Receiver<Lead>,
    store: Store,
    workspace: Workspace,
    fleet: Fleet,
    /// Watches that have not finished their list since all were told to begin anew.
    unlisted: BTreeSet<usize>,
    /// How often they were.
    epoch: u64,
    /// Every watch has finished its first list.
    known: bool,
    /// When all watches were listed, or told to list anew.
    listed: Instant,
    /// When the first change came that was not compiled so far.
    changed: Option<Instant>,
    /// Namespaces whose providers changed, so that they may refer to other Secrets.
    referring: BTreeSet<String>,
    reads: JoinSet<Read>,
    to_read: VecDeque<Name>,
    read_again: VecDeque<(Instant, Name)>,
    /// Secrets that could not be read when that was last tried.
    unread: HashSet<Name>,
    turn: Turn,
    work: JoinSet<Done>,
    pace: Pace,
    /// What was written of each namespace of late, also in earlier turns.
    write_pace: WritePace,
    /// The highest term that this process has led in.
    term: u64,
    restored: u64,
    /// In which turn of its lead this process leads, or begins to.
    led: u64,
    /// How often it has begun anew since all was published last.
    starts: u32,
    deleting: HashSet<String>,
}

impl Reconciler {
    /// A loop that knows nothing so far.
    pub fn new(parts: Parts) -> Self {
        Self {
            lead: parts.election.lead(),
            unlisted: (0..parts.watches.count).collect(),
            epoch: 0,
            known: false,
            listed: Instant::now(),
            store: Store::default(),
            workspace: Workspace::default(),
            fleet: Fleet::default(),
            changed: None,
            referring: BTreeSet::new(),
            reads: JoinSet::new(),
            to_read: VecDeque::new(),
            read_again: VecDeque::new(),
            unread: HashSet::new(),
            turn: Turn::Standby,
            work: JoinSet::new(),
            pace: Pace::new(Instant::now()),
            write_pace: WritePace::default(),
            term: 0,
            restored: 0,
            led: 0,
            starts: 0,
            deleting: HashSet::new(),
            parts,
        }
    }

    /// Works until `stop` is ready, then ends what is being written and gives up the lead.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            self.advance(Instant::now()).await;
            let wake = self.wake();
            let pause = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => break,
                changed = self.lead.changed() => if changed.is_err() { break },
                changed = self.parts.schema.changed() => if changed.is_err() { break },
                Some(done) = self.work.join_next(), if !self.work.is_empty() => {
                    if let Ok(done) = done {
                        self.done(done).await;
                    }
                }
                Some(read) = self.reads.join_next(), if !self.reads.is_empty() => {
                    if let Ok(read) = read {
                        self.was_read(read);
                    }
                }
                message = self.parts.watches.messages.recv() => match message {
                    Some(message) => self.take_all(message).await,
                    None => break,
                },
                () = pause => {}
            }
        }
        self.stop().await;
    }

    /// All that follows from what is known now.
    async fn advance(&mut self, now: Instant) {
        self.take_up_lead(now);
        self.settle_references(now);
        self.read_secrets(now);
        self.compile_if_due(now);
        self.publish(now);
        self.follow_fleet(now).await;
        self.report(now);
    }

    /// When there is something to do even if nothing happens.
    fn wake(&self) -> Option<Instant> {
        let now = Instant::now();
        let again = self.read_again.front().map(|(at, _)| *at);
        let leading = match &self.turn {
            Turn::Standby => None,
            Turn::Beginning { at, under_way } => {
                (!under_way && self.unlisted.is_empty()).then_some(*at)
            }
            Turn::Leading(leading) => [
                self.compile_due(now),
                leading.publish_due(),
                leading.report_due(&self.pace),
                self.fleet.next_lapse(now),
                leading.next_cleaning,
            ]
            .into_iter()
            .flatten()
            .min(),
        };
        [again, leading].into_iter().flatten().min()
    }

    async fn take_all(&mut self, first: Message) {
        self.take(first).await;
        for _ in 1..AT_ONCE {
            match self.parts.watches.messages.try_recv() {
                Ok(message) => self.take(message).await,
                Err(_) => return,
            }
        }
    }

    async fn done(&mut self, done: Done) {
        match done {
            Done::Took(back) => self.took(back).await,
            Done::Wrote(job, written) => self.wrote(*job, written).await,
            Done::PartDeleted(name, deleted) => self.part_deleted(&name, deleted),
            Done::Reported(id, written) => self.reported(&id, written),
            Done::LeaseDeleted(name, deleted) => {
                self.deleting.remove(&name);
                if let Err(failure) = deleted {
                    tracing::debug!(pod = name, "a lease could not be deleted: {failure}");
                }
            }
        }
    }

    async fn stop(mut self) {
        self.parts.readiness.stop();
        let writes = async {
            while let Some(done) = self.work.join_next().await {
                drop(done);
            }
        };
        if tokio::time::timeout(LAST_WRITES, writes).await.is_err() {
            tracing::warn!("a write under way was given up");
        }
        self.work.abort_all();
        self.parts.election.release().await;
    }
}
