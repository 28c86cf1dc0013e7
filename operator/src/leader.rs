//! Who leads: one of several replicas, by a Lease in the operator's namespace.
//!
//! # Guarantees
//! - No wall clock is compared with another's: a replica takes the Lease over once it has itself watched it stand still
//!   for its duration ([`DURATION`]); the leader counts from the start of its last renewal that went through, and stops
//!   [`MARGIN`] earlier. Clocks that are wrong, or jump, change nothing.
//! - Every write carries the resourceVersion that was read, so that of two that try one wins.
//! - The leader gives the Lease up on the way out, and another takes it within [`POLL`].
//!
//! That nobody writes who no longer leads does not hang on this alone: a process may be stopped between the look at the
//! clock and the write. What is published is fenced as well, by resourceVersions and terms.

mod state;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::client::{Cluster, Failure};
use state::{Standing, Step};

/// The name of the Lease.
pub const LEASE: &str = "weir-operator";
/// How long a Lease that stands still holds.
pub const DURATION: Duration = Duration::from_secs(5);
/// How much earlier the holder itself takes it for lost.
pub const MARGIN: Duration = Duration::from_secs(1);
/// How often the holder renews it.
const RENEW: Duration = Duration::from_secs(1);
/// How often the others look at it.
pub const POLL: Duration = Duration::from_millis(500);
/// How long one look or one renewal may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether this process leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lead {
    /// It does.
    pub leading: bool,
    /// How often it has begun to. Whoever sees it rise has not led in between.
    pub turn: u64,
    /// How often the Lease was found older than it had been: the API server's store was put back to an earlier state.
    pub restored: u64,
}

enum Command {
    Confirm(oneshot::Sender<bool>),
    Release(oneshot::Sender<()>),
}

/// A handle on the task that stands for election.
pub struct Election {
    lead: watch::Receiver<Lead>,
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

impl Election {
    /// Begins to stand for election whenever `fit` says that this process could lead.
    pub fn start(cluster: &Cluster, fit: watch::Receiver<bool>) -> Self {
        let unique = RandomState::new().build_hasher().finish();
        let (sender, lead) = watch::channel(Lead::default());
        let (commands, inbox) = mpsc::channel(4);
        let candidate = Candidate {
            api: Api::namespaced(cluster.client.clone(), &cluster.namespace),
            standing: Standing::new(format!("{}_{unique:016x}", cluster.pod)),
            lease: None,
            fit,
            lead: sender,
            inbox,
            complained: false,
        };
        let task = tokio::spawn(candidate.run());
        Self {
            lead,
            commands,
            task,
        }
    }

    /// Follows whether this process leads.
    pub fn lead(&self) -> watch::Receiver<Lead> {
        self.lead.clone()
    }

    /// Asks the API server whether this process still leads. Without an answer it does not.
    pub async fn confirm(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        self.commands.send(Command::Confirm(answer)).await.is_ok()
            && answered.await.unwrap_or(false)
    }

    /// Gives up the lead, if this process has it, and ends the task.
    pub async fn release(self) {
        let (done, released) = oneshot::channel();
        if self.commands.send(Command::Release(done)).await.is_ok() {
            let _ = released.await;
        }
        self.task.abort();
    }
}

struct Candidate {
    api: Api<Lease>,
    standing: Standing,
    /// As it was last read or written.
    lease: Option<Lease>,
    fit: watch::Receiver<bool>,
    lead: watch::Sender<Lead>,
    inbox: mpsc::Receiver<Command>,
    complained: bool,
}

impl Candidate {
    async fn run(mut self) {
        loop {
            let pause = self.turn().await;
            tokio::select! {
                // No longer than the lead holds, so that its end is told in time.
                () = tokio::time::sleep(self.at_most(pause)) => {}
                _ = self.fit.changed() => {}
                command = self.inbox.recv() => match command {
                    Some(Command::Confirm(answer)) => {
                        let leads = self.look().await.is_ok() && self.standing.leads(Instant::now());
                        self.tell();
                        let _ = answer.send(leads);
                    }
                    Some(Command::Release(done)) => {
                        self.give_up().await;
                        let _ = done.send(());
                        return;
                    }
                    None => return,
                },
            }
        }
    }

