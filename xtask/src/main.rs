//! Everything a contributor types: `cargo xtask <command>`.

mod bench;
mod bpf;
mod build;
mod check;
mod clean;
mod disk;
mod dist;
mod packages;
mod process;
mod run;
mod setup;
mod test;
mod vm;
mod workspace;

use std::{ffi::OsString, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{setup::Choice, workspace::Workspace};

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Development tasks of tracer")]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Compiler of the BPF object; the rest is built by the one cargo runs with
    #[arg(long, global = true, value_enum, default_value_t, env = "TRACER_COMPILER")]
    compiler: Choice,
}

#[derive(Subcommand)]
enum Command {
    /// Find or install what the BPF object needs; the other commands do so too
    Setup,
    /// Build tracer with its BPF object and print the path of the binary
    Build {
        /// Build with optimizations
        #[arg(long)]
        release: bool,
    },
    /// Build tracer, then run it as root
    Run {
        /// Build with optimizations
        #[arg(long)]
        release: bool,
        /// Arguments of tracer
        #[arg(last = true, default_value = "trace")]
        args: Vec<OsString>,
    },
    /// Check formatting, lints, documentation and dependencies
    Check,
    /// Check, then run all tests, the live ones as root
    Test(test::Options),
    /// Run the live tests under other kernels, in emulated machines
    Vm(vm::Options),
    /// Pack what people install: a static binary, a Debian package, a tarball; as root, try it out
    Dist,
    /// Measure what tracing costs, and keep it in docs/bench.json and BENCHMARKS.md
    Bench(bench::Options),
    /// Remove what was built
    Clean {
        /// Remove the installed tools as well
        #[arg(long)]
        all: bool,
    },
}

fn main() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> Result<()> {
    let workspace = Workspace::locate()?;
    match cli.command {
        Command::Setup => {
            let tools = setup::bpf_tools(&workspace, cli.compiler)?;
            eprintln!("compiler: {}", tools.rustc.display());
            eprintln!("linker:   {}", tools.linker.display());
            Ok(())
        }
        Command::Build { release } => {
            let binary = build::tracer(&workspace, cli.compiler, release)?;
            println!("{}", binary.display());
            Ok(())
        }
        Command::Run { release, args } => {
            let binary = build::tracer(&workspace, cli.compiler, release)?;
            run::replace_self(&binary, &args)
        }
        Command::Check => check::all(&workspace),
        Command::Test(options) => test::all(&workspace, cli.compiler, &options),
        Command::Vm(options) => vm::all(&workspace, cli.compiler, &options),
        Command::Dist => dist::all(&workspace, cli.compiler),
        Command::Bench(options) => bench::all(&workspace, cli.compiler, &options),
        Command::Clean { all } => clean::target(&workspace, all),
    }
}
