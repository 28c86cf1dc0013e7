//! What the gateway counts, in the Prometheus and OpenMetrics text form.
//!
//! Each worker counts into a [`Shard`] of its own, whose lock nobody else takes but a scrape, which
//! adds the shards up. Labels are bounded by the configuration: routes, providers, operations and
//! status codes, never what a caller wrote.

mod config;
mod credentials;
mod readings;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use weir_llm::Usage;

use config::Config;
use credentials::Credentials;
use readings::Readings;

pub use config::ConfigState;

use crate::live::Live;

/// Upper bounds of the histograms of time, in seconds: from a cached answer to a long generation.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0,
];

/// What a finished request is counted under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Served {
    /// `namespace/name` of the route, once it is known.
    pub route: Option<Arc<str>>,
    /// `namespace/name` of the provider that answered.
    pub provider: Option<Arc<str>>,
    /// The kind of call, as in the access log.
    pub operation: &'static str,
    /// Status that the caller got.
    pub status: u16,
    /// How the answer ended, as in the access log.
    pub outcome: &'static str,
}

#[derive(Debug, Default, Clone)]
struct Series {
    duration: Histogram,
    first_byte: Histogram,
    input_tokens: u64,
    output_tokens: u64,
    /// Nano-dollars.
    cost: u128,
}

#[derive(Debug, Clone)]
struct Histogram {
    sum: f64,
    counts: [u64; SECONDS.len() + 1],
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            sum: 0.0,
            counts: [0; SECONDS.len() + 1],
        }
    }
}

impl Histogram {
    fn observe(&mut self, value: Duration) {
        let seconds = value.as_secs_f64();
        self.sum += seconds;
        self.counts[SECONDS.partition_point(|bound| *bound < seconds)] += 1;
    }

    fn add(&mut self, other: &Self) {
        self.sum += other.sum;
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
    }

    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let buckets: Vec<(f64, u64)> = SECONDS
            .into_iter()
            .chain([f64::MAX])
            .zip(self.counts)
            .collect();
        encoder.encode_histogram::<NoLabelSet>(self.sum, self.total(), &buckets, None)
    }
}

/// The counts of one worker.
#[derive(Debug, Default)]
pub struct Shard {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    served: HashMap<Served, Series>,
    refusals: HashMap<&'static str, u64>,
    attempts: HashMap<(Arc<str>, &'static str), u64>,
    tokens: HashMap<&'static str, u64>,
}

impl Shard {
    /// Counts a request whose answer has ended.
    pub fn served(
        &self,
        key: Served,
        duration: Duration,
        first_byte: Option<Duration>,
        usage: Option<&Usage>,
        cost: Option<u64>,
    ) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let series = counts.served.entry(key).or_default();
        series.duration.observe(duration);
        if let Some(first_byte) = first_byte {
            series.first_byte.observe(first_byte);
        }
        if let Some(usage) = usage {
            series.input_tokens += usage.input;
            series.output_tokens += usage.output;
        }
        series.cost += cost.map_or(0, u128::from);
    }

    /// Counts an error that Weir itself answered.
    pub fn refused(&self, code: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.refusals.entry(code).or_default() += 1;
    }

    /// Counts a token of a ServiceAccount and what came of it.
    pub fn token(&self, result: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.tokens.entry(result).or_default() += 1;
    }

    /// Counts a call of a provider and how it went.
    pub fn attempted(&self, provider: &Arc<str>, outcome: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts
            .attempts
            .entry((Arc::clone(provider), outcome))
            .or_default() += 1;
    }
}

/// A value that is read when somebody asks.
pub type Gauge = Box<dyn Fn() -> u64 + Send + Sync>;

