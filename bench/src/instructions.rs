//! What the gateway does for a request, counted by callgrind: instructions, and calls of its allocator. Unlike time, both are
//! nearly the same in every run, however busy the machine is. What the kernel does is not in it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::load::{self, Load};
use crate::measure::{CHAT, chat};
use crate::mock::{self, Streaming};
use crate::process::{KEY, Proxy};

/// Events of a streamed answer, its ends not counted.
const EVENTS: usize = 100;
/// Requests before it is counted: connections are made, and caches filled.
const WARM: usize = 20;
/// Plain requests that are counted.
const PLAIN: usize = 400;
/// Streams that are counted.
const STREAMS: usize = 20;

/// What is measured.
struct Case {
    name: &'static str,
    path: &'static str,
    /// The model that the caller asks for, which leads to a provider.
    model: &'static str,
    stream: bool,
}

const OPENAI: [Case; 2] = [
    case("chat, passed", CHAT, "bench", false),
    case("chat, passed, streamed", CHAT, "bench", true),
];

const ANTHROPIC: [Case; 4] = [
    case("messages, passed", "/v1/messages", "claude", false),
    case("messages, passed, streamed", "/v1/messages", "claude", true),
    case("chat at Anthropic", CHAT, "claude", false),
    case("chat at Anthropic, streamed", CHAT, "claude", true),
];

const fn case(name: &'static str, path: &'static str, model: &'static str, stream: bool) -> Case {
    Case {
        name,
        path,
        model,
        stream,
    }
}

/// What one request of a kind takes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Result {
    name: &'static str,
    /// In user space.
    instructions: u64,
    /// Calls of the allocator for new memory, or more of it.
    allocations: f64,
}

/// Measures the gateway at `path`.
pub(crate) fn run(path: &Path, openai_alone: bool) -> io::Result<Vec<Result>> {
    // Long enough that the gateway, slow as it is here, reads events one by one.
    let interval = Duration::from_millis(10);
    let mock = mock::start(Streaming {
        chunks: EVENTS,
        interval,
    })?;
    let dir = tempfile::tempdir()?;
    let proxy = Proxy::counted(path, mock.address, !openai_alone, dir.path())?;
    let cases = OPENAI
        .iter()
        .chain(ANTHROPIC.iter().filter(|_| !openai_alone));
    let mut results = Vec::new();
    let mut dumps = 0;
    for case in cases {
        let requests = if case.stream { STREAMS } else { PLAIN };
        ask(case, WARM.min(requests), &proxy)?;
        proxy.counts(dumps + 1, dir.path())?;
        ask(case, requests, &proxy)?;
        dumps += 2;
        let counted = proxy.counts(dumps, dir.path())?;
        let (instructions, allocations) =
            read(&counted).ok_or_else(|| io::Error::other("what callgrind wrote can't be read"))?;
        results.push(Result {
            name: case.name,
            instructions: instructions / requests as u64,
            allocations: allocations as f64 / requests as f64,
        });
    }
    Ok(results)
}

fn ask(case: &Case, requests: usize, proxy: &Proxy) -> io::Result<()> {
    let body = String::from_utf8(chat(1024, case.stream)).map_err(io::Error::other)?;
    let body = body.replacen(
        "\"bench\"",
        &format!("\"{}\",\"max_tokens\":512", case.model),
        1,
    );
    // Anthropic has no such role.
    let body = if case.path == CHAT {
        body
    } else {
        body.replacen("\"system\"", "\"user\"", 1)
    };
    let load = Load {
        connections: 1,
        requests,
        path: case.path,
        body: body.into_bytes(),
        key: KEY.to_owned(),
    };
    let outcome = load::run(&load, proxy.address)?;
    let events = if case.stream { requests * EVENTS } else { 0 };
    if outcome.good != requests as u64 || outcome.events < events as u64 {
        return Err(io::Error::other(format!(
            "{}: of {requests} requests {} were answered, with {} events",
            case.name, outcome.good, outcome.events
        )));
    }
    Ok(())
}

/// Instructions and allocations in a profile
/// (<https://valgrind.org/docs/manual/cl-format.html>): a name stands in full where it is first used, and by its number from
/// there on; `calls=` counts the calls of the `cfn=` before it.
fn read(profile: &str) -> Option<(u64, u64)> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut total = None;
    let (mut caller, mut callee) = ("", "");
    let mut allocations = 0;
    for line in profile.lines() {
        let Some((key, value)) = line.split_once(['=', ':']) else {
            continue;
        };
        match key {
            "fn" | "cfn" => {
                let (number, name) = value.split_once(' ').unwrap_or((value, ""));
                let name = match name {
                    "" => names.get(number).copied()?,
                    name => {
                        names.insert(number, name);
                        name
                    }
                };
                *(if key == "fn" {
                    &mut caller
                } else {
                    &mut callee
                }) = name;
            }
            "calls" if allocates(callee) && !caller.starts_with("mi_") => {
                allocations += value.split_whitespace().next()?.parse::<u64>().ok()?;
            }
            "totals" => total = value.trim().parse().ok(),
            _ => {}
        }
    }
    Some((total?, allocations))
}

/// The functions of mimalloc that Rust's interface to it calls.
fn allocates(name: &str) -> bool {
    [
        "mi_malloc_aligned",
        "mi_zalloc_aligned",
        "mi_realloc_aligned",
    ]
    .contains(&name)
}

/// As a table.
pub(crate) fn text(results: &[Result]) -> String {
    let mut text = format!(
        "Of one request to the gateway, in user space, by callgrind. Bodies and answers of 1 KB, streams of {EVENTS} events.\n\n\
         {:<32}{:>16}{:>16}\n",
        "", "instructions", "allocations"
    );
    for result in results {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:<32}{:>16}{:>16.1}",
            result.name, result.instructions, result.allocations
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_and_allocations_are_read_of_a_profile() {
        let profile = "version: 1\nevents: Ir\nfn=(1) main\n16 400\ncfn=(2) mi_malloc_aligned\n\
            calls=3 50\n16 400\nfn=(2)\n50 4\ncfn=(3) mi_realloc_aligned\ncalls=7 1\n1 7\nfn=(4) other\n\
            cfn=(3)\ncalls=2 1\n1 9\ncfn=(1)\ncalls=9 1\n1 1\ntotals: 820\n";
        assert_eq!(read(profile), Some((820, 5)));
        assert_eq!(read("events: Ir\n"), None);
    }
}
