//! `tracer report`: what a recording comes to.

use anyhow::Result;

use crate::{cli, report, settings};

pub(super) fn run(args: &cli::Report) -> Result<u8> {
    report::run(&settings::report(args))
}
