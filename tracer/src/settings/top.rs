//! A full screen: of what, and which processes.

use std::{io::IsTerminal as _, path::PathBuf};

use super::{Checked, Hooks, colors, filter, hooks, ring_size, wrong};
use crate::{cli, lifecycle::filter::Asked};

/// `tracer top`
pub struct Top {
    /// The recording, and how fast it is told; none: what happens now.
    pub from: Option<(PathBuf, f64)>,
    /// The trees to trace; none means every process.
    pub roots: Option<Vec<u32>>,
    /// Which processes; of `--min-zombie` and `--type`, which rows and what of a story.
    pub asked: Asked,
    /// Size of the ring buffer.
    pub ring_size: u32,
    /// Which hooks.
    pub hooks: Hooks,
    /// The mouse chooses, instead of selecting text.
    pub mouse: bool,
    /// With colours.
    pub color: bool,
}

/// `tracer top`
pub fn top(args: &cli::Top) -> Checked<Top> {
    if !args.speed.is_finite() || args.speed < 0.0 {
        return wrong(format!("--speed {}: takes a number, such as 1, 0.5 or 100", args.speed));
    }
    let asked = filter::asked(&args.filter, args.from.is_some())?;
    let ring_size = ring_size(args.ring_size.as_deref())?;
    if !std::io::stdout().is_terminal() {
        return wrong("top draws on a terminal, and standard output is none: see `tracer trace`");
    }
    Ok(Top {
        from: args.from.clone().map(|file| (file, args.speed)),
        roots: (!args.filter.pid.is_empty()).then(|| args.filter.pid.clone()),
        asked,
        ring_size,
        hooks: hooks(args.hooks),
        mouse: args.mouse,
        color: colors(),
    })
}
