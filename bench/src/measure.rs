//! What is measured, in which order.
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;

use crate::load::{self, Load};
use crate::mock::{Mock, Streaming};
use crate::process::{KEY, Proxy};

/// How much of what.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) repetitions: usize,
    pub(crate) streaming: Streaming,
    pub(crate) connections: usize,
    pub(crate) requests: usize,
    pub(crate) streams: usize,
    pub(crate) latencies: usize,
}

impl Plan {
    pub(crate) fn full(repetitions: usize) -> Self {
        Self {
            repetitions: repetitions.max(1),
            streaming: Streaming {
                chunks: 500,
                interval: Duration::from_millis(2),
            },
            connections: 16,
            requests: 400,
            streams: 16,
            latencies: 2_000,
        }
    }

    pub(crate) fn smoke() -> Self {
        Self {
            repetitions: 1,
            streaming: Streaming {
                chunks: 50,
                interval: Duration::from_millis(1),
            },
            connections: 4,
            requests: 25,
            streams: 4,
            latencies: 50,
        }
    }
}

/// One proxy's medians.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Results {
    pub(crate) name: String,
    /// CPU microseconds a request with a body of 1 KB.
    pub(crate) small_us: f64,
    /// The same with a body of 32 KB.
    pub(crate) large_us: f64,
    /// CPU microseconds a streamed chunk.
    pub(crate) chunk_us: f64,
    /// Wall-clock microseconds of a request of 1 KB, one at a time, beyond those without a proxy.
    pub(crate) added_p50_us: f64,
    pub(crate) added_p99_us: f64,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Small,
    Large,
    Stream,
}

/// Measures all proxies, interleaved: forth in one repetition, back in the next, so that what
/// drifts on the machine falls on all alike.
pub(crate) fn run(plan: &Plan, mock: &Mock, proxies: &[Proxy]) -> io::Result<Vec<Results>> {
    let mut all: Vec<Samples> = proxies.iter().map(|_| Samples::default()).collect();
    let mut direct = Samples::default();
    for kind in [Kind::Small, Kind::Large, Kind::Stream] {
        for (index, proxy) in proxies.iter().enumerate() {
            let warm = Plan {
                requests: plan.requests.div_ceil(4),
                ..plan.clone()
            };
            let _ = (index, cpu_per_unit(&warm, kind, mock, proxy)?);
        }
        for repetition in 0..plan.repetitions {
            let mut order: Vec<usize> = (0..proxies.len()).collect();
            if repetition % 2 == 1 {
                order.reverse();
            }
            for index in order {
                let sample = cpu_per_unit(plan, kind, mock, &proxies[index])?;
                all[index].of(kind).push(sample);
            }
        }
    }
    for _ in 0..plan.repetitions {
        direct.latency(plan, mock.address)?;
        for (proxy, samples) in proxies.iter().zip(&mut all) {
            samples.latency(plan, proxy.address)?;
        }
    }
    let results = proxies
        .iter()
        .zip(&mut all)
        .map(|(proxy, samples)| Results {
            name: proxy.name.to_owned(),
            small_us: median(&mut samples.small),
            large_us: median(&mut samples.large),
            chunk_us: median(&mut samples.stream),
            added_p50_us: median(&mut samples.p50) - median(&mut direct.p50),
            added_p99_us: median(&mut samples.p99) - median(&mut direct.p99),
        });
    Ok(results.collect())
}

#[derive(Debug, Default)]
struct Samples {
    small: Vec<f64>,
    large: Vec<f64>,
    stream: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Samples {
    fn of(&mut self, kind: Kind) -> &mut Vec<f64> {
        match kind {
            Kind::Small => &mut self.small,
            Kind::Large => &mut self.large,
            Kind::Stream => &mut self.stream,
        }
    }

    fn latency(&mut self, plan: &Plan, address: std::net::SocketAddr) -> io::Result<()> {
        let load = Load {
            connections: 1,
            requests: plan.latencies,
            path: CHAT,
            body: chat(1024, false),
            key: KEY.to_owned(),
        };
        let mut took = load::run(&load, address)?.took;
        took.sort_unstable();
        let at = |share: usize| took[(took.len() - 1) * share / 100].as_secs_f64() * 1e6;
        self.p50.push(at(50));
        self.p99.push(at(99));
        Ok(())
    }
}

/// CPU microseconds a request, or, of streams, a chunk. Fails where an answer is missing, is not
/// 200, or lacks a chunk.
fn cpu_per_unit(plan: &Plan, kind: Kind, mock: &Mock, proxy: &Proxy) -> io::Result<f64> {
    let (connections, requests, body) = match kind {
        Kind::Small => (plan.connections, plan.requests, chat(1024, false)),
        Kind::Large => (plan.connections, plan.requests, chat(32 * 1024, false)),
        Kind::Stream => (plan.streams, 1, chat(1024, true)),
    };
    let load = Load {
        connections,
        requests,
        path: CHAT,
        body,
        key: KEY.to_owned(),
    };
    let served = (
        mock.served.requests.load(Ordering::Relaxed),
        mock.served.chunks.load(Ordering::Relaxed),
    );
    let before = proxy.cpu()?;
    let outcome = load::run(&load, proxy.address)?;
    let used = proxy.cpu()?.saturating_sub(before);
    let asked = (connections * requests) as u64;
    let served = (
        mock.served.requests.load(Ordering::Relaxed) - served.0,
        mock.served.chunks.load(Ordering::Relaxed) - served.1,
    );
    let chunks = match kind {
        Kind::Stream => asked * plan.streaming.chunks as u64,
        Kind::Small | Kind::Large => 0,
    };
    let got = (
        outcome.good,
        outcome.bad,
        outcome.events,
        served.0,
        served.1,
    );
    if got != (asked, 0, chunks, asked, chunks) {
        return Err(io::Error::other(format!(
            "{}: the counts do not add up: asked {asked} requests and {chunks} chunks, but \
             (good, bad, chunks, requests at the mock, chunks of the mock) are {got:?}",
            proxy.name
        )));
    }
    let units = if chunks > 0 { chunks } else { asked };
    Ok(used.as_secs_f64() * 1e6 / units as f64)
}

/// Where a chat is asked for.
pub(crate) const CHAT: &str = "/v1/chat/completions";

/// The body of a chat of about `size` bytes.
pub(crate) fn chat(size: usize, stream: bool) -> Vec<u8> {
    let head = format!(
        "{{\"model\":\"bench\",\"stream\":{stream},\"messages\":[{{\"role\":\"system\",\"content\":\
         \"You are a helpful assistant.\"}},{{\"role\":\"user\",\"content\":\""
    );
    let tail = "\"}],\"temperature\":0.7}";
    let text = "Tell me what a weir is good for. ".bytes().cycle();
    let text = text.take(size.saturating_sub(head.len() + tail.len()));
    head.bytes().chain(text).chain(tail.bytes()).collect()
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    if samples.len() % 2 == 1 {
        samples[middle]
    } else {
        (samples[middle - 1] + samples[middle]) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(
            (
                median(&mut [3.0, 1.0, 2.0]),
                median(&mut [4.0, 1.0, 2.0, 3.0])
            ),
            (2.0, 2.5)
        );
    }

    #[test]
    fn a_chat_has_the_size_that_is_asked_for() {
        assert_eq!(
            (chat(1024, false).len(), chat(32 * 1024, true).len()),
            (1024, 32 * 1024)
        );
    }
}
