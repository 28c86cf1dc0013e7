//! `weir-operator`.

use std::process::ExitCode;

use clap::Parser;
use weir_operator::flags::Flags;
use weir_operator::process;

/// What is compiled and encoded comes and goes in bursts; the allocator of the C library would keep the peak of them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Every connection to the API server needs it; one that is set already is the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let flags = Flags::parse();
    process::log(&flags);
    match process::run(flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
