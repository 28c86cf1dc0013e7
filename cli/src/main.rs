//! `weir`, the command line.

mod check;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
}

/// What a command came to. The numbers are the exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// All is well.
    Success = 0,
    /// The command ran, and what it looked at is not well.
    Refused = 1,
    /// The command could not run: wrong usage (clap's exit code, too), nothing to read.
    Failed = 2,
}

fn main() -> ExitCode {
    let Cli { command } = Cli::parse();
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    let result = match &command {
        Command::Check(arguments) => check::run(arguments, &mut out, &mut err),
    };
    let exit = match result.and_then(|exit| out.flush().map(|()| exit)) {
        Ok(exit) => exit,
        // Whoever reads the output has had enough, as `head` has.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Refused,
        Err(error) => {
            // Nothing is left to tell where this fails, too.
            let _ = writeln!(err, "weir: the output can't be written: {error}");
            Exit::Failed
        }
    };
    ExitCode::from(exit as u8)
}
