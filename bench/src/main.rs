//! Benchmarks that anyone can run.
//!
//! `weir-bench gateway` measures the gateway beside nginx as a plain proxy: both on the same core
//! in turn, with the same callers and the same mock provider, which share another core.
//! `weir-bench instructions` counts what the gateway does for a request under valgrind, which says the same on a busy machine.
//! `weir-bench live` and `weir-bench large` measure how soon a change of the configuration serves.
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod http;
mod instructions;
mod live;
mod load;
mod measure;
mod mock;
mod process;
mod report;

/// Benchmarks of Weir.
#[derive(Debug, Parser)]
#[command(name = "weir-bench")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The gateway's CPU time and latency beside nginx's, as a plain proxy.
    Gateway(Gateway),
    /// Instructions and allocations of the gateway per request, passed and translated.
    Instructions(Instructions),
    /// How soon a change serves: 1,000 routes in 100 namespaces on a real API server.
    Live(Live),
    /// The same with 10,000 routes in 1,000 namespaces, and what a start takes there. It takes half an hour.
    Large(Live),
}

#[derive(Debug, Args)]
struct Live {
    /// A few of each, for CI: that it runs and that no request fails.
    #[arg(long)]
    smoke: bool,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Args)]
struct Gateway {
    /// The gateway's binary; by default the one beside this binary.
    #[arg(long)]
    gateway: Option<PathBuf>,
    /// Also measure the wire alone: the binary of the gateway's example `relay`.
    #[arg(long)]
    relay: Option<PathBuf>,
    /// Leave the gateway itself out.
    #[arg(long, requires = "relay")]
    no_gateway: bool,
    /// nginx's binary.
    #[arg(long, default_value = "/usr/sbin/nginx")]
    nginx: PathBuf,
    /// The core for the proxies.
    #[arg(long, default_value_t = 0)]
    proxy_core: usize,
    /// The core for callers and mock provider.
    #[arg(long, default_value_t = 1)]
    load_core: usize,
    /// How often each is measured; the medians are shown.
    #[arg(long, default_value_t = 7)]
    repetitions: usize,
    /// A few seconds, for CI: that it runs and that the counts add up.
    #[arg(long)]
    smoke: bool,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Args)]
struct Instructions {
    /// The gateway's binary; by default the one beside this binary. An older one shows what a change costs.
    #[arg(long)]
    gateway: Option<PathBuf>,
    /// Leave out what needs Anthropic's dialect, which an older gateway may not know.
    #[arg(long)]
    openai_alone: bool,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn main() -> ExitCode {
    let result = match Cli::parse().what {
        What::Gateway(options) => gateway(&options),
        What::Instructions(options) => instructions(&options),
        What::Live(options) => live(&options, &live::Plan::live(options.smoke)),
        What::Large(options) => live(&options, &live::Plan::large(options.smoke)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "weir-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn gateway(options: &Gateway) -> io::Result<()> {
    install_nginx(&options.nginx)?;
    process::pin_self(options.load_core)?;
    let plan = if options.smoke {
        measure::Plan::smoke()
    } else {
        measure::Plan::full(options.repetitions)
    };
    let mock = mock::start(plan.streaming)?;
    let dir = tempfile::tempdir()?;
    let core = options.proxy_core;
    let mut proxies = vec![process::Proxy::nginx(
        &options.nginx,
        core,
        mock.address,
        dir.path(),
    )?];
    if let Some(relay) = &options.relay {
        proxies.push(process::Proxy::relay(relay, core, mock.address)?);
    }
    if !options.no_gateway {
        let path = gateway_at(options.gateway.as_deref())?;
        proxies.push(process::Proxy::gateway(
            &path,
            core,
            mock.address,
            dir.path(),
        )?);
    }
    let results = measure::run(&plan, &mock, &proxies)?;
    let text = match options.format {
        Format::Text => report::text(&plan, &results),
        Format::Json => report::json(&plan, &results)?,
    };
    writeln!(io::stdout(), "{text}")
}

/// The gateway's binary; by default the one beside this one.
fn gateway_at(path: Option<&Path>) -> io::Result<PathBuf> {
    match path {
        Some(path) => Ok(path.to_owned()),
        None => Ok(std::env::current_exe()?.with_file_name("weir-gateway")),
    }
}

fn instructions(options: &Instructions) -> io::Result<()> {
    let path = gateway_at(options.gateway.as_deref())?;
    let results = instructions::run(&path, options.openai_alone)?;
    let text = match options.format {
        Format::Text => instructions::text(&results),
        Format::Json => serde_json::to_string_pretty(&results).map_err(io::Error::other)?,
    };
    writeln!(io::stdout(), "{text}")
}

fn live(options: &Live, plan: &live::Plan) -> io::Result<()> {
    let results = live::run(plan)?;
    let text = match options.format {
        Format::Text => live::text(&results),
        Format::Json => live::json(&results)?,
    };
    writeln!(io::stdout(), "{text}")?;
    match results.load.failed {
        0 => Ok(()),
        failed => Err(io::Error::other(format!(
            "{failed} requests failed during changes"
        ))),
    }
}

/// nginx is measured as Debian ships it, and fetched from there where it is missing.
fn install_nginx(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    writeln!(
        io::stderr(),
        "weir-bench: installing nginx-light with apt-get"
    )?;
    let installed = Command::new("sh")
        .arg("-c")
        .arg("apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq nginx-light")
        .stdout(io::stderr())
        .status()?;
    // Debian starts what it installs; it would only be in the way.
    let _ = Command::new("service")
        .args(["nginx", "stop"])
        .stdout(io::stderr())
        .status();
    std::thread::sleep(Duration::from_millis(200));
    if installed.success() && path.exists() {
        Ok(())
    } else {
        Err(io::Error::other(format!(
            "there is no nginx at {} (apt-get install nginx-light)",
            path.display()
        )))
    }
}
