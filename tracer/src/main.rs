//! The command line program: parse, run, exit status.

use std::{io, process::ExitCode};

use clap::Parser as _;
use tracer::{NotStarted, Refusal, cli::Cli, commands, settings::Usage, sink::say};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return print(&answer),
    };
    match commands::run(&cli) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            say(&format!("tracer: {error:#}\n"));
            ExitCode::from(exit_status(&error))
        }
    }
}

/// Help, the version, or what is wrong with the usage.
fn print(answer: &clap::Error) -> ExitCode {
    match answer.print() {
        Err(error) if !answer.use_stderr() && error.kind() != io::ErrorKind::BrokenPipe => {
            say(&format!("tracer: cannot write to standard output: {error}\n"));
            ExitCode::FAILURE
        }
        _ => ExitCode::from(answer.exit_code() as u8),
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
