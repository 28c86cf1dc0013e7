//! How soon a change is live, and what it costs: a real API server, an operator and two gateways as
//! processes, with as many namespaces and routes as a plan says.

mod change;
mod cluster;
mod load;
mod report;
mod usage;

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use weir_tests::cluster::World;

use cluster::Fill;
use usage::Usage;

/// How much of what.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How many namespaces there are when it is measured, one after the other.
    pub(crate) sizes: Vec<usize>,
    /// Routes in each of them.
    pub(crate) routes: usize,
    /// Changes that are timed at each size.
    pub(crate) changes: usize,
    /// How often it is `kubectl apply` that changes something, at the last size.
    pub(crate) applies: usize,
    /// Changes under load, at the last size.
    pub(crate) under_load: usize,
    /// How long the operator is watched with nothing to do.
    pub(crate) idle: Duration,
    /// Fill the cluster before the operator starts, and time that.
    pub(crate) from_scratch: bool,
}

impl Plan {
    /// 1,000 routes in 100 namespaces, and 100 in 10 for comparison.
    pub(crate) fn live(is_smoke: bool) -> Self {
        Self {
            sizes: if is_smoke { vec![2, 5] } else { vec![10, 100] },
            routes: if is_smoke { 4 } else { 10 },
            changes: if is_smoke { 5 } else { 300 },
            applies: if is_smoke { 1 } else { 50 },
            under_load: if is_smoke { 5 } else { 100 },
            idle: Duration::from_secs(if is_smoke { 1 } else { 15 }),
            from_scratch: false,
        }
    }

    /// 10,000 routes in 1,000 namespaces.
    pub(crate) fn large(is_smoke: bool) -> Self {
        Self {
            sizes: vec![if is_smoke { 5 } else { 1_000 }],
            changes: if is_smoke { 5 } else { 200 },
            from_scratch: true,
            ..Self::live(is_smoke)
        }
    }
}

/// What was measured.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Results {
    /// From the operator's start; none where the cluster was filled under it.
    pub(crate) start: Option<Started>,
    /// At each size.
    pub(crate) sizes: Vec<Size>,
    /// `kubectl apply`.
    pub(crate) applies: change::Applies,
    pub(crate) load: load::Result,
}

/// What it takes to begin with a full cluster.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Started {
    /// Until both gateways serve every route.
    pub(crate) published_seconds: f64,
    /// Until every status is written.
    pub(crate) status_seconds: f64,
    pub(crate) status_writes: u64,
    /// In the second in which there were most.
    pub(crate) most_status_writes_a_second: u64,
    /// The same operator killed and started again: until it leads and has nothing left to do. The Lease of the one that
    /// was killed holds for 5 s of that.
    pub(crate) again_seconds: f64,
    pub(crate) again_secret_writes: u64,
    pub(crate) again_status_writes: u64,
}

/// What a change takes with so many namespaces.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Size {
    pub(crate) namespaces: usize,
    pub(crate) routes: usize,
    pub(crate) changes: change::Changes,
    /// Percent of a core with nothing to do.
    pub(crate) idle_percent: f64,
    pub(crate) operator: Usage,
    pub(crate) gateways: Vec<Usage>,
    /// The data of the largest Secret.
    pub(crate) largest_secret: usize,
}

/// Measures it all.
pub(crate) fn run(plan: &Plan) -> io::Result<Results> {
    for binary in ["WEIR_OPERATOR_BIN", "WEIR_GATEWAY_BIN"] {
        if std::env::var_os(binary).is_none() {
            let message = format!("{binary} names no binary: start this with bench/run");
            return Err(io::Error::other(message));
        }
    }
    weir_tests::limits::open_files(4096);
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(Box::pin(measure(plan)))
}

async fn measure(plan: &Plan) -> io::Result<Results> {
    say("starting an API server, an operator and two gateways");
    let world = World::new()
        .operators(1)
        .gateways(2)
        .gateway_flag("--access-log", "off");
    let Some(mut world) = world.of_its_own("the benchmark").await else {
        return Err(io::Error::other(
            "WEIR_TEST_KUBECONFIG is set: this is measured on an API server of its own alone",
        ));
    };
    let client = world.cluster().client().await;
    let mut results = Results::default();
    let mut fill = Fill::new(client, plan.routes);
    for &namespaces in &plan.sizes {
        if plan.from_scratch {
            world.operator_mut(0).stop().await;
            fill_up(&mut fill, namespaces).await?;
            results.start = Some(start(&mut world, &fill).await?);
        } else {
            fill_up(&mut fill, namespaces).await?;
            settle(&world, &fill).await?;
        }
        results.sizes.push(size(plan, &world, &fill).await?);
    }
    say("changing routes by kubectl apply");
    results.applies = change::apply(&world, &fill, plan.applies).await?;
    say("changing routes under load");
    results.load = load::run(&world, &fill, plan.under_load).await?;
    Ok(results)
}

async fn fill_up(fill: &mut Fill, namespaces: usize) -> io::Result<()> {
    let routes = fill.routes;
    say(&format!(
        "filling it: {namespaces} namespaces with {routes} routes each"
    ));
    fill.up_to(namespaces).await
}

/// Waits until every route serves on both gateways and every status is written.
async fn settle(world: &World, fill: &Fill) -> io::Result<()> {
    served(world, fill).await?;
    written(world, fill).await
}

