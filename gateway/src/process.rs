//! The process: what it is made of, from the start to the last answer.

mod follow;

use std::io;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;
use tracing_subscriber::EnvFilter;

use crate::access_log::AccessLog;
use crate::admin::{self, Readiness};
use crate::cluster::{self, ClusterError};
use crate::credentials::{Environment, Keepers};
use crate::estimates::Estimates;
use crate::flags::{AccessLogTarget, Flags, LogFormat};
use crate::identity::Tokens;
use crate::lease::Holder;
use crate::live::Live;
use crate::metrics::{Gauge, Metrics};
use crate::pipeline::{Bounds, Parts, Worker};
use crate::room::Room;
use crate::stop::Stop;
use crate::wire::tls::{TlsError, TlsSource};
use crate::wire::{
    DenyList, DenyListError, Server, ServerConfig, ServerHandle, UpstreamLimits, Upstreams,
};

/// How long the end of the process waits for whoever reads the access log.
const LAST_RECORDS: Duration = Duration::from_secs(1);

/// Why the gateway can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder of `--config`.
    #[error("--config {0}: {1}")]
    Config(String, io::Error),
    /// The API server, or this pod, where there is no `--config`.
    #[error("{0}")]
    Cluster(#[from] ClusterError),
    /// The folder of `--state`.
    #[error("--state {0}: {1}")]
    State(String, io::Error),
    /// The address of `--listen` or `--admin-listen`.
    #[error("{flag} {address}: {error}")]
    Listen {
        /// Which.
        flag: &'static str,
        /// Where.
        address: String,
        /// Why not.
        error: io::Error,
    },
    /// The pair of `--tls-cert` and `--tls-key`.
    #[error("--tls-cert, --tls-key: {0}")]
    Tls(#[from] TlsError),
    /// The list of `--deny-upstream`.
    #[error("--deny-upstream: {0}")]
    Deny(#[from] DenyListError),
    /// A thread, a runtime or a signal that the operating system did not give.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// Sets up the gateway's own log, on standard error.
pub fn log(flags: &Flags) {
    let filter = EnvFilter::try_new(&flags.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match flags.log_format {
        LogFormat::Json => builder.json().flatten_event(true).init(),
        LogFormat::Text => builder.init(),
    }
}

/// Serves until SIGTERM or SIGINT, and until what was under way by then has ended.
///
/// # Errors
/// The gateway could not start; it never served then.
pub fn run(flags: Flags) -> Result<(), StartError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?
        .block_on(serve(flags))
}

async fn serve(flags: Flags) -> Result<(), StartError> {
    // First of all, so that a signal that comes early is not lost.
    let signals = Signals::new()?;
    let workers = match flags.workers {
        0 => thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let mut denied = flags.deny_upstream.clone();
    if flags.config.is_none() {
        let addresses = cluster::api_server().await;
        denied.extend(addresses.iter().map(ToString::to_string));
    }
    let deny = Arc::new(DenyList::parse(&denied)?);
    let tls = match (&flags.tls_cert, &flags.tls_key) {
        (Some(cert), Some(key)) => Some(TlsSource::open(cert, key)?),
        _ => None,
    };
    let access = match flags.access_log {
        AccessLogTarget::Stdout => Some(AccessLog::start(workers, io::stdout())?),
        AccessLogTarget::Off => None,
    };
    let estimates = Arc::new(Estimates::start()?);
    // It takes some milliseconds, once, for which no request is to wait.
    tokio::task::spawn_blocking(weir_llm::price::catalogue);
    let seats = Room::new(flags.max_requests);
    let buffers = Room::new(flags.max_buffered_bytes);
    let live = Arc::new(Live::new(Keepers::new(
        Handle::current(),
        Arc::clone(&deny),
        Environment::of_process(),
    )));
    let readiness = Arc::new(Readiness::default());
    let stop = Arc::new(Stop::default());
    let open = Arc::new(OnceLock::new());
    let mut readings = readings(&seats, &buffers, &open, access.as_ref());
    let source = follow::prepare(&flags, &mut readings).await?;
    let mut metrics = Metrics::new(workers, readings.gauges, readings.counters);
    metrics.watch_credentials(Arc::clone(&live));
    let metrics = Arc::new(metrics);
    let verifier = source.verifier();
    let lease = source.start(&live, &readiness, &metrics)?;
    if flags.config.is_some() {
        // The folder is read by now, so that this is no matter of waiting for anybody.
        readiness.first().await;
    }

    let admin = listen_admin(&flags).await?;
    let defaults = ServerConfig::new(flags.listen);
    let config = ServerConfig {
        workers,
        tls,
        max_connections: flags.max_connections,
        // A request that comes at the end of it is to have time, too.
        linger: defaults.linger.min(flags.drain_timeout / 2),
        ..defaults
    };
    let make = {
        let (live, metrics, stop) = (live.clone(), metrics.clone(), stop.clone());
        let estimates = Arc::clone(&estimates);
        let writers = access.as_ref().map(AccessLog::writers);
        move |index| {
            Worker::new(Parts {
                live: Arc::clone(&live),
                tokens: Tokens::new(verifier.clone(), metrics.shard(index)),
                upstreams: Upstreams::new(Arc::clone(&deny), UpstreamLimits::default()),
                metrics: metrics.shard(index),
                access: writers
                    .as_ref()
                    .map(|writers| Arc::clone(&writers[index % writers.len()])),
                estimates: Arc::clone(&estimates),
                stop: Arc::clone(&stop),
                seats: Arc::clone(&seats),
                buffers: Arc::clone(&buffers),
                bounds: Bounds {
                    body: flags.max_body_bytes,
                },
            })
        }
    };
    let server = Server::start(config, make).map_err(|error| StartError::Listen {
        flag: "--listen",
        address: flags.listen.to_string(),
        error,
    })?;
    open.get_or_init(|| Box::new(server.connection_count()) as Count);
    tracing::info!(
        listen = %server.local_addr(),
        admin = %admin.local_addr()?,
        workers,
        version = env!("CARGO_PKG_VERSION"),
        "serving"
    );
    tokio::spawn({
        let readiness = Arc::clone(&readiness);
        async move {
            let Err(error) = admin::serve(admin, readiness, metrics).await else {
                return;
            };
            // Probes fail from now on; the log has to say why.
            tracing::error!(%error, "/livez, /readyz and /metrics are served no longer");
        }
    });
    until_told(signals, server, &flags, &readiness, &stop, lease).await;
    estimates.close();
    if let Some(access) = access
        && !access.close(LAST_RECORDS)
    {
        tracing::warn!("the last access records are lost: nobody read them");
    }
    Ok(())
}

/// Reads a count that others keep.
type Count = Box<dyn Fn() -> usize + Send + Sync>;

/// What `/metrics` reads when it is asked.
#[derive(Default)]
struct Readings {
    gauges: Vec<(&'static str, &'static str, Gauge)>,
    counters: Vec<(&'static str, &'static str, Gauge)>,
}

/// Where the metrics read what others count.
fn readings(
    seats: &Arc<Room>,
    buffers: &Arc<Room>,
    connections: &Arc<OnceLock<Count>>,
    access: Option<&AccessLog>,
) -> Readings {
    let (seats, buffers, connections) = (seats.clone(), buffers.clone(), connections.clone());
    let gauges: Vec<(&str, &str, Gauge)> = vec![
        (
            "requests_in_flight",
            "Requests that hold a seat of the process",
            Box::new(move || seats.used() as u64),
        ),
        (
            "buffered_bytes",
            "Bytes of request bodies that are held",
            Box::new(move || buffers.used() as u64),
        ),
        (
            "connections",
            "Connections of callers",
            Box::new(move || connections.get().map_or(0, |open| open() as u64)),
        ),
    ];
    let mut counters: Vec<(&str, &str, Gauge)> = Vec::new();
    if let Some(access) = access {
        counters.push((
            "access_records_dropped",
            "Access records that were lost because nobody read them fast enough",
            Box::new(access.dropped()),
        ));
    }
    Readings { gauges, counters }
}

async fn listen_admin(flags: &Flags) -> Result<TcpListener, StartError> {
    TcpListener::bind(flags.admin_listen)
        .await
        .map_err(|error| StartError::Listen {
            flag: "--admin-listen",
            address: flags.admin_listen.to_string(),
            error,
        })
}

/// The signals that end the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Waits for the signal, then for what is under way.
async fn until_told(
    mut signals: Signals,
    server: ServerHandle,
    flags: &Flags,
    readiness: &Readiness,
    stop: &Stop,
    lease: Option<Holder>,
) {
    signals.next().await;
    readiness.drain();
    // It is to get no new request from now on: nobody has to wait for what this pod serves.
    if let Some(lease) = &lease {
        lease.give_up();
    }
    stop.within(flags.drain_timeout);
    tracing::info!(timeout = ?flags.drain_timeout, "draining");
    let report = server
        .drain(async {
            tokio::select! {
                () = sleep(flags.drain_timeout) => tracing::warn!("the drain timeout is up"),
                // Whoever asks twice does not want to wait.
                () = signals.next() => tracing::warn!("told twice to stop"),
            }
            stop.cut();
        })
        .await;
    tracing::info!(cut = report.cut, "drained");
    if let Some(lease) = lease {
        lease.given_up().await;
    }
}
