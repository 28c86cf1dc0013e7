//! The result, for people and for programs.
use std::fmt::Write as _;
use std::io;

use serde::Serialize;

use crate::measure::{Plan, Results};

/// A table with the ratio to nginx, which comes first.
pub(crate) fn text(plan: &Plan, results: &[Results]) -> String {
    let mut text = format!(
        "CPU time of one proxy process on one core; medians of {} runs, interleaved.\n\
         Plain: {} connections, each its next request at once, answers of 1 KB.\n\
         Streams: {} at once, {} chunks of 200 bytes each, one every {} ms.\n\
         Latency: 1 KB, one request at a time, beyond what the mock takes without a proxy.\n\n\
         {:<8}{:>18}{:>18}{:>18}{:>16}{:>16}\n",
        plan.repetitions,
        plan.connections,
        plan.streams,
        plan.streaming.chunks,
        plan.streaming.interval.as_millis(),
        "",
        "1 KB, us/req",
        "32 KB, us/req",
        "stream, us/chunk",
        "added p50, us",
        "added p99, us",
    );
    let base = results.first();
    for result in results {
        let ratio = |of: fn(&Results) -> f64| {
            let times = base.map_or(1.0, |base| of(result) / of(base));
            format!("{:.1} ({times:.2}x)", of(result))
        };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:<8}{:>18}{:>18}{:>18}{:>16.0}{:>16.0}",
            result.name,
            ratio(|result| result.small_us),
            ratio(|result| result.large_us),
            ratio(|result| result.chunk_us),
            result.added_p50_us,
            result.added_p99_us,
        );
    }
    text
}

/// The same as one JSON object.
pub(crate) fn json(plan: &Plan, results: &[Results]) -> io::Result<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Report<'a> {
        repetitions: usize,
        connections: usize,
        streams: usize,
        chunks: usize,
        chunk_interval_ms: u128,
        results: &'a [Results],
    }
    let report = Report {
        repetitions: plan.repetitions,
        connections: plan.connections,
        streams: plan.streams,
        chunks: plan.streaming.chunks,
        chunk_interval_ms: plan.streaming.interval.as_millis(),
        results,
    };
    serde_json::to_string_pretty(&report).map_err(io::Error::other)
}
