//! `tracer completions`: what a shell completes, from the definitions of the command line.

use anyhow::Result;
use clap::CommandFactory as _;

use super::print;
use crate::cli::{Cli, Completions};

pub(super) fn run(args: &Completions) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tracer", &mut script);
    print(&script)
}
