//! `tracer trace`: streams what happens on the machine, or what a recording has.

use anyhow::Result;

use crate::{cli, playback, session, settings};

pub(super) fn run(args: &cli::Trace) -> Result<u8> {
    match &args.from {
        Some(from) => playback::run(&settings::replay(args, from)?),
        None => session::run(&settings::trace(args)?),
    }
}
