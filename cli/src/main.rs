//! `weir`, the command line. Called `kubectl-weir`, it is a plugin of kubectl.

mod check;
mod cluster;
mod format;
mod keys;
mod prices;
mod slim;
mod status;
mod table;
mod time;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// Weir is an AI gateway for Kubernetes: teams declare in YAML which models their apps may use.
#[derive(Parser)]
#[command(name = "weir", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Arguments),
    Keys(keys::Arguments),
    Prices(prices::Arguments),
    Status(status::Arguments),
}

/// What a command came to. The numbers are the exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// All is well.
    Success = 0,
    /// The command ran, and what it looked at is not well, or what it was asked to do was refused.
    Refused = 1,
    /// The command could not run: wrong usage (clap's exit code, too), nothing to read, nobody to ask.
    Failed = 2,
}

/// Why a command came to no end of its own.
#[derive(Debug)]
enum Failure {
    /// What it has to say can't be written.
    Output(io::Error),
    /// What it was asked to do was refused, and nothing was changed.
    Refused(String),
    /// It could not do what it was asked.
    Failed(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

fn main() -> ExitCode {
    let command = match Cli::from_arg_matches(&arguments(std::env::args_os().collect())) {
        Ok(Cli { command }) => command,
        Err(error) => error.exit(),
    };
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    let result = match &command {
        Command::Check(arguments) => check::run(arguments, &mut out, &mut err).map_err(Into::into),
        Command::Keys(arguments) => keys::run(arguments, &mut out, &mut err),
        Command::Prices(arguments) => prices::run(arguments, &mut out),
        Command::Status(arguments) => status::run(arguments, &mut out, &mut err),
    };
    let result = result.and_then(|exit| out.flush().map(|()| exit).map_err(Into::into));
    // Nothing is left to tell where writing to stderr fails, too.
    let exit = match result {
        Ok(exit) => exit,
        // Whoever reads the output has had enough, as `head` has.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Refused,
        Err(Failure::Output(error)) => {
            let _ = writeln!(err, "weir: the output can't be written: {error}");
            Exit::Failed
        }
        Err(Failure::Refused(message)) => {
            let _ = writeln!(err, "weir: {message}");
            Exit::Refused
        }
        Err(Failure::Failed(message)) => {
            let _ = writeln!(err, "weir: {message}");
            Exit::Failed
        }
    };
    ExitCode::from(exit as u8)
}

/// Reads the command line. Help and usage name the command as it was called: `weir`, or `kubectl weir` where kubectl
/// did.
fn arguments(line: Vec<OsString>) -> clap::ArgMatches {
    let mut command = Cli::command();
    if line.first().is_some_and(|name| is_plugin(Path::new(name))) {
        command = command.bin_name("kubectl weir");
        let mut line = line;
        // Else clap takes the name of the file for that of the command.
        line.remove(0);
        return command.no_binary_name(true).get_matches_from(line);
    }
    command.get_matches_from(line)
}

fn is_plugin(called: &Path) -> bool {
    called
        .file_stem()
        .is_some_and(|name| name == "kubectl-weir")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_make_sense() {
        Cli::command().debug_assert();
    }

    #[test]
    fn kubectl_calls_its_plugin_by_its_name() {
        for (called, plugin) in [
            ("/usr/local/bin/kubectl-weir", true),
            ("kubectl-weir.exe", true),
            ("weir", false),
            ("/home/kubectl-weir/weir", false),
        ] {
            assert_eq!(is_plugin(Path::new(called)), plugin, "{called}");
        }
    }
}
