//! `weir-gateway`.

use std::process::ExitCode;

use clap::Parser;
use weir_gateway::flags::Flags;
use weir_gateway::process;

/// The gateway frees each request's buffers and takes the next one's. The allocator of the C library
/// gives them back to the kernel in between, and every page of them is faulted in anew: a tenth of
/// the cost of a request of 32 KB.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
