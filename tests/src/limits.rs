//! What the operating system grants and says of a process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Asks for `wanted` open files, for this process and those that it starts; gives how many there may be.
pub fn open_files(wanted: u64) -> u64 {
    let now = getrlimit(Resource::Nofile);
    let granted = now.maximum.map_or(wanted, |most| most.min(wanted));
    if now.current.is_some_and(|current| current < granted) {
        let raised = Rlimit {
            current: Some(granted),
            maximum: now.maximum,
        };
        setrlimit(Resource::Nofile, raised).unwrap();
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Bytes of memory that a process has resident.
#[must_use]
pub fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}