/// Everything that `/metrics` shows.
pub struct Metrics {
    shards: Vec<Arc<Shard>>,
    config: Arc<Mutex<ConfigState>>,
    registry: Registry,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Metrics of `workers` workers. `gauges` and `counters` are (name, help, value).
    pub fn new(
        workers: usize,
        gauges: Vec<(&'static str, &'static str, Gauge)>,
        counters: Vec<(&'static str, &'static str, Gauge)>,
    ) -> Self {
        let shards: Vec<Arc<Shard>> = (0..workers).map(|_| Arc::default()).collect();
        let config = Arc::new(Mutex::new(ConfigState::default()));
        let mut registry = Registry::with_prefix("weir");
        registry.register_collector(Box::new(Requests {
            shards: shards.clone(),
        }));
        registry.register_collector(Box::new(Config {
            state: Arc::clone(&config),
        }));
        registry.register_collector(Box::new(Readings { gauges, counters }));
        Self {
            shards,
            config,
            registry,
        }
    }

    /// Shows how it stands with the credentials of the configuration that serves.
    pub fn watch_credentials(&mut self, live: Arc<Live>) {
        self.registry
            .register_collector(Box::new(Credentials { live }));
    }

    /// The counts of worker `index`.
    pub fn shard(&self, index: usize) -> Arc<Shard> {
        Arc::clone(&self.shards[index % self.shards.len()])
    }

    /// Where the state of the configuration is kept.
    pub fn config(&self) -> Arc<Mutex<ConfigState>> {
        Arc::clone(&self.config)
    }

    /// The text of `/metrics`.
    ///
    /// # Errors
    /// A metric could not be written, which a `String` does not cause.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[derive(Debug)]
struct Requests {
    shards: Vec<Arc<Shard>>,
}

impl Collector for Requests {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut served: BTreeMap<Served, Series> = BTreeMap::new();
        let mut refusals: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut attempts: BTreeMap<(Arc<str>, &'static str), u64> = BTreeMap::new();
        let mut tokens: BTreeMap<&'static str, u64> = BTreeMap::new();
        for shard in &self.shards {
            let counts = shard.counts.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, series) in &counts.served {
                let sum = served.entry(key.clone()).or_default();
                sum.duration.add(&series.duration);
                sum.first_byte.add(&series.first_byte);
                sum.input_tokens += series.input_tokens;
                sum.output_tokens += series.output_tokens;
                sum.cost += series.cost;
            }
            for (code, count) in &counts.refusals {
                *refusals.entry(code).or_default() += count;
            }
            for (result, count) in &counts.tokens {
                *tokens.entry(result).or_default() += count;
            }
            for ((provider, outcome), count) in &counts.attempts {
                *attempts.entry((Arc::clone(provider), outcome)).or_default() += count;
            }
        }
        encode_served(&mut encoder, &served)?;

        let mut family = encoder.encode_descriptor(
            "refusals",
            "Errors that Weir itself answered, by code",
            None,
            MetricType::Counter,
        )?;
        for (code, count) in &refusals {
            count_of(&mut family, &[("code", *code)], *count)?;
        }
        let mut family = encoder.encode_descriptor(
            "token_verifications",
            "Tokens of ServiceAccounts, by what came of them",
            None,
            MetricType::Counter,
        )?;
        for (result, count) in &tokens {
            count_of(&mut family, &[("result", *result)], *count)?;
        }
        let mut family = encoder.encode_descriptor(
            "attempts",
            "Calls of providers, by how they went",
            None,
            MetricType::Counter,
        )?;
        for ((provider, outcome), count) in &attempts {
            let labels = [("provider", provider.as_ref()), ("outcome", *outcome)];
            count_of(&mut family, &labels, *count)?;
        }
        Ok(())
    }
}

