//! `weir-gateway`.

use std::process::ExitCode;

use clap::Parser;
use weir_gateway::flags::Flags;
use weir_gateway::process;

fn main() -> ExitCode {
    let flags = Flags::parse();
    process::log(&flags);
    // Every connection needs it, in both directions; one that is set already is the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match process::run(flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
