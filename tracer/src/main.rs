//! The command line program: parse, run, exit status.

use std::process::ExitCode;

use clap::Parser as _;
use tracer::{NotStarted, Refusal, cli::Cli, commands, settings::Usage};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match commands::run(&cli) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("tracer: {error:#}");
            ExitCode::from(exit_status(&error))
        }
    }
}

/// The contract's exit status for an error.
fn exit_status(error: &anyhow::Error) -> u8 {
    if let Some(not_started) = error.downcast_ref::<NotStarted>() {
        not_started.status
    } else if error.is::<Refusal>() {
        4
    } else if error.is::<Usage>() {
        2
    } else {
        1
    }
}
