//! `tracer run`: the story of one command and all it starts.

use anyhow::Result;

use crate::{cli, session, settings};

pub(super) fn run(args: &cli::Run) -> Result<u8> {
    session::run(&settings::run(args)?)
}
