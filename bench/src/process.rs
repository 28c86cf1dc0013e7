//! The proxies under test: processes that are pinned, waited for, measured and ended.
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The key of the one caller.
pub(crate) const KEY: &str = "bench-0123456789abcdef0123456789abcdef";

/// The provider's key, as long as such are: answers are searched for it.
const PROVIDER_KEY: &str =
    "sk-proj-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklm";

/// The file that callgrind writes to.
const COUNTS: &str = "callgrind.out";

/// A running proxy. Ended when dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Proxy {
    /// nginx (from `path`) as a plain proxy with one worker.
    pub(crate) fn nginx(
        path: &Path,
        core: usize,
        upstream: SocketAddr,
        dir: &Path,
    ) -> io::Result<Self> {
        let address = free_address()?;
        let dir = dir.join("nginx");
        fs::create_dir_all(&dir)?;
        let at = dir.display();
        let config = format!(
            "daemon off;\nworker_processes 1;\npid {at}/nginx.pid;\nerror_log {at}/error.log warn;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\n  access_log {at}/access.log;\n  keepalive_requests 100000000;\n\
             \x20 client_body_temp_path {at}/body;\n  proxy_temp_path {at}/proxy;\n\
             \x20 fastcgi_temp_path {at}/fastcgi;\n  uwsgi_temp_path {at}/uwsgi;\n  scgi_temp_path {at}/scgi;\n\
             \x20 client_body_buffer_size 128k;\n\
             \x20 upstream mock {{ server {upstream}; keepalive 256; keepalive_requests 100000000; }}\n\
             \x20 server {{\n    listen {address};\n    location / {{\n      proxy_pass http://mock;\n\
             \x20     proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n\
             \x20     proxy_buffering off;\n    }}\n  }}\n}}\n"
        );
        let file = dir.join("nginx.conf");
        fs::write(&file, config)?;
        let mut command = pinned(core, path);
        command.arg("-p").arg(&dir).arg("-c").arg(&file);
        Self::start("nginx", command, address)
    }

    /// The gateway with one provider, one route and one key.
    pub(crate) fn gateway(
        path: &Path,
        core: usize,
        upstream: SocketAddr,
        dir: &Path,
    ) -> io::Result<Self> {
        Self::gateway_by(pinned(core, path), &gateway_config(upstream), dir)
    }

    /// The gateway under callgrind, which runs it some fifty times slower and counts what it does. With Anthropic's dialect, it
    /// has a provider of that too.
    pub(crate) fn counted(
        path: &Path,
        upstream: SocketAddr,
        anthropic: bool,
        dir: &Path,
    ) -> io::Result<Self> {
        let mut config = gateway_config(upstream);
        if anthropic {
            config.push_str(&anthropic_config(upstream));
        }
        let mut command = Command::new("valgrind");
        command.arg("--tool=callgrind").arg("--quiet");
        command.arg(format!(
            "--callgrind-out-file={}",
            dir.join(COUNTS).display()
        ));
        // Long copies by one instruction would be counted as one a byte.
        command.env(
            "GLIBC_TUNABLES",
            "glibc.cpu.x86_rep_movsb_threshold=1073741824",
        );
        command.arg(path);
        Self::gateway_by(command, &config, dir)
    }

    /// What the gateway under callgrind has done since it was asked last, as callgrind writes it.
    pub(crate) fn counts(&self, number: usize, dir: &Path) -> io::Result<String> {
        let pid = self.child.id().to_string();
        let output = Command::new("callgrind_control")
            .args(["--dump", &pid])
            .output()?;
        let file = dir.join(format!("{COUNTS}.{number}"));
        fs::read_to_string(file).map_err(|error| {
            let said = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!("callgrind wrote no counts: {error}: {said}"))
        })
    }

    fn gateway_by(mut command: Command, resources: &str, dir: &Path) -> io::Result<Self> {
        let (address, admin) = (free_address()?, free_address()?);
        let dir = dir.join("weir");
        let (config, state) = (dir.join("config"), dir.join("state"));
        fs::create_dir_all(&config)?;
        fs::create_dir_all(&state)?;
        fs::write(config.join("bench.yaml"), resources)?;
        let log = fs::File::create(dir.join("access.log"))?;
        command
            .arg("--config")
            .arg(&config)
            .arg("--state")
            .arg(&state);
        command.arg("--listen").arg(address.to_string());
        command.arg("--admin-listen").arg(admin.to_string());
        command.args(["--workers", "1"]).stdout(log);
        Self::start("weir", command, address)
    }

    /// The wire alone: the floor under the gateway.
    pub(crate) fn relay(path: &Path, core: usize, upstream: SocketAddr) -> io::Result<Self> {
        let address = free_address()?;
        let mut command = pinned(core, path);
        command.arg(address.to_string()).arg(upstream.to_string());
        Self::start("relay", command, address)
    }

    fn start(name: &'static str, mut command: Command, address: SocketAddr) -> io::Result<Self> {
        let child = command.stdin(Stdio::null()).spawn().map_err(|error| {
            io::Error::other(format!(
                "{name} could not be started ({:?}): {error}",
                command.get_program()
            ))
        })?;
        let mut proxy = Self {
            name,
            address,
            child,
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).is_err() {
            if let Some(status) = proxy.child.try_wait()? {
                return Err(io::Error::other(format!("{name} ended at once: {status}")));
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!(
                    "{name} does not listen on {address}"
                )));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(proxy)
    }

    /// The CPU time that the process and its children have used so far.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let mut nanoseconds = 0;
        for pid in family(self.child.id())? {
            nanoseconds += cpu_of(pid)?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx's worker ends with its master only if that is asked to stop.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let deadline = Instant::now() + Duration::from_secs(5);
        while let Ok(None) = self.child.try_wait() {
            if Instant::now() > deadline {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn pinned(core: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program);
    command
}

/// Pins this process, with the threads that it will start, to a core.
pub(crate) fn pin_self(core: usize) -> io::Result<()> {
    let pid = std::process::id().to_string();
    let output = Command::new("taskset")
        .args(["-a", "-p", "-c", &core.to_string(), &pid])
        .output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ))
    }
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// A process and its descendants.
fn family(root: u32) -> io::Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        // One that has ended meanwhile has no file any more.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(1));
        if let Some(parent) = parent.and_then(|parent| parent.parse::<u32>().ok()) {
            parents.push((pid, parent));
        }
    }
    let mut family = vec![root];
    let mut next = 0;
    while next < family.len() {
        let parent = family[next];
        next += 1;
        family.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
    }
    Ok(family)
}