    /// One look, and what follows from it. Returns how long to wait until the next.
    async fn turn(&mut self) -> Duration {
        if !*self.fit.borrow_and_update() {
            if self.standing.leads(Instant::now()) {
                self.give_up().await;
            }
            return POLL;
        }
        // The holder need not look: its renewal says whether anybody else wrote.
        if !self.standing.leads(Instant::now()) {
            let looked = self.look().await;
            self.tell();
            if let Err(failure) = looked {
                self.complain(&failure);
                return POLL;
            }
        }
        let begun = Instant::now();
        let step = self.standing.step(begun);
        let pause = match step {
            Step::Wait => POLL,
            Step::Take | Step::Renew => match self.write(step, begun).await {
                Ok(()) => RENEW,
                Err(failure) => {
                    if matches!(failure, Failure::Conflict) {
                        let _ = self.look().await;
                    } else {
                        self.complain(&failure);
                    }
                    POLL
                }
            },
        };
        self.tell();
        pause
    }

    async fn look(&mut self) -> Result<(), Failure> {
        let lease = match within(self.at_most(PATIENCE), self.api.get(LEASE)).await {
            Err(Failure::Gone) => self.create().await?,
            other => other?,
        };
        self.standing.seen(&lease, Instant::now());
        self.lease = Some(lease);
        Ok(())
    }

    /// The chart makes the Lease, and may not allow the operator to.
    async fn create(&self) -> Result<Lease, Failure> {
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(LEASE.into()),
                ..ObjectMeta::default()
            },
            ..Lease::default()
        };
        let made = within(PATIENCE, self.api.create(&PostParams::default(), &lease)).await;
        made.map_err(|failure| {
            Failure::Other(format!(
                "there is no Lease {LEASE}, and it can't be made: {failure}"
            ))
        })
    }

    async fn write(&mut self, step: Step, begun: Instant) -> Result<(), Failure> {
        let mut lease = self.lease.clone().ok_or(Failure::Gone)?;
        let now = MicroTime(Timestamp::now());
        let before = lease.spec.take().unwrap_or_default();
        let taking = step == Step::Take;
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(self.standing.identity().to_owned()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquire_time: if taking {
                Some(now.clone())
            } else {
                before.acquire_time
            },
            lease_transitions: Some(
                before
                    .lease_transitions
                    .unwrap_or(0)
                    .saturating_add(i32::from(taking)),
            ),
            renew_time: Some(now),
            ..LeaseSpec::default()
        });
        lease.metadata.managed_fields = None;
        let written = within(
            self.at_most(PATIENCE),
            self.api.replace(LEASE, &PostParams::default(), &lease),
        )
        .await?;
        self.standing.wrote(&written, begun);
        self.lease = Some(written);
        Ok(())
    }

    async fn give_up(&mut self) {
        let held = self.standing.leads(Instant::now());
        self.standing.gave_up();
        // First of all, so that nothing more is written under it.
        self.tell();
        let Some(mut lease) = self.lease.take().filter(|_| held) else {
            return;
        };
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = None;
            spec.renew_time = None;
            spec.acquire_time = None;
        }
        lease.metadata.managed_fields = None;
        let params = PostParams::default();
        match within(PATIENCE, self.api.replace(LEASE, &params, &lease)).await {
            Ok(_) => tracing::info!("gave up the lead"),
            Err(failure) => tracing::warn!("could not give up the lead, which lapses: {failure}"),
        }
    }

    /// This time, but no longer than the lead still holds if it does.
    fn at_most(&self, time: Duration) -> Duration {
        let left = self.standing.left(Instant::now());
        left.map_or(time, |left| left.min(time))
    }

    /// Tells what has changed, and logs it.
    fn tell(&mut self) {
        let leading = self.standing.leads(Instant::now());
        let restored = self.standing.restored();
        let before = *self.lead.borrow();
        if leading == before.leading && restored == before.restored {
            return;
        }
        if leading != before.leading {
            self.complained = false;
            let identity = self.standing.identity();
            if leading {
                tracing::info!(identity, "leads");
            } else {
                tracing::warn!(identity, "leads no longer");
            }
        }
        self.lead.send_replace(Lead {
            leading,
            turn: before.turn + u64::from(leading && !before.leading),
            restored,
        });
    }

    fn complain(&mut self, failure: &Failure) {
        // Once is enough until it is well again.
        if !std::mem::replace(&mut self.complained, true) {
            tracing::warn!("the Lease {LEASE} can't be read or written: {failure}");
        }
    }
}

async fn within<T>(
    patience: Duration,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(patience, request).await {
        Ok(answer) => answer.map_err(Failure::from),
        Err(_) => Err(Failure::Late),
    }
}
