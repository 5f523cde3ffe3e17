//! `tracer trace`: streams what happens on the machine.

use anyhow::Result;

use crate::{cli, session, settings};

pub(super) fn run(args: &cli::Trace) -> Result<u8> {
    session::run(&settings::trace(args)?)
}