/// Waits until every namespace's newest route answers on both gateways.
async fn served(world: &World, fill: &Fill) -> io::Result<()> {
    let model = cluster::stable(fill.routes - 1);
    let asked = (0..fill.namespaces()).map(|namespace| (namespace, model.as_str()));
    let asked: Vec<_> = asked.collect();
    change::wait_for_all(world, &asked).await
}

/// Waits until no status waits.
async fn written(world: &World, fill: &Fill) -> io::Result<()> {
    let wanted = fill.objects();
    let mut quiet = 0;
    until("every status is written", async || {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let operator = world.operator(0);
        let waiting = operator.metric("weir_operator_status_queue").await;
        quiet = if waiting == Some(0.0) { quiet + 1 } else { 0 };
        // It looks again after two seconds at what pods had not taken up.
        quiet >= 25 && fill.is_ready(wanted).await
    })
    .await
}

/// The most statuses that were written within any one second, as the API server's audit log has it.
fn most_in_a_second(requests: &[Value]) -> u64 {
    let times = requests.iter().filter(|request| {
        request["objectRef"]["subresource"] == "status" && request["verb"] == "patch"
    });
    let times = times.filter_map(|request| {
        let time: Timestamp = request["requestReceivedTimestamp"].as_str()?.parse().ok()?;
        Some(time.as_microsecond())
    });
    let mut times: Vec<i64> = times.collect();
    times.sort_unstable();
    let most = times.iter().enumerate().map(|(at, start)| {
        let within = times[at..].partition_point(|time| time - start < 1_000_000);
        within as u64
    });
    most.max().unwrap_or_default()
}

async fn start(world: &mut World, fill: &Fill) -> io::Result<Started> {
    say("starting the operator on it");
    let started = Instant::now();
    world.operator_mut(0).start().await;
    served(world, fill).await?;
    let published_seconds = started.elapsed().as_secs_f64();
    say(&format!(
        "published after {published_seconds:.1} s; waiting for statuses"
    ));
    written(world, fill).await?;
    let status_seconds = started.elapsed().as_secs_f64();
    let status_writes = status_writes(world).await;
    say("killing it, and starting it again");
    world.operator_mut(0).kill();
    let again = Instant::now();
    world.operator_mut(0).start().await;
    let operator = world.operator(0);
    until("the operator leads", async || {
        operator.metric("weir_operator_leader").await == Some(1.0)
            && operator.metric("weir_operator_compiles_total").await > Some(0.0)
            && operator.metric("weir_operator_status_queue").await == Some(0.0)
    })
    .await?;
    let again_seconds = again.elapsed().as_secs_f64();
    // Whatever it still wants to write, it does within its two seconds of patience.
    tokio::time::sleep(Duration::from_secs(3)).await;
    Ok(Started {
        published_seconds,
        status_seconds,
        status_writes,
        most_status_writes_a_second: most_in_a_second(&world.cluster().requests()),
        again_seconds,
        again_secret_writes: secret_writes(world).await,
        again_status_writes: self::status_writes(world).await,
    })
}

async fn size(plan: &Plan, world: &World, fill: &Fill) -> io::Result<Size> {
    let pid = world.operator(0).pid();
    say("watching the operator do nothing");
    let before = usage::cpu(pid)?;
    tokio::time::sleep(plan.idle).await;
    let idle = (usage::cpu(pid)? - before).as_secs_f64() / plan.idle.as_secs_f64();
    let changes = plan.changes;
    say(&format!("timing {changes} changes"));
    let changes = change::time(world, fill, changes, idle).await?;
    let gateways = world.gateways().iter();
    Ok(Size {
        namespaces: fill.namespaces(),
        routes: fill.count(),
        changes,
        idle_percent: idle * 100.0,
        operator: Usage::of(pid)?,
        gateways: gateways
            .map(|gateway| Usage::of(gateway.pid()))
            .collect::<io::Result<_>>()?,
        largest_secret: fill.largest_secret().await?,
    })
}

async fn status_writes(world: &World) -> u64 {
    let writes = world
        .operator(0)
        .metric("weir_operator_status_writes_total");
    writes.await.unwrap_or_default() as u64
}

async fn secret_writes(world: &World) -> u64 {
    let text = match world.operator(0).get("/metrics").await {
        Some(answer) => answer.text(),
        None => return 0,
    };
    let series = text
        .lines()
        .filter(|line| line.starts_with("weir_operator_secret_writes_total"));
    let counts = series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    counts.sum::<f64>() as u64
}

/// Asks until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> io::Result<()> {
    let started = Instant::now();
    while !is_so().await {
        if started.elapsed() > Duration::from_secs(40 * 60) {
            return Err(io::Error::other(format!(
                "waited 40 minutes in vain: {what}"
            )));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn say(text: &str) {
    let _ = writeln!(io::stderr(), "weir-bench: {text}");
}

pub(crate) use report::{json, text};

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn writes_within_a_second_are_those_of_any_second() {
        let write = |time: &str| {
            json!({
                "verb": "patch", "objectRef": {"subresource": "status"},
                "requestReceivedTimestamp": format!("2026-11-23T16:00:{time}Z"),
            })
        };
        let mut requests: Vec<Value> = ["00.9", "01.0", "01.899999", "01.9", "05.0"]
            .map(write)
            .into();
        requests.push(json!({"verb": "patch", "objectRef": {"resource": "leases"}}));
        assert_eq!(most_in_a_second(&requests), 3);
        assert_eq!(most_in_a_second(&[]), 0);
    }
}
