//! Where the configuration comes from: a folder, or the cluster that this is a pod of.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use kube::Client;
use tokio::sync::watch;
use weir_records::lease::Report;

use super::{Readings, StartError};
use crate::admin::Readiness;
use crate::apply::{Applier, Keeper};
use crate::cluster::{Cluster, ClusterError};
use crate::flags::Flags;
use crate::identity::keeper::{self, Age};
use crate::identity::{Keys, Verifier};
use crate::lease::{Holder, Renewals};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::source::cluster::Followed;
use crate::source::state::State;
use crate::source::state::published::PublishedState;
use crate::source::{Source, cluster, folder};

/// The gateway's own namespace where nothing says which it is.
const NAMESPACE: &str = "weir-system";

/// A source that is about to be followed.
pub(super) struct Prepared {
    source: Source,
    /// The gateway's own.
    namespace: String,
    keeper: Keeper,
    cluster: Option<InCluster>,
}

/// What there is in a cluster alone.
struct InCluster {
    verifier: Arc<Verifier>,
    age: Arc<Age>,
    state: Option<State>,
    client: Client,
    config_namespace: String,
    pod: String,
    reports: watch::Receiver<Option<Report>>,
    renewals: Arc<Renewals>,
}

/// Finds the source and what was kept of it. What it counts is put among the `readings`.
pub(super) async fn prepare(
    flags: &Flags,
    readings: &mut Readings,
) -> Result<Prepared, StartError> {
    let state = flags
        .state
        .as_deref()
        .map(|folder| State::open(folder).map_err(|error| StartError::State(shown(folder), error)))
        .transpose()?;
    let Some(folder) = &flags.config else {
        return in_cluster(flags, state, readings).await;
    };
    let saved = state.as_ref().and_then(State::load);
    let namespace = flags.namespace.clone().unwrap_or_else(|| NAMESPACE.into());
    Ok(Prepared {
        source: folder::follow(folder, &namespace, saved)
            .map_err(|error| StartError::Config(shown(folder), error))?,
        namespace,
        keeper: Keeper::Folder(state),
        cluster: None,
    })
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

async fn in_cluster(
    flags: &Flags,
    state: Option<State>,
    readings: &mut Readings,
) -> Result<Prepared, StartError> {
    let Cluster {
        config,
        namespace,
        pod,
    } = Cluster::find().await?;
    let client = Client::try_from(config.clone()).map_err(ClusterError::from)?;
    let config_namespace = flags
        .config_namespace
        .clone()
        .unwrap_or_else(|| namespace.clone());
    let (published, kept) = state.as_ref().map(PublishedState::load).unzip();
    let keys = state.as_ref().and_then(kept_keys);
    let verifier = Arc::new(Verifier::new(&flags.token_audience, keys));
    let (reporter, reports) = watch::channel(None);
    let followed = Arc::new(Followed::default());
    let cluster = InCluster {
        age: Arc::default(),
        renewals: Arc::default(),
        config_namespace,
        verifier,
        state,
        client,
        pod,
        reports,
    };
    cluster.read_by(readings, &followed);
    tracing::info!(
        namespace = cluster.config_namespace,
        pod = cluster.pod,
        "following what the operator publishes"
    );
    Ok(Prepared {
        source: cluster::follow(config, &cluster.config_namespace, kept.flatten(), followed)?,
        namespace: flags.namespace.clone().unwrap_or(namespace),
        keeper: Keeper::Cluster(published, reporter),
        cluster: Some(cluster),
    })
}

fn kept_keys(state: &State) -> Option<Keys> {
    let kept = state.load_keys()?;
    match Keys::read(&kept.issuer, kept.jwks.get().as_bytes()) {
        Ok(keys) => Some(keys),
        Err(error) => {
            tracing::warn!(%error, "the kept keys of ServiceAccount tokens can't be used");
            None
        }
    }
}

impl InCluster {
    fn read_by(&self, readings: &mut Readings, followed: &Arc<Followed>) {
        let (age, verifier) = (Arc::clone(&self.age), Arc::clone(&self.verifier));
        readings.gauges.push((
            "token_keys_age_seconds",
            "Time since the cluster's keys of ServiceAccount tokens were read",
            Box::new(move || age.seconds()),
        ));
        readings.gauges.push((
            "token_keys",
            "Keys of ServiceAccount tokens that are known",
            Box::new(move || verifier.key_count() as u64),
        ));
        let mut counter = |name, help, count: fn(&(Arc<Renewals>, Arc<Followed>)) -> &AtomicU64| {
            let counts = (Arc::clone(&self.renewals), Arc::clone(followed));
            let read = move || count(&counts).load(Ordering::Relaxed);
            readings.counters.push((name, help, Box::new(read)));
        };
        counter(
            "lease_renewals",
            "Writes of this pod's Lease that the API server took",
            |counts| &counts.0.succeeded,
        );
        counter(
            "lease_failures",
            "Writes of this pod's Lease that the API server did not take",
            |counts| &counts.0.failed,
        );
        counter(
            "config_lists",
            "Times that the published configuration was listed anew",
            |counts| &counts.1.lists,
        );
        counter(
            "config_failures",
            "Times that following the published configuration failed",
            |counts| &counts.1.failures,
        );
    }

    /// Starts what goes on beside the configuration.
    fn start(self) -> Holder {
        tokio::spawn(keeper::keep(
            self.client.clone(),
            self.verifier,
            self.state,
            self.age,
        ));
        Holder::start(
            self.client,
            (&self.config_namespace, &self.pod),
            self.reports,
            self.renewals,
        )
    }
}

impl Prepared {
    /// What knows the tokens of ServiceAccounts, where there are any.
    pub(super) fn verifier(&self) -> Option<Arc<Verifier>> {
        let cluster = self.cluster.as_ref()?;
        Some(Arc::clone(&cluster.verifier))
    }

    /// Follows it from now on, on a thread of its own. Gives what holds this pod's Lease, in a cluster.
    pub(super) fn start(
        self,
        live: &Arc<Live>,
        readiness: &Arc<Readiness>,
        metrics: &Metrics,
    ) -> io::Result<Option<Holder>> {
        let applier = Applier::new(
            Arc::clone(live),
            Arc::clone(readiness),
            metrics.config(),
            self.namespace,
            self.keeper,
        );
        let source = self.source;
        thread::Builder::new()
            .name("config-apply".into())
            .spawn(move || {
                applier.run(&source);
                // Only a fault of the source ends it: whoever is on call has to know that nothing that is
                // withdrawn from now on is.
                tracing::error!("the configuration is followed no longer; restart the gateway");
            })?;
        Ok(self.cluster.map(InCluster::start))
    }
}
