//! `tracer top`: what happens on the machine, or what a recording has, on a full screen.

use anyhow::Result;

use crate::{cli, settings, top};

pub(super) fn run(args: &cli::Top) -> Result<u8> {
    top::run(&settings::top(args)?)
}
