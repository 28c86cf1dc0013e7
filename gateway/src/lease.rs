//! This pod's Lease: what it serves and what it could not take up, for the operator to read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DeleteParams, ObjectMeta, Patch, PatchParams};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use weir_records::lease::{self, Report};

/// How long a write may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long after a write the next one goes out, at least, whatever changes in between.
const GAP: Duration = Duration::from_millis(200);
/// How long after a failure it is tried again: this at first, twice as long each time, up to the interval.
const RETRY: Duration = Duration::from_millis(250);

/// How many writes of the Lease went well and how many did not.
#[derive(Debug, Default)]
pub struct Renewals {
    /// Those that the API server took.
    pub succeeded: AtomicU64,
    /// Those that it did not take, or did not answer.
    pub failed: AtomicU64,
}

/// The task that holds the Lease.
#[derive(Debug)]
pub struct Holder {
    give_up: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Holder {
    /// Takes the Lease `name` in `namespace` once there is a first report, and renews it from then on.
    pub fn start(
        client: Client,
        (namespace, name): (&str, &str),
        reports: watch::Receiver<Option<Report>>,
        renewals: Arc<Renewals>,
    ) -> Self {
        let (give_up, told) = watch::channel(false);
        let held = Held {
            leases: Api::namespaced(client, namespace),
            name: name.into(),
            renewals,
        };
        Self {
            give_up,
            task: tokio::spawn(held.run(reports, told)),
        }
    }

    /// Begins to give it up: this pod takes no new requests any more.
    pub fn give_up(&self) {
        self.give_up.send_replace(true);
    }

    /// Waits until it is given up, but not for an API server that does not answer.
    pub async fn given_up(self) {
        let _ = timeout(PATIENCE, self.task).await;
    }
}

struct Held {
    leases: Api<Lease>,
    name: String,
    renewals: Arc<Renewals>,
}

impl Held {
    async fn run(
        self,
        mut reports: watch::Receiver<Option<Report>>,
        mut give_up: watch::Receiver<bool>,
    ) {
        self.hold(&mut reports, &mut give_up).await;
        // Also where no write has gone well so far: one that was not answered may have arrived.
        if reports.borrow().is_some() {
            self.delete().await;
        }
    }

    /// Ends when it is told to give up, and never while a write is under way, which would then arrive after the end.
    async fn hold(
        &self,
        reports: &mut watch::Receiver<Option<Report>>,
        give_up: &mut watch::Receiver<bool>,
    ) {
        tokio::select! {
            first = reports.wait_for(Option::is_some) => if first.is_err() { return },
            _ = give_up.wait_for(|told| *told) => return,
        }
        let mut failures: u32 = 0;
        loop {
            let started = Instant::now();
            let report = reports.borrow_and_update().clone().unwrap_or_default();
            let next = match self.write(&report).await {
                Ok(()) => {
                    if failures > 0 {
                        tracing::info!("the Lease of this pod is renewed again");
                    }
                    failures = 0;
                    lease::RENEW
                }
                Err(error) => {
                    if failures == 0 {
                        tracing::warn!(%error, lease = self.name, "the Lease of this pod can't be renewed; it is tried again");
                    }
                    failures = failures.saturating_add(1);
                    (RETRY * 2u32.saturating_pow(failures - 1)).min(lease::RENEW)
                }
            };
            let changed = async {
                // An API server that does not answer is not asked more often for that.
                if failures > 0 || reports.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                sleep_until(started + GAP).await;
            };
            tokio::select! {
                () = sleep_until(started + next) => {}
                () = changed => {}
                _ = give_up.wait_for(|told| *told) => return,
            }
        }
    }

    async fn write(&self, report: &Report) -> Result<(), String> {
        let lease = self.lease(report);
        let params = PatchParams::apply(lease::FIELD_MANAGER).force();
        let patch = Patch::Apply(&lease);
        let written = timeout(PATIENCE, self.leases.patch(&self.name, &params, &patch)).await;
        let count = match &written {
            Ok(Ok(_)) => &self.renewals.succeeded,
            _ => &self.renewals.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        match written {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the API server does not answer".into()),
        }
    }

    fn lease(&self, report: &Report) -> Lease {
        let label = (lease::LABEL.to_owned(), lease::LABEL_VALUE.to_owned());
        Lease {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                labels: Some([label].into()),
                annotations: Some(report.annotations()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.name.clone()),
                lease_duration_seconds: i32::try_from(lease::DURATION.as_secs()).ok(),
                renew_time: Some(MicroTime(Timestamp::now())),
                ..LeaseSpec::default()
            }),
        }
    }

    /// Deletes it, and tries again for as long as anybody waits for that.
    async fn delete(&self) {
        loop {
            match self
                .leases
                .delete(&self.name, &DeleteParams::default())
                .await
            {
                Ok(_) => return,
                Err(kube::Error::Api(status)) if status.code == 404 => return,
                Err(error) => {
                    tracing::warn!(%error, lease = self.name, "the Lease of this pod can't be given up");
                    sleep(RETRY).await;
                }
            }
        }
    }
}
