//! Changes under load: nobody may notice one.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;
use weir_tests::cluster::World;
use weir_tests::{Caller, Request};

use super::change::place;
use super::cluster::{Fill, key, stable};

/// Callers at each gateway.
const CALLERS: usize = 8;
/// How long a caller waits before its next request: all of them together leave the machine room.
const PAUSE: Duration = Duration::from_millis(5);
/// How far apart the changes are.
const APART: Duration = Duration::from_millis(100);

/// What the callers saw.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Result {
    pub(crate) changes: usize,
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) seconds: f64,
}

/// Changes so many routes while callers use these and all others, on every gateway.
pub(super) async fn run(world: &World, fill: &Fill, changes: usize) -> io::Result<Result> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for gateway in world.gateways() {
        for number in 0..CALLERS {
            let requests = requests(fill, number);
            callers.spawn(call(gateway.listen, requests, Arc::clone(&stop)));
        }
    }
    let started = Instant::now();
    for number in 0..changes {
        let (namespace, route) = place(fill, number);
        fill.change(namespace, route, &format!("loaded-{number}"))
            .await?;
        tokio::time::sleep(APART).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut result = Result {
        changes,
        seconds: started.elapsed().as_secs_f64(),
        ..Result::default()
    };
    while let Some(done) = callers.join_next().await {
        // One that gave up has seen what no caller may see.
        let (requests, failed) = done.unwrap_or((1, 1));
        result.requests += requests;
        result.failed += failed;
    }
    Ok(result)
}

/// What one caller asks for in turn: routes all over the cluster, those that are changed too.
fn requests(fill: &Fill, caller: usize) -> Vec<Request> {
    let places = (0..64).map(|number| place(fill, number * CALLERS + caller));
    places
        .map(|(namespace, route)| Request::chat(&key(namespace), &stable(route)))
        .collect()
}

async fn call(gateway: SocketAddr, requests: Vec<Request>, stop: Arc<AtomicBool>) -> (u64, u64) {
    let (mut sent, mut failed) = (0, 0);
    let mut caller = None;
    for request in requests.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        sent += 1;
        let good = match &mut caller {
            Some(caller) => ask(caller, request).await,
            empty => match Caller::try_connect(gateway).await {
                Ok(new) => ask(empty.insert(new), request).await,
                Err(_) => false,
            },
        };
        if !good {
            failed += 1;
            caller = None;
        }
        tokio::time::sleep(PAUSE).await;
    }
    (sent, failed)
}

async fn ask(caller: &mut Caller, request: &Request) -> bool {
    caller.send_bytes(&request.bytes()).await.is_ok() && {
        match caller.try_head().await {
            Some(head) => {
                let (_, ended) = caller.rest_or_broken().await;
                head.status == 200 && ended.is_ok()
            }
            None => false,
        }
    }
}