/// Nanoseconds on a CPU, of all threads: the first number of `schedstat`, or, where the kernel keeps
/// none, clock ticks of 10 ms.
fn cpu_of(pid: u32) -> io::Result<u64> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task: PathBuf = task?.path();
        let schedstat = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
        match schedstat
            .split_whitespace()
            .next()
            .and_then(|number| number.parse::<u64>().ok())
        {
            Some(number) => nanoseconds += number,
            None => {
                let stat = fs::read_to_string(task.join("stat"))?;
                let after_name = stat.rsplit(')').next().unwrap_or_default();
                let ticks = after_name.split_whitespace().skip(11).take(2);
                let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
                nanoseconds += ticks * 10_000_000;
            }
        }
    }
    Ok(nanoseconds)
}

fn gateway_config(upstream: SocketAddr) -> String {
    format!(
        "apiVersion: weir.dev/v1alpha1\nkind: AIProvider\nmetadata: {{name: mock, namespace: bench}}\n\
         spec:\n  dialect: OpenAI\n  endpoint: http://{upstream}/v1\n\
         \x20 credentials: {{secretRef: {{name: mock, key: apiKey}}}}\n---\n\
         apiVersion: weir.dev/v1alpha1\nkind: AIRoute\nmetadata: {{name: chat, namespace: bench}}\n\
         spec:\n  models: [bench]\n  rules:\n  - backends:\n    - provider: {{name: mock}}\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: mock, namespace: bench}}\n\
         stringData: {{apiKey: {PROVIDER_KEY}}}\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: caller, namespace: bench}}\n\
         type: weir.dev/api-key\nstringData: {{key: {KEY}}}\n"
    )
}

fn anthropic_config(upstream: SocketAddr) -> String {
    format!(
        "---\napiVersion: weir.dev/v1alpha1\nkind: AIProvider\nmetadata: {{name: claude, namespace: bench}}\n\
         spec:\n  dialect: Anthropic\n  endpoint: http://{upstream}\n\
         \x20 credentials: {{secretRef: {{name: mock, key: apiKey}}}}\n---\n\
         apiVersion: weir.dev/v1alpha1\nkind: AIRoute\nmetadata: {{name: claude, namespace: bench}}\n\
         spec:\n  models: [claude]\n  rules:\n  - backends:\n    - provider: {{name: claude}}\n"
    )
}
