//! The result, for people and for programs.

use std::fmt::Write as _;
use std::io;

use super::{Results, Size};

const MIB: f64 = 1024.0 * 1024.0;

/// What was found, in sentences and a table.
pub(crate) fn text(results: &Results) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    if let Some(start) = &results.start {
        let _ = writeln!(
            text,
            "From the operator's start until both gateways serve all: {:.1} s. Until every status is written: {:.0} s, {} writes, at most {} a second.\n\
             Killed and started again, it leads and has nothing left to do after {:.1} s, 5 s of which are the lease of the one killed: {} Secrets written, {} statuses.\n",
            start.published_seconds,
            start.status_seconds,
            start.status_writes,
            start.most_status_writes_a_second,
            start.again_seconds,
            start.again_secret_writes,
            start.again_status_writes,
        );
    }
    let _ = writeln!(
        text,
        "One change of an AIRoute, from the beginning of the API call until both gateways serve it:\n\n\
         {:>10}{:>8}{:>9}{:>10}{:>10}{:>10}{:>11}{:>14}{:>12}{:>12}{:>14}",
        "namespaces",
        "routes",
        "changes",
        "p50, ms",
        "p99, ms",
        "most, ms",
        "call p50",
        "operator CPU",
        "Secrets, n",
        "published",
        "to a gateway",
    );
    for size in &results.sizes {
        let changes = &size.changes;
        let _ = writeln!(
            text,
            "{:>10}{:>8}{:>9}{:>10.0}{:>10.0}{:>10.0}{:>8.0} ms{:>11.1} ms{:>12.2}{:>10.0} B{:>12.0} B",
            size.namespaces,
            size.routes,
            changes.count,
            changes.live.p50,
            changes.live.p99,
            changes.live.most,
            changes.call.p50,
            changes.operator_cpu_ms,
            changes.secret_writes,
            changes.published_bytes,
            changes.gateway_bytes,
        );
    }
    text.push('\n');
    for size in &results.sizes {
        resources(&mut text, size);
    }
    let applies = &results.applies;
    let _ = writeln!(
        text,
        "\n{} times kubectl apply (which took {:.0} ms): live on both {:.0} ms after its end (p50), {:.0} ms (p99).",
        applies.count, applies.kubectl.p50, applies.live_after.p50, applies.live_after.p99,
    );
    let load = &results.load;
    let _ = write!(
        text,
        "{} changes under load: {} requests in {:.1} s, {} failed.",
        load.changes, load.requests, load.seconds, load.failed
    );
    text
}

fn resources(text: &mut String, size: &Size) {
    let gateways: Vec<String> = size
        .gateways
        .iter()
        .map(|gateway| {
            format!(
                "{:.0} MiB (peak {:.0})",
                gateway.resident as f64 / MIB,
                gateway.peak as f64 / MIB
            )
        })
        .collect();
    let _ = writeln!(
        text,
        "{} namespaces: operator {:.0} MiB (peak {:.0}), idle {:.1} % of a core, {:.2} statuses a change; gateways {}; largest Secret {} B.",
        size.namespaces,
        size.operator.resident as f64 / MIB,
        size.operator.peak as f64 / MIB,
        size.idle_percent,
        size.changes.status_writes,
        gateways.join(", "),
        size.largest_secret,
    );
}

/// The same as one JSON object.
pub(crate) fn json(results: &Results) -> io::Result<String> {
    serde_json::to_string_pretty(results).map_err(io::Error::other)
}
