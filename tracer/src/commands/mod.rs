//! A page per command.

mod completions;
mod doctor;
mod export;
mod man;
mod record;
mod report;
mod run;
mod top;
mod trace;
mod zombies;

use std::io::Write as _;

use anyhow::{Context as _, Result};

use crate::{
    cli::{Cli, Command},
    sink::say,
};

/// Runs the command and returns the exit status.
pub fn run(cli: &Cli) -> Result<u8> {
    log_to_stderr(cli.verbose);
    match &cli.command {
        Command::Trace(args) => trace::run(args),
        Command::Run(args) => run::run(args),
        Command::Record(args) => record::run(args),
        Command::Export(args) => export::run(args),
        Command::Report(args) => report::run(args),
        Command::Top(args) => top::run(args),
        Command::Zombies(args) => zombies::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}

/// Prints the answer of a one-shot command. A closed pipe means that the reader has seen enough.
fn print(text: &[u8]) -> Result<u8> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(0),
    }
}

/// Errors that the BPF side logs are always shown, what we and it do with -v. Aya's own are left out: below
/// they are a thousand lines a session, and it warns where a kernel has no third number, which nothing here rests on.
fn log_to_stderr(verbose: bool) {
    struct Stderr;
    impl log::Log for Stderr {
        fn enabled(&self, of: &log::Metadata<'_>) -> bool {
            of.level() == log::Level::Error || of.target().starts_with("tracer")
        }
        fn log(&self, record: &log::Record<'_>) {
            if self.enabled(record.metadata()) {
                let level = record.level().as_str().to_lowercase();
                say(&format!("tracer: {level}: {}\n", record.args()));
            }
        }
        fn flush(&self) {}
    }
    let level = if verbose { log::LevelFilter::Info } else { log::LevelFilter::Error };
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(level);
    }
}
