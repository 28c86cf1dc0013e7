//! What a process takes.

use std::fs;
use std::io;
use std::time::Duration;

use serde::Serialize;

/// Memory of a process, in bytes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Usage {
    /// Resident now.
    pub(crate) resident: u64,
    /// The most that ever was.
    pub(crate) peak: u64,
}

impl Usage {
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            number.map(|kib| kib * 1024)
        };
        match (kib("VmRSS:"), kib("VmHWM:")) {
            (Some(resident), Some(peak)) => Ok(Self { resident, peak }),
            _ => Err(io::Error::other(format!("process {pid} is gone"))),
        }
    }
}

/// Time on a CPU so far, of threads that have ended too, which the finer `schedstat` forgets.
pub(super) fn cpu(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in brackets, may hold anything. `utime` and `stime` are the fields 14 and 15 (proc(5)).
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}
