//! `weir check`: what the gateway would say of a folder, without one.

mod folder;
mod report;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use weir_config::compile::{self, Input};

use crate::Exit;
use report::Report;

/// Check a folder of configuration, or a file, as the gateway would read it
///
/// Reads *.yaml, *.yml and *.json, nested, and says of every resource that
/// would be refused where it stands and what would be right, one line a problem:
///
///     FILE:LINE:COLUMN: KIND NAMESPACE/NAME: FIELD: MESSAGE (REASON)
///
/// References are followed within the folder, so give it all that is deployed
/// together. A ${VARIABLE} in a Secret that is not set in the environment is
/// taken to hold a good value. Nothing is sent anywhere.
///
/// Exit codes: 0 all is accepted, 1 something is refused, 2 wrong usage or
/// nothing that can be read.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The folder of configuration, or one file
    #[arg(value_name = "DIR")]
    path: PathBuf,

    /// The namespace of the gateway: providers of no other may use the gateway's
    /// own identity at a cloud
    #[arg(long, value_name = "NAME", default_value = "weir-system")]
    namespace: String,

    /// How to print the problems
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line a problem; a summary on stderr
    Text,
    /// One JSON document
    Json,
}

/// Checks, and prints what it found: problems to `out`, the rest to `err`.
pub(crate) fn run(
    arguments: &Arguments,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let read = match folder::read(&arguments.path) {
        Ok(read) => read,
        Err(error) => {
            writeln!(
                err,
                "weir: {} can't be read: {error}",
                arguments.path.display()
            )?;
            return Ok(Exit::Failed);
        }
    };
    let compiled = compile::check(&Input {
        documents: &read.documents,
        unreadable: &[],
        env: Some(&|name| std::env::var(name).ok()),
        previous: None,
        gateway_namespace: Some(&arguments.namespace),
    });
    let report = Report::new(&compiled, &read.problems);
    match arguments.format {
        Format::Text => report.text(out, err)?,
        Format::Json => report.json(out)?,
    }
    Ok(if report.is_clean() {
        Exit::Success
    } else {
        Exit::Refused
    })
}
