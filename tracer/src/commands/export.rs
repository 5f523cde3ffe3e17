//! `tracer export`: makes of a recording what other programs read.

use anyhow::Result;

use crate::{cli, playback, settings};

pub(super) fn run(args: &cli::Export) -> Result<u8> {
    playback::run(&settings::export(args))
}
