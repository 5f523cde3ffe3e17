//! `tracer record`: writes down what happens.

use anyhow::Result;

use crate::{cli, session, settings};

pub(super) fn run(args: &cli::Record) -> Result<u8> {
    session::run(&settings::record(args)?)
}
