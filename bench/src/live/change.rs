//! Changes, and when they are live: asked of every gateway, over and over, on a connection of its own.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;
use weir_tests::cluster::World;
use weir_tests::{Caller, Request};

use super::cluster::{Fill, key, route};
use super::{secret_writes, status_writes, usage};

/// How long after an answer a gateway is asked again.
const PAUSE: Duration = Duration::from_millis(2);
/// A change that is not live by then never is.
const LIMIT: Duration = Duration::from_secs(60);
/// A full cluster that is not served by then never is.
const FILLED: Duration = Duration::from_secs(15 * 60);

/// Times in milliseconds.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Times {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) most: f64,
}

/// What changes took.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Changes {
    pub(crate) count: usize,
    /// From the beginning of the API call to the first answer by the new configuration, on the slower gateway.
    pub(crate) live: Times,
    /// How much of that the API call itself took.
    pub(crate) call: Times,
    /// What one of them cost, in the mean.
    pub(crate) operator_cpu_ms: f64,
    pub(crate) secret_writes: f64,
    pub(crate) published_bytes: f64,
    pub(crate) status_writes: f64,
    /// Bytes that one gateway got from the API server.
    pub(crate) gateway_bytes: f64,
}

/// What `kubectl apply` took.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Applies {
    pub(crate) count: usize,
    /// From its end to the first answer by the new configuration, on the slower gateway; 0 where that came first.
    pub(crate) live_after: Times,
    /// How long `kubectl` itself took.
    pub(crate) kubectl: Times,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let rank = (times.len() as f64 * share).ceil() as usize;
            let time = times.get(rank.saturating_sub(1)).copied();
            time.unwrap_or_default().as_secs_f64() * 1000.0
        };
        Self {
            p50: at(0.50),
            p99: at(0.99),
            most: at(1.0),
        }
    }
}

/// Counts that changes move.
struct Counts {
    secret_writes: u64,
    published_bytes: f64,
    status_writes: u64,
    gateway_bytes: u64,
    cpu: Duration,
    at: Instant,
}

impl Counts {
    async fn now(world: &World) -> io::Result<Self> {
        let operator = world.operator(0);
        let bytes = operator.metric("weir_operator_published_bytes_total");
        Ok(Self {
            secret_writes: secret_writes(world).await,
            published_bytes: bytes.await.unwrap_or_default(),
            status_writes: status_writes(world).await,
            gateway_bytes: world.gateway(0).link().received(),
            cpu: usage::cpu(operator.pid())?,
            at: Instant::now(),
        })
    }
}

/// Changes so many routes, one after the other, each in another namespace than the one before. `idle` is the
/// share of a core that the operator takes with nothing to do.
pub(super) async fn time(
    world: &World,
    fill: &Fill,
    count: usize,
    idle: f64,
) -> io::Result<Changes> {
    let before = Counts::now(world).await?;
    let (mut live, mut calls) = (Vec::new(), Vec::new());
    for number in 0..count {
        let (namespace, at) = place(fill, number);
        let model = format!("changed-{}-{number}", fill.namespaces());
        let watched = watch(world, namespace, &model);
        let started = Instant::now();
        fill.change(namespace, at, &model).await?;
        calls.push(started.elapsed());
        live.push(slowest(watched).await? - started);
    }
    // Statuses follow.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = Counts::now(world).await?;
    let each = |total: f64| total / count.max(1) as f64;
    let idle = (after.at - before.at).mul_f64(idle);
    let cpu = (after.cpu - before.cpu).saturating_sub(idle);
    Ok(Changes {
        count,
        live: Times::of(live),
        call: Times::of(calls),
        operator_cpu_ms: each(cpu.as_secs_f64() * 1000.0),
        secret_writes: each((after.secret_writes - before.secret_writes) as f64),
        published_bytes: each(after.published_bytes - before.published_bytes),
        status_writes: each((after.status_writes - before.status_writes) as f64),
        gateway_bytes: each((after.gateway_bytes - before.gateway_bytes) as f64),
    })
}

/// Changes so many routes with `kubectl apply`.
pub(super) async fn apply(world: &World, fill: &Fill, count: usize) -> io::Result<Applies> {
    let (mut after, mut kubectl) = (Vec::new(), Vec::new());
    for number in 0..count {
        let (namespace, at) = place(fill, number);
        let model = format!("applied-{number}");
        let watched = watch(world, namespace, &model);
        let started = Instant::now();
        let document = route(namespace, at, &model).to_string();
        let arguments = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        let said = world.cluster().kubectl_with(&arguments, &document).await;
        let ended = Instant::now();
        if !said.success() {
            return Err(io::Error::other(said.stderr));
        }
        kubectl.push(ended - started);
        after.push(slowest(watched).await?.saturating_duration_since(ended));
    }
    Ok(Applies {
        count,
        live_after: Times::of(after),
        kubectl: Times::of(kubectl),
    })
}

/// Waits until every gateway answers to each of these models, in these namespaces.
pub(super) async fn wait_for_all(world: &World, asked: &[(usize, &str)]) -> io::Result<()> {
    let mut tasks = JoinSet::new();
    for gateway in world.gateways() {
        let asked = asked.iter();
        let requests = asked.map(|(namespace, model)| Request::chat(&key(*namespace), model));
        tasks.spawn(all_answer(gateway.listen, requests.collect()));
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

async fn all_answer(gateway: SocketAddr, requests: Vec<Request>) -> io::Result<()> {
    let started = Instant::now();
    let mut caller = Caller::try_connect(gateway).await?;
    for request in &requests {
        while !is_answered(&mut caller, request).await {
            if started.elapsed() > FILLED {
                return Err(io::Error::other("a gateway does not serve all of it"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

async fn is_answered(caller: &mut Caller, request: &Request) -> bool {
    caller.send(request).await;
    caller.answer().await.status == 200
}

/// Namespace and route of a change: all over the cluster.
pub(super) fn place(fill: &Fill, number: usize) -> (usize, usize) {
    // A prime that no number of namespaces here is a multiple of.
    let namespace = number * 37 % fill.namespaces();
    (namespace, number / fill.namespaces() % fill.routes)
}

/// Begins to ask every gateway for a model.
fn watch(world: &World, namespace: usize, model: &str) -> JoinSet<io::Result<Instant>> {
    let mut tasks = JoinSet::new();
    for gateway in world.gateways() {
        let request = Request::chat(&key(namespace), model);
        tasks.spawn(first_answer(gateway.listen, request));
    }
    tasks
}

async fn first_answer(gateway: SocketAddr, request: Request) -> io::Result<Instant> {
    let started = Instant::now();
    let mut caller = Caller::try_connect(gateway).await?;
    loop {
        if is_answered(&mut caller, &request).await {
            return Ok(Instant::now());
        }
        if started.elapsed() > LIMIT {
            return Err(io::Error::other("a change was not live after a minute"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// When the last of them had its answer.
async fn slowest(mut tasks: JoinSet<io::Result<Instant>>) -> io::Result<Instant> {
    let mut slowest = None;
    while let Some(done) = tasks.join_next().await {
        slowest = slowest.max(Some(done??));
    }
    slowest.ok_or_else(|| io::Error::other("there is no gateway"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_ranked() {
        let times = (1..=200).map(Duration::from_millis).collect();
        let times = Times::of(times);
        assert_eq!((times.p50, times.p99, times.most), (100.0, 198.0, 200.0));
        let none = Times::of(Vec::new());
        assert_eq!((none.p50, none.most), (0.0, 0.0));
    }
}
