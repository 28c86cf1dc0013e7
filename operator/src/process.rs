//! The process: what it is made of, from the start to the last write.

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::admin::{self, Readiness};
use crate::client::{self, ConnectError};
use crate::events::Recorder;
use crate::flags::{Flags, LogFormat};
use crate::leader::Election;
use crate::metrics::Metrics;
use crate::reconcile::{Parts, Reconciler};
use crate::schema;
use crate::watch::{Where, start};

/// Threads: one for the loop, one that what it waits for goes on in.
const THREADS: usize = 2;

/// Why the operator can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The API server.
    #[error("{0}")]
    Connect(#[from] ConnectError),
    /// The address of `--admin-listen`.
    #[error("--admin-listen {address}: {error}")]
    Listen {
        /// Where.
        address: String,
        /// Why not.
        error: io::Error,
    },
    /// A thread, a runtime or a signal that the operating system did not give.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// Sets up the operator's log, on standard error.
pub fn log(flags: &Flags) {
    // The client says ERROR of each request that fails; here whoever asked says so, once, and goes on.
    let quiet = if flags.log.contains("kube_client") {
        flags.log.clone()
    } else {
        format!("{},kube_client=off", flags.log)
    };
    let filter = EnvFilter::try_new(quiet).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match flags.log_format {
        LogFormat::Json => builder.json().flatten_event(true).init(),
        LogFormat::Text => builder.init(),
    }
}

/// Works until SIGTERM or SIGINT, and until the write under way by then has ended.
///
/// # Errors
/// The operator could not start; it never did anything then.
pub fn run(flags: Flags) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()?;
    // A task, so that the loop may use `block_in_place`.
    let work = runtime.spawn(work(flags));
    let result = runtime.block_on(work);
    // Watches are in the middle of something always; nobody waits for them.
    runtime.shutdown_background();
    result.map_err(io::Error::other)?
}

async fn work(flags: Flags) -> Result<(), StartError> {
    // First of all, so that a signal that comes early is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let metrics = Metrics::default();
    let listener = TcpListener::bind(flags.admin_listen)
        .await
        .map_err(|error| StartError::Listen {
            address: flags.admin_listen.to_string(),
            error,
        })?;
    let cluster = client::connect().await?;
    let config_namespace = flags
        .config_namespace
        .unwrap_or_else(|| cluster.namespace.clone());
    let (again, restart) = watch::channel(0);
    let schema = schema::watch(&cluster.client, &metrics, again.clone());
    let place = Where {
        cluster: &cluster,
        config_namespace: &config_namespace,
        namespaces: &flags.watch_namespaces,
    };
    let watches = start(&place, &restart, &metrics);
    let readiness = Arc::new(Readiness::new(watches.count, schema.clone()));
    tracing::info!(
        admin = %listener.local_addr()?,
        namespace = cluster.namespace,
        config_namespace,
        pod = cluster.pod,
        version = env!("CARGO_PKG_VERSION"),
        "watching"
    );
    let served = admin::serve(listener, Arc::clone(&readiness), metrics.clone());
    tokio::spawn(async move {
        if let Err(error) = served.await {
            tracing::error!("the admin listener broke: {error}");
        }
    });
    let (fit, may_lead) = watch::channel(false);
    let reconciler = Reconciler::new(Parts {
        events: Recorder::start(cluster.client.clone(), cluster.pod.clone(), metrics.clone()),
        election: Election::start(&cluster, may_lead),
        client: cluster.client,
        config_namespace,
        gateway_namespace: cluster.namespace,
        watches,
        schema,
        again,
        fit,
        readiness,
        metrics,
    });
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    reconciler.run(stop).await;
    tracing::info!("stopped");
    Ok(())
}