fn encode_served(
    encoder: &mut DescriptorEncoder<'_>,
    served: &BTreeMap<Served, Series>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(
        "requests",
        "Requests whose answer has ended",
        None,
        MetricType::Counter,
    )?;
    for (key, series) in served {
        let status = key.status.to_string();
        let [route, provider, operation] = key.labels();
        let labels = [
            route,
            provider,
            operation,
            ("status", &status),
            ("outcome", key.outcome),
        ];
        count_of(&mut family, &labels, series.duration.total())?;
    }
    let mut family = encoder.encode_descriptor(
        "tokens",
        "Tokens that providers reported, or else Weir counted",
        None,
        MetricType::Counter,
    )?;
    for (key, series) in served {
        let [route, provider, operation] = key.labels();
        for (kind, count) in [
            ("input", series.input_tokens),
            ("output", series.output_tokens),
        ] {
            if count > 0 {
                let labels = [route, provider, operation, ("type", kind)];
                count_of(&mut family, &labels, count)?;
            }
        }
    }
    let mut family = encoder.encode_descriptor(
        "cost_usd",
        "What the tokens cost in US dollars, where a price is known",
        None,
        MetricType::Counter,
    )?;
    for (key, series) in served.iter().filter(|(_, series)| series.cost > 0) {
        let [route, provider, operation] = key.labels();
        let labels = [route, provider, operation];
        #[expect(clippy::cast_precision_loss, reason = "a metric is a float")]
        let dollars = series.cost as f64 / 1e9;
        family
            .encode_family(&labels)?
            .encode_counter::<NoLabelSet, f64, u64>(&dollars, None)?;
    }
    type Pick = fn(&Series) -> &Histogram;
    let histograms: [(&str, &str, Pick); 2] = [
        (
            "request_duration_seconds",
            "Time from a request's head to the end of its answer",
            |series| &series.duration,
        ),
        (
            "time_to_first_byte_seconds",
            "Time from a request's head to the first byte of a provider's answer",
            |series| &series.first_byte,
        ),
    ];
    for (name, help, pick) in histograms {
        // Status and outcome are left out here: they would multiply the buckets.
        let mut merged: BTreeMap<[(&str, &str); 3], Histogram> = BTreeMap::new();
        for (key, series) in served {
            if pick(series).total() > 0 {
                merged.entry(key.labels()).or_default().add(pick(series));
            }
        }
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, histogram) in &merged {
            histogram.encode(family.encode_family(labels)?)?;
        }
    }
    Ok(())
}

impl Served {
    fn labels(&self) -> [(&'static str, &str); 3] {
        [
            ("route", self.route.as_deref().unwrap_or_default()),
            ("provider", self.provider.as_deref().unwrap_or_default()),
            ("operation", self.operation),
        ]
    }
}

fn count_of(
    family: &mut MetricEncoder<'_>,
    labels: &impl EncodeLabelSet,
    count: u64,
) -> fmt::Result {
    family
        .encode_family(labels)?
        .encode_counter::<NoLabelSet, u64, u64>(&count, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_add_up_and_the_text_names_route_provider_and_status() {
        let metrics = Metrics::new(
            2,
            vec![("requests_in_flight", "Requests under way", Box::new(|| 7))],
            vec![],
        );
        let key = Served {
            route: Some("team/chat".into()),
            provider: Some("team/openai".into()),
            operation: "chat",
            status: 200,
            outcome: "complete",
        };
        let usage = Usage {
            input: 3,
            output: 4,
            ..Usage::default()
        };
        for worker in 0..2 {
            metrics.shard(worker).served(
                key.clone(),
                Duration::from_millis(30),
                Some(Duration::from_millis(20)),
                Some(&usage),
                Some(1_500_000_000),
            );
        }
        metrics.shard(0).refused("invalid_api_key");
        metrics
            .shard(1)
            .attempted(&"team/openai".into(), "answered");
        let text = metrics.text().expect("text");
        for line in [
            r#"weir_requests_total{route="team/chat",provider="team/openai",operation="chat",status="200",outcome="complete"} 2"#,
            r#"weir_tokens_total{route="team/chat",provider="team/openai",operation="chat",type="output"} 8"#,
            r#"weir_request_duration_seconds_bucket{le="0.05",route="team/chat",provider="team/openai",operation="chat"} 2"#,
            r#"weir_request_duration_seconds_bucket{le="0.025",route="team/chat",provider="team/openai",operation="chat"} 0"#,
            r#"weir_refusals_total{code="invalid_api_key"} 1"#,
            r#"weir_attempts_total{provider="team/openai",outcome="answered"} 1"#,
            "weir_requests_in_flight 7",
            "weir_config_revision 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
