//! What the operator counts, in the OpenMetrics text form.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of the histograms, in seconds: from one namespace to all of a large cluster.
const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByWatch {
    watch: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByVerb {
    verb: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByVerdict {
    kind: String,
    verdict: &'static str,
}

/// The counters. Clones count into the same.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    watch_errors: Family<ByWatch, Counter>,
    secret_writes: Family<ByVerb, Counter>,
    resources: Family<ByVerdict, Gauge>,
    /// 1 while this process leads.
    pub leader: Gauge,
    /// 1 while each CRD is there in a schema that is new enough.
    pub schema_ok: Gauge,
    /// Compilations.
    pub compiles: Counter,
    compile_seconds: Histogram,
    /// Namespaces that were published.
    pub publishes: Counter,
    publish_seconds: Histogram,
    /// Bytes of the data of Secrets that were written.
    pub published_bytes: Counter,
    /// The highest revision that was published.
    pub published_revision: Gauge,
    /// Statuses that were written.
    pub status_writes: Counter,
    /// Statuses that could not be written and were tried again.
    pub status_errors: Counter,
    /// Statuses that wait to be written.
    pub status_queue: Gauge,
    /// Events that were made.
    pub events: Counter,
    /// Events that were left out, since too many waited.
    pub events_dropped: Counter,
    /// Gateway pods that count.
    pub pods: Gauge,
    /// Those of them that do not run the newest revision.
    pub pods_behind: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("weir_operator");
        let histogram = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Arc::default(),
            watch_errors: Family::default(),
            secret_writes: Family::default(),
            resources: Family::default(),
            leader: Gauge::default(),
            schema_ok: Gauge::default(),
            compiles: Counter::default(),
            compile_seconds: histogram(),
            publishes: Counter::default(),
            publish_seconds: histogram(),
            published_bytes: Counter::<u64, AtomicU64>::default(),
            published_revision: Gauge::default(),
            status_writes: Counter::default(),
            status_errors: Counter::default(),
            status_queue: Gauge::default(),
            events: Counter::default(),
            events_dropped: Counter::default(),
            pods: Gauge::default(),
            pods_behind: Gauge::default(),
        };
        metrics.register(&mut registry);
        metrics.registry = Arc::new(registry);
        metrics
    }
}

impl Metrics {
    fn register(&self, to: &mut Registry) {
        to.register("leader", "1 while this process leads", self.leader.clone());
        to.register(
            "schema_ok",
            "1 while each CRD is there and no older than this binary needs",
            self.schema_ok.clone(),
        );
        to.register("compiles", "Compilations", self.compiles.clone());
        to.register_with_unit(
            "compile",
            "How long a compilation took",
            Unit::Seconds,
            self.compile_seconds.clone(),
        );
        to.register(
            "publishes",
            "Namespaces that were published",
            self.publishes.clone(),
        );
        to.register_with_unit(
            "publish",
            "From the arrival of a change to its publication",
            Unit::Seconds,
            self.publish_seconds.clone(),
        );
        to.register_with_unit(
            "published",
            "Data of Secrets that was written",
            Unit::Bytes,
            self.published_bytes.clone(),
        );
        to.register(
            "published_revision",
            "The highest revision that was published",
            self.published_revision.clone(),
        );
        to.register(
            "secret_writes",
            "Writes of published Secrets",
            self.secret_writes.clone(),
        );
        to.register(
            "status_writes",
            "Statuses that were written",
            self.status_writes.clone(),
        );
        to.register(
            "status_errors",
            "Statuses that could not be written and are tried again",
            self.status_errors.clone(),
        );
        to.register(
            "status_queue",
            "Statuses that wait to be written",
            self.status_queue.clone(),
        );
        to.register("events", "Events that were made", self.events.clone());
        to.register(
            "events_dropped",
            "Events that were left out because too many waited",
            self.events_dropped.clone(),
        );
        to.register(
            "resources",
            "Resources by kind and verdict",
            self.resources.clone(),
        );
        to.register(
            "pods",
            "Gateway pods that hold a lease and exist",
            self.pods.clone(),
        );
        to.register(
            "pods_behind",
            "Gateway pods that do not run the newest revision",
            self.pods_behind.clone(),
        );
        to.register(
            "watch_errors",
            "Watches that failed and were begun anew",
            self.watch_errors.clone(),
        );
    }

    /// A watch failed.
    pub fn watch_failed(&self, watch: &str) {
        let watch = watch.to_owned();
        self.watch_errors.get_or_create(&ByWatch { watch }).inc();
    }

    /// A published Secret was written.
    pub fn wrote_secret(&self, verb: &'static str, bytes: usize) {
        self.secret_writes.get_or_create(&ByVerb { verb }).inc();
        self.published_bytes.inc_by(bytes as u64);
    }

    /// A compilation took this long.
    pub fn compiled(&self, time: Duration) {
        self.compiles.inc();
        self.compile_seconds.observe(time.as_secs_f64());
    }

    /// A namespace was published, this long after the first change in it arrived.
    pub fn published(&self, time: Duration) {
        self.publishes.inc();
        self.publish_seconds.observe(time.as_secs_f64());
    }

    /// One more or less resource of this kind is accepted, or refused.
    pub fn judged(&self, kind: &str, accepted: bool, by: i64) {
        let verdict = if accepted { "accepted" } else { "refused" };
        let kind = kind.to_owned();
        self.resources
            .get_or_create(&ByVerdict { kind, verdict })
            .inc_by(by);
    }

    /// Nothing is judged any more.
    pub fn forget_verdicts(&self) {
        self.resources.clear();
    }

    /// The text form.
    ///
    /// # Errors
    /// Never, as it is written to memory.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown() {
        let metrics = Metrics::default();
        metrics.leader.set(1);
        metrics.wrote_secret("update", 700);
        metrics.judged("AIRoute", true, 2);
        metrics.watch_failed("Secret");
        metrics.compiled(Duration::from_millis(3));
        let text = metrics.text().unwrap();
        for line in [
            "weir_operator_leader 1\n",
            "weir_operator_published_bytes_total 700\n",
            "weir_operator_secret_writes_total{verb=\"update\"} 1\n",
            "weir_operator_resources{kind=\"AIRoute\",verdict=\"accepted\"} 2\n",
            "weir_operator_watch_errors_total{watch=\"Secret\"} 1\n",
            "weir_operator_compile_seconds_bucket{le=\"0.005\"} 1\n",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
